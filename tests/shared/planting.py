"""Trees of tiny files, for tests of corpus readers."""

from pathlib import Path


def plant(root: Path, *paths: str, content: bytes | str = b"bytes") -> Path:
    """Write files of a few bytes below ``root``, which is returned."""
    for folder in {path.rpartition("/")[0] for path in paths}:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for path in paths:
        (root / path).write_bytes(content.encode() if isinstance(content, str) else content)
    return root
