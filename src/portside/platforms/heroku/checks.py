"""What must hold of the platform and the source before a build begins."""

from collections.abc import Mapping
from pathlib import Path

from portside.model.errors.platform import (
    DuplicateBuildpackError,
    ExistingVirtualEnvironmentError,
    StackEolError,
    StackUnknownError,
)

_STACKS = ("heroku-22", "heroku-24", "heroku-26")
# It gets no updates, but the oldest interpreters were made for it.
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
