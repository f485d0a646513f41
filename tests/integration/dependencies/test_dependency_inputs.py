"""The inputs of the layer are all that decides what gets installed, and nothing else."""

import hashlib

import pytest
from dependency_bench import MARKS, Bench, make_legacy, make_project, make_wheel, write_lock

from portside.detection.package_managers import detect_dependencies
from portside.effects.app_source import DirectorySource
from portside.model.layers import KeyInput
from portside.steps.dependencies import (
    dependency_inputs,
)

pytestmark = MARKS


def test_the_inputs_name_what_changed(bench: Bench) -> None:
    make_project(bench.app / "proj", "proj")
    bench.write("requirements.txt", "-r base.txt\n-e proj\n")
    bench.write("base.txt", "six\n")
    before = bench.inputs()
    assert list(before) == ["requirements.txt", "base.txt", "proj", "index configuration"]
    bench.write("proj/src/proj/__init__.py", "X = 3\n")
    bench.write("proj/src/proj/__pycache__/x.pyc", "x")
    bench.environ |= {"PIP_EXTRA_INDEX_URL": "https://user:one@example.com/simple"}
    after = bench.inputs()
    assert {name for name in after if after[name] != before[name]} == {
        "proj",
        "index configuration",
    }
    bench.environ |= {"PIP_EXTRA_INDEX_URL": "https://user:two@example.com/simple"}
    assert bench.inputs() == after


def test_a_build_leaves_the_inputs_alone(bench: Bench) -> None:
    make_legacy(bench.app / "legacy", "legacy")
    bench.write("requirements.txt", "./legacy\n")
    before = bench.inputs()
    bench.install()
    assert bench.inputs() == before


def test_variables_are_inputs(bench: Bench) -> None:
    bench.write("requirements.txt", "six==${SIX_VERSION}\n")
    bench.environ |= {"SIX_VERSION": "1.16.0"}
    before = bench.inputs()
    bench.environ |= {"SIX_VERSION": "1.15.0"}
    assert bench.inputs()["variables in the files"] != before["variables in the files"]


def test_inputs_are_key_inputs(bench: Bench) -> None:
    bench.write("requirements.txt", "six\n")
    source = DirectorySource(bench.app)
    found = dependency_inputs(
        source, detect_dependencies(source), environ={}, home=bench.tmp, app=bench.app
    )
    digest = hashlib.sha256(b"six\n").hexdigest()
    assert found[0] == KeyInput("requirements.txt", digest)


def test_a_file_that_a_lock_names_is_an_input(bench: Bench) -> None:
    wheel = make_wheel(bench.tmp / "files", "local_one", "1.0")
    bench.environ |= {"FILES": str(wheel.parent)}
    location = f"file://${{FILES}}/{wheel.name}"
    write_lock(bench, '[packages]\nlocal-one = "*"\n', {"local-one": {"file": location}})
    before = bench.inputs()
    make_wheel(bench.tmp / "files", "local_one", "1.0", code="CHANGED = True\n")
    after = bench.inputs()
    assert {name for name in after if after[name] != before[name]} == {str(wheel)}


@pytest.mark.parametrize("option", ["-r", "-c"])
def test_the_url_of_an_included_file_is_an_input(bench: Bench, option: str) -> None:
    bench.write("requirements.txt", f"{option} https://${{HOST}}/more.txt\n")
    seen = []
    for host in ("a.example", "b.example"):
        bench.environ |= {"HOST": host}
        seen.append(bench.inputs()["variables in the files"])
    assert seen[0] != seen[1]


def test_a_file_included_by_url_on_this_machine_is_an_input(bench: Bench) -> None:
    more = bench.tmp / "more.txt"
    more.write_text("six\n")
    bench.write("requirements.txt", f"-r {more.as_uri()}\n")
    before = bench.inputs()
    more.write_text("idna\n")
    assert bench.inputs()[str(more)] != before[str(more)]
