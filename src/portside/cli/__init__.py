"""Layer 4: the command line, one module per command, and the only exit-code boundary."""
