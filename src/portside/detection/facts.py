"""Puts all that detection finds together: Source and what the last build left → Facts."""

import shlex
from collections.abc import Callable
from itertools import islice

from msgspec.structs import replace

from portside.detection.app_json import read_app_json
from portside.detection.django import (
    DISABLING_FILE,
    find_manage_pys,
    narrow_manage_pys,
    note_several,
)
from portside.detection.excludes import read_excludes
from portside.detection.kept import without_excluded
from portside.detection.package_managers import detect_dependencies
from portside.detection.procfile import read_processes
from portside.detection.python_version import detect_python_version
from portside.detection.settings import read_settings
from portside.model.app_json import AppJson
from portside.model.errors.app import ExistingPythonError
from portside.model.errors.app_json import on_one_line
from portside.model.facts import (
    DependencySource,
    Facts,
    Notice,
    NoticeLevel,
    PackageManager,
    Process,
)
from portside.model.policy import PythonPolicy
from portside.model.settings import Given, Settings
from portside.model.source import Source
from portside.model.start_commands import StartCommands

PRE_COMPILE = "bin/pre_compile"
POST_COMPILE = "bin/post_compile"
_WEB = "web"
_SHOWN = 3


def detect(
    source: Source,
    *,
    read_cached: Callable[[], str | None],
    policy: PythonPolicy,
    given: Given | None = None,
    finds_start: bool = True,
) -> Facts:
    """Return the facts about an app.

    ``read_cached`` returns the Python of the last build, where nothing in the app says which.
    ``finds_start`` asks for what platforms see to themselves: how to start an app whose Procfile
    doesn't say it, and what its app.json tells. Raises the ``BuildError`` of the first file that is
    malformed or contradicts another.
    """
    if source.is_dir(".heroku/python"):
        raise ExistingPythonError
    settings = read_settings(source, given or Given())
    app_json = (read_app_json(source) if finds_start else None) or AppJson()
    dependencies = detect_dependencies(source, settings=settings)
    python, constraints, notices = detect_python_version(
        source,
        read_cached=read_cached,
        policy=policy,
        dependencies=dependencies,
    )
    processes = read_processes(source)
    excludes = read_excludes(source, settings)
    # A Procfile may start what its author installs in another way.
    apart = _members_apart(source, dependencies) if finds_start and not processes else ()
    kept = without_excluded(source, (*excludes, *(f"/{place}/" for place in apart)))
    start = StartCommands()
    if finds_start and not any(process.type == _WEB for process in processes):
        start = _find_start(kept, source, dependencies)
    if not processes:
        dependencies = replace(dependencies, added=start.added_requirements)
    process_notices = _process_notices(processes, start)
    processes = processes or start.processes
    if apart and not processes:
        process_notices = (*process_notices, _note_apart(apart))
    manage_pys = narrow_manage_pys(kept, processes) if finds_start else _first_manage_py(kept)
    return Facts(
        app_name=source.name,
        python=python,
        python_constraints=constraints,
        dependencies=dependencies,
        manage_py=manage_pys[0] if len(manage_pys) == 1 else None,
        pre_compile_hook=_hook(kept, PRE_COMPILE),
        post_compile_hook=_hook(kept, POST_COMPILE),
        processes=processes,
        settings=settings,
        excludes=excludes,
        config_vars=app_json.config_vars,
        notices=(
            *notices,
            *dependencies.notices,
            *process_notices,
            *_manage_py_notices(source, settings, manage_pys),
            *_unused_of(app_json),
        ),
    )


def _first_manage_py(source: Source) -> tuple[str, ...]:
    """Return the ``manage.py`` that platforms take: the first that there is."""
    return tuple(islice(find_manage_pys(source), 1))


def _members_apart(source: Source, dependencies: DependencySource) -> tuple[str, ...]:
    if dependencies.manager is not PackageManager.UV:
        return ()
    from portside.detection.package_managers.uv import (  # noqa: PLC0415 (start-up time)
        members_apart,
    )

    return members_apart(source, dependencies)


def _note_apart(members: tuple[str, ...]) -> Notice:
    shown = ", ".join(members[:_SHOWN]) + (", …" if len(members) > _SHOWN else "")
    commands = (f"portside build {shlex.quote(one)} --source-root ." for one in members[:_SHOWN])
    lines = "".join(f"\n    {command}" for command in commands)
    return Notice(
        "start::members-apart",
        f"The workspace's root doesn't need its members {shown}: they aren't installed with it.",
        f"Build the one that is the app, from the root:{lines}",
    )


def _hook(source: Source, path: str) -> str | None:
    return path if source.is_file(path) else None


def _find_start(kept: Source, source: Source, dependencies: DependencySource) -> StartCommands:
    """Return what starts the app: files that are kept, by distributions that it asks for."""
    from portside.detection.direct_requirements import (  # noqa: PLC0415 (start-up time)
        requested_distributions,
    )
    from portside.detection.start_commands import (  # noqa: PLC0415 (start-up time)
        find_start_commands,
    )

    return find_start_commands(kept, requested_distributions(source, dependencies))


def _process_notices(processes: tuple[Process, ...], start: StartCommands) -> tuple[Notice, ...]:
    if processes:
        return _without_web(start)
    if start.processes or start.notices:
        return start.notices
    return (
        Notice(
            "procfile::missing",
            "There is no Procfile, and nothing was found that says how to start this app.",
            "Add a file named Procfile with a line such as:\n"
            "    web: gunicorn app:app --bind 0.0.0.0:$PORT",
        ),
    )


def _manage_py_notices(
    source: Source, settings: Settings, manage_pys: tuple[str, ...]
) -> tuple[Notice, ...]:
    is_off = not settings.is_on("collectstatic") or source.is_file(DISABLING_FILE)
    return (note_several(manage_pys),) if len(manage_pys) > 1 and not is_off else ()


def _without_web(start: StartCommands) -> tuple[Notice, ...]:
    """Return a note on the web process that a Procfile leaves out; it may well mean to."""
    found = next((process for process in start.processes if process.type == _WEB), None)
    if found is None:
        return ()
    return (
        Notice(
            "procfile::no-web",
            f"The Procfile has no process type web, but there is {found.origin}.",
            f"If the app serves HTTP, add a line to it such as:\n    web: {found.command}",
            NoticeLevel.NOTE,
        ),
    )


def _unused_of(app_json: AppJson) -> tuple[Notice, ...]:
    """Return a note on what app.json has for platforms alone."""
    if not app_json.unused:
        return ()
    hint = "Add-ons, buildpacks and the variables that lead programs elsewhere are a platform's."
    if app_json.postdeploy:
        command = f"portside run . -- {on_one_line(app_json.postdeploy)}"
        hint = f"To run the script for after the first deploy:\n    {command}"
    return (
        Notice(
            "app-json::unused",
            f"Of app.json, nothing is done about: {', '.join(app_json.unused)}.",
            hint,
            NoticeLevel.NOTE,
        ),
    )
