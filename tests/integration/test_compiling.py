"""Bytecode that can't be made to the end: nobody takes what there is for all of it."""

import sys
from contextlib import suppress
from pathlib import Path

import pytest

from portside.effects.bytecode import compile_sources, provide_bytecode
from portside.effects.process import ProcessRunner
from portside.effects.store import StoredLayer
from portside.model.errors.dependencies import InstallFailedError
from portside.model.errors.store import DiskFullError
from portside.model.interpreter import Interpreter
from portside.model.layers import LayerKey
from portside.model.python_version import PythonVersion
from portside.steps.interpreter import ProvidedInterpreter

RUNNER = ProcessRunner()


def interpreter(root: Path, program: str) -> Interpreter:
    version = PythonVersion(*sys.version_info[:3])
    found = Interpreter(version, root, "here", LayerKey("python", ()))
    found.executable.parent.mkdir(parents=True)
    found.executable.write_text(f"#!/bin/sh\n{program}\n")
    found.executable.chmod(0o755)
    return found


def test_a_full_disk_is_told(small_disk: Path, tmp_path: Path) -> None:
    (small_disk / "module.py").write_text("value = " + repr("x" * 5000))
    with suppress(OSError), (small_disk / "ballast").open("wb", buffering=0) as ballast:
        while ballast.write(bytes(4096)):
            pass
    with pytest.raises(OSError, match="No space left on device"):
        compile_sources(["module.py"], small_disk, Path(sys.executable), RUNNER, tmp_path)


def test_what_was_killed_while_it_compiled_is_compiled_again(tmp_path: Path) -> None:
    killed = interpreter(tmp_path / "killed", "kill -9 $$")
    sound = interpreter(tmp_path / "sound", f'exec {sys.executable} "$@"')
    for number, python in enumerate((killed, sound, sound)):
        tree = tmp_path / str(number)
        site = tree / python.site_packages
        info = site / "crane-1.0.dist-info"
        info.mkdir(parents=True)
        (site / "crane.py").write_text("VERSION = 1")
        (info / "RECORD").write_text("crane.py,,\n")
        shelf = tmp_path / "shelf"
        outcome = provide_bytecode(tree, python, shelf, RUNNER, tmp_path)
        assert outcome.reused == (1 if number == 2 else 0)
        assert len([*site.glob("__pycache__/*.pyc")]) == min(number, 1)


def test_a_layer_that_failed_is_told_rather_than_what_failed_by_it(tmp_path: Path) -> None:
    def layer() -> StoredLayer:
        raise DiskFullError(path="store")

    python = interpreter(tmp_path, "")
    failed = InstallFailedError(manager="pip", exit_status=1, cause="no module 'os'", fix="")
    with pytest.raises(DiskFullError), ProvidedInterpreter(python, layer).in_use():
        raise failed
