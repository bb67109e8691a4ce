"""What a network is fitted by: one objective, one file."""
