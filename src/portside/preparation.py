"""Everything a build knows before it touches anything: facts, keys, candidates and the plan."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from portside import __version__
from portside.detection.app_json import read_app_json
from portside.detection.django import DISABLING_FILE
from portside.effects.app_files import AppFiles, read_app_files
from portside.effects.app_source import DirectorySource
from portside.effects.files import disk_errors
from portside.effects.host import Host
from portside.effects.interpreters.inventory import read_inventory
from portside.effects.neighbours import Neighbour, read_neighbours
from portside.effects.toolbox import Toolbox
from portside.effects.tools import uv_version
from portside.inquiry import (
    app_identity,
    build_command,
    open_source,
    read_facts,
    source_root_of,
)
from portside.model.codec import decode
from portside.model.errors import BuildError
from portside.model.errors.app_json import listed
from portside.model.errors.interpreter import SourceUnreachableError
from portside.model.errors.python_version import UnknownPatchError
from portside.model.errors.source_root import (
    NothingThereError,
    OutsideSourceRootError,
    SourceRootNeededError,
)
from portside.model.facts import Facts, Notice
from portside.model.interpreter import InterpreterCandidate
from portside.model.layers import KeyInput, LayerKey
from portside.model.plan import Plan
from portside.model.settings import BOOT_CHECK, MEMORY_LIMIT, ROOT, Given, Settings
from portside.model.source import Source, is_in_root, leads_out
from portside.packing.generations import current_slug
from portside.packing.slug import slug_key
from portside.planning.build import Previous, Situation, plan_build
from portside.planning.interpreters import admits, newest, plan_interpreters
from portside.steps.collectstatic import why_skipped
from portside.steps.config_vars import AppVars, complete
from portside.steps.dependencies import dependency_inputs
from portside.steps.dependencies.inputs import gather_inputs
from portside.steps.dependencies.managers import Outside, Query
from portside.steps.interpreter import (
    recently_unreachable,
    remember_unreachable,
    stored_candidates,
    stored_key,
)

# Raised whenever the same inputs would give another layer of dependencies.
_RECIPE = "1"


class BuildRequest(Struct, frozen=True):
    """What to build and where the result goes.

    Without ``directories`` the slug goes to portside's own data directory, below ``data_root``.
    ``includes_tests`` asks for what the app's tests depend on, too. ``options`` are settings.
    ``generated`` are config vars with a value of this build's own: they are in no key.
    ``warns_of_missing`` asks for a warning where app.json requires config vars that aren't given.
    """

    app: Path
    data_root: Path
    directories: tuple[Path, ...] = ()
    archives: tuple[Path, ...] = ()
    config_vars: Mapping[str, str] = field(default_factory=dict)
    upgrade: bool = False
    includes_tests: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    warns_of_missing: bool = True
    generated: Mapping[str, str] = field(default_factory=dict)

    @property
    def all_vars(self) -> dict[str, str]:
        """Return the config vars that the app's own code gets in this build."""
        return {**self.generated, **self.config_vars}

    def given(self, host: Host) -> Given:
        """Return what is given from outside the app."""
        return Given({**host.environ, **self.config_vars}, self.options)


class Inspected(Struct, frozen=True):
    """An app as it was read: what it is, its files, and what it needs beside itself."""

    source: DirectorySource
    app_id: str
    facts: Facts
    files: AppFiles
    neighbours: tuple[Neighbour, ...]

    @property
    def beside(self) -> dict[str, str]:
        """Return the digests of what is beside the app, by path."""
        return {item.path: item.digest for item in self.neighbours}


class Prepared(Inspected, frozen=True):
    """Everything known before the first step: nothing has been touched yet.

    ``request`` has what the app's app.json adds to the one that was made.
    """

    request: BuildRequest
    situation: Situation
    plan: Plan


class Offers(Struct, frozen=True):
    """What can be downloaded, what is stored, and why a catalog couldn't be read.

    ``is_offline`` says that a stored one will do and downloads failed a short while ago.
    """

    inventory: tuple[InterpreterCandidate, ...]
    stored: tuple[InterpreterCandidate, ...]
    will_do: bool
    is_offline: bool
    trouble: SourceUnreachableError | None = None


def slug_directory(data_root: Path, app_id: str) -> Path:
    """Return the directory of an app's slugs in portside's data directory."""
    return data_root / "slugs" / app_id


def place_of(request: BuildRequest, app_id: str) -> Path:
    """Return where the slug of the app's last build is, or its generations where none is."""
    if request.directories:
        return request.directories[0]
    directory = slug_directory(request.data_root, app_id)
    return current_slug(directory) or directory


def prepare(request: BuildRequest, tools: Toolbox) -> Prepared:
    """Detect and plan; nothing but the store's index of the app's files is written."""
    given = request.given(tools.host)
    source = open_source(request.app, given)
    # A slug for tests never takes the place of one that serves.
    app_id = app_identity(source.root) + ("-tests" if request.includes_tests else "")
    added = complete(read_app_json(source), request.config_vars)
    config_vars = {**added.defaults, **request.config_vars}
    request = replace(request, config_vars=config_vars, generated=added.generated)
    facts = read_facts(source, lambda: tools.store.read_state(app_id), given=given)
    with disk_errors(tools.store.root):
        index = tools.store.root / "apps" / f"{app_id}.files"
        # Wherever the user keeps them, what builds write is no part of the app.
        kept = (tools.store.root, request.data_root)
        outputs = (*request.directories, *request.archives, *kept)
        root = source_root_of(source)
        reach = root if source.place else None
        files = read_app_files(source.root, index, outputs, facts.excludes, reach=reach)
        beside = _find_beside(request, tools, source, facts)
        neighbours = read_neighbours(
            source.root, beside, index, outputs=outputs, excludes=facts.excludes, root=root
        )
        offers = read_offers(request, tools, facts)
    if offers.trouble is not None:
        facts = replace(facts, notices=(*facts.notices, _unread(offers.trouble)))
    if added.missing and request.warns_of_missing:
        facts = replace(facts, notices=(*facts.notices, _without_values(added)))
    inspected = Inspected(source, app_id, facts, files, neighbours)
    situation = _situation(request, tools, inspected, offers)
    plan = plan_build(facts, situation)
    return Prepared(source, app_id, facts, files, neighbours, request, situation, plan)


def _without_values(added: AppVars) -> Notice:
    return Notice(
        "app-json::required",
        "app.json requires config vars that this build isn't given; it goes on without them.",
        f"{listed(added.missing)}\n"
        "To give one, as it is in this environment, where hooks or collectstatic need it:\n"
        f"    portside build --env {added.missing[0][0]}",
    )


def _find_beside(
    request: BuildRequest, tools: Toolbox, source: DirectorySource, facts: Facts
) -> tuple[str, ...]:
    """Return the paths, relative to the app, of what its dependencies read beside it.

    Raises ``SourceRootNeededError``, ``OutsideSourceRootError`` and ``NothingThereError``.
    """
    files = {*facts.dependencies.files, facts.dependencies.manifest}
    named = (b".." in source.read(file) for file in files if source.is_file(file))
    if not (any(map(leads_out, files)) or any(named)):
        return ()
    environ = {**tools.host.environ, **request.config_vars}
    query = Query(source, facts.dependencies, environ, source.root, request.includes_tests)
    found = gather_inputs(query).outside
    lost = [item for item in found if not is_in_root(source, item.path)]
    if lost:
        raise _leading_out(source, lost)
    for item in found:
        if item.counts and not (source.is_file(item.path) or source.is_dir(item.path)):
            raise NothingThereError(path=item.path, named_in=item.named_in)
    return tuple(item.path for item in found)


def _leading_out(source: DirectorySource, lost: list[Outside]) -> BuildError:
    path, named_in = lost[0].path, lost[0].named_in
    if source.place:
        shown = str(source_root_of(source))
        return OutsideSourceRootError(path=path, named_in=named_in, root=shown)
    places = [os.path.normpath(source.root / item.path) for item in lost]
    root = Path(os.path.commonpath([source.root, *places]))
    return SourceRootNeededError(
        path=path,
        named_in=named_in,
        root=os.path.relpath(root, source.root),
        command=build_command(source, root),
    )


def _situation(request: BuildRequest, tools: Toolbox, app: Inspected, offers: Offers) -> Situation:
    source, facts, files = app.source, app.facts, app.files
    candidates = find_candidates(request, tools, facts, offers)
    interpreter_key = stored_key(tools.store, candidates[0])
    dependencies = slug = None
    if interpreter_key is not None:
        dependencies = key_dependencies(request, tools, source, facts, interpreter_key, app.beside)
        slug = key_slug(request, files, dependencies, facts.settings)
    return Situation(
        candidates=candidates,
        newest_patch=newest(offers.inventory, facts.python.series, facts.python_constraints),
        dependencies_key=dependencies,
        are_dependencies_stored=bool(dependencies and tools.store.has(dependencies)),
        app_files=files.count,
        app_digest=files.digest,
        slug_key=slug,
        is_in_place=bool(slug and is_in_place(request, app.app_id, slug)),
        collectstatic_skip=why_no_collectstatic(request, source, facts),
        previous=_previous(tools, app.app_id),
    )


def find_candidates(
    request: BuildRequest, tools: Toolbox, facts: Facts, offers: Offers | None = None
) -> tuple[InterpreterCandidate, ...]:
    """Return where the interpreter can be had, best first.

    The machine's own interpreters are only looked for while the store has none that will do, and
    downloads are left out for a while after one failed.
    """
    offers = offers or read_offers(request, tools, facts)
    local = () if offers.will_do and not request.upgrade else _local(tools)
    try:
        return plan_interpreters(
            facts.python,
            facts.python_constraints,
            inventory=() if offers.is_offline else offers.inventory,
            stored=offers.stored,
            local=local,
        )
    except UnknownPatchError:
        if offers.trouble is not None:  # the catalog may well have it
            raise offers.trouble from None
        raise


def read_offers(request: BuildRequest, tools: Toolbox, facts: Facts) -> Offers:
    """Return what the store has and what can be downloaded; a catalog that is down is kept as so.

    While a stored one will do, a catalog isn't asked for a while after a download failed.
    """
    stored = stored_candidates(tools.store, tools.host.platform)
    will_do = any(admits(one.version, facts.python, facts.python_constraints) for one in stored)
    is_offline = will_do and not request.upgrade and recently_unreachable(tools.store) is not None
    cache = tools.store.root / "inventory.json"
    try:
        inventory = read_inventory(
            tools.runner, tools.host, tools.uv, cache, may_ask=not is_offline
        )
    except SourceUnreachableError as trouble:
        remember_unreachable(tools.store, trouble.failure_detail)
        return Offers((), stored, will_do, is_offline, trouble)
    return Offers(inventory, stored, will_do, is_offline)


def _unread(trouble: SourceUnreachableError) -> Notice:
    return Notice(
        "interpreters::catalog-unreachable",
        trouble.summary,
        "So only the interpreters in the store and on this machine come into question, whose\n"
        "newest patch may be an older one.",
    )


def _local(tools: Toolbox) -> tuple[InterpreterCandidate, ...]:
    from portside.effects.interpreters.local import (  # noqa: PLC0415 (start-up time)
        find_local_interpreters,
    )

    return find_local_interpreters(tools.host, tools.runner)


def key_dependencies(
    request: BuildRequest,
    tools: Toolbox,
    source: Source,
    facts: Facts,
    interpreter: LayerKey,
    beside: Mapping[str, str] | None = None,
) -> LayerKey:
    """Return the key of the dependencies: every input of what gets installed.

    ``beside`` are the digests of what is beside the app, by path.
    """
    app = getattr(source, "root", request.app)
    environ = {**tools.host.environ, **request.config_vars}
    inputs = dependency_inputs(
        source,
        facts.dependencies,
        environ=environ,
        home=tools.host.home,
        app=Path(app),
        includes_tests=request.includes_tests,
        digests=beside,
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


def key_slug(
    request: BuildRequest, files: AppFiles, dependencies: LayerKey, settings: Settings
) -> LayerKey:
    """Return the key of the slug; config vars are in it as a digest of all of them."""
    config_vars = hashlib.sha256(repr(sorted(request.config_vars.items())).encode()).hexdigest()
    return LayerKey(
        "slug",
        (
            KeyInput("the app's files", files.digest),
            KeyInput("the dependencies", dependencies.digest),
            KeyInput("the config vars", config_vars),
            KeyInput("the settings", _spelled(settings)),
            KeyInput("portside", __version__),
        ),
    )


def _spelled(settings: Settings) -> str:
    """Return the settings that count for a slug: not where the source is on this machine.

    That it must boot counts, so that an unchanged slug has passed its check already.
    """
    ignored = {ROOT} if settings.is_on(BOOT_CHECK) else {ROOT, MEMORY_LIMIT}
    return "; ".join(
        f"{one.name}={one.value}" for one in settings.chosen if one.name not in ignored
    )


def is_in_place(request: BuildRequest, app_id: str, key: LayerKey) -> bool:
    """Return whether the slug with this key is where the one of this build goes."""
    if request.upgrade:
        return False
    if request.directories:
        return slug_key(request.directories[0]) == key.digest
    return slug_key(slug_directory(request.data_root, app_id) / "current") == key.digest


def _previous(tools: Toolbox, app_id: str) -> Previous | None:
    state = tools.store.read_state(app_id)
    try:
        return Previous(decode(LayerKey, state["dependencies"]), decode(LayerKey, state["slug"]))
    except (KeyError, ValueError):
        return None


def why_no_collectstatic(request: BuildRequest, source: Source, facts: Facts) -> str | None:
    """Return why collectstatic must not run for this app, or None."""
    if not facts.settings.is_on("collectstatic"):
        return f"it is off in {facts.settings.origin('collectstatic')}"
    has_file = source.is_file(DISABLING_FILE)
    return why_skipped(request.config_vars, has_disabling_file=has_file)
