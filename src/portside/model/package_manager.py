"""The package managers, and how they are called."""

from enum import StrEnum


class PackageManager(StrEnum):
    """How the app sees its dependencies."""

    PIP = "pip"
    PIPENV = "pipenv"
    POETRY = "poetry"
    UV = "uv"
    PDM = "pdm"
    PYLOCK = "pylock.toml"
    PYPROJECT = "pyproject.toml"
    SETUP = "setup.py"
    SCRIPT = "inline script metadata"
    NONE = "none"

    @property
    def phrase(self) -> str:
        """Return what says after "dependencies" how they are named: a tool, or a file."""
        if self is PackageManager.NONE:
            return "(there are none)"
        return f"{'with' if self in _TOOLS else 'of'} {self.value}"

    @property
    def tool(self) -> str:
        """Return the tool that reads the app's files, as it spells itself."""
        return _TOOLS.get(self, "pip")


_TOOLS = {
    PackageManager.PIP: "pip",
    PackageManager.PIPENV: "Pipenv",
    PackageManager.POETRY: "Poetry",
    PackageManager.UV: "uv",
    PackageManager.PDM: "PDM",
}
