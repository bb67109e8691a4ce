"""Strategies x seeds: what is trained, kept, counted and said."""
