"""The modules that an app can import, found in the directories they are in; nothing is imported."""

import os
from collections.abc import Iterable
from pathlib import Path

_PATH_FILE = ".pth"
_EXTENSION = ".so"
# With it setuptools gives its own distutils to every Python.
_DISTUTILS = "distutils-precedence.pth"


class InstalledModules:
    """The modules of an app and of what is installed for it; each directory is listed once."""

    def __init__(self, places: Iterable[Path], site_packages: Path) -> None:
        """Take the directories that the app is started in, and that of its distributions."""
        self.site_packages = str(site_packages)
        self._listings: dict[str, frozenset[str]] = {}
        self._texts: dict[str, bytes] = {}
        self._located: dict[str, tuple[str | None, tuple[str, ...]]] = {}
        self._roots = (*map(str, places), self.site_packages, *self._linked())
        if _DISTUTILS in self._listing(self.site_packages):
            self._located["distutils"] = ("", ())

    def find(self, name: str) -> str | None:
        """Return the path of a module's source, "" for one without, None where there is none."""
        return self._locate(name)[0]

    def read(self, path: str) -> bytes:
        """Return the text of a source, empty for one that can't be read."""
        if path not in self._texts:
            try:
                with open(path, "rb") as file:  # noqa: PTH123 (a Path for each takes as long)
                    self._texts[path] = file.read()
            except OSError:
                self._texts[path] = b""
        return self._texts[path]

    def is_installed(self, path: str) -> bool:
        """Return whether a source is of an installed distribution, and not the app's own."""
        return path.startswith(f"{self.site_packages}/")

    def _locate(self, name: str) -> tuple[str | None, tuple[str, ...]]:
        """Return a module's source, and the directories that its submodules are in."""
        if name not in self._located:
            parent, _, last = name.rpartition(".")
            places = self._locate(parent)[1] if parent else self._roots
            self._located[name] = self._look(last, places)
        return self._located[name]

    def _look(self, name: str, places: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
        namespaces: list[str] = []
        for place in places:
            names = self._listing(place)
            below = f"{place}/{name}"
            if name in names and "__init__.py" in self._listing(below):
                return f"{below}/__init__.py", (below,)
            if f"{name}.py" in names:
                return f"{below}.py", ()
            if any(one.startswith(f"{name}.") and one.endswith(_EXTENSION) for one in names):
                return "", ()
            if name in names and self._listing(below):
                namespaces.append(below)
        return ("", tuple(namespaces)) if namespaces else (None, ())

    def _listing(self, directory: str) -> frozenset[str]:
        if directory not in self._listings:
            try:
                self._listings[directory] = frozenset(os.listdir(directory))  # noqa: PTH208 (names only, of hundreds of directories)
            except OSError:
                self._listings[directory] = frozenset()
        return self._listings[directory]

    def _linked(self) -> tuple[str, ...]:
        """Return the directories that path files add (docs.python.org/3/library/site.html)."""
        files = sorted(n for n in self._listing(self.site_packages) if n.endswith(_PATH_FILE))
        lines = [
            line.strip()
            for name in files
            for line in self.read(f"{self.site_packages}/{name}")
            .decode("utf-8", "replace")
            .split("\n")
        ]
        found = (os.path.join(self.site_packages, line) for line in lines if line)  # noqa: PTH118 (a relative path is relative to it)
        return tuple(place for place in found if self._listing(place))
