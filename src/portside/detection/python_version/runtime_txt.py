"""The deprecated runtime.txt: ``python-3.12`` or ``python-3.12.7``; it reads nothing else."""

from portside.detection.python_version.versions import parse_version
from portside.model.errors.python_version import RuntimeTxtInvalidVersionError
from portside.model.facts import Notice
from portside.model.python_version import Origin, RequestedPython
from portside.model.source import Source

FILE = "runtime.txt"
_PREFIX = "python-"


def read_runtime_txt(source: Source) -> RequestedPython | None:
    """Return the version that runtime.txt names; None where there is no such file.

    Raises ``RuntimeTxtInvalidVersionError``.
    """
    if not source.is_file(FILE):
        return None
    return parse_runtime_txt(source.read(FILE))


def parse_runtime_txt(contents: bytes) -> RequestedPython:
    """Return the version that ``contents`` names; raise ``RuntimeTxtInvalidVersionError``."""
    text = contents.decode("utf-8", "replace").strip()
    version = None
    if text.startswith(_PREFIX):
        version = parse_version(text.removeprefix(_PREFIX), Origin(FILE))
    if version is None:
        raise RuntimeTxtInvalidVersionError(text=text)
    return version


def runtime_txt_notice(requested: RequestedPython) -> Notice:
    """Return the warning that runtime.txt is deprecated."""
    return Notice(
        "runtime-txt::deprecated",
        "The file runtime.txt is deprecated.",
        "Name the version in a .python-version file instead:\n"
        f"    git rm runtime.txt && echo {requested} > .python-version",
    )
