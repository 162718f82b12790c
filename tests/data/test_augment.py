import dataclasses

import numpy as np
import pytest
import scipy.signal
import torch
from torchvision.transforms.v2 import functional as transforms

from multimodal.data.augment import Augmentation, PictureAugmentation, SoundAugmentation
from multimodal.data.augment.picture import (
    FACE_PARTS,
    UNCHANGED,
    change_pictures,
    draw_picture,
    placed_at_once,
    placed_in_turn,
)
from multimodal.data.augment.sound import (
    LOSSY_CODECS,
    SoundDraw,
    begin_sound,
    coloured_noise,
    finish_sounds,
    lossy_codec,
    reverberate,
    telephone_band,
    telephone_codec,
)
from multimodal.data.augment.white_noise import white_noise

RATE = 16_000
CPU = torch.device("cpu")
NO_PICTURE = PictureAugmentation(
    **{f.name: 0 for f in dataclasses.fields(PictureAugmentation) if f.name != "jpeg_quality"}  # at least 1
)
NO_SOUND = SoundAugmentation(**{f.name: 0 for f in dataclasses.fields(SoundAugmentation)})
PICTURE_CHANGES = {
    "crop_jitter": {"crop_jitter": 0.3},
    "flip": {"flip": 1},
    "brightness": {"brightness": 0.5},
    "contrast": {"contrast": 0.5},
    "saturation": {"saturation": 0.5},
    "hue": {"hue": 0.3},
    "resize": {"resize": 1, "resize_to": 0.3},
    "blur": {"blur": 1, "blur_sigma": 2.0},
    "noise": {"noise": 1, "noise_std": 0.2},
    "jpeg": {"jpeg": 1, "jpeg_quality": 10},
    "erase": {"erase": 1},
}
SOUND_CHANGES = {
    "shift": {"shift_seconds": 0.01},
    "reverberation": {"reverberation": 1, "reverberation_seconds": 0.3},
    "rawboost": {"rawboost": 1},
    "band_pass": {"band_pass": 1},
    "codec": {"codec": 1, "codec_bit_rate": 24_000},
    "noise": {"noise": 1, "noise_db": -10.0},
    "gain": {"gain_db": 12.0},
}


def picture() -> torch.Tensor:
    """Three crops as the store has them."""
    return torch.randint(256, (3, 3, 48, 48), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


def as_frames(crops: torch.Tensor) -> torch.Tensor:
    return crops.float() / 255


def voice() -> torch.Tensor:
    time = torch.arange(8000) / RATE
    return 0.3 * torch.sin(2 * np.pi * 150 * time) + 0.1 * torch.sin(2 * np.pi * 5000 * time)


def test_every_field_is_off_at_zero():
    assert torch.equal(NO_PICTURE(picture(), np.random.default_rng(0)), as_frames(picture()))
    assert torch.equal(NO_SOUND(voice(), np.random.default_rng(0), sample_rate=RATE), voice())


@pytest.mark.parametrize("name", PICTURE_CHANGES)
def test_each_change_of_the_picture_keeps_size_and_range_and_follows_its_generator(name):
    change = dataclasses.replace(NO_PICTURE, **PICTURE_CHANGES[name])
    one, again, other = (change(picture(), np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert one.shape == (3, 3, 48, 48)
    assert one.min() >= 0
    assert one.max() <= 1
    assert torch.equal(one, again)
    assert not torch.equal(one, as_frames(picture()))
    assert name == "flip" or not torch.equal(one, other)


@pytest.mark.parametrize("name", sorted(set(PICTURE_CHANGES) - {"noise"}))
def test_all_frames_of_a_window_are_changed_alike(name):
    still = picture()[:1].expand(3, -1, -1, -1)
    frames = dataclasses.replace(NO_PICTURE, **PICTURE_CHANGES[name])(still, np.random.default_rng(1))
    torch.testing.assert_close(frames[0], frames[2])


@pytest.mark.parametrize("name", SOUND_CHANGES)
def test_each_change_of_the_sound_keeps_length_and_range_and_follows_its_generator(name):
    change = dataclasses.replace(NO_SOUND, **SOUND_CHANGES[name])
    one, again = (change(voice(), np.random.default_rng(4), sample_rate=RATE) for _ in range(2))
    assert one.shape == voice().shape
    assert one.dtype == torch.float32
    assert one.abs().max() <= 1
    assert torch.equal(one, again)
    assert not torch.equal(one, voice())


def test_every_change_is_tested_here():
    switches = {f.name for f in dataclasses.fields(PictureAugmentation)}
    assert switches == set().union(*PICTURE_CHANGES.values())
    switches = {f.name for f in dataclasses.fields(SoundAugmentation)}
    assert switches == set().union(*SOUND_CHANGES.values())


def test_parts_of_a_face_lie_inside_the_crop():
    for top, left, height, width in FACE_PARTS.values():
        assert min(top, left) > 0
        assert max(top + 1.1 * height, left + 1.1 * width) <= 1


def level_db(sound: torch.Tensor, hertz: float) -> float:
    spectrum = torch.fft.rfft(sound).abs()
    return 20 * spectrum[round(hertz * len(sound) / RATE)].log10().item()


def test_a_telephone_keeps_its_band_only():
    narrow = telephone_band(voice(), RATE)
    assert level_db(voice(), 150) - level_db(narrow, 150) > 9
    coded = telephone_codec(voice(), RATE)
    assert level_db(voice(), 5000) - level_db(coded, 5000) > 30
    assert abs(level_db(voice(), 150) - level_db(coded, 150)) < 1


def speech_like(rate: int) -> torch.Tensor:
    """A rising tone that comes and goes: no two moments are alike, so that a delay shows."""
    time = torch.arange(rate) / rate
    return 0.3 * torch.sin(2 * np.pi * (300 + 400 * time) * time) * torch.sin(2 * np.pi * 3 * time).abs()


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100])
@pytest.mark.parametrize("name", LOSSY_CODECS)
def test_a_lossy_codec_changes_the_sound_and_delays_nothing(name, rate):
    sound = speech_like(rate)
    coded = lossy_codec(sound, name, bit_rate=32_000, sample_rate=rate)
    assert coded.shape == sound.shape
    assert not torch.equal(coded, sound)
    agreement = [torch.corrcoef(torch.stack([sound, coded.roll(-shift)]))[0, 1] for shift in range(-40, 41)]
    assert abs(int(np.argmax(agreement)) - 40) <= 1
    assert max(agreement) > 0.9


@pytest.mark.parametrize("name", LOSSY_CODECS)
def test_fewer_bits_lose_more(name):
    sound = speech_like(RATE) + 0.05 * coloured_noise(RATE, [0], tilts=[1.0], device=CPU)[0]
    few, many = (lossy_codec(sound, name, bit_rate=bits, sample_rate=RATE) for bits in (12_000, 64_000))
    assert (few - sound).square().mean() > (many - sound).square().mean()


@pytest.mark.parametrize("name", LOSSY_CODECS)
def test_a_sound_shorter_than_a_frame_of_a_codec_keeps_its_length(name):
    assert lossy_codec(voice()[:200], name, bit_rate=32_000, sample_rate=RATE).shape == (200,)


def test_a_room_delays_nothing_and_rings_on():
    click = torch.zeros(RATE)
    click[100] = 1.0
    wet = reverberate(click[None], [0], seconds=[0.3], sample_rate=RATE)[0]
    assert wet[:100].abs().max() < 1e-5
    assert wet.abs().argmax() == 100
    early, late = wet[101:1700].square().mean(), wet[3300:4900].square().mean()
    assert 10 * torch.log10(early / late) == pytest.approx(40, abs=3)  # 60 decibel in 0.3 s are 40 in 0.2 s


@pytest.mark.parametrize(("tilt", "fall_db"), [(0.0, 0.0), (1.0, 10.0)])
def test_noise_falls_with_frequency_as_its_tilt_says(tilt, fall_db):
    noise = coloured_noise(1 << 16, [0], tilts=[tilt], device=CPU)[0]
    power = torch.fft.rfft(noise).abs().square()
    assert noise.std() == pytest.approx(1, abs=1e-3)
    low, high = power[500:1000].mean(), power[5000:10000].mean()
    assert 10 * torch.log10(low / high) == pytest.approx(fall_db, abs=0.5)


def test_an_absent_modality_is_not_changed():
    inputs = {"video": torch.zeros(2, 3, 1, 1, dtype=torch.uint8), "audio": voice()}
    begun = Augmentation().begin(
        inputs, {"video": False, "audio": True}, np.random.default_rng(0), sample_rate=RATE
    )
    assert begun.inputs["video"] is inputs["video"]
    assert begun.picture == UNCHANGED
    assert begun.sound.gain != 1


EVERY_PICTURE = dataclasses.replace(
    NO_PICTURE, **{k: v for one in PICTURE_CHANGES.values() for k, v in one.items()}
)
EVERY_SOUND = dataclasses.replace(NO_SOUND, **{k: v for one in SOUND_CHANGES.values() for k, v in one.items()})


def test_a_window_is_changed_alike_whatever_its_batch_mates():
    draws = [draw_picture(EVERY_PICTURE, np.random.default_rng(seed)) for seed in range(3)]
    crops = torch.stack([picture(), picture().flip(0), picture().flip(1)])
    together = change_pictures(crops, draws, 32)
    for place in range(3):
        alone = change_pictures(crops[place : place + 1], draws[place : place + 1], 32)[0]
        torch.testing.assert_close(together[place], alone, rtol=0, atol=1e-6)
    begun = [begin_sound(voice(), EVERY_SOUND, np.random.default_rng(seed), sample_rate=RATE) for seed in range(3)]
    sounds, changes = torch.stack([one for one, _ in begun]), [draw for _, draw in begun]
    together = finish_sounds(sounds, changes, sample_rate=RATE)
    for place in range(3):
        alone = finish_sounds(sounds[place : place + 1], changes[place : place + 1], sample_rate=RATE)[0]
        torch.testing.assert_close(together[place], alone, rtol=0, atol=1e-6)


def test_rooms_and_noises_of_a_batch_are_what_a_window_by_itself_is_due():
    draws = [
        SoundDraw(room=(0.35, 5), noise=(0.1, 0.7, 6), gain=1.2),
        SoundDraw(noise=(0.02, 0.0, 7)),
        SoundDraw(room=(0.1, 1 << 61)),
        SoundDraw(room=(3.0, 8), gain=0.5),  # longer than the sound
    ]
    sounds = torch.stack([voice(), voice().roll(50), speech_like(RATE)[: len(voice())], voice().flip(0)])
    changed = finish_sounds(sounds, draws, sample_rate=RATE)
    for sound, draw, found in zip(sounds.double().numpy(), draws, changed, strict=True):
        expected = torch.from_numpy(finished_alone(sound, draw)).float()
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def finished_alone(sound: np.ndarray, draw: SoundDraw) -> np.ndarray:
    """Room, noise and loudness in double precision, as their definitions read."""

    def loudness(x: np.ndarray) -> float:
        return float(np.sqrt(np.mean(x**2)))

    if draw.room is not None:
        seconds, seed = draw.room
        time = np.arange(round(seconds * RATE)) / RATE
        response = 0.05 * 10 ** (-3 * time / seconds) * white_noise([seed], len(time), CPU)[0].numpy()
        response[0] = 1
        wet = scipy.signal.fftconvolve(sound, response)[: len(sound)]
        sound = wet * loudness(sound) / loudness(wet)
    if draw.noise is not None:
        level, tilt, seed = draw.noise
        spectrum = np.fft.rfft(white_noise([seed], len(sound), CPU)[0].double().numpy())
        spectrum *= np.maximum(np.arange(len(spectrum)), 1) ** (-tilt / 2)
        noise = np.fft.irfft(spectrum, len(sound))
        sound = sound + level * loudness(sound) * noise / noise.std()
    return np.clip(sound * draw.gain, -1, 1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="compares with a GPU")
def test_a_window_is_changed_alike_on_a_gpu():
    draws = [draw_picture(EVERY_PICTURE, np.random.default_rng(seed)) for seed in range(3)]
    crops = torch.stack([picture()] * 3)
    there = change_pictures(crops.cuda(), draws, 32).cpu()
    # resizing rounds to 256 levels, to one or the other of two neighbours
    torch.testing.assert_close(change_pictures(crops, draws, 32), there, rtol=0, atol=0.02)
    begun = [begin_sound(voice(), EVERY_SOUND, np.random.default_rng(seed), sample_rate=RATE) for seed in range(3)]
    sounds, changes = torch.stack([one for one, _ in begun]), [draw for _, draw in begun]
    there = finish_sounds(sounds.cuda(), changes, sample_rate=RATE).cpu()
    torch.testing.assert_close(finish_sounds(sounds, changes, sample_rate=RATE), there, rtol=0, atol=1e-4)


@pytest.mark.parametrize("frame_size", [32, 48, 64])
@pytest.mark.parametrize("resize", [0, 1])
def test_matrices_place_a_window_as_torchvision_resizes_it(frame_size, resize):
    options = PictureAugmentation(resize=resize, resize_to=0.3, crop_jitter=0.2)
    draws = [UNCHANGED, *(draw_picture(options, np.random.default_rng(seed)) for seed in range(7))]
    crops = torch.stack([picture()] * len(draws))
    at_once, in_turn = (place(crops, draws, frame_size) for place in (placed_at_once, placed_in_turn))
    # torchvision rounds to 256 levels along each side, and again where detail is lost on the way
    torch.testing.assert_close(at_once, in_turn.float(), rtol=0, atol=0.5 * 2 * (1 + resize) + 1e-3)
    assert (at_once - in_turn).abs().mean() < 0.4
    alone = placed_at_once(crops[3:4], draws[3:4], frame_size)
    torch.testing.assert_close(at_once[3:4], alone, rtol=0, atol=255e-6)


def test_colours_change_as_torchvision_changes_them():
    crops = (picture() // 4 + 96)[None]  # nothing reaches black or white, where torchvision cuts off at each step
    draw = UNCHANGED._replace(brightness=1.1, contrast=0.9, saturation=0.7)
    expected = transforms.adjust_brightness(as_frames(crops[0]), 1.1)
    expected = transforms.adjust_saturation(transforms.adjust_contrast(expected, 0.9), 0.7)
    torch.testing.assert_close(change_pictures(crops, [draw], 48)[0], expected, rtol=0, atol=2e-3)


def test_hashed_numbers_are_normal_and_those_of_two_seeds_apart():
    one, other = white_noise([3, 4], 1 << 16, CPU)
    for power, moment in enumerate((0, 1, 0, 3), 1):
        assert (one**power).mean().item() == pytest.approx(moment, abs=0.08)
    assert torch.corrcoef(torch.stack([one, other]))[0, 1].abs() < 0.02
    assert torch.corrcoef(torch.stack([one[:-1], one[1:]]))[0, 1].abs() < 0.02
