"""Puts all that detection finds together: Source and what the last build left → Facts."""

from portside.detection.django import find_manage_py
from portside.detection.excludes import read_excludes
from portside.detection.package_managers import detect_dependencies
from portside.detection.procfile import read_processes
from portside.detection.python_version import detect_python_version
from portside.detection.settings import read_settings
from portside.model.errors.app import ExistingPythonError
from portside.model.facts import Facts, Notice
from portside.model.policy import PythonPolicy
from portside.model.settings import Given
from portside.model.source import Source

PRE_COMPILE = "bin/pre_compile"
POST_COMPILE = "bin/post_compile"


def detect(
    source: Source, *, cached_series: str | None, policy: PythonPolicy, given: Given | None = None
) -> Facts:
    """Return the facts about an app.

    Raises the ``BuildError`` of the first file that is malformed or contradicts another.
    """
    if source.is_dir(".heroku/python"):
        raise ExistingPythonError
    settings = read_settings(source, given or Given())
    dependencies = detect_dependencies(source, settings=settings)
    python, constraints, notices = detect_python_version(
        source, cached=cached_series, policy=policy
    )
    processes = read_processes(source)
    return Facts(
        app_name=source.name,
        python=python,
        python_constraints=constraints,
        dependencies=dependencies,
        manage_py=find_manage_py(source),
        pre_compile_hook=_hook(source, PRE_COMPILE),
        post_compile_hook=_hook(source, POST_COMPILE),
        processes=processes,
        settings=settings,
        excludes=read_excludes(source, settings),
        notices=(*notices, *dependencies.notices, *_process_notices(processes)),
    )


def _hook(source: Source, path: str) -> str | None:
    return path if source.is_file(path) else None


def _process_notices(processes: tuple[object, ...]) -> tuple[Notice, ...]:
    if processes:
        return ()
    return (
        Notice(
            "procfile::missing",
            "There is no Procfile, so nothing says how to start this app.",
            "Add a file named Procfile with a line such as:\n"
            "    web: gunicorn app:app --bind 0.0.0.0:$PORT",
        ),
    )
