from types import SimpleNamespace

import pytest
import torch

from experiments import settle


@pytest.mark.parametrize(("device", "precision"), [("cpu", "bf16"), ("cpu", "no"), ("cuda", "fp16")])
def test_a_precision_that_the_device_computes_in_is_taken(device, precision, monkeypatch):
    monkeypatch.setattr(settle, "PartialState", lambda: SimpleNamespace(device=torch.device(device)))
    settle.check_precision(precision)


def test_float16_is_refused_on_a_cpu_where_it_would_be_float32_without_a_word(monkeypatch):
    monkeypatch.setattr(settle, "PartialState", lambda: SimpleNamespace(device=torch.device("cpu")))
    with pytest.raises(ValueError, match="--precision fp16 needs a GPU"):
        settle.check_precision("fp16")
