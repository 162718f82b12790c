"""Figures and self-contained pages: what a person looks at after a run, a prediction or a count."""
