"""`portside build` end to end: what a slug is, what a rebuild reuses, and what a build survives."""

import json
import os
import shutil
import signal
import stat
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from workshop import (
    Workshop,
    as_nobody,
    descendants,
    end,
    is_running,
    launch,
    listing,
    needs_root,
    needs_setpriv,
    python,
    regular_files,
    wait_for,
    without_privileges,
    write,
)

from sample_projects import EDITABLE_LAYOUTS, MANAGE

pytestmark = pytest.mark.network
UNCHECKED_HASH = 1
# A small distribution with a console script and no dependencies.
TABULATE = "tabulate==0.9.0\n"
PRIVATE = {
    ".env": "SECRET=1\n",
    "conf/.env": "SECRET=1\n",
    ".git/config": "[core]\n",
    ".venv/pyvenv.cfg": "home = /usr/bin\n",
    ".venv/bin/activate": "",
    "env-of-mine/pyvenv.cfg": "home = /usr/bin\n",
    "__pycache__/server.cpython-312.pyc": "stale",
}


def generation(workshop: Workshop) -> Path:
    """The current slug of the only app in a workshop's data directory."""
    (app,) = (workshop.data / "slugs").iterdir()
    return (app / "current").resolve()


def steps(events: str) -> dict[str, str]:
    """How each step of a build ended, from its JSON."""
    found = [json.loads(line)["event"] for line in events.splitlines()]
    return {e["step"]: e["outcome"] for e in found if "step" in e and "outcome" in e}


# --- What a slug is ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, shared_cache: Path
) -> tuple[Workshop, Path, Path]:
    """An app with everything that mustn't get into a slug, and its slug; both only to be read."""
    workshop = Workshop(tmp_path_factory.mktemp("finished"), shared_cache)
    app = workshop.app(files={"requirements.txt": TABULATE, "pkg/mod.py": "X = 1\n", **PRIVATE})
    write(app / "broken.py", "def (:\n")
    return workshop, app, workshop.built(app)


def test_no_file_of_the_slug_names_the_place_it_was_built_in(
    finished: tuple[Workshop, Path, Path],
) -> None:
    workshop, app, slug = finished
    places = [str(workshop.cache), str(workshop.root), str(app), "/.portside-"]
    for path in regular_files(slug):
        data = path.read_bytes()
        assert [p for p in places if p.encode() in data] == [], path
    links = [path for path in slug.rglob("*") if path.is_symlink()]
    assert links
    assert not any(path.readlink().is_absolute() for path in links)


def test_a_directory_asked_for_shares_no_file_with_the_store(
    finished: tuple[Workshop, Path, Path],
) -> None:
    _, _, slug = finished
    assert [path for path in regular_files(slug) if path.stat().st_nlink != 1] == []


def test_a_slug_portside_keeps_is_linked_to_the_store_and_cannot_write_to_it(
    workshop: Workshop,
) -> None:
    mortal = workshop.with_(prefix=without_privileges())
    app = mortal.app(files={"requirements.txt": TABULATE})
    mortal.build(app).expect()
    slug = generation(workshop)
    linked = [path for path in regular_files(slug) if path.stat().st_nlink > 1]
    assert len(linked) > 0.9 * len(regular_files(slug / ".heroku"))
    assert [path for path in linked if path.stat().st_mode & 0o222] == []
    code = "import tabulate; open(tabulate.__file__, 'a')"
    answer = launch(slug, "--", "python", "-c", code, prefix=mortal.prefix)
    assert "PermissionError" in answer.err
    mortal.build(mortal.app("other", {"requirements.txt": TABULATE})).expect()


@needs_root
def test_who_may_write_to_any_file_gets_copies(workshop: Workshop) -> None:
    workshop.build(workshop.app(files={"requirements.txt": TABULATE})).expect()
    slug = generation(workshop)
    assert [path for path in regular_files(slug) if path.stat().st_nlink != 1] == []


def test_an_archive_is_the_same_whether_its_slug_is_linked_or_copied(workshop: Workshop) -> None:
    app = workshop.app(files={"requirements.txt": TABULATE})
    linked, copied = workshop.root / "linked.tar", workshop.root / "copied.tar"
    mortal = workshop.with_(prefix=without_privileges())
    mortal.portside("build", app, "-o", f"slug:{linked}").expect()
    slug = workshop.root / "slug"
    mortal.portside("build", app, "-o", f"dir:{slug}", "-o", f"slug:{copied}").expect()
    assert linked.read_bytes() == copied.read_bytes()


def test_all_bytecode_is_hash_based_and_unchecked(finished: tuple[Workshop, Path, Path]) -> None:
    _, _, slug = finished
    compiled = [path for path in regular_files(slug) if path.suffix == ".pyc"]
    names = {path.name.split(".")[0] for path in compiled}
    assert {"server", "mod", "tabulate", "abc"} <= names or {"server", "mod"} <= names
    assert "broken" not in names
    for path in compiled:
        assert int.from_bytes(path.read_bytes()[4:8], "little") == UNCHECKED_HASH, path


def test_every_module_of_app_and_dependencies_has_bytecode(
    finished: tuple[Workshop, Path, Path],
) -> None:
    _, _, slug = finished
    site = slug / ".heroku/python/lib/python3.12/site-packages"
    for source in [slug / "server.py", slug / "pkg/mod.py", *site.glob("tabulate/*.py")]:
        assert (source.parent / f"__pycache__/{source.stem}.cpython-312.pyc").is_file(), source


def test_what_is_private_to_the_developer_is_not_in_the_slug(
    finished: tuple[Workshop, Path, Path],
) -> None:
    _, _, slug = finished
    for path in PRIVATE:
        if not path.startswith("__pycache__"):
            assert not (slug / path).exists(), path
    assert not any((slug / name).exists() for name in (".git", ".venv", "env-of-mine"))
    assert not (slug / "__pycache__/server.cpython-312.pyc").read_bytes().startswith(b"stale")


@needs_setpriv
def test_a_moved_read_only_slug_runs_for_any_user_and_writes_nothing(
    finished: tuple[Workshop, Path, Path], open_directory: Path
) -> None:
    _, _, slug = finished
    moved = open_directory / "a slug, schön verschoben ünd ☃"
    shutil.copytree(slug, moved, symlinks=True)
    subprocess.run(["chmod", "-R", "a-w", moved], check=True)
    before = listing(moved)
    who = as_nobody()
    assert "Usage" in launch(moved, "--", "tabulate", "--help", prefix=who).expect().out
    assert python(moved, "import tabulate; print(tabulate.__file__)", who).startswith(str(moved))
    assert python(moved, "import os; print(os.getuid())", who) == "65534"
    answer = serve(moved, who)
    assert answer == "200"
    assert listing(moved) == before


def serve(slug: Path, prefix: tuple[str, ...]) -> str:
    """Start the web process and return the status that it answers."""
    import socket  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [*prefix, slug / ".portside/launch", "web"],
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "PORT": str(port)},
        stderr=subprocess.DEVNULL,
    )
    status: list[str] = []

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2) as reply:
                status.append(str(reply.status))
        except OSError:
            return False
        return True

    try:
        assert wait_for(answers)
    finally:
        process.kill()
        process.wait()
    return status[0]


def test_app_files_are_copied_exactly_whatever_their_names(workshop: Workshop) -> None:
    app = workshop.app()
    names = [b"with space.txt", b"new\nline.py", b"\xff\xfe-not-utf8.py", "ünï☃.py".encode(), b"-x"]
    contents = {}
    for number, name in enumerate(names):
        path = os.path.join(os.fsencode(app), b"odd \xe9", name)  # noqa: PTH118 (bytes)
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(b"# %d\n" % number)
        os.chmod(path, 0o755 if number % 2 else 0o644)  # noqa: PTH101
        contents[name] = (b"# %d\n" % number, 0o755 if number % 2 else 0o644)
    slug = workshop.built(app)
    for name, (content, mode) in contents.items():
        path = os.path.join(os.fsencode(slug), b"odd \xe9", name)  # noqa: PTH118
        with open(path, "rb") as file:  # noqa: PTH123
            assert file.read() == content
        assert stat.S_IMODE(os.stat(path).st_mode) == mode  # noqa: PTH116
    archive = workshop.root / "odd.tar.gz"
    workshop.portside("build", app, "-o", f"slug:{archive}").expect()
    with tarfile.open(archive) as tar:
        found = {os.fsencode(name) for name in tar.getnames()}
    assert {b"odd \xe9/" + name for name in names} <= found


def test_empty_directories_and_links_within_the_app_are_kept(workshop: Workshop) -> None:
    app = workshop.app(files={"real/file.txt": "here\n"})
    (app / "empty").mkdir()
    (app / "link.txt").symlink_to("real/file.txt")
    (app / "linked").symlink_to("real")
    slug = workshop.built(app)
    assert (slug / "empty").is_dir()
    assert (slug / "link.txt").readlink() == Path("real/file.txt")
    assert (slug / "linked/file.txt").read_text() == "here\n"


def test_modes_do_not_depend_on_the_umask_of_whoever_builds(workshop: Workshop) -> None:
    app = workshop.app(files={"pkg/mod.py": "X = 1\n"})
    slug = workshop.root / "slug"
    strict = workshop.with_(prefix=("/bin/sh", "-c", 'umask 077; exec "$@"', "sh"))
    strict.build(app, slug).expect()
    for path in ["server.py", ".portside/launch.json", ".heroku/python/lib/python3.12/abc.py"]:
        assert stat.S_IMODE((slug / path).stat().st_mode) & 0o444 == 0o444, path
    for path in ["pkg", "__pycache__", ".portside", ".heroku", ".heroku/python/lib"]:
        assert stat.S_IMODE((slug / path).stat().st_mode) & 0o555 == 0o555, path


# --- Editable installs ------------------------------------------------------------------------


def editable_app(workshop: Workshop, name: str, project: str) -> Path:
    return workshop.app(
        name,
        {
            "requirements.txt": "-e .\n",
            "pyproject.toml": project,
            "src/harbour/__init__.py": "",
            "src/harbour/cli.py": "def main():\n    print('from', __file__)\n",
        },
    )


@pytest.mark.parametrize("project", EDITABLE_LAYOUTS.values(), ids=EDITABLE_LAYOUTS.keys())
def test_an_editable_install_is_found_after_a_move_and_in_a_copys_rebuild(
    workshop: Workshop, project: str
) -> None:
    first = workshop.built(editable_app(workshop, "first", project))
    moved = first.rename(workshop.root / "moved away")
    assert launch(moved, "--", "harbour").expect().out == f"from {moved}/src/harbour/cli.py\n"
    shutil.rmtree(workshop.root / "first")
    copy = editable_app(workshop, "second", project)
    second = workshop.root / "second-slug"
    rebuilt = workshop.build(copy, second, "--json").expect()
    assert steps(rebuilt.out)["dependencies"] == "reused"
    assert launch(second, "--", "harbour").expect().out == f"from {second}/src/harbour/cli.py\n"
    for path in regular_files(second):
        data = path.read_bytes()
        assert str(workshop.root).encode() not in data, path
        assert b"/.portside-" not in data, path


# --- What a rebuild reuses --------------------------------------------------------------------


def test_an_unchanged_rebuild_says_so_and_leaves_the_slug_alone(workshop: Workshop) -> None:
    app = workshop.app()
    slug = workshop.built(app)
    before = listing(slug)
    again = workshop.build(app, slug).expect()
    assert "Nothing changed" in again.err
    assert listing(slug) == before


def test_after_a_change_of_code_only_the_app_is_new(workshop: Workshop) -> None:
    app = workshop.app(files={"requirements.txt": "six\n"})
    slug = workshop.built(app)
    inode = slug.stat().st_ino
    write(app / "added.py", "print('new')\n")
    answer = workshop.build(app, slug, "--json").expect()
    assert steps(answer.out)["python"] == "reused"
    assert steps(answer.out)["dependencies"] == "reused"
    assert steps(answer.out)["app"] == "done"
    assert slug.stat().st_ino != inode
    assert python(slug, "import added, six") == "new"


def test_a_change_of_one_character_with_the_same_size_and_time_is_seen(workshop: Workshop) -> None:
    app = workshop.app(files={"value.py": "print(1)\n"})
    slug = workshop.built(app)
    status = (app / "value.py").stat()
    write(app / "value.py", "print(2)\n")
    os.utime(app / "value.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    workshop.build(app, slug).expect()
    assert python(slug, "import value") == "2"


def test_a_change_of_requirements_is_named(workshop: Workshop) -> None:
    app = workshop.app(files={"requirements.txt": "six\n"})
    slug = workshop.built(app)
    write(app / "requirements.txt", "six\nidna\n")
    answer = workshop.build(app, slug).expect()
    assert "requirements.txt changed" in answer.err
    assert python(slug, "import six, idna; print('both')") == "both"
    write(app / "requirements.txt", "idna\n")
    workshop.build(app, slug).expect()
    assert launch(slug, "--", "python", "-c", "import six").code == 1


def test_other_config_vars_make_another_slug(workshop: Workshop) -> None:
    app = workshop.app()
    slug = workshop.built(app, None, "--env", "A=1")
    inode = slug.stat().st_ino
    assert "Nothing changed" in workshop.build(app, slug, "--env", "A=1").expect().err
    assert slug.stat().st_ino == inode
    assert "Nothing changed" not in workshop.build(app, slug, "--env", "A=2").expect().err
    assert slug.stat().st_ino != inode


def test_without_a_target_the_current_slug_is_replaced_and_the_last_kept(
    workshop: Workshop,
) -> None:
    app = workshop.app()
    workshop.build(app).expect()
    first = generation(workshop)
    write(app / "added.py", "")
    workshop.build(app).expect()
    second = generation(workshop)
    assert second != first
    assert launch(first, "--", "python", "-c", "print(1)").expect().out == "1\n"
    write(app / "added.py", "X = 1\n")
    workshop.build(app).expect()
    assert not first.exists()
    assert second.exists()


def four_builds(workshop: Workshop, meddle: Callable[[Path], object]) -> tuple[Path, str]:
    """Build an app, change it, and build it again three times; return its slug and the log.

    ``meddle`` gets the slug that the last build would push out.
    """
    app = workshop.app()
    workshop.build(app).expect()
    slugs = [generation(workshop)]
    for number in range(3):
        if number == 2:
            meddle(slugs[1] / ".heroku/python")
        write(app / "added.py", f"X = {number}\n")
        answer = workshop.build(app, None, "--json").expect()
        slugs.append(generation(workshop))
    assert not slugs[0].exists()
    return slugs[3], answer.err + answer.out


def test_a_slug_takes_its_python_from_the_one_it_pushes_out(workshop: Workshop) -> None:
    inodes: list[int] = []
    slug, log = four_builds(workshop, lambda home: inodes.append(home.stat().st_ino))
    assert "taken from an old slug" in log
    assert (slug / ".heroku/python").stat().st_ino == inodes[0]
    assert python(slug, "import added; print(added.X)") == "2"


@pytest.mark.parametrize(
    "meddle",
    [
        lambda home: (home / "lib/python3.12/site-packages/intruder.py").write_text("evil"),
        lambda home: (home / "lib/python3.12/this.py").unlink(),
        lambda home: write(home / "this.py", "evil").replace(home / "lib/python3.12/this.py"),
        lambda home: (home / "bin/python").unlink(),
    ],
    ids=["added", "removed", "changed", "link removed"],
)
def test_what_was_meddled_with_is_not_taken_over(
    workshop: Workshop, meddle: Callable[[Path], object]
) -> None:
    slug, log = four_builds(workshop, meddle)
    assert "taken from an old slug" not in log
    assert not (slug / ".heroku/python/lib/python3.12/site-packages/intruder.py").exists()
    assert "evil" not in (slug / ".heroku/python/lib/python3.12/this.py").read_text()
    assert (slug / ".heroku/python/bin/python").is_symlink()


def test_another_setting_makes_another_slug(workshop: Workshop) -> None:
    app = workshop.app()
    slug = workshop.built(app, None, "--collectstatic", "false")
    assert "Nothing changed" in workshop.build(app, slug, "--collectstatic", "false").err
    assert "Nothing changed" not in workshop.build(app, slug).expect().err


def test_what_a_hook_leaves_that_is_no_file_is_in_no_archive(workshop: Workshop) -> None:
    hook = "#!/bin/sh\nmkfifo left-behind\n"
    app = workshop.app(files={"bin/post_compile": hook})
    archive, copy = workshop.root / "slug.tar", workshop.root / "copy"
    targets = ("-o", f"dir:{workshop.root / 'slug'}", "-o", f"slug:{archive}", "-o", f"dir:{copy}")
    workshop.portside("build", app, *targets).expect()
    with tarfile.open(archive) as tar:
        assert "left-behind" not in tar.getnames()
    assert not (copy / "left-behind").exists()


def test_a_generation_that_was_damaged_is_replaced(workshop: Workshop) -> None:
    app = workshop.app()
    workshop.build(app).expect()
    slug = generation(workshop)
    (slug / ".portside/slug.json").unlink()
    workshop.build(app).expect()
    assert python(generation(workshop), "print(1)") == "1"


# --- Hooks ------------------------------------------------------------------------------------


def test_what_pre_compile_writes_counts(workshop: Workshop) -> None:
    # It names no interpreter, so that a shell runs it.
    hook = (
        'echo six > "$BUILD_DIR/requirements.txt"\necho 3.12 > "$1/.python-version"\n'
        'test -d "$CACHE_DIR" && test -d "$ENV_DIR" && echo ran here\n'
    )
    app = workshop.app(files={"bin/pre_compile": hook, ".python-version": "3.11\n"})
    slug = workshop.root / "slug"
    answer = workshop.build(app, slug).expect()
    assert "ran here" in answer.err
    assert python(slug, "import six, sys; print(sys.version_info[:2])") == "(3, 12)"
    assert (app / "requirements.txt").read_text() == ""
    assert "Nothing changed" not in workshop.build(app, slug).expect().err


def test_a_failing_hook_ends_the_build_and_leaves_the_last_slug(workshop: Workshop) -> None:
    app = workshop.app(files={"bin/post_compile": "#!/bin/sh\necho fine\n"})
    slug = workshop.built(app)
    before = listing(slug)
    write(app / "bin/post_compile", "#!/bin/sh\necho it broke >&2\nexit 7\n")
    answer = workshop.build(app, slug).expect(1)
    assert "it broke" in answer.err
    assert "bin/post_compile failed with exit status 7" in answer.err
    assert listing(slug) == before


def test_a_hook_that_cannot_be_started_says_why(workshop: Workshop) -> None:
    app = workshop.app(files={"bin/post_compile": "#!/no/such/interpreter\n"})
    answer = workshop.build(app, workshop.root / "slug").expect(1)
    assert "bin/post_compile" in answer.err
    assert not (workshop.root / "slug").exists()


def test_a_hook_that_writes_into_a_dependency_alters_only_its_own_slug(workshop: Workshop) -> None:
    site = ".heroku/python/lib/python3.12"
    hook = f"""\
        #!/usr/bin/env python
        for path in ("{site}/site-packages/six.py", "{site}/this.py"):
            with open(path, "a") as file:
                file.write("\\nSPOILED = True\\n")
        """
    spoiling = workshop.app("spoiling", {"requirements.txt": "six\n", "bin/post_compile": hook})
    spoiled = workshop.built(spoiling)
    assert "SPOILED" in (spoiled / site / "site-packages/six.py").read_text()
    clean = workshop.built(workshop.app("clean", {"requirements.txt": "six\n"}))
    assert "SPOILED" not in (clean / site / "site-packages/six.py").read_text()
    assert "SPOILED" not in (clean / site / "this.py").read_text()


@pytest.mark.parametrize("json_option", [(), ("--json",)], ids=["text", "json"])
def test_secrets_of_config_vars_are_neither_shown_nor_kept(
    workshop: Workshop, json_option: tuple[str, ...]
) -> None:
    hook = "#!/bin/sh\necho token=$API_TOKEN url=$DATABASE_URL\n"
    secrets = ("tide-token-1", "tide-password-2")
    app = workshop.app(files={"bin/post_compile": hook})
    slug = workshop.root / "slug"
    config_vars = (
        *("--env", f"API_TOKEN={secrets[0]}"),
        *("--env", f"DATABASE_URL=postgres://crew:{secrets[1]}@db.example/shop"),
    )
    built = workshop.build(app, slug, *config_vars, *json_option).expect()
    # The hook did print them.
    assert "token=**** url=" in built.out + built.err
    plan = workshop.portside("plan", app, *config_vars, "--json").expect()
    kept = b"".join(path.read_bytes() for path in regular_files(slug))
    states = [*(workshop.cache / "apps").glob("*"), *workshop.data.rglob("*.json")]
    kept += b"".join(path.read_bytes() for path in states if path.is_file())
    for secret in secrets:
        assert secret not in built.out + built.err + plan.out + plan.err
        assert secret.encode() not in kept


def test_the_lines_of_a_hook_arrive_while_it_runs(workshop: Workshop) -> None:
    """The hook waits for an answer to what it printed: kept back, it would never end."""
    answer = workshop.root / "answer"
    hook = f"""\
        #!/bin/sh
        echo are you there
        for i in $(seq 300); do [ -e '{answer}' ] && exit 0; sleep 0.1; done
        exit 1
    """
    build = workshop.start("build", workshop.app(files={"bin/post_compile": hook}))
    assert build.stderr is not None
    with build, build.stderr as lines:
        for line in lines:
            if b"are you there" in line:
                answer.touch()
        assert build.wait() == 0


def test_hooks_get_config_vars_and_a_cache_that_lasts(workshop: Workshop) -> None:
    hook = """
        #!/bin/sh
        echo "[$NAME] $(cat $2/kept 2>/dev/null)"
        echo before > $2/kept
        pwd > $1/pwd
        """.lstrip()
    app = workshop.app(files={"bin/post_compile": hook})
    slug = workshop.root / "slug"
    assert "[x y]" in workshop.build(app, slug, "--env", "NAME=x y").expect().err
    assert "[x y] before" in workshop.build(app, slug, "--env", "NAME=x y").expect().err
    assert not (app / "pwd").exists()


# --- collectstatic ----------------------------------------------------------------------------

SETTINGS = """
    import os
    SECRET_KEY = "x"
    INSTALLED_APPS = ["django.contrib.staticfiles"]
    STATIC_URL = "static/"
    STATICFILES_DIRS = ["assets"]
    STATIC_ROOT = "collected"
"""


def django_app(workshop: Workshop, settings: str = SETTINGS) -> Path:
    files = {
        "requirements.txt": "django==5.2.1\n",
        "manage.py": MANAGE,
        "site_settings.py": settings,
        "assets/site.css": "body {}\n",
    }
    return workshop.app(files=files)


def test_static_files_are_collected_into_the_slug(workshop: Workshop) -> None:
    app = django_app(workshop)
    slug = workshop.built(app)
    assert (slug / "collected/site.css").is_file()
    assert not (app / "collected").exists()


FAILURES = {
    "missing config var": (
        SETTINGS.replace('"x"', 'os.environ["SECRET_KEY"]'),
        "collectstatic-improper-configuration",
    ),
    "syntax error": ("SECRET_KEY = (\n", "collectstatic-syntax-error"),
    "missing directory": (
        SETTINGS.replace('"collected"', '"/proc/nowhere/collected"'),
        "collectstatic-missing-file",
    ),
    "other": (f"{SETTINGS}\n    raise RuntimeError('mine')\n", "collectstatic-other"),
}


@pytest.mark.parametrize(("settings", "code"), FAILURES.values(), ids=FAILURES.keys())
def test_why_collectstatic_failed_is_told(workshop: Workshop, settings: str, code: str) -> None:
    slug = workshop.root / "slug"
    answer = workshop.build(django_app(workshop, settings), slug, "--json")
    assert answer.code == 1, answer.err
    failed = json.loads(answer.out.splitlines()[-1])["event"]
    assert failed["code"] == code
    assert failed["hint"]
    assert not slug.exists()


def test_a_project_without_static_root_builds_with_a_warning(workshop: Workshop) -> None:
    app = django_app(workshop, SETTINGS.replace('STATIC_ROOT = "collected"', ""))
    answer = workshop.build(app, workshop.root / "slug").expect()
    assert "STATIC_ROOT isn't set" in answer.err.partition("Warning:")[2]


def test_a_missing_config_var_is_named(workshop: Workshop) -> None:
    settings = SETTINGS.replace('"x"', 'os.environ["DB_NAME_X"]')
    app = django_app(workshop, settings)
    slug = workshop.root / "slug"
    assert "DB_NAME_X" in workshop.build(app, slug).err.rpartition("Error:")[2]
    workshop.build(app, slug, "--env", "DB_NAME_X=1").expect()


def test_collectstatic_can_be_switched_off(workshop: Workshop) -> None:
    app = django_app(workshop, "SECRET_KEY = (\n")
    answer = workshop.build(app, workshop.root / "slug", "--env", "DISABLE_COLLECTSTATIC=1")
    assert "DISABLE_COLLECTSTATIC is set" in answer.expect().err


def test_django_without_staticfiles_builds(workshop: Workshop) -> None:
    app = django_app(workshop, 'SECRET_KEY = "x"\nINSTALLED_APPS = []\n')
    answer = workshop.build(app, workshop.root / "slug").expect()
    assert "doesn't use django.contrib.staticfiles" in answer.err


# --- Builds at once, and builds that are ended ------------------------------------------------


def test_two_builds_of_one_app_at_once_both_succeed(workshop: Workshop) -> None:
    app = workshop.app(files={"requirements.txt": "six==1.16.0\n"})
    slug = workshop.root / "slug"
    for target in ((), ("-o", f"dir:{slug}")):
        write(app / "changed.py", f"# {target}\n")
        both = [workshop.start("build", app, *target) for _ in range(2)]
        endings = [(process.communicate(timeout=120)[1], process.returncode) for process in both]
        assert [code for _, code in endings] == [0, 0], endings
    assert python(slug, "import six; print(1)") == "1"
    assert python(generation(workshop), "import six; print(1)") == "1"


DELAYS = (0.05, 0.3, 0.6, 0.9, 1.3, 1.8)


@pytest.mark.parametrize("target", ["dir", "data"])
def test_a_killed_build_leaves_the_old_slug_and_no_litter(own_store: Workshop, target: str) -> None:
    app = own_store.app(files={"value.py": "print(0)\n"})
    slug = own_store.root / "slugs/slug"
    chosen = ("-o", f"dir:{slug}") if target == "dir" else ()
    own_store.portside("build", app, *chosen).expect()
    parent = slug.parent if target == "dir" else generation(own_store).parent
    last, left = "0", []
    for number, delay in enumerate(DELAYS, 1):
        write(app / "value.py", f"print({number})\n")
        write(app / "requirements.txt", f"six\n# {number}\n")
        process = own_store.start("build", app, *chosen)
        time.sleep(delay)
        left += descendants(process.pid)
        process.kill()
        process.communicate()
        old = slug if target == "dir" else generation(own_store)
        found = python(old, "import value")
        assert found in {last, str(number)}
        last = found
    own_store.portside("build", app, *chosen).expect()
    slug = slug if target == "dir" else generation(own_store)
    assert python(slug, "import value, six") == str(len(DELAYS))
    # An installer that a kill has orphaned may write until its end. Where it did so while a build
    # removed its directory, that is left without a lock, and counts as somebody's for a minute.
    assert wait_for(lambda: not any(map(is_running, left)))
    for path in (*(own_store.cache / "staging").iterdir(), *parent.glob(".*")):
        os.utime(path, (0, 0))
    write(app / "requirements.txt", "six\n# last\n")  # only what makes a layer clears the area
    own_store.portside("build", app, *chosen).expect()
    assert [p.name for p in (own_store.cache / "staging").iterdir()] == []
    assert [p.name for p in parent.iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("delay", [0.0, 0.4])
def test_a_signal_ends_the_build_with_all_it_started(
    workshop: Workshop, number: signal.Signals, code: int, delay: float
) -> None:
    app = workshop.app(files={"bin/pre_compile": "#!/bin/sh\nsleep 300 & sleep 301\n"})
    slug = workshop.root / "slugs/slug"
    process = workshop.start("build", app, "-o", f"dir:{slug}")
    assert wait_for(lambda: len(descendants(process.pid)) >= 3)
    time.sleep(delay)
    started = descendants(process.pid)
    assert end(process, number) == code
    assert wait_for(lambda: not any(map(is_running, started)), 20)
    assert list(slug.parent.iterdir()) == []


def test_clearing_the_store_waits_for_a_build_that_uses_it(own_store: Workshop) -> None:
    go = own_store.root / "go"
    hook = f"touch '{go}.waiting'; while ! [ -e '{go}' ]; do sleep 0.05; done\n"
    app = own_store.app(files={"bin/pre_compile": hook, "requirements.txt": "six\n"})
    build = own_store.start("build", app, "-o", f"dir:{own_store.root / 'slug'}")
    assert wait_for(Path(f"{go}.waiting").exists, 60)
    clear = own_store.start("cache", "clear")
    assert clear.stderr is not None
    assert clear.stderr.readline() == b"Waiting for the builds that use the store.\n"
    assert (own_store.cache / "layers/python").is_dir()
    go.touch()
    _, said = build.communicate(timeout=120)
    assert build.returncode == 0, said.decode()
    assert clear.wait(60) == 0
    clear.stderr.close()
    assert [path.name for path in own_store.cache.iterdir()] == ["in-use.lock"]
    assert python(own_store.root / "slug", "import six; print(six.__name__)") == "six"


# --- Where a slug goes ------------------------------------------------------------------------


def test_a_directory_that_is_no_slug_is_left_alone(workshop: Workshop) -> None:
    place = workshop.root / "mine"
    write(place / "precious.txt", "data\n")
    before = listing(place)
    answer = workshop.build(workshop.app(), place).expect(1)
    assert "isn't a slug, so it was left alone" in answer.err
    assert listing(place) == before


def test_an_empty_directory_is_used_and_a_file_is_not(workshop: Workshop) -> None:
    app = workshop.app()
    (workshop.root / "empty").mkdir()
    workshop.built(app, workshop.root / "empty")
    write(workshop.root / "file", "data\n")
    workshop.build(app, workshop.root / "file").expect(1)
    assert (workshop.root / "file").read_text() == "data\n"


def test_what_a_build_writes_into_the_app_is_no_part_of_the_next_slug(workshop: Workshop) -> None:
    app = workshop.app()
    slug, archive = app / "slug", app / "slug.tar"
    for number in range(2):
        answer = workshop.build(app, slug, "-o", f"slug:{archive}").expect()
        assert ("Nothing changed" in answer.err) is bool(number)
    elsewhere = workshop.built(app, workshop.root / "elsewhere")
    assert archive.is_file()
    assert not (slug / "slug.tar").exists()
    assert not (elsewhere / "slug").exists()


@pytest.mark.parametrize(
    ("ending", "option"), [("tar.gz", "--gzip"), ("tar.zst", "--zstd")], ids=["gzip", "zstd"]
)
def test_an_archive_is_reproducible_and_unpacks_to_a_working_slug(
    workshop: Workshop, tmp_path: Path, ending: str, option: str
) -> None:
    if ending == "tar.zst" and shutil.which("zstd") is None:
        pytest.skip("needs the zstd program, which tar calls")
    files = {"requirements.txt": TABULATE}
    archives = []
    for name in ("one", "two"):
        # Two directories, data directories and builds: nothing of the first is in the second.
        place = workshop.with_(root=tmp_path / name)
        app = place.app(files=files)
        archives.append(tmp_path / f"{name}.{ending}")
        place.portside("build", app, "-o", f"slug:{archives[-1]}").expect()
        time.sleep(1.1)
    assert archives[0].read_bytes() == archives[1].read_bytes()
    unpacked = tmp_path / "un packed"
    unpacked.mkdir()
    subprocess.run(["tar", "-x", option, "-f", archives[0], "-C", unpacked], check=True)
    assert "Usage" in launch(unpacked, "--", "tabulate", "--help").expect().out
    assert serve(unpacked, ()) == "200"


def test_several_targets_at_once_are_all_whole(workshop: Workshop) -> None:
    one, two = workshop.root / "one", workshop.root / "two"
    archive = workshop.root / "three.tar"
    targets = ("-o", f"dir:{one}", "-o", f"dir:{two}", "-o", f"slug:{archive}")
    app = workshop.app()
    for _ in range(2):
        workshop.portside("build", app, *targets).expect()
        assert python(one, "print(1)") == python(two, "print(1)") == "1"
        with tarfile.open(archive) as tar:
            assert ".portside/launch" in tar.getnames()


# --- A store that was damaged -----------------------------------------------------------------


def damage(store: Path, layer: str, how: str) -> None:
    (place,) = (store / "layers" / layer).iterdir()
    victim = max(regular_files(place / "tree"), key=lambda p: (p.suffix == ".py", p.stat().st_size))
    if how == "truncated file":
        os.truncate(victim, 10)
    elif how == "deleted file":
        victim.unlink()
    elif how == "corrupt manifest":
        manifest = place / "manifest.json"
        manifest.write_bytes(manifest.read_bytes()[:100])
    elif how == "manifest of another shape":
        (place / "manifest.json").write_text('["not", "an object"]')
    elif how == "no manifest":
        (place / "manifest.json").unlink()


@pytest.mark.parametrize("layer", ["dependencies", "python"])
@pytest.mark.parametrize(
    "how",
    [
        *("truncated file", "deleted file", "corrupt manifest"),
        *("manifest of another shape", "no manifest"),
    ],
)
def test_a_damaged_layer_is_made_anew_with_a_warning(
    own_store: Workshop, layer: str, how: str
) -> None:
    app = own_store.app(files={"requirements.txt": "six\n"})
    slug = own_store.built(app)
    damage(own_store.cache, layer, how)
    write(app / "changed.py", "")
    answer = own_store.build(app, slug).expect()
    assert "is damaged" in answer.err
    assert layer in answer.err.partition("is damaged")[0].rpartition("Warning")[2]
    assert python(slug, "import six, this; print(six.PY3)").endswith("True")
    assert "is damaged" not in own_store.build(app, slug).expect().err


# --- What is left out -------------------------------------------------------------------------


def test_what_the_app_excludes_is_not_in_the_slug_and_does_not_count(workshop: Workshop) -> None:
    files: dict[str, str | bytes] = {
        ".slugignore": "# not needed\n*.psd\n/docs/\n",
        "project.toml": '[_]\nschema-version = "0.2"\n[io.buildpacks]\nexclude = ["drafts/**"]\n',
        "portside.toml": 'exclude = ["/tests", "!kept.psd"]\n',
        ".gitignore": "needed.txt\n",
        "needed.txt": "",
        "art/logo.psd": "x",
        "kept.psd": "x",
        "docs/index.md": "x",
        "pkg/docs/index.md": "x",
        "drafts/a/b.txt": "x",
        "tests/test_x.py": "x",
    }
    app = workshop.app(files=files)
    slug = workshop.built(app)
    there = {path for path in files if (slug / path).exists()}
    assert there >= {"needed.txt", "kept.psd", "pkg/docs/index.md", ".slugignore"}
    assert there & {"art/logo.psd", "docs/index.md", "drafts/a/b.txt", "tests/test_x.py"} == set()
    write(app / "docs/more.md", "changes nothing")
    assert "Nothing changed" in workshop.build(app, slug).expect().err
