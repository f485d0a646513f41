"""Layer 1: pure planning, Facts and what is at hand → Plan. Nothing is touched."""
