"""Everything a build knows before it touches anything: facts, keys, candidates and the plan."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from portside import __version__
from portside.effects.app_files import AppFiles, read_app_files
from portside.effects.app_source import DirectorySource
from portside.effects.files import disk_errors
from portside.effects.interpreters.inventory import read_inventory
from portside.effects.toolbox import Toolbox
from portside.effects.tools import uv_version
from portside.inquiry import app_identity, read_facts
from portside.model.codec import decode
from portside.model.errors.interpreter import SourceUnreachableError
from portside.model.facts import Facts
from portside.model.interpreter import InterpreterCandidate
from portside.model.layers import KeyInput, LayerKey
from portside.model.plan import Plan
from portside.model.source import Source
from portside.packing.slug import slug_key
from portside.planning.build import Previous, Situation, plan_build
from portside.planning.interpreters import newest, plan_interpreters
from portside.steps.collectstatic import why_skipped
from portside.steps.dependencies import dependency_inputs
from portside.steps.interpreter import recently_unreachable, stored_candidates, stored_key

# Raised whenever the same inputs would give another layer of dependencies.
_RECIPE = "1"


class BuildRequest(Struct, frozen=True):
    """What to build and where the result goes.

    Without ``directories`` the slug goes to portside's own data directory, below ``data_root``.
    """

    app: Path
    data_root: Path
    directories: tuple[Path, ...] = ()
    archives: tuple[Path, ...] = ()
    config_vars: Mapping[str, str] = field(default_factory=dict)
    upgrade: bool = False


class Prepared(Struct, frozen=True):
    """Everything known before the first step: nothing has been touched yet."""

    source: DirectorySource
    app_id: str
    facts: Facts
    files: AppFiles
    situation: Situation
    plan: Plan


def slug_directory(data_root: Path, app_id: str) -> Path:
    """Return the directory of an app's slugs in portside's data directory."""
    return data_root / "slugs" / app_id


def prepare(request: BuildRequest, tools: Toolbox) -> Prepared:
    """Detect and plan; nothing but the store's index of the app's files is written."""
    source = DirectorySource(request.app)
    app_id = app_identity(source.root)
    facts = read_facts(source, lambda: tools.store.read_state(app_id))
    with disk_errors(tools.store.root):
        index = tools.store.root / "apps" / f"{app_id}.files.json"
        outputs = (*request.directories, *request.archives)
        files = read_app_files(source.root, index, outputs)
    situation = _situation(request, tools, source, app_id, facts, files)
    return Prepared(source, app_id, facts, files, situation, plan_build(facts, situation))


def _situation(
    request: BuildRequest,
    tools: Toolbox,
    source: Source,
    app_id: str,
    facts: Facts,
    files: AppFiles,
) -> Situation:
    candidates = find_candidates(request, tools, facts)
    interpreter_key = stored_key(tools.store, candidates[0])
    dependencies = slug = None
    if interpreter_key is not None:
        dependencies = key_dependencies(request, tools, source, facts, interpreter_key)
        slug = key_slug(request, files, dependencies)
    return Situation(
        candidates=candidates,
        newest_patch=newest(_inventory(tools), facts.python.series),
        dependencies_key=dependencies,
        are_dependencies_stored=bool(dependencies and tools.store.has(dependencies)),
        app_files=files.count,
        app_digest=files.digest,
        slug_key=slug,
        is_in_place=bool(slug and not request.upgrade and _is_in_place(request, app_id, slug)),
        collectstatic_skip=why_no_collectstatic(request, source),
        previous=_previous(tools, app_id),
    )


def find_candidates(
    request: BuildRequest, tools: Toolbox, facts: Facts
) -> tuple[InterpreterCandidate, ...]:
    """Return where the interpreter can be had, best first.

    The machine's own interpreters are only looked for while the store has none that will do, and
    downloads are left out for a while after one failed.
    """
    stored = stored_candidates(tools.store, tools.host.platform)
    will_do = any(facts.python.admits(candidate.version) for candidate in stored)
    inventory = _inventory(tools)
    is_offline = will_do and not request.upgrade and recently_unreachable(tools.store) is not None
    local = () if will_do and not request.upgrade else _local(tools)
    return plan_interpreters(
        facts.python,
        facts.python_constraints,
        inventory=() if is_offline else inventory,
        stored=stored,
        local=local,
    )


def _inventory(tools: Toolbox) -> tuple[InterpreterCandidate, ...]:
    cache = tools.store.root / "inventory.json"
    try:
        return read_inventory(tools.runner, tools.host, tools.uv, cache)
    except SourceUnreachableError:
        # What is at hand may do; where nothing is, UnknownPatchError says what is known.
        return ()


def _local(tools: Toolbox) -> tuple[InterpreterCandidate, ...]:
    from portside.effects.interpreters.local import (  # noqa: PLC0415 (start-up time)
        find_local_interpreters,
    )

    return find_local_interpreters(tools.host, tools.runner)


def key_dependencies(
    request: BuildRequest, tools: Toolbox, source: Source, facts: Facts, interpreter: LayerKey
) -> LayerKey:
    """Return the key of the dependencies: every input of what gets installed."""
    app = getattr(source, "root", request.app)
    environ = {**tools.host.environ, **request.config_vars}
    inputs = dependency_inputs(
        source, facts.dependencies, environ=environ, home=tools.host.home, app=Path(app)
    )
    version = next(item.value for item in interpreter.inputs if item.name == "Python")
    return LayerKey(
        "dependencies",
        (
            KeyInput("Python", version),
            KeyInput("the interpreter's build", interpreter.digest),
            KeyInput("package manager", facts.dependencies.manager.value),
            KeyInput("uv", uv_version()),
            KeyInput("recipe", _RECIPE),
            *inputs,
        ),
    )


def key_slug(request: BuildRequest, files: AppFiles, dependencies: LayerKey) -> LayerKey:
    """Return the key of the slug; config vars are in it as a digest of all of them."""
    config_vars = hashlib.sha256(repr(sorted(request.config_vars.items())).encode()).hexdigest()
    return LayerKey(
        "slug",
        (
            KeyInput("the app's files", files.digest),
            KeyInput("the dependencies", dependencies.digest),
            KeyInput("the config vars", config_vars),
            KeyInput("portside", __version__),
        ),
    )


def _is_in_place(request: BuildRequest, app_id: str, key: LayerKey) -> bool:
    if request.directories:
        return slug_key(request.directories[0]) == key.digest
    return slug_key(slug_directory(request.data_root, app_id) / "current") == key.digest


def _previous(tools: Toolbox, app_id: str) -> Previous | None:
    state = tools.store.read_state(app_id)
    try:
        return Previous(decode(LayerKey, state["dependencies"]), decode(LayerKey, state["slug"]))
    except (KeyError, ValueError):
        return None


def why_no_collectstatic(request: BuildRequest, source: Source) -> str | None:
    """Return why collectstatic must not run for this app, or None."""
    has_file = source.is_file(".heroku/collectstatic_disabled")
    return why_skipped(request.config_vars, has_disabling_file=has_file)
