"""What apps do in a classic build: hooks, later buildpacks, editables, frameworks, tests."""

import hashlib
import http.server
import io
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from classic import APP, PIPFILE, PYTHON, SIX, Platform, needs_python
from command_line import BIN
from package_index import serving

from sample_projects import EDITABLE_LAYOUTS, MANAGE
from wheels import make_wheel

pytestmark = [pytest.mark.network, pytest.mark.xdist_group("app-directory")]

HOME = APP / PYTHON
WHERE = "python -c 'import harbour; print(harbour.__file__)'"
SETTINGS = """
    import os
    SECRET_KEY = "x"
    INSTALLED_APPS = ["django.contrib.staticfiles", "pages"]
    STATIC_URL = "static/"
    STATIC_ROOT = "collected"
    print("PYTHONPATH is", os.environ.get("PYTHONPATH"))
"""
MANIFEST = """\
    STORAGES = {
        "staticfiles": {
            "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
        }
    }
"""
DJANGO = {
    "requirements.txt": "django>=5.2,<5.3\n",
    "manage.py": MANAGE,
    "site_settings.py": SETTINGS,
    "pages/__init__.py": "",
    "pages/static/page.css": "body {}\n",
}


# --- Hooks and later buildpacks ---------------------------------------------------------------

SHOW = """#!/bin/sh
echo "arguments: $#|$1|$2|$3"
echo "here: $PWD"
echo "path: $PATH"
echo "directories: $BUILD_DIR|$CACHE_DIR|$ENV_DIR"
echo "python: ${PYTHONHOME-unset} ${PYTHONPATH-unset}"
echo "values: $C_INCLUDE_PATH $LIBRARY_PATH $PKG_CONFIG_PATH $LANG $PYTHONUNBUFFERED"
printf '%s' "$TEXT" >text.out
printf '%s' "${LD_PRELOAD-unset} ${CPATH-unset}" >forbidden.out
"""


def test_hooks_have_the_environment_of_the_contract(platform: Platform) -> None:
    text = "one 'two' \"three\"\n$HOME `id` \\ é\n\n"
    poisoned = platform.setting(PYTHONHOME="/nowhere", PYTHONPATH="/nowhere", LIBRARY_PATH="")
    app = poisoned.app({"bin/pre_compile": SHOW, "bin/post_compile": SHOW + "pip --version\n"})
    app.config(
        TEXT=text,
        BUILD_DIR="/bad",
        PATH="/bad",
        PYTHONHOME="/bad",
        LD_PRELOAD="/bad.so",
        CPATH="/bad",
    )
    done = app.compile()
    assert (app.build / "text.out").read_text() == text
    assert (app.build / "forbidden.out").read_text() == "unset unset"
    said = [line.strip() for line in done.text.splitlines()]
    for line in (
        f"arguments: 3|{app.build}|{app.cache}|{app.env_dir}",
        f"directories: {app.build}|{app.cache}|{app.env_dir}",
        f"here: {app.build}",
        f"path: {HOME}/bin:{app.environ['PATH']}",
        "python: unset unset",
        f"values: {HOME}/include {HOME}/lib {HOME}/lib/pkg-config en_US.UTF-8 1",
    ):
        assert said.count(line) == 2, done.text
    assert f"from {app.build}/{PYTHON}/lib/python3.12/site-packages/pip" in done.text
    assert (done.report["pre_compile_hook"], done.report["post_compile_hook"]) == (True, True)
    assert {"pre_compile_hook_duration", "post_compile_hook_duration"} <= set(done.report)


def test_what_pre_compile_writes_is_what_is_built(platform: Platform) -> None:
    hook = "#!/bin/sh\necho six==1.16.0 >requirements.txt\necho 3.12 >.python-version\n"
    app = platform.app({"bin/pre_compile": hook, ".python-version": "nonsense\n"})
    (app.build / "requirements.txt").unlink()
    app.compile()
    assert app.later_buildpack("python -c 'import six; print(six.__version__)'") == "1.16.0"


def test_what_pre_compile_does_to_the_cache_counts(own_cache: Platform) -> None:
    files = {"bin/pre_compile": '#!/bin/sh\nrm -r "$CACHE_DIR"/portside/apps\n'}
    assert own_cache.app(files).compile().report["cache_status"] == "empty"


def test_a_hook_that_names_no_interpreter_is_run_by_bash(platform: Platform) -> None:
    hook = 'words=(one two)\n[[ ${#words[@]} = 2 ]] && echo "bash: $1 ${words[1]}"\n'
    app = platform.app({"bin/post_compile": hook})
    assert f"       bash: {app.build} two\n" in app.compile().text


@pytest.mark.parametrize("hook", ["pre_compile", "post_compile"])
def test_a_hook_that_fails_fails_the_build(platform: Platform, hook: str) -> None:
    done = platform.app({f"bin/{hook}": "#!/bin/sh\necho sinking >&2\nexit 7\n"}).run().expect(1)
    assert done.report["failure_reason"] == f"hooks::{hook}"
    assert done.report["failure_detail"] == "7"
    assert "       sinking\n" in done.text
    assert f" !     Error: The app's hook bin/{hook} failed with exit status 7." in done.text


@pytest.mark.parametrize("what", ['"$2"', '"$2"/portside/*', '"$2"/portside/tools'])
@pytest.mark.parametrize("hook", ["pre_compile", "post_compile"])
def test_a_hook_that_deletes_the_cache_fails_the_build(
    own_cache: Platform, hook: str, what: str
) -> None:
    app = own_cache.app({f"bin/{hook}": f"#!/bin/sh\nrm -rf {what}\n"})
    done = app.run().expect(1)
    assert done.report["failure_reason"] == "build-data::data-file-deleted"
    assert f"or what the build needs of it, is gone after bin/{hook} ran." in done.text


def test_a_later_buildpack_has_the_app_and_its_python(platform: Platform) -> None:
    app = platform.app({"local.py": "X = 1\n"})
    app.compile()
    told = app.later_buildpack(
        "python -c 'import six, sys; print(six.__version__, sys.prefix)'\n"
        'echo "$PYTHONHOME $PYTHONPATH $PYTHONUNBUFFERED $LANG $PIP_DISABLE_PIP_VERSION_CHECK"\n'
        'echo "$PATH $LD_LIBRARY_PATH"\n'
        "pip list --format=freeze | grep six"
    )
    assert told.splitlines() == [
        f"1.16.0 {HOME}",
        f"{HOME} /app true en_US.UTF-8 1",
        f"{HOME}/bin:/usr/local/bin:/usr/bin:/bin {HOME}/lib",
        "six==1.16.0",
    ]
    second = app.setting(PYTHONHOME=str(HOME)).run().expect(1)
    assert second.report["failure_reason"] == "checks::duplicate-python-buildpack"


# --- Editable installs ------------------------------------------------------------------------


@pytest.mark.parametrize("project", EDITABLE_LAYOUTS.values(), ids=EDITABLE_LAYOUTS.keys())
def test_an_editable_install_resolves_everywhere(platform: Platform, project: str) -> None:
    files = {
        "requirements.txt": "-e .\n",
        "pyproject.toml": project,
        "src/harbour/__init__.py": "",
        "bin/post_compile": f"#!/bin/sh\n{WHERE}\n",
    }
    for name, status in (("first", "discarded"), ("second", "reused")):
        app = platform.app(files, name=name)
        done = app.compile()
        assert done.report["cache_status"] == status
        place = f"{app.build}/src/harbour/__init__.py"
        assert f"       {place}\n" in done.text
        assert app.later_buildpack(WHERE) == place
        app.boot()
        assert app.process(WHERE) == "/app/src/harbour/__init__.py"


def test_an_editable_repository_is_checked_out_below_python(platform: Platform) -> None:
    repository = platform.root / "repository"
    platform.write(repository / "pyproject.toml", EDITABLE_LAYOUTS["path file"])
    platform.write(repository / "src/harbour/__init__.py", "")
    git = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-C", str(repository))
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "One")):
        subprocess.run([*git, *arguments], check=True)
    files = {"requirements.txt": f"-e git+file://{repository}#egg=harbour\n"}
    for name, status in (("first", "discarded"), ("second", "reused")):
        app = platform.app(files, name=name)
        assert app.compile().report["cache_status"] == status
        checked_out = f"{PYTHON}/src/harbour/src/harbour/__init__.py"
        assert Path(app.later_buildpack(WHERE)).samefile(app.build / checked_out)
        app.boot()
        assert app.process(WHERE) == f"/app/{checked_out}"


# --- Package managers -------------------------------------------------------------------------


def test_pip_and_setuptools_are_there_unless_the_app_has_its_own(platform: Platform) -> None:
    show = "python -c 'import pip, setuptools; print(pip.__version__, setuptools.__version__)'"
    app = platform.app()
    given = app.compile().report["pip_version"]
    pip_version, setuptools_version = app.later_buildpack(show).split()
    assert pip_version == given
    assert int(setuptools_version.partition(".")[0]) < 81
    pinned = platform.app({"requirements.txt": "pip==24.0\nsetuptools==70.0.0\n"}, name="pinned")
    pinned.compile()
    assert pinned.later_buildpack(show) == "24.0 70.0.0"
    assert pinned.later_buildpack("pip --version").startswith("pip 24.0 ")
    pinned.boot()
    assert pinned.process(show) == "24.0 70.0.0"
    site = HOME / "lib/python3.12/site-packages"
    infos = sorted(path.name for path in site.glob("*.dist-info"))
    assert infos == ["pip-24.0.dist-info", "setuptools-70.0.0.dist-info"]


@needs_python("3.13")
def test_from_3_13_on_there_is_pip_but_no_setuptools(platform: Platform) -> None:
    app = platform.app({".python-version": "3.13\n"})
    app.compile()
    app.boot()
    find = "from importlib.util import find_spec as f; print(bool(f('pip')), f('setuptools'))"
    assert app.process(f'python -c "{find}"') == "True None"


def test_pipenv_is_at_hand_and_works(platform: Platform) -> None:
    hook = "#!/bin/sh\npipenv --version\necho $PATH\necho $PIPENV_SYSTEM $VIRTUAL_ENV\n"
    app = platform.app({"Pipfile": PIPFILE, "bin/post_compile": hook})
    (app.build / "requirements.txt").unlink()
    done = app.compile()
    version = f"pipenv, version {done.report['pipenv_version']}"
    assert f"       {version}\n" in done.text
    assert f"       {HOME}/pipenv/bin:{HOME}/bin:" in done.text
    assert f"       1 {HOME}\n" in done.text
    assert app.later_buildpack("pipenv --version; echo $PATH").splitlines() == [
        version,
        f"{HOME}/bin:{HOME}/pipenv/bin:/usr/local/bin:/usr/bin:/bin",
    ]
    app.boot()
    assert app.process("pipenv --version") == version
    assert "six==1.16.0" in app.process("pipenv graph")
    # What Pipenv itself needs isn't what the app imports.
    find = "from importlib.util import find_spec as f; print(f('pipenv'), f('virtualenv'))"
    assert app.process(f'python -c "{find}"') == "None None"


TOOL_HOOK = """#!/bin/sh
command -v {tool}
echo "first: ${{PATH%%:*}}"
env | grep -E '^(POETRY|UV)_' | sort
{tool} --version
python -c 'import six; print(six.__version__)'
"""


TOOL_VARIABLES = {
    "uv": [
        "UV_NO_MANAGED_PYTHON=1",
        f"UV_PROJECT_ENVIRONMENT={HOME}",
        "UV_PYTHON_DOWNLOADS=never",
    ],
    "poetry": ["POETRY_VIRTUALENVS_CREATE=false", "POETRY_VIRTUALENVS_USE_POETRY_PYTHON=true"],
}


def lock_of(app: Path, tool: str) -> None:
    """Make the lock of a project with the real tool, as the index has it now."""
    # By whatever runs the tests: the app's own series may be none that uv finds here.
    uv = [BIN / "uv", "lock", "--quiet", "--python", sys.executable]
    poetry = [BIN / "uvx", "--quiet", "poetry", "lock", "--quiet"]
    subprocess.run(uv if tool == "uv" else poetry, cwd=app, check=True)


@pytest.mark.parametrize("tool", ["uv", "poetry"])
def test_tools_for_the_build_are_at_hand_for_it_and_not_in_the_slug(
    platform: Platform, tool: str
) -> None:
    project = (
        '[project]\nname = "quay"\nversion = "1"\nrequires-python = ">=3.10,<4"\n'
        'dependencies = ["six==1.17.0"]\n[tool.poetry]\npackage-mode = false\n'
        '[[tool.poetry.source]]\nname = "simple"\nurl = "https://pypi.org/simple/"\n'
    )
    hook = TOOL_HOOK.format(tool=tool)
    app = platform.app({"pyproject.toml": project, "bin/post_compile": hook})
    (app.build / "requirements.txt").unlink()
    lock_of(app.build, tool)
    done = app.compile()
    assert done.report["package_manager"] == tool
    version = done.report[f"{tool}_version"]
    assert str(platform.cache) in done.text
    assert f"       {'uv ' if tool == 'uv' else 'Poetry (version '}{version}" in done.text
    assert "       1.17.0\n" in done.text
    # In hooks the tool stands before Python, for later buildpacks after it.
    first = re.search(r"first: (.*)", done.text)
    assert first is not None
    assert first[1].startswith(str(app.cache))
    assert first[1].endswith(f"/{tool}/bin")
    variables = TOOL_VARIABLES[tool]
    assert variables == [
        line.strip() for line in done.text.splitlines() if re.match(r" {7}(POETRY|UV)_", line)
    ]
    later = app.later_buildpack("env | grep -E '^(POETRY|UV)_' | sort; echo $PATH").splitlines()
    assert later == [*variables, f"{HOME}/bin:{first[1]}:/usr/local/bin:/usr/bin:/bin"]
    told = app.later_buildpack(f"{tool} --version; python -c 'import six; print(six.__name__)'")
    assert str(version) in told
    assert "six" in told
    app.boot()
    assert app.process("python -c 'import six; print(six.__version__)'") == "1.17.0"
    assert app.process(f"command -v {tool} || echo none") == "none"
    assert not (app.build / f".heroku/python/{tool}").exists()


# --- Django -----------------------------------------------------------------------------------


def test_static_files_are_collected_unless_that_is_disabled(platform: Platform) -> None:
    app = platform.app(DJANGO).config(
        DEBUG_COLLECTSTATIC="1", API_TOKEN="s3cret-value", PLAIN="seen", DATABASE="pg://me:pw@host/"
    )
    done = app.compile()
    assert done.report["django_collectstatic"] == "enabled"
    assert "django_collectstatic_duration" in done.report
    assert (app.build / "collected/page.css").is_file()
    for line in ("PYTHONPATH is .", "PLAIN=seen", "API_TOKEN=****", "DATABASE=pg://****@host/"):
        assert f"       {line}\n" in done.text
    assert "s3cret" not in done.text
    app.config(PYTHONPATH="elsewhere:.", DEBUG_COLLECTSTATIC="0")
    again = platform.app(DJANGO, name="again").compile()
    assert "       PYTHONPATH is elsewhere:.\n" in again.text
    assert "PLAIN=seen" not in again.text
    by_file = platform.app({**DJANGO, ".heroku/collectstatic_disabled": ""}, name="by file")
    assert by_file.compile().report["django_collectstatic"] == "disabled-file"
    app.config(DISABLE_COLLECTSTATIC="1")
    by_variable = platform.app(DJANGO, name="by variable")
    assert by_variable.compile().report["django_collectstatic"] == "disabled-env-var"
    assert not (by_variable.build / "collected").exists()
    assert by_variable.call("release", by_variable.build).stdout == "---\n"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"site_settings.py": "SECRET_KEY = (\n"}, "collectstatic-syntax-error"),
        (
            {"site_settings.py": SETTINGS.replace('"x"', "os.environ['KEY']")},
            "collectstatic-improper-configuration",
        ),
        (
            {
                "site_settings.py": SETTINGS + MANIFEST,
                "pages/static/page.css": "@import 'gone.css';\n",
            },
            "collectstatic-fancy-references",
        ),
        ({"site_settings.py": f"{SETTINGS}    open('gone')\n"}, "collectstatic-missing-file"),
        ({"site_settings.py": f"{SETTINGS}    raise SystemError\n"}, "collectstatic-other"),
        ({"manage.py": None}, "skipped-no-manage-py"),
        ({"site_settings.py": SETTINGS.replace('"django.contrib.staticfiles", ', "")}, "enabled"),
    ],
    ids=[
        *("syntax error", "no such variable", "reference", "missing file", "other"),
        *("no manage.py", "no staticfiles"),
    ],
)
def test_other_django_apps(platform: Platform, changes: dict[str, str | None], reason: str) -> None:
    files = {name: text for name, text in {**DJANGO, **changes}.items() if text is not None}
    done = platform.app(files).run()
    is_failure = reason.startswith("collectstatic-")
    assert done.code == int(is_failure)
    key = "failure_reason" if is_failure else "django_collectstatic"
    assert done.report[key] == reason, done.text


# --- NLTK -------------------------------------------------------------------------------------


@pytest.fixture
def corpora(tmp_path: Path) -> Iterator[str]:
    """The URL of an index with one tiny corpus."""
    served = tmp_path / "served"
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("harbours/names.txt", "Hamburg\n")
    (served / "corpora").mkdir(parents=True)
    (served / "corpora/harbours.zip").write_bytes(data.getvalue())
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(served))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    url = f"http://127.0.0.1:{server.server_port}"
    (served / "index.xml").write_text(index_of(url, data.getvalue()))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"{url}/index.xml"
    server.shutdown()
    thread.join()
    server.server_close()


def index_of(url: str, data: bytes) -> str:
    return f"""<?xml version="1.0"?><nltk_data><packages>
      <package id="harbours" name="Harbours" subdir="corpora" unzip="1" size="{len(data)}"
        unzipped_size="8" checksum="{hashlib.md5(data, usedforsecurity=False).hexdigest()}"
        sha256_checksum="{hashlib.sha256(data).hexdigest()}" url="{url}/corpora/harbours.zip"/>
    </packages><collections/></nltk_data>"""


def test_corpora_are_downloaded_and_found_at_run_time(platform: Platform, corpora: str) -> None:
    platform.config(NLTK_DATA_INDEX_URL=corpora)
    # Later ones refuse an index on this machine.
    needs = {"requirements.txt": "nltk==3.9.1\n"}
    none = platform.app(needs, name="none").compile()
    assert none.report["nltk_downloader"] == "skipped-no-nltk-file"
    assert "there is no nltk.txt" in none.text
    wrong = platform.app({**needs, "nltk.txt": "harbours\nno-such\n"}, name="wrong").run()
    assert wrong.code == 1
    assert wrong.report["failure_reason"] == "nltk-downloader"
    app = platform.app({**needs, "nltk.txt": "harbours\n"})
    assert app.compile().report["nltk_downloader"] == "enabled"
    app.boot()
    code = "import nltk; print(nltk.data.find('corpora/harbours/names.txt'))"
    assert app.process(f'python -c "{code}"') == f"{HOME}/nltk_data/corpora/harbours/names.txt"


# --- Tests of the app -------------------------------------------------------------------------

PROBE = """
    import os, unittest
    class Case(unittest.TestCase):
        def test_one(self):
            import iniconfig, six
            self.assertEqual(os.environ["FROM_ENV"], "two\\nlines\\n")
"""


def test_pip_apps_get_what_their_tests_need(platform: Platform) -> None:
    hook = '#!/bin/sh\necho "$LC_ALL $INSTALL_TEST $DISABLE_COLLECTSTATIC"\n'
    files = {
        "requirements.txt": "six\n",
        "requirements-test.txt": f"iniconfig\n{SIX}",
        "test_probe.py": PROBE,
        "bin/post_compile": hook,
    }
    app = platform.app(files).config(FROM_ENV="two\nlines\n")
    done = app.run("test-compile").expect()
    assert done.report["django_collectstatic"] == "disabled-env-var"
    assert "       C.UTF-8 1 1\n" in done.text
    # Both files were resolved together: one asks for any six, the other for this one.
    assert app.later_buildpack("python -c 'import six; print(six.__version__)'") == "1.16.0"
    ran = app.call("test", app.build, app.env_dir)
    assert (ran.returncode, "Ran 1 test" in ran.stdout) == (0, True), ran.stdout
    app.config(FROM_ENV="other")
    assert app.call("test", app.build, app.env_dir).returncode == 1
    without = platform.app(files, name="without").compile()
    assert "- dependencies of the tests is gone" in without.text
    assert "iniconfig" not in without.text


def test_pipenv_apps_get_their_packages_for_development(platform: Platform) -> None:
    app = platform.app({"Pipfile": PIPFILE, "test_probe.py": PROBE}).config(FROM_ENV="two\nlines\n")
    (app.build / "requirements.txt").unlink()
    app.run("test-compile").expect()
    ran = app.call("test", app.build, app.env_dir)
    assert (ran.returncode, "Ran 1 test" in ran.stdout) == (0, True), ran.stdout


GROUPS = """
    [project]
    name = "quay"
    version = "1"
    requires-python = ">=3.10,<4"
    dependencies = ["six==1.16.0"]
    [dependency-groups]
    dev = ["iniconfig==2.0.0"]
    [tool.poetry]
    package-mode = false
    [tool.poetry.group.dev.dependencies]
    iniconfig = "2.0.0"
    [[tool.poetry.source]]
    name = "simple"
    url = "https://pypi.org/simple/"
"""


@pytest.mark.parametrize("tool", ["uv", "poetry"])
def test_apps_with_a_lock_get_their_default_groups_for_tests(platform: Platform, tool: str) -> None:
    files = {"pyproject.toml": GROUPS, "test_probe.py": PROBE}
    if tool == "poetry":
        files["pyproject.toml"] = re.sub(r"\[dependency-groups\]\n.*\n", "", GROUPS)
    app = platform.app(files).config(FROM_ENV="two\nlines\n")
    (app.build / "requirements.txt").unlink()
    lock_of(app.build, tool)
    without = platform.app(files, name="without")
    (without.build / "requirements.txt").unlink()
    (without.build / f"{tool}.lock").write_bytes((app.build / f"{tool}.lock").read_bytes())
    app.run("test-compile").expect()
    ran = app.call("test", app.build, app.env_dir)
    assert (ran.returncode, "Ran 1 test" in ran.stdout) == (0, True), ran.stdout
    without.compile()
    probe = "python -c 'import importlib.util as u; print(u.find_spec(\"iniconfig\"))'"
    assert without.later_buildpack(probe) == "None"


def test_an_extra_index_in_the_config_vars_is_asked(platform: Platform, tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels", "harbour", "1.0", code="DEPTH = 7\n")
    with serving() as index:
        index.add(tmp_path / "wheels")
        app = platform.app({"requirements.txt": f"harbour\n{SIX}"})
        app.config(PIP_EXTRA_INDEX_URL=index.url).compile()
    assert app.later_buildpack("python -c 'import harbour; print(harbour.DEPTH)'") == "7"
