"""setup.py or setup.cfg alone: only building the project tells what it needs."""

import configparser
import re
from collections.abc import Iterator, Mapping

from portside.model.errors.dependencies import SetupInvalidError
from portside.model.facts import DependencySource, Notice, PackageManager
from portside.model.source import Source

SETUP, CONFIG = "setup.py", "setup.cfg"
_PROJECT = re.compile(rb"^\[(metadata|options)\]", re.MULTILINE)
# What stands behind a semicolon where it begins a marker (PEP 508), not another requirement.
_MARKER = re.compile(r";\s*\(?\s*(python_|sys_|os_|platform_|implementation_|extra\b|['\"])")
_NO_LOCK = Notice(
    "setup::no-lock",
    "Nothing pins what the project asks for, so every build may install something else.",
    "Describe the project in a pyproject.toml and lock it, for example with `uv lock`, or\n"
    "pin what it needs in a requirements.txt.",
)


def detect(source: Source, variables: Mapping[str, str]) -> DependencySource | None:  # noqa: ARG001 (the protocol)
    """Return the project, None where no such file describes one."""
    files = tuple(name for name in (SETUP, CONFIG) if source.is_file(name))
    if not files or (files == (CONFIG,) and not _PROJECT.search(source.read(CONFIG))):
        return None
    return DependencySource(
        manager=PackageManager.SETUP,
        manifest=files[0],
        lock=None,
        files=files,
        reason=f"there is a {files[0]}, and nothing else names dependencies",
        notices=(_NO_LOCK,),
    )


def read_setup_cfg(source: Source) -> configparser.ConfigParser:
    """Return what setup.cfg says, nothing where there is none. Raises ``SetupInvalidError``."""
    parser = configparser.ConfigParser(interpolation=None)
    if source.is_file(CONFIG):
        try:
            parser.read_string(source.read(CONFIG).decode("utf-8-sig", "replace"))
        except configparser.Error as error:
            raise SetupInvalidError(cause=str(error).splitlines()[0]) from error
    return parser


def setup_cfg_requirements(source: Source, extras: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a setup.cfg asks for, and its extras.

    A value is a line or a semicolon for each, or ``file:`` with names of requirements files
    (Setuptools, "Configuring setuptools using setup.cfg files"). Raises ``SetupInvalidError``.
    """
    parser = read_setup_cfg(source)
    texts = [parser.get("options", "install_requires", fallback="")]
    texts += [parser.get("options.extras_require", name, fallback="") for name in extras]
    return tuple(line for text in texts for line in _listed(source, text))


def _listed(source: Source, text: str) -> Iterator[str]:
    if text.strip().startswith("file:"):
        for name in text.strip().removeprefix("file:").split(","):
            if not source.is_file(name.strip()):
                raise SetupInvalidError(cause=f"it names {name.strip()}, which isn't there")
            yield from _lines(source.read(name.strip()).decode("utf-8-sig", "replace"))
    elif "\n" in text.strip() or _MARKER.search(text):
        yield from _lines(text)
    else:
        yield from _lines(text.replace(";", "\n"))


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        requirement = line.partition(" #")[0].strip()
        if requirement and not requirement.startswith("#"):
            yield requirement


def python_requires(source: Source) -> tuple[str, str] | None:
    """Return the range of Python versions that a project declares, and the file that has it.

    Of a setup.py only what it says literally counts: it is parsed, never run. Raises
    ``SetupInvalidError``.
    """
    found = read_setup_cfg(source).get("options", "python_requires", fallback="").strip()
    if found:
        return CONFIG, found
    found = _literal_range(source) if source.is_file(SETUP) else ""
    return (SETUP, found) if found else None


def _literal_range(source: Source) -> str:
    import ast  # noqa: PLC0415 (start-up time: only projects with a setup.py need it)

    try:
        nodes = list(ast.walk(ast.parse(source.read(SETUP))))
    except (SyntaxError, ValueError, RecursionError):
        return ""
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        if "setup" in {getattr(node.func, "id", ""), getattr(node.func, "attr", "")}:
            for keyword in node.keywords:
                value = getattr(keyword.value, "value", None)
                if keyword.arg == "python_requires" and isinstance(value, str):
                    return value
    return ""
