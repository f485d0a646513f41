"""Compares text with a file that is kept; UPDATE_GOLDEN=1 writes the file instead."""

import os
from pathlib import Path

GOLDEN = Path(__file__).parent
REPOSITORY = GOLDEN.parent.parent
IS_UPDATING = os.environ.get("UPDATE_GOLDEN") == "1"


def assert_golden(path: Path, text: str) -> None:
    """Fail unless ``text`` is what ``path`` holds."""
    if IS_UPDATING:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert path.is_file(), f"{path} isn't there: run UPDATE_GOLDEN=1 pytest tests/golden"
    assert text == path.read_text("utf-8")
