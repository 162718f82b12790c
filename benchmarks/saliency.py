"""Whether maps of where a forgery is seen are true, on generated media of which it is known where they are forged.

    python -m benchmarks.saliency [--seeds N]

A small detector learns drawn faces whose mouth was drawn again or whose face was swapped, and spoken sound in
which a band of tones gave way to noise for a moment; windows of other people are then explained by each method.
Measured are the share of what speaks for fake that lies where the forgery is, beside the share of cells there; how
fast P(fake) falls and rises as cells go and come in the map's order, against random orders (one-sided Wilcoxon
test over windows); and how alike the maps of the detector are to those of one with random weights (rank
correlation, Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018).

The exit status is 1 where the default method is no better than chance or keeps its maps.
"""

import sys
from collections.abc import Iterator
from typing import NamedTuple, get_args

import numpy as np
import torch
import tyro
from einops import reduce
from PIL import Image
from scipy.stats import spearmanr, wilcoxon
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from encoders import create_encoder
from fusion import create_fusion
from multimodal.data.cutting import WindowShape
from multimodal.data.delivery import stack, to_device
from multimodal.data.windows import window_tensors
from multimodal.detector import AudioVisualDetector
from multimodal.labels import MODALITIES, Modality
from multimodal.media.prepared import PreparedClip
from multimodal.saliency import MaskedWindow, Method, band_of_bin, explain, faithfulness, share_inside
from multimodal.synthetic import SyntheticOptions
from multimodal.synthetic.clip import clip_frames, record, show
from multimodal.synthetic.plan import PlannedClip, plan_clips

SHAPE = WindowShape(num_frames=5, frame_size=64, frame_rate=10.0, sample_rate=16_000, silent_ends="keep")


class Planted(NamedTuple):
    """A window in memory, whether each modality is forged, and which cells of each are."""

    window: PreparedClip
    is_fake: dict[Modality, bool]
    where: dict[Modality, np.ndarray]


class Truth(NamedTuple):
    """What came out of one method and modality."""

    inside: float
    area: float
    deletion: tuple[float, float, float]
    insertion: tuple[float, float, float]
    alike: float

    @property
    def holds(self) -> bool:
        """Whether the map is better than chance in every respect, and depends on the weights."""
        is_faster = self.deletion[2] < 0.01 and self.insertion[2] < 0.01
        return self.inside > self.area and is_faster and abs(self.alike) < 0.5


def main(seeds: int = 3, steps: int = 250, windows: int = 40) -> int:
    """Train, explain and judge.

    Args:
        seeds: trainings.
        steps: of each.
        windows: forged ones that are explained.
    """
    holds = True
    for seed in range(seeds):
        learnt, asked = planted_windows(seed)
        detector = small_detector(seed)
        fit(detector, SHAPE, learnt, steps=steps, seed=seed)
        print(f"seed {seed}: {_accuracy(detector, asked):.2f} of the labels of windows of other people are right")
        for modality in MODALITIES:
            forged = [one for one in asked if one.is_fake[modality]][:windows]
            for method in get_args(Method):
                truth = judge_maps(detector, small_detector(seed + 100), SHAPE, forged, modality, method)
                print(f"  {modality} {method}: {_line(truth)}")
                holds &= truth.holds or method != "integrated_gradients"
    return 0 if holds else 1


def _line(truth: Truth) -> str:
    curves = (
        f"{name} {ours:.3f} (random {theirs:.3f}, p = {p:.2g})"
        for name, (ours, theirs, p) in (("deletion", truth.deletion), ("insertion", truth.insertion))
    )
    where = f"{truth.inside:.2f} of it inside {truth.area:.2f} of the cells"
    return f"{where}; {', '.join(curves)}; rank correlation with random weights {truth.alike:+.2f}"


def small_detector(seed: int, size: int = SHAPE.frame_size) -> AudioVisualDetector:
    """A detector of small CNNs whose maps have some resolution."""
    torch.manual_seed(seed)
    encoders = {
        "video": create_encoder("frames", backbone="test_resnet", frame_size=size, stage=2),
        "audio": create_encoder("spectrogram", backbone="test_resnet", stage=1),
    }
    dims = {name: encoder.embed_dim for name, encoder in encoders.items()}
    fusion = create_fusion("score", dims=dims, out_dim=16)
    return AudioVisualDetector(encoders=encoders, fusion=fusion, dropout=0.0).eval()


def fit(
    detector: AudioVisualDetector, shape: WindowShape, learnt: list[Planted], *, steps: int, seed: int
) -> None:
    """A short training on windows in memory, by all heads."""
    batch = to_device(stack([window_tensors(one.window, shape) for one in learnt]), "cpu")
    fake = {name: torch.tensor([one.is_fake[name] for one in learnt]).long() for name in MODALITIES}
    classes = 2 * fake["video"] + fake["audio"]
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(detector.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    detector.train()
    for _ in range(steps):
        rows = torch.randint(len(learnt), (24,), generator=generator)
        output = detector({name: value[rows] for name, value in batch["inputs"].items()})
        loss = cross_entropy(output.class_logits, classes[rows])
        for name in MODALITIES:
            loss = loss + binary_cross_entropy_with_logits(output.modality_logits[name], fake[name][rows].float())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    detector.eval()


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Rank correlation of two maps; 0 where one is even and so ranks nothing."""
    if one.min() == one.max() or other.min() == other.max():
        return 0.0
    return float(spearmanr(one.ravel(), other.ravel()).statistic)


def judge_maps(
    detector: AudioVisualDetector,
    untaught: AudioVisualDetector,
    shape: WindowShape,
    forged: list[Planted],
    modality: Modality,
    method: Method,
    *,
    orders: int = 10,
) -> Truth:
    """How true the maps of one method are of forged windows, beside so many random orders of cells of each."""
    generator = np.random.default_rng(0)
    rows, alike = [], []
    for one in forged:
        cells = explain(detector, one.window, shape, modality, method).cells
        masked = MaskedWindow(detector, one.window, shape, modality)
        ours = faithfulness(masked, np.argsort(-cells.ravel()).tolist())
        theirs = [faithfulness(masked, generator.permutation(cells.size).tolist()) for _ in range(orders)]
        random = np.mean(theirs, axis=0)
        region = one.where[modality]
        rows.append((share_inside(cells, region), region.mean(), *ours, *random))
        other = explain(untaught, one.window, shape, modality, method).cells
        alike.append(likeness(cells, other))
    inside, area, deletion, insertion, random_deletion, random_insertion = np.array(rows).T
    return Truth(
        float(inside.mean()),
        float(area.mean()),
        (deletion.mean(), random_deletion.mean(), _p(random_deletion - deletion)),
        (insertion.mean(), random_insertion.mean(), _p(insertion - random_insertion)),
        float(np.mean(alike)),
    )


def _p(gains: np.ndarray) -> float:
    return float(wilcoxon(gains, alternative="greater").pvalue)


@torch.inference_mode()
def _accuracy(detector: AudioVisualDetector, asked: list[Planted]) -> float:
    batch = to_device(stack([window_tensors(one.window, SHAPE) for one in asked]), "cpu")
    logits = detector(batch["inputs"]).modality_logits
    right = [(logits[name] > 0) == torch.tensor([one.is_fake[name] for one in asked]) for name in MODALITIES]
    return float(torch.cat(right).float().mean())


# Generated media of which it is known where they are forged.


def planted_windows(seed: int) -> tuple[list[Planted], list[Planted]]:
    """Windows to learn from and, of other people, to ask about: genuine and forged ones of the same takes."""
    options = SyntheticOptions(
        groups=10, identities_per_group=2, clip_seconds=0.6, frame_size=96, seed=seed, picture_strength=1.0
    )
    forged = [clip for clip in plan_clips(options) if clip.type_folder == "FakeVideo-FakeAudio"]
    people = sorted({clip.take.person for clip in forged})
    taught = set(people[: len(people) * 2 // 3])
    learnt: list[Planted] = []
    asked: list[Planted] = []
    for number, clip in enumerate(forged):
        part = learnt if clip.take.person in taught else asked
        part += _windows_of(clip, options, np.random.default_rng([seed, number]))
    return learnt, asked


def _windows_of(clip: PlannedClip, options: SyntheticOptions, generator: np.random.Generator) -> Iterator[Planted]:
    count = clip_frames(clip.take, options)
    sound = record(clip, clip.take, options, count)
    pictures = {
        True: _frames(clip, options, sound),
        False: _frames(clip._replace(type_folder="RealVideo-FakeAudio"), options, sound),
    }
    differs = np.abs(pictures[True].astype(int) - pictures[False]).max(axis=-1) > 6
    drawn = reduce((differs).astype(float), "t (r a) (c b) -> t r c", "mean", r=8, c=8) > 0.25
    whole = _resampled(sound, options.sample_rate)[: SHAPE.num_samples]
    cut, bands = _without_a_band(whole, generator)
    for video, audio in ((False, False), (True, True), (False, True), (True, False)):
        yield Planted(
            PreparedClip(
                clip_id=clip.path,
                frame_rate=SHAPE.frame_rate,
                sample_rate=SHAPE.sample_rate,
                frames=pictures[video],
                boxes=None,
                waveform=cut if audio else whole,
                start_seconds=0.0,
            ),
            {"video": video, "audio": audio},
            {"video": drawn, "audio": bands},
        )


def _frames(clip: PlannedClip, options: SyntheticOptions, sound: np.ndarray) -> np.ndarray:
    frames = list(show(clip, options, filmed_sound=sound, sound=sound[::-1]))
    chosen = np.linspace(0, len(frames) - 1, SHAPE.num_frames).round().astype(int)
    size = (SHAPE.frame_size, SHAPE.frame_size)
    return np.stack([np.asarray(Image.fromarray(frames[place]).resize(size)) for place in chosen])


def _resampled(sound: np.ndarray, rate: int) -> np.ndarray:
    times = np.arange(SHAPE.num_samples) / SHAPE.sample_rate
    return np.interp(times, np.arange(len(sound)) / rate, sound).astype(np.float32)


def _without_a_band(sound: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The sound with three bands of tones swapped for noise during a fifth of a second, and the cells of that."""
    spectrum = torch.stft(torch.from_numpy(sound), 512, 128, window=torch.hann_window(512), return_complex=True)
    moments = round(len(sound) / SHAPE.sample_rate / 0.04)
    first, start = int(generator.integers(4, 12)), int(generator.integers(0, moments - 5))
    bands = np.zeros((16, moments), dtype=bool)
    bands[first : first + 3, start : start + 5] = True
    columns = np.arange(spectrum.shape[1]) * moments // spectrum.shape[1]
    region = torch.from_numpy(bands[band_of_bin(SHAPE.sample_rate).numpy()][:, columns])
    noise = generator.normal(size=spectrum.shape) + 1j * generator.normal(size=spectrum.shape)
    loud = spectrum.abs().mean() * torch.from_numpy(noise).to(spectrum.dtype)
    changed = torch.istft(
        torch.where(region, loud, spectrum), 512, 128, window=torch.hann_window(512), length=len(sound)
    )
    return changed.numpy(), bands


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
