"""AASIST against its paper and, where they are at hand, against its published weights."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from encoders.audio.aasist import AasistEncoder
from encoders.audio.aasist_layers import (
    GraphAttention,
    GraphPooling,
    HeterogeneousGraphAttention,
    band_pass_filters,
)

WEIGHTS = os.environ.get("AASIST_WEIGHTS")
needs_weights = pytest.mark.skipif(
    WEIGHTS is None,
    reason="published weights not at hand: AASIST_WEIGHTS=FOLDER with AASIST.pth, AASIST-L.pth and golden.json",
)
NUM_SAMPLES = 64_600


def published_inputs():
    """Tone, noise and chirp of four seconds, as golden.json describes them."""
    seconds = np.arange(NUM_SAMPLES) / 16_000
    tone = 0.3 * np.sin(2 * np.pi * 220 * seconds) + 0.1 * np.sin(2 * np.pi * 1330 * seconds)
    noise = np.random.RandomState(7).randn(NUM_SAMPLES).astype(np.float32) * np.float32(0.1)
    chirp = 0.2 * np.sin(2 * np.pi * (100 * seconds + 400 * seconds**2))
    return torch.from_numpy(np.stack([tone, noise, chirp])).float()


@needs_weights
@pytest.mark.parametrize("variant", ["AASIST", "AASIST-L"])
def test_published_weights_give_the_published_outputs(variant):
    golden = json.loads((Path(WEIGHTS) / "golden.json").read_text())["models"][variant]
    encoder = AasistEncoder(variant=variant, weights=str(Path(WEIGHTS) / f"{variant}.pth")).eval()
    with torch.no_grad():
        logits, (_, readout) = encoder.logits(published_inputs()), encoder.graphs(published_inputs())
    torch.testing.assert_close(logits, torch.tensor(golden["logits"]), rtol=0, atol=1e-4)
    torch.testing.assert_close(readout[:, :5], torch.tensor(golden["last_hidden_first5"]), rtol=0, atol=1e-4)
    assert "ASVspoof 2019 LA" in encoder.trained_on


@needs_weights
def test_weights_of_the_other_variant_are_refused():
    with pytest.raises(ValueError, match=r"another architecture, \d+ misfits: .*the encoder wants"):
        AasistEncoder(variant="AASIST", weights=str(Path(WEIGHTS) / "AASIST-L.pth"))


@pytest.mark.parametrize(("variant", "num_parameters"), [("AASIST", 297_866), ("AASIST-L", 85_306)])
def test_parameters_number_as_published(variant, num_parameters):
    encoder = AasistEncoder(variant=variant)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == num_parameters
    assert len(encoder.state_dict()) == 229


def test_four_seconds_give_29_temporal_nodes_and_a_readout_of_160():
    encoder = AasistEncoder(variant="AASIST-L").eval()
    with torch.no_grad():
        temporal, readout = encoder.graphs(published_inputs()[:1])
        tokens = encoder(published_inputs()[:1])
    assert temporal.shape == (1, 29, 24)
    assert readout.shape == (1, 160)
    assert torch.equal(tokens[..., :24], temporal)
    assert torch.equal(tokens[:, 3, 24:], readout)


def test_state_written_by_torch_loads_and_gives_the_same_logits(tmp_path):
    encoder = AasistEncoder(variant="AASIST-L").eval()
    torch.save(encoder.state_dict(), tmp_path / "own.pth")
    again = AasistEncoder(variant="AASIST-L", weights=str(tmp_path / "own.pth")).eval()
    sound = published_inputs()[:, :8000]
    assert torch.equal(again.logits(sound), encoder.logits(sound))
    assert again.arguments()["weights"] is None


def test_file_that_is_no_state_dict_is_refused(tmp_path):
    (tmp_path / "bad.pth").write_bytes(b"not weights")
    with pytest.raises(ValueError, match="cannot read weights from"):
        AasistEncoder(weights=str(tmp_path / "bad.pth"))


def test_band_pass_filters_let_their_own_band_through_and_no_other():
    filters = band_pass_filters(70, 129, 16_000)
    response = torch.fft.rfft(filters, 1024).abs()
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 71) / 2595) - 1)
    centre = (edges[60] + edges[61]) / 2
    peak = response[60].argmax() * 8000 / 512
    assert edges[60] < peak < edges[61]
    assert response[60, round(centre / 8000 * 512)] > 0.9 * response[60].max()
    assert response[60, round(centre / 2 / 8000 * 512)] < 0.02


def test_graph_attention_shares_its_attention_among_all_nodes():
    """With attention vectors of zero every node weighs the same, so the attended part is the mean of the nodes."""
    layer = GraphAttention(4, 4, temperature=2.0).eval()
    with torch.no_grad():
        layer.att_weight.zero_()
        layer.proj_with_att.weight.copy_(torch.eye(4))
        layer.proj_without_att.weight.zero_()
        for part in (layer.proj_with_att, layer.proj_without_att):
            part.bias.zero_()
        nodes = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
        mean = nodes.mean(dim=1, keepdim=True).expand(-1, 3, -1)
        torch.testing.assert_close(layer(nodes), torch.nn.functional.selu(mean / (1 + layer.bn.eps) ** 0.5))


def test_mixed_pairs_use_their_own_attention_vector():
    """Temporal and spectral nodes must not see each other where only the mixed vector is very negative."""
    layer = HeterogeneousGraphAttention(2, 2, temperature=0.01).eval()
    with torch.no_grad():
        layer.att_proj.weight.zero_()
        layer.att_proj.bias.fill_(1.0)
        layer.att_weight11.zero_()
        layer.att_weight22.zero_()
        layer.att_weight12.fill_(-100.0)
        attention = layer._attention(torch.randn(1, 5, 2), num_temporal=2)[0]
    torch.testing.assert_close(attention, torch.block_diag(torch.full((2, 2), 1 / 2), torch.full((3, 3), 1 / 3)))


def test_graph_pooling_keeps_the_highest_scores_scaled():
    pooling = GraphPooling(1, ratio=0.5).eval()
    with torch.no_grad():
        pooling.proj.weight.fill_(1.0)
        pooling.proj.bias.zero_()
        kept = pooling(torch.tensor([[[0.0], [2.0], [-3.0], [1.0]]]))
    expected = [2.0 * torch.sigmoid(torch.tensor(2.0)), 1.0 * torch.sigmoid(torch.tensor(1.0))]
    torch.testing.assert_close(kept.flatten(), torch.stack(expected))


def test_frozen_blocks_keep_weights_and_statistics_while_the_rest_learns():
    encoder = AasistEncoder(variant="AASIST-L", frozen_blocks=2).train()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    encoder(published_inputs()[:, :8000]).square().mean().backward()
    assert all(value.grad is None for part in encoder.frozen for value in part.parameters())
    assert encoder.encoder[2][0].conv1.weight.grad.abs().sum() > 0
    after = encoder.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert not any(name.startswith(("first_bn", "encoder.0", "encoder.1")) for name in changed)
    assert any(name.startswith("encoder.2") and "running_mean" in name for name in changed)


def test_what_frozen_blocks_gave_is_remembered_by_window_and_weights(monkeypatch):
    seen = []
    compute = AasistEncoder._nodes
    monkeypatch.setattr(AasistEncoder, "_nodes", lambda self, x, *mask: seen.append(len(x)) or compute(self, x))
    first, other = (AasistEncoder(variant="AASIST-L", frozen_blocks=6).eval() for _ in range(2))
    sound = 0.5 * published_inputs()[:, :8000]
    assert torch.equal(first(sound[:2]), first(sound[:2]))
    assert seen == [2]
    first(sound)
    assert seen == [2, 1]
    first.train()(sound).sum().backward()
    assert seen == [2, 1]
    other(sound)
    assert seen == [2, 1, 3]


def test_more_blocks_than_there_are_are_not_frozen():
    with pytest.raises(ValueError, match="frozen_blocks must be in 0 to 6; got 7"):
        AasistEncoder(frozen_blocks=7)
