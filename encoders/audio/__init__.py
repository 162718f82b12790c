"""Encoders of sound: mono audio ``(B, samples)`` in, tokens along time out."""
