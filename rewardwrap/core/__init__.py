"""The reward core: numpy only."""
