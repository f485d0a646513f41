"""How `.env` is read, beside python-dotenv and honcho, which people know."""

import io
from pathlib import Path

import dotenv
import pytest
from honcho.environ import parse as honcho_parse

from portside.runtime.dotenv import read_env_file

FAILS = "fails"
# A line; the value here and by python-dotenv; by honcho where it differs. None sets nothing.
SAME = (
    ('A="two words"', "two words"),
    ("A='two words'", "two words"),
    ("A=s3cr$et", "s3cr$et"),
    ('A="first\\nsecond"', "first\nsecond"),
    ('A="a\\tb"', "a\tb"),
    ('A="say \\"hi\\""', 'say "hi"'),
    ('A="a#b" # a remark', "a#b"),
    ("  A = spaced  ", "spaced"),
    ("# A=1", None),
    ("A: 1", None),
    ("A=$B", "$B"),
    ("A=https://host/?x=1&y=2", "https://host/?x=1&y=2"),
)
DIFFERENT = (
    ("export A=exported", "exported", None),
    ("A=two words", "two words", "twowords"),
    ("A=one#two # a remark", "one#two", "one"),
    ("A=", "", None),
    ("A=${B}", "bee", "${B}"),
    ("A='${B}'", "bee", "${B}"),
    ("A='x\\ny'", "x\\ny", "x\ny"),
    ("A=x\\ny", "x\\ny", "xny"),
    ('A=x"y"', 'x"y"', "xy"),
    ("A='it\\'s'", "it's", FAILS),
    ('A="first\nC=no variable"', "first\nC=no variable", FAILS),
)


def by_honcho(text: str) -> str | None:
    try:
        return honcho_parse(text).get("A")
    except ValueError:
        return FAILS


@pytest.mark.parametrize(
    ("line", "here", "honcho"), [*((line, value, value) for line, value in SAME), *DIFFERENT]
)
def test_a_line_means_what_python_dotenv_says(
    tmp_path: Path, line: str, here: str | None, honcho: str | None
) -> None:
    text = f"B=bee\n{line}\nLAST=1\n"
    path = tmp_path / ".env"
    path.write_text(text, "utf-8")
    expected = {"B": "bee", "LAST": "1"} | ({} if here is None else {"A": here})
    assert read_env_file(path) == expected
    assert dotenv.dotenv_values(stream=io.StringIO(text)).get("A") == here
    assert by_honcho(text) == honcho
