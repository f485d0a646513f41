"""Makes a slug: each step of a build in turn, told as events."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from portside.effects.app_source import DirectorySource
from portside.effects.files import copy_tree, disk_errors
from portside.effects.neighbours import copy_neighbours
from portside.effects.store import Staging, StoredLayer
from portside.effects.toolbox import Toolbox
from portside.finishing import Finishing, lock_of
from portside.inquiry import app_identity, read_facts
from portside.model.errors import BuildError
from portside.model.errors.app import SourceChangedError, SourceUnreadableError
from portside.model.errors.store import CopyFailedError
from portside.model.events import Emit, Outcome
from portside.model.facts import Facts, Notice
from portside.model.interpreter import Interpreter, InterpreterCandidate
from portside.model.layers import LayerKey
from portside.model.plan import Plan
from portside.model.python_version import PythonVersion, RequestedPython
from portside.model.settings import BOOT_CHECK
from portside.model.source import Source
from portside.packing.python_home import PythonHome
from portside.packing.slug import (
    PYTHON_HOME,
    slug_staging,
)
from portside.planning.build import explain_dependencies, has_hooks
from portside.preparation import (
    BuildRequest,
    Prepared,
    find_candidates,
    is_in_place,
    key_dependencies,
    key_slug,
    place_of,
    slug_directory,
    why_no_collectstatic,
)
from portside.steps.collectstatic import NO_STATIC_ROOT, no_static_files, run_collectstatic
from portside.steps.dependencies.layer import (
    has_distribution,
    provide_dependencies,
)
from portside.steps.dependencies.request import DependenciesRequest
from portside.steps.environment import build_environment, with_config_vars
from portside.steps.hooks import run_hook
from portside.steps.interpreter import ProvidedInterpreter, provide_interpreter
from portside.steps.log import BuildLog
from portside.steps.start_imports import StartCheck

# What file systems take (limits.h: NAME_MAX).
_LONGEST_NAME = 255


class Construction:
    """One slug in the making: what its steps share, and the clock of each."""

    def __init__(self, request: BuildRequest, tools: Toolbox, emit: Emit, started: float) -> None:
        """Take the request, the effects, where events go and when the build began (monotonic)."""
        self.request = request
        self.tools = tools
        self.started = started
        self.log = BuildLog(emit)
        self._work = request.data_root

    def run(self, prepared: Prepared) -> tuple[Path, bool]:
        """Build the slug, put it in its place, and return where that is.

        The other value tells whether the last slug was left there: that it is what would come
        out can turn out late, where a newer Python was planned and can't be downloaded.
        """
        parent = (
            self.request.directories[0].absolute().parent
            if self.request.directories
            else slug_directory(self.request.data_root, prepared.app_id)
        )
        with slug_staging(parent) as root:
            self._work = root
            # What the dependencies name beside the app is put beside it here, too.
            place = prepared.source.place
            slug = root / "source" / place if place else root / "slug"
            slug.mkdir(parents=True)
            with disk_errors(slug, "the slug"):
                return self._fill(prepared, slug)

    def _fill(self, prepared: Prepared, slug: Path) -> tuple[Path, bool]:
        self._copy_app(prepared, slug)
        facts, source = self._pre_compile(prepared, slug)
        provided = self._provide_interpreter(prepared, facts)
        interpreter = provided.interpreter
        key = key_dependencies(
            self.request, self.tools, source, facts, interpreter.key, prepared.beside
        )
        if self._is_made_already(prepared, key):
            provided.layer()
            return place_of(self.request, prepared.app_id), True
        home = self._python_home(prepared, facts, slug)
        with provided.in_use(), ThreadPoolExecutor(1) as pool:
            # Installing waits for the network much of the time.
            placed = (
                None
                if self.tools.store.has(key)
                else pool.submit(lambda: home.place(provided.layer()))
            )
            layer = self._install(prepared, facts, source, slug, interpreter, key)
            python = provided.layer()
            with self.log.step("assemble", "Assembling the slug", "its Python is one tree") as step:
                if placed is None and home.take_over((python, layer), lock_of(prepared)):
                    step.reason = "taken from an old slug of the app, which had the same"
                else:
                    placed.result() if placed is not None else home.place(python)
                    home.place(layer)
        try:
            layers = (python, layer)
            return self._complete(prepared, facts, source, slug, interpreter, layers), False
        except BaseException:
            home.give_back()
            raise

    def _is_made_already(self, prepared: Prepared, dependencies: LayerKey) -> bool:
        # A store that was cleared is filled again.
        if has_hooks(prepared.facts) or not self.tools.store.has(dependencies):
            return False
        key = key_slug(self.request, prepared.files, dependencies, prepared.facts.settings)
        return is_in_place(self.request, prepared.app_id, key)

    def _complete(
        self,
        prepared: Prepared,
        facts: Facts,
        source: Source,
        slug: Path,
        interpreter: Interpreter,
        layers: tuple[StoredLayer, StoredLayer],
    ) -> Path:
        """Do what the assembled slug is needed for, and publish it."""
        env = with_config_vars(
            build_environment(slug, self.tools.host.environ), self.request.all_vars
        )
        if has_distribution(layers[1], "django"):
            self._collect_static(facts, source, slug, env)
        self._run_hook(facts.post_compile_hook, slug, env)
        start = StartCheck(slug / PYTHON_HOME, interpreter.version.series, self.tools.store)
        start.tell_problems(facts, slug, prepared.app_id, layers[1].key, self.log)
        finishing = Finishing(self.request, self.tools, self.log, self._work, self.started)
        finishing.write_launch_data(facts, slug, interpreter)
        self._check_boot(facts, slug)
        return finishing.publish(prepared, facts, slug, interpreter, layers)

    def _copy_app(self, prepared: Prepared, slug: Path) -> None:
        reason = _reason_of(prepared.plan, "CopyApp")
        with self.log.step("app", f"Copying {prepared.files.count} files of the app", reason):
            try:
                copy_tree(prepared.source.root, slug, prepared.files.stamps)
            except CopyFailedError as error:
                raise _changed(prepared.source.root, error) from error

    def _pre_compile(self, prepared: Prepared, slug: Path) -> tuple[Facts, Source]:
        """Run the hook; what it wrote counts, so that the facts are read again after it."""
        if prepared.facts.pre_compile_hook is None:
            return prepared.facts, prepared.source
        self._copy_neighbours(prepared, slug)
        env = build_environment(slug, self.tools.host.environ)
        self._run_hook(
            prepared.facts.pre_compile_hook, slug, with_config_vars(env, self.request.all_vars)
        )
        source = DirectorySource(slug, prepared.source.place)
        given = self.request.given(self.tools.host)
        read_state = self.tools.store.read_state
        return read_facts(source, lambda: read_state(prepared.app_id), given=given), source

    def _copy_neighbours(self, prepared: Prepared, slug: Path) -> None:
        try:
            copy_neighbours(prepared.neighbours, slug)
        except CopyFailedError as error:
            raise _changed(prepared.source.root, error) from error

    def _run_hook(self, hook: str | None, slug: Path, env: Mapping[str, str]) -> None:
        if hook is None:
            return
        with self.log.step(hook, f"Running {hook}", "the app has this hook") as step:
            cache = self.tools.store.root / "hooks" / app_identity(self.request.app)
            cache.mkdir(parents=True, exist_ok=True)
            arguments = (str(slug), str(cache), str(self._env_dir()))
            run_hook(hook, slug, env, arguments, runner=self.tools.runner, on_line=step.on_line)

    def _env_dir(self) -> Path:
        """Write the config vars as files, the way hooks know them from the classic platforms."""
        directory = self._work / "env"
        directory.mkdir(mode=0o700, exist_ok=True)
        for name, value in self.request.all_vars.items():
            if _is_file_name(name):
                (directory / name).write_text(value, "utf-8", "surrogateescape")
        return directory

    def _provide_interpreter(self, prepared: Prepared, facts: Facts) -> ProvidedInterpreter:
        def find() -> tuple[InterpreterCandidate, ...]:
            return find_candidates(self.request, self.tools, facts)

        is_as_planned = facts.python == prepared.facts.python
        candidates = prepared.situation.candidates if is_as_planned else find()
        title = f"Python {facts.python} ({facts.python.origin})"
        with self.log.step(
            "python", title, _reason_of(prepared.plan, "ProvideInterpreter")
        ) as step:
            provided = provide_interpreter(
                candidates,
                find_again=find,
                requested=str(facts.python),
                tools=self.tools,
                log=step,
            )
            interpreter = provided.interpreter
            step.on_detail(f"Using Python {interpreter.version}, {interpreter.origin}")
        # A hook may have changed the series; the newest patch of another one says nothing.
        newest = prepared.situation.newest_patch if is_as_planned else None
        if newest is not None and interpreter.version < newest:
            self.log.notice(_older_patch(interpreter, facts.python, newest))
        return provided

    def _install(
        self,
        prepared: Prepared,
        facts: Facts,
        source: Source,
        slug: Path,
        interpreter: Interpreter,
        key: LayerKey,
    ) -> StoredLayer:
        upgrade = self.request.upgrade

        def request(staging: Staging) -> DependenciesRequest:
            self._copy_neighbours(prepared, slug)
            return DependenciesRequest(
                app=slug,
                original=prepared.source.root,
                source=source,
                dependencies=facts.dependencies,
                interpreter=interpreter,
                prefix=staging.tree,
                uv=self.tools.uv,
                uv_cache=self.tools.store.uv_cache,
                work=staging.root,
                environ={**self.tools.host.environ, **self.request.config_vars},
                home=self.tools.host.home,
                upgrade=upgrade,
                includes_tests=self.request.includes_tests,
            )

        why = "--upgrade" if upgrade else explain_dependencies(key, prepared.situation.previous)
        title = f"Dependencies {facts.dependencies.manager.phrase}"
        with self.log.step("dependencies", title, facts.dependencies.reason) as log:
            return provide_dependencies(
                key, request, reason=why, tools=self.tools, log=log, upgrade=upgrade
            )

    def _python_home(self, prepared: Prepared, facts: Facts, slug: Path) -> PythonHome:
        previous = prepared.situation.previous
        return PythonHome(
            slug,
            self.tools.store,
            target=next(iter(self.request.directories), None),
            generations=slug_directory(self.request.data_root, prepared.app_id),
            aside=self._work / "spare",
            must_be_copied=has_hooks(facts),
            last_dependencies=previous.dependencies if previous else None,
        )

    def _collect_static(
        self, facts: Facts, source: Source, slug: Path, env: Mapping[str, str]
    ) -> None:
        if facts.manage_py is None:
            return
        skip = why_no_collectstatic(self.request, source, facts)
        with self.log.step("collectstatic", "Collecting static files", skip or "Django") as step:
            if skip is None:
                skip = run_collectstatic(
                    facts.manage_py, slug, env, runner=self.tools.runner, on_line=step.on_line
                )
            if skip is not None:
                step.outcome, step.reason = Outcome.SKIPPED, skip
        if skip == NO_STATIC_ROOT:
            self.log.notice(no_static_files())

    def _check_boot(self, facts: Facts, slug: Path) -> None:
        if facts.settings.is_on(BOOT_CHECK):
            from portside.runtime.build_check import check_boot  # noqa: PLC0415 (few builds do)

            check_boot(slug, self._work / "booted", facts, self.request, self.tools, self.log)


def _older_patch(
    interpreter: Interpreter, requested: RequestedPython, newest: PythonVersion
) -> Notice:
    if requested.patch is None:
        why = f"Python {interpreter.version} is used, because {newest} can't be had now."
        hint = "Build again when the network is there: portside build --upgrade"
    else:
        why = f"Python {interpreter.version} is older than {newest}, which has its fixes."
        hint = f"Ask for {requested.series} in {requested.origin.name} to get the newest patch."
    return Notice("python-version::older-patch", why, hint)


def _reason_of(plan: Plan, kind: str) -> str:
    return next((s.reason for s in plan.steps if type(s).__name__ == kind), "")


def _is_file_name(name: str) -> bool:
    return "/" not in name and name not in {".", ".."} and len(os.fsencode(name)) <= _LONGEST_NAME


def _changed(root: Path, error: CopyFailedError) -> BuildError:
    path = os.path.relpath(error.path, root)
    if error.cause in {"", "no such file or directory", "not a directory"}:
        return SourceChangedError(path=path)
    return SourceUnreadableError(path=path, cause=error.cause)
