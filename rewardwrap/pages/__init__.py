"""What every page and every figure of the package shares: head, style, colours, words, drawing."""
