"""Windows of prepared clips, their order and their augmentation: what a model is fed."""
