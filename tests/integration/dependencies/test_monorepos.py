"""Apps of monorepos: what is beside them is built, installed as a copy, and part of the key."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from dependency_bench import BIN, MARKS, PYTHON, Bench, clean_environ, make_wheel
from tool_bench import POETRY_CORE, Kitchen, provide_tool
from workshop import SERVER, Workshop, python, regular_files, write

from portside.steps.dependencies import list_distributions

pytestmark = MARKS
SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
WORKSPACE = '[tool.uv.workspace]\nmembers = ["services/*", "libs/*"]\n'
Serve = Callable[[Path], str]
HERE = "import {0}; print({0}.VALUE, {0}.__file__)"


def library(
    root: Path, name: str, needs: str = "[]", more: str = "", build: str = POETRY_CORE
) -> None:
    """Write a project in ``libs`` with a module, a program and a file that isn't a module."""
    place = root / "libs" / name
    write(
        place / "pyproject.toml",
        f'[project]\nname = "{name}"\nversion = "1.0"\nrequires-python = ">=3.9"\n'
        f'dependencies = {needs}\n[project.scripts]\n{name}-tool = "{name}:main"\n{build}{more}',
    )
    write(place / f"src/{name}/__init__.py", "VALUE = 1\ndef main(): print(VALUE)\n")


def application(root: Path, files: Mapping[str, str]) -> Path:
    app = root / "services/web"
    for path, content in {
        "Procfile": "web: python server.py\n",
        "server.py": SERVER,
        **files,
    }.items():
        write(app / path, content)
    return app


def uv(directory: Path, *arguments: str | Path, **variables: str) -> None:
    argv = [BIN / "uv", *arguments, "--quiet", "--python", PYTHON.executable]
    env = {**clean_environ(), "UV_CACHE_DIR": str(directory.parent / "uv-cache"), **variables}
    subprocess.run(argv, cwd=directory, env=env, check=True)


def installed(slug: Path) -> tuple[tuple[str, str], ...]:
    return list_distributions(slug / ".heroku/python" / PYTHON.site_packages)


def names_nothing_outside(slug: Path, *places: Path) -> bool:
    """Return whether no file of a slug leads to where it was built or to the source."""
    texts = [str(place).encode() for place in places]
    packages = slug / ".heroku/python" / PYTHON.site_packages
    return not any(
        text in path.read_bytes() for path in regular_files(packages) for text in texts
    ) and not any((packages / "common").glob("../*editable*"))


@pytest.fixture
def mono(workshop: Workshop) -> Path:
    return workshop.root / "mono"


def test_a_member_of_a_uv_workspace(workshop: Workshop, mono: Path) -> None:
    write(mono / "pyproject.toml", WORKSPACE)
    write(mono / ".python-version", "3.12\n")
    sources = "[tool.uv.sources]\ncommon = { workspace = true }\nother = { workspace = true }\n"
    app = application(
        mono,
        {
            "pyproject.toml": '[project]\nname = "web"\nversion = "1"\nrequires-python = ">=3.9"\n'
            'dependencies = ["common[more]", "six"]\n'
            f'[dependency-groups]\ndev = ["other"]\n{sources}'
        },
    )
    extra = '[project.optional-dependencies]\nmore = ["idna"]\n[tool.uv.sources]\nleaf = '
    library(mono, "common", '["leaf"]', extra + "{ workspace = true }\n")
    library(mono, "leaf")
    library(mono, "other", build=POETRY_CORE.replace("poetry.", "no.such."))
    uv(mono, "lock")
    theirs = workshop.root / "theirs"
    arguments = ("sync", "--project", "services/web", "--locked", "--no-default-groups")
    uv(mono, *arguments, UV_PROJECT_ENVIRONMENT=str(theirs))

    alone = workshop.build(app).expect(1)
    command = f"portside build {app} --source-root {mono}"
    assert command in alone.err
    slug = workshop.built(app, None, *command.split()[3:])

    assert installed(slug) == list_distributions(theirs / PYTHON.site_packages)
    assert {name for name, _ in installed(slug)} == {"common", "leaf", "idna", "six"}
    assert not (slug / "libs").exists()
    moved = slug.rename(workshop.root / "moved")
    mono.rename(workshop.root / "gone")
    assert python(moved, HERE.format("leaf")).startswith(f"1 {moved}/")
    assert names_nothing_outside(moved, mono, slug)
    (workshop.root / "gone").rename(mono)
    moved.rename(slug)

    # What only others of the workspace need, and the lock that pins it, is no input of this app's.
    write(mono / "libs/other/src/other/__init__.py", "VALUE = 2\n")
    library(mono, "other", '["tomli"]', build=POETRY_CORE.replace("poetry.", "no.such."))
    uv(mono, "lock")
    assert "Nothing changed" in workshop.build(app, slug, "--source-root", mono).err
    write(mono / "libs/leaf/src/leaf/__init__.py", "VALUE = 2\n")
    again = workshop.build(app, slug, "--source-root", mono).expect()
    assert "Installing: ../../libs/leaf changed\n" in again.err
    assert python(slug, HERE.format("leaf")).startswith("2 ")


def test_requirements_of_a_monorepo(workshop: Workshop, mono: Path) -> None:
    app = application(
        mono,
        {
            ".python-version": "3.12\n",
            "portside.toml": 'root = "../.."\nexclude = ["*.draft"]\n',
            "requirements.txt": "-r ../../requirements.txt\n--find-links ../../wheels\n"
            "-e ../../libs/common[more]\n../../libs/leaf\nvendored\n"
            "../../direct/direct-1.0-py3-none-any.whl\n",
        },
    )
    write(mono / "requirements.txt", "six==1.17.0\n")
    make_wheel(mono / "wheels", "vendored", "1.0")
    make_wheel(mono / "direct", "direct", "1.0")
    more = '[project.optional-dependencies]\nmore = ["idna==3.6"]\n[tool.uv.sources]\n'
    more += 'leaf = { path = "../leaf", editable = true }\n'
    library(mono, "common", '["leaf"]', more, SETUPTOOLS)
    library(mono, "leaf")
    write(mono / "libs/common/.venv/pyvenv.cfg", "home = /nowhere\n")
    write(mono / "libs/common/src/common.egg-info/PKG-INFO", "Name: stale\n")
    write(mono / "libs/common/build/lib/common/stale.py", "")
    write(mono / "shared/words/hello.txt", "hello")
    (app / "words").symlink_to("../../shared/words")
    (mono / "libs/common/src/common/words.py").symlink_to("../../../../shared/words.py")
    write(mono / "shared/words.py", "VALUE = 3\n")
    slug = workshop.built(app)

    theirs = Bench(workshop.root)
    wheel = next(PYTHON.root.glob("lib/python3.12/ensurepip/_bundled/pip-*.whl"))
    subprocess.run(
        [
            *(PYTHON.executable, wheel / "pip", "install", "--quiet", "--prefix", theirs.tmp / "p"),
            *("--ignore-installed", "--no-compile", "-r", "requirements.txt"),
        ],
        cwd=app,
        env=theirs.environ,
        check=True,
    )
    assert installed(slug) == list_distributions(theirs.tmp / "p" / PYTHON.site_packages)
    assert python(slug, HERE.format("common")).startswith(f"1 {slug}/")
    assert not (slug / ".heroku/python" / PYTHON.site_packages / "common/stale.py").exists()
    assert names_nothing_outside(slug, mono, slug)
    assert python(slug, HERE.format("common.words")).startswith("3 ")
    assert (slug / "words/hello.txt").read_text() == "hello"
    assert not (slug / "words").is_symlink()
    # What pip left beside the sources is no change of them.
    write(mono / "libs/common/notes.draft", "x")
    assert "Nothing changed" in workshop.build(app, slug).err
    write(mono / "requirements.txt", "six==1.16.0\n")
    write(mono / "shared/words.py", "VALUE = 4\n")
    write(mono / "shared/words/hello.txt", "hi")
    plan = workshop.portside("plan", app).expect().out
    assert "../../requirements.txt changed, ../../libs/common changed\n" in plan
    assert "the app's files changed" in plan


def test_what_is_beside_the_app_is_a_copy_where_pip_installs_it(bench: Bench) -> None:
    library(bench.tmp, "common")
    make_wheel(bench.app / "wheels", "vendored", "1.0")
    make_wheel(bench.app / "wheels", "vendored", "2.0")
    bench.write("constraints.txt", "vendored<2\n")
    bench.write(
        "requirements.txt",
        "--prefer-binary\n-f wheels\n-c constraints.txt\n-e ../libs/common\nvendored\n",
    )
    ours = bench.install()
    assert ours.outcome.installer == "pip"
    assert ours.outcome.distributions == (("common", "1.0"), ("vendored", "1.0"))
    assert (ours.prefix / PYTHON.site_packages / "common/__init__.py").is_file()


def test_what_is_beside_the_app_is_a_copy_where_a_pylock_asks_for_a_link(bench: Bench) -> None:
    library(bench.tmp, "common")
    link = '{ path = "../libs/common", editable = true }'
    lock = 'lock-version = "1.0"\ncreated-by = "hand"\n[[packages]]\nname = "common"\n'
    bench.write("pylock.toml", f"{lock}directory = {link}\n")
    ours = bench.install()
    assert ours.outcome.distributions == (("common", "1.0"),)
    assert (ours.prefix / PYTHON.site_packages / "common/__init__.py").is_file()


def test_a_path_dependency_of_poetrys_with_develop(
    workshop: Workshop, mono: Path, shared_base: Path, own_index: Path, serve: Serve
) -> None:
    index = f'[[tool.poetry.source]]\nname = "own"\nurl = "{serve(own_index)}/"\n'
    app = application(
        mono,
        {
            "pyproject.toml": '[project]\nname = "web"\nversion = "1"\n'
            'requires-python = ">=3.12,<3.13"\n'
            '[tool.poetry]\npackages = [{ include = "shop" }]\n[tool.poetry.dependencies]\n'
            f'common = {{ path = "../../libs/common", develop = true }}\n{POETRY_CORE}'
            f'{index}priority = "primary"\n'
        },
    )
    write(app / "shop/__init__.py", "VALUE = 1\n")
    library(
        mono,
        "common",
        more='[tool.poetry.dependencies]\nleaf = { path = "../leaf", develop = true }\n',
    )
    library(mono, "leaf")
    for name in ("common", "leaf"):
        text = (mono / "libs" / name / "pyproject.toml").read_text()
        write(mono / "libs" / name / "pyproject.toml", text.replace("dependencies = []\n", ""))
    bench = Bench(workshop.root)
    bench.environ |= {"POETRY_CACHE_DIR": str(workshop.root / "cache"), "POETRY_TESTS": "1"}
    (workshop.root / "app").symlink_to(app)
    kitchen = Kitchen(bench, provide_tool(shared_base / "poetry", "poetry", "poetry>=2.3,<3"), {})
    kitchen.run("lock", "--no-interaction")
    kitchen.run("install", "--only", "main", "--no-interaction")

    alone = workshop.build(app).expect(1)
    assert "'../../libs/common' is outside the app's directory" in alone.err
    slug = workshop.built(app, None, "--source-root", mono)

    assert installed(slug) == list_distributions(kitchen.theirs / PYTHON.site_packages)
    assert {name for name, _ in installed(slug)} == {"common", "leaf", "web"}
    assert python(slug, HERE.format("leaf")).startswith(f"1 {slug}/.heroku/python/")
    # The app itself is a link to its files, as ever.
    assert python(slug, HERE.format("shop")) == f"1 {slug}/shop/__init__.py"
    assert names_nothing_outside(slug, mono)


def test_an_app_that_is_built_from_what_is_beside_it(workshop: Workshop, mono: Path) -> None:
    write(mono / "shared/part.py", "VALUE = 1\n")
    app = application(
        mono,
        {
            ".python-version": "3.12\n",
            "shop/__init__.py": "",
            "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n'
            '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
            '[tool.hatch.build.targets.wheel.force-include]\n"../../shared/part.py" = "part.py"\n',
        },
    )
    slug = workshop.built(app, None, "--source-root", mono)
    assert installed(slug) == (("shop", "1"),)
    assert python(slug, HERE.format("part")) == (
        f"1 {slug}/.heroku/python/{PYTHON.site_packages}/part.py"
    )
    write(mono / "shared/part.py", "VALUE = 2\n")
    plan = workshop.portside("plan", app, "--source-root", mono).expect().out
    assert "../../shared/part.py changed\n" in plan


def needing(path: str) -> dict[str, str]:
    return {".python-version": "3.12\n", "requirements.txt": f"six\n-e {path}\n"}


@pytest.mark.parametrize(
    ("path", "options", "code", "words"),
    [
        (
            "../../libs/common",
            (),
            "source-root-needed",
            ("line 2 of requirements.txt", "portside build mono/services/web --source-root mono\n"),
        ),
        ("../../libs/comon", ("--root", "mono"), "source-root-nothing-there", ("libs/comon",)),
        ("../../../x", ("--source-root", "mono"), "source-root-outside", ("/mono\n",)),
        ("../../libs/common", ("--source-root", "nowhere"), "source-root-invalid", ("exist",)),
        ("../../libs/common", ("--source-root", "mono/libs"), "source-root-invalid", ("in it",)),
        (
            "../../libs/common",
            ("--source-root", "mono/services/web/server.py"),
            "source-root-invalid",
            ("isn't a directory",),
        ),
        ("../../libs/linked", ("--source-root", "mono"), "app-link-outside", ("linked/away",)),
        ("../../libs/away", ("--source-root", "mono"), "app-link-outside", ("'../../libs/away'",)),
    ],
)
def test_what_is_not_in_the_root(
    workshop: Workshop,
    mono: Path,
    path: str,
    options: tuple[str, ...],
    code: str,
    words: tuple[str, ...],
) -> None:
    application(mono, needing(path))
    library(mono, "common")
    library(mono, "linked")
    write(workshop.root / "secret", "")
    (mono / "libs/linked/away").symlink_to("../../../secret")
    (mono / "libs/away").symlink_to(workshop.root / "elsewhere")
    (workshop.root / "elsewhere").mkdir()
    answer = workshop.portside("build", "mono/services/web", *options).expect(1)
    assert f"docs/errors.md#{code}\n" in answer.err
    assert all(text in answer.err for text in words), answer.err


def test_every_command_that_looks_at_an_app_takes_the_root(workshop: Workshop, mono: Path) -> None:
    write(mono / "pyproject.toml", WORKSPACE)
    write(mono / "uv.lock", 'version = 1\nrequires-python = ">=3.12"\n')
    project = '[project]\nname = "web"\nversion = "1"\nrequires-python = ">=3.12,<3.13"\n'
    app = application(mono, {"pyproject.toml": project})
    found = "a member of the workspace in '../..'"

    alone = workshop.portside("detect", "mono/services/web").expect().out
    assert found not in alone
    command = "portside build mono/services/web --source-root mono\n"
    assert command in alone
    write(app / "requirements.txt", "")
    assert command not in workshop.portside("detect", "mono/services/web").expect().out
    (app / "requirements.txt").unlink()
    for option in ("--source-root", "--root"):
        assert found in workshop.portside("detect", app, option, mono).expect().out
    by_variable = workshop.setting(PORTSIDE_ROOT="mono")
    assert found in by_variable.portside("detect", app).expect().out
    plan = by_variable.portside("plan", app).expect().out
    assert "dependencies with uv" in plan
    checked = workshop.portside("check", app, "--root", "nowhere").expect(1)
    assert "source-root-invalid" in checked.err

    write(app / "pyproject.toml", f'{project}[tool.portside]\nroot = "../.."\n')
    assert found in workshop.portside("detect", app).expect().out
    shown = workshop.portside("config", app, "--show-origin").expect().out
    assert 'root = "../.."  # pyproject.toml (tool.portside.root)\n' in shown
    slug = workshop.built(workshop.app())
    late = workshop.portside("run", slug, "--source-root", mono).expect(1)
    assert "is a slug, which is built already" in late.err
