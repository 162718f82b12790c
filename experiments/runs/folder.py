"""A run: one training with its config, checkpoints, scores, metrics and figures in one folder."""

import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multimodal import __version__
from multimodal.artefacts import check_folders_inside, is_number, require
from multimodal.files import JUDGE_FILE, claim, held, read_json, sweep, write_json

if TYPE_CHECKING:
    import pandas as pd

#: What results depend on; decord is not there on every machine.
PACKAGES = (
    *("torch", "torchvision", "torchaudio", "timm", "transformers", "accelerate", "facenet-pytorch"),
    *("av", "decord", "numpy", "scikit-learn"),
)
_SOURCES = Path(__file__).parents[2]


def judge_must_be_there(name: Path) -> None:
    """Refuse what can neither be a run, nor a detector that judges files, nor a repository of the hub.

    Raises:
        ValueError: a folder that is none of them, or a path to nothing: the hub is asked for owner/name alone, and
            where ``owner`` is a folder here a run in it was meant.
    """
    could_be_on_the_hub = len(name.parts) == 2 and not name.is_absolute() and not name.parent.exists()
    if not could_be_on_the_hub and not (name / JUDGE_FILE).is_file():
        RunFolder(name).must_be_there()


@dataclass(frozen=True)
class RunFolder:
    """Names of the files in a run."""

    path: Path

    def must_be_there(self) -> None:
        """Raise ``ValueError`` where no training has begun in the folder."""
        if not self.config.is_file():
            raise ValueError(
                f"no run in {self.path} (no config.json). Make one with: train NAME --out {self.path}"
            )

    @property
    def config(self) -> Path:
        """The configuration that the run can be rebuilt from."""
        return self.path / "config.json"

    @property
    def environment(self) -> Path:
        """Versions, machine and commit that the run began with."""
        return self.path / "environment.json"

    @property
    def history(self) -> Path:
        """A row of numbers for each validation."""
        return self.path / "history.json"

    @property
    def provenance(self) -> Path:
        """What the model was trained on: split hash, cropper, counts, whether the media are generated."""
        return self.path / "provenance.json"

    @property
    def architecture(self) -> Path:
        """The encoders' names and arguments, enough to build them without any download."""
        return self.path / "architecture.json"

    @property
    def scores(self) -> Path:
        """A row a clip: every score, label, identity, method."""
        return self.path / "scores.parquet"

    @property
    def metrics(self) -> Path:
        """Metrics with intervals on the test split."""
        return self.path / "metrics.json"

    @property
    def thresholds(self) -> Path:
        """Operating points chosen on validation data."""
        return self.path / "thresholds.json"

    @property
    def calibration(self) -> Path:
        """The way from scores to probabilities, fitted on validation data."""
        return self.path / "calibration.json"

    @property
    def familiar(self) -> Path:
        """What validation clips look and sound like to the encoders."""
        return self.path / "familiar.safetensors"

    @property
    def thresholds_page(self) -> Path:
        """The page of operating points and calibration."""
        return self.path / "thresholds.html"

    @property
    def transfer(self) -> Path:
        """The thresholds on other scores."""
        return self.path / "transfer.json"

    @property
    def transfer_page(self) -> Path:
        """The page of the thresholds on other scores."""
        return self.path / "transfer.html"

    @property
    def audit(self) -> Path:
        """What `audit` found."""
        return self.path / "audit.json"

    @property
    def weights(self) -> Path:
        """The weights that validation chose."""
        return self.path / "best.safetensors"

    @property
    def frozen_encoders(self) -> Path:
        """The encoders' weights, where only fusion and heads were trained, on their tokens."""
        return self.path / "encoders.safetensors"

    @property
    def figures(self) -> Path:
        """Figures as PNG."""
        return self.path / "figures"

    @property
    def report(self) -> Path:
        """The page of the run."""
        return self.path / "report.html"

    @property
    def encoder(self) -> Path:
        """The encoder that pretraining made."""
        return self.path / "encoder"

    @contextmanager
    def begun(self, settings: dict[str, Any]) -> Iterator[None]:
        """Start the run, or go on with it, as its one writer while the block runs.

        The folder may hold the same settings but no others. A run that failed before it learnt anything is begun
        anew, whatever its settings were. What a killed writer left half-written is removed.

        Raises:
            ValueError: the folder holds another run (names what differs), or another process writes it.
        """
        former = claim(self.path, self.config.name, settings, kind="run")
        # Another lock than that of claiming: a process that claims meanwhile must be refused at once, not wait.
        with held(self.path):
            sweep(self.path, is_deep=True)
            differing = _differences(former, settings)
            if differing and self.provenance.is_file():
                raise ValueError(
                    f"{self.path} holds a run with other settings ({'; '.join(differing[:3])}); give a new --out"
                )
            if differing:
                write_json(self.config, settings)
            if differing or not self.environment.is_file():
                write_json(self.environment, environment())
            yield

    @contextmanager
    def judged(self) -> Iterator[None]:
        """Be the one that writes scores, metrics and thresholds into the run while the block runs.

        Raises:
            ValueError: the folder is no run, has a link to a folder elsewhere, or another process writes it.
        """
        self.read_plain_config()
        check_folders_inside(self.path)
        with held(self.path):
            sweep(self.path, is_deep=True)
            yield

    def read_provenance(self) -> dict[str, Any]:
        """What the model was trained on."""
        if not self.provenance.is_file():
            raise ValueError(f"{self.path} has no {self.provenance.name}; call `train` on it again to go on")
        found = read_json(self.provenance)
        require(found, _PROVENANCE, self.provenance)
        return found

    def read_plain_config(self) -> dict[str, Any]:
        """The configuration of a run that exists, as plain values."""
        if not self.config.is_file():
            raise ValueError(f"not a run: {self.path} has no config.json; give the folder that `train` wrote")
        found = read_json(self.config)
        require(found, {}, self.config)
        return found

    @property
    def is_branch(self) -> bool:
        """Whether `pretrain` wrote it: one encoder and its head, judged on its own modality."""
        return "modality" in self.read_plain_config()

    def validation_scores(self) -> "pd.DataFrame":
        """The rows of the validation split, and no other: the filter is applied while reading."""
        if not self.scores.is_file():
            raise ValueError(f"no scores in {self.path}; give the folder that `train` wrote")
        from multimodal.artefacts import read_frame

        return read_frame(self.scores, "a table of scores", filters=[("split", "==", "val")])

    def test_scores(self) -> "pd.DataFrame":
        """The rows of the test split, which `evaluate` has written."""
        from multimodal.artefacts import read_frame

        return read_frame(self.scores, "a table of scores", filters=[("split", "==", "test")])

    def read_history(self) -> list[dict[str, Any]]:
        """A row for each validation, with its ``step`` and ``selection``; there is one at least."""
        rows = read_json(self.history)
        if not isinstance(rows, list) or not rows or not all(map(_is_validation, rows)):
            raise ValueError(f"{self.history} is no history of validations; call `train` on the run again")
        return rows

    def read_thresholds(self) -> dict[str, Any] | None:
        """Thresholds of every rule and target with how they were chosen; None before ``thresholds``."""
        found = _read(self.thresholds)
        if found is not None:
            require(found, {"thresholds": dict}, self.thresholds)
            if "thresholds" not in found:
                raise ValueError(f"{self.thresholds} holds no thresholds; choose them anew")
            for name, rules in found["thresholds"].items():
                for rule, chosen in (rules if isinstance(rules, dict) else {"": None}).items():
                    threshold = chosen.get("threshold", "") if isinstance(chosen, dict) else ""
                    if threshold is not None and not is_number(threshold):
                        raise ValueError(f"{self.thresholds} has no threshold for {name} {rule}; choose them anew")
        return found

    def read_metrics(self) -> dict[str, Any] | None:
        """Metrics on the test split; None before ``evaluate``."""
        return _read(self.metrics)

    def read_calibration(self) -> dict[str, Any] | None:
        """The way from scores to probabilities; None before ``thresholds``."""
        found = _read(self.calibration)
        if found is not None:
            from multimodal.metrics.probabilities import check_calibration

            check_calibration(found, self.calibration)
        return found


#: What every run says of its clips, and what kind of value that is.
_PROVENANCE = {
    "corpora": list,
    "clips": dict,
    "generated": bool,
    "protocol": str,
    "split_hash": str,
    "store": str,
    "store_options": dict,
}


def _is_validation(row: Any) -> bool:
    selection = row.get("selection") if isinstance(row, dict) else ""
    return (selection is None or is_number(selection)) and is_number(row.get("step"))


def _read(path: Path) -> Any:
    return read_json(path) if path.is_file() else None


def environment() -> dict[str, Any]:
    """Versions, machine and commit, for whoever repeats the run."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "version": __version__,
        "packages": {name: _version(name) for name in PACKAGES},
        "commit": commit(_SOURCES),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def commit(sources: Path) -> str | None:
    """The commit of sources that are a checkout of their own, ``-dirty`` where they were changed since.

    None for sources that were installed: git would find the repository whose folder the environment lies in.
    """
    try:
        top = _git(sources, "rev-parse", "--show-toplevel")
        if Path(top).resolve() != sources.resolve():
            return None
        return _git(sources, "describe", "--always", "--dirty", "--abbrev=40")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, cwd=folder, check=True)
    return done.stdout.strip()


def _differences(former: Any, new: Any, name: str = "") -> list[str]:
    if isinstance(former, dict) and isinstance(new, dict):
        keys = sorted(former.keys() | new.keys())
        return [
            line
            for key in keys
            for line in _differences(former.get(key), new.get(key), f"{name}.{key}".strip("."))
        ]
    return [] if former == new else [f"{name}: {former!r}, now {new!r}"]
