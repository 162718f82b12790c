"""What an audit asks of a run or of a corpus: floors of shortcuts, corruptions, and who pays for the errors."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from torch import nn

from experiments.runs.clips import Clips
from experiments.runs.device import DeviceName, accelerator_on
from experiments.runs.folder import RunFolder
from experiments.runs.scoring import TrainedRun, judged_windows
from multimodal.audit.shortcut_features import FILE_FACTS, MODALITY_OF, shortcut_features
from multimodal.catalog import unknown
from multimodal.corpora.people import list_items
from multimodal.data.corruptions import CORRUPTIONS, CorruptedBatches, levels
from multimodal.data.delivery import made_batches
from multimodal.labels import TARGETS
from multimodal.media.probe_corpus import probe_path, read_probe_table
from multimodal.media.store.reader import AnyStore
from multimodal.metrics.bootstrap import identity_codes
from multimodal.metrics.operating_point import by_group, paired_change
from multimodal.metrics.shortcut_floors import shortcut_floors, too_few
from multimodal.progress import progress
from multimodal.scoring import score_corrupted

#: Clips of a run that are scored under every corruption, where it has more.
MOST_CLIPS = 400


def manifests_of(folder: RunFolder) -> list[Path]:
    """The manifests that a run was trained on."""
    config = folder.read_plain_config()
    sources = config.get("mixture", {}).get("sources", ())
    return [Path(one) / "manifest.parquet" for one in sources] or [Path(config["data"]["manifest"])]


def probe_of(manifests: Sequence[Path]) -> pd.DataFrame | None:
    """What `scan --probe` learnt of the files, from beside each manifest; None where nothing was probed."""
    tables = [read_probe_table(probe_path(path)) for path in manifests if probe_path(path).is_file()]
    return pd.concat(tables, ignore_index=True) if tables else None


def floors_of(
    clips: pd.DataFrame,
    store: AnyStore,
    probe: pd.DataFrame | None,
    *,
    scores: pd.DataFrame | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """The floors of shortcuts for each target, by its own families: silence says nothing of a picture.

    Args:
        clips: prepared clips, rows of a manifest.
        store: that they are in.
        probe: facts of their files.
        scores: of a detector on these clips.
        replicates: of the bootstrap.
        seed: of folds and bootstrap.

    Returns:
        target → what :func:`multimodal.metrics.shortcut_floors.shortcut_floors` gives.
    """
    clips = clips.sort_values("clip_id", ignore_index=True)
    asked = {target: _Labels.of(clips, target) for target in TARGETS if _is_own(clips, target)}
    reasons = {target: too_few(labels.fake, labels.identity) for target, labels in asked.items()}
    if all(reasons.values()):  # before every clip is read
        return {target: {"reason": reason} for target, reason in reasons.items()}
    features = shortcut_features(clips, store, probe, progress=partial(progress, desc="shortcuts", unit="clip"))
    comparisons = sum(len(_families(target)) + 1 for target in asked)
    return {
        target: shortcut_floors(
            {name: features[name][labels.known] for name in _families(target)},
            labels.fake,
            labels.identity,
            scores=None if scores is None else _scores(scores, clips["clip_id"][labels.known], target),
            replicates=replicates,
            seed=seed,
            comparisons=comparisons,
        )
        for target, labels in asked.items()
    }


class _Labels(NamedTuple):
    """Which clips have a label, what it is, and whose they are."""

    known: np.ndarray
    fake: np.ndarray
    identity: np.ndarray

    @classmethod
    def of(cls, clips: pd.DataFrame, target: str) -> "_Labels":
        known = clips[f"{target}_fake"].notna().to_numpy(dtype=bool)
        fake = clips[f"{target}_fake"][known].to_numpy(dtype=np.int64)
        people = clips["identity"].where(clips["identity"].notna(), clips["clip_id"])[known]
        return cls(known, fake, identity_codes(people.to_numpy(dtype=object)))


def floor_lines(floors: Mapping[str, Any]) -> list[str]:
    """A line a target: what each family alone reaches, and how much of the detector's score follows from it."""
    lines = []
    for target, of in floors.items():
        if "reason" in of:
            lines.append(f"shortcuts ({target}): {of['reason']}")
            continue
        told = [f"{name} {_floor_text(one)}" for name, one in of.items()]
        lines.append(f"shortcuts ({target}), AUC of what sees neither face nor voice: {'; '.join(told)}")
    return lines


def _floor_text(one: Mapping[str, Any]) -> str:
    text = f"{one['auc']['value']:.3f}{' (a shortcut)' * one['alarm']}"
    share = one.get("explained_within_label")
    return text if share is None else f"{text}, explains {share:.0%} of the score within a label"


def _families(target: str) -> list[str]:
    own = [name for name, modality in MODALITY_OF.items() if target in ("any", modality)]
    return [FILE_FACTS, *own]


def _is_own(clips: pd.DataFrame, target: str) -> bool:
    """Whether a modality's labels say anything beside those of the whole clip."""
    label = clips[f"{target}_fake"]
    if label.notna().sum() == 0:
        return False
    return target == "any" or not label.dropna().equals(clips["any_fake"][label.notna()])


def _scores(scores: pd.DataFrame, clip_ids: pd.Series, target: str) -> np.ndarray | None:
    if f"score_{target}" not in scores:
        return None
    values = scores.set_index("clip_id")[f"score_{target}"]
    return values.reindex(clip_ids).to_numpy(dtype=float)


def robustness_of(
    run: TrainedRun,
    clips: Clips,
    thresholds: Mapping[str, float | None],
    *,
    names: Sequence[str] = (),
    device: DeviceName = "auto",
    replicates: int = 1000,
    seed: int = 0,
    note: Callable[[str], None] = print,
) -> dict[str, Any]:
    """The same test clips under corruptions (all without ``names``) in three strengths, against themselves.

    Returns:
        ``"clips"``, and ``"changes"``: corruption → a row a strength: what
        :func:`multimodal.metrics.operating_point.paired_change` gives for each target that the run judges.
    """
    rows = _some(clips.of("test"), seed)
    if len(rows) < len(clips.of("test")):
        note(f"robustness on {len(rows):,} of {len(clips.of('test')):,} test clips, drawn evenly over classes")
    asked = [one for one in levels(names or tuple(CORRUPTIONS)) if CORRUPTIONS[one[0]].modality in run.modalities]
    before, *changed = corrupted_scores(run, clips, rows, asked, device=device)
    changes: dict[str, list[dict[str, Any]]] = {}
    for (name, level), after in zip(asked, changed, strict=True):
        judged = {
            target: paired_change(
                before, after, target, threshold=thresholds.get(target), replicates=replicates, seed=seed
            )
            for target in TARGETS
            if f"score_{target}" in before
        }
        strength = CORRUPTIONS[name].strengths[level - 1]
        changes.setdefault(name, []).append({"level": level, "strength": strength, "targets": judged})
    return {"clips": len(rows), "changes": changes}


def corrupted_scores(
    run: TrainedRun,
    clips: Clips,
    rows: pd.DataFrame,
    changes: Sequence[tuple[str, int]],
    *,
    device: DeviceName = "auto",
) -> list[pd.DataFrame]:
    """Scores of some clips as they are, to the bit those of `evaluate`, then under each corruption."""
    accelerator, windows = accelerator_on(device), judged_windows(run, clips, rows)
    batches = CorruptedBatches(windows, changes, run.reading.batch_size)
    model: nn.Module = run.model
    return score_corrupted(
        model.to(accelerator.device),
        windows,
        rows,
        [CORRUPTIONS[name].modality for name, _ in changes],
        batches=progress(
            made_batches(batches, num_workers=run.reading.num_workers), desc="robustness", unit="batch"
        ),
        device=accelerator.device,
    )


def _some(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """All clips, or :data:`MOST_CLIPS` of them with as many of each class as there are."""
    if len(rows) <= MOST_CLIPS:
        return rows
    order = pd.Series(np.random.default_rng(seed).permutation(len(rows)), index=rows.index)
    rank = order.groupby(rows["av_class"].fillna("unknown").to_numpy(dtype=object)).rank()
    return rows.loc[rank.sort_values(kind="stable").index[:MOST_CLIPS]].sort_index().reset_index(drop=True)


#: Flags of a manifest by which way a recording came: codec_C05, transmission_loc_tx, source_vcc2020.
_WAYS = ("codec", "transmission", "source")
#: Columns by which errors are parted.
GROUPS = ("group", "sex", *_WAYS, "corpus", "identity")
_SEXES = ("men", "women")


def groups_of(
    scores: pd.DataFrame,
    clips: pd.DataFrame,
    thresholds: Mapping[str, float | None],
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Who pays: measures at the common threshold for every group, way, corpus and person, by column and target.

    A column of one value says nothing and is left out, and so are groups that are one person each.

    Args:
        scores: scores table.
        clips: rows of a manifest for its clips, whose flags say by which codec or line a recording came.
        thresholds: of each target.
        replicates: of the bootstrap.
        seed: of the bootstrap.
    """
    found: dict[str, Any] = {}
    scores = _with_ways(_with_sex(scores), clips)
    for column in (name for name in GROUPS if name in scores and scores[name].nunique() > 1):
        if column == "group" and scores["identity"].nunique() == scores["group"].nunique():
            continue
        found[column] = {
            target: by_group(
                scores, column, target, threshold=thresholds.get(target), replicates=replicates, seed=seed
            )
            for target in TARGETS
            if f"score_{target}" in scores and scores[f"score_{target}"].notna().any()
        }
    return found


def _with_sex(scores: pd.DataFrame) -> pd.DataFrame:
    """A column ``sex`` beside the groups that name one together with something else, as ``African/men``."""
    if "group" not in scores:
        return scores
    named = scores["group"].astype(object).map(lambda group: str(group).rpartition("/")[2])
    is_part = named.isin(_SEXES) & (named != scores["group"])
    return scores.assign(sex=named.where(named.isin(_SEXES), None)) if is_part.any() else scores


def _with_ways(scores: pd.DataFrame, clips: pd.DataFrame) -> pd.DataFrame:
    """A column for each of :data:`_WAYS` that is known; "none" for other clips of a corpus that knows it."""
    rows, flags = list_items(clips["flags"])
    flag = pd.Series(flags, index=clips["clip_id"].to_numpy(dtype=object)[rows], dtype=object)
    for way in _WAYS:
        known = flag[flag.str.startswith(f"{way}_")].str.removeprefix(f"{way}_")
        if known.empty:
            continue
        said = scores["clip_id"].map(known[~known.index.duplicated()])
        knows = scores["corpus"].isin(scores["corpus"][said.notna()].unique())
        scores = scores.assign(**{way: said.where(said.notna() | ~knows, "none")})
    return scores


def thresholds_by(stored: Mapping[str, Any] | None, rule: str) -> dict[str, float | None]:
    """The threshold of each target by one rule; 0.5 where none was chosen."""
    if stored is None:
        return dict.fromkeys(TARGETS, 0.5)
    known = stored["thresholds"]["any"]
    if rule not in known:
        raise ValueError(unknown("rule of the stored thresholds", rule, known))
    return {target: stored["thresholds"][target][rule]["threshold"] for target in TARGETS}
