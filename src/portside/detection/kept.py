"""The view of an app without what its excludes keep out of the slug; it reads nothing itself."""

from collections.abc import Callable

from portside.model.source import Entry, Source


def without_excluded(source: Source, patterns: tuple[str, ...]) -> Source:
    """Return the app as the slug will have it: what is run there must be in it.

    ``patterns`` are as in .gitignore. Files that only the build reads are looked up in ``source``.
    """
    return KeptSource(source, patterns) if patterns else source


def excluding(patterns: tuple[str, ...]) -> Callable[[str, bool], bool]:
    """Return what tells whether a path, and whether that is a directory, fits one of the patterns.

    A linked directory is a file to patterns, as it is to Git.
    """
    if not patterns:
        return lambda _, __: False
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 (start-up time: few apps have any)

    spec = GitIgnoreSpec.from_lines(patterns)
    return lambda path, is_dir: spec.match_file(f"{path}/" if is_dir else path)


class KeptSource:
    """A ``Source`` in which excluded files and directories don't exist."""

    def __init__(self, source: Source, patterns: tuple[str, ...]) -> None:
        """Take the app and the patterns of what is left out."""
        self._source = source
        self._is_excluded = excluding(patterns)

    @property
    def name(self) -> str:
        """Return the app's name."""
        return self._source.name

    @property
    def place(self) -> str:
        """Return where the app is in its source root."""
        return self._source.place

    def is_file(self, path: str) -> bool:
        """Return whether ``path`` is a regular file that is kept."""
        return not self._is_excluded(path, False) and self._source.is_file(path)

    def is_dir(self, path: str) -> bool:
        """Return whether ``path`` is a directory that is kept."""
        return not self._is_excluded(path, True) and self._source.is_dir(path)

    def size(self, path: str) -> int:
        """Return how many bytes a file holds; 0 where there is none."""
        return 0 if self._is_excluded(path, False) else self._source.size(path)

    def read(self, path: str) -> bytes:
        """Return the contents of a file. Raises ``SourceUnreadableError``."""
        return self._source.read(path)

    def entries(self, path: str = "") -> tuple[Entry, ...]:
        """Return what is kept of a directory, sorted by name; () where there is no directory."""
        return tuple(
            entry
            for entry in self._source.entries(path)
            if not self._is_excluded(entry.path, entry.is_dir and not entry.is_symlink)
        )
