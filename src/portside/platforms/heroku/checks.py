"""What must hold of the platform and the source before a build begins."""

from collections.abc import Mapping
from pathlib import Path

from portside.model.errors.platform import (
    DuplicateBuildpackError,
    ExistingVirtualEnvironmentError,
    StackEolError,
    StackUnknownError,
)
from portside.model.facts import Notice

_STACKS = ("heroku-22", "heroku-24", "heroku-26")
# Python 3.8 was supported there, so that apps which are still on it can be built.
_DEPRECATED = ("heroku-20",)
_ENDED = ("cedar", "cedar-14", "heroku-16", "heroku-18")
_ENVIRONMENTS = (".venv", "venv")


def check_stack(stack: str | None) -> str:
    """Return the stack's name, "" where the platform names none.

    Raises ``StackEolError`` and ``StackUnknownError``.
    """
    if stack in _ENDED:
        raise StackEolError(stack=str(stack), newest=_STACKS[-2])
    if stack and stack not in (*_STACKS, *_DEPRECATED):
        raise StackUnknownError(stack=stack, known=_STACKS)
    return stack or ""


def note_stack(stack: str) -> Notice | None:
    """Return what is to be said of a stack that builds but shouldn't be used any more."""
    if stack not in _DEPRECATED:
        return None
    return Notice(
        "stack::deprecated",
        f"The stack {stack} is at its end of life and gets no security updates.",
        f"The app still builds. Move it to {_STACKS[-2]}: heroku stack:set {_STACKS[-2]}",
    )


def check_duplicate(environ: Mapping[str, str]) -> None:
    """Raise ``DuplicateBuildpackError`` where an earlier buildpack exported its Python."""
    home = environ.get("PYTHONHOME")
    if home and (Path(home) / "bin" / "python").exists():
        raise DuplicateBuildpackError(python_home=home)


def check_source(build: Path) -> None:
    """Raise ``ExistingVirtualEnvironmentError`` where the source holds a virtual environment."""
    for name in _ENVIRONMENTS:
        if (build / name / "pyvenv.cfg").is_file():
            raise ExistingVirtualEnvironmentError(directory=name)
