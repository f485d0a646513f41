"""Time portside beside a pip pipeline and beside the floor, in pairs, on this machine.

One command: `make bench`, or `python benchmarks/run.py`. Each round runs every
side of a scenario once, in an order that rotates, so that a slow minute of the
machine or the network hits all sides alike; ratios are taken within a round.

pip    fetch and unpack the interpreter, copy the app, `pip install -r`, collectstatic
floor  the same with `uv pip install --compile-bytecode`
portside   `portside build APP --cache-dir CACHE`
classic    `bin/compile BUILD CACHE ENV` of this repository as a buildpack, beside pip,
           and of the existing buildpack where HEROKU_BUILDPACK_DIR names a checkout of it

All but the last take the same interpreter archive from a server on 127.0.0.1 and their
distributions from the same index. pip's own configuration is left out unless
PIP_CONFIG_FILE is set.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.classic import app_directory, build_in_place, classic_table, lay_buildpacks
from benchmarks.interpreter import Catalog, serve_interpreter
from benchmarks.measure import CommandFailedError, Sample, added, run
from benchmarks.report import SIDES, Result, as_json, table

ROOT = Path(__file__).resolve().parent.parent
APPS = {
    "guestbook": ROOT / "examples" / "guestbook",
    "science": ROOT / "benchmarks" / "apps" / "science",
}
# A view of each app: what "a code change" changes.
VIEWS = {"guestbook": "entries/views.py", "science": "pages/views.py"}
# One per round, so that no side has ever seen the requirement it adds.
EXTRA_REQUIREMENTS = (
    "tabulate==0.9.0",
    "humanize==4.9.0",
    "inflection==0.5.1",
    "toolz==0.12.1",
    "boltons==23.1.1",
    "more-itertools==10.2.0",
    "sortedcontainers==2.4.0",
    "cachetools==5.3.2",
    "iniconfig==2.0.0",
    "pluggy==1.4.0",
)


@dataclass(frozen=True, slots=True)
class Tools:
    portside: Path
    uv: Path
    catalog: Catalog
    environment: Mapping[str, str]
    buildpacks: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class Workspace:
    """The directories of one side of one app."""

    home: Path

    @property
    def app(self) -> Path:
        return self.home / "app"

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def out(self) -> Path:
        return self.home / "out"


def build_by_hand(side: str, work: Workspace, tools: Tools) -> Sample:
    """Run the pip pipeline or the floor; an interpreter that is already unpacked stays."""
    python = work.out / "python" / "bin" / "python3"
    environment = {
        **tools.environment,
        "PIP_CACHE_DIR": str(work.cache / "pip"),
        "UV_CACHE_DIR": str(work.cache / "uv"),
    }
    start = time.perf_counter()
    if not python.exists():
        unpack_interpreter(work, tools)
    shutil.copytree(work.app, work.out / "app", dirs_exist_ok=True)
    placed = time.perf_counter() - start
    requirements = work.out / "app" / "requirements.txt"
    installs: dict[str, list[str | Path]] = {
        "pip": [python, "-m", "pip", "install", "--quiet", "-r", requirements],
        "floor": [
            *(tools.uv, "pip", "install", "--quiet", "--no-config", "--compile-bytecode"),
            *("--python", python, "-r", requirements),
        ],
    }
    collectstatic = [python, "manage.py", "collectstatic", "--noinput"]
    return added(
        [
            Sample(placed, 0, 0, 0),
            run(installs[side], environment, work.out / "app"),
            run(collectstatic, environment, work.out / "app"),
        ]
    )


def unpack_interpreter(work: Workspace, tools: Tools) -> None:
    archive = work.home / "interpreter.tar.gz"
    with urllib.request.urlopen(tools.catalog.archive_url) as answer, archive.open("wb") as file:
        shutil.copyfileobj(answer, file)
    work.out.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "-xzf", archive, "-C", work.out], check=True)


def build_with_portside(work: Workspace, tools: Tools) -> Sample:
    """Build as the README does: the slug goes to portside's own data directory."""
    environment = {**tools.environment, "PORTSIDE_DATA_DIR": str(work.out)}
    command = [tools.portside, "build", work.app, "--cache-dir", work.cache]
    return run(command, environment, work.home)


def build(side: str, work: Workspace, tools: Tools) -> Sample:
    if side == "portside":
        return build_with_portside(work, tools)
    if side in tools.buildpacks:
        return build_in_place(tools.buildpacks[side], work.app, work.cache, tools.environment)
    return build_by_hand(side, work, tools)


def remove(path: Path) -> None:
    """Move a tree out of the way; it is removed when all is measured.

    ext4 doesn't give an inode away again for the first minutes after it was freed, and looks at
    each of those first: after a tree of thousands was removed, every new file costs up to a
    hundred times as much as before, whoever makes it.
    """
    if path.exists():
        path.rename(path.with_name(f"{path.name}-{uuid.uuid4().hex}"))


def lay_app(name: str, work: Workspace) -> None:
    """Lay the app anew, without what an earlier build left behind."""
    remove(work.app)
    ignored = shutil.ignore_patterns("__pycache__", "staticfiles", "*.sqlite3")
    shutil.copytree(APPS[name], work.app, ignore=ignored)


def append(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(f"{line}\n")


# What each scenario does, untimed, before a side's timed build. `number` is the round.


def prepare_cold(side: str, name: str, work: Workspace, number: int) -> None:  # noqa: ARG001
    remove(work.cache)
    remove(work.out)
    lay_app(name, work)


def prepare_warm(side: str, name: str, work: Workspace, number: int) -> None:  # noqa: ARG001
    """Keep the installers' download caches, and nothing of portside's layers."""
    if side == "portside":
        kept = work.home / "kept"
        (work.cache / "uv").rename(kept)
        remove(work.cache)
        work.cache.mkdir()
        kept.rename(work.cache / "uv")
    remove(work.out)
    lay_app(name, work)


def prepare_seen(side: str, name: str, work: Workspace, number: int) -> None:  # noqa: ARG001
    """Lay another app with the same distributions; the store knows them."""
    remove(work.out)
    lay_app(name, work)
    append(work.app / "requirements.txt", f"\n# the same distributions, app {number}")
    append(work.app / VIEWS[name], f"\n# another app, {number}")


def prepare_next_build(side: str, name: str, work: Workspace, number: int) -> None:  # noqa: ARG001
    """Lay the app as a platform does for every build; only caches stay."""
    remove(work.out)
    lay_app(name, work)


def prepare_rebuild(side: str, name: str, work: Workspace, number: int) -> None:
    """Change nothing: every side builds onto what its last build left."""


def prepare_code(side: str, name: str, work: Workspace, number: int) -> None:  # noqa: ARG001
    append(work.app / VIEWS[name], f"# change {number}")


def prepare_added(side: str, name: str, work: Workspace, number: int) -> None:  # noqa: ARG001
    lay_app(name, work)
    append(work.app / "requirements.txt", EXTRA_REQUIREMENTS[number])


@dataclass(frozen=True, slots=True)
class Scenario:
    title: str
    prepare: Callable[[str, str, Workspace, int], None]
    primed: bool = True
    is_classic: bool = False

    def sides(self, options: argparse.Namespace, tools: Tools) -> tuple[str, ...]:
        return ("pip", *tools.buildpacks) if self.is_classic else tuple(options.sides)


SCENARIOS = {
    "cold": Scenario("cold, all caches empty", prepare_cold, primed=False),
    "warm": Scenario("download cache warm, no layers", prepare_warm),
    "seen": Scenario("new app, distributions seen", prepare_seen),
    "rebuild": Scenario("rebuild, unchanged", prepare_rebuild),
    "code": Scenario("rebuild, a view changed", prepare_code),
    "added": Scenario("rebuild, one requirement added", prepare_added),
    "classic-cold": Scenario("empty CACHE", prepare_cold, primed=False, is_classic=True),
    "classic-warm": Scenario("CACHE of the last build", prepare_next_build, is_classic=True),
}


def prime(side: str, name: str, work: Workspace, tools: Tools) -> None:
    """Build once, untimed, so that the scenario starts from a finished build."""
    lay_app(name, work)
    build(side, work, tools)


def measure(name: str, key: str, options: argparse.Namespace, tools: Tools, home: Path) -> Result:
    scenario = SCENARIOS[key]
    result = Result(name, key)
    sides = scenario.sides(options, tools)
    works = {side: Workspace(home / name / side) for side in sides}
    for side, work in works.items():
        work.home.mkdir(parents=True, exist_ok=True)
        if scenario.primed:
            attempt(result, side, lambda side=side, work=work: prime(side, name, work, tools))
    for number in range(options.runs):
        turn = number % len(sides)
        for side in (*sides[turn:], *sides[:turn]):
            work = works[side]
            progress(f"{name}: {key} {number + 1}/{options.runs}, {side}")
            attempt(
                result,
                side,
                lambda side=side, work=work, number=number: _once(
                    result, side, work, tools, number
                ),
            )
    return result


def _once(result: Result, side: str, work: Workspace, tools: Tools, number: int) -> None:
    SCENARIOS[result.scenario].prepare(side, result.app, work, number)
    result.samples.setdefault(side, []).append(build(side, work, tools))


def measure_detect(name: str, options: argparse.Namespace, tools: Tools) -> Result:
    result = Result(name, "detect")
    command = [tools.portside, "detect", APPS[name]]
    for _ in range(max(options.runs, 10)):
        attempt(
            result,
            "portside",
            lambda: result.samples.setdefault("portside", []).append(
                run(command, tools.environment, ROOT)
            ),
        )
    return result


def attempt(result: Result, side: str, work: Callable[[], None]) -> None:
    """Do the work unless this side has failed before: a failed side has no figures."""
    if side in result.failures:
        return
    try:
        work()
    except (CommandFailedError, OSError) as error:
        result.failures[side] = str(error)
        result.samples.pop(side, None)
        progress(f"{result.app}: {result.scenario}, {side} failed:\n{error}")


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def clean_environment(catalog: Catalog) -> dict[str, str]:
    """The caller's environment without what would tilt one side."""
    tilting = ("PYTHON", "UV_", "PORTSIDE_", "DJANGO_", "VIRTUAL_ENV", "PIP_FIND_LINKS")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(tilting)}
    return {
        "PIP_CONFIG_FILE": os.devnull,
        **kept,
        "UV_PYTHON_DOWNLOADS_JSON_URL": catalog.url,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }


def parse_options() -> argparse.Namespace:
    binaries = Path(sys.prefix) / "bin"
    parser = argparse.ArgumentParser(
        description="Time portside beside a pip pipeline and the floor."
    )
    parser.add_argument("--runs", type=int, default=3, choices=range(1, 11), metavar="N")
    parser.add_argument("--only", action="append", choices=[*SCENARIOS, "detect"])
    parser.add_argument("--app", action="append", choices=APPS)
    parser.add_argument("--side", action="append", choices=SIDES, dest="sides")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--portside", type=Path, default=binaries / "portside")
    parser.add_argument("--uv", type=Path, default=binaries / "uv")
    parser.add_argument("--work-dir", type=Path, help="where to build (default: a temporary one)")
    options = parser.parse_args()
    options.sides = tuple(options.sides or SIDES)
    return options


def measure_all(options: argparse.Namespace, tools: Tools, home: Path) -> list[Result]:
    results = []
    for name in options.app or APPS:
        for key in options.only or (*SCENARIOS, "detect"):
            if key != "detect":
                results.append(measure(name, key, options, tools, home))
            elif "portside" in options.sides:
                results.append(measure_detect(name, options, tools))
    return results


def print_tables(results: list[Result], buildpacks: list[str]) -> None:
    titles = {key: scenario.title for key, scenario in SCENARIOS.items()}
    classic = [one for one in results if one.scenario.startswith("classic-")]
    others = [one for one in results if one not in classic]
    if others:
        print(table(others, titles))
    if classic:
        print(classic_table(classic, titles, buildpacks))


def main() -> int:
    options = parse_options()
    with (
        tempfile.TemporaryDirectory(prefix="portside-bench-", dir=options.work_dir) as home,
        serve_interpreter(Path(home)) as catalog,
        app_directory(),
    ):
        tools = Tools(
            options.portside.absolute(),
            options.uv.absolute(),
            catalog,
            clean_environment(catalog),
            lay_buildpacks(Path(home)),
        )
        results = measure_all(options, tools, Path(home))
    print_tables(results, list(tools.buildpacks))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(as_json(results, runs=options.runs, interpreter=catalog.version))
    return 1 if any(result.failures for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
