"""One run: its configuration, the parts built from it, its loop, its folder and its pages."""
