"""Installs an app's dependencies with uv, and with pip where uv can't do what pip does.

What installs is imported when it is first asked for: a rebuild of an unchanged app only needs
the inputs of the layer.
"""

import importlib
from typing import TYPE_CHECKING

from portside.steps.dependencies.inputs import dependency_inputs

if TYPE_CHECKING:
    from portside.steps.dependencies.distributions import list_distributions
    from portside.steps.dependencies.installation import install_dependencies
    from portside.steps.dependencies.request import DependenciesRequest, InstallOutcome

__all__ = [
    "DependenciesRequest",
    "InstallOutcome",
    "dependency_inputs",
    "install_dependencies",
    "list_distributions",
]

_MODULES = {
    "DependenciesRequest": "request",
    "InstallOutcome": "request",
    "install_dependencies": "installation",
    "list_distributions": "distributions",
}


def __getattr__(name: str) -> object:
    """Import what was left out above (PEP 562)."""
    if name in _MODULES:
        return vars(importlib.import_module(f"{__name__}.{_MODULES[name]}"))[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
