"""Apps that bring their distributions along are installed from those, without a network."""

import subprocess

import pytest
from dependency_bench import BIN, MARKS, PYTHON, Bench, make_legacy, make_wheel

from portside.model.errors import BuildError

pytestmark = MARKS
# A place that nobody answers at: asking it would fail the install.
NOWHERE = "http://127.0.0.1:9/simple"


@pytest.mark.parametrize("place", ["vendor", "wheelhouse"])
def test_all_is_vendored(bench: Bench, place: str) -> None:
    bench.environ |= {"PIP_INDEX_URL": NOWHERE}
    make_wheel(bench.app / place, "cargo", "1.0", "crane>=2")
    make_wheel(bench.app / place, "crane", "2.1")
    bench.write("requirements.txt", "cargo\n")
    ours = bench.install()
    assert ours.outcome.distributions == (("cargo", "1.0"), ("crane", "2.1"))
    before = bench.inputs()
    make_wheel(bench.app / place, "crane", "2.2")
    assert bench.inputs() != before


def test_a_source_distribution_with_its_build_backend(bench: Bench) -> None:
    make_legacy(bench.tmp / "source", "anchor")
    argv = [BIN / "uv", "build", "--sdist", bench.tmp / "source", "-o", bench.app / "vendor"]
    subprocess.run([*argv, "--python", PYTHON.executable, "--quiet"], check=True)
    pip = [BIN / "python", "-m", "pip", "download", "--quiet", "--no-deps", "setuptools", "wheel"]
    subprocess.run([*pip, "-d", bench.app / "vendor"], check=True)
    bench.environ |= {"PIP_INDEX_URL": NOWHERE}
    bench.write("requirements.txt", "anchor\n")
    assert bench.install().outcome.distributions == (("anchor", "1.5"),)


def test_what_is_missing_comes_from_the_index(bench: Bench) -> None:
    make_wheel(bench.app / "vendor", "cargo", "1.0", "six==1.17.0")
    bench.write("requirements.txt", "cargo\n")
    ours = bench.install()
    assert ours.outcome.distributions == (("cargo", "1.0"), ("six", "1.17.0"))
    assert any("indexes are asked" in detail for detail in ours.details)


def test_a_directory_of_code_is_no_place_for_distributions(bench: Bench) -> None:
    bench.environ |= {"PIP_INDEX_URL": NOWHERE}
    bench.write("vendor/cargo/__init__.py", "")
    bench.write("requirements.txt", "cargo\n")
    with pytest.raises(BuildError, match="couldn't be installed"):
        bench.install()


def test_distributions_that_are_kept_out_of_the_slug(bench: Bench) -> None:
    bench.environ |= {"PIP_INDEX_URL": NOWHERE}
    bench.write("requirements.txt", "cargo\n")
    bench.original = bench.tmp / "original"
    make_wheel(bench.original / "vendor", "cargo", "1.0")
    (bench.original / "requirements.txt").write_text("cargo\n")
    assert bench.install().outcome.distributions == (("cargo", "1.0"),)


@pytest.mark.parametrize("variable", ["PIP_FIND_LINKS", "UV_FIND_LINKS"])
def test_places_of_the_machine_are_beside_those_of_the_app(bench: Bench, variable: str) -> None:
    make_wheel(bench.app / "vendor", "cargo", "1.0", "crane>=2")
    make_wheel(bench.tmp / "elsewhere", "crane", "2.1")
    bench.environ |= {"PIP_INDEX_URL": NOWHERE, variable: str(bench.tmp / "elsewhere")}
    bench.write("requirements.txt", "cargo\n")
    assert bench.install().outcome.distributions == (("cargo", "1.0"), ("crane", "2.1"))


def test_places_that_the_app_names_are_the_only_ones(bench: Bench) -> None:
    make_wheel(bench.app / "vendor", "cargo", "1.0")
    make_wheel(bench.app / "own", "cargo", "0.9")
    bench.environ |= {"PIP_INDEX_URL": NOWHERE}
    bench.write("requirements.txt", "--no-index\n--find-links own\ncargo\n")
    assert bench.install().outcome.distributions == (("cargo", "0.9"),)
