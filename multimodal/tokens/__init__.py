"""Tokens of frozen encoders, computed once for each window and kept, for fusions to learn from in seconds."""
