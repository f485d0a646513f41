"""What is installed for a project is what uv and pip install for it."""

import hashlib
import subprocess
from pathlib import Path

import pytest
from dependency_bench import BIN, MARKS, PYTHON, Bench, files, make_project, make_wheel

from portside.detection.settings import read_settings
from portside.effects.app_source import DirectorySource
from portside.model.errors import BuildError
from portside.model.errors.locks import (
    LockOutdatedError,
    LockTooNewError,
    RequiredToolVersionError,
)
from portside.model.errors.settings import GroupUnknownError
from portside.model.settings import Given
from portside.steps.dependencies import list_distributions

pytestmark = MARKS
HATCH = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
# What a virtual environment has for itself.
OWN = ("activate", "deactivate", "python", "pydoc.bat")


def project(bench: Bench, more: str = "", dependencies: str = '["six==1.17.0"]') -> None:
    text = '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.12"\n'
    bench.write("pyproject.toml", f"{text}dependencies = {dependencies}\n{more}")


def uv(bench: Bench, *arguments: str | Path, **variables: str) -> None:
    argv = [BIN / "uv", *arguments, "--python", PYTHON.executable, "--quiet"]
    cache = {"UV_CACHE_DIR": str(bench.tmp / "uv-cache")}
    env = {**bench.environ, **cache, **variables}
    subprocess.run(argv, cwd=bench.app, env=env, check=True)


def same_as_uv(bench: Bench) -> set[str]:
    """Lock, compare with `uv sync`, and return the names of what is installed."""
    uv(bench, "lock")
    ours = bench.install()
    theirs = bench.tmp / "theirs"
    arguments = ("sync", "--locked", "--no-default-groups", "--link-mode", "copy")
    uv(bench, *arguments, UV_PROJECT_ENVIRONMENT=str(theirs))
    wanted = {name for name in files(theirs) if is_installed(name)}
    assert ours.outcome.installer == "uv"
    assert ours.outcome.distributions == list_distributions(theirs / PYTHON.site_packages)
    assert files(ours.prefix) == wanted
    return {name for name, _ in ours.outcome.distributions}


def is_installed(name: str) -> bool:
    top, _, rest = name.partition("/")
    own = (top == "bin" and rest.startswith(OWN)) or "_virtualenv" in name or "lib64" in name
    return "/" in name and not own and not name.endswith(("uv_cache.json", "uv_build.json"))


def test_a_project_that_is_no_package(bench: Bench) -> None:
    project(bench, '[dependency-groups]\ndev = ["idna==3.6"]\n', '["flask==3.1.1", "six==1.17.0"]')
    assert {"Flask", "six"} <= same_as_uv(bench)
    assert (bench.tmp / "ours/bin/flask").is_file()


def test_a_package_with_a_program_and_local_parts(bench: Bench) -> None:
    make_project(bench.app / "parts/cart", "cart", '["idna==3.6"]')
    wheel = make_wheel(bench.app / "wheels", "vendored", "1.0")
    more = (
        f'[project.scripts]\nshop = "shop:main"\n{HATCH}'
        '[tool.uv.workspace]\nmembers = ["parts/*"]\n'
        "[tool.uv.sources]\ncart = { workspace = true }\n"
        f'vendored = {{ path = "wheels/{wheel.name}" }}\n'
    )
    project(bench, more, '["cart", "vendored", "six==1.17.0"]')
    bench.write("src/shop/__init__.py", "def main(): print('open')\n")
    assert same_as_uv(bench) == {"shop", "cart", "vendored", "six", "idna"}
    inputs = bench.inputs()
    assert {"pyproject.toml", "uv.lock", ".", "parts/cart", f"wheels/{wheel.name}"} <= set(inputs)


def test_a_project_that_cannot_be_built_is_left_out_unless_it_has_programs(bench: Bench) -> None:
    project(bench, HATCH)
    uv(bench, "lock")
    ours = bench.install()
    assert [name for name, _ in ours.outcome.distributions] == ["six"]
    assert any("left out" in detail for detail in ours.details)
    project(bench, f'[project.scripts]\nshop = "shop:main"\n{HATCH}')
    with pytest.raises(BuildError, match="own project"):
        bench.install()


def test_code_does_not_count_where_the_backend_only_links_to_it(bench: Bench) -> None:
    project(bench, HATCH)
    bench.write("src/shop/__init__.py", "")
    uv(bench, "lock")
    before = bench.inputs()
    bench.write("src/shop/__init__.py", "X = 1\n")
    assert bench.inputs() == before
    bench.write("src/market/__init__.py", "")
    assert bench.inputs() != before
    project(bench, 'dynamic = ["readme"]\n' + HATCH)
    before = bench.inputs()
    bench.write("src/shop/__init__.py", "X = 2\n")
    assert bench.inputs() != before


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (LockOutdatedError, "uv lock"),
        (LockTooNewError, "format is 99,"),
        (RequiredToolVersionError, ">=99"),
    ],
)
def test_a_lock_that_does_not_fit(bench: Bench, error: type[BuildError], words: str) -> None:
    project(bench)
    uv(bench, "lock")
    lock = bench.app / "uv.lock"
    if error is LockOutdatedError:
        project(bench, dependencies='["six==1.17.0", "idna"]')
    elif error is LockTooNewError:
        lock.write_text(lock.read_text().replace("version = 1\n", "version = 99\n", 1))
    else:
        project(bench, '[tool.uv]\nrequired-version = ">=99"\n')
    with pytest.raises(error) as caught:
        bench.install()
    assert words in f"{caught.value.detail}{caught.value.hint}"


def test_a_pylock(bench: Bench) -> None:
    project(bench, dependencies='["flask==3.1.1"]')
    uv(bench, "lock")
    uv(bench, "export", "--format", "pylock.toml", "-o", bench.app / "pylock.toml")
    (bench.app / "uv.lock").unlink()
    ours = bench.install()
    uv(bench, "pip", "install", "-r", "pylock.toml", "--prefix", bench.tmp / "theirs")
    assert ours.outcome.distributions == list_distributions(
        bench.tmp / "theirs" / PYTHON.site_packages
    )
    assert "Flask" in {name for name, _ in ours.outcome.distributions}


@pytest.mark.parametrize("backend", ["", HATCH])
def test_a_pyproject_alone(bench: Bench, backend: str) -> None:
    project(bench, backend, '["flask==3.1.1", "six==1.17.0"]')
    bench.write("shop/__init__.py", "")
    ours = bench.install()
    names = {name for name, _ in ours.outcome.distributions}
    assert {"Flask", "six", "Werkzeug"} <= names
    assert ("shop" in names) is bool(backend)


def test_a_setup_py_alone(bench: Bench) -> None:
    setup = "from setuptools import setup\nsetup(name='shop', version='1', py_modules=['shop'],\n"
    bench.write(
        "setup.py",
        setup + "install_requires=['six==1.17.0'],\n"
        "entry_points={'console_scripts': ['shop=shop:main']})\n",
    )
    bench.write("shop.py", "def main(): pass\n")
    ours = bench.install()
    assert ours.outcome.distributions == (("shop", "1"), ("six", "1.17.0"))
    assert (ours.prefix / "bin/shop").is_file()


def test_a_script_and_an_app_that_needs_nothing(bench: Bench) -> None:
    script = '# /// script\n# dependencies = ["six==1.17.0"]\n# ///\nimport six\n'
    bench.write("main.py", script)
    assert bench.install().outcome.distributions == (("six", "1.17.0"),)
    before = bench.inputs()
    bench.write("main.py", script + "print(1)\n")
    assert bench.inputs() == before
    bench.write("main.py", script.replace("six==", "idna>="))
    assert bench.inputs() != before
    bench.write("main.py", "import json\n")
    (bench.tmp / "ours").rename(bench.tmp / "before")
    assert bench.install().outcome.distributions == ()


def test_the_settings_of_a_uv_toml_count(bench: Bench) -> None:
    project(bench)
    uv(bench, "lock")
    before = bench.inputs()
    bench.write("uv.toml", 'required-version = "<0.1"\n')
    assert bench.inputs() != before
    with pytest.raises(RequiredToolVersionError):
        bench.install()


def test_the_files_that_a_setup_cfg_names_count(bench: Bench) -> None:
    bench.write("setup.cfg", "[options]\ninstall_requires = file: reqs/base.txt\n")
    bench.write("reqs/base.txt", "six==1.17.0\n")
    before = bench.inputs()
    assert bench.install().outcome.distributions == (("six", "1.17.0"),)
    bench.write("reqs/base.txt", "idna==3.6\n")
    assert bench.inputs() != before


CHOICES = "constraint-dependencies = ['idna<3.7']\nno-binary-package = ['six']\n"


def test_a_project_without_a_lock_that_says_what_only_uv_reads(bench: Bench) -> None:
    bench.write("shop.py", "def main(): print('open')\n")
    backend = HATCH + '[tool.hatch.build]\ninclude = ["shop.py"]\n'
    groups = '[dependency-groups]\ndev = ["packaging==24.0"]\ntools = ["toml==0.10.2"]\n'
    more = f'[project.scripts]\nshop = "shop:main"\n{groups}[tool.uv]\n{CHOICES}'
    project(bench, more + backend, '["idna", "six==1.17.0"]')
    bench.groups = ("tools",)
    ours = bench.install()
    assert not (bench.app / "uv.lock").exists()
    theirs = bench.tmp / "theirs"
    arguments = ("sync", "--no-default-groups", "--group", "tools", "--link-mode", "copy")
    uv(bench, *arguments, UV_PROJECT_ENVIRONMENT=str(theirs))
    (bench.app / "uv.lock").unlink()
    assert dict(ours.outcome.distributions)["idna"] < "3.7"
    assert ours.outcome.distributions == list_distributions(theirs / PYTHON.site_packages)
    assert files(ours.prefix) == {name for name in files(theirs) if is_installed(name)}

    before = bench.inputs()
    bench.write("uv.toml", "exclude-newer = '2024-01-01T00:00:00Z'\n")
    assert bench.inputs() != before
    (bench.tmp / "ours").rename(bench.tmp / "before")
    project(bench, more + backend, '["idna", "six==99"]')
    with pytest.raises(BuildError) as caught:
        bench.install()
    assert "six" in f"{caught.value.summary}{caught.value.detail}"
    assert not (bench.app / "uv.lock").exists()


def test_a_lock_beside_a_project_that_the_settings_chose_stays_and_counts(bench: Bench) -> None:
    project(bench, f"[tool.uv]\n{CHOICES}", '["idna"]')
    chosen = Given({}, {"package-manager": "pyproject.toml"})
    bench.settings = read_settings(DirectorySource(bench.app), chosen)
    before = bench.inputs()
    uv(bench, "lock")
    assert bench.inputs() != before
    text = (bench.app / "uv.lock").read_bytes()
    assert [name for name, _ in bench.install().outcome.distributions] == ["idna"]
    assert (bench.app / "uv.lock").read_bytes() == text


def test_a_script_without_a_lock_that_says_what_only_uv_reads(bench: Bench) -> None:
    table = "".join(f"# {line}\n" for line in f"[tool.uv]\n{CHOICES}".splitlines())
    head = '# /// script\n# requires-python = ">=3.12"\n# dependencies = ["idna", "six"]\n'
    bench.write("main.py", f"{head}{table}# ///\nimport idna\n")
    ours = bench.install()
    assert [path.name for path in bench.app.iterdir()] == ["main.py"]
    theirs = bench.tmp / "theirs"
    arguments = ("sync", "--script", "main.py", "--active", "--link-mode", "copy")
    uv(bench, *arguments, VIRTUAL_ENV=str(theirs))
    assert dict(ours.outcome.distributions)["idna"] < "3.7"
    assert ours.outcome.distributions == list_distributions(theirs / PYTHON.site_packages)
    assert files(ours.prefix) == {name for name in files(theirs) if is_installed(name)}
    before = bench.inputs()
    bench.write("main.py", f"{head}{table}# ///\nimport idna, six\n")
    assert bench.inputs() == before
    bench.write("main.py", f"{head}{table.replace('3.7', '3.6')}# ///\nimport idna\n")
    assert bench.inputs() != before


def test_a_script_with_a_lock(bench: Bench) -> None:
    make_project(bench.app / "lib", "lib")
    head = '# /// script\n# requires-python = ">=3.12"\n'
    table = '# [tool.uv]\n# exclude-newer = "2024-01-01T00:00:00Z"\n# sources.lib.path = "lib"\n'
    script = f'{head}# dependencies = ["idna", "lib"]\n{table}# ///\nimport idna\n'
    bench.write("serve me.py", script)
    uv(bench, "lock", "--script", "serve me.py")
    ours = bench.install()
    theirs = bench.tmp / "theirs"
    arguments = ("sync", "--script", "serve me.py", "--locked", "--active", "--link-mode", "copy")
    uv(bench, *arguments, VIRTUAL_ENV=str(theirs))
    assert dict(ours.outcome.distributions)["idna"] == "3.6"
    assert ours.outcome.distributions == list_distributions(theirs / PYTHON.site_packages)
    assert files(ours.prefix) == {name for name in files(theirs) if is_installed(name)}

    before = bench.inputs()
    bench.write("serve me.py", f"{script}print(1)\n")
    assert bench.inputs() == before
    bench.write("lib/lib.py", "X = 2\n")
    assert bench.inputs() != before
    before = bench.inputs()
    bench.write("serve me.py", script.replace("2024", "2023"))
    assert bench.inputs() != before
    (bench.tmp / "ours").rename(bench.tmp / "before")
    with pytest.raises(LockOutdatedError) as caught:
        bench.install()
    assert "serve me.py.lock" in caught.value.summary
    assert "uv lock --script 'serve me.py'" in caught.value.hint


def test_a_named_pylock_and_its_groups(bench: Bench) -> None:
    wheel = make_wheel(bench.app / "wheels", "thing", "1.0")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    archive = f'path = "wheels/{wheel.name}", hashes = {{ sha256 = "{digest}" }}'
    bench.write(
        "pylock.web.toml",
        'lock-version = "1.0"\ncreated-by = "pip"\n'
        'extras = ["more"]\ndependency-groups = ["docs"]\n'
        f'[[packages]]\nname = "thing"\nversion = "1.0"\narchive = {{ {archive} }}\n'
        "marker = \"'docs' in dependency_groups\"\n",
    )
    assert bench.install().outcome.distributions == ()
    (bench.tmp / "ours").rename(bench.tmp / "before")
    bench.groups = ("docs",)
    assert bench.install().outcome.distributions == (("thing", "1.0"),)
    bench.extras = ("none",)
    with pytest.raises(GroupUnknownError, match="none"):
        bench.install()


@pytest.mark.parametrize(
    "spelled", ['directory = { path = "lib" }', '[packages.directory]\npath = "lib"']
)
def test_local_projects_of_a_pylock_count(bench: Bench, spelled: str) -> None:
    lock = f'lock-version = "1.0"\n[[packages]]\nname = "lib"\n{spelled}\n'
    bench.write("pylock.toml", lock)
    make_project(bench.app / "lib", "lib")
    before = bench.inputs()
    bench.write("lib/src/lib/__init__.py", "X = 2\n")
    assert bench.inputs() != before


def test_outputs_and_caches_in_a_project_do_not_count(bench: Bench) -> None:
    project(bench, HATCH)
    bench.write("src/shop/__init__.py", "")
    before = bench.inputs()
    for place in (
        ".portside-1-ab/x",
        ".ruff_cache/x",
        "slug/.portside/slug.json",
        "env/pyvenv.cfg",
    ):
        bench.write(place, "")
    assert bench.inputs() == before
