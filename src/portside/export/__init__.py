"""What runs a slug elsewhere: units of systemd, a Compose file, manifests of Kubernetes; pure.

One module for each, with the same protocol: ``export(target) -> files``.
"""

import importlib
from typing import Protocol, cast

from portside.export.target import File, Target

FORMATS = ("systemd", "compose", "kubernetes")


class ExportModule(Protocol):
    """What the module of each format offers."""

    def export(self, target: Target) -> tuple[File, ...]:
        """Return the files that run ``target``."""
        ...


def export(form: str, target: Target) -> tuple[File, ...]:
    """Return the files that run ``target`` in one of ``FORMATS``."""
    module = cast("ExportModule", importlib.import_module(f"{__name__}.{form}"))
    return module.export(target)
