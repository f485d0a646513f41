"""Every error as its reader sees it, kept as a text file below ``errors/``."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from golden import GOLDEN, IS_UPDATING, REPOSITORY, assert_golden
from portside.console import Style, render_error
from portside.model import errors
from portside.model.errors import (
    BuildError,
    app,
    app_json,
    dependencies,
    django,
    export,
    formation,
    interpreter,
    locks,
    platform,
    run,
    settings,
    source_root,
    steps,
    store,
)
from portside.model.errors import python_version as version
from portside.model.python_version import Origin, RequestedPython, Series

_URL = (
    "https://github.com/astral-sh/python-build-standalone/releases/download/20251014/"
    "cpython-3.12.12+20251014-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"
)
_GUNICORN = "gunicorn --bind 127.0.0.1:8000 shop.wsgi"
_TRACEBACK = (
    "Traceback (most recent call last):",
    '  File "/srv/slug/shop/wsgi.py", line 12, in <module>',
    "    application = get_wsgi_application()",
    '  File "/srv/slug/shop/settings.py", line 3, in <module>',
    "    import environ",
    "ModuleNotFoundError: No module named 'environ'",
)
_PYTHON_VERSION_FILE = Origin(".python-version", line=1)
_RUNTIME_TXT = Origin("runtime.txt")
_PYPROJECT = Origin("pyproject.toml", "project.requires-python")

# Never raised itself: its subclasses name the hook.
_ABSTRACT = {steps.HookFailedError}


@dataclass(frozen=True, slots=True)
class Sample:
    """An error as it is raised; ``variant`` tells several of one class apart."""

    error: BuildError
    variant: str = ""

    def __str__(self) -> str:
        kind = type(self.error)
        parts = (kind.__module__.rpartition(".")[2], kind.__name__, self.variant)
        return ".".join(part for part in parts if part)


def _install(
    kind: type[dependencies.InstallFailedError], cause: str, fix: str, manager: str = "pip"
) -> BuildError:
    return kind(manager=manager, exit_status=1, cause=cause, fix=fix)


def _collectstatic(kind: type[django.CollectStaticError], last_line: str) -> BuildError:
    return kind(manage_py="manage.py", last_line=last_line)


def _exited(cause: run.ExitCause | None, *tail: str, status: int = 1) -> BuildError:
    return run.WebExitedError(command=_GUNICORN, exit_status=status, tail=tail, cause=cause)


_PROJECT = "pyproject.toml"
SAMPLES = (
    # settings
    Sample(
        settings.SettingUnknownError(
            name="package-manger",
            origin=Origin("pyproject.toml", "tool.portside.package-manger"),
            known=("package-manager", "groups"),
        )
    ),
    Sample(
        settings.SettingInvalidError(
            name="collectstatic",
            value="perhaps",
            origin=Origin("$PORTSIDE_COLLECTSTATIC"),
            expected="true or false",
        )
    ),
    Sample(
        settings.SettingWithoutEffectError(
            name="groups",
            origin=Origin("portside.toml", "groups"),
            cause="requirements.txt has none that portside could install.",
        )
    ),
    Sample(settings.GroupUnknownError(kind="extra", name="postgers", known=("postgres", "web"))),
    # the source root
    Sample(
        source_root.SourceRootInvalidError(
            root="../libs",
            origin=Origin("pyproject.toml", "tool.portside.root"),
            app="/srv/shop/services/web",
            cause="The app isn't in it.",
        )
    ),
    Sample(
        source_root.SourceRootNeededError(
            path="../../libs/common",
            named_in="line 3 of requirements.txt",
            root="../..",
            command="portside build services/web --source-root .",
        )
    ),
    Sample(
        source_root.WorkspaceRootNeededError(
            workspace="../..", command="portside build services/web --source-root ."
        )
    ),
    Sample(
        source_root.OutsideSourceRootError(
            path="../../../elsewhere/common", named_in="poetry.lock", root="/srv/shop"
        )
    ),
    Sample(
        source_root.NothingThereError(
            path="../../libs/comon", named_in="line 3 of requirements.txt"
        )
    ),
    # locks
    Sample(
        locks.LockMissingError(cause="[tool.uv.sources] is what only uv reads", command="uv lock")
    ),
    Sample(
        locks.LockForOtherMachinesError(
            lock="uv.lock",
            cause="The current Python platform is not compatible with the lockfile's supported "
            "environments: `sys_platform == 'darwin'`",
            fix="Let `environments` in [tool.uv] allow this one as well, then run\n`uv lock` and "
            "commit the lock.",
        )
    ),
    Sample(locks.LockWithoutProjectError(lock="uv.lock", project=_PROJECT)),
    Sample(locks.LockOutdatedError(lock="uv.lock", project=_PROJECT, command="uv lock")),
    Sample(locks.LockTooNewError(lock="uv.lock", tool="uv", found=2, known="1")),
    Sample(locks.LockWithoutGroupError(lock="pdm.lock", group="docs", command="pdm lock -G docs")),
    Sample(
        locks.LockInvalidError(
            lock="uv.lock",
            cause="TOML parse error at line 278, column 9",
            command="rm uv.lock && uv lock",
        )
    ),
    Sample(
        locks.RequiredToolVersionError(
            tool="uv",
            cause="Required uv version `>=99` does not match the running version `0.13.9`",
        )
    ),
    # app
    Sample(app.AppNotFoundError(path="path/to/shop")),
    Sample(app.AppNotADirectoryError(path="shop/app.py")),
    Sample(app.SourceUnreadableError(path="data/private.json", cause="permission denied")),
    Sample(app.NotAFileError(path="requirements.txt", kind="pipe")),
    Sample(app.SourceChangedError(path="var/access.log")),
    Sample(app.NoPackageManagerError(listing=()), "empty"),
    Sample(app.NoPackageManagerError(listing=tuple("abcdefghij")), "many"),
    Sample(
        app.UndeclaredImportsError(imports=(("main.py", 3, "flask"), ("shop/cart.py", 1, "yaml")))
    ),
    Sample(
        app.MultiplePackageManagersError(
            files=("Pipfile", "requirements.txt"), managers=("pipenv", "pip")
        )
    ),
    Sample(
        app.ManifestUndecidedError(files=("pylock.api.toml", "pylock.web.toml"), name="pylock.toml")
    ),
    Sample(app.LinkOutsideAppError(path="static/logo.svg", target="../../brand/logo.svg")),
    Sample(app.ProcfileError(line=2, text="web gunicorn shop.wsgi", is_repeated=False)),
    Sample(app.ProcfileError(line=3, text="web: flask run", is_repeated=True), "repeated"),
    Sample(app.ExistingPythonError()),
    # app.json
    Sample(app_json.AppJsonSyntaxError(cause="Expecting ',' delimiter", line=7)),
    Sample(app_json.AppJsonSyntaxError(cause="it has 300000 bytes, and …"), "large"),
    Sample(
        app_json.AppJsonInvalidError(
            place="env.WEB_CONCURRENCY.value",
            line=9,
            cause="is a number, not text",
            fix='Put it in quotes, as text: "value": "…".',
        )
    ),
    Sample(
        app_json.ConfigVarsMissingError(
            missing=(("DATABASE_URL", "Where the orders are kept."), ("API_TOKEN", ""))
        )
    ),
    Sample(
        app_json.ConfigVarsMissingError(missing=tuple((f"NAME_{n}", "") for n in range(7))), "many"
    ),
    Sample(app_json.FormationMissingError(has_file=True)),
    Sample(app_json.FormationMissingError(has_file=False), "file"),
    # dependencies
    Sample(
        dependencies.ProjectInvalidError(
            cause='[project] dependencies must be a list of requirements, such as ["flask>=3"]'
        )
    ),
    Sample(dependencies.SetupInvalidError(cause="File contains no section headers.")),
    Sample(
        dependencies.ScriptMetadataError(
            file="main.py", cause="dependencies must be a list of strings"
        )
    ),
    Sample(
        dependencies.RequirementsFileMissingError(
            file="requirements.txt", line=3, name="requirements/base.txt"
        )
    ),
    Sample(
        dependencies.RequirementsLoopError(file="requirements/dev.txt", line=1, name="base.txt")
    ),
    Sample(
        dependencies.RequirementsSyntaxError(file="requirements.txt", line=4, text="flask=3.0.0")
    ),
    Sample(dependencies.RequirementsEncodingError(file="requirements.txt", encoding="utf-8")),
    Sample(
        dependencies.PipfileInvalidError(cause="Expected '=' after a key (at line 3, column 8)")
    ),
    Sample(
        dependencies.PipfileLockInvalidJsonError(
            cause="Expecting property name enclosed in double quotes: line 2 column 1 (char 2)"
        )
    ),
    Sample(
        dependencies.PipfileLockOutdatedError(
            locked="3fb1aa8be2d0a8f2b6bd0ae1b4b2e5ad12d2d0fc0a4c0a5d9f3d1a5f9e7c6b80",
            current="a2b5c7b0d6f1e4f3c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6",
        )
    ),
    Sample(
        _install(
            dependencies.InstallFailedError,
            "error: Distribution not built for this machine",
            "Correct what the output above names, commit the change and build again.",
        )
    ),
    Sample(
        _install(
            dependencies.InstallFailedError,
            "error: Distribution not built for this machine",
            "Correct what the output above names, commit the change and build again.",
            manager="Pipenv",
        ),
        "pipenv",
    ),
    Sample(
        _install(
            dependencies.IndexCredentialsError,
            "A package index or repository refused the credentials, or wants some.\n"
            "    HTTP status client error (401 Unauthorized) for url (https://pypi.corp/simple/acme/)",
            "Check the address and the credentials; keep those in a config var and refer to it as\n"
            "    --index-url https://${INDEX_USER}:${INDEX_PASSWORD}@HOST/simple",
        )
    ),
    Sample(
        _install(
            dependencies.IndexNotFoundError,
            "No package index has a distribution that was asked for.\n"
            "    Because flsk was not found in the package registry and you require flsk, we can",
            "Check its name and version; they must exist for this Python version.",
        )
    ),
    Sample(
        _install(
            dependencies.IndexUnreachableError,
            "A package index can't be reached, fails, or sends damaged files.\n"
            "    error: Request failed after 3 retries",
            "Try again. If it stays so, check the index's address and whether this machine may "
            "reach it.",
        )
    ),
    Sample(
        _install(
            dependencies.HashMismatchError,
            "A downloaded file isn't the one that was pinned.\n"
            "    Hash mismatch for `flask==3.0.0`",
            "Find out why the file changed. If the new file is right, pin its hash and commit "
            "that.",
        )
    ),
    Sample(
        _install(
            dependencies.RequirementInvalidError,
            "A line isn't a requirement.\n"
            "    ERROR: Invalid requirement: 'foo bar' (from line 2 of requirements.txt)",
            "Correct the line: it has a name, and perhaps extras, versions and a marker, such as\n"
            "    flask[async]>=3.0 ; python_version >= '3.12'",
        )
    ),
    Sample(
        _install(
            dependencies.ProjectBuildFailedError,
            "OSError: Readme file does not exist: MISSING.md",
            "Correct what it says, in pyproject.toml or beside it, and commit the change.\n"
            "If nothing needs the project to be installed, remove its [build-system].",
        )
    ),
    Sample(
        _install(
            dependencies.BuildOfDistributionFailedError,
            "A distribution without a wheel couldn't be built.\n"
            "    Failed to build `psycopg2==2.9.9`",
            "Use a version that has a wheel for this Python, or provide what the build asks for "
            "in\nthe output above (often a system library or a compiler).",
        )
    ),
    Sample(
        _install(
            dependencies.NoSolutionError,
            "The requirements contradict each other.\n"
            "    No solution found when resolving dependencies:",
            "Loosen one of the requirements that the output above names.",
        )
    ),
    Sample(
        _install(
            dependencies.NoWheelForPythonError,
            "numpy 1.21.0 has no wheel for Python 3.12; its newest are for 3.9.\n"
            "A distribution without a wheel couldn't be built.\n"
            "    error: Failed to build `numpy==1.21.0`",
            "Ask for a newer numpy, which has a wheel for Python 3.12, or choose the older "
            "Python:\n    echo 3.9 > .python-version",
        )
    ),
    Sample(
        _install(
            dependencies.DiskFullError,
            "There is no room left on the disk.\n    error: No space left on device (os error 28)",
            "Free some space, for example with `portside cache prune` or, on a platform, by\n"
            "purging the app's build cache, and build again.",
        )
    ),
    Sample(
        dependencies.NoSolutionError(
            manager="Pipenv",
            exit_status=1,
            cause="The requirements contradict each other.",
            fix="Loosen one of the requirements that the output above names.",
        ),
        "pipenv",
    ),
    # django
    Sample(_collectstatic(django.CollectStaticError, "RuntimeError: no route to the CDN")),
    Sample(_collectstatic(django.CollectStaticSyntaxError, "SyntaxError: invalid syntax")),
    Sample(
        _collectstatic(
            django.CollectStaticSettingsError,
            "django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting is empty.",
        )
    ),
    Sample(
        _collectstatic(
            django.CollectStaticReferenceError,
            "whitenoise.storage.MissingFileError: The file 'img/logo.png' could not be found",
        )
    ),
    Sample(
        _collectstatic(
            django.CollectStaticMissingFileError,
            "FileNotFoundError: [Errno 2] No such file or directory: '/srv/slug/assets'",
        )
    ),
    # interpreter
    Sample(
        interpreter.InterpreterUnavailableError(
            requested="3.12.7",
            tried=(
                "Python can't be downloaded from github.com: connection refused.",
                "The Python from /usr/bin/python3.12 doesn't work here: it can't import ssl.",
            ),
        )
    ),
    Sample(interpreter.InterpreterUnavailableError(requested="3.12", tried=()), "nowhere"),
    Sample(
        interpreter.InterpreterUnavailableError(
            requested="3.12", tried=tuple(f"The Python from /opt/{n} is damaged." for n in range(9))
        ),
        "many",
    ),
    Sample(interpreter.SourceUnreachableError(location=_URL, cause="connection refused")),
    Sample(interpreter.ChecksumMismatchError(location=_URL)),
    Sample(
        interpreter.ArchiveDamagedError(
            location="/mnt/mirror/cpython.tar.gz", cause="it ends early"
        )
    ),
    Sample(
        interpreter.InterpreterUnusableError(
            location="/usr/bin/python3.12", cause="it can't import ssl"
        )
    ),
    # python_version
    Sample(version.RuntimeTxtInvalidVersionError(text="Python 3.12")),
    Sample(version.PythonVersionFileMisspelledError(name=".python_version")),
    Sample(version.PythonVersionFileInvalidVersionError(line=1, text="3.12.x")),
    Sample(version.PythonVersionFileInvalidEncodingError(encoding="UTF-16")),
    Sample(version.PythonVersionFileNoVersionError()),
    Sample(version.PythonVersionFileMultipleVersionsError(versions=("3.12", "3.13"))),
    Sample(
        version.PythonVersionFileMultipleVersionsError(
            versions=tuple(f"3.{minor}" for minor in range(6, 15))
        ),
        "many",
    ),
    Sample(version.PipfileLockInvalidVersionError(field="python_version", text="^3.12")),
    Sample(
        version.ToolVersionsInvalidVersionError(
            origin=Origin(".tool-versions", line=2), text="pypy3.10-7.3.12"
        )
    ),
    Sample(
        version.RequiresPythonInvalidError(origin=_PYPROJECT, text="3.12 or newer", is_lock=False)
    ),
    Sample(
        version.RequiresPythonInvalidError(
            origin=Origin("uv.lock", "requires-python"), text="newer", is_lock=True
        ),
        "lock",
    ),
    Sample(version.RequiresPythonUnsatisfiableError(origin=_PYPROJECT, specifier=">=3.12,<3.11")),
    Sample(
        version.PythonVersionInvalidTomlError(
            file="pyproject.toml", cause="Expected '=' after a key (at line 3, column 8)"
        )
    ),
    Sample(
        version.PythonVersionContradictionError(
            requested=RequestedPython(Series(3, 11), 4, _PYTHON_VERSION_FILE),
            specifier=">=3.12",
            declared=_PYPROJECT,
        )
    ),
    Sample(
        version.PythonVersionEolError(
            requested=RequestedPython(Series(3, 7), None, _RUNTIME_TXT),
            oldest=Series(3, 10),
            default=Series(3, 12),
        )
    ),
    Sample(
        version.PythonVersionUnknownMajorError(
            requested=RequestedPython(Series(3, 99), None, _PYTHON_VERSION_FILE),
            newest=Series(3, 15),
        )
    ),
    Sample(
        version.UnknownPatchError(
            requested="3.12.99", newest="3.12.12", origin=str(_PYTHON_VERSION_FILE)
        )
    ),
    # run
    Sample(run.WebDidNotBindError(command="python worker.py", port=5000, limit=60.0)),
    Sample(run.WrongPortError(command=_GUNICORN, port=5000, bound=(8000,))),
    Sample(run.WrongAddressError(command="flask run", port=5000, addresses=("127.0.0.1", "::1"))),
    Sample(_exited(None, *_TRACEBACK)),
    Sample(_exited(None, status=0), "daemon"),
    Sample(_exited(None, status=137), "killed"),
    Sample(_exited(run.MissingModule("environ"), *_TRACEBACK), "module"),
    Sample(_exited(run.MissingVariable("SECRET_KEY"), "KeyError: 'SECRET_KEY'"), "variable"),
    Sample(
        _exited(
            run.MissingCommand("gunicorn"), "bash: line 1: gunicorn: command not found", status=127
        ),
        "command",
    ),
    Sample(_exited(run.AddressInUse(), "OSError: [Errno 98] Address already in use"), "address"),
    Sample(run.NoWebProcessError(known=("worker", "release"))),
    Sample(run.NoWebProcessError(known=()), "none"),
    Sample(run.UnknownProcessError(name="wroker", known=("web", "worker"))),
    Sample(run.OneOffWithProcessError(process="worker")),
    Sample(run.CheckNeedsWebError(name="worker")),
    Sample(run.ServerErrorAnswerError(status=500, tail=_TRACEBACK)),
    Sample(run.NoAnswerError(port=5000, limit=10.0, cause="TimeoutError: timed out")),
    Sample(run.WebDidNotStopError(command="sh start.sh", limit=30.0)),
    Sample(
        run.TooMuchMemoryError(
            command="gunicorn shop.wsgi", used=734 << 20, limit=512 << 20, processes=5
        )
    ),
    Sample(run.InvalidPortError(value="http")),
    Sample(run.ProcessNotStartedError(program="/bin/sh", cause="Permission denied")),
    Sample(
        run.NotASlugError(path="shop", cause="It has no .portside/slug.json of a finished build")
    ),
    Sample(run.EnvFileEncodingError(path=".env", position=17)),
    Sample(run.EnvFileUnreadableError(path="prod.env", cause="No such file or directory")),
    # run --scale
    Sample(formation.InvalidScaleError(scale="web=2,worker", part="worker")),
    Sample(formation.ScaleConflictError(other="--check")),
    Sample(formation.JsonNeedsScaleError()),
    Sample(
        formation.ReleaseFailedError(
            command="python manage.py migrate", exit_status=1, tail=_TRACEBACK
        )
    ),
    Sample(formation.ReleaseFailedError(command="false", exit_status=1, tail=()), "silent"),
    Sample(formation.PortTakenError(port=5000, cause="Address already in use")),
    # steps
    Sample(
        platform.StackUnknownError(stack="heroku-99", known=("heroku-22", "heroku-24", "heroku-26"))
    ),
    Sample(platform.StackEolError(stack="heroku-18", newest="heroku-24")),
    Sample(platform.DuplicateBuildpackError(python_home="/app/.heroku/python")),
    Sample(platform.ExistingVirtualEnvironmentError(directory=".venv")),
    Sample(platform.ConfigVarUnreadableError(name="DATABASE_URL", cause="permission denied")),
    Sample(platform.CacheDeletedError(hook="bin/post_compile")),
    Sample(
        platform.PackageManagerInstallError(
            manager="Pipenv", cause="error: Failed to fetch: `https://pypi.example/simple/pipenv/`"
        )
    ),
    Sample(
        platform.CorporaDownloadError(
            corpora=("city_database", "stopwrods"),
            cause="[nltk_data] Error loading stopwrods: Package 'stopwrods' not found in index",
        )
    ),
    Sample(steps.PreCompileHookError(hook="bin/pre_compile", exit_status=2)),
    Sample(steps.PostCompileHookError(hook="bin/post_compile", exit_status=1)),
    # export
    Sample(export.NothingToExportError(path="slug")),
    Sample(export.ExportInTheWayError(path="deploy/compose.yaml")),
    Sample(export.ImageNeededError()),
    Sample(export.DirectoryNeededError(path="shop.tar.zst")),
    Sample(export.PathNotExportableError(path="var/slug")),
    # store
    Sample(store.DiskFullError(path="/home/ada/.cache/portside", needed="the dependencies")),
    Sample(store.NotWritableError(path="/home/ada/.cache/portside", cause="permission denied")),
    Sample(store.CopyFailedError(path="/opt/python/lib/ssl.py", cause="permission denied")),
    Sample(store.CopyFailedError(path="/cache/layers/python/0a/tree/bin/python3"), "changed"),
    Sample(store.OutputInTheWayError(path="/srv/shop")),
    Sample(store.ArchiveInTheWayError(path="/srv/shop.tar")),
    Sample(store.OutputsOverlapError(outer="/srv/shop", inner="/srv/shop/src")),
    Sample(store.StreamNotWritableError(stream="standard output", cause="no space left on device")),
    Sample(store.WorkingDirectoryGoneError(path="out/slug")),
    Sample(store.OutputTargetError(target="oci:shop.tar")),
)


def _kinds(parent: type[BuildError] = BuildError) -> Iterator[type[BuildError]]:
    """Yield every subclass that portside's error modules define."""
    for info in pkgutil.walk_packages(errors.__path__, f"{errors.__name__}."):
        importlib.import_module(info.name)
    for kind in parent.__subclasses__():
        yield kind
        yield from _kinds(kind)


def _raised_kinds() -> set[type[BuildError]]:
    return set(_kinds()) - _ABSTRACT


def _text(sample: Sample) -> str:
    return render_error(sample.error, Style(colours=False)).strip() + "\n"


def _anchors() -> list[str]:
    """Return the anchors of docs/errors.md's sections, as renderers of Markdown make them."""
    text = (REPOSITORY / "docs/errors.md").read_text("utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading).replace(" ", "-").lower() for heading in headings]


def test_every_error_has_a_sample() -> None:
    missing = _raised_kinds() - {type(sample.error) for sample in SAMPLES}

    assert not missing, f"add a Sample of {sorted(kind.__qualname__ for kind in missing)}"


def test_samples_have_names_of_their_own() -> None:
    names = [str(sample) for sample in SAMPLES]

    assert sorted(names) == sorted(set(names))


def test_errors_are_defined_in_the_error_modules_only() -> None:
    outside = {kind for kind in _kinds() if not kind.__module__.startswith(errors.__name__)}

    assert not outside


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_error_reads_as_kept(sample: Sample) -> None:
    assert_golden(GOLDEN / "errors" / f"{sample}.txt", _text(sample))


@pytest.mark.skipif(IS_UPDATING, reason="files are being written")
def test_no_golden_text_is_left_over() -> None:
    kept = {path.stem for path in (GOLDEN / "errors").glob("*.txt")}

    assert kept == {str(sample) for sample in SAMPLES}


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_error_is_short_has_a_fix_and_links_to_its_section(sample: Sample) -> None:
    lines = _text(sample).splitlines()

    assert len(lines) <= 15
    assert "\n" not in sample.error.summary
    assert sample.error.hint
    assert lines[-1] == f"More: {sample.error.docs}"
    assert sample.error.docs.partition("#")[2] in _anchors()


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_error_fits_a_hundred_columns_but_for_what_it_quotes(sample: Sample) -> None:
    prose = [
        line
        for line in _text(sample).splitlines()
        if not line.startswith("    ") and _URL not in line
    ]

    assert [line for line in prose if len(line) > 100] == []


def test_every_code_has_one_section_and_no_section_is_stale() -> None:
    codes = {kind.code.replace("::", "-").replace("_", "-") for kind in _raised_kinds()}
    anchors = _anchors()

    assert sorted(anchors) == sorted(codes)
