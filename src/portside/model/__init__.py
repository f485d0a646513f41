"""Layer 0: the vocabulary as frozen data (no I/O, no imports from other layers)."""
