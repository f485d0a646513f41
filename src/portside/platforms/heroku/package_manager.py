"""The app's package manager itself, at a pinned version, as a layer below its dependencies."""

import os
from pathlib import Path

from portside.effects.bytecode import provide_bytecode
from portside.effects.files import FileStamp, disk_errors, write_new
from portside.effects.process import Command
from portside.effects.store import Staging, StoredLayer
from portside.effects.toolbox import Toolbox
from portside.model.errors.platform import PackageManagerInstallError
from portside.model.events import Outcome
from portside.model.facts import PackageManager
from portside.model.interpreter import Interpreter
from portside.model.layers import KeyInput, LayerKey
from portside.model.names import canonical
from portside.steps.dependencies.distributions import list_distributions
from portside.steps.dependencies.relocation import relocate_scripts
from portside.steps.log import StepLog

LAYER = "package-manager"
_RECIPE = "3"
_LOCKS = Path(__file__).with_name("locks")
_NAMES = {
    PackageManager.PIP: "pip",
    PackageManager.PIPENV: "Pipenv",
    PackageManager.POETRY: "Poetry",
    PackageManager.UV: "uv",
}
# A program of its own, so that what it needs is never what the app imports.
_OWN_PREFIX = {
    PackageManager.PIPENV: "pipenv",
    PackageManager.POETRY: "poetry",
    PackageManager.UV: "uv",
}
# They are for the build only, and are used where they are in the cache.
_NOT_SHIPPED = frozenset({PackageManager.POETRY, PackageManager.UV})
# Hooks that call pip compile what they need of it; to compile all of it costs every first build.
_WITHOUT_BYTECODE = frozenset({"pip"})
# Pipenv knows an environment by this file, and its commands refuse to work without one.
_ACTIVATE = b"# Nothing to do: this Python is first on PATH already. Pipenv looks for this file.\n"
# What such a program runs first, to find its own distributions beside itself.
_START = """\
import os, sys
_prefix = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(_prefix, {site!r}))
"""


def tool_of(manager: PackageManager) -> PackageManager:
    """Return the tool that hooks of an app with this package manager may call."""
    return manager if manager in _NAMES else PackageManager.PIP


def programs_in_cache(manager: PackageManager, layer: StoredLayer) -> tuple[str, ...]:
    """Return where hooks and later buildpacks find a tool that doesn't go into the slug."""
    return (f"{layer.tree}/{_OWN_PREFIX[manager]}/bin",) if manager in _NOT_SHIPPED else ()


def provide_package_manager(
    manager: PackageManager, interpreter: Interpreter, tools: Toolbox, log: StepLog
) -> StoredLayer:
    """Return the layer that holds a package manager, installed where the store has none.

    Raises ``PackageManagerInstallError``.
    """
    lock = _LOCKS / f"{manager.value}.txt"
    key = LayerKey(
        LAYER,
        (
            KeyInput("package manager", manager.value),
            KeyInput("its lock", lock.read_text("utf-8")),
            KeyInput("the interpreter's build", interpreter.key.digest),
            KeyInput("recipe", _RECIPE),
        ),
    )
    existing = tools.store.find(key, log.on_damaged)
    if existing is not None:
        log.outcome = Outcome.REUSED
        return existing
    with tools.store.staging() as staging, disk_errors(tools.store.root, _NAMES[manager]):
        prefix = staging.tree / _OWN_PREFIX.get(manager, "")
        _install(manager, lock, prefix, staging, interpreter, tools, log)
        facts = (("version", _version(manager, prefix / interpreter.site_packages)),)
        return tools.store.commit(key, staging, facts)


def stamps_beside(
    layer: StoredLayer, dependencies: StoredLayer, interpreter: Interpreter
) -> tuple[FileStamp, ...]:
    """Return the files of a package manager's layer, less what the app's dependencies bring.

    An app may depend on pip or setuptools itself, in another version.
    """
    site = interpreter.site_packages
    brought = {canonical(name) for name, _ in list_distributions(dependencies.tree / site)}
    left_out = tuple(
        path
        for info in sorted((layer.tree / site).glob("*.dist-info"))
        if canonical(info.name.partition("-")[0]) in brought
        for path in _paths_of(info, site)
    )
    return tuple(
        stamp for stamp in layer.stamps if not f"{stamp.path}/".startswith(left_out or ("\0",))
    )


def _paths_of(info: Path, site: str) -> set[str]:
    """Return what a distribution consists of below a prefix: its modules' roots and its scripts."""
    rows = (info / "RECORD").read_text("utf-8").splitlines()
    paths = {row.partition(",")[0] for row in rows}
    roots = {path.partition("/")[0] for path in paths if not path.startswith("..")}
    scripts = {path for path in paths if path.startswith("..")}
    return {f"{os.path.normpath(f'{site}/{path}')}/" for path in roots | scripts}


def _install(
    manager: PackageManager,
    lock: Path,
    prefix: Path,
    staging: Staging,
    interpreter: Interpreter,
    tools: Toolbox,
    log: StepLog,
) -> None:
    argv = (
        *(str(tools.uv), "pip", "install", "--python", str(interpreter.executable)),
        *("--prefix", str(prefix), "--require-hashes", "--no-deps", "--no-progress"),
        *("--cache-dir", str(tools.store.uv_cache), "--no-config", "--color", "never"),
        *("--link-mode", "hardlink", "--no-python-downloads", "--requirements", str(lock)),
    )
    given = tools.host.environ.items()
    environ = {name: value for name, value in given if not name.startswith("PYTHON")}
    environ["PYTHONDONTWRITEBYTECODE"] = "1"
    done = tools.runner.run(Command(argv, staging.root, environ), lambda _: None)
    if not done.ok:
        told = [line.strip() for line in done.tail if line.strip()]
        raise PackageManagerInstallError(
            manager=_NAMES[manager], cause=told[-1] if told else "(no output)"
        )
    (prefix / ".lock").unlink(missing_ok=True)
    if manager is PackageManager.PIPENV:
        (staging.tree / "bin").mkdir()
        write_new(staging.tree / "bin" / "activate", _ACTIVATE)
    start = _START.format(site=interpreter.site_packages) if manager in _OWN_PREFIX else ""
    beside = f"{'../../bin/' if start else ''}python3"
    python = None if manager in _NOT_SHIPPED else beside
    relocate_scripts(prefix / "bin", python=python, start=start)
    shelf = tools.store.root / "bytecode"
    provide_bytecode(
        prefix, interpreter, shelf, tools.runner, staging.root, left_out=_WITHOUT_BYTECODE
    )
    log.on_detail(f"Installed {_NAMES[manager]}")


def _version(manager: PackageManager, site_packages: Path) -> str:
    versions = {name.lower(): version for name, version in list_distributions(site_packages)}
    return versions.get(manager.value, "")
