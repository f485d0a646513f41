"""Errors about what an app needs beside itself; texts only, no decisions."""

from typing import ClassVar

from portside.model.errors import BuildError
from portside.model.python_version import Origin


class SourceRootInvalidError(BuildError):
    """The source root isn't a directory that holds the app."""

    code: ClassVar[str] = "source-root::invalid"

    def __init__(self, *, root: str, origin: Origin, app: str, cause: str) -> None:
        """Take the root, where it is set, the app's directory and what is wrong."""
        super().__init__(
            f"The source root '{root}' can't be that of this app.",
            detail=f"It is set in {origin}. {cause}\nThe app is {app}",
            hint="Give a directory above the app. In a file it is relative to the app, else to\n"
            "the working directory.",
            failure_detail=root,
        )


class SourceRootNeededError(BuildError):
    """The app's dependencies name something outside its directory."""

    code: ClassVar[str] = "source-root::needed"

    def __init__(self, *, path: str, named_in: str, root: str, command: str) -> None:
        """Take the path, where it is named, a root as seen from the app, and a command with it."""
        super().__init__(
            f"'{path}' is outside the app's directory.",
            detail=f"It is named in {named_in}. Without a source root an app is its directory "
            "alone.",
            hint=f"Say which directory holds both:\n    {command}\n"
            f'or write root = "{root}" in portside.toml, or below [tool.portside].',
            failure_detail=path,
        )


class WorkspaceRootNeededError(BuildError):
    """The app is a member of a uv workspace, and only the member was given."""

    code: ClassVar[str] = "source-root::needed"

    def __init__(self, *, workspace: str, command: str) -> None:
        """Take where the workspace is, and the command that builds the app as its member."""
        super().__init__(
            f"The app is a member of the uv workspace in '{workspace}'.",
            detail="Its pyproject.toml takes dependencies from [tool.uv.sources], and the uv.lock "
            "that pins\nthem is the workspace's.",
            hint=f"Give the workspace as the source root:\n    {command}\n"
            f'or write root = "{workspace}" in portside.toml, or below [tool.portside].',
            failure_detail=workspace,
        )


class OutsideSourceRootError(BuildError):
    """The app's dependencies name something outside the source root."""

    code: ClassVar[str] = "source-root::outside"

    def __init__(self, *, path: str, named_in: str, root: str) -> None:
        """Take the path, where it is named, and the root."""
        super().__init__(
            f"'{path}' leads out of the source root.",
            detail=f"It is named in {named_in}, and the source root is\n    {root}",
            hint="Give a directory further up as the source root, or move what is named into it.",
            failure_detail=path,
        )


class NothingThereError(BuildError):
    """The app's dependencies name something in the source root that isn't there."""

    code: ClassVar[str] = "source-root::nothing-there"

    def __init__(self, *, path: str, named_in: str) -> None:
        """Take the path, relative to the app, and where it is named."""
        super().__init__(
            f"There is nothing at '{path}'.",
            detail=f"It is named in {named_in}.",
            hint="Correct the path, which is relative to the app's directory, or add what is "
            "missing.",
            failure_detail=path,
        )
