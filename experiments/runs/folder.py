"""A run: one training with its config, checkpoints, scores, metrics and figures in one folder."""

import platform
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multimodal import __version__
from multimodal.files import read_json, write_json

if TYPE_CHECKING:
    import pandas as pd

#: What results depend on; decord is not there on every machine.
PACKAGES = (
    *("torch", "torchvision", "torchaudio", "timm", "transformers", "accelerate", "facenet-pytorch"),
    *("av", "decord", "numpy", "scikit-learn"),
)
_SOURCES = Path(__file__).parents[2]


@dataclass(frozen=True)
class RunFolder:
    """Names of the files in a run."""

    path: Path

    @property
    def config(self) -> Path:
        """The configuration that the run can be rebuilt from."""
        return self.path / "config.json"

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
        """From scores to probabilities, fitted on validation data."""
        return self.path / "calibration.json"

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

    def begin(self, settings: dict[str, Any]) -> None:
        """Start the run, or go on with it: the folder may hold the same settings but no others.

        A run that failed before it learnt anything is begun anew, whatever its settings were.

        Raises:
            ValueError: the folder holds another run; names what differs.
        """
        if self.config.is_file():
            former = read_json(self.config)
            differing = _differences(former, settings)
            if not differing:
                return
            if self.provenance.is_file():
                raise ValueError(
                    f"{self.path} holds a run with other settings ({'; '.join(differing[:3])}); give a new --out"
                )
        elif self.path.exists() and any(self.path.iterdir()):
            raise ValueError(f"{self.path} is not empty and holds no run; give a new --out")
        write_json(self.config, settings)
        write_json(self.path / "environment.json", environment())

    def read_provenance(self) -> dict[str, Any]:
        """What the model was trained on."""
        if not self.provenance.is_file():
            raise ValueError(f"{self.path} has no {self.provenance.name}; call `train` on it again to go on")
        return read_json(self.provenance)

    def read_plain_config(self) -> dict[str, Any]:
        """The configuration of a run that exists, as plain values."""
        if not self.config.is_file():
            raise ValueError(f"not a run: {self.path} has no config.json; give the folder that `train` wrote")
        return read_json(self.config)

    def validation_scores(self) -> "pd.DataFrame":
        """The rows of the validation split, and no other: the filter is applied while reading."""
        if not self.scores.is_file():
            raise ValueError(f"no scores in {self.path}; give the folder that `train` wrote")
        import pyarrow.parquet as pq

        return pq.read_table(self.scores, filters=[("split", "==", "val")]).to_pandas()

    def read_thresholds(self) -> dict[str, Any] | None:
        """Thresholds of every rule and target with how they were chosen; None before ``thresholds``."""
        return _read(self.thresholds)

    def read_metrics(self) -> dict[str, Any] | None:
        """Metrics on the test split; None before ``evaluate``."""
        return _read(self.metrics)

    def read_calibration(self) -> dict[str, Any] | None:
        """From scores to probabilities; None before ``thresholds``."""
        return _read(self.calibration)


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
