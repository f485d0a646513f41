"""`bin/compile` and `bin/test-compile`: builds an app in place, the way the platform expects it."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct

from portside.effects.app_source import DirectorySource
from portside.effects.files import write_new
from portside.effects.store import Staging, StoredLayer
from portside.effects.toolbox import Toolbox
from portside.inquiry import read_facts
from portside.model.errors.platform import CacheDeletedError
from portside.model.errors.store import CopyFailedError
from portside.model.events import Outcome
from portside.model.facts import Facts, Notice, PackageManager
from portside.model.interpreter import Interpreter, InterpreterCandidate
from portside.model.layers import KeyInput, LayerKey
from portside.model.python_version import PythonVersion
from portside.model.settings import Given
from portside.planning.interpreters import newest
from portside.platforms.heroku.cache import (
    LastBuild,
    discard_layers,
    judge_cache,
    keep_build,
    read_last_build,
    tidy_cache,
)
from portside.platforms.heroku.checks import check_duplicate, check_source, check_stack, note_stack
from portside.platforms.heroku.environment import (
    PYTHON_HOME,
    build_environment,
    export_script,
)
from portside.platforms.heroku.frameworks import Frameworks, note_disabled
from portside.platforms.heroku.home import link_home, place, place_package_manager, write_profile
from portside.platforms.heroku.package_manager import (
    programs_in_cache,
    provide_package_manager,
    tool_of,
)
from portside.platforms.heroku.report import BuildReport
from portside.preparation import BuildRequest, find_candidates, key_dependencies, read_offers
from portside.steps.dependencies.layer import provide_dependencies
from portside.steps.dependencies.request import DependenciesRequest
from portside.steps.environment import with_config_vars
from portside.steps.hooks import POST_COMPILE, PRE_COMPILE, run_hook
from portside.steps.interpreter import ProvidedInterpreter, provide_interpreter
from portside.steps.log import BuildLog, StepLog
from portside.steps.start_imports import find_start_problems


class CompileCall(Struct, frozen=True):
    """What the platform asks for. ``root`` is this buildpack's own directory."""

    build: Path
    cache: Path
    env_dir: Path | None
    config_vars: Mapping[str, str]
    root: Path
    is_test: bool = False


class Compilation:
    """One build in place: what its steps share."""

    def __init__(
        self, call: CompileCall, tools: Toolbox, log: BuildLog, report: BuildReport
    ) -> None:
        """Take the call, the effects, where the steps are told and where the report is kept."""
        self.call = call
        self.tools = tools
        self.log = log
        self.report = report
        self.request = BuildRequest(
            call.build, call.build, config_vars=call.config_vars, includes_tests=call.is_test
        )
        self.source = DirectorySource(call.build)
        # Tests print in any language.
        for_tests = {"LC_ALL": "C.UTF-8"} if call.is_test else {}
        self.environ = {**tools.host.environ, **for_tests}

    def run(self) -> None:
        """Build the app; raise the ``BuildError`` of what fails."""
        stack = check_stack(self.environ.get("STACK"))
        if old := note_stack(stack):
            self.log.notice(old)
        check_duplicate(self.environ)
        check_source(self.call.build)
        self.home = link_home(self.call.build)
        self._run_hook(PRE_COMPILE, build_environment(self.environ, self.home, None))
        # What the hook did to the cache counts, too.
        last = read_last_build(self.call.cache)
        facts = self._detect(last, stack)
        if last is not None and last.stack != stack:
            discard_layers(self.tools.store)
        layers = self._provide(facts, last, stack)
        manager = facts.dependencies.manager
        programs = programs_in_cache(tool_of(manager), layers[1])
        env = build_environment(self.environ, self.home, manager, programs)
        self._run_frameworks(facts, layers[-1], with_config_vars(env, self.call.config_vars))
        write_profile(self.call.build, manager)
        self._run_hook(POST_COMPILE, env)
        self._check_start(facts, layers[0])
        self._export(manager, programs)
        self._save(layers, stack)

    def _export(self, manager: PackageManager, programs: tuple[str, ...] = ()) -> None:
        try:
            write_new(
                self.call.root / "export", export_script(self.home, manager, programs).encode()
            )
        except OSError as error:
            self.log.notice(_no_export(self.call.root, error))

    def _detect(self, last: LastBuild | None, stack: str) -> Facts:
        state = {"python_series": last.series} if last and last.series else {}
        given = Given({**self.environ, **self.call.config_vars})
        facts = read_facts(self.source, lambda: state, given=given, stack=stack)
        values = self.report.values
        values["package_manager"] = facts.dependencies.manager.value
        values["python_version_requested"] = str(facts.python)
        values["python_version_origin"] = facts.python.origin.name
        values["python_version_pinned"] = facts.python.patch is not None
        for notice in facts.notices:
            # A missing Procfile is no mistake here: platforms have other ways to start an app.
            if notice.code != "procfile::missing":
                self.log.notice(notice)
        return facts

    def _provide(
        self, facts: Facts, last: LastBuild | None, stack: str
    ) -> tuple[StoredLayer, StoredLayer, StoredLayer]:
        """Put Python, the package manager and the dependencies in place; return their layers."""
        build = self.call.build
        provided = self._provide_interpreter(facts)
        interpreter = provided.interpreter
        with provided.in_use(), ThreadPoolExecutor(1) as pool:
            # Installing waits for the network much of the time.
            placed = pool.submit(lambda: place(build, provided.layer()))
            own = self._provide_package_manager(facts, interpreter)
            key = self._key(facts, interpreter, own, stack)
            # Each file of it is compared with the manifest when it is copied.
            dependencies = self._install(facts, interpreter, key, last, verifies=False)
            with self.report.timing("cache_restore_duration"):
                placed.result()
                # The dependencies win where both have a file.
                if not programs_in_cache(tool_of(facts.dependencies.manager), own):
                    place_package_manager(build, own, dependencies, interpreter)
                try:
                    place(build, dependencies)
                except CopyFailedError:
                    dependencies = self._install(facts, interpreter, key, last, verifies=True)
                    place(build, dependencies)
        return provided.layer(), own, dependencies

    def _provide_interpreter(self, facts: Facts) -> ProvidedInterpreter:
        offers = read_offers(self.request, self.tools, facts)

        def find_again() -> tuple[InterpreterCandidate, ...]:
            return find_candidates(self.request, self.tools, facts)

        title = f"Using Python {facts.python} ({facts.python.origin})"
        with (
            self.report.timing("python_install_duration"),
            self.log.step("python", title, "the app needs it") as step,
        ):
            provided = provide_interpreter(
                find_candidates(self.request, self.tools, facts, offers),
                find_again=find_again,
                requested=str(facts.python),
                tools=self.tools,
                log=step,
            )
            interpreter = provided.interpreter
            step.on_detail(f"Python {interpreter.version}, {interpreter.origin}")
        latest = newest(offers.inventory, facts.python.series, facts.python_constraints)
        self._note_version(facts, interpreter.version, latest or interpreter.version)
        return provided

    def _note_version(self, facts: Facts, version: PythonVersion, latest: PythonVersion) -> None:
        values = self.report.values
        values["python_version"] = str(version)
        values["python_version_major"] = str(version.series)
        values["python_version_outdated"] = version < latest
        if version < latest:
            is_pinned = facts.python.patch is not None
            self.log.notice(_outdated(version, latest, is_pinned=is_pinned))

    def _provide_package_manager(self, facts: Facts, interpreter: Interpreter) -> StoredLayer:
        manager = tool_of(facts.dependencies.manager)
        with (
            self.report.timing("package_manager_install_duration"),
            self.log.step("package-manager", f"Providing {manager.value}", "hooks use it") as step,
        ):
            layer = provide_package_manager(manager, interpreter, self.tools, step)
            step.on_detail(f"{manager.value} {layer.fact('version')}")
        self.report.values[f"{manager.value}_version"] = layer.fact("version")
        return layer

    def _key(
        self, facts: Facts, interpreter: Interpreter, own: StoredLayer, stack: str
    ) -> LayerKey:
        key = key_dependencies(self.request, self.tools, self.source, facts, interpreter.key)
        version = KeyInput("package manager's version", own.fact("version"))
        return LayerKey(key.layer, (KeyInput("stack", stack or "none"), *key.inputs, version))

    def _install(
        self,
        facts: Facts,
        interpreter: Interpreter,
        key: LayerKey,
        last: LastBuild | None,
        *,
        verifies: bool,
    ) -> StoredLayer:
        def request(staging: Staging) -> DependenciesRequest:
            return self._request(facts, interpreter, staging)

        status, reasons = judge_cache(key, last)
        self.report.values["cache_status"] = status
        title = f"Installing dependencies {facts.dependencies.manager.phrase}"
        with (
            self.report.timing("dependencies_install_duration"),
            self.log.step("dependencies", title, facts.dependencies.reason) as step,
        ):
            _tell(reasons, step)
            why = "the cache is discarded" if reasons else "the cache holds none yet"
            layer = provide_dependencies(
                key,
                request,
                reason=why,
                tools=self.tools,
                log=step,
                upgrade=False,
                verifies=verifies,
            )
            if status == "reused" and step.outcome is not Outcome.REUSED:
                # What the cache held of them was damaged or gone.
                self.report.values["cache_status"] = "discarded"
            return layer

    def _request(
        self, facts: Facts, interpreter: Interpreter, staging: Staging
    ) -> DependenciesRequest:
        return DependenciesRequest(
            app=self.call.build,
            original=self.call.build,
            source=self.source,
            dependencies=facts.dependencies,
            interpreter=interpreter,
            prefix=staging.tree,
            uv=self.tools.uv,
            uv_cache=self.tools.store.uv_cache,
            work=staging.root,
            environ=with_config_vars(self.environ, self.call.config_vars),
            home=self.tools.host.home,
            includes_tests=self.call.is_test,
        )

    def _run_frameworks(self, facts: Facts, layer: StoredLayer, env: Mapping[str, str]) -> None:
        frameworks = Frameworks(
            build=self.call.build,
            home=Path(self.home),
            source=self.source,
            layer=layer,
            env=env,
            runner=self.tools.runner,
            log=self.log,
            report=self.report,
        )
        frameworks.download_corpora()
        if self.call.is_test:
            note_disabled(self.report)
        else:
            frameworks.collect_static(facts, self.call.config_vars)

    def _check_start(self, facts: Facts, interpreter: StoredLayer) -> None:
        series = PythonVersion.parse(interpreter.fact("version")).series
        python = self.call.build / PYTHON_HOME
        for problem in find_start_problems(facts.processes, self.call.build, python, series):
            self.log.notice(problem)

    def _run_hook(self, hook: str, env: Mapping[str, str]) -> None:
        is_there = (self.call.build / hook).is_file()
        key = hook.partition("/")[2]
        self.report.values[f"{key}_hook"] = is_there
        if not is_there:
            return
        # What a platform's call is itself made of may lie in the cache, too.
        needed = (self.tools.store.root, self.tools.uv)
        with (
            self.report.timing(f"{key}_hook_duration"),
            self.log.step(hook, f"Running {hook} hook", "the app has this hook") as step,
        ):
            run_hook(
                hook,
                self.call.build,
                with_config_vars(env, self.call.config_vars),
                (str(self.call.build), str(self.call.cache), str(self.call.env_dir or "")),
                runner=self.tools.runner,
                on_line=step.on_line,
            )
        if not all(path.exists() for path in needed):
            raise CacheDeletedError(hook=hook)

    def _save(self, layers: tuple[StoredLayer, StoredLayer, StoredLayer], stack: str) -> None:
        python, _, dependencies = layers
        with self.report.timing("cache_save_duration"):
            keep_build(
                self.call.cache,
                series=str(PythonVersion.parse(python.fact("version")).series),
                stack=stack,
                dependencies=dependencies.key,
            )
            tidy_cache(self.tools, layers)


def _tell(reasons: tuple[str, ...], step: StepLog) -> None:
    if reasons:
        step.on_detail("The cached dependencies are discarded:")
    for reason in reasons:
        step.on_detail(f"- {reason}")


def _no_export(root: Path, error: OSError) -> Notice:
    cause = (error.strerror or str(error)).lower()
    return Notice(
        "export::not-written",
        f"Later buildpacks can't be told where Python is: {cause}.",
        f"The app itself is not concerned. Let the build write to {root} to change that.",
    )


def _outdated(version: PythonVersion, latest: PythonVersion, *, is_pinned: bool) -> Notice:
    hint = (
        f"Ask for {latest.series} rather than for a patch release, to get the newest each time:\n"
        f"    echo {latest.series} > .python-version"
        if is_pinned
        else "It couldn't be had now. Build again when downloads work."
    )
    summary = f"Python {version} is older than {latest}, which has its fixes."
    return Notice("python-version::outdated", summary, hint)
