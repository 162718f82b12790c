"""Kaggle's "DeepFake_Audio" in its forms: DEEP-VOICE, and two versions of Fake-or-Real.

DEEP-VOICE has one recording of each of up to eight speakers and its conversion into every other voice;
``clips`` does not count there. Fake-or-Real has doubled folders and no speakers; most fakes' names tell of MP3.
"""

from functools import partial
from pathlib import Path

import numpy as np

from multimodal.synthetic.layouts import planned

SPEAKERS = ("biden", "linus", "margot", "musk", "obama", "ryan", "taylor", "trump")
_SAMPLE_RATES = (44_100, 48_000, 40_000)
_AUDIO = "KAGGLE/AUDIO"


def deep_voice(options: planned.LayoutOptions) -> planned.Tree:
    """Names of fakes are capitalised, as some of the real ones are; the feature table names no file."""
    speakers = SPEAKERS[: options.identities]
    reals, fakes = [], []
    for index, source in enumerate(speakers):
        rate, take = _SAMPLE_RATES[index % len(_SAMPLE_RATES)], planned.Take(f"deep_voice/{source}")
        reals.append(_stereo(f"{_AUDIO}/REAL/{source}-original.wav", planned.Sound(take), rate))
        for target in speakers:
            if target != source:
                sound = planned.Sound(take, "rvc", f"deep_voice/{target}")
                path = f"{_AUDIO}/FAKE/{source.capitalize()}-to-{target.capitalize()}.wav"
                fakes.append(_stereo(path, sound, rate))
    first, second = speakers[:2]
    demonstration = planned.AudioFile(
        path=f"DEMONSTRATION/{first}-to-{second}.mp3",
        sound=planned.Sound(planned.Take(f"deep_voice/{first}"), "rvc", f"deep_voice/{second}"),
        sample_rate=44_100,
    )
    table = planned.LateTextFile(
        path="KAGGLE/DATASET-balanced.csv", write=partial(_features, [audio.path for audio in (*reals, *fakes)])
    )
    return planned.Tree(files=[*reals, *fakes, demonstration, table], roots=("", "KAGGLE"))


def for_norm(options: planned.LayoutOptions) -> planned.Tree:
    """Fake-or-Real, normalised."""
    return _fake_or_real(options, "for-norm/for-norm", "", None)


def for_2sec(options: planned.LayoutOptions) -> planned.Tree:
    """Fake-or-Real, cut to two seconds."""
    return _fake_or_real(options, "for-2sec/for-2seconds", "_2sec.wav", 2.0)


def _fake_or_real(options: planned.LayoutOptions, folder: str, ending: str, seconds: float | None) -> planned.Tree:
    few = max(1, options.recordings // 4)
    files: list[planned.File] = []
    for split, count in (("training", 2 * few), ("validation", few), ("testing", few)):
        for number in range(count):
            # All fakes of the test split come from a system that training does not have.
            system = "wavenet" if split == "testing" else "deepvoice"
            take, origin = planned.Take(f"for/{split}", number), ".mp3" if number % 7 else ""
            for label, sound, name in (
                ("real", planned.Sound(take), f"file{number}.wav"),
                (
                    "fake",
                    planned.Sound(take._replace(number=number + 1000), system, take.person),
                    f"file{number}{origin}.wav",
                ),
            ):
                path = f"{folder}/{split}/{label}/{name}_16k.wav_norm.wav_mono.wav_silence.wav{ending}"
                files.append(planned.AudioFile(path=path, sound=sound, seconds=seconds))
    return planned.Tree(files=files, roots=("", folder.partition("/")[0], folder))


def _stereo(path: str, sound: planned.Sound, sample_rate: int) -> planned.AudioFile:
    return planned.AudioFile(path=path, sound=sound, sample_rate=sample_rate, channels=2)


def _features(paths: list[str], root: Path) -> str:
    """A row of measurements and a label for each file, but no word about which file it is."""
    from scipy.io import wavfile  # as slow to import as all else that a plan needs

    rows = []
    for path in paths:
        _, samples = wavfile.read(root / path)
        mono = samples[:, 0] / 32768
        rms, crossings = np.sqrt(np.mean(mono**2)), np.mean(np.diff(np.signbit(mono)))
        rows.append((f"{rms:.6f}", f"{crossings:.6f}", path.split("/")[-2]))
    return planned.csv_text([("rms", "zero_crossing_rate", "LABEL"), *rows])


LAYOUT = planned.Layout(
    name="deepfake_audio",
    variants={"deep_voice": deep_voice, "for_norm": for_norm, "for_2sec": for_2sec},
)
