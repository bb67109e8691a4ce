"""Audit of a training run: what the reward paid for, with evidence."""
