"""Settings: what an app or a platform may choose about its builds, declared in one place.

Each has one name in every place where it can be given; the places are in ``Settings``.
"""

import re
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from portside.model.package_manager import PackageManager
from portside.model.python_version import Origin
from portside.model.record import Record

PREFIX = "PORTSIDE_"
ROOT = "root"
BOOT_CHECK = "boot-check"
MEMORY_LIMIT = "memory-limit"
MEGABYTE = 1 << 20
_SIZE = re.compile(r"([1-9]\d{0,8})([MG])(?:i?B)?", re.IGNORECASE)
# Variables that are no settings of an app: where things are kept on this machine.
PLACES = frozenset({"PORTSIDE_CACHE_DIR", "PORTSIDE_DATA_DIR"})


class Setting(Struct, frozen=True):
    """A setting that can be given. ``choices`` are the values it may have, () for any.

    ``option`` is its name on the command line where a longer one says more there; its own name
    does as well. A "path" is relative to the app in a file, else to the working directory.
    """

    name: str
    kind: Literal["text", "list", "boolean", "path", "size"]
    summary: str
    default: str
    choices: tuple[str, ...] = ()
    option: str = ""

    @property
    def variable(self) -> str:
        """Return the environment variable that sets it."""
        return PREFIX + self.name.replace("-", "_").upper()


SETTINGS = (
    Setting(
        "package-manager",
        "text",
        "The package manager that counts where the app has the files of several.",
        "",
        tuple(manager.value for manager in PackageManager),
    ),
    Setting(
        "groups",
        "list",
        "Dependency groups to install beside what the app always needs.",
        "",
    ),
    Setting("extras", "list", "Extras of the project to install.", ""),
    Setting(
        "exclude", "list", "Files that don't go into the slug, by patterns as in .gitignore.", ""
    ),
    Setting("collectstatic", "boolean", "Whether Django's static files are collected.", "true"),
    Setting(
        ROOT,
        "path",
        "The directory above the app that holds what the app's dependencies name beside it.",
        "",
        option="source-root",
    ),
    Setting(
        BOOT_CHECK,
        "boolean",
        "Whether a build boots the web process and fails if production would refuse it.",
        "false",
    ),
    Setting(
        MEMORY_LIMIT,
        "size",
        "The memory that the web process may use after it has booted, such as 512M.",
        "",
    ),
)
_DEFAULTS = {setting.name: setting.default for setting in SETTINGS}


def parse_size(text: str) -> int | None:
    """Return a size such as ``512M`` or ``1G`` (powers of 1024) in bytes, None if it isn't one."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        return None
    return int(match[1]) * (MEGABYTE if match[2] in "mM" else MEGABYTE << 10)


class Given(Struct, frozen=True):
    """What is given from outside an app: all variables, and the command line's options by name."""

    variables: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)


class Chosen(Record, frozen=True):
    """The value of a setting, as its places spell it, and where it comes from."""

    name: str
    value: tuple[str, ...]
    origin: Origin


class Settings(Record, frozen=True):
    """All settings of an app.

    The first place that has one counts: the command line, a variable, ``portside.toml``,
    ``[tool.portside]`` of ``pyproject.toml``, the default.
    """

    chosen: tuple[Chosen, ...] = ()

    def values(self, name: str) -> tuple[str, ...]:
        """Return the value of a setting, () where it is empty or nothing was chosen."""
        return next((item.value for item in self.chosen if item.name == name), ())

    def text(self, name: str) -> str:
        """Return the value of a setting that is one text, "" where there is none."""
        return next(iter(self.values(name)), "")

    def is_on(self, name: str) -> bool:
        """Return whether a setting that is a boolean is on."""
        return (self.text(name) or _DEFAULTS[name]) == "true"

    def size(self, name: str) -> int:
        """Return the value of a setting that is a size, in bytes, 0 where there is none."""
        return parse_size(self.text(name)) or 0

    def origin(self, name: str) -> Origin | None:
        """Return where a setting's value comes from."""
        return next((item.origin for item in self.chosen if item.name == name), None)
