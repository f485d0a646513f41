"""Errors a person can act on, one root and one leaf per cause; the tree is drawn here.

::

    BuildError                     what we found, what is required, the exact fix
    ├── app.*                      the app directory itself can't be used
    ├── python_version.*           the version asked for is malformed, unknown or contradictory
    ├── interpreter.*              no interpreter could be had, or a download was wrong
    ├── dependencies.*             manifests, locks, indexes, installs that failed
    ├── platform.*                 what a platform gives: stack, config vars, other buildpacks
    ├── steps.*                    hooks, collectstatic, commands that failed
    ├── store.*                    disk full, no permission, output in the way
    ├── run.*                      boot and process failures
    └── export.*                   what can't be written for another supervisor

A leaf takes typed fields and composes its own text, so that every message reads the same way and
can be tested as data. A defect in portside is *not* a BuildError.
"""

from typing import ClassVar

DOCS = "docs/errors.md"
# What a binary file in place of a text would show, and what would steer the reader's terminal.
_LONGEST_LINE = 1000
_CONTROLS = {
    code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"
}


class BuildError(Exception):
    """A failure with a cause and a fix.

    ``summary`` is one line, ``detail`` says what was found (several lines at most), ``hint`` is
    the exact fix, ``failure_detail`` the plain offending value for the report.
    """

    code: ClassVar[str] = "build"
    exit_code: ClassVar[int] = 1

    def __init__(
        self, summary: str, *, detail: str = "", hint: str = "", failure_detail: str = ""
    ) -> None:
        """Compose the error from its texts."""
        super().__init__(summary)
        self.summary = _shown(summary)
        self.detail = _shown(detail)
        self.hint = _shown(hint)
        self.failure_detail = failure_detail

    @property
    def failure_reason(self) -> str:
        """Return the name under which reports and events have this error."""
        return self.code

    @property
    def docs(self) -> str:
        """Return where the error is explained, within the repository."""
        return f"{DOCS}#{self.code.replace('::', '-').replace('_', '-')}"


def _shown(text: str) -> str:
    """Return ``text`` fit to be read: control characters escaped, overlong lines cut."""
    lines = text.translate(_CONTROLS).split("\n")
    return "\n".join(
        f"{line[:_LONGEST_LINE]}…" if len(line) > _LONGEST_LINE else line for line in lines
    )
