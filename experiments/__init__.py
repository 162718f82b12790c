"""What we run; nothing imports it. ``python -m experiments VERB``."""
