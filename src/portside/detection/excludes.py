"""What of the app isn't to go into a slug: patterns, as .gitignore has them."""

from portside.detection.documents import read_toml, value_at
from portside.model.settings import Settings
from portside.model.source import Source

_SLUGIGNORE = ".slugignore"
_PROJECT = "project.toml"


def read_excludes(source: Source, settings: Settings) -> tuple[str, ...]:
    """Return the patterns of ``.slugignore``, ``project.toml`` and the setting ``exclude``.

    ``.slugignore`` is Heroku's, ``project.toml`` that of Cloud Native Buildpacks (``[_]`` or
    ``[io.buildpacks]``, in its old form ``[build]``). ``.gitignore`` says nothing about slugs.
    Raises ``PythonVersionInvalidTomlError`` and ``SourceUnreadableError``.
    """
    lines = _lines(source) if source.is_file(_SLUGIGNORE) else ()
    return (*lines, *_of_project(source), *settings.values("exclude"))


def _lines(source: Source) -> tuple[str, ...]:
    text = source.read(_SLUGIGNORE).decode("utf-8-sig", "replace")
    return tuple(line for line in text.splitlines() if line.strip() and not line.startswith("#"))


def _of_project(source: Source) -> tuple[str, ...]:
    data = read_toml(source, _PROJECT)
    tables = (value_at(data, "_"), value_at(data, "io", "buildpacks"), value_at(data, "build"))
    found = (value_at(table, "exclude") for table in tables)
    return tuple(str(item) for value in found if isinstance(value, list) for item in value)
