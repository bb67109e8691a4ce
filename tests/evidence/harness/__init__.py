"""What runs the scripts, judges their rows and writes them down."""
