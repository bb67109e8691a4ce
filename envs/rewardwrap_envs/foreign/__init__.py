"""Thin adapters: games of other packages, seen through gymnasium."""
