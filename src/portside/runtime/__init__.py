"""Layer 3: running a slug: launcher, environment, boot check, diagnosis."""
