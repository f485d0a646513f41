"""Makes a slug: each step of a build in turn, told as events."""

import os
import stat
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

from portside.effects.app_files import AppFiles
from portside.effects.app_source import DirectorySource
from portside.effects.bytecode import compile_sources
from portside.effects.files import copy_tree, disk_errors
from portside.effects.store import Staging, StoredLayer
from portside.effects.toolbox import Toolbox
from portside.inquiry import app_identity, read_facts
from portside.model.codec import encode
from portside.model.errors import BuildError
from portside.model.errors.app import SourceChangedError, SourceUnreadableError
from portside.model.errors.store import CopyFailedError
from portside.model.events import (
    Emit,
    Outcome,
)
from portside.model.facts import Facts, Notice
from portside.model.interpreter import Interpreter, InterpreterCandidate
from portside.model.layers import LayerKey
from portside.model.plan import Plan
from portside.model.python_version import PythonVersion, RequestedPython
from portside.model.report import Report, StepReport
from portside.model.source import Source
from portside.packing.generations import publish_generation
from portside.packing.python_home import PythonHome
from portside.packing.slug import (
    PYTHON_HOME,
    LaunchData,
    publish,
    slug_staging,
    write_identity,
    write_launch_data,
)
from portside.planning.build import explain_dependencies, has_hooks
from portside.preparation import (
    BuildRequest,
    Prepared,
    find_candidates,
    key_dependencies,
    key_slug,
    slug_directory,
    why_no_collectstatic,
)
from portside.steps.collectstatic import NO_STATIC_ROOT, run_collectstatic
from portside.steps.dependencies.layer import (
    has_distribution,
    installed_distributions,
    provide_dependencies,
)
from portside.steps.dependencies.request import DependenciesRequest
from portside.steps.environment import build_environment, with_config_vars
from portside.steps.hooks import run_hook
from portside.steps.interpreter import provide_interpreter
from portside.steps.log import BuildLog

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

    def run(self, prepared: Prepared) -> tuple[Path, Report]:
        """Build the slug, put it in its place, and return where that is."""
        parent = (
            self.request.directories[0].absolute().parent
            if self.request.directories
            else slug_directory(self.request.data_root, prepared.app_id)
        )
        with slug_staging(parent) as root:
            slug = root / "slug"
            slug.mkdir()
            with disk_errors(slug, "the slug"):
                return self._fill(prepared, slug)

    def _fill(self, prepared: Prepared, slug: Path) -> tuple[Path, Report]:
        self._copy_app(prepared, slug)
        facts, source = self._pre_compile(prepared, slug)
        interpreter, python = self._provide_interpreter(prepared, facts)
        key = key_dependencies(self.request, self.tools, source, facts, interpreter.key)
        home = self._python_home(prepared, facts, slug)
        with ThreadPoolExecutor(1) as pool:
            # Installing waits for the network much of the time.
            placed = None if self.tools.store.has(key) else pool.submit(home.place, python)
            layer = self._install(prepared, facts, source, slug, interpreter, key)
            with self.log.step("assemble", "Assembling the slug", "its Python is one tree") as step:
                if placed is None and home.take_over((python, layer), _lock_of(prepared)):
                    step.reason = "taken from an old slug of the app, which had the same"
                else:
                    placed.result() if placed is not None else home.place(python)
                    home.place(layer)
        try:
            return self._complete(prepared, facts, source, slug, interpreter, (python, layer))
        except BaseException:
            home.give_back()
            raise

    def _complete(
        self,
        prepared: Prepared,
        facts: Facts,
        source: Source,
        slug: Path,
        interpreter: Interpreter,
        layers: tuple[StoredLayer, StoredLayer],
    ) -> tuple[Path, Report]:
        """Do what the assembled slug is needed for, and publish it."""
        env = with_config_vars(
            build_environment(slug, self.tools.host.environ), self.request.config_vars
        )
        if has_distribution(layers[1], "django"):
            self._collect_static(facts, source, slug, env)
        self._run_hook(facts.post_compile_hook, slug, env)
        return self._finish(prepared, facts, slug, interpreter, layers)

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
        env = build_environment(slug, self.tools.host.environ)
        self._run_hook(
            prepared.facts.pre_compile_hook, slug, with_config_vars(env, self.request.config_vars)
        )
        source = DirectorySource(slug)
        given = self.request.given(self.tools.host)
        read_state = self.tools.store.read_state
        return read_facts(source, lambda: read_state(prepared.app_id), given=given), source

    def _run_hook(self, hook: str | None, slug: Path, env: Mapping[str, str]) -> None:
        if hook is None:
            return
        with self.log.step(hook, f"Running {hook}", "the app has this hook") as step:
            cache = self.tools.store.root / "hooks" / app_identity(self.request.app)
            cache.mkdir(parents=True, exist_ok=True)
            arguments = (str(slug), str(cache), str(self._env_dir(slug)))
            run_hook(hook, slug, env, arguments, runner=self.tools.runner, on_line=step.on_line)

    def _env_dir(self, slug: Path) -> Path:
        """Write the config vars as files, the way hooks know them from the classic platforms."""
        directory = slug.parent / "env"
        directory.mkdir(mode=0o700, exist_ok=True)
        for name, value in self.request.config_vars.items():
            if _is_file_name(name):
                (directory / name).write_text(value, "utf-8", "surrogateescape")
        return directory

    def _provide_interpreter(
        self, prepared: Prepared, facts: Facts
    ) -> tuple[Interpreter, StoredLayer]:
        def find() -> tuple[InterpreterCandidate, ...]:
            return find_candidates(self.request, self.tools, facts)

        is_as_planned = facts.python == prepared.facts.python
        candidates = prepared.situation.candidates if is_as_planned else find()
        title = f"Python {facts.python} ({facts.python.origin})"
        with self.log.step(
            "python", title, _reason_of(prepared.plan, "ProvideInterpreter")
        ) as step:
            interpreter, layer = provide_interpreter(
                candidates,
                find_again=find,
                requested=str(facts.python),
                tools=self.tools,
                log=step,
            )
            step.on_detail(f"Using Python {interpreter.version}, {interpreter.origin}")
        # A hook may have changed the series; the newest patch of another one says nothing.
        newest = prepared.situation.newest_patch if is_as_planned else None
        if newest is not None and interpreter.version < newest:
            self.log.notice(_older_patch(interpreter, facts.python, newest))
        return interpreter, layer

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
            return DependenciesRequest(
                app=slug,
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
            self.log.notice(_no_static_files())

    def _finish(
        self,
        prepared: Prepared,
        facts: Facts,
        slug: Path,
        interpreter: Interpreter,
        layers: tuple[StoredLayer, StoredLayer],
    ) -> tuple[Path, Report]:
        dependencies = layers[1].key
        key = key_slug(self.request, prepared.files, dependencies, prepared.facts.settings)
        finishing = time.monotonic()
        with self.log.step("slug", "Finishing the slug", "launch data and bytecode") as log:
            for process in facts.processes:
                log.on_detail(f"{process.type}: {process.command} ({process.origin})")
            self._compile_app(slug, prepared.files)
            data = LaunchData(
                str(interpreter.version), facts.dependencies.manager.value, facts.processes
            )
            runtime = resources.files("portside.runtime")
            launcher = (runtime / "launcher.py").read_bytes()
            write_launch_data(slug, data, launcher, (runtime / "launch_shim.sh").read_bytes())
            report = self._report(prepared, interpreter, layers[1], time.monotonic() - finishing)
            write_identity(
                slug,
                app=prepared.facts.app_name,
                key=key.digest,
                layers=tuple(layer.instance for layer in layers),
                report=_as_dictionary(report),
            )
            with self.tools.store.lock(_lock_of(prepared)):
                place = self._publish(prepared, slug, key)
                self._keep_state(prepared, interpreter, key, dependencies)
        return place, report

    def _compile_app(self, slug: Path, files: AppFiles) -> None:
        sources = [
            stamp.path
            for stamp in files.stamps
            if stamp.path.endswith(".py") and stat.S_ISREG(stamp.mode)
        ]
        python = slug / PYTHON_HOME / "bin" / "python3"
        compile_sources(sources, slug, python, self.tools.runner, slug.parent)

    def _publish(self, prepared: Prepared, slug: Path, key: LayerKey) -> Path:
        if self.request.directories:
            publish(slug, self.request.directories[0])
            return self.request.directories[0]
        directory = slug_directory(self.request.data_root, prepared.app_id)
        return publish_generation(slug, directory, key.digest)

    def _keep_state(
        self, prepared: Prepared, interpreter: Interpreter, key: LayerKey, dependencies: LayerKey
    ) -> None:
        state: dict[str, object] = {
            "python_series": str(interpreter.version.series),
            "slug": encode(key),
            "dependencies": encode(dependencies),
        }
        self.tools.store.write_state(prepared.app_id, state)

    def _report(
        self, prepared: Prepared, interpreter: Interpreter, layer: StoredLayer, finishing: float
    ) -> Report:
        """Return the report; ``finishing`` is how long the step that writes it has taken."""
        last = StepReport("slug", Outcome.DONE, "launch data and bytecode", finishing)
        return Report(
            app=prepared.facts.app_name,
            python_version=str(interpreter.version),
            python_version_origin=prepared.facts.python.origin.name,
            package_manager=prepared.facts.dependencies.manager.value,
            installer=layer.fact("installer"),
            distributions=installed_distributions(layer),
            steps=(*self.log.steps, last),
            total_duration=time.monotonic() - self.started,
        )


def _lock_of(prepared: Prepared) -> str:
    """Return the name of the lock on an app's slugs and on what its last build left behind."""
    return f"app-{prepared.app_id}"


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


def _no_static_files() -> Notice:
    return Notice(
        "collectstatic::no-static-root",
        f"{NO_STATIC_ROOT}, so no static files were collected.",
        'Add a line such as STATIC_ROOT = BASE_DIR / "staticfiles" and a server for them, such\n'
        "as WhiteNoise. If the app has no static files: --env DISABLE_COLLECTSTATIC=1",
    )


def _reason_of(plan: Plan, kind: str) -> str:
    return next((s.reason for s in plan.steps if type(s).__name__ == kind), "")


def _is_file_name(name: str) -> bool:
    return "/" not in name and name not in {".", ".."} and len(os.fsencode(name)) <= _LONGEST_NAME


def _changed(root: Path, error: CopyFailedError) -> BuildError:
    path = os.path.relpath(error.path, root)
    if error.cause in {"", "no such file or directory", "not a directory"}:
        return SourceChangedError(path=path)
    return SourceUnreadableError(path=path, cause=error.cause)


def _as_dictionary(report: Report) -> dict[str, object]:
    document = encode(report)
    return document if isinstance(document, dict) else {}
