"""Time what portside does with each kind of lock: planning, and installing beside uv by hand.

One command: `make bench-managers`, or `python benchmarks/managers.py`. One set of requirements is
locked by each package manager with its own tool, so that all of them install the same. Both sides
have what they download in their caches already, and compile bytecode. In each round they take
turns. Before the first one it is checked that both install the same distributions and versions.

by hand    `uv sync --frozen` for uv's lock and `uv pip sync` of the same lock as hashed
           requirements (or of the pylock.toml itself) for the others, into an empty environment
portside   the step `dependencies` of `portside build`, and that with `assemble`, which puts
           the dependencies and Python into the slug
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measure import run
from benchmarks.report import spread, spread_of_ratios

BIN = Path(sys.executable).parent
UV = BIN / "uv"
PORTSIDE = BIN / "portside"
REQUIREMENTS = (
    *("alembic", "boto3", "celery", "cryptography", "django", "djangorestframework", "fastapi"),
    *("gunicorn", "httpx", "jinja2", "pillow", "pydantic", "python-dateutil", "pyyaml", "redis"),
    *("requests", "rich", "sqlalchemy", "uvicorn", "whitenoise"),
)
SERIES = "3.12"
PROJECT = f"""\
[project]
name = "harbour"
version = "1"
requires-python = "=={SERIES}.*"
dependencies = [{", ".join(f'"{name}"' for name in REQUIREMENTS)}]
"""
SOURCE = '[[source]]\nurl = "https://pypi.org/simple"\nverify_ssl = true\nname = "pypi"\n'
# What is in each app, and the words that make its lock in it.
PIPFILE = f"{SOURCE}[packages]\n" + "".join(f'{name} = "*"\n' for name in REQUIREMENTS)
PIPFILE += f'[requires]\npython_version = "{SERIES}"\n'
POETRY = (
    f"{PROJECT}[tool.poetry]\npackage-mode = false\n"
    '[[tool.poetry.source]]\nname = "simple"\nurl = "https://pypi.org/simple/"\n'
)
APPS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "pip, hashed": (
        {"requirements.in": "\n".join(REQUIREMENTS)},
        (
            *("uv", "pip", "compile", "-q", "--generate-hashes", "--python-version", SERIES),
            *("requirements.in", "-o", "requirements.txt"),
        ),
    ),
    "uv": ({"pyproject.toml": PROJECT}, ("uv", "lock", "-q")),
    "pylock.toml": (
        {"requirements.in": "\n".join(REQUIREMENTS)},
        (
            *("uv", "pip", "compile", "-q", "--python-version", SERIES, "requirements.in"),
            *("--format", "pylock.toml", "-o", "pylock.toml"),
        ),
    ),
    "Poetry": ({"pyproject.toml": POETRY}, ("uvx", "-q", "poetry", "lock", "-q")),
    "PDM": (
        {"pyproject.toml": f"{PROJECT}[tool.pdm]\ndistribution = false\n"},
        ("uvx", "-q", "--from", "pdm[locked]", "pdm", "lock", "-q"),
    ),
    "Pipenv": ({"Pipfile": PIPFILE}, ("uvx", "-q", "pipenv", "lock", "-q")),
}


@dataclass(slots=True)
class Figures:
    """Seconds of each round; ``planned`` is processor time."""

    planned: list[float] = field(default_factory=list)
    by_hand: list[float] = field(default_factory=list)
    installed: list[float] = field(default_factory=list)
    assembled: list[float] = field(default_factory=list)


def provide_python(home: Path, environment: Mapping[str, str]) -> Path:
    """Have portside put an interpreter into its store, and return its program."""
    app = home / "apps/nothing"
    app.mkdir(parents=True)
    (app / "requirements.txt").touch()
    (app / ".python-version").write_text(f"{SERIES}\n")
    subprocess.run([PORTSIDE, "build", app], env=environment, check=True, capture_output=True)
    store = Path(environment["PORTSIDE_CACHE_DIR"])
    return next((store / "layers/python").glob("*/tree/bin/python3"))


def make_app(kind: str, home: Path, python: Path, environment: Mapping[str, str]) -> Path:
    """Make an app with the lock that the real tool writes, run by ``python``."""
    app = home / "apps" / kind
    app.mkdir(parents=True)
    files, words = APPS[kind]
    for name, text in files.items():
        (app / name).write_text(text)
    (app / "Procfile").write_text("web: python -m http.server $PORT\n")
    own = {**environment, "UV_PYTHON": str(python)}
    subprocess.run([BIN / words[0], *words[1:]], cwd=app, env=own, check=True)
    (app / "requirements.in").unlink(missing_ok=True)
    (app / ".python-version").write_text(f"{SERIES}\n")
    return app


def by_hand(
    kind: str, app: Path, target: Path, python: Path, environment: Mapping[str, str]
) -> float:
    """Install the lock into a new environment; return the seconds that uv took for it."""
    subprocess.run([UV, "venv", "-q", "--python", python, target], env=environment, check=True)
    own = {**environment, "UV_PROJECT_ENVIRONMENT": str(target), "VIRTUAL_ENV": str(target)}
    if kind == "uv":
        words = ("sync", "-q", "--frozen", "--compile-bytecode")
    else:
        lock = (
            app / "pylock.toml"
            if kind == "pylock.toml"
            else app.with_name("pip, hashed") / "requirements.txt"
        )
        words = ("pip", "sync", "-q", "--compile-bytecode", str(lock))
    return run([UV, "--no-config", *words], own, app).wall


def with_portside(
    app: Path, slug: Path, store: Path, environment: Mapping[str, str]
) -> dict[str, float]:
    """Build with nothing but downloads and the interpreter in the store; return steps' seconds."""
    for name in ("layers/dependencies", "bytecode"):
        if (store / name).exists():
            # Moved rather than removed: see `remove` in run.py.
            (store / name).rename(slug.with_name(f"old-{uuid.uuid4().hex}"))
    command = [PORTSIDE, "build", app, "--json", "-o", f"dir:{slug}"]
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    events = [json.loads(line)["event"] for line in told.stdout.splitlines()]
    return {one["step"]: one["duration"] for one in events if one["kind"] == "StepFinished"}


def refuse_differences(kind: str, ours: Path, theirs: Path) -> None:
    """End the run where both sides don't have the same distributions: it would compare nothing."""
    found = [
        {path.name for path in place.rglob("*.dist-info") if not path.name.startswith("pip-")}
        for place in (ours, theirs)
    ]
    if not found[0] or found[0] != found[1]:
        raise SystemExit(f"{kind}: the sides differ in {sorted(found[0] ^ found[1])}")


def measure(
    kind: str, home: Path, python: Path, rounds: int, environment: Mapping[str, str]
) -> Figures:
    app = make_app(kind, home, python, environment)
    store = Path(environment["PORTSIDE_CACHE_DIR"])
    slug, target = _new(home, "slug"), _new(home, "environment")
    with_portside(app, slug, store, environment)
    by_hand(kind, app, target, python, environment)
    refuse_differences(kind, slug, target)
    figures = Figures()
    for number in range(rounds):
        print(f"{kind}: {number + 1}/{rounds}", file=sys.stderr)
        figures.planned.append(run([PORTSIDE, "plan", app], environment, home).cpu)

        def ours() -> None:
            steps = with_portside(app, _new(home, "slug"), store, environment)
            figures.installed.append(steps["dependencies"])
            figures.assembled.append(steps["dependencies"] + steps["assemble"])

        def theirs() -> None:
            target = _new(home, "environment")
            figures.by_hand.append(by_hand(kind, app, target, python, environment))

        for side in (ours, theirs) if number % 2 else (theirs, ours):
            side()
    return figures


def _new(home: Path, name: str) -> Path:
    return home / f"{name}-{uuid.uuid4().hex}"


def ratio(ours: list[float], theirs: list[float]) -> str:
    return spread_of_ratios([one / other for one, other in zip(ours, theirs, strict=True)])


def main() -> None:
    """Measure and print the Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--only", action="append", choices=APPS)
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="portside-bench-"))
    environment = {
        **os.environ,
        "UV_CACHE_DIR": str(home / "uv"),
        "PORTSIDE_CACHE_DIR": str(home / "store"),
        "PORTSIDE_DATA_DIR": str(home / "data"),
        "PIP_CONFIG_FILE": os.devnull,
    }
    environment.pop("VIRTUAL_ENV", None)
    environment.pop("PIP_FIND_LINKS", None)
    print("| lock | planning, CPU | uv by hand | portside installs | / by hand | and assembles |")
    print("|---|---|---|---|---|---|")
    try:
        # The others are installed by hand from pip's lock.
        python = provide_python(home, environment)
        kinds = dict.fromkeys(["pip, hashed", *(options.only or APPS)])
        for kind in kinds:
            found = measure(kind, home, python, options.rounds, environment)
            cells = (
                spread(found.planned),
                spread(found.by_hand),
                spread(found.installed),
                ratio(found.installed, found.by_hand),
                ratio(found.assembled, found.by_hand),
            )
            print(f"| {kind} | {' | '.join(cells)} |", flush=True)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
