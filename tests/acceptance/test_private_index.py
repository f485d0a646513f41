"""Private indexes: each way to give credentials works, and none of them leaks the secret."""

import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_line import BIN, Portside, holding, write_app
from private_index import PASSWORD, USER, PrivateIndex, serving

from wheels import make_wheel

pytestmark = pytest.mark.network
App = Callable[[Path, PrivateIndex, Portside], tuple[list[str], dict[str, str]]]
PROJECT = """
[project]
name = "quay"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["treasure"]
[[tool.uv.index]]
name = "private"
url = "{url}"
default = true
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateIndex]:
    directory = tmp_path_factory.mktemp("index")
    for name in ("treasure", "chart", "gem", "spade"):
        make_wheel(directory / "packages", name, "1.0")
    with serving(directory / "packages", directory) as found:
        yield found


def variables_in_requirements(
    app: Path, index: PrivateIndex, _: Portside
) -> tuple[list[str], dict[str, str]]:
    line = f"--index-url https://${{INDEX_USER}}:${{INDEX_PASSWORD}}@{index.place}\ntreasure\n"
    (app / "requirements.txt").write_text(line)
    return ["--env", f"INDEX_USER={USER}", "--env", f"INDEX_PASSWORD={PASSWORD}"], {}


def pip_variable(app: Path, index: PrivateIndex, _: Portside) -> tuple[list[str], dict[str, str]]:
    (app / "requirements.txt").write_text("treasure\n")
    return [], {"PIP_INDEX_URL": f"https://{USER}:{PASSWORD}@{index.place}"}


def netrc(app: Path, index: PrivateIndex, portside: Portside) -> tuple[list[str], dict[str, str]]:
    (app / "requirements.txt").write_text(f"--index-url {index.url}\ntreasure\n")
    file = Path(portside.env["HOME"]) / ".netrc"
    file.write_text(f"machine localhost login {USER} password {PASSWORD}\n")
    file.chmod(0o600)
    return [], {}


def uv_variables_without_a_lock(
    app: Path, index: PrivateIndex, _: Portside
) -> tuple[list[str], dict[str, str]]:
    (app / "pyproject.toml").write_text(PROJECT.format(url=index.url))
    given = {"UV_INDEX_PRIVATE_USERNAME": USER, "UV_INDEX_PRIVATE_PASSWORD": PASSWORD}
    return [word for name, value in given.items() for word in ("--env", f"{name}={value}")], {}


def uv_variables(
    app: Path, index: PrivateIndex, portside: Portside
) -> tuple[list[str], dict[str, str]]:
    (app / "pyproject.toml").write_text(PROJECT.format(url=index.url))
    names = {"UV_INDEX_PRIVATE_USERNAME": USER, "UV_INDEX_PRIVATE_PASSWORD": PASSWORD}
    subprocess.run(
        [BIN / "uv", "lock", "--quiet", "--no-cache"],
        cwd=app,
        env={**portside.env, **names, "SSL_CERT_FILE": str(index.authority)},
        check=True,
    )
    assert PASSWORD not in (app / "uv.lock").read_text()
    return [word for name in names for word in ("--env", f"{name}={names[name]}")], {}


def pipfile_variables(
    app: Path, index: PrivateIndex, _: Portside
) -> tuple[list[str], dict[str, str]]:
    url = f"https://${{INDEX_USER}}:${{INDEX_PASSWORD}}@{index.place}"
    source = f'[[source]]\nname = "private"\nurl = "{url}"\nverify_ssl = true\n'
    (app / "Pipfile").write_text(f'{source}[packages]\ntreasure = "*"\n')
    return ["--env", f"INDEX_USER={USER}", "--env", f"INDEX_PASSWORD={PASSWORD}"], {}


POETRY = """\
[project]
name = "quay"
version = "1.0"
requires-python = ">=3.11,<4"
dependencies = ["treasure"]
[project.optional-dependencies]
gold = ["gem"]
[tool.poetry]
package-mode = false
[tool.poetry.group.maps.dependencies]
chart = "*"
[tool.poetry.group.dev.dependencies]
spade = "*"
[[tool.poetry.source]]
name = "private"
url = "{index.url}"
"""
PDM = """\
[project]
name = "quay"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["treasure"]
[project.optional-dependencies]
gold = ["gem"]
maps = ["chart"]
[dependency-groups]
dev = ["spade"]
[tool.pdm]
distribution = false
[[tool.pdm.source]]
name = "pypi"
url = "https://${{INDEX_USER}}:${{INDEX_PASSWORD}}@{index.place}"
"""
# The tool, its pyproject.toml, what its credentials are called, and what chooses of it.
LOCKED = {
    "poetry": (
        ("poetry", "lock"),
        POETRY,
        ("POETRY_HTTP_BASIC_PRIVATE_USERNAME", "POETRY_HTTP_BASIC_PRIVATE_PASSWORD"),
        ("--groups", "maps", "--extras", "gold"),
    ),
    "pdm": (
        ("--from", "pdm[locked]", "pdm", "lock", "-G", "gold", "-G", "maps"),
        PDM,
        ("INDEX_USER", "INDEX_PASSWORD"),
        ("--extras", "gold,maps"),
    ),
}
WAYS = (
    *(variables_in_requirements, pip_variable, netrc, uv_variables, uv_variables_without_a_lock),
    pipfile_variables,
)


def trusting_nobody(portside: Portside) -> Portside:
    """Return the command without the authorities that this machine's user has chosen."""
    chosen = ("SSL_CERT_FILE", "SSL_CERT_DIR", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    env = {name: value for name, value in portside.env.items() if name not in chosen}
    return Portside(env, portside.program)


def make_app(directory: Path) -> Path:
    app = directory / "quay"
    app.mkdir()
    (app / "Procfile").write_text("web: python -m http.server $PORT\n")
    return app


@pytest.mark.parametrize("way", WAYS)
def test_credentials_reach_the_index_and_nothing_else(
    tmp_path: Path, index: PrivateIndex, portside: Portside, way: App
) -> None:
    app = make_app(tmp_path)
    portside = trusting_nobody(portside)
    arguments, variables = way(app, index, portside)
    # What a hook prints reaches the log as it comes, whatever is in its environment.
    hook = write_app(app, {"bin/post_compile": "#!/bin/sh\nenv\n"}) / "bin/post_compile"
    hook.chmod(0o755)
    cache = tmp_path / "cache"
    env = {**variables, "SSL_CERT_FILE": str(index.authority), "PORTSIDE_CACHE_DIR": str(cache)}
    archive, slug = tmp_path / "slug.tar", tmp_path / "slug"
    targets = ("-o", f"dir:{slug}", "-o", f"slug:{archive}")
    said = portside("plan", app, "--json", *arguments, env=env)
    done = portside("build", app, *targets, "--json", *arguments, env=env)
    again = portside("build", app, *targets, *arguments, env=env)
    assert done.returncode == again.returncode == 0, done.stdout + done.stderr + again.stderr
    found = list(slug.glob(".heroku/python/lib/python3*/site-packages/treasure.py"))
    assert len(found) == 1
    texts = [said.stdout, said.stderr, done.stdout, done.stderr, again.stdout, again.stderr]
    assert [text for text in texts if PASSWORD in text] == []
    given = [word.partition("=")[0] for word in arguments if PASSWORD in word]
    assert [name for name in given if f"{name}=" not in again.stderr] == []
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "unpacked", filter="tar")
    assert holding(PASSWORD, slug, cache, tmp_path / "unpacked") == []


def make_locked_app(
    directory: Path, index: PrivateIndex, portside: Portside, store: Path, tool: str
) -> tuple[Path, list[str]]:
    """Lock an app with its own tool; return it and the arguments with its credentials."""
    program, project, names, _ = LOCKED[tool]
    app = make_app(directory)
    (app / "pyproject.toml").write_text(project.format(index=index))
    (app / ".python-version").write_text("3.12\n")
    login = dict(zip(names, (USER, PASSWORD), strict=True))
    trust = {"REQUESTS_CA_BUNDLE": str(index.authority), "PDM_CA_CERTS": str(index.authority)}
    tools = {"UV_CACHE_DIR": str(store / "uv"), **login, **trust}
    subprocess.run([BIN / "uvx", *program], cwd=app, env={**portside.env, **tools}, check=True)
    return app, [word for name, value in login.items() for word in ("--env", f"{name}={value}")]


@pytest.mark.parametrize("variable", ["PIP_CERT", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize("tool", LOCKED)
def test_an_authority_reaches_what_installs_from_a_lock(
    tmp_path: Path, index: PrivateIndex, portside: Portside, store: Path, tool: str, variable: str
) -> None:
    app, given = make_locked_app(tmp_path, index, portside, store, tool)
    env = {variable: str(index.authority), "PORTSIDE_CACHE_DIR": str(tmp_path / "cache")}
    slug = tmp_path / "slug"
    done = trusting_nobody(portside)("build", app, "-o", f"dir:{slug}", *given, env=env)
    assert done.returncode == 0, done.stderr
    assert modules(slug) == {"treasure"}


@pytest.mark.parametrize("tool", LOCKED)
def test_groups_and_extras_of_a_lock_come_from_a_private_source(
    tmp_path: Path, index: PrivateIndex, portside: Portside, store: Path, tool: str
) -> None:
    chosen = LOCKED[tool][-1]
    app, given = make_locked_app(tmp_path, index, portside, store, tool)
    cache, slug = tmp_path / "cache", tmp_path / "slug"
    env = {"SSL_CERT_FILE": str(index.authority), "PORTSIDE_CACHE_DIR": str(cache)}
    quiet = trusting_nobody(portside)
    wrong = [word.replace(PASSWORD, "n0t-the-secret") for word in given]
    refused = quiet("build", app, "-o", f"dir:{slug}", *wrong, env=env)
    assert refused.returncode == 1
    assert "refused the credentials" in refused.stderr
    assert "n0t-the-secret" not in refused.stdout + refused.stderr
    done = quiet("build", app, "-o", f"dir:{slug}", "--json", *given, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert modules(slug) == {"treasure"}
    more = quiet("build", app, "-o", f"dir:{slug}", "--json", *given, *chosen, env=env)
    assert more.returncode == 0, more.stdout + more.stderr
    assert modules(slug) == {"treasure", "chart", "gem"}
    said = quiet("plan", app, "--json", *given, *chosen, env=env)
    texts = [done.stdout, done.stderr, more.stdout, more.stderr, said.stdout, said.stderr]
    assert [text for text in texts if PASSWORD in text] == []
    assert holding(PASSWORD, slug, cache) == []


def modules(slug: Path) -> set[str]:
    """Return which of the index's modules are in a slug."""
    found = slug.glob(".heroku/python/lib/python3*/site-packages/*.py")
    return {path.stem for path in found} & {"treasure", "chart", "gem", "spade"}


@pytest.mark.parametrize("variable", ["PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_what_pip_takes_an_authority_from_is_heeded(
    tmp_path: Path, index: PrivateIndex, portside: Portside, variable: str
) -> None:
    app = make_app(tmp_path)
    arguments, _ = variables_in_requirements(app, index, portside)
    env = {variable: str(index.authority), "PORTSIDE_CACHE_DIR": str(tmp_path / "cache")}
    target = f"dir:{tmp_path / 'slug'}"
    done = trusting_nobody(portside)("build", app, "-o", target, *arguments, env=env)
    assert done.returncode == 0, done.stderr


def test_a_wrong_password_is_told_without_it(
    tmp_path: Path, index: PrivateIndex, portside: Portside
) -> None:
    app = make_app(tmp_path)
    arguments, _ = variables_in_requirements(app, index, portside)
    wrong = [word.replace(PASSWORD, "n0t-the-secret") for word in arguments]
    env = {"SSL_CERT_FILE": str(index.authority)}
    target = f"dir:{tmp_path / 'slug'}"
    done = trusting_nobody(portside)("build", app, "-o", target, *wrong, env=env)
    assert done.returncode == 1
    assert "refused the credentials" in done.stderr
    assert "n0t-the-secret" not in done.stdout + done.stderr


def test_an_authority_that_is_not_known_is_refused(
    tmp_path: Path, index: PrivateIndex, portside: Portside
) -> None:
    app = make_app(tmp_path)
    arguments, _ = variables_in_requirements(app, index, portside)
    target = f"dir:{tmp_path / 'slug'}"
    done = trusting_nobody(portside)("build", app, "-o", target, *arguments)
    assert done.returncode == 1
    assert "certificate" in done.stdout + done.stderr
