"""Layer 2: the outside world, one thing per module; no decision about an app is made here."""
