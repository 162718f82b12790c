"""Lips and sound: offsets that were put in are found, and of what cannot be told nothing is said."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from experiments.runs.lips import judge_synchrony
from multimodal.media.prepared import PreparedClip
from multimodal.synchrony import FEWEST_CLIPS, Synchrony, fit_synchrony, pair_of, to_json

SECONDS, RATE = 3.2, 25.0


def clip(number: int, *, seconds: float = SECONDS) -> PreparedClip:
    """A mouth that opens as a voice gets louder, in a face of its own brightness and noise."""
    generator = np.random.default_rng([5, number])
    steps = int(seconds * 400)
    loudness = gaussian_filter1d(generator.normal(size=steps), 30) * 15
    opening = np.clip(loudness, 0, None)
    frames = generator.normal(generator.uniform(90, 150), 4, (int(seconds * RATE), 24, 24, 3))
    at_frames = opening[(np.arange(len(frames)) * 400 / RATE).astype(int)]
    frames[:, 15:21, 8:16] -= 18 * at_frames[:, None, None, None]
    sound = generator.normal(0, 0.05, int(seconds * 16_000)) * np.repeat(opening, 40)[: int(seconds * 16_000)]
    return PreparedClip(
        clip_id=f"c/{number}",
        frame_rate=RATE,
        sample_rate=16_000,
        frames=np.clip(frames, 0, 255).astype(np.uint8),
        boxes=None,
        waveform=sound.astype(np.float32),
    )


@pytest.fixture(scope="module")
def learnt() -> Synchrony:
    pairs = [pair_of(clip(number)) for number in range(50)]
    return fit_synchrony(pairs[:25], pairs[25:])


def test_known_offsets_are_found_to_a_frame_and_intervals_hold_them(learnt):
    found = judge_synchrony(learnt, [pair_of(clip(number)) for number in range(100, 116)])
    assert found["median_error_seconds"] <= 1 / RATE
    assert found["coverage"] >= 0.9
    assert found["cannot_say"] <= 0.2


def test_sound_that_was_cut_earlier_leads_by_as_much(learnt):
    whole = clip(200, seconds=4.0)
    late = int(0.2 * whole.sample_rate)
    early = replace(whole, waveform=np.append(whole.waveform[late:], np.zeros(late, np.float32)))
    behind = replace(whole, waveform=np.append(np.zeros(late, np.float32), whole.waveform[:-late]))
    leads, lags = (learnt.offset(pair_of(one)) for one in (early, behind))
    assert leads.low <= 0.2 <= leads.high
    assert lags.low <= -0.2 <= lags.high
    assert leads.as_text().startswith("sound leads by ")
    assert lags.as_text().startswith("sound lags by ")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"waveform": np.zeros(int(SECONDS * 16_000), np.float32)}, "nothing is heard"),
        ({"frames": np.full((80, 24, 24, 3), 120, np.uint8)}, "the mouth does not move"),
        ({"waveform": None}, "picture and sound are not both there for long enough"),
        ({"frames": None}, "picture and sound are not both there for long enough"),
    ],
)
def test_of_silence_and_of_still_mouths_nothing_is_said(learnt, change, reason):
    offset = learnt.offset(pair_of(replace(clip(300), **change)))
    assert (offset.seconds, offset.reason) == (None, reason)
    assert offset.as_text() == f"lips and sound: cannot say ({reason})"


def test_of_the_sound_of_another_clip_mostly_nothing_is_said(learnt):
    said = [
        learnt.offset(pair_of(replace(clip(number), waveform=clip(number + 1).waveform))).seconds
        for number in range(400, 420)
    ]
    assert sum(one is not None for one in said) <= 4


def test_too_few_clips_teach_nothing_and_what_was_learnt_is_kept_as_json(learnt):
    with pytest.raises(ValueError, match=f"3 genuine training clips .* want {FEWEST_CLIPS}"):
        fit_synchrony([pair_of(clip(number)) for number in range(3)], [])
    again = Synchrony(**json.loads(json.dumps(to_json(learnt), allow_nan=False)))
    pair = pair_of(clip(500))
    assert again.offset(pair) == learnt.offset(pair)
