"""From the corpora of a pretraining to its clips: joined, cleared of what cannot teach, forged where asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from experiments.runs.balancing import DrawnLabels, drawn_labels
from experiments.runs.clips import Clips, read_clips
from multimodal.data.mixture import mixed, mixture_shares
from multimodal.data.options import Vocoder
from multimodal.data.order import in_pairs
from multimodal.data.pseudo_fakes import CopySynthesis, Forge, SelfBlending, forged_rows, pair_rows
from multimodal.labels import Modality
from multimodal.media.store.reader import JoinedStore, Store
from multimodal.splits import Split


def mixed_clips(sources: Sequence[tuple[Path, Path, Path]], modality: Modality) -> Clips:
    """The clips of all sources that can teach the modality; what is left out is counted under ``unprepared``.

    Args:
        sources: manifest, split and store of each.
        modality: that is learnt.

    Raises:
        ValueError: a clip in two sources, or stores made differently.
    """
    parts = [read_clips(*source) for source in sources]
    return _teaching(_join(parts) if len(parts) > 1 else parts[0], modality)


def forge_of(modality: Modality, *, sample_rate: int, vocoder: Vocoder, lost_detail: float) -> Forge:
    """What makes pseudo-fakes of the modality."""
    if modality == "video":
        return SelfBlending(lost_detail=lost_detail)
    return CopySynthesis(sample_rate=sample_rate, vocoder=vocoder)


def mixture_draw(
    rows: pd.DataFrame,
    labels: Mapping[str, np.ndarray],
    *,
    balance: str,
    target: Modality,
    seed: int,
    weights: Mapping[str, float],
    fake_share: float | None,
) -> DrawnLabels:
    """Draw the training clips by stated shares of the corpora (``weights``) and of the fakes.

    Raises:
        ValueError: shares and a balance that draws otherwise.
    """
    if balance in ("weighted_sampler", "frames_per_clip"):
        raise ValueError(f"--balance {balance} draws clips too; leave it or --shares and --fake-share out")
    shares = mixture_shares(rows["corpus"], labels[target], weights=weights, fake_share=fake_share)
    return drawn_labels(mixed(shares, seed=seed), labels)


def check_pairs(fake_share: float | None, batch_size: int) -> None:
    """Refuse what would part a genuine window from its pseudo-fake."""
    if fake_share not in (None, 0.5):
        raise ValueError(
            f"--pseudo-fakes only draws every genuine clip with its fake, half are fakes; got --fake-share "
            f"{fake_share}. Leave it out"
        )
    if batch_size % 2:
        raise ValueError(f"--pseudo-fakes only draws pairs; got --batch-size {batch_size}. Make it even")


class _Genuine(NamedTuple):
    """What a draw is told of the genuine rows alone."""

    labels: Mapping[str, np.ndarray]
    num_windows: Sequence[int]


def draw_pairs(
    rows: pd.DataFrame, windows: Any, *, draw: Callable[[pd.DataFrame, Any], DrawnLabels]
) -> DrawnLabels:
    """Draw genuine clips by ``draw``, and each one's pseudo-fake right behind it.

    Args:
        rows: of genuine clips and their pseudo-fakes.
        windows: have the ``labels`` and the ``num_windows`` of the rows.
        draw: of genuine clips, told of these alone.
    """
    genuine = np.flatnonzero(~forged_rows(rows))
    forged_of = dict(zip(pair_rows(rows), range(len(rows)), strict=True))  # the last row of a pair is its forgery
    known = _Genuine(
        {name: labels[genuine] for name, labels in windows.labels.items()},
        [windows.num_windows[row] for row in genuine],
    )
    drawn = draw(rows.iloc[genuine].reset_index(drop=True), known).draw
    forged = np.array([forged_of[row] for row in genuine])
    return drawn_labels(in_pairs(drawn, genuine, forged, len(rows)), windows.labels)


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
    store = stores[0] if len(stores) == 1 else JoinedStore([one for one in stores if isinstance(one, Store)])
    return Clips(table, table, split, store, counts)


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
