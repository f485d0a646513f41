"""Errors about exporting a slug; texts only, no decisions."""

from typing import ClassVar

from portside.model.errors import BuildError


class NothingToExportError(BuildError):
    """The slug has no process type that keeps running."""

    code: ClassVar[str] = "export::no-process"

    def __init__(self, *, path: str) -> None:
        """Take the slug's path."""
        super().__init__(
            f"The slug '{path}' has no process type that could be run.",
            detail="Units, services and deployments are made of process types; there is none\n"
            "besides 'release'.",
            hint="Add a line to the app's Procfile that says how to start it, and build again:\n"
            "    web: gunicorn --bind 0.0.0.0:$PORT app:app",
            failure_detail=path,
        )


class ExportInTheWayError(BuildError):
    """A file that would be written exists."""

    code: ClassVar[str] = "export::in-the-way"

    def __init__(self, *, path: str) -> None:
        """Take the file's path."""
        super().__init__(
            f"There is a file '{path}' already.",
            detail="It may have been changed by hand, so nothing was written.",
            hint="Write to another directory, or replace what is there:\n"
            "    portside export … --force",
            failure_detail=path,
        )


class ImageNeededError(BuildError):
    """Kubernetes runs images alone, and none was named."""

    code: ClassVar[str] = "export::image-needed"
    exit_code: ClassVar[int] = 2

    def __init__(self) -> None:
        """Compose the error."""
        super().__init__(
            "Kubernetes needs the name of the app's image.",
            detail="A slug alone can't be run there: each node fetches an image.",
            hint="Name the image that holds the slug, by default at /app:\n"
            "    portside export kubernetes SLUG --image registry.example.com/shop:1.0",
        )


class DirectoryNeededError(BuildError):
    """An archive is exported, and it isn't said where the slug will be unpacked."""

    code: ClassVar[str] = "export::directory-needed"
    exit_code: ClassVar[int] = 2

    def __init__(self, *, path: str) -> None:
        """Take the archive's path."""
        super().__init__(
            f"'{path}' is an archive, so it isn't known where its slug will lie.",
            detail="Units and services have the slug's path in them.",
            hint="Say where you will unpack it:\n"
            f"    portside export systemd {path} --directory /srv/shop",
            failure_detail=path,
        )


class PathNotExportableError(BuildError):
    """A path has a character that the format can't express."""

    code: ClassVar[str] = "export::path"

    def __init__(self, *, path: str) -> None:
        """Take the path."""
        super().__init__(
            f"The path '{path}' can't be written to such a file.",
            detail="It isn't absolute, or has a backslash or a control character in it.",
            hint="Move the slug, or name another place:\n"
            "    portside export … --directory /srv/shop",
            failure_detail=path,
        )
