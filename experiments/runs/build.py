"""The one place where a configuration is opened: what stands below takes named parts and plain values."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from accelerate import Accelerator

from encoders import create_encoder, load_encoder
from encoders.base import PUBLISHED, Encoder
from encoders.folders import holds_encoder
from encoders.learnt_from import LearntFrom
from experiments.runs.advised import advised_options, check_precision, say
from experiments.runs.balancing import Counts, label_weights, training_draw
from experiments.runs.clips import Clips, describe, describe_window, load_clips, require_clips
from experiments.runs.config import PretrainConfig, TrainConfig
from experiments.runs.feed import Feed, feed_tokens, feed_windows, first_window
from experiments.runs.loop import Parts, Say, Training
from experiments.runs.memory import check_seen, history_of_encoder, together
from experiments.runs.mixture import check_pairs, draw_pairs, forge_of, mixed_clips, mixture_draw, mixture_text
from experiments.runs.parts import EncoderConfig
from experiments.runs.provenance import loaded_text
from experiments.runs.settings import to_plain
from fusion import create_fusion
from multimodal.data.options import Reading
from multimodal.data.pseudo_fakes import with_pseudo_fakes
from multimodal.detector import AudioVisualDetector
from multimodal.heads import Branch
from multimodal.labels import Modality
from multimodal.splits.seen import learnt_from
from multimodal.tokens.resampled import Resampling
from multimodal.training.losses import DetectorLoss
from multimodal.training.tasks import BranchTask, DetectorTask

Learning = TypeVar("Learning", PretrainConfig, TrainConfig)


class DetectorPlan(NamedTuple):
    """A detector that is still to be built: its encoders by modality, and what puts them together."""

    encoders: Mapping[Modality, Callable[[], Encoder]]
    assemble: Callable[[Mapping[str, Encoder]], AudioVisualDetector]

    def build(self) -> AudioVisualDetector:
        """Build or load the encoders, and the detector of them; first weights follow from torch's seed."""
        return self.assemble({modality: make() for modality, make in self.encoders.items()})


def open_detector(config: TrainConfig) -> DetectorPlan:
    """The detector of a training."""
    encoders = {name: partial(build_encoder, name, **vars(part)) for name, part in config.encoders.items()}
    compares, localises = config.loss.synchrony_weight > 0, config.loss.frame_weight > 0
    return DetectorPlan(
        encoders, partial(_assemble, compares=compares, localises=localises, **vars(config.fusion))
    )


def open_training(config: TrainConfig, tokens: Path = Path("tokens")) -> Training:
    """A training of the detector: the advice of ``statistics`` in place of ``auto``, and its parts.

    Args:
        config: of the training.
        tokens: folder of token caches where the configuration names none and SMOTE needs one.

    Raises:
        ValueError: what cannot be trained, before anything takes time.
    """
    config.check()
    config.check_options()
    check_precision(config.precision)
    clips = load_clips(*config.data.source)
    config = replace(config, data=config.data.at_rate(clips.store.options.frame_rate))
    config = _with_advice(config, clips, "any_fake", has_fusion=lambda: not config.random_encoders)
    if config.is_frozen and not config.freeze_encoders:
        say(f"{config.balance.name} works on embeddings: the encoders are frozen, fusion and heads learn")
        config = replace(config, freeze_encoders=True)
    config.check()
    histories = {_called(name, one): history_of_encoder(one) for name, one in config.encoders.items()}
    reading, seed, resampling = config.data.reading, config.fit.seed, _resampling(config)
    draw = partial(_draw, balance=config.balance.name, within=config.balance.within, target="class", seed=seed)
    is_on_tokens = config.tokens is not None or resampling is not None
    if is_on_tokens and config.loss.frame_weight:
        raise ValueError("kept tokens know nothing of frames; leave --frame-weight out, or --tokens and smote")
    feed: Callable[..., Feed] = partial(_feed_whole, draw=draw, augmentation=config.data.augmentation, seed=seed)
    if is_on_tokens:
        root = config.tokens or tokens
        allow_seen = config.data.allow_seen
        feed = partial(feed_tokens, root=root, draw=draw, resampling=resampling, seed=seed, allow_seen=allow_seen)
    make = partial(
        _detector_parts,
        plan=open_detector(config),
        folders={name: encoder.folder for name, encoder in config.encoders.items()},
        fusion_name=config.fusion.name,
        is_frozen=config.freeze_encoders,
        reading=reading,
        feed=feed,
        loss=_loss(config),
        modality_dropout=config.modality_dropout,
        speed=partial(_hasten, compiles=config.fit.compile, checkpoints=config.fit.checkpoint_gradients),
    )
    return replace(_opened(config, "train", clips, make, histories), is_on_tokens=is_on_tokens)


def open_pretraining(config: PretrainConfig) -> Training:
    """A pretraining of one branch: its corpora mixed, forged where asked for, and its parts.

    Raises:
        ValueError: what cannot be trained, before anything takes time.
    """
    config.check()
    config.check_options()
    check_precision(config.precision)
    modality, mixture, seed = config.modality, config.mixture, config.fit.seed
    clips = mixed_clips(config.sources(), modality)
    config = replace(config, data=config.data.at_rate(clips.store.options.frame_rate))
    forge = None
    if mixture.pseudo_fakes != "none":
        rate = clips.store.options.sample_rate
        forge = forge_of(modality, sample_rate=rate, vocoder=mixture.vocoder, lost_detail=mixture.lost_detail)
        keep_fakes = mixture.pseudo_fakes == "add"
        clips = replace(clips, table=with_pseudo_fakes(clips.table, forge, keep_fakes=keep_fakes))
    require_clips(clips, ", ".join(str(source) for source in mixture.sources) or str(config.data.store))
    config = _with_advice(config, clips, f"{modality}_fake", has_fusion=lambda: False)
    name = config.balance.name
    if mixture.shares or mixture.fake_share is not None:
        shares = {"weights": mixture.shares, "fake_share": mixture.fake_share}
        draw = partial(_draw_mixture, balance=name, target=modality, seed=seed, **shares)
    else:
        draw = partial(_draw, balance=name, within=config.balance.within, target=modality, seed=seed)
    if mixture.pseudo_fakes == "only":
        check_pairs(mixture.fake_share, config.data.batch_size)
        draw = partial(draw_pairs, draw=draw)
    make = partial(
        _branch_parts,
        modality=modality,
        encoder=partial(build_encoder, modality, **vars(config.encoder)),
        folder=config.encoder.folder,
        reading=config.data.reading,
        feed=partial(
            feed_windows,
            draw=draw,
            augmentation=config.data.augmentation,
            seed=seed,
            modalities=(modality,),
            forge=forge,
        ),
        loss=_loss(config),
        speed=partial(_hasten, compiles=config.fit.compile, checkpoints=config.fit.checkpoint_gradients),
    )
    histories = {_called(modality, config.encoder): history_of_encoder(config.encoder)}
    return _opened(config, f"pretrain {modality}", clips, make, histories, modality=modality)


def _called(modality: Modality, encoder: EncoderConfig) -> str:
    return f"the {modality} encoder {encoder.weights or encoder.name}"


def build_encoder(
    modality: Modality, name: str, options: Mapping[str, Any] | None = None, weights: Path | None = None
) -> Encoder:
    """Make an encoder, load a pretrained one from its folder, or make one with weights that a library saved.

    Args:
        modality: that it is for.
        name: in the catalog.
        options: of its constructor; published weights that they name are left where ``weights`` stand.
        weights: a folder of ``save_pretrained``, which says name and options itself, or weights of a library.
    """
    if weights is not None and holds_encoder(weights):
        encoder = load_encoder(weights)
    elif weights is not None:
        kept = {key: value for key, value in (options or {}).items() if key not in PUBLISHED}
        encoder = create_encoder(name, **kept, weights=weights)
    else:
        encoder = create_encoder(name, **(options or {}))
    if encoder.modality != modality:
        raise ValueError(f"the encoder {encoder.name!r} is for {encoder.modality}; choose one for {modality}")
    return encoder


def _assemble(
    encoders: Mapping[str, Encoder],
    *,
    name: str,
    out_dim: int,
    options: Mapping[str, Any],
    compares: bool,
    localises: bool,
) -> AudioVisualDetector:
    """Join encoders by the fusion of that name, which is built for the widths of their tokens."""
    dims = {modality: encoder.embed_dim for modality, encoder in encoders.items()}
    fusion = create_fusion(name, dims=dims, out_dim=out_dim, **options)
    return AudioVisualDetector(encoders=encoders, fusion=fusion, compares=compares, localises=localises)


def _with_advice(config: Learning, clips: Clips, label: str, *, has_fusion: Callable[[], bool]) -> Learning:
    """The configuration with what ``statistics`` advises in place of ``auto``: its folder says what was done."""
    if config.balance.name != "auto":
        return config
    advice = advised_options(clips.of("train"), label, has_fusion=has_fusion())
    return replace(
        config,
        balance=replace(config.balance, name=advice.balance),
        loss=replace(config.loss, name=advice.loss),
    )


def _resampling(config: Learning) -> Resampling | None:
    """How classes are made even in the space of the tokens; None where they are not."""
    balance = config.balance
    if balance.name not in ("smote", "hybrid"):
        return None
    return Resampling(
        oversampler=balance.oversampler,
        neighbours=balance.neighbours,
        cleaner=balance.cleaner if balance.name == "hybrid" else None,
        ratio=balance.ratio,
        seed=config.fit.seed,
    )


def _opened(
    config: Learning,
    title: str,
    clips: Clips,
    make: Callable[..., Parts],
    histories: Mapping[str, LearntFrom],
    **facts: Any,
) -> Training:
    held_out = {part: clips.of(part) for part in ("val", "test")}
    seen = check_seen(histories, held_out, allow_seen=config.data.allow_seen, say=say)
    return Training(
        title=title,
        settings=to_plain(config),
        clips=clips,
        make=make,
        fit=config.fit,
        batch_size=config.data.batch_size,
        num_workers=config.data.num_workers,
        precision=config.precision,
        learnt_from=together(histories) | learnt_from(clips.of("train"), clips.of("val")),
        facts={**facts, "seen": seen},
    )


def _loss(config: Learning) -> Callable[[Counts], DetectorLoss]:
    """Makes the loss; what a class weighs follows from the labels that training sees."""
    weigh = partial(label_weights, balance=config.balance.name, loss=config.loss.name, beta=config.balance.beta)
    options = asdict(config.loss)
    return lambda counts: DetectorLoss(**options, weights=weigh(counts))


# From here on there is no configuration any more.


def _detector_parts(
    clips: Clips,
    accelerator: Accelerator,
    say: Say,
    *,
    plan: DetectorPlan,
    folders: Mapping[str, Path | None],
    fusion_name: str,
    is_frozen: bool,
    reading: Reading,
    feed: Callable[..., Feed],
    loss: Callable[[Counts], DetectorLoss],
    modality_dropout: float,
    speed: Callable[[Encoder], None],
) -> Parts:
    """The detector, or its part after frozen encoders, and what it is fed."""
    describe(clips, say)
    describe_window(reading.num_frames, clips.store.options.frame_rate, hears=True, say=say)
    detector = plan.build()
    if is_frozen:
        detector.freeze_encoders()
    encoders: dict[str, Any] = dict(detector.encoders.items())
    for name, encoder in encoders.items():
        say(loaded_text(encoder, folders[name]))
        speed(encoder)
    say(f"new, with random weights: fusion {fusion_name} and all heads")
    say(_tokens_text(detector, clips, reading))
    fed = feed(detector, clips, reading, accelerator)
    task = DetectorTask(
        criterion=loss(fed.drawn.counts), score_validation=fed.scorer("val"), modality_dropout=modality_dropout
    )
    model = detector if fed.cache is None else detector.classifier
    return Parts(model, task, fed.windows, fed.drawn, encoders, fed.cache)


def _branch_parts(
    clips: Clips,
    accelerator: Accelerator,
    say: Say,
    *,
    modality: Modality,
    encoder: Callable[[], Encoder],
    folder: Path | None,
    reading: Reading,
    feed: Callable[..., Feed],
    loss: Callable[[Counts], DetectorLoss],
    speed: Callable[[Encoder], None],
) -> Parts:
    """An encoder with its head, and what they are fed."""
    branch = Branch(encoder())
    speed(branch.encoder)
    encoders: dict[str, Encoder] = {modality: branch.encoder}
    fed = feed(encoders, clips, reading, accelerator)
    say(mixture_text(clips, modality, fed.drawn))
    describe_window(reading.num_frames, clips.store.options.frame_rate, hears=modality == "audio", say=say)
    say(f"{loaded_text(branch.encoder, folder)}\nnew, with random weights: the head")
    task = BranchTask(modality=modality, criterion=loss(fed.drawn.counts), score_validation=fed.scorer("val"))
    return Parts(branch, task, fed.windows, fed.drawn, encoders)


def _hasten(encoder: Encoder, *, compiles: bool, checkpoints: bool) -> None:
    """Compile it in place, or let it compute anew what a gradient needs, where asked for."""
    if checkpoints:
        encoder.checkpoint_gradients()
    if compiles:
        encoder.compile()


def _feed_whole(
    detector: AudioVisualDetector, clips: Clips, reading: Reading, accelerator: Accelerator, **options: Any
) -> Feed:
    encoders: dict[str, Any] = dict(detector.encoders.items())
    return feed_windows(encoders, clips, reading, accelerator, **options)


def _draw(rows: Any, windows: Any, **options: Any) -> Any:
    return training_draw(rows, windows.labels, windows.num_windows, **options)


def _draw_mixture(rows: Any, windows: Any, **options: Any) -> Any:
    return mixture_draw(rows, windows.labels, **options)


@torch.inference_mode()
def _tokens_text(detector: AudioVisualDetector, clips: Clips, reading: Reading) -> str:
    from multimodal.report.study_table import tokens_text  # imports what draws pages

    tokens = detector.eval().encode(first_window(detector, clips, reading))
    counts = {name: value.shape[1] for name, value in sorted(tokens.items())}
    if not detector.localises:
        return tokens_text(counts)
    window = 1000 * reading.num_frames / clips.store.options.frame_rate
    each = ", ".join(f"{name} {window / count:.0f} ms" for name, count in counts.items())
    longest = 2 * window / min(counts.values())
    return f"{tokens_text(counts)} A token lasts: {each}; no shorter stretch than {longest:.0f} ms can be placed."
