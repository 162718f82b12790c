"""Low-rank adapters on the attention of a frozen network: LoRA (Hu et al., ICLR 2022), by PEFT."""

from torch import nn

#: Projections of attention, as timm's vision transformers and transformers' speech models call them.
ATTENTION = r".*\b(attn\.(qkv|proj)|attention\.(q_proj|k_proj|v_proj|out_proj))"
#: For WavLM, whose attention takes weights out of its projections and would pass an adapter by.
FEED_FORWARD = r".*\bfeed_forward\.(intermediate_dense|output_dense)"


def add_adapters(network: nn.Module, rank: int, *, beside: str = ATTENTION) -> None:
    """Freeze ``network`` and put a trainable product of two matrices of ``rank`` beside some layers, in place.

    They begin at zero, so that the network gives what it gave. Their part counts twice (alpha is 2 rank).

    Args:
        network: a transformer.
        rank: of the product.
        beside: names of the layers, as a regular expression.

    Raises:
        ValueError: PEFT is not installed, or the network has no attention.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise ValueError(f"lora_rank needs PEFT ({error}); pip install '.[lora]', or leave it at 0") from error
    try:
        config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=beside)
        inject_adapter_in_model(config, network)
    except ValueError as error:
        raise ValueError(
            f"{type(network).__name__} has no attention for adapters; take lora_rank with wav2vec2 or a ViT"
        ) from error
