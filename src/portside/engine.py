"""Builds an app: prepares, and constructs a slug unless the last one is what would come out.

All of it is told as events. What constructing needs is imported only when something is built:
an unchanged rebuild should cost no more than finding out that it is one.
"""

import time
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from portside.effects.files import common_modes
from portside.effects.process import ProcessRunner
from portside.effects.toolbox import Toolbox
from portside.model.errors import BuildError
from portside.model.events import (
    BuildFailed,
    BuildFinished,
    BuildStarted,
    Emit,
    Noticed,
    Outcome,
    StepFinished,
    StepStarted,
)
from portside.packing.slug import check_archive, check_overlap, check_target
from portside.preparation import BuildRequest, place_of, prepare

_REUSED_STEPS = ("app", "python", "dependencies", "slug")


class BuildResult(Struct, frozen=True):
    """What a build handed out: ``slug`` is where the slug is, ``artifacts`` are all there are."""

    slug: Path
    artifacts: tuple[Path, ...]
    unchanged: bool


def build(request: BuildRequest, tools: Toolbox, emit: Emit) -> BuildResult:
    """Build an app and return what was made.

    Raises ``BuildError``; the event that says so has been emitted then, and the last slug is
    what it was.
    """
    started = time.monotonic()
    emit(BuildStarted(_name_of(request.app), str(request.app)))
    try:
        with tools.store.in_use():
            result = _build(request, tools, emit, started)
    except BuildError as error:
        duration = time.monotonic() - started
        emit(BuildFailed(error.failure_reason, error.summary, error.detail, error.hint, duration))
        raise
    artifacts = tuple(map(str, result.artifacts))
    emit(BuildFinished(artifacts, result.unchanged, time.monotonic() - started))
    return result


def _name_of(app: Path) -> str:
    """Return what to call an app that wasn't looked at yet and may not be there."""
    try:
        return app.resolve().name
    except (OSError, RuntimeError):
        # A loop of links, or a working directory that was removed.
        return app.name


def _build(request: BuildRequest, tools: Toolbox, emit: Emit, started: float) -> BuildResult:
    for directory in request.directories:
        check_target(directory)
    for archive in request.archives:
        check_archive(archive)
    prepared = prepare(request, tools)
    if generated := prepared.request.generated:
        redact = tools.runner.redact.beside(generated.values())
        tools = replace(tools, runner=ProcessRunner(redact))
    others = (prepared.source.root, *request.directories, *request.archives)
    check_overlap(request.directories, others)
    for notice in prepared.facts.notices:
        emit(Noticed(notice))
    unchanged = prepared.plan.unchanged
    if unchanged:
        for step in _REUSED_STEPS:
            emit(StepFinished(step, Outcome.REUSED, "nothing changed", 0.0))
        slug = place_of(request, prepared.app_id)
    else:
        from portside.construction import Construction  # noqa: PLC0415 (see the module)

        with common_modes():
            construction = Construction(prepared.request, tools, emit, started)
            slug, unchanged = construction.run(prepared)
    others = _hand_out(request, slug, emit)
    return BuildResult(slug, (slug, *others), unchanged)


def _hand_out(request: BuildRequest, slug: Path, emit: Emit) -> tuple[Path, ...]:
    """Write what was asked for beside the slug itself."""
    others = request.directories[1:]
    if others or request.archives:
        from portside.packing.artifacts import copy_slug, write_archive  # noqa: PLC0415

        for path, write in [
            *((directory, copy_slug) for directory in others),
            *((archive, write_archive) for archive in request.archives),
        ]:
            started = time.monotonic()
            emit(StepStarted("artifact", f"Writing {path}", "it was asked for"))
            write(slug, path)
            duration = time.monotonic() - started
            emit(StepFinished("artifact", Outcome.DONE, "it was asked for", duration))
    return (*others, *request.archives)
