"""What was loaded and what is frozen is said in numbers that a small part does not vanish in."""

from encoders import create_encoder
from experiments.config import EncoderConfig
from experiments.provenance import loaded_text


def test_a_small_frozen_part_is_counted_not_rounded_away():
    text = loaded_text(create_encoder("aasist", variant="AASIST-L"), EncoderConfig(name="aasist"))
    assert "85,306 weights" in text
    assert text.endswith("frozen: 594")
