"""Makes one planned clip: what is heard, what is seen, and the file."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from scipy.io import wavfile

from multimodal.files import atomic_path
from multimodal.synthetic.face import Canvas
from multimodal.synthetic.forge import fit_face, redraw_mouth, swap_face
from multimodal.synthetic.identity import Person, invent_person
from multimodal.synthetic.performance import mouth_from_sound, perform
from multimodal.synthetic.plan import PlannedClip, SwapMethod, SyntheticOptions, Take
from multimodal.synthetic.randomness import keyed_generator
from multimodal.synthetic.scene import Actor, Overlay, film
from multimodal.synthetic.voice import add_room, clone_voice, speak, vocode

# Writes media files whose bytes depend on their content alone: H.264 + AAC, WAV, FLAC, JPEG, PNG.


_AUDIO_BIT_RATE = 128_000
# x264 else picks an algorithm by processor, and its AVX-512 ones give other bytes from run to run.
_SAME_BYTES_ON_EVERY_CPU = {"x264-params": "cpu-independent=1"}


def write_video(
    path: str | Path,
    frames: Iterable[np.ndarray],
    *,
    frame_rate: int,
    crf: int,
    sound: np.ndarray | None = None,
    sample_rate: int = 44_100,
) -> None:
    """Write an MP4 with H.264 video and, where there is sound, AAC stereo of two equal channels.

    Shape: frames (height, width, 3) uint8 RGB with even sides; sound (samples,) float mono in [-1, 1].
    ``crf`` is x264's constant rate factor: higher is coarser. Encoding runs in one thread, for equal bytes.
    """
    with (
        atomic_path(path) as temporary,
        av.open(str(temporary), "w", options={"fflags": "+bitexact"}) as container,
    ):
        picture = None
        voice = _add_sound(container, sample_rate) if sound is not None else None
        written = 0
        for index, frame in enumerate(frames):
            picture = picture or _add_picture(container, frame.shape, frame_rate, crf)
            image = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            image.pts = index
            container.mux(picture.encode(image))
            if voice is not None and sound is not None:
                until = round((index + 1) * sample_rate / frame_rate)
                _encode_sound(container, voice, sound[written:until], written)
                written = until
        if picture is None:
            raise ValueError(f"no frame to write to {path}; give at least one")
        container.mux(picture.encode(None))
        if voice is not None and sound is not None:
            _encode_sound(container, voice, sound[written:], written)
            container.mux(voice.encode(None))


def write_audio(path: str | Path, sound: np.ndarray, *, sample_rate: int) -> None:
    """Write mono 16-bit sound as ``.wav`` or ``.flac``. Shape: sound (samples,) float in [-1, 1]."""
    samples = np.round(np.clip(sound, -1, 1) * 32767).astype(np.int16)
    with atomic_path(path) as temporary:
        if temporary.suffix == ".wav":
            wavfile.write(temporary, sample_rate, samples)
        elif temporary.suffix == ".flac":
            _write_flac(temporary, samples, sample_rate)
        else:
            raise ValueError(f"cannot write sound as {temporary.suffix!r}; choose .wav or .flac")


def _add_picture(
    container: av.container.OutputContainer, shape: tuple[int, ...], frame_rate: int, crf: int
) -> av.VideoStream:
    options = {"crf": str(crf), "preset": "veryfast", **_SAME_BYTES_ON_EVERY_CPU}
    stream = container.add_stream("libx264", rate=frame_rate, options=options)
    stream.height, stream.width = shape[:2]
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = Fraction(1, frame_rate)
    stream.codec_context.thread_count = 1
    return stream


def _add_sound(container: av.container.OutputContainer, sample_rate: int) -> av.AudioStream:
    stream = container.add_stream("aac", rate=sample_rate, layout="stereo", options={"aac_coder": "fast"})
    stream.bit_rate = _AUDIO_BIT_RATE
    return stream


def _encode_sound(
    container: av.container.OutputContainer, stream: av.AudioStream, samples: np.ndarray, start: int
) -> None:
    if not len(samples):
        return
    both = np.repeat(np.clip(samples, -1, 1).astype(np.float32)[None, :], 2, axis=0)
    frame = av.AudioFrame.from_ndarray(both, format="fltp", layout="stereo")
    frame.sample_rate = stream.sample_rate
    frame.time_base = Fraction(1, stream.sample_rate)
    frame.pts = start
    container.mux(stream.encode(frame))


def _write_flac(path: Path, samples: np.ndarray, sample_rate: int) -> None:
    with av.open(str(path), "w", format="flac") as container:
        stream = container.add_stream("flac", rate=sample_rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate = sample_rate
        frame.time_base = Fraction(1, sample_rate)
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_clip(root: Path, clip: PlannedClip, options: SyntheticOptions) -> None:
    """Make a clip and write it to its place under ``root``, in one atomic move."""
    num_frames = clip_frames(clip.take, options)
    filmed_sound = record(clip, clip.take, options, num_frames)
    sound = filmed_sound if clip.voice is None else forge_sound(clip, clip.voice, options, num_frames)
    if clip.method != "real":
        sound[: round(options.fake_leading_silence_seconds * options.sample_rate)] = 0
    write_video(
        root / clip.path,
        show(clip, options, filmed_sound=filmed_sound, sound=sound),
        frame_rate=options.frame_rate,
        crf=_crf(clip, options),
        sound=sound,
        sample_rate=options.sample_rate,
    )


def clip_frames(take: Take, options: SyntheticOptions) -> int:
    """Number of frames of a take, and of everything forged from it."""
    spread = options.clip_seconds_spread
    share = keyed_generator(options.seed, "length", take.person, take.number).uniform(1 - spread, 1 + spread)
    return max(2, round(options.clip_seconds * share * options.frame_rate))


def record(clip: PlannedClip, take: Take, options: SyntheticOptions, num_frames: int) -> np.ndarray:
    """The true sound of a take, for as long as ``num_frames`` frames: (samples,) float32 mono."""
    rng = keyed_generator(options.seed, "recording", take.person, take.number)
    voice = _person(clip, take, options).voice
    seconds = num_frames / options.frame_rate
    spoken = speak(voice, rng, seconds=seconds, sample_rate=options.sample_rate)
    return add_room(spoken, rng, sample_rate=options.sample_rate)


def forge_sound(clip: PlannedClip, voice: Take, options: SyntheticOptions, num_frames: int) -> np.ndarray:
    """What is put in the place of the true sound: another's true recording, or a cloned voice."""
    if clip.type_folder.endswith("RealAudio"):
        return record(clip, voice, options, num_frames)
    rng, rate = keyed_generator(options.seed, "cloned voice", clip.path), options.sample_rate
    clone = clone_voice(_person(clip, voice, options).voice, rng, strength=options.sound_strength)
    spoken = speak(clone, rng, seconds=num_frames / options.frame_rate, sample_rate=rate)
    return add_room(vocode(spoken, rng, sample_rate=rate, strength=options.sound_strength), rng, sample_rate=rate)


def show(
    clip: PlannedClip, options: SyntheticOptions, *, filmed_sound: np.ndarray, sound: np.ndarray
) -> Iterator[np.ndarray]:
    """What a clip shows: the lips as filmed, or forged to ``sound``.

    Yields (size, size, 3) uint8 RGB frames.
    """
    num_frames = clip_frames(clip.take, options)
    rng = keyed_generator(options.seed, "performance", clip.take.person, clip.take.number)
    performance = perform(rng, num_frames=num_frames, frame_rate=options.frame_rate)
    canvas = Canvas(_frame_size(clip, options))
    actor = Actor(_person(clip, clip.take, options).face, performance.light, canvas)
    mouth = _mouth(filmed_sound, options, num_frames)
    overlays = _forge(clip, options, actor, performance.light, mouth, sound) if _is_forged(clip) else []
    return film(actor, performance, mouth, overlays)


def _forge(
    clip: PlannedClip,
    options: SyntheticOptions,
    actor: Actor,
    light: tuple[float, float],
    mouth: np.ndarray,
    sound: np.ndarray,
) -> list[Overlay]:
    """What the forger lays over the picture: first another face, then lips to other sound."""
    rng = keyed_generator(options.seed, "forged picture", clip.path)
    strength, face, overlays = options.picture_strength, actor.face, []
    if clip.face is not None:
        donor = _person(clip, clip.face, options).face
        method: SwapMethod = "fsgan" if clip.method.startswith("fsgan") else "faceswap"
        swap = swap_face(
            rng, face, donor, method=method, strength=strength, light=light, mouth=mouth, canvas=actor.canvas
        )
        overlays.append(swap)
        face = fit_face(donor, face)
    if clip.voice is not None:
        lips = _mouth(sound, options, len(mouth))
        overlays.append(redraw_mouth(rng, face, strength=strength, light=light, mouth=lips, canvas=actor.canvas))
    return overlays


def _is_forged(clip: PlannedClip) -> bool:
    return clip.type_folder.startswith("Fake")


def _crf(clip: PlannedClip, options: SyntheticOptions) -> int:
    if _is_forged(clip) and options.fake_crf is not None:
        return options.fake_crf
    return options.crf


def _frame_size(clip: PlannedClip, options: SyntheticOptions) -> int:
    if _is_forged(clip) and options.fake_frame_size is not None:
        return options.fake_frame_size
    return options.frame_size


def _mouth(sound: np.ndarray, options: SyntheticOptions, num_frames: int) -> np.ndarray:
    return mouth_from_sound(
        sound, sample_rate=options.sample_rate, frame_rate=options.frame_rate, num_frames=num_frames
    )


def _person(clip: PlannedClip, take: Take, options: SyntheticOptions) -> Person:
    return invent_person(options.seed, take.person, race=clip.race, gender=clip.gender)
