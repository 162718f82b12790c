"""A local page for `predict`: one queue of files, and the web server before it."""
