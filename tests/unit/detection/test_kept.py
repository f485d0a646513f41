"""What excludes keep out of a slug starts nothing in it."""

from fakes import DictSource

from portside.detection.facts import detect
from portside.detection.kept import KeptSource
from portside.model.facts import Facts
from portside.planning.policy import load_policy

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
MANAGE_PY = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'


def facts_of(files: dict[str, str]) -> Facts:
    given: dict[str, bytes | str] = {".python-version": "3.12\n", "requirements.txt": "gunicorn\n"}
    return detect(DictSource({**given, **files}), read_cached=lambda: None, policy=load_policy())


def commands(facts: Facts) -> list[str]:
    return [process.command for process in facts.processes]


def test_an_excluded_app_is_not_started() -> None:
    files = {"app.py": FLASK, "old/main.py": FLASK, "main.py": FLASK}
    assert commands(facts_of(files)) == []
    for ignored in ("main.py\nold\n", "/main.py\n/old/\n", "*\n!app.py\n"):
        found = facts_of({**files, ".slugignore": ignored})
        assert commands(found) == ["gunicorn app:app --bind 0.0.0.0:$PORT"]
        assert found.notices == ()


def test_static_files_are_collected_for_what_is_kept() -> None:
    files = {"one/manage.py": MANAGE_PY, "two/manage.py": MANAGE_PY}
    assert facts_of(files).manage_py is None
    found = facts_of({**files, "project.toml": '[_]\nexclude = ["one"]\n'})
    assert found.manage_py == "two/manage.py"


def test_an_excluded_hook_is_not_run() -> None:
    files = {"bin/pre_compile": "#!/bin/sh\n", "bin/post_compile": "#!/bin/sh\n"}
    found = facts_of({**files, ".slugignore": "bin/pre_compile\n"})
    assert (found.pre_compile_hook, found.post_compile_hook) == (None, "bin/post_compile")


def test_what_only_the_build_reads_may_be_excluded() -> None:
    files = {"Procfile": "web: python app.py\n", "app.py": FLASK}
    found = facts_of({**files, ".slugignore": "Procfile\nrequirements.txt\n"})
    assert commands(found) == ["python app.py"]
    assert found.dependencies.manifest == "requirements.txt"


def test_the_view_has_neither_excluded_files_nor_what_is_below_excluded_directories() -> None:
    files: dict[str, bytes | str] = {"a/b/c.py": "c", "a/d.py": "dd", "e.py": "e"}
    kept = KeptSource(DictSource(files), ("b/", "e.py"))
    assert [entry.path for entry in kept.entries()] == ["a"]
    assert [entry.path for entry in kept.entries("a")] == ["a/d.py"]
    assert (kept.is_file("a/d.py"), kept.size("a/d.py"), kept.read("a/d.py")) == (True, 2, b"dd")
    assert (kept.is_dir("a"), kept.is_dir("a/b"), kept.is_file("a/b/c.py")) == (True, False, False)
    assert (kept.is_file("e.py"), kept.size("e.py")) == (False, 0)
