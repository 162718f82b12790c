"""From the corpora of a pretraining to its clips: joined, cleared of what cannot teach, forged where asked for."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from experiments.runs.balancing import DrawnLabels, drawn_labels, training_draw
from experiments.runs.build import Clips, read_clips, require_clips
from experiments.runs.config import DataConfig, MixtureConfig, PretrainConfig
from multimodal.data.mixture import mixed, mixture_shares
from multimodal.data.pseudo_fakes import CopySynthesis, Forge, SelfBlending, forged_rows, with_pseudo_fakes
from multimodal.data.windows import TrainingWindows
from multimodal.labels import Modality
from multimodal.media.store.reader import JoinedStore
from multimodal.splits import Split


def mixed_clips(config: PretrainConfig) -> Clips:
    """The clips of all sources that can teach the modality; what is left out is counted under ``unprepared``.

    Raises:
        ValueError: a clip in two sources, stores made differently, or no clip left to train or validate on.
    """
    parts = [read_clips(data) for data in _each_source(config.data, config.mixture)]
    clips = _join(parts) if len(parts) > 1 else parts[0]
    clips = _teaching(clips, config.modality)
    forge = forge_of(config, clips)
    if forge is not None:
        keep = config.mixture.pseudo_fakes == "add"
        clips = replace(clips, table=with_pseudo_fakes(clips.table, forge, keep_fakes=keep))
    require_clips(clips, ", ".join(str(source) for source in config.mixture.sources) or str(config.data.store))
    return clips


def forge_of(config: PretrainConfig, clips: Clips) -> Forge | None:
    """What makes pseudo-fakes of the modality; None where none are wanted."""
    if config.mixture.pseudo_fakes == "none":
        return None
    if config.modality == "video":
        return SelfBlending()
    return CopySynthesis(sample_rate=clips.store.options.sample_rate, vocoder=config.mixture.vocoder)


def mixture_draw(config: PretrainConfig, rows: pd.DataFrame, windows: TrainingWindows) -> DrawnLabels:
    """How the training clips are drawn: by the shares that were stated, or as the balance says.

    Raises:
        ValueError: shares and a balance that draws otherwise.
    """
    mixture, balance, seed = config.mixture, config.balance, config.fit.seed
    if not mixture.shares and mixture.fake_share is None:
        return training_draw(balance, rows, windows.labels, windows.num_windows, target=config.modality, seed=seed)
    if balance.name in ("weighted_sampler", "frames_per_clip"):
        raise ValueError(f"--balance {balance.name} draws clips too; leave it or --shares and --fake-share out")
    shares = mixture_shares(
        rows["corpus"], windows.labels[config.modality], weights=mixture.shares, fake_share=mixture.fake_share
    )
    return drawn_labels(mixed(shares, seed=seed), windows.labels)


def mixture_text(clips: Clips, modality: Modality, drawn: DrawnLabels) -> str:
    """What is learnt from: clips of each corpus and label, the share drawn of them, and what is left out."""
    train = clips.of("train")
    train = train.assign(label=_label_names(train, modality), share=drawn.draw.shares)
    held_out = clips.of("val")
    held_out = held_out.assign(label=_label_names(held_out, modality)).groupby(["corpus", "label"]).size()
    lines = [f"{'corpus':<20}{'label':<8}{'train':>8}{'drawn':>8}{'val':>8}"]
    for (corpus, label), rows in train.groupby(["corpus", "label"]):
        held = held_out.get((corpus, label), 0)
        lines.append(f"{corpus:<20}{label:<8}{len(rows):>8,}{rows['share'].sum():>8.0%}{held:>8,}")
    forged = forged_rows(train).sum()
    if forged:
        lines.append(f"{forged:,} of the fakes in train are made of genuine clips while training")
    lines += [f"left out: {count:,} {reason}" for reason, count in clips.unprepared.items()]
    return "\n".join(lines)


def _each_source(data: DataConfig, mixture: MixtureConfig) -> list[DataConfig]:
    if not mixture.sources:
        return [data]
    for folder in mixture.sources:
        lacking = [name for name in ("manifest.parquet", "split.parquet") if not (folder / name).exists()]
        if lacking:
            raise ValueError(
                f"the source {folder} has no {', '.join(lacking)}; write them with scan --out and split --out"
            )
    return [
        replace(
            data,
            manifest=folder / "manifest.parquet",
            split=folder / "split.parquet",
            store=folder / "store" if (folder / "store").is_dir() else data.store,
        )
        for folder in mixture.sources
    ]


def _join(parts: Sequence[Clips]) -> Clips:
    stores = list({part.store.folder.resolve(): part.store for part in parts}.values())
    table = pd.concat([part.table for part in parts], ignore_index=True)
    repeated = table["clip_id"][table["clip_id"].duplicated()]
    if len(repeated):
        raise ValueError(f"{len(repeated)} clips stand in two of the sources, e.g. {repeated.iloc[0]}")
    split = Split(
        pd.concat([part.split.assignment for part in parts], ignore_index=True),
        protocol=" + ".join(dict.fromkeys(part.split.protocol for part in parts)),
    )
    counts: dict[str, int] = {}
    for part in parts:
        for reason, count in part.unprepared.items():
            counts[reason] = counts.get(reason, 0) + count
    return Clips(table, table, split, stores[0] if len(stores) == 1 else JoinedStore(stores), counts)


def _teaching(clips: Clips, modality: Modality) -> Clips:
    """Without clips that lack the modality, or whose label for it nobody knows."""
    absent = clips.store.index.set_index("clip_id")[f"absent_{modality}"]
    reasons = pd.Series(absent.reindex(clips.table["clip_id"]).to_numpy(), index=clips.table.index, dtype=object)
    unknown = reasons.isna() & clips.table[f"{modality}_fake"].isna()
    reasons = reasons.where(~unknown, f"no label for {modality}")
    left_out = {str(reason): int(count) for reason, count in reasons.value_counts().items()}
    unprepared = {f"not prepared ({split})": count for split, count in clips.unprepared.items()}
    kept = clips.table[reasons.isna()].reset_index(drop=True)
    return replace(clips, table=kept, unprepared={**unprepared, **left_out})


def _label_names(rows: pd.DataFrame, modality: Modality) -> np.ndarray:
    return np.where(rows[f"{modality}_fake"].to_numpy(int) == 1, "fake", "real")
