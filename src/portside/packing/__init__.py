"""Layer 3: layers become a slug or an archive. Knows nothing about package managers."""
