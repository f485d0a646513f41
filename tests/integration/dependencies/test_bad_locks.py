"""Every lock that is damaged, of another time, or not for this Python is told with what mends it.

One project with one distribution, in each format; what says nothing of its manifest (pylock.toml)
can't be out of date with it.
"""

import hashlib
import json
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from dependency_bench import BIN, MARKS, PYTHON, Bench, make_wheel, write_lock

from portside.detection.facts import detect
from portside.detection.package_managers.pdm_project import PdmProject
from portside.detection.package_managers.poetry_project import PoetryProject
from portside.effects.app_source import DirectorySource
from portside.model.errors import BuildError
from portside.model.errors.dependencies import (
    ProjectBuildFailedError,
    RequirementInvalidError,
    RequirementsSyntaxError,
)
from portside.model.settings import Given
from portside.planning.policy import load_policy

pytestmark = MARKS
COMMANDS = {
    "Pipfile.lock": "pipenv lock",
    "poetry.lock": "poetry lock",
    "uv.lock": "uv lock",
    "pdm.lock": "pdm lock",
    "pylock.toml": "uv export",
    "main.py.lock": "uv lock --script main.py",
}
RENEWING = {
    "Pipfile.lock": "pipenv upgrade thing",
    "poetry.lock": "poetry update --lock thing",
    "uv.lock": "uv lock --upgrade-package thing",
    "pdm.lock": "pdm update --no-sync thing",
    "pylock.toml": "the tool that wrote it",
    "main.py.lock": "uv lock --upgrade-package thing --script main.py",
}
NEWER = {
    "Pipfile.lock": ('"pipfile-spec": 6', '"pipfile-spec": 7'),
    "poetry.lock": ('lock-version = "2.1"', 'lock-version = "3.0"'),
    "uv.lock": ("version = 1\n", "version = 2\n"),
    "pdm.lock": ('lock_version = "4.5.0"', 'lock_version = "5.0"'),
    "pylock.toml": ('lock-version = "1.0"', 'lock-version = "2.0"'),
    "main.py.lock": ("version = 1\n", "version = 2\n"),
}
MANIFESTS = {"Pipfile.lock": "Pipfile", "main.py.lock": "main.py"}
PROJECT = '[project]\nname = "shop"\nversion = "1"\n'


class Shop:
    """The project on the bench, with a lock of one wheel that an index serves."""

    def __init__(self, bench: Bench, form: str, url: str, wheel: Path) -> None:
        self.bench, self.form, self.url, self.wheel = bench, form, url, wheel
        self.digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        self.lock = bench.app / form
        page = f'<a href="{wheel.name}#sha256={self.digest}">{wheel.name}</a>'
        (wheel.parent / "index.html").write_text(page)
        bench.environ["UV_HTTP_RETRIES"] = "0"
        bench.write(".python-version", "3.12\n")
        self.write()

    def write(self, python: str = ">=3.9") -> None:
        name = self.form.partition(".")[0].lower()
        getattr(self, f"write_{name}")(python)

    def write_pipfile(self, python: str) -> None:
        entry = {"hashes": [f"sha256:{self.digest}"], "index": "pypi", "version": "==1.0"}
        write_lock(self.bench, '[packages]\nthing = "*"\n', {"thing": entry}, f"{self.url}/")
        locked = json.loads(self.lock.read_text())
        locked["_meta"]["requires"] = {"python_version": python.strip(">=")}
        self.lock.write_text(json.dumps(locked, indent=4))

    def write_poetry(self, python: str) -> None:
        text = (
            "[tool.poetry]\npackage-mode = false\n[tool.poetry.dependencies]\n"
            f'python = "{python}"\nthing = "*"\n'
            f'[[tool.poetry.source]]\nname = "own"\nurl = "{self.url}/"\n'
        )
        self.bench.write("pyproject.toml", text)
        digest = min(PoetryProject(tomllib.loads(text)).content_hashes((2, 1)))
        self.bench.write(
            "poetry.lock",
            f'[[package]]\nname = "thing"\nversion = "1.0"\noptional = false\n'
            f'python-versions = "*"\ngroups = ["main"]\nfiles = [\n    {self.file},\n]\n\n'
            f'[package.source]\ntype = "legacy"\nurl = "{self.url}/"\nreference = "own"\n\n'
            f'[metadata]\nlock-version = "2.1"\npython-versions = "{python}"\n'
            f'content-hash = "{digest}"\n',
        )

    def write_pdm(self, python: str) -> None:
        text = (
            f'{PROJECT}requires-python = "{python}"\ndependencies = ["thing"]\n[tool.pdm]\n'
            f'distribution = false\n[[tool.pdm.source]]\nname = "pypi"\nurl = "{self.url}/"\n'
        )
        self.bench.write("pyproject.toml", text)
        digest = min(PdmProject(tomllib.loads(text)).content_hashes("sha256"))
        self.bench.write(
            "pdm.lock",
            '[metadata]\ngroups = ["default"]\nstrategy = ["inherit_metadata"]\n'
            f'lock_version = "4.5.0"\ncontent_hash = "sha256:{digest}"\n\n'
            f'[[metadata.targets]]\nrequires_python = "{python}"\n\n'
            f'[[package]]\nname = "thing"\nversion = "1.0"\ngroups = ["default"]\n'
            f"files = [\n    {self.file},\n]\n",
        )

    def write_uv(self, python: str) -> None:
        self.bench.write(
            "pyproject.toml",
            f'{PROJECT}requires-python = "{python}"\ndependencies = ["thing"]\n'
            f'[[tool.uv.index]]\nurl = "{self.url}"\ndefault = true\n',
        )
        self.lock_with_uv(python)

    def write_main(self, python: str) -> None:
        self.bench.write(
            "main.py",
            f'# /// script\n# requires-python = "{python}"\n# dependencies = ["thing"]\n'
            f'# [[tool.uv.index]]\n# url = "{self.url}"\n# default = true\n# ///\nimport thing\n',
        )
        self.lock_with_uv(python, "--script", "main.py")

    def lock_with_uv(self, python: str, *arguments: str) -> None:
        quietly = ("--quiet", "--no-cache", "--python", PYTHON.executable)
        argv = [BIN / "uv", "lock", *quietly, *arguments]
        env = {**self.bench.environ, "UV_PYTHON_DOWNLOADS": "never"}
        made = subprocess.run(argv, cwd=self.bench.app, env=env, check=False)
        if made.returncode:  # for a Python that isn't there uv makes no lock
            self.lock.write_text(f'version = 1\nrequires-python = "{python}"\n')

    def write_pylock(self, python: str) -> None:
        wheel = f'name = "{self.wheel.name}", url = "{self.url}/thing/{self.wheel.name}"'
        self.bench.write(
            "pylock.toml",
            f'lock-version = "1.0"\ncreated-by = "uv"\nrequires-python = "{python}"\n\n'
            f'[[packages]]\nname = "thing"\nversion = "1.0"\nindex = "{self.url}"\n'
            f'wheels = [{{ {wheel}, hashes = {{ sha256 = "{self.digest}" }} }}]\n',
        )

    @property
    def file(self) -> str:
        return f'{{file = "{self.wheel.name}", hash = "sha256:{self.digest}"}}'

    def replace(self, before: str, after: str) -> None:
        text = self.lock.read_text()
        assert before in text
        self.lock.write_text(text.replace(before, after))

    def told(self) -> str:
        """Detect and install; return what the error says."""
        source = DirectorySource(self.bench.app)
        given = Given(self.bench.environ)
        try:
            detect(source, read_cached=lambda: None, policy=load_policy(), given=given)
            done = self.bench.install()
        except BuildError as error:
            return f"{error.summary}\n{error.detail}\n{error.hint}"
        pytest.fail(f"{done.outcome}")


@pytest.fixture(params=COMMANDS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shop(bench: Bench, form: str, serve: Callable[[Path], str]) -> Shop:
    wheel = make_wheel(bench.tmp / "index/thing", "thing", "1.0")
    return Shop(bench, form, serve(bench.tmp / "index"), wheel)


def test_a_lock_that_is_whole_and_fits(shop: Shop) -> None:
    assert shop.bench.install().outcome.distributions == (("thing", "1.0"),)


def test_a_truncated_lock(shop: Shop) -> None:
    text = shop.lock.read_text()
    shop.lock.write_text(text[: text.index(shop.digest) + 9])
    told = shop.told()
    assert shop.form in told
    assert COMMANDS[shop.form] in told


def test_what_a_merge_left(shop: Shop) -> None:
    lines = shop.lock.read_text().splitlines(keepends=True)
    marked = [*lines[:3], "<<<<<<< HEAD\n", lines[3], "=======\n", ">>>>>>> theirs\n", *lines[3:]]
    shop.lock.write_text("".join(marked))
    told = shop.told()
    assert f"Your {shop.form}" in told
    assert "line 4 is what a merge left: <<<<<<< HEAD" in told
    assert COMMANDS[shop.form] in told


def test_a_format_that_is_not_known_yet(shop: Shop) -> None:
    before, after = NEWER[shop.form]
    shop.replace(before, after)
    told = shop.told()
    assert f"Your {shop.form} is in a newer format than portside knows." in told
    assert f"Its format is {after.strip().rpartition(' ')[2].strip(chr(34))}, and" in told
    assert "`pip install --upgrade portside`" in told


@pytest.mark.parametrize("form", [form for form in COMMANDS if form != "pylock.toml"])
def test_a_manifest_that_was_changed(shop: Shop) -> None:
    make_wheel(shop.bench.tmp / "index/other", "other", "1.0")
    manifest = shop.bench.app / MANIFESTS.get(shop.form, "pyproject.toml")
    text = manifest.read_text().replace('thing = "*"', 'thing = "*"\nother = "*"')
    manifest.write_text(text.replace('["thing"]', '["thing", "other"]'))
    told = shop.told()
    assert f"Your {shop.form} doesn't match your {manifest.name}" in told
    assert f"Run `{COMMANDS[shop.form]}`" in told


def test_a_hash_that_does_not_match(shop: Shop) -> None:
    shop.replace(shop.digest, "0" * 64)
    told = shop.told()
    assert "Hash mismatch for `thing==1.0" in told
    assert shop.form in told
    assert RENEWING[shop.form] in told


@pytest.mark.parametrize("form", [form for form in COMMANDS if form != "Pipfile.lock"])
def test_a_range_without_the_chosen_python(shop: Shop) -> None:
    shop.write(">=3.13")
    told = shop.told()
    assert ".python-version:1 leads to" in told
    assert "'>=3.13'" in told
    named = {"pylock.toml": "pylock.toml", "main.py.lock": "main.py"}
    assert named.get(shop.form, "pyproject.toml") in told


@pytest.mark.parametrize("form", ["Pipfile.lock"])
def test_a_pipfile_lock_for_another_python_is_a_warning(shop: Shop) -> None:
    shop.write(">=3.13")
    source = DirectorySource(shop.bench.app)
    facts = detect(source, read_cached=lambda: None, policy=load_policy())
    [notice] = facts.notices[:1]
    assert "Pipfile.lock was made for Python 3.13, but .python-version" in notice.summary


@pytest.mark.parametrize(
    ("tag", "fix"),
    [
        ("cp311-cp311-manylinux_2_17_x86_64", "echo 3.11 > .python-version"),
        ("cp312-cp312-win_amd64", "or use another Python version"),
    ],
)
def test_no_wheel_for_this_python(
    bench: Bench, form: str, serve: Callable[[Path], str], tag: str, fix: str
) -> None:
    wheel = make_wheel(bench.tmp / "index/thing", "thing", "1.0")
    wheel = wheel.rename(wheel.with_name(f"thing-1.0-{tag}.whl"))
    told = Shop(bench, form, serve(bench.tmp / "index"), wheel).told()
    assert "thing" in told
    assert fix in told
    if "cp311" in tag:
        assert "thing 1.0 has no wheel for Python 3.12; its newest are for 3.11." in told


@pytest.mark.parametrize("form", ["uv.lock", "pylock.toml"])
def test_a_lock_for_other_machines(shop: Shop) -> None:
    darwin = "environments = [\"sys_platform == 'darwin'\"]\n"
    if shop.form == "uv.lock":
        manifest = shop.bench.app / "pyproject.toml"
        manifest.write_text(f"{manifest.read_text()}[tool.uv]\n{darwin}")
        shop.lock_with_uv(">=3.9")
    else:
        shop.replace('created-by = "uv"\n', f'created-by = "uv"\n{darwin}')
    told = shop.told()
    assert f"Your {shop.form} isn't for this machine." in told
    assert ("`uv lock`" if shop.form == "uv.lock" else "the tool that wrote it") in told


@pytest.mark.parametrize("form", ["uv.lock"])
def test_a_group_and_an_extra_that_the_project_does_not_have(shop: Shop) -> None:
    shop.bench.groups = ("nope",)
    assert "'nope'" in shop.told()
    shop.bench.groups, shop.bench.extras = (), ("neither",)
    assert "'neither'" in shop.told()


def test_a_requirements_file_that_was_not_merged(bench: Bench) -> None:
    bench.write("requirements.txt", "six\n<<<<<<< HEAD\nidna==3.6\n=======\nidna==3.7\n>>>>>>> x\n")
    with pytest.raises(RequirementsSyntaxError) as caught:
        bench.install()
    assert caught.value.summary.startswith("Line 2 of requirements.txt")
    assert "<<<<<<< HEAD" in caught.value.detail


def test_a_line_that_is_no_requirement_is_told_with_its_file(bench: Bench) -> None:
    bench.write("requirements.txt", "-r more.txt\n")
    bench.write("more.txt", "six==1.17.0\nfoo bar\n")
    with pytest.raises(RequirementInvalidError) as caught:
        bench.install()
    assert "'foo bar'" in caught.value.detail
    assert "(from line 2 of more.txt)" in caught.value.detail


@pytest.mark.parametrize("manifest", ["pyproject.toml", "uv.lock"])
def test_a_project_that_cannot_be_built_is_not_called_a_dependency(
    bench: Bench, manifest: str
) -> None:
    bench.write("shop.py", "def main(): pass\n")
    bench.write(
        "pyproject.toml",
        f'{PROJECT}requires-python = ">=3.12"\nreadme = "MISSING.md"\n[project.scripts]\n'
        'shop = "shop:main"\n[build-system]\nrequires = ["hatchling"]\n'
        'build-backend = "hatchling.build"\n',
    )
    if manifest == "uv.lock":
        argv = [BIN / "uv", "lock", "--quiet", "--python", PYTHON.executable]
        subprocess.run(argv, cwd=bench.app, env=bench.environ, check=True)
    with pytest.raises(ProjectBuildFailedError) as caught:
        bench.install()
    assert caught.value.summary == "The app's own project couldn't be built."
    assert "Readme file does not exist: MISSING.md" in caught.value.detail
    assert "pyproject.toml" in caught.value.hint
