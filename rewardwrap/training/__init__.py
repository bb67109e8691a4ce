"""Agents trained on composed rewards: one run, its evaluation, its bundle."""
