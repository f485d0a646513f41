"""Layer 1: pure detection, Source → Facts. One module per question; nothing is executed."""
