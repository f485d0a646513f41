"""Layer 3: the steps of a build. Each gets the effects it needs as arguments."""
