"""What keeps a slug from starting is told with the fix, found from its commands on."""

from pathlib import Path

import pytest

from portside.model.facts import Process
from portside.model.python_version import Origin, Series
from portside.steps.start_imports import find_start_problems

GUNICORN = "#!/bin/sh\nimport sys\nfrom gunicorn.app.wsgiapp import run\nsys.exit(run())\n"
METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n\n"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


class Slug:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.python = root / "python"
        self.site = self.python / "lib/python3.12/site-packages"
        write(self.python / "bin/gunicorn", GUNICORN)
        self.install("gunicorn", "20.0.4", "app/wsgiapp.py", "import gunicorn.util\n")
        write(self.site / "gunicorn/util.py", "import sys\nimport pkg_resources\n")

    def install(self, name: str, version: str, file: str = "__init__.py", text: str = "") -> None:
        info = self.site / f"{name}-{version}.dist-info"
        files = {
            f"{name}/{file}",
            f"{name}/__init__.py",
            f"{name}/util.py",
            f"{name}/app/__init__.py",
        }
        for path in files:
            write(self.site / path, "")
        write(self.site / f"{name}/{file}", text)
        write(info / "METADATA", METADATA.format(name, version))
        write(info / "RECORD", "".join(f"{path},,\n" for path in sorted(files)))

    def problems(self, command: str) -> list[tuple[str, str]]:
        process = Process("web", command, Origin("Procfile", line=1))
        found = find_start_problems([process], self.root, self.python, Series(3, 12))
        assert {notice.code for notice in found} <= {"imports::missing"}
        return [(notice.summary, notice.hint) for notice in found]


@pytest.fixture
def slug(tmp_path: Path) -> Slug:
    return Slug(tmp_path)


def test_a_server_that_needs_an_older_setuptools(slug: Slug) -> None:
    [(summary, hint)] = slug.problems("gunicorn app:app")
    assert summary == "The app won't start: gunicorn 20.0.4 imports what isn't there."
    assert "gunicorn/util.py:2: import pkg_resources" in hint
    assert "that isn't installed" in hint
    assert "setuptools<81" in hint
    slug.install("setuptools", "84.0")
    assert "setuptools 84.0 is installed" in slug.problems("gunicorn app:app")[0][1]
    write(slug.site / "pkg_resources/__init__.py", "")
    assert slug.problems("gunicorn app:app") == []


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("cd src && exec python -u web/main.py", "src/web/main.py"),
        ("python -m web.main", "web/main.py"),
        ("python -m web", "web/__main__.py"),
        ("newrelic-admin run-program uvicorn --app-dir=src 'web.main:app'", "src/web/main.py"),
        ("uvicorn web.main:make() --factory", "web/main.py"),
        ("sh -c 'unclosed", ""),
        ("python other.py", ""),
    ],
)
def test_the_apps_own_modules_are_found_by_its_commands(
    slug: Slug, command: str, place: str
) -> None:
    write(slug.root / (place or "web/main.py"), "\nimport imp\n")
    found = slug.problems(command)
    assert [summary for summary, _ in found] == (
        [f"The app won't start: {place} imports what isn't there."] if place else []
    )
    if place:
        assert f"{place}:2: import imp" in found[0][1]
        assert "echo 3.11 > .python-version" in found[0][1]


def test_linked_projects_extensions_and_the_distutils_of_setuptools(slug: Slug) -> None:
    write(slug.root / "lib/linked.py", "import _fast\nimport space.inner\nimport imp\n")
    write(slug.site / "linked.pth", "import sys\n../../../../lib\n")
    write(slug.site / "_fast.cpython-312-x86_64-linux-gnu.so", "")
    write(slug.site / "space/inner.py", "from distutils import util\n")
    write(slug.root / "app.py", "import linked\n")
    assert len(slug.problems("flask --app app:x run")) == 2
    write(slug.site / "distutils-precedence.pth", "")
    [(summary, _)] = slug.problems("flask --app app:x run")
    assert "linked.py imports" in summary


def test_a_name_of_another_distribution_and_many_places(slug: Slug) -> None:
    slug.install("thing", "2.0")
    lines = "".join(f"from thing import gone_{number}\n" for number in range(5))
    slug.install("user", "1.0", text=lines)
    write(slug.root / "app.py", "import user\n")
    [(summary, hint)] = slug.problems("uvicorn app:app")
    assert "user 1.0 imports" in summary
    assert "and 2 more" in hint
    assert "thing 2.0 has no gone_0" in hint
    assert "Ask for a newer user, or pin the version of thing" in hint
