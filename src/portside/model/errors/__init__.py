"""Errors a person can act on, one root and one leaf per cause; the tree is drawn here.

::

    BuildError                     what we found, what is required, the exact fix
    ├── app.*                      the app directory itself can't be used
    ├── python_version.*           the version asked for is malformed, unknown or contradictory
    ├── interpreter.*              no interpreter could be had, or a download was wrong
    ├── dependencies.*             manifests, locks, indexes, installs that failed
    ├── steps.*                    hooks, collectstatic, commands that failed
    ├── store.*                    disk full, no permission, output in the way
    └── run.*                      boot and process failures

A leaf takes typed fields and composes its own text, so that every message reads the same way and
can be tested as data. A defect in portside is *not* a BuildError.
"""

from typing import ClassVar

DOCS = "docs/errors.md"


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
        self.summary = summary
        self.detail = detail
        self.hint = hint
        self.failure_detail = failure_detail

    @property
    def docs(self) -> str:
        """Return where the error is explained, within the repository."""
        return f"{DOCS}#{self.code.replace('::', '-').replace('_', '-')}"
