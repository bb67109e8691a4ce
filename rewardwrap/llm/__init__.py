"""Reward code asked from a language model: designers, budgets, and a search that tests before it trains."""
