"""Call a classic buildpack as a platform does: this repository's, and the existing one's.

A checkout of the existing buildpack is named by HEROKU_BUILDPACK_DIR. A build directory is new
for every build; what stays is the cache. This module decides no order and takes no ratio.
"""

import os
import shutil
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import Sample, run
from benchmarks.report import Result, shown, shown_ratio

ROOT = Path(__file__).resolve().parent.parent
OURS, EXISTING = "classic", "existing buildpack"
STACK = "heroku-24"
# Where platforms run apps: a build leaves a link to its Python there.
APP = Path("/app")


def lay_buildpacks(home: Path) -> dict[str, Path]:
    """Lay what a platform clones, and find the existing buildpack where there is one."""
    ours = home / "buildpack"
    for name in ("bin", "libexec", "src"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, ours / name, ignore=ignored)
    existing = os.environ.get("HEROKU_BUILDPACK_DIR")
    return {OURS: ours} | ({EXISTING: Path(existing).absolute()} if existing else {})


def build_in_place(
    buildpack: Path, build: Path, cache: Path, environment: Mapping[str, str]
) -> Sample:
    """Run ``bin/compile BUILD CACHE ENV`` with no config vars."""
    env = build.with_name("env")
    env.mkdir(exist_ok=True)
    cache.mkdir(exist_ok=True)
    command = [buildpack / "bin" / "compile", build, cache, env]
    return run(command, {**environment, "STACK": STACK}, build.parent)


@contextmanager
def app_directory() -> Iterator[None]:
    """Refuse to work where /app is in use, and leave no link there."""
    was_there = APP.exists()
    if was_there and any(path.name != ".heroku" for path in APP.iterdir()):
        raise SystemExit(f"{APP} isn't empty: the classic buildpack is not measured beside it.")
    try:
        yield
    finally:
        link = APP / ".heroku" / "python"
        if link.is_symlink():
            link.unlink()
            link.parent.rmdir()
        if not was_there and APP.exists():
            APP.rmdir()


def classic_table(results: Sequence[Result], titles: Mapping[str, str], sides: list[str]) -> str:
    """The Markdown table: medians with their range, and the median of the rounds' ratios."""
    references = [side for side in ("pip", *sides) if side != OURS]
    head = ("app", "scenario", "pip", *sides, *(f"/ {side}" for side in references), "CPU")
    rows = [
        (
            result.app,
            titles[result.scenario],
            *(shown(result, side) for side in ("pip", *sides)),
            *(shown_ratio(result, reference, OURS) for reference in references),
            _shown_cpu(result),
        )
        for result in results
    ]
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def _shown_cpu(result: Result) -> str:
    samples = result.samples.get(OURS, [])
    return f"{statistics.median(one.cpu for one in samples):.2f} s" if samples else "-"
