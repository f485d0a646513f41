"""Puts this directory and the unit tests' fakes on ``sys.path``."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "unit"))
