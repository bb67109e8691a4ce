"""What changes a reward while an agent trains: one source, one file."""
