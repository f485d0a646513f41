"""Where platforms put things: caches on other disks, full or read-only ones; odd and closed paths.

The mounts are in a namespace of their own that ends with the test.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from classic import APP, ODD, PYTHON, Platform

pytestmark = [pytest.mark.network, pytest.mark.xdist_group("app-directory")]

VERSION = "python -c 'import six; print(six.__version__)'"


@contextlib.contextmanager
def mounted(script: str, *arguments: object) -> Iterator[tuple[str, ...]]:
    """Mount what a shell script mounts; yield what commands begin with to see it."""
    programs = [shutil.which(name) for name in ("unshare", "nsenter", "mount")]
    if None in programs:
        pytest.skip("needs unshare, nsenter and mount")
    holder = subprocess.Popen(
        ["unshare", "--mount", "sh", "-euc", f"{script}; echo ready; read _", "sh", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        if holder.stdout.readline() != "ready\n":
            pytest.skip(f"needs the right to mount: {holder.communicate()[1].strip()}")
        yield ("nsenter", "--target", str(holder.pid), "--mount", "--")
    finally:
        holder.communicate("end\n", timeout=30)


def seen(prefix: tuple[str, ...], *command: object) -> str:
    """Return what a command prints that sees the mounts."""
    return subprocess.run(
        [*prefix, *map(str, command)], check=True, capture_output=True, text=True
    ).stdout


def test_a_cache_on_another_file_system_also_when_that_becomes_read_only(
    own_cache: Platform,
) -> None:
    other = own_cache.root / "other"
    other.mkdir()
    script = 'mount -t tmpfs none "$1"; cp -a "$2" "$1/cache"'
    with mounted(script, other, own_cache.cache) as prefix:
        moved = own_cache.with_(cache=other / "cache", prefix=prefix)
        assert moved.app().compile().report["cache_status"] == "reused"
        assert moved.later_buildpack(VERSION) == "1.16.0"
        changed = moved.app({"requirements.txt": "iniconfig==2.0.0\n"}, name="changed")
        assert changed.compile().report["cache_status"] == "discarded"
        kept = seen(prefix, "find", moved.cache, "-printf", "%p %s %T@\n")
        seen(prefix, "mount", "-o", "remount,ro", other)
        app = moved.app(name="read only")
        done = app.call("compile", app.build, app.cache, app.env_dir)
        assert done.returncode == 0, done.stdout
        assert f"Warning: The cache directory '{app.cache}' can't be written to" in done.stdout
        assert app.later_buildpack(VERSION) == "1.16.0"
        assert seen(prefix, "find", moved.cache, "-printf", "%p %s %T@\n") == kept


def test_a_cache_that_fills_up_fails_the_build_and_is_as_good_as_before(
    own_cache: Platform,
) -> None:
    other = own_cache.root / "other"
    other.mkdir()
    # What the buildpack itself needs is there, and Python doesn't fit beside it.
    tools = own_cache.cache / "portside/tools"
    script = 'mount -t tmpfs -o size=90m none "$1"; mkdir "$1/portside"; cp -a "$2" "$1/portside/"'
    with mounted(script, other, tools) as prefix:
        app = own_cache.with_(cache=other, prefix=prefix).app()
        done = app.run().expect(1)
        assert " !     Error: The disk is full while writing Python 3.12" in done.text
        assert done.report["failure_reason"] == "store::disk-full"
        left = seen(prefix, "find", other / "portside", "-type", "f", "-printf", "%P\n")
        assert not [path for path in left.split() if path.startswith(("layers/", "staging/"))]
        seen(prefix, "mount", "-o", "remount,size=2g", other)
        assert app.app(name="again").compile().report["cache_status"] == "empty"
        assert app.app(name="third").compile().report["cache_status"] == "reused"


def test_a_full_cache_still_takes_the_report(own_cache: Platform) -> None:
    other = own_cache.root / "other"
    other.mkdir()
    # Too small for the tools, with room for a file.
    with mounted('mount -t tmpfs -o size=1m none "$1"', other) as prefix:
        app = own_cache.with_(cache=other, prefix=prefix).app()
        done = app.run().expect()
        assert f"Warning: The cache directory '{other}' is full, so nothing is kept." in done.text
        assert done.report["python_version_major"] == "3.12"
        assert done.report["total_duration"] > 0


def test_a_build_directory_of_any_name_where_app_cant_be_written_to(platform: Platform) -> None:
    hook = f"#!/bin/sh\necho hook: $({VERSION})\n"
    with mounted('mount -t tmpfs -o ro none "$1"', APP) as prefix:
        app = platform.with_(prefix=prefix).app({"bin/post_compile": hook}, name=ODD)
        assert "       hook: 1.16.0\n" in app.compile().text
        home = app.build / PYTHON
        where = "import sys; print(sys.prefix)"
        script = f'{VERSION}; printf "%s\\n" "$PYTHONHOME"; pip --version'
        assert app.later_buildpack(script).startswith(f"1.16.0\n{home}\npip ")
        # A process there, as a platform without /app would start it.
        boot = f'set -eu; . .profile.d/python.sh; . .profile.d/python.sh; exec python -c "{where}"'
        told = subprocess.run(
            [*prefix, "bash", "-c", f'cd "$HOME"; {boot}'],
            env={"PATH": os.defpath, "HOME": str(app.build), "DYNO": "run.1"},
            capture_output=True,
            text=True,
            check=True,
        )
    assert (told.stdout, told.stderr) == (f"{home}\n", "")
    assert not (APP / PYTHON).exists()


def test_where_app_leads_to_the_build_directory(platform: Platform) -> None:
    app = platform.app()
    with mounted('mount --bind "$1" "$2"', app.build, APP) as prefix:
        inside = app.with_(prefix=prefix)
        inside.compile()
        version = "python -c 'import six, sys; print(six.__version__, sys.prefix)'"
        assert inside.later_buildpack(version) == f"1.16.0 {APP / PYTHON}"


def test_where_a_directory_of_app_leads_into_the_build_directory(platform: Platform) -> None:
    app = platform.app()
    (app.build / ".heroku").mkdir()
    (APP / ".heroku").symlink_to(app.build / ".heroku")
    app.compile()
    assert not (app.build / PYTHON).is_symlink()
    assert app.later_buildpack(VERSION) == "1.16.0"


def test_what_an_earlier_build_left_and_leads_nowhere_is_no_obstacle(platform: Platform) -> None:
    app = platform.app()
    app.boot()
    (APP / PYTHON).parent.mkdir(exist_ok=True)
    (APP / PYTHON).symlink_to(platform.root / "gone")
    inside = app.with_(build=APP)
    inside.compile()
    assert inside.later_buildpack(VERSION) == "1.16.0"
