"""The examples of this repository, built from a copy and used as their visitors would."""

import os
import re
import shutil
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Portside, Site, free_port, serving

pytestmark = [pytest.mark.network, pytest.mark.xdist_group("examples")]

EXAMPLES = Path(__file__).parents[2] / "examples"
CSS = "guestbook/entries/static/entries/book.css"
NOBODY = 65534


def copy_of(example: str, directory: Path) -> Path:
    made_by_use = shutil.ignore_patterns("*.sqlite3", "staticfiles", "__pycache__")
    return shutil.copytree(EXAMPLES / example, directory / example, ignore=made_by_use)


def token_in(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found, page
    return found[1]


def sign(site: Site, **fields: str) -> str:
    """Fill in the form as a browser does, cookie and token included; return the page after."""
    fields["csrfmiddlewaretoken"] = token_in(site.get())
    body = urllib.parse.urlencode(fields).encode()
    request = urllib.request.Request(site.url(), body, {"Referer": site.url()})
    with site.opener.open(request, timeout=30) as answer:
        assert answer.status == 200
        return answer.read().decode()


def stylesheet_of(site: Site) -> str:
    found = re.search(r'<link rel="stylesheet" href="([^"]+)"', site.get())
    assert found
    # The name has the content's hash: it comes from collectstatic's manifest.
    assert re.fullmatch(r"/static/entries/book\.[0-9a-f]{12}\.css", found[1])
    return site.get(found[1])


@pytest.fixture
def guestbook(portside: Portside, tmp_path: Path) -> Path:
    slug = tmp_path / "slug"
    portside.build(copy_of("guestbook", tmp_path), slug)
    return slug


@pytest.fixture
def read_only_guestbook(guestbook: Path) -> Iterator[Path]:
    """Yield the slug where any user can read it and nobody can write to it."""
    # pytest's own directories are closed to other users.
    with tempfile.TemporaryDirectory(prefix="portside-test-") as name:
        root = Path(name)
        root.chmod(0o755)
        slug = root / "slug"
        shutil.move(guestbook, slug)
        directories = [slug, *(path for path in slug.rglob("*") if is_directory(path))]
        for directory in directories:
            directory.chmod(0o555)
        yield slug
        for directory in directories:
            directory.chmod(0o755)


def is_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def test_the_guestbook_passes_the_check(portside: Portside, guestbook: Path) -> None:
    check = portside("run", guestbook, "--check", "--port", free_port())
    assert check.returncode == 0, check.stdout + check.stderr


def test_an_entry_in_the_guestbook_is_seen_also_after_a_restart(
    portside: Portside, guestbook: Path, tmp_path: Path
) -> None:
    with portside.running(guestbook, log=tmp_path / "log") as site:
        assert "Nobody has signed yet." in site.get()
        assert "Fair winds &amp; 20% off" in sign(site, name="Zoë", message="Fair winds & 20% off")
    with portside.running(guestbook, log=tmp_path / "log") as site:
        page = site.get()
        assert "Fair winds &amp; 20% off" in page
        assert "Zoë" in page


def test_a_form_without_the_token_is_refused(
    portside: Portside, guestbook: Path, tmp_path: Path
) -> None:
    with portside.running(guestbook, log=tmp_path / "log") as site:
        request = urllib.request.Request(site.url(), b"name=Eve&message=x")
        with pytest.raises(urllib.error.HTTPError, match="403"):
            site.opener.open(request, timeout=30)
        assert "Nobody has signed yet." in site.get()


def test_the_stylesheet_of_the_guestbook_is_served(
    portside: Portside, guestbook: Path, tmp_path: Path
) -> None:
    with portside.running(guestbook, log=tmp_path / "log") as site:
        assert stylesheet_of(site) == (EXAMPLES / CSS).read_text()


def test_the_guestbook_serves_from_a_read_only_slug_as_another_user(
    read_only_guestbook: Path, tmp_path: Path
) -> None:
    port = free_port()
    other = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="portside-test-") as temporary:
        if other:
            os.chown(temporary, NOBODY, NOBODY)
        # What a container gives a process: little, and a home that isn't there.
        env = {
            "PATH": os.defpath,
            "HOME": "/nonexistent",
            "PORT": str(port),
            "TMPDIR": temporary,
        }
        launch = [read_only_guestbook / ".portside/launch", "web"]
        log = tmp_path / "log"
        with serving(launch, port, env=env, log=log, cwd="/", **other) as site:
            assert "No change of tide" in sign(site, name="Ada", message="No change of tide")
            assert stylesheet_of(site) == (EXAMPLES / CSS).read_text()
        assert [path.name for path in Path(temporary).glob("*.sqlite3")] == ["guestbook.sqlite3"]
    assert not list(read_only_guestbook.glob("*.sqlite3"))


def test_the_release_process_of_the_guestbook_can_be_run(
    portside: Portside, guestbook: Path, tmp_path: Path
) -> None:
    database = tmp_path / "elsewhere.sqlite3"
    done = portside("run", guestbook, "release", "--env", f"DATABASE_PATH={database}")
    assert done.returncode == 0, done.stderr
    assert "Applying entries.0001_initial... OK" in done.stdout
    assert database.is_file()


def test_the_own_tests_of_the_guestbook_pass_in_its_slug(
    portside: Portside, guestbook: Path
) -> None:
    done = portside("run", guestbook, "--", "python", "manage.py", "test")
    assert done.returncode == 0, done.stdout + done.stderr


def test_flask_with_pipenv_passes_the_check_and_greets(portside: Portside, tmp_path: Path) -> None:
    slug = tmp_path / "slug"
    app = copy_of("flask-pipenv", tmp_path)
    built = portside.build(app, slug)
    assert "Dependencies with pipenv" in built.stderr
    check = portside("run", slug, "--check", "--port", free_port())
    assert check.returncode == 0, check.stdout + check.stderr
    with portside.running(
        slug, "--env", "GREETING_NAME=harbour <master>", log=tmp_path / "log"
    ) as site:
        assert "<h1>Hello, harbour &lt;master&gt;</h1>" in site.get()
        assert site.get("/healthz") == "ok\n"
    # Packages for development stay out of a slug.
    assert portside("run", slug, "--", "python", "-c", "import pytest").returncode == 1
    assert "Nothing changed in" in portside.build(app, slug).stderr
