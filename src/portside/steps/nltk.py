"""Downloads the NLTK corpora that the app names, into the slug's Python."""

from collections.abc import Mapping
from pathlib import Path

from portside.effects.process import Command, OnLine, ProcessRunner
from portside.model.errors.platform import CorporaDownloadError
from portside.model.source import Source

CORPORA_FILE = "nltk.txt"
# Where another index of corpora is named, such as a mirror's.
INDEX_VARIABLE = "NLTK_DATA_INDEX_URL"


def read_corpora(source: Source) -> tuple[str, ...] | None:
    """Return the corpora named in nltk.txt, or None where there is no such file."""
    if not source.is_file(CORPORA_FILE):
        return None
    return tuple(source.read(CORPORA_FILE).decode("utf-8", "replace").split())


def download_corpora(
    corpora: tuple[str, ...],
    destination: Path,
    env: Mapping[str, str],
    *,
    python: Path,
    runner: ProcessRunner,
    on_line: OnLine,
) -> None:
    """Download them with the app's own NLTK; raise ``CorporaDownloadError`` where that fails."""
    index = env.get(INDEX_VARIABLE)
    argv = (
        *(str(python), "-W", "ignore::RuntimeWarning", "-m", "nltk.downloader"),
        *("-d", str(destination), *(["-u", index] if index else []), *corpora),
    )
    done = runner.run(Command(argv, destination.parent, env), on_line)
    # The downloader ends with 0 although it found nothing by one of the names.
    refused = [line for line in done.tail if "[nltk_data] Error" in line]
    if not done.ok or refused:
        last = next((line.strip() for line in reversed(done.tail) if line.strip()), "(no output)")
        raise CorporaDownloadError(corpora=corpora, cause=refused[0] if refused else last)
