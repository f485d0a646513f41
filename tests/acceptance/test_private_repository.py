"""Private Git repositories: each way to give credentials works, and none of them leaks them."""

import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_line import BIN, Portside, holding, write_app
from private_repository import TOKEN, USER, PrivateRepository, serving

pytestmark = pytest.mark.network
Way = Callable[[Path, PrivateRepository, Path], tuple[str, dict[str, str], dict[str, str]]]
ASKPASS = "#!/bin/sh\ncase $1 in User*) echo {} ;; *) echo {} ;; esac\n"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRepository]:
    with serving(tmp_path_factory.mktemp("repository")) as found:
        yield found


# Each way returns the requirement, the config vars, and the variables of the builder.
def token_in_url(
    _: Path, repository: PrivateRepository, __: Path
) -> tuple[str, dict[str, str], dict[str, str]]:
    line = f"treasure @ git+http://{USER}:${{GIT_TOKEN}}@{repository.place}@v1"
    return line, {"GIT_TOKEN": TOKEN}, {}


def token_in_editable_url(
    _: Path, repository: PrivateRepository, __: Path
) -> tuple[str, dict[str, str], dict[str, str]]:
    line = f"-e git+http://{USER}:${{GIT_TOKEN}}@{repository.place}@v1#egg=treasure"
    return line, {"GIT_TOKEN": TOKEN}, {}


def netrc(
    _: Path, repository: PrivateRepository, home: Path
) -> tuple[str, dict[str, str], dict[str, str]]:
    file = home / ".netrc"
    file.write_text(f"machine 127.0.0.1 login {USER} password {TOKEN}\n")
    file.chmod(0o600)
    return f"git+{repository.url}@v1", {}, {}


def askpass(
    directory: Path, repository: PrivateRepository, _: Path
) -> tuple[str, dict[str, str], dict[str, str]]:
    program = directory / "askpass"
    program.write_text(ASKPASS.format(USER, TOKEN))
    program.chmod(0o755)
    return f"git+{repository.url}@{repository.commit}", {}, {"GIT_ASKPASS": str(program)}


def git_config(
    _: Path, repository: PrivateRepository, __: Path
) -> tuple[str, dict[str, str], dict[str, str]]:
    own = f"http://{USER}:{TOKEN}@127.0.0.1:{repository.port}/"
    names = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{own}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://git.example/",
    }
    return "treasure @ git+https://git.example/treasure.git@main", names, {}


def ssh_key(
    directory: Path, repository: PrivateRepository, _: Path
) -> tuple[str, dict[str, str], dict[str, str]]:
    key = directory / "key"
    key.write_text(f"{TOKEN}\n")
    command = {"GIT_SSH_COMMAND": f"{repository.ssh} -i {key}"}
    return "treasure @ git+ssh://git@host/treasure.git@v1", command, {}


WAYS = (token_in_url, token_in_editable_url, netrc, askpass, git_config, ssh_key)


def make_app(directory: Path, requirement: str) -> Path:
    return write_app(
        directory / "quay",
        {
            ".python-version": "3.12\n",
            "requirements.txt": f"{requirement}\n",
            "Procfile": "web: python -m http.server $PORT\n",
        },
    )


@pytest.fixture
def cache(tmp_path: Path, repository: PrivateRepository, portside: Portside) -> Path:
    """A store of its own that has an interpreter, but nothing of a repository."""
    seed = repository.ssh.parent / "cache"
    if not seed.exists():
        app = make_app(tmp_path / "seed", "")
        env = {"PORTSIDE_CACHE_DIR": str(seed)}
        assert portside("build", app, "-o", f"dir:{tmp_path / 'first'}", env=env).returncode == 0
    subprocess.run(["cp", "-a", seed, tmp_path / "cache"], check=True)
    return tmp_path / "cache"


@pytest.mark.parametrize("way", WAYS)
def test_credentials_reach_the_repository_and_nothing_else(
    tmp_path: Path, repository: PrivateRepository, portside: Portside, cache: Path, way: Way
) -> None:
    requirement, config_vars, variables = way(tmp_path, repository, Path(portside.env["HOME"]))
    app = make_app(tmp_path, requirement)
    given = [word for name, value in config_vars.items() for word in ("--env", f"{name}={value}")]
    archive, slug = tmp_path / "slug.tar", tmp_path / "slug"
    env = {**variables, "PORTSIDE_CACHE_DIR": str(cache)}
    targets = ("-o", f"dir:{slug}", "-o", f"slug:{archive}")
    said = portside("plan", app, "--json", *given, env=env)
    done = portside("build", app, *targets, "--json", *given, env=env)
    again = portside("build", app, *targets, *given, env=env)
    assert done.returncode == again.returncode == 0, done.stdout + done.stderr + again.stderr
    script = "import treasure; assert treasure.FOUND"
    assert portside("run", slug, "--", "python", "-c", script).returncode == 0
    texts = [said.stdout, said.stderr, done.stdout, done.stderr, again.stdout, again.stderr]
    assert [text for text in texts if TOKEN in text] == []
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "unpacked", filter="tar")
    assert holding(TOKEN, slug, cache, tmp_path / "unpacked") == []


POETRY = """\
[project]
name = "quay"
version = "1.0"
requires-python = ">=3.11,<4"
dependencies = ["treasure @ git+{url}@v1"]
[tool.poetry]
package-mode = false
"""


def test_variables_of_poetry_hold_for_its_repositories(
    tmp_path: Path, repository: PrivateRepository, portside: Portside, store: Path, cache: Path
) -> None:
    app = make_app(tmp_path, "")
    (app / "requirements.txt").unlink()
    (app / "pyproject.toml").write_text(POETRY.format(url=repository.url))
    login = {
        "POETRY_REPOSITORIES_FORGE_URL": repository.url,
        "POETRY_HTTP_BASIC_FORGE_USERNAME": USER,
        "POETRY_HTTP_BASIC_FORGE_PASSWORD": TOKEN,
    }
    tools = {**portside.env, **login, "UV_CACHE_DIR": str(store / "uv")}
    subprocess.run([BIN / "uvx", "poetry", "lock"], cwd=app, env=tools, check=True)
    given = [word for name, value in login.items() for word in ("--env", f"{name}={value}")]
    env, slug = {"PORTSIDE_CACHE_DIR": str(cache)}, tmp_path / "slug"
    done = portside("build", app, "-o", f"dir:{slug}", "--json", *given, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(slug.glob(".heroku/python/lib/python3*/site-packages/treasure.py"))) == 1
    assert TOKEN not in done.stdout + done.stderr
    assert holding(TOKEN, slug, cache) == []


@pytest.mark.parametrize(
    ("way", "replaced", "said"),
    [
        (token_in_url, "wr0ng-s3cret", "Authentication failed for"),
        # Nothing answers Git, which must not ask the terminal.
        (netrc, "", "terminal prompts disabled"),
        (ssh_key, "wr0ng-s3cret", "Permission denied (publickey)"),
    ],
)
def test_refused_credentials_are_told_without_them(
    tmp_path: Path,
    repository: PrivateRepository,
    portside: Portside,
    cache: Path,
    way: Way,
    replaced: str,
    said: str,
) -> None:
    home = Path(portside.env["HOME"])
    requirement, config_vars, variables = way(tmp_path, repository, home)
    for file in (tmp_path / "key", home / ".netrc"):
        if file.exists():
            text = file.read_text().replace(TOKEN, replaced) if replaced else ""
            file.write_text(text)
    config_vars = {name: value.replace(TOKEN, replaced) for name, value in config_vars.items()}
    app = make_app(tmp_path, requirement)
    given = [word for name, value in config_vars.items() for word in ("--env", f"{name}={value}")]
    env = {**variables, "PORTSIDE_CACHE_DIR": str(cache)}
    done = portside("build", app, "-o", f"dir:{tmp_path / 'slug'}", *given, env=env)
    assert done.returncode == 1
    assert "A Git repository refused the credentials" in done.stderr
    assert said in done.stderr
    assert "git+https://USER:${GIT_TOKEN}@HOST" in done.stderr
    assert not replaced or replaced not in done.stdout + done.stderr
    assert holding("wr0ng-s3cret", cache) == []
