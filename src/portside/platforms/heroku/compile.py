"""`bin/compile` and `bin/test-compile`: builds an app in place, the way the platform expects it."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct

from portside.effects.app_source import DirectorySource
from portside.effects.files import copy_tree, disk_errors, remove_tree, write_new
from portside.effects.store import Staging, StoredLayer
from portside.effects.toolbox import Toolbox
from portside.inquiry import read_facts
from portside.model.errors.platform import CacheDeletedError
from portside.model.events import Outcome
from portside.model.facts import Facts
from portside.model.interpreter import Interpreter, InterpreterCandidate
from portside.model.layers import KeyInput, LayerKey
from portside.platforms.heroku.cache import LastBuild, keep_build, read_last_build
from portside.platforms.heroku.checks import check_duplicate, check_source, check_stack
from portside.platforms.heroku.environment import (
    APP,
    PYTHON_HOME,
    build_environment,
    export_script,
    profile_settings,
    with_config_vars,
)
from portside.platforms.heroku.package_manager import provide_package_manager, stamps_beside
from portside.platforms.heroku.report import BuildReport
from portside.preparation import BuildRequest, find_candidates, key_dependencies
from portside.steps.collectstatic import run_collectstatic, why_skipped
from portside.steps.dependencies.layer import has_distribution, provide_dependencies
from portside.steps.dependencies.request import DependenciesRequest
from portside.steps.hooks import POST_COMPILE, PRE_COMPILE, run_hook
from portside.steps.interpreter import provide_interpreter
from portside.steps.log import BuildLog, StepLog
from portside.steps.nltk import CORPORA_FILE, download_corpora, read_corpora

_FUNCTIONS = (
    "portside_prepend",
    "portside_append_path",
    "portside_memory_limit",
    "portside_web_concurrency",
    "portside_say",
    "portside_set_concurrency",
)
_PROFILE = Path(__file__).with_name("profile.sh")


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
        self.request = BuildRequest(call.build, call.build, config_vars=call.config_vars)
        self.home = f"{call.build}/{PYTHON_HOME}"

    def run(self) -> None:
        """Build the app; raise the ``BuildError`` of what fails."""
        environ = self.tools.host.environ
        stack = check_stack(environ.get("STACK"))
        check_duplicate(environ)
        source = DirectorySource(self.call.build)
        check_source(source.root)
        self._link_home()
        last = read_last_build(self.call.cache)
        self._run_hook(PRE_COMPILE, build_environment(environ, self.home, None))
        facts = self._detect(source, last, stack)
        interpreter, python = self._provide_interpreter(facts)
        manager = facts.dependencies.manager
        with ThreadPoolExecutor(1) as pool:
            placed = pool.submit(self._place, python)
            own = self._provide_package_manager(facts, interpreter)
            layer = self._install(facts, source, interpreter, last, stack)
            placed.result()
            self._place_over(own, layer, interpreter)
        env = with_config_vars(
            build_environment(environ, self.home, manager), self.call.config_vars
        )
        self._download_corpora(source, layer, env)
        self._collect_static(facts, source, layer, env)
        self._write_profile(facts)
        self._run_hook(POST_COMPILE, build_environment(environ, self.home, manager))
        write_new(self.call.root / "export", export_script(self.home, manager).encode())
        with self.report.timing("cache_save_duration"):
            keep_build(
                self.call.cache,
                series=str(interpreter.version.series),
                stack=stack,
                dependencies=layer.key,
            )
            self._tidy_cache((python, own, layer))

    def _link_home(self) -> None:
        """Let the interpreter be found where the app will run, for steps and later buildpacks."""
        if self.call.build == APP:
            return
        link = APP / PYTHON_HOME
        try:
            link.parent.mkdir(parents=True, exist_ok=True)
            if link.is_symlink() or link.is_file():
                link.unlink()
            elif link.is_dir():
                remove_tree(link)
            link.symlink_to(self.home)
        except OSError:
            # Where /app can't be written to, everything works by the build directory's own path.
            return
        self.home = str(link)

    def _detect(self, source: DirectorySource, last: LastBuild | None, stack: str) -> Facts:
        state = {"python_series": last.series} if last and last.series else {}
        facts = read_facts(source, lambda: state, stack=stack)
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

    def _provide_interpreter(self, facts: Facts) -> tuple[Interpreter, StoredLayer]:
        def find() -> tuple[InterpreterCandidate, ...]:
            return find_candidates(self.request, self.tools, facts)

        title = f"Using Python {facts.python} ({facts.python.origin})"
        with (
            self.report.timing("python_install_duration"),
            self.log.step("python", title, "the app needs it") as step,
        ):
            interpreter, layer = provide_interpreter(
                find(), find_again=find, requested=str(facts.python), tools=self.tools, log=step
            )
            step.on_detail(f"Python {interpreter.version}, {interpreter.origin}")
        self.report.values["python_version"] = str(interpreter.version)
        self.report.values["python_version_major"] = str(interpreter.version.series)
        return interpreter, layer

    def _provide_package_manager(self, facts: Facts, interpreter: Interpreter) -> StoredLayer:
        manager = facts.dependencies.manager
        with (
            self.report.timing("package_manager_install_duration"),
            self.log.step("package-manager", f"Providing {manager.value}", "hooks use it") as step,
        ):
            layer = provide_package_manager(manager, interpreter, self.tools, step)
        self.report.values[f"{manager.value}_version"] = layer.fact("version")
        return layer

    def _install(
        self,
        facts: Facts,
        source: DirectorySource,
        interpreter: Interpreter,
        last: LastBuild | None,
        stack: str,
    ) -> StoredLayer:
        key = self._key(facts, source, interpreter, stack)
        reasons = self._judge_cache(key, last)
        title = f"Installing dependencies ({facts.dependencies.reason})"
        with (
            self.report.timing("dependencies_install_duration"),
            self.log.step("dependencies", title, facts.dependencies.reason) as step,
        ):
            return provide_dependencies(
                key,
                self._request(facts, source, interpreter),
                reason=", ".join(reasons) or "the cache holds none yet",
                tools=self.tools,
                log=step,
                upgrade=False,
            )

    def _key(
        self, facts: Facts, source: DirectorySource, interpreter: Interpreter, stack: str
    ) -> LayerKey:
        key = key_dependencies(self.request, self.tools, source, facts, interpreter.key)
        return LayerKey(key.layer, (KeyInput("stack", stack), *key.inputs))

    def _request(
        self, facts: Facts, source: DirectorySource, interpreter: Interpreter
    ) -> Callable[[Staging], DependenciesRequest]:
        environ = with_config_vars(self.tools.host.environ, self.call.config_vars)

        def request(staging: Staging) -> DependenciesRequest:
            return DependenciesRequest(
                app=self.call.build,
                source=source,
                dependencies=facts.dependencies,
                interpreter=interpreter,
                prefix=staging.tree,
                uv=self.tools.uv,
                uv_cache=self.tools.store.uv_cache,
                work=staging.root,
                environ=environ,
                home=self.tools.host.home,
            )

        return request

    def _judge_cache(self, key: LayerKey, last: LastBuild | None) -> tuple[str, ...]:
        """Report whether the cache serves this build; return why not."""
        if last is None:
            self.report.values["cache_status"] = "empty"
            return ()
        reasons = (
            key.changes_since(last.dependencies)
            if last.dependencies is not None
            else ("another buildpack wrote the cache",)
        )
        self.report.values["cache_status"] = "discarded" if reasons else "reused"
        return reasons

    def _place(self, layer: StoredLayer) -> None:
        home = self.call.build / PYTHON_HOME
        home.mkdir(parents=True, exist_ok=True)
        with disk_errors(self.call.build, "the app's Python"):
            copy_tree(layer.tree, home, layer.stamps)

    def _place_over(
        self, own: StoredLayer, dependencies: StoredLayer, interpreter: Interpreter
    ) -> None:
        """Place the package manager, then the dependencies, which win where both have a file."""
        home = self.call.build / PYTHON_HOME
        with (
            self.report.timing("cache_restore_duration"),
            disk_errors(self.call.build, "the app's Python"),
        ):
            copy_tree(own.tree, home, stamps_beside(own, dependencies, interpreter))
            copy_tree(dependencies.tree, home, dependencies.stamps)

    def _download_corpora(
        self, source: DirectorySource, layer: StoredLayer, env: Mapping[str, str]
    ) -> None:
        if not has_distribution(layer, "nltk"):
            return
        corpora = read_corpora(source)
        self.report.values["nltk_downloader"] = "enabled" if corpora else "skipped-no-nltk-file"
        with (
            self.report.timing("nltk_downloader_duration"),
            self.log.step("nltk", "Downloading NLTK corpora", "NLTK is installed") as step,
        ):
            if not corpora:
                step.outcome, step.reason = Outcome.SKIPPED, f"there is no {CORPORA_FILE}"
                return
            step.on_detail(f"Corpora: {', '.join(corpora)}")
            data = Path(self.home) / "nltk_data"
            python = Path(self.home) / "bin" / "python"
            download_corpora(
                corpora, data, env, python=python, runner=self.tools.runner, on_line=step.on_line
            )

    def _collect_static(
        self, facts: Facts, source: DirectorySource, layer: StoredLayer, env: Mapping[str, str]
    ) -> None:
        if not has_distribution(layer, "django") and not self.call.is_test:
            return
        if facts.manage_py is None:
            self.report.values["django_collectstatic"] = "skipped-no-manage-py"
            return
        has_file = source.is_file(".heroku/collectstatic_disabled")
        skip = why_skipped(self.call.config_vars, has_disabling_file=has_file)
        by_variable = why_skipped(self.call.config_vars, has_disabling_file=False)
        status = "disabled-env-var" if by_variable else "disabled-file" if skip else "enabled"
        self.report.values["django_collectstatic"] = status
        with (
            self.report.timing("django_collectstatic_duration"),
            self.log.step("collectstatic", "$ python manage.py collectstatic", "Django") as step,
        ):
            if skip is None:
                self._show_environment(env, step)
                skip = run_collectstatic(
                    facts.manage_py,
                    self.call.build,
                    env,
                    runner=self.tools.runner,
                    on_line=step.on_line,
                )
            if skip is not None:
                step.outcome, step.reason = Outcome.SKIPPED, skip

    def _show_environment(self, env: Mapping[str, str], step: StepLog) -> None:
        if env.get("DEBUG_COLLECTSTATIC", "0") not in {"", "0"}:
            for name in sorted(env):
                step.on_line(self.tools.runner.redact(f"{name}={env[name]}"))

    def _run_hook(self, hook: str, env: Mapping[str, str]) -> None:
        is_there = (self.call.build / hook).is_file()
        key = hook.partition("/")[2]
        self.report.values[f"{key}_hook"] = is_there
        if not is_there:
            return
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
        if not self.tools.store.root.is_dir():
            raise CacheDeletedError(hook=hook)

    def _write_profile(self, facts: Facts) -> None:
        directory = self.call.build / ".profile.d"
        directory.mkdir(exist_ok=True)
        text = _PROFILE.read_text("utf-8") + profile_settings(facts.dependencies.manager)
        if (self.call.build / PYTHON_HOME / "nltk_data").is_dir():
            text += 'export NLTK_DATA="$HOME/.heroku/python/nltk_data"\n'
        text += "unset -f " + " ".join(_FUNCTIONS) + "\n"
        write_new(directory / "python.sh", text.encode())

    def _tidy_cache(self, used: tuple[StoredLayer, ...]) -> None:
        """Keep the layers of this build; what only an earlier one used would grow for ever."""
        self.tools.store.keep_only(frozenset(layer.key.digest for layer in used))
