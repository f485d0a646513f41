"""What the installers are told: one job per run, and pip's options as files change them."""

import re

from msgspec import Struct, field

from portside.effects.pip_config import PipConfig
from portside.steps.dependencies.request import DependenciesRequest

_DROPPED = frozenset(
    {
        "CONDA_PREFIX",
        "PIP_CONFIG_FILE",
        "PYTHONHOME",
        "PYTHONPATH",
        "PYTHONUSERBASE",
        "VIRTUAL_ENV",
        "__PYVENV_LAUNCHER__",
    }
)
_UV_KEPT = (
    r"UV_(DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|INDEX_\w+_(USERNAME|PASSWORD)"
    r"|INSECURE_HOST|NATIVE_TLS|SYSTEM_CERTS|KEYRING_PROVIDER|OFFLINE"
    r"|HTTP_TIMEOUT|HTTP_RETRIES|HTTP_CONNECT_TIMEOUT|REQUEST_TIMEOUT|CONCURRENT_\w+)"
)


class Options(Struct):
    """The state of pip's options as configuration and requirements files change it.

    The first of ``indexes`` is the main one; "" stands for the default. ``authority`` is the path
    of the certificates that they are trusted by, "" for the usual ones.
    """

    indexes: list[str] = field(default_factory=lambda: [""])
    find_links: list[str] = field(default_factory=list)
    trusted: list[str] = field(default_factory=list)
    no_binary: set[str] = field(default_factory=set)
    only_binary: set[str] = field(default_factory=set)
    no_index: bool = False
    pre: bool = False
    require_hashes: bool = False
    authority: str = ""

    def apply(self, name: str, value: str) -> None:
        """Change the state as pip does when it meets the option."""
        if name == "--no-index":
            self.no_index, self.indexes = True, [""]
        elif name == "--index-url":
            # It replaces the extra indexes that came before it, too.
            self.indexes = [value]
        elif name == "--extra-index-url":
            self.indexes.append(value)
        elif name == "--find-links":
            self.find_links.append(value)
        elif name == "--trusted-host":
            self.trusted.append(value)
        elif name == "--no-binary":
            _formats(value, self.no_binary, self.only_binary)
        elif name == "--only-binary":
            _formats(value, self.only_binary, self.no_binary)
        elif name == "--pre":
            self.pre = True
        elif name == "--require-hashes":
            self.require_hashes = True

    @property
    def unsupported(self) -> tuple[str, ...]:
        """Return a phrase where uv would read the options differently."""
        both = self.no_binary and self.only_binary
        if both and ":all:" in self.no_binary | self.only_binary:
            return ("the app mixes --no-binary and --only-binary with :all:",)
        return ()


class Pylock(Struct, frozen=True):
    """The path of a lock that uv reads itself (PEP 751), and what to take of it.

    ``copies`` are names of projects that never become links to their sources.
    """

    path: str
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()


class Job(Struct, frozen=True):
    """One run of an installer.

    ``lines`` are a flattened requirements file; ``pip_files`` are what pip reads in its place, or
    ``pip_lines``, which have options among them, where the app's own files won't do.
    ``pylock`` is a lock that uv reads in their place. Where ``is_optional`` a project that can't be
    built is left out.
    """

    lines: tuple[str, ...]
    options: Options
    constraints: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    no_deps: bool = False
    refresh: bool = False
    pip_files: tuple[str, ...] = ()
    pip_lines: tuple[str, ...] = ()
    pylock: Pylock | None = None
    is_optional: bool = False


class ProjectSync(Struct, frozen=True):
    """One run of ``uv sync``, which installs what a uv.lock pins, and the project itself.

    Where it isn't ``is_locked`` there is no lock, and uv resolves what the project asks for.
    ``script`` is the name of a script in the app whose own lock is meant, "" for the project's.
    ``is_optional_project`` says that nothing needs the project itself to be installed;
    ``copies`` are names of projects that never become links to their sources.
    """

    script: str = ""
    is_locked: bool = True
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    includes_tests: bool = False
    is_optional_project: bool = False


def _formats(value: str, target: set[str], other: set[str]) -> None:
    """Apply a value of --no-binary or --only-binary: each takes from the other."""
    names = [name.strip() for name in value.split(",") if name.strip()]
    for name in names:
        if name == ":all:":
            other.clear()
            target.clear()
            target.add(name)
        elif name == ":none:":
            target.clear()
        else:
            other.discard(name)
            target.add(name)


def configured_options(config: PipConfig) -> Options:
    """Return the options that pip's own configuration sets."""
    options = Options(indexes=[config.index_url, *config.extra_index_urls])
    options.find_links = list(config.find_links)
    options.require_hashes = config.require_hashes
    for name, values in (("--no-binary", config.no_binary), ("--only-binary", config.only_binary)):
        for value in values:
            options.apply(name, value)
    if config.no_index:
        options.apply("--no-index", "")
    return options


def installer_environment(request: DependenciesRequest) -> dict[str, str]:
    """Return the variables for an installer: all but those that lead to another Python.

    What uv says must stay on one line to be understood. What installers run mustn't write bytecode
    into the store: that of the interpreter itself may be made at this moment.
    """
    kept = {
        name: value
        for name, value in request.environ.items()
        if name not in _DROPPED
        and not name.startswith("PIP_")
        and (not name.startswith("UV_") or re.fullmatch(_UV_KEPT, name))
    }
    # Nobody is there to answer Git's questions: it is to say that it has one.
    own = {"UV_NO_WRAP": "1", "PYTHONDONTWRITEBYTECODE": "1", "GIT_TERMINAL_PROMPT": "0"}
    return {**kept, **own}
