"""Small tables, stores, tokens and plans, made by hand, each with the reader that would be called for it.

What ``benchmarks/fuzz_artefacts.py`` damages. A reader reads all that a verb would ask of such a file.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from benchmarks.fuzz_models import MODELS, Kind
from experiments.evaluate_detector import kept_scores
from experiments.recipes import TRAIN
from experiments.runs.config import Source
from experiments.studies.study import LABELS, Job, StudyFolder, check_content, claim_study, judge_study
from multimodal.corpora.manifest import Clip, Manifest, collect
from multimodal.files import write_json
from multimodal.labels import CLASSES
from multimodal.media.crops import encode_crop, encode_sound
from multimodal.media.prepared import PrepareOptions
from multimodal.media.probe_corpus import SCHEMA as PROBE_SCHEMA
from multimodal.media.probe_corpus import journal_tables, read_probe_table
from multimodal.media.store.format import (
    FAILURE_SCHEMA,
    FAILURES,
    HEADER,
    INDEX,
    INDEX_SCHEMA,
    JOURNALS,
    SHARDS,
    claim_store,
)
from multimodal.media.store.journal import finished_clips, merge
from multimodal.media.store.reader import Store
from multimodal.media.store.shard import Shard
from multimodal.metrics.score_files import read_scores
from multimodal.metrics.scores_table import QUESTIONS, WITHOUT_THE_OTHER
from multimodal.report.study_table import as_markdown, costs, findings
from multimodal.splits.split import Split
from multimodal.tokens.cache import HEADER as TOKENS_HEADER
from multimodal.tokens.cache import TokenCache, shard_path, write_shard

CLIPS = ["made/a.mp4", "made/b.mp4"]


# Artefacts, made by hand.


def make_manifest(folder: Path) -> Path:
    clips = [Clip(name.removeprefix("made/"), "video", 1, 0, "swap", size_bytes=1) for name in CLIPS]
    collect(clips, corpus="made", root=folder).write(folder / "manifest.parquet")
    return folder / "manifest.parquet"


def read_manifest(folder: Path) -> Any:
    manifest = Manifest.read(folder / "manifest.parquet")
    return [manifest.file_of(clip_id, {"made": str(folder)}) for clip_id in manifest.clips["clip_id"][:1]]


def make_split(folder: Path) -> Path:
    table = pd.DataFrame({"clip_id": CLIPS, "split": ["train", "val"], "reason": [None, None]})
    Split(table, "made", options={"share": 0.5}, notes=("a",)).write(folder / "split.parquet")
    return folder / "split.parquet"


def _scores() -> pd.DataFrame:
    return pd.DataFrame({"clip_id": CLIPS, "score": [0.25, 0.75], "label": [0, 1], "identity": ["x", None]})


def make_scores_csv(folder: Path) -> Path:
    _scores().to_csv(folder / "scores.csv", index=False)
    return folder / "scores.csv"


def make_scores_parquet(folder: Path) -> Path:
    _scores().to_parquet(folder / "scores.parquet", index=False)
    return folder / "scores.parquet"


def make_store(folder: Path) -> Path:
    """A store of two clips of three crops and their sound."""
    options = PrepareOptions(crop_size=16)
    claim_store(folder, options)
    (folder / SHARDS).mkdir()
    shard, rows = Shard(folder / SHARDS / "made-0.tar"), []
    for clip_id in CLIPS:
        crops = np.random.default_rng(0).integers(0, 255, (3, 16, 16, 3), dtype=np.uint8)
        members = [shard.add(f"{number}.lz4", encode_crop(crop, options)) for number, crop in enumerate(crops)]
        sound = shard.add("sound.wav", encode_sound(np.zeros(1920, dtype=np.int16), 16_000))
        row = {"clip_id": clip_id, "key": "k", "shard": shard.name, "num_frames": 3, "frame_rate": 25.0}
        row |= {"num_samples": 1920, "sample_rate": 16_000, "start_seconds": 0.0, "num_bytes": shard.length}
        row |= {"sound_offset": sound.offset, "sound_length": sound.length, "boxes": [0.0, 0, 1, 1] * 3}
        row |= {"frame_offsets": [one.offset for one in members], "frame_lengths": [one.length for one in members]}
        rows.append(row)
    shard.finish()
    pq.write_table(pa.Table.from_pylist(rows, schema=INDEX_SCHEMA), folder / INDEX)
    failures = [{"clip_id": "made/c.mp4", "stage": "read", "reason": "broken"}]
    pq.write_table(pa.Table.from_pylist(failures, schema=FAILURE_SCHEMA), folder / FAILURES)
    return folder


def read_store(folder: Path) -> Any:
    store = Store.open(folder)
    found = len(store), len(store.failures), store.median_face()
    return found, [store.read(clip_id) for clip_id in store.index["clip_id"][:2]]


def make_tokens(folder: Path) -> Path:
    write_json(folder / TOKENS_HEADER, {"clips": "0", "window": {"frames": 3}})
    tokens = {name: torch.zeros(2, 3, 4) for name in ("video", "audio")}
    present = {name: torch.ones(2, dtype=torch.bool) for name in tokens}
    write_shard(shard_path(folder, 0), tokens, present, np.arange(2))
    return folder


def read_tokens(folder: Path) -> Any:
    cache = TokenCache(folder, {"clips": "0", "window": {"frames": 3}}, CLIPS)
    return [cache.read(clip_id, window) for clip_id in CLIPS for window in range(cache.windows_of(clip_id))]


# Artefacts that a training, a study and a judged detector leave behind.


def make_journal(folder: Path) -> Path:
    """A store whose one writer died after a clip and a failure: both stand in its journal alone."""
    make_store(folder)
    rows = pq.read_table(folder / INDEX).to_pylist()[:1]
    (folder / INDEX).unlink()
    (folder / FAILURES).unlink()
    (folder / JOURNALS).mkdir()
    failure = {"clip_id": "made/c.mp4", "stage": "read", "reason": "broken"}
    lines = [{"clip": rows[0], "end": rows[0]["num_bytes"]}, {"failure": failure}]
    (folder / JOURNALS / "made.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder / JOURNALS / "made.jsonl"


def read_journal(folder: Path) -> Any:
    """Take a journal into the tables of a copy, since it goes as it is read."""
    with tempfile.TemporaryDirectory() as other:
        copy = shutil.copytree(folder, Path(other) / "store")
        merge(copy)
        return finished_clips(copy), Store.open(copy).failures


def make_plan(folder: Path) -> Path:
    """A study's plan beside the files that it is bound to."""
    make_manifest(folder)
    make_split(folder)
    make_store(folder / "store")
    claim_study(StudyFolder(folder / "study"), PLAN, _source(folder))
    return folder / "study" / "study.json"


def _source(folder: Path) -> Source:
    return Source(folder / "manifest.parquet", folder / "split.parquet", folder / "store")


PLAN = {"study": "fusion", "baseline": "concat", "variants": {"concat": {"fit": {"steps": 4}}}}


def read_plan(folder: Path) -> Any:
    study = StudyFolder(folder / "study")
    return check_content(study, []), claim_study(study, PLAN, _source(folder))


def _study_jobs(folder: Path) -> list[Job]:
    config = TRAIN["small"]()
    return [Job(name, 0, config, folder / "runs" / f"{name}-seed0") for name in ("concat", "gated")]


def make_study(folder: Path) -> Job:
    """Two finished runs of a study, without their trainings."""
    count = 8
    fake = np.arange(count) % 2
    frame = pd.DataFrame({"clip_id": [f"made/{number}.mp4" for number in range(count)], "split": "test"})
    people, labels = [f"p{number // 2}" for number in range(count)], dict.fromkeys(LABELS[:3], fake)
    frame = frame.assign(identity=people, method="swap", av_class=np.array(["RVRA", "FVFA"])[fake], **labels)
    said = np.linspace(0.1, 0.9, count)
    for name in dict.fromkeys(question.score for question in (*QUESTIONS.values(), *WITHOUT_THE_OTHER.values())):
        frame[name] = said
    frame = frame.assign(**{f"p_{name}": 0.25 for name in CLASSES})
    took = dict.fromkeys(("seconds_training", "parameters", "flops", "encoder_parameters", "encoder_flops"), 1)
    jobs = _study_jobs(folder)
    for job in jobs:
        job.folder.mkdir(parents=True)
        frame.to_parquet(job.scores, index=False)
        write_json(job.result, {"generated": True, "tokens": {"audio": 2, "video": 2}, **took})
    return jobs[0]


def read_study(folder: Path) -> Any:
    results = judge_study(_study_jobs(folder), "concat", replicates=4)
    return as_markdown(results), findings(results), costs(results)


PROBED = {"clip_id": "made/a.mp4", "size_bytes": 1, "container": "mp4", "num_frames": 3, "duration_seconds": 0.1}


def make_probe_journal(folder: Path) -> Path:
    (folder / "probe.jsonl").write_text(json.dumps(PROBED) + "\n" + json.dumps({"clip_id": "b"}) + "\n")
    return folder / "probe.jsonl"


def make_probe_table(folder: Path) -> Path:
    pq.write_table(pa.Table.from_pylist([PROBED] * 2, schema=PROBE_SCHEMA), folder / "probe.parquet")
    return folder / "probe.parquet"


def make_kept_scores(folder: Path) -> Path:
    rows = [{"clip_id": name, "scores": {"any": 0.5, "video": 0.25}} for name in CLIPS]
    (folder / "scores.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "scores.jsonl"


KINDS = {
    **MODELS,
    "manifest": Kind(make_manifest, read_manifest),
    "split": Kind(make_split, lambda folder: Split.read(folder / "split.parquet")),
    "scores csv": Kind(make_scores_csv, lambda folder: read_scores(folder / "scores.csv")),
    "scores parquet": Kind(make_scores_parquet, lambda folder: read_scores(folder / "scores.parquet")),
    "store header": Kind(lambda folder: make_store(folder) / HEADER, read_store),
    "store index": Kind(lambda folder: make_store(folder) / INDEX, read_store),
    "store failures": Kind(lambda folder: make_store(folder) / FAILURES, read_store),
    "store shard": Kind(lambda folder: make_store(folder) / SHARDS / "made-0.tar", read_store),
    "token header": Kind(lambda folder: make_tokens(folder) / TOKENS_HEADER, read_tokens),
    "token shard": Kind(lambda folder: shard_path(make_tokens(folder), 0), read_tokens),
    "store journal": Kind(make_journal, read_journal),
    "study plan": Kind(make_plan, read_plan),
    "study scores": Kind(lambda folder: make_study(folder).scores, read_study),
    "study result": Kind(lambda folder: make_study(folder).result, read_study),
    "probe journal": Kind(make_probe_journal, lambda folder: list(journal_tables(folder / "probe.jsonl"))),
    "probe table": Kind(make_probe_table, lambda folder: read_probe_table(folder / "probe.parquet")),
    "kept scores": Kind(make_kept_scores, lambda folder: dict(kept_scores(folder / "scores.jsonl"))),
}
