"""Builds killed while something is made that takes long: the next build is none the worse."""

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from mirror import VERSION, Server, catalog
from workshop import Workshop, descendants, is_running, launch, wait_for, write


@pytest.fixture
def mirrored(server: Server, archive: bytes, tmp_path: Path) -> Workshop:
    """A workshop whose store is empty and whose catalog is on this machine."""
    server.files["/python.tar.gz"] = archive
    sha256 = hashlib.sha256(archive).hexdigest()
    path = catalog(tmp_path, server.url("/python.tar.gz"), sha256)
    workshop = Workshop(tmp_path, tmp_path / "cache")
    return workshop.setting(UV_PYTHON_DOWNLOADS_JSON_URL=str(path))


def kill_when(process: "subprocess.Popen[bytes]", condition: Callable[[], bool]) -> list[int]:
    """Kill portside itself, and return what it leaves running: nothing can end that."""
    assert wait_for(condition, 120)
    left = descendants(process.pid)
    assert process.poll() is None
    process.kill()
    process.wait()
    assert process.stderr is not None
    process.stderr.close()
    return left


def wait_for_the_end_of(processes: list[int]) -> None:
    assert wait_for(lambda: not any(map(is_running, processes)), 120)


def commands(process: "subprocess.Popen[bytes]") -> str:
    """Return the command lines of all that a process has started."""
    lines = []
    for pid in descendants(process.pid):
        try:
            lines.append(Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(lines).replace("\0", " ")


def assert_builds_cleanly(workshop: Workshop, app: Path) -> None:
    """Build with an interpreter that has to be obtained; nothing may lie about afterwards."""
    assert_builds(workshop, app)
    assert [path.name for path in (workshop.cache / "staging").iterdir()] == []


def assert_builds(workshop: Workshop, app: Path) -> None:
    slug = workshop.root / "slug"
    built = workshop.build(app, slug).expect()
    assert f"Using Python {VERSION}, downloaded from 127.0.0.1" in built.err
    version = launch(slug, "--", "python", "-V").expect().out
    assert version == f"Python {VERSION}\n"
    layers = list((workshop.cache / "layers/python").iterdir())
    assert len([path for path in layers if (path / "manifest.json").exists()]) == len(layers) == 1


def test_a_build_killed_while_an_interpreter_is_downloaded(
    mirrored: Workshop, server: Server
) -> None:
    app = mirrored.app()
    server.hanging.add("/python.tar.gz")
    process = mirrored.start("build", app, "-o", f"dir:{mirrored.root / 'slug'}")
    staging = mirrored.cache / "staging"

    def is_under_way() -> bool:
        return bool(server.requests) and any(path.is_file() for path in staging.rglob("*.py"))

    left = kill_when(process, is_under_way)
    server.hanging.clear()
    server.closing.set()
    wait_for_the_end_of(left)
    assert not (mirrored.root / "slug").exists()
    assert_builds_cleanly(mirrored, app)


def test_a_build_killed_while_an_interpreter_is_compiled(mirrored: Workshop) -> None:
    app = mirrored.app()
    process = mirrored.start("build", app, "-o", f"dir:{mirrored.root / 'slug'}")
    kill_when(process, lambda: "compile_worker" in commands(process))
    [unfinished] = (mirrored.cache / "layers" / "python").iterdir()
    assert [path.name for path in unfinished.iterdir()] == ["tree"]
    assert not (mirrored.root / "slug").exists()
    # At once, while what was left running may still be at its last module: that one file stays
    # in the staging area until it is certain that nobody owns it.
    assert_builds(mirrored, app)


def test_a_build_killed_while_an_archive_is_published_leaves_the_old_one(
    own_store: Workshop,
) -> None:
    app = own_store.app()
    archive = own_store.root / "out/app.tar.zst"
    own_store.portside("build", app, "-o", f"slug:{archive}").expect()
    old = archive.read_bytes()
    write(app / "value.py", "print('new')\n")

    def is_under_way() -> bool:
        staged = [path for path in archive.parent.rglob("*") if path != archive]
        return any(path.is_file() and path.stat().st_size > 1 << 20 for path in staged)

    process = own_store.start("build", app, "-o", f"slug:{archive}")
    wait_for_the_end_of(kill_when(process, is_under_way))
    assert archive.read_bytes() == old
    assert len(list(archive.parent.iterdir())) > 1
    own_store.portside("build", app, "-o", f"slug:{archive}").expect()
    assert [path.name for path in archive.parent.iterdir()] == [archive.name]
    assert archive.read_bytes() != old
    own_store.portside("inspect", archive).expect()
