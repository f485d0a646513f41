"""Makes the tree of an interpreter one that works wherever it is moved.

Nothing is changed in place: what is rewritten is written anew and renamed. Bytecode is the
business of ``bytecode``, which has to come afterwards.
"""

from pathlib import Path

from portside.effects.files import disk_errors
from portside.effects.interpreters.build_settings import rewrite_build_settings
from portside.effects.interpreters.pruning import prune
from portside.effects.interpreters.run_paths import rewrite_run_paths
from portside.effects.interpreters.system_layout import undo_system_layout
from portside.effects.interpreters.tree import link_programs, make_site_packages
from portside.effects.process import ProcessRunner
from portside.model.python_version import PythonVersion


def make_relocatable(root: Path, version: PythonVersion, runner: ProcessRunner) -> None:
    """Make the tree of a copied or downloaded interpreter independent of where it is.

    Raises ``RelocationError``, ``CouldNotStartError`` (of patchelf), ``OSError`` and the errors of
    ``files.disk_errors``.
    """
    with disk_errors(root, f"Python {version}"):
        prune(root, version)
        make_site_packages(root, version)
        link_programs(root / "bin", version)
        rewrite_run_paths(root, version, runner)
        rewrite_build_settings(root, version)
        undo_system_layout(root / "lib" / f"python{version.series}")
