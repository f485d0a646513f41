"""Runs an interpreter to see whether it is whole and depends on nothing outside its tree."""

import json
from pathlib import Path

from portside.effects.process import Captured, Command, CouldNotStartError, ProcessRunner
from portside.model.python_version import PythonVersion

REQUIRED_MODULES = ("ssl", "zlib", "ctypes", "hashlib")
_SECONDS = 30.0
_LONGEST_QUOTE = 200
# Prints a JSON object of strings and lists of strings.
_PROGRAM = """
import importlib, json, sys, sysconfig
broken = []
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ImportError as error:
        broken.append("%s (%s)" % (name, error))
with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
    # The only character that proc(5) escapes in a path.
    lines = [line.rstrip("\\n").replace("\\\\012", "\\n") for line in maps if "/" in line]
mapped = {line.partition("/")[2] for line in lines}
print(json.dumps({
    "version": "%d.%d.%d" % sys.version_info[:3],
    "broken": broken,
    "prefix": sys.prefix,
    "purelib": sysconfig.get_path("purelib"),
    "path": sys.path,
    "libraries": sorted("/" + m for m in mapped if "/libpython" in m or "/lib-dynload/" in m),
}))
"""


def check_interpreter(root: Path, version: PythonVersion, runner: ProcessRunner) -> str | None:
    """Return a phrase of what is wrong with the interpreter below ``root``, or None.

    It is run with an empty environment and writes nothing. Raises nothing of its own.
    """
    executable = root / "bin" / f"python{version.series}"
    argv = (str(executable), "-I", "-B", "-c", _PROGRAM, *REQUIRED_MODULES)
    try:
        answer = runner.capture(Command(argv, Path("/"), {}, _SECONDS))
    except CouldNotStartError as error:
        return f"it can't be started: {error.cause.lower()}"
    except TimeoutError:
        return f"it didn't answer within {_SECONDS:.0f} seconds"
    facts = _facts(answer)
    if facts is None:
        return _failure(answer)
    return _wrong(facts, root, version)


def _facts(answer: Captured) -> dict[str, object] | None:
    try:
        facts: object = json.loads(answer.stdout)
    except ValueError:
        return None
    return facts if isinstance(facts, dict) and answer.exit_status == 0 else None


def _failure(answer: Captured) -> str:
    lines = answer.stderr.strip().splitlines()
    last = f": {lines[-1].strip()[:_LONGEST_QUOTE]}" if lines else ""
    return f"it ended with exit status {answer.exit_status}{last}"


def _wrong(facts: dict[str, object], root: Path, version: PythonVersion) -> str | None:
    if facts.get("version") != str(version):
        return f"it is Python {facts.get('version')}, not {version}"
    if broken := _texts(facts.get("broken")):
        return f"it can't import {', '.join(broken)}"
    places = [
        ("its prefix", _texts(facts.get("prefix")), root),
        ("its directory of packages", _texts(facts.get("purelib")), root / "lib"),
        ("an entry of its sys.path", _texts(facts.get("path")), root),
        ("a library it loads", _texts(facts.get("libraries")), root),
    ]
    for what, paths, limit in places:
        for path in paths:
            if not Path(path).resolve().is_relative_to(limit.resolve()):
                return f"{what} is outside of it: {path}"
    if not set(_texts(facts.get("purelib"))) & set(_texts(facts.get("path"))):
        return f"its directory of packages isn't on its sys.path: {facts.get('purelib')}"
    return None


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
