"""Errors of Django's collectstatic, by cause."""

from typing import ClassVar

from portside.model.errors import BuildError

_WAY_OUT = (
    "If the app needs no collected static files, set the config var:\n"
    "    portside build --env DISABLE_COLLECTSTATIC=1"
)


class CollectStaticError(BuildError):
    """``collectstatic`` failed for a reason of its own."""

    code: ClassVar[str] = "collectstatic-other"
    found: ClassVar[str] = "Its output is above."
    hint_text: ClassVar[str] = f"Fix that and build again. {_WAY_OUT}"

    def __init__(self, *, manage_py: str, last_line: str) -> None:
        """Take manage.py's path in the app and the last line of the output."""
        super().__init__(
            f"'python {manage_py} collectstatic --noinput' failed.",
            detail=f"{self.found}\nThe last line was:\n    {last_line}",
            hint=self.hint_text,
            failure_detail=last_line,
        )


class CollectStaticSyntaxError(CollectStaticError):
    """The app has a syntax error for this Python."""

    code: ClassVar[str] = "collectstatic-syntax-error"
    found: ClassVar[str] = "A file of the app isn't valid for the Python that was chosen."
    hint_text: ClassVar[str] = (
        "Fix the line that the output above names, or choose another Python in .python-version:\n"
        "    echo 3.12 > .python-version"
    )


class CollectStaticSettingsError(CollectStaticError):
    """Django's settings are incomplete, or a config var they need is missing."""

    code: ClassVar[str] = "collectstatic-improper-configuration"
    found: ClassVar[str] = "Django's settings are incomplete in the build's environment."
    hint_text: ClassVar[str] = (
        "Set what the last line names: in the settings, or as a config var that they read:\n"
        f"    portside build --env NAME=VALUE\n{_WAY_OUT}"
    )


class CollectStaticReferenceError(CollectStaticError):
    """A static file refers to another that isn't there."""

    code: ClassVar[str] = "collectstatic-fancy-references"
    found: ClassVar[str] = "A static file refers to a file that isn't there."
    hint_text: ClassVar[str] = (
        "Add the missing file, or correct the reference in the CSS or JavaScript file that names "
        f"it.\n{_WAY_OUT}"
    )


class CollectStaticMissingFileError(CollectStaticError):
    """A directory or file named in the settings isn't there."""

    code: ClassVar[str] = "collectstatic-missing-file"
    found: ClassVar[str] = "A file or directory named in the settings isn't there."
    hint_text: ClassVar[str] = (
        "Add it to your repository, or correct the settings. Git keeps no empty directories:\n"
        f"put a file such as .gitkeep into one that has to be there.\n{_WAY_OUT}"
    )
