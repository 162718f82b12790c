"""Every test draws its weights and tokens from the same seed."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def seeded_torch() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield
