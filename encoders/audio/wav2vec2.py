"""wav2vec 2.0, HuBERT and WavLM from transformers."""

import inspect
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from huggingface_hub.errors import StrictDataclassError
from jaxtyping import Bool, Float
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import CONFIG_MAPPING, AutoConfig, AutoModel, PretrainedConfig
from transformers.utils import logging as library_output

from encoders.base import AudioSpec, Encoder, tiled
from encoders.checks import check_mask, check_sound
from encoders.folders import must_be_readable
from encoders.lora import ATTENTION, FEED_FORWARD, add_adapters
from encoders.strangers import escaped, one_line, quiet_libraries
from encoders.weights import Published, listed, read_published

Count = TypeVar("Count", int, Tensor)

#: Architectures of transformers that this encoder takes.
MODEL_TYPES = ("wav2vec2", "hubert", "wavlm")

#: What models for a task have beside the network: their heads, and the quantiser of pretraining.
_HEADS = ("lm_head", "classifier", "projector", "quantizer", "project_q", "project_hid", "layer_weights")

#: Both draw from global generators and leave parameters without gradient, which distributed training refuses.
_OFF = {"apply_spec_augment": False, "mask_time_prob": 0.0, "mask_feature_prob": 0.0, "layerdrop": 0.0}

#: What transformers would follow out of a config: somebody's code, or kernels and quantisers by their names.
_FOLLOWED = ("auto_map", "attn_implementation", "experts_implementation", "quantization_config", "use_kernels")


def create_model(config: Mapping[str, Any]) -> Any:
    """Model with random weights from a config dict that names its ``model_type``."""
    values = {key: value for key, value in config.items() if key != "_name_or_path"}  # where it once came from
    followed = [key for key in values if key in _FOLLOWED or str(key).startswith("_")]
    if followed:
        raise ValueError(f"a config of plain values has no {', '.join(followed)}: code of others is not followed")
    model_type = values.pop("model_type", None)
    if model_type not in MODEL_TYPES:
        raise ValueError(f"model_type must be one of {', '.join(MODEL_TYPES)}; got {model_type!r}")
    _check_values(values, CONFIG_MAPPING[model_type])
    try:
        with quiet_libraries():
            quiet = _quietened(AutoConfig.for_model(model_type, **values))
            return AutoModel.from_config(quiet, trust_remote_code=False, dtype=torch.float32)
    except Exception as error:  # for a value that it does not know the library raises anything
        raise ValueError(f"transformers cannot build this {model_type}: {one_line(error)}") from error


def _check_values(values: Mapping[str, Any], kind: type[PretrainedConfig]) -> None:
    """Refuse keys that are no values of a config but its methods, or what it computes from its values."""
    computed = [key for key in values if hasattr(kind, key) and not _can_be_set(kind, key)]
    if computed:
        raise ValueError(f"a config of plain values has no {', '.join(computed)}: a config computes that itself")


def _can_be_set(kind: type[PretrainedConfig], key: str) -> bool:
    own = inspect.getattr_static(kind, key)
    return own.fset is not None if isinstance(own, property) else key in kind.__dataclass_fields__


def load_model(checkpoint: str) -> Any:
    """Model with the weights of a local folder or of a name on the hub, in float32; all weights must be there.

    Weights are read from safetensors alone, and no code that lies beside them is run.

    Raises:
        ValueError: the name cannot be reached, or the weights are of another architecture.
    """
    _refuse_adapter(checkpoint)
    is_here = Path(checkpoint).is_dir()
    try:
        with quiet_libraries():
            config = AutoConfig.from_pretrained(checkpoint, trust_remote_code=False, local_files_only=is_here)
        if config.model_type not in MODEL_TYPES:
            kinds = ", ".join(MODEL_TYPES)
            raise ValueError(f"{checkpoint!r} is a {config.model_type!r} model; wav2vec2 takes one of {kinds}")
        with _no_report():
            model, report = AutoModel.from_pretrained(
                checkpoint,
                config=_quietened(config),
                trust_remote_code=False,
                use_safetensors=True,
                local_files_only=is_here,
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
            )
    except OSError as error:
        _must_be_readable_files(checkpoint)
        reason = escaped(str(error).splitlines()[0])
        raise ValueError(
            f"cannot get {checkpoint!r} ({reason}). Without network give a local folder that "
            "holds config.json and model.safetensors, as checkpoint='path/to/folder', or a config as a dict."
        ) from error
    except (AttributeError, KeyError, RuntimeError, StrictDataclassError, SafetensorError, TypeError) as error:
        _must_be_readable_files(checkpoint)
        raise ValueError(f"cannot read {checkpoint!r}: {one_line(error)}") from error
    _check_report(report, checkpoint)
    return model


def _must_be_readable_files(checkpoint: str) -> None:
    """Transformers says of a file that may not be read that the folder has none."""
    if Path(checkpoint).is_dir():
        must_be_readable(checkpoint)
        for file in sorted(Path(checkpoint).iterdir()):
            must_be_readable(file)


def load_published(place: str | Path, architecture: str | Mapping[str, Any]) -> tuple[Any, Published]:
    """Model with the weights of a folder or file as transformers saved them, and what these are.

    Args:
        place: safetensors, or what torch saved; ``config.json`` lies beside it.
        architecture: the config of a file that has none beside it, as a mapping; a name says nothing of it.

    Raises:
        ValueError: no config, or weights of another architecture, all misfits listed.
    """
    _refuse_adapter(place)
    published = read_published(place)
    config = published.description or (architecture if isinstance(architecture, Mapping) else None)
    if config is None:
        raise ValueError(f"{published.place} has no config.json beside it; put the one of its model there")
    plain = {key: value for key, value in config.items() if key not in _FOLLOWED and not key.startswith("_")}
    model = create_model({**plain, "dtype": "float32"})
    with _no_report():
        loaded, report = type(model).from_pretrained(
            None,
            config=model.config,
            trust_remote_code=False,
            use_safetensors=True,
            state_dict=dict(published.state),
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    _check_report(report, published.place)
    return loaded, published.without(_HEADS)


def _refuse_adapter(place: str | Path) -> None:
    if (Path(place) / "adapter_config.json").is_file():  # it names the model that it belongs to
        raise ValueError(f"{str(place)!r} is an adapter to another model; give the folder of a whole model")


def _check_report(report: Mapping[str, Any], source: str | Path) -> None:
    """Raise ``ValueError`` where weights were missing, of another shape, or of a layer that is no known head."""
    misfits = sorted(f"{key} missing" for key in report["missing_keys"])
    misfits += sorted(f"{key} of another shape" for key, *_ in report["mismatched_keys"])
    misfits += sorted(f"{key} unexpected" for key in report["unexpected_keys"] if not _is_left_out(key))
    if misfits:
        raise ValueError(f"weights of {str(source)!r} do not fit its config, {listed(misfits)}")


def _is_left_out(key: str) -> bool:
    """Whether a tensor belongs to a head, or to the masking that is off here."""
    return key.split(".")[0] in _HEADS or key.endswith("masked_spec_embed")


@contextmanager
def _no_report() -> Iterator[None]:
    """Keep the library's table of keys and its bar out: what does not fit is our own error."""
    has_bar = library_output.is_progress_bar_enabled()
    library_output.disable_progress_bar()
    try:
        with quiet_libraries():
            yield
    finally:
        if has_bar:
            library_output.enable_progress_bar()


def _quietened(config: PretrainedConfig) -> PretrainedConfig:
    for option, value in _OFF.items():
        setattr(config, option, value)
    for option in _FOLLOWED:
        if hasattr(config, option):
            delattr(config, option)
    config._attn_implementation = None
    return config


class Wav2Vec2Encoder(Encoder):
    """Tokens of a self-supervised speech model: wav2vec 2.0 (Baevski et al.), HuBERT (Hsu et al.), WavLM.

    One token every 20 ms in the published models. Time masking (SpecAugment) and layer dropping are off: they
    draw from global generators and leave parameters without gradient.

    Args:
        checkpoint: name on the Hugging Face hub, a local folder with ``config.json`` and weights, or a config
            as a dict with its ``model_type`` (then the weights are random).
        weights: a folder or file as transformers saved it, in place of ``checkpoint``; read by the same rules as
            the weights of every other encoder, what torch saved too.
        weigh_layers: tokens are a learned softmax-weighted mean of all hidden states; False for the last one.
        freeze_feature_extractor: keep the convolutional front as it is.
        frozen_layers: keep the first so many transformer layers, and all before them, as they are.
        lora_rank: above 0 the model is frozen, and adapters of this rank learn in it (needs PEFT).

    >>> encoder = Wav2Vec2Encoder(checkpoint={"model_type": "wav2vec2", "hidden_size": 16, "num_hidden_layers": 1,
    ...     "num_attention_heads": 2, "intermediate_size": 16, "conv_dim": [8, 8], "conv_kernel": [10, 8],
    ...     "conv_stride": [8, 8], "num_conv_pos_embedding_groups": 2, "num_feat_extract_layers": 2})
    >>> encoder(torch.randn(2, 16000)).shape
    torch.Size([2, 249, 16])
    """

    name = "wav2vec2"
    modality = "audio"
    takes_mask = True

    def __init__(
        self,
        *,
        checkpoint: str | Mapping[str, Any] = "facebook/wav2vec2-base",
        weights: str | Path | None = None,
        weigh_layers: bool = False,
        freeze_feature_extractor: bool = False,
        frozen_layers: int = 0,
        lora_rank: int = 0,
    ) -> None:
        super().__init__()
        self.model: Any
        if weights is not None:
            self.model, published = load_published(weights, checkpoint)
            self.trained_on = published.learnt(f"transformers' {self.model.config.model_type}")
        elif isinstance(checkpoint, str):
            self.model, self.trained_on = load_model(checkpoint), f"the weights of {checkpoint}"
        else:
            self.model = create_model(checkpoint)
        config = self.model.config
        num_layers = config.num_hidden_layers
        if not 0 <= frozen_layers <= num_layers:
            raise ValueError(f"frozen_layers must be 0 to {num_layers} for this model; got {frozen_layers}")
        self.layer_weights = nn.Parameter(torch.zeros(num_layers + 1)) if weigh_layers else None
        if self.knows_something:
            self.new_modules = ("layer_weights",)
        self.embed_dim = config.hidden_size
        self.input_spec = AudioSpec(sample_rate=16_000)
        self.minimum_samples = _receptive_field(config.conv_kernel, config.conv_stride)
        if freeze_feature_extractor or frozen_layers:
            self.model.feature_extractor._freeze_parameters()
        if frozen_layers:
            for part in (self.model.feature_projection, self.model.encoder.pos_conv_embed):
                part.requires_grad_(False)
            self.model.encoder.layers[:frozen_layers].requires_grad_(False)
        # the library would mark its input as one that wants a gradient, which no compiler can put into a graph
        self.model.feature_extractor._requires_grad = False
        if weigh_layers:
            _lay_hooks(self.model, self.minimum_samples)
        if lora_rank:
            add_adapters(self.model, lora_rank, beside=FEED_FORWARD if config.model_type == "wavlm" else ATTENTION)

    def forward(
        self, x: Float[Tensor, "batch samples"], mask: Bool[Tensor, "batch samples"] | None = None
    ) -> Float[Tensor, "batch tokens dim"]:
        """Encode sound.

        Shape:
            ``x`` (B, samples) float in [-1, 1] at 16 kHz; ``mask`` True where there is sound and False on the
            padding at the end; result (B, T, D). Tokens of padding are zeros that attention did not see
            (:meth:`token_mask` tells which). Models whose first convolution is normalised over the whole window
            (``feat_extract_norm="group"``, as wav2vec2-base) are shown the clip once more in place of its
            padding: silence would move that norm, and all tokens with it.
        """
        check_sound(x, self.minimum_samples)
        if mask is None:
            return self._tokens(
                self.model(normalise(x, None), output_hidden_states=self.layer_weights is not None)
            )
        check_mask(mask, x, self.minimum_samples)
        sound = normalise(x, mask)
        if self.model.config.feat_extract_norm == "group":
            sound = tiled(sound, mask.sum(dim=1))
        outputs = self.model(
            sound,
            attention_mask=mask.long(),
            output_hidden_states=self.layer_weights is not None,
        )
        return self._tokens(outputs) * self.token_mask(mask).unsqueeze(-1)

    def token_mask(self, mask: Bool[Tensor, "batch samples"]) -> Bool[Tensor, "batch tokens"]:
        """Which tokens come from sound, given which samples do."""
        lengths = self._num_tokens(mask.sum(dim=1))
        return torch.arange(self._num_tokens(mask.shape[1]), device=mask.device) < lengths.unsqueeze(1)

    def checkpoint_gradients(self) -> None:
        """Keep only what enters each layer, as transformers does."""
        # the name before transformers 5.24
        enable = getattr(self.model, "activation_checkpointing_enable", self.model.gradient_checkpointing_enable)
        enable()

    def parameter_depths(self) -> dict[str, int]:
        """0 for the convolutions and what leads to the transformer, then its layers one by one.

        The transformer's own norm comes last in models with stable layer norm, in the others before all layers.
        """
        last = self.model.config.num_hidden_layers + 1
        norm_is_last = getattr(self.model.config, "do_stable_layer_norm", False)
        ends = ("layer_weights", *(["model.encoder.layer_norm"] if norm_is_last else []))
        return {name: last if name.startswith(ends) else _depth(name) for name, _ in self.named_parameters()}

    def arguments(self) -> dict[str, Any]:
        """Constructor arguments with the checkpoint's own config, so that its name need not be reachable."""
        config = self.model.config.to_dict()
        config.pop("_name_or_path", None)  # a place on this machine, which nobody else is to learn
        return {**super().arguments(), "checkpoint": config}

    def _tokens(self, outputs: Any) -> Float[Tensor, "batch tokens dim"]:
        if self.layer_weights is None:
            return outputs.last_hidden_state
        shares = self.layer_weights.softmax(dim=0)
        # the last state that models with stable layer norm collect has not passed their final norm
        states = [*outputs.hidden_states[:-1], outputs.last_hidden_state]
        return torch.einsum("l,lbtd->btd", shares, torch.stack(states))

    def _num_tokens(self, num_samples: Count) -> Count:
        """Tokens of so many samples, of one clip or of a batch."""
        for kernel, stride in zip(self.model.config.conv_kernel, self.model.config.conv_stride, strict=True):
            num_samples = (num_samples - kernel) // stride + 1
        return num_samples


def normalise(
    sound: Float[Tensor, "batch samples"], mask: Bool[Tensor, "batch samples"] | None
) -> Float[Tensor, "batch samples"]:
    """Zero mean and unit variance over each clip's own sound; padding becomes zero."""
    if mask is None:
        variance, mean = torch.var_mean(sound, dim=1, keepdim=True, correction=0)
        return (sound - mean) * (variance + 1e-7).rsqrt()
    num_samples = mask.sum(dim=1, keepdim=True)
    centred = (sound - (sound * mask).sum(dim=1, keepdim=True) / num_samples) * mask
    return centred * (centred.square().sum(dim=1, keepdim=True) / num_samples + 1e-7).rsqrt()


@torch.no_grad()
def _lay_hooks(model: Any, minimum_samples: int) -> None:
    """Ask once for hidden states: the library then lays its hooks, under a lock that no compiler can enter."""
    was_training = model.training
    model.eval()(torch.zeros(1, minimum_samples), output_hidden_states=True)
    model.train(was_training)


def _depth(name: str) -> int:
    layer = re.match(r"model\.encoder\.layers\.(\d+)\.", name)
    return int(layer[1]) + 1 if layer else 0


def _receptive_field(kernels: list[int], strides: list[int]) -> int:
    """Samples that the convolutional front needs for one token."""
    field = 1
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        field = (field - 1) * stride + kernel
    return field
