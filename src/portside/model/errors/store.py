"""Errors of places on disk: the store, and where an artifact is to go."""

from typing import ClassVar

from portside.model.errors import BuildError


class DiskFullError(BuildError):
    """No space (or quota) left where something had to be written."""

    code: ClassVar[str] = "store::disk-full"

    def __init__(self, *, path: str, needed: str = "") -> None:
        """Take the directory being written and, where known, what was being written."""
        what = f" while writing {needed}" if needed else ""
        super().__init__(
            f"The disk is full{what}.",
            detail=f"No space is left for '{path}'. Nothing that was built before is lost.",
            hint="Free some space, or let portside do it:\n"
            "    portside cache prune\n"
            "or build with the cache elsewhere: portside build --cache-dir DIR\n"
            "On a platform, purge the app's build cache.",
            failure_detail=path,
        )


class CopyFailedError(BuildError):
    """A file can't be read, or isn't what it was when the build looked at it first."""

    code: ClassVar[str] = "store::copy-failed"

    def __init__(self, *, path: str, cause: str = "") -> None:
        """Take the file and the operating system's reason, "" where the file has changed."""
        why = f"The operating system says: {cause}." if cause else "It changed in the meantime."
        super().__init__(
            f"'{path}' can't be copied.",
            detail=why,
            hint="Build again; what is missing in the store is made anew. Don't clear the store\n"
            "during a build.",
            failure_detail=path,
        )
        self.path = path
        self.cause = cause


class NotWritableError(BuildError):
    """A directory that portside must write to can't be written."""

    code: ClassVar[str] = "store::not-writable"

    def __init__(self, *, path: str, cause: str) -> None:
        """Take the directory and the operating system's reason."""
        super().__init__(
            f"portside can't write to '{path}'.",
            detail=f"The operating system says: {cause}.",
            hint="Make it writable, or name another place:\n"
            "    portside build --cache-dir DIR -o dir:PATH",
            failure_detail=path,
        )


class OutputInTheWayError(BuildError):
    """The place given for the slug holds something that portside didn't make."""

    code: ClassVar[str] = "output::in-the-way"

    def __init__(self, *, path: str) -> None:
        """Take the path given with ``-o dir:``."""
        super().__init__(
            f"'{path}' exists and isn't a slug, so it was left alone.",
            detail="Only an empty directory or an earlier slug is replaced.",
            hint="Name another path, or remove it yourself:\n"
            f"    portside build -o dir:{path.rstrip('/')}-slug",
            failure_detail=path,
        )


class ArchiveInTheWayError(BuildError):
    """The place given for an archive holds something that isn't a file."""

    code: ClassVar[str] = "output::archive-in-the-way"

    def __init__(self, *, path: str) -> None:
        """Take the path given with ``-o slug:``."""
        super().__init__(
            f"'{path}' exists and isn't a file, so it was left alone.",
            detail="An archive replaces nothing but a file.",
            hint="Name another path, such as:\n    portside build -o slug:app.tar.gz",
            failure_detail=path,
        )


class OutputsOverlapError(BuildError):
    """A slug would replace a directory that holds the app, or another target of the build."""

    code: ClassVar[str] = "output::overlap"
    exit_code: ClassVar[int] = 2

    def __init__(self, *, outer: str, inner: str) -> None:
        """Take the slug's directory and the path within it."""
        super().__init__(
            f"A slug at '{outer}' would swallow '{inner}'.",
            detail="A slug is replaced as a whole, with everything in its directory.",
            hint="Give each target a place of its own, outside of the slug, such as:\n"
            "    portside build -o dir:out/slug -o slug:out/app.tar.gz",
            failure_detail=inner,
        )


class StreamNotWritableError(BuildError):
    """The standard output or standard error can't be written."""

    code: ClassVar[str] = "output::stream"

    def __init__(self, *, stream: str, cause: str) -> None:
        """Take the stream's name and the operating system's reason."""
        super().__init__(
            f"portside can't write its {stream}.",
            detail=f"The operating system says: {cause}.",
            hint="Send it to a place that can take it: free some space, or name another file.",
            failure_detail=stream,
        )


class WorkingDirectoryGoneError(BuildError):
    """A relative path was given in a working directory that was removed."""

    code: ClassVar[str] = "output::no-working-directory"

    def __init__(self, *, path: str) -> None:
        """Take the path as given."""
        super().__init__(
            f"'{path}' means nothing here: the working directory is gone.",
            detail="The directory that this command was started in was removed or replaced.",
            hint="Go to one that is there, or give the path from the root on:\n    cd ~",
            failure_detail=path,
        )


class OutputTargetError(BuildError):
    """A target given with ``-o`` isn't one that can be built."""

    code: ClassVar[str] = "output::unknown-target"
    exit_code: ClassVar[int] = 2

    def __init__(self, *, target: str) -> None:
        """Take the target as given."""
        super().__init__(
            f"'{target}' isn't a target that portside can build.",
            detail="A target is dir:PATH, slug:FILE.tar.gz or slug:FILE.tar.zst (an archive).",
            hint="Name one of those, such as:\n    portside build -o dir:slug",
            failure_detail=target,
        )
