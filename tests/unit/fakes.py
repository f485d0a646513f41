"""In-memory stand-ins for the outside world."""

from portside.model.errors.app import SourceUnreadableError
from portside.model.source import Entry


class DictSource:
    """A ``Source`` of paths and contents; directories follow from the paths."""

    def __init__(self, files: dict[str, bytes | str], name: str = "app", place: str = "") -> None:
        self._name = name
        self.place = place
        self._files = {
            path: text.encode() if isinstance(text, str) else text for path, text in files.items()
        }

    @property
    def name(self) -> str:
        return self._name

    def is_file(self, path: str) -> bool:
        return path in self._files

    def is_dir(self, path: str) -> bool:
        return path == "" or any(file.startswith(f"{path}/") for file in self._files)

    def size(self, path: str) -> int:
        return len(self._files.get(path, b""))

    def read(self, path: str) -> bytes:
        if path not in self._files:
            raise SourceUnreadableError(path=path, cause="No such file or directory")
        return self._files[path]

    def entries(self, path: str = "") -> tuple[Entry, ...]:
        prefix = f"{path}/" if path else ""
        below = {file.removeprefix(prefix) for file in self._files if file.startswith(prefix)}
        names = sorted({rest.split("/", 1)[0] for rest in below})
        return tuple(Entry(prefix + name, self.is_dir(prefix + name)) for name in names)
