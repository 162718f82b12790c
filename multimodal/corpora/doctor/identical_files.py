"""Files with the same bytes, found by size first and by a hash of what is left."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

_EDGE_BYTES = 16_384
_WORKERS = 4

#: Hash of one file, or None where it cannot be read.
_Digest = Callable[[str], bytes | None]


def identical_files(paths: Sequence[str], size_bytes: np.ndarray) -> list[np.ndarray]:
    """Groups of positions whose files have the same bytes, in the order of their first member.

    Files of one size are told apart by their first and last 16 KiB, and only where these are the same by all of
    their bytes, so that most large files are hardly read. Empty, missing and unreadable files are in no group.
    """
    candidates = _repeated(pd.Series(size_bytes), np.flatnonzero(size_bytes > 0))
    edges = _digests(paths, candidates, _digest_of_edges)
    key = pd.Series([None if edge is None else (size_bytes[row], edge) for row, edge in edges.items()], edges)
    candidates = _repeated(key, key.dropna().index.to_numpy(dtype=np.int64))
    is_whole = size_bytes[candidates] <= 2 * _EDGE_BYTES
    whole = _digests(paths, candidates[~is_whole], _digest_of_all)
    digests = {row: edges[row] for row in candidates[is_whole]} | whole
    table = pd.DataFrame({"row": list(digests), "digest": list(digests.values())}).dropna().sort_values("row")
    groups = table.groupby("digest", sort=False)["row"]
    return [rows.to_numpy(dtype=np.int64) for _, rows in groups if len(rows) > 1]


def _repeated(key: pd.Series, rows: np.ndarray) -> np.ndarray:
    """Those rows whose key another row has too."""
    return rows[key.loc[rows].duplicated(keep=False).to_numpy()]


def _digests(paths: Sequence[str], rows: np.ndarray, digest: _Digest) -> dict[int, bytes | None]:
    with ThreadPoolExecutor(_WORKERS) as pool:  # hashing lets go of the interpreter's lock
        return dict(zip(rows.tolist(), pool.map(digest, [paths[row] for row in rows]), strict=True))


def _digest_of_edges(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            digest = hashlib.blake2b(file.read(_EDGE_BYTES), digest_size=16)
            end = file.seek(0, 2)
            file.seek(max(_EDGE_BYTES, end - _EDGE_BYTES))
            digest.update(file.read(_EDGE_BYTES))
    except OSError:
        return None
    return digest.digest()


def _digest_of_all(path: str) -> bytes | None:
    digest = hashlib.blake2b(digest_size=16)
    try:
        with open(path, "rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    except OSError:
        return None
    return digest.digest()
