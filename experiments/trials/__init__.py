"""Trials on real media that anyone can repeat: a list of public files, one chain of treatment, one table."""
