"""Encoders of frames: video ``(B, T, 3, H, W)`` in, tokens along time out."""
