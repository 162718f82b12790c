"""What options of a training do to its steps: rates, decay, accumulation, averaged weights."""

import itertools

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import save_file
from tiny_speech import TINY_SPEECH

from encoders import create_encoder, load_encoder
from fusion import create_fusion
from multimodal.detector import AudioVisualDetector
from multimodal.heads import Branch
from multimodal.training.averaging import WeightAverage
from multimodal.training.checkpoints import Checkpoints, load_weights
from multimodal.training.fit import fit, training_step
from multimodal.training.losses import DetectorLoss
from multimodal.training.options import FitOptions
from multimodal.training.parameter_groups import make_optimizer
from multimodal.training.tasks import BranchTask, DetectorTask

SPEECH = {
    **TINY_SPEECH,
    "num_hidden_layers": 2,
    **dict.fromkeys(("hidden_dropout", "attention_dropout", "activation_dropout", "feat_proj_dropout"), 0.0),
}
#: Every loss is on, and no two clips of a part of the batch need have a known label.
LOSS = DetectorLoss(name="focal", synchrony_weight=0.3)


def build(compares: bool = True) -> AudioVisualDetector:
    torch.manual_seed(0)
    video = create_encoder("frames", backbone="test_vit", frame_size=32)
    audio = create_encoder("wav2vec2", checkpoint=SPEECH, weigh_layers=True)
    fusion = create_fusion("discrepancy", dims={"video": video.embed_dim, "audio": audio.embed_dim}, out_dim=8)
    encoders = {"video": video, "audio": audio}
    return AudioVisualDetector(encoders=encoders, fusion=fusion, dropout=0.0, compares=compares)


def batch(count: int = 6) -> dict:
    generator = torch.Generator().manual_seed(1)
    present = torch.ones(count, dtype=torch.bool)
    classes = torch.tensor([0, -1, 3, 1, -1, 0])
    return {
        "inputs": {
            "video": torch.rand(count, 4, 3, 32, 32, generator=generator),
            "audio": 0.1 * torch.randn(count, 4000, generator=generator),
        },
        "present": {"video": present, "audio": present},
        "lengths": {"video": torch.full((count,), 4), "audio": torch.full((count,), 4000)},
        "labels": {
            "class": classes,
            "video": torch.tensor([0, -1, 1, 0, 1, 0]),
            "audio": torch.tensor([0, 1, 1, 1, -1, 0]),
        },
        "row": torch.arange(count),
    }


def updated(task, model, accumulate: int) -> dict[str, torch.Tensor]:
    options = FitOptions(learning_rate=0.1, warmup_share=0.0, accumulate=accumulate, weight_decay=0.0)
    optimizer = torch.optim.SGD([{"params": list(model.parameters()), "scale": 1.0}], lr=0.1)
    model.train()
    training_step(model, task, batch(), optimizer, 0, options, Accelerator(cpu=True))
    return {name: value.detach().clone() for name, value in model.named_parameters()}


@pytest.mark.parametrize("modality_dropout", [0.0, 0.7])
def test_a_batch_in_parts_gives_the_update_of_the_whole_batch_where_labels_are_unknown(modality_dropout):
    task = DetectorTask(criterion=LOSS, score_validation=lambda _: None, modality_dropout=modality_dropout)
    before = {name: value.detach().clone() for name, value in build().named_parameters()}
    whole, parts = updated(task, build(), 1), updated(task, build(), 3)
    moved = max((whole[name] - before[name]).abs().max().item() for name in before)
    assert moved > 1e-3
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=0, atol=1e-6)


def test_a_branch_in_parts_gives_the_update_of_the_whole_batch():
    def branch() -> Branch:
        torch.manual_seed(0)
        return Branch(create_encoder("frames", backbone="test_vit", frame_size=32), dropout=0.0)

    task = BranchTask(modality="video", criterion=LOSS, score_validation=lambda _: None)
    whole, parts = updated(task, branch(), 1), updated(task, branch(), 4)
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=0, atol=1e-6)


def test_more_parts_than_windows_are_refused():
    task = DetectorTask(criterion=LOSS, score_validation=lambda _: None)
    with pytest.raises(ValueError, match="a batch of 6 windows on this process cannot be computed in 7 parts"):
        next(task.losses(build(), batch(), 7))


def groups_by_name(model, **options):
    optimizer = make_optimizer(model, FitOptions(learning_rate=1.0, weight_decay=0.5, **options))
    found = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    return {name: found[id(p)] for name, p in model.named_parameters() if p.requires_grad}


def test_new_modules_learn_ten_times_faster_than_trained_encoders():
    detector = build()
    alike = groups_by_name(detector)
    assert {group["scale"] for group in alike.values()} == {1.0}
    detector.encoders["video"].trained_on = "somebody's weights"
    groups = groups_by_name(detector)
    for name, group in groups.items():
        assert group["scale"] == (1.0 if name.startswith("encoders.video.") else 10.0), name
    assert groups["classifier.class_head.1.weight"]["lr"] == 10.0


def test_new_modules_learn_as_fast_where_all_that_was_trained_is_frozen():
    detector = build()
    for encoder in detector.encoders.values():
        encoder.trained_on = "somebody's weights"
    detector.freeze_encoders()
    assert {group["scale"] for group in groups_by_name(detector).values()} == {10.0}
    # and so does the part that learns from their tokens
    behind = make_optimizer(detector.classifier, FitOptions(), detector.encoders.values())
    assert {group["scale"] for group in behind.param_groups} == {10.0}


def test_tokens_of_random_encoders_make_nothing_learn_faster():
    detector = build()
    behind = make_optimizer(detector.classifier, FitOptions(), detector.encoders.values())
    assert {group["scale"] for group in behind.param_groups} == {1.0}


def test_adapters_and_the_head_behind_them_learn_as_new_modules_do():
    pytest.importorskip("peft", reason="pip install '.[lora]'")
    encoder = create_encoder("frames", backbone="test_vit", frame_size=32, lora_rank=2)
    encoder.trained_on = "somebody's weights"
    scales = {name: group["scale"] for name, group in groups_by_name(Branch(encoder)).items()}
    assert any(".lora_" in name for name in scales)
    assert any(name.startswith("head.") for name in scales)
    assert set(scales.values()) == {10.0}


def test_layers_near_the_input_of_a_trained_encoder_learn_slower():
    detector = build()
    for encoder in detector.encoders.values():
        encoder.trained_on = "somebody's weights"
    groups = groups_by_name(detector, layer_decay=0.5)
    video, audio = "encoders.video.backbone.", "encoders.audio.model.encoder."
    scale = {name: group["scale"] for name, group in groups.items()}
    assert scale[f"{video}norm.weight"] == 1.0
    assert scale[f"{video}blocks.1.mlp.fc1.weight"] == 2 * scale[f"{video}blocks.0.mlp.fc1.weight"]
    assert scale[f"{video}blocks.0.mlp.fc1.weight"] == 2 * scale[f"{video}patch_embed.proj.weight"]
    layers = [f"{audio}layers.{number}.attention.k_proj.weight" for number in (0, 1)]
    assert [scale["encoders.audio.model.feature_projection.projection.weight"], *map(scale.get, layers)] == [
        0.125,
        0.25,
        0.5,
    ]
    assert scale["encoders.audio.layer_weights"] == 1.0
    assert scale["classifier.class_head.1.weight"] == 10.0


def test_a_vision_transformer_on_spectrograms_learns_by_layers_as_one_on_frames_does():
    ears, eyes = create_encoder("spectrogram", backbone="test_vit"), create_encoder("frames", backbone="test_vit")
    scales = []
    for encoder in (ears, eyes):
        encoder.trained_on = "somebody's weights"
        groups = groups_by_name(Branch(encoder), layer_decay=0.5)
        scales.append({name: group["scale"] for name, group in groups.items()})
    heard, seen = scales
    assert heard == seen
    layers = ("patch_embed.proj", "blocks.0.norm1", "blocks.1.norm1")
    first, second, third = (heard[f"encoder.backbone.{layer}.weight"] for layer in layers)
    assert (second, third) == (2 * first, 4 * first)


def test_a_vision_transformer_that_is_read_at_a_stage_learns_by_layers_too():
    encoder = create_encoder("frames", backbone="test_vit", frame_size=32, stage=-1)
    encoder.trained_on = "somebody's weights"
    groups = groups_by_name(Branch(encoder), layer_decay=0.5)
    layers = ("patch_embed.proj", "blocks.0.norm1", "blocks.1.norm1")
    first, second, third = (groups[f"encoder.backbone.model.{layer}.weight"]["scale"] for layer in layers)
    assert (second, third) == (2 * first, 4 * first)


@pytest.mark.parametrize("is_stable", [False, True])
def test_the_norm_of_a_speech_model_learns_as_the_layers_beside_it(is_stable):
    encoder = create_encoder("wav2vec2", checkpoint={**SPEECH, "do_stable_layer_norm": is_stable})
    depths = encoder.parameter_depths()
    # it follows the last layer where norms come first in each, and else stands before the first
    assert depths["model.encoder.layer_norm.weight"] == (3 if is_stable else 0)


def test_what_published_weights_do_not_bring_learns_as_new_modules_do(tmp_path):
    speech = create_encoder("wav2vec2", checkpoint=SPEECH)
    speech.model.save_pretrained(tmp_path / "speech")
    pictures = create_encoder("frames", backbone="test_vit")
    save_file(pictures.backbone.state_dict(), tmp_path / "model.safetensors")
    made = {
        "layer_weights": create_encoder("wav2vec2", checkpoint=str(tmp_path / "speech"), weigh_layers=True),
        "temporal": create_encoder(
            "frames", backbone="test_vit", weights=tmp_path / "model.safetensors", temporal_layers=1
        ),
    }
    for new, encoder in made.items():
        scales = {name: group["scale"] for name, group in groups_by_name(Branch(encoder)).items()}
        is_new = {name: not name.startswith("encoder.") or f"encoder.{new}" in name for name in scales}
        assert set(is_new.values()) == {True, False}
        assert scales == {name: 10.0 if is_new[name] else 1.0 for name in scales}
        encoder.save_pretrained(tmp_path / new)
        again = groups_by_name(Branch(load_encoder(tmp_path / new)))  # it has learnt by then
        assert {group["scale"] for name, group in again.items() if name.startswith("encoder.")} == {1.0}


@pytest.mark.parametrize("model_type", ["wav2vec2", "hubert", "wavlm"])
def test_positions_of_speech_models_do_not_decay(model_type):
    encoder = create_encoder("wav2vec2", checkpoint={**SPEECH, "model_type": model_type})
    groups = groups_by_name(Branch(encoder))
    marks = ("pos_conv_embed", "rel_attn_embed", "gru_rel_pos_const")
    positions = {name for name in groups if any(mark in name for mark in marks)}
    assert positions
    assert {groups[name]["weight_decay"] for name in positions} == {0.0}


def test_biases_norms_positions_and_weights_of_layers_do_not_decay():
    groups = groups_by_name(build())
    kept = {name for name, group in groups.items() if group["weight_decay"] == 0}
    assert {
        "encoders.video.backbone.pos_embed",
        "encoders.video.backbone.cls_token",
        "encoders.video.backbone.blocks.0.norm1.weight",
        "encoders.video.backbone.blocks.0.mlp.fc1.bias",
        "encoders.audio.layer_weights",
        "classifier.class_head.1.bias",
    } <= kept
    assert groups["encoders.video.backbone.blocks.0.mlp.fc1.weight"]["weight_decay"] == 0.5
    assert groups["classifier.class_head.1.weight"]["weight_decay"] == 0.5


class Point(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([3.0]))
        self.register_buffer("count", torch.zeros(()))

    def forward(self):
        self.count += 1
        return self.weight.square().sum()


def test_averaged_weights_are_the_moving_average_worked_out_by_hand():
    model = Point()
    average = WeightAverage(model, decay=0.9)
    by_hand = 3.0
    for step, value in enumerate((1.0, 2.0, 4.0, 8.0), 1):
        model.weight.data.fill_(value)
        model()
        average.update(model, step)
        share = min(0.9, (1 + step) / (10 + step))
        by_hand = share * by_hand + (1 - share) * value
    assert average.model.weight.item() == pytest.approx(by_hand)
    assert average.model.count == 4
    assert model.weight.item() == 8.0


class PointTask:
    """Validation likes the averaged weights where ``likes_average``, else those that learn."""

    def __init__(self, likes_average: bool) -> None:
        self.likes_average = likes_average

    def losses(self, model, batch, parts):
        yield {"loss": model()}

    def validate(self, model):
        is_average = not next(model.parameters()).requires_grad
        return {"selection": 0.9 if is_average == self.likes_average else 0.1}


def fit_point(folder, likes_average=True, stop_at=100):
    rows = {"inputs": {}, "present": {}, "lengths": {}, "labels": {}, "row": torch.tensor([0])}
    options = FitOptions(steps=6, validate_every=3, learning_rate=0.1, ema_decay=0.5)
    model = Point()
    batches = itertools.repeat(rows, stop_at)
    try:
        state = fit(
            model,
            PointTask(likes_average),
            lambda step: batches,
            options,
            accelerator=Accelerator(cpu=True),
            checkpoints=Checkpoints(folder),
        )
    except StopIteration:
        return model, None
    return model, state


def test_validation_chooses_between_the_weights_and_their_average(tmp_path):
    best = Point()
    for likes_average in (True, False):
        model, state = fit_point(tmp_path / str(likes_average), likes_average)
        load_weights(best, tmp_path / str(likes_average) / "best.safetensors")
        assert state.best_value == 0.9
        assert state.history[0]["selection_averaged"] == (0.9 if likes_average else 0.1)
        first = [state.best_step == 3, best.weight.item() > model.weight.item()]
        assert first == [True, True]  # at step 3 either lies further from zero than the last weights
    plain, averaged = Point(), Point()
    load_weights(plain, tmp_path / "False" / "best.safetensors")
    load_weights(averaged, tmp_path / "True" / "best.safetensors")
    assert averaged.weight > plain.weight  # it remembers where the training came from


def test_averaged_weights_go_on_where_a_training_was_stopped(tmp_path):
    fit_point(tmp_path / "whole")
    assert fit_point(tmp_path / "halves", stop_at=3)[1] is None
    fit_point(tmp_path / "halves")
    for name in ("averaged", "model"):
        whole, halves = (
            (tmp_path / run / "checkpoints" / "step-00000006" / f"{name}.safetensors").read_bytes()
            for run in ("whole", "halves")
        )
        assert whole == halves


def test_class_weights_count_classes_that_occur():
    from multimodal.training.losses import class_weights

    np.testing.assert_allclose(class_weights([6, 2, 0, 0]), [8 / 12, 8 / 4, 0, 0])
