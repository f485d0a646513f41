"""Puts the finders together and chooses: the surest candidate, or none where two are equal."""

from collections.abc import Iterable

from portside.detection.start_commands.apps import Apps
from portside.detection.start_commands.candidate import WEB, WORKER, Candidate
from portside.detection.start_commands.django import find_django
from portside.detection.start_commands.paste import find_paste
from portside.detection.start_commands.programs import find_programs
from portside.detection.start_commands.scripts import find_scripts
from portside.detection.start_commands.tree import AppTree
from portside.detection.start_commands.web_apps import find_web_apps, look_around, note_unserved
from portside.detection.start_commands.workers import find_workers
from portside.model.facts import Notice, NoticeLevel, Process
from portside.model.source import Source
from portside.model.start_commands import StartCommands


def find(source: Source, requirements: frozenset[str]) -> StartCommands:
    """Return the process types that were found; see ``find_start_commands``."""
    try:
        return _find(source, requirements)
    except RecursionError:
        return StartCommands()  # a file that is nested beyond measure


def _find(source: Source, requirements: frozenset[str]) -> StartCommands:
    apps = Apps(AppTree(source))
    look_around(apps)
    web = _web(apps, requirements)
    workers = find_workers(apps)
    scripts = find_scripts(apps, has_web=bool(web or workers))
    web = web or tuple(candidate for candidate in scripts if candidate.type == WEB)
    workers = workers or tuple(candidate for candidate in scripts if candidate.type == WORKER)
    if scripts and scripts[0].type == WORKER and not web:
        workers = scripts
    chosen = [_choose(group) for group in (web, workers) if group]
    processes = tuple(one.process for one in chosen if one)
    added = tuple(dict.fromkeys(item for one in chosen if one for item in one.added))
    equal = next((_surest(g) for g in (web, workers) if g and not _choose(g)), ())
    return StartCommands(
        processes=processes,
        ambiguous=tuple(one.process for one in equal),
        added_requirements=added,
        notices=(
            *(notice for one in chosen if one for notice in one.notices),
            *_note_added(added, processes),
            *(() if web else note_unserved(apps)),
            *_note_others(web),
            *_note_equal(equal),
        ),
    )


def _web(apps: Apps, requirements: frozenset[str]) -> tuple[Candidate, ...]:
    django = find_django(apps, requirements)
    served = find_web_apps(apps, requirements)
    if django:
        served = (*django, *(one for one in served if not one.what.startswith("Django ")))
    programs = find_programs(apps, served, requirements)
    return (*served, *programs, *find_paste(apps, requirements))


def _surest(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    ordered = sorted(candidates, key=lambda one: (one.rank, one.path, one.line))
    return tuple(one for one in ordered if one.rank == ordered[0].rank)


def _choose(candidates: tuple[Candidate, ...]) -> Candidate | None:
    surest = _surest(candidates)
    return surest[0] if len(surest) == 1 else None


def _note_added(added: tuple[str, ...], processes: tuple[Process, ...]) -> tuple[Notice, ...]:
    if not added:
        return ()
    name, _, version = added[0].partition(" ")[0].partition("==")
    web = next(process for process in processes if process.type == WEB)
    return (
        Notice(
            "start::server-added",
            f"The app names no server for {web.origin}, so {name} {version} is added.",
            f"Add {name} to the app's own dependencies to choose its version.",
            NoticeLevel.NOTE,
        ),
    )


def _note_others(web: tuple[Candidate, ...]) -> tuple[Notice, ...]:
    chosen = _choose(web) if web else None
    others = [str(one.process.origin) for one in web if one is not chosen]
    if not chosen or not others:
        return ()
    return (
        Notice(
            "start::others",
            f"{chosen.process.origin} is started; there is also {', '.join(others[:3])}.",
            "Name another one in a Procfile if that is wrong.",
            NoticeLevel.NOTE,
        ),
    )


def _note_equal(equal: tuple[Candidate, ...]) -> tuple[Notice, ...]:
    if not equal:
        return ()
    kind = equal[0].type
    places = " and ".join(str(one.process.origin) for one in equal[:3])
    lines = "\n".join(f"    {kind}: {one.command}" for one in equal[:3])
    return (
        Notice(
            "start::ambiguous",
            f"{places} may each be what starts this app.",
            f"Add a file named Procfile with the right one of these lines:\n{lines}",
        ),
    )
