import codecs
import contextlib
import json
from collections.abc import Callable

import pytest
from fakes import DictSource
from hypothesis import given
from hypothesis import strategies as st

from portside.detection.package_managers import detect_dependencies
from portside.detection.python_version import detect_python_version
from portside.detection.python_version.python_version_file import is_misspelt
from portside.detection.python_version.requires_python import convert_poetry
from portside.detection.python_version.versions import parse_version
from portside.model.errors import BuildError
from portside.model.facts import Notice
from portside.model.python_version import Origin, PythonConstraint, RequestedPython
from portside.planning.policy import load_policy

POLICY = load_policy()
PIPFILE_LOCK = json.dumps(
    {"_meta": {"requires": {"python_full_version": "3.13.1", "python_version": "3.12"}}}
)


def detect(
    files: dict[str, bytes | str], cached: str | None = None
) -> tuple[RequestedPython, tuple[PythonConstraint, ...], tuple[Notice, ...]]:
    return detect_python_version(DictSource(files), read_cached=lambda: cached, policy=POLICY)


def choice(files: dict[str, bytes | str], cached: str | None = None) -> tuple[str, str]:
    requested = detect(files, cached)[0]
    return str(requested), requested.origin.name


def failure(files: dict[str, bytes | str]) -> tuple[str, str]:
    with pytest.raises(BuildError) as caught:
        detect(files)
    error = caught.value
    text = "\n".join(filter(None, (error.summary, error.detail, error.hint)))
    assert len(text.splitlines()) <= 13
    assert error.hint
    return error.code, error.failure_detail


def requires(specifier: str) -> str:
    return f'[project]\nrequires-python = "{specifier}"\n'


def poetry(specifier: str) -> str:
    return f'[tool.poetry.dependencies]\npython = "{specifier}"\n'


LAYERS: list[tuple[str, bytes | str, str]] = [
    ("runtime.txt", "python-3.10.1\n", "3.10.1"),
    (".python-version", "3.11\n", "3.11"),
    ("Pipfile.lock", PIPFILE_LOCK, "3.13.1"),
    (".tool-versions", "nodejs 22\npython 3.14.0 system # local\n", "3.14.0"),
    ("mise.toml", '[tools]\npython = "3.13"\n', "3.13"),
    ("pyproject.toml", requires(">=3.10"), "3.15"),
]


@pytest.mark.parametrize("first", range(len(LAYERS)))
def test_the_first_of_the_files_in_the_order_of_precedence_decides(first: int) -> None:
    files = {name: contents for name, contents, _ in LAYERS[first:]}
    assert choice(files, cached="3.11") == (LAYERS[first][2], LAYERS[first][0])


@pytest.mark.parametrize(
    ("cached", "expected"),
    [
        ("3.11", ("3.11", "cached")),
        ("3.11.4", ("3.11", "cached")),
        ("python-3.11.4\n", ("3.11", "cached")),
        ("rubbish", ("3.12", "default")),
        ("", ("3.12", "default")),
        (None, ("3.12", "default")),
    ],
)
def test_the_series_of_the_last_build_sticks(cached: str | None, expected: tuple[str, str]) -> None:
    assert choice({}, cached) == expected


@pytest.mark.parametrize("cached", [None, "3.11"])
def test_no_version_gives_a_warning_that_recommends_the_file(cached: str | None) -> None:
    (notice,) = detect({}, cached)[2]
    assert notice.code == "python-version::unspecified"
    assert f"echo {cached or '3.12'} > .python-version" in notice.hint


def test_runtime_txt_gives_a_deprecation_warning() -> None:
    (notice,) = detect({"runtime.txt": "python-3.12.7"})[2]
    assert notice.code == "runtime-txt::deprecated"
    assert "echo 3.12.7 > .python-version" in notice.hint


def test_a_named_version_gives_no_notice() -> None:
    assert detect({".python-version": "3.12"})[2] == ()


@pytest.mark.parametrize(
    "text",
    ["", "3.12", "python-", "python-3", "python 3.12", "Python-3.12", "python-3.12.7rc1",
     "python-3.12\npython-3.11", "pypy-3.9", "python-3.09"],
)  # fmt: skip
def test_malformed_runtime_txt(text: str) -> None:
    assert failure({"runtime.txt": f" {text}\n"}) == ("runtime-txt::invalid-version", text)


def test_undecodable_runtime_txt() -> None:
    assert failure({"runtime.txt": b"\xff\xfep\x00"})[0] == "runtime-txt::invalid-version"


@pytest.mark.parametrize(
    ("text", "expected", "line"),
    [
        ("3.12", "3.12", 1),
        ("3.12.7\n", "3.12.7", 1),
        ("# why\n\n  3.12.7\t\r\n\n # that\n", "3.12.7", 3),
        ("2.7", "2.7", 1),
    ],
)
def test_python_version_file(text: str, expected: str, line: int) -> None:
    requested = detect({".python-version": text})[0]
    assert (str(requested), requested.origin.line) == (expected, line)


@pytest.mark.parametrize(
    "text", ["3", "3.12.*", "python-3.12", "3.12 # no", ">=3.12", "3.12.7rc1", "٣.١٢", "3.012", "x"]
)
def test_invalid_line_of_python_version_file(text: str) -> None:
    code = "python-version-file::invalid-version"
    assert failure({".python-version": f"  {text} \n"}) == (code, text)


def test_an_invalid_line_takes_precedence_over_several_versions() -> None:
    code = "python-version-file::invalid-version"
    assert failure({".python-version": "3.12\n2.7\nnope"}) == (code, "nope")


def test_several_versions() -> None:
    code = "python-version-file::multiple-versions"
    assert failure({".python-version": "# two\n3.12\n\n2.7\n"}) == (code, "3.12,2.7")


def test_very_many_versions_still_make_a_short_message() -> None:
    assert failure({".python-version": "3.12\n" * 100})[1].count(",") == 99


@pytest.mark.parametrize("text", ["", "\n \n", "# 3.12\n"])
def test_no_version_in_the_file(text: str) -> None:
    assert failure({".python-version": text}) == ("python-version-file::no-version", "")


@pytest.mark.parametrize(
    ("contents", "encoding"),
    [
        (codecs.BOM_UTF8 + b"3.12", "UTF-8 with a byte order mark"),
        ("3.12".encode("utf-16"), "UTF-16 (little-endian)"),
        (codecs.BOM_UTF16_BE + "3.12".encode("utf-16-be"), "UTF-16 (big-endian)"),
        ("3.12".encode("utf-16-le"), "UTF-16 (little-endian)"),
        ("3.12".encode("utf-16-be"), "UTF-16 (big-endian)"),
        ("3.12".encode("utf-32"), "UTF-32 (little-endian)"),
        (codecs.BOM_UTF32_BE + "3.12".encode("utf-32-be"), "UTF-32 (big-endian)"),
        (b"\0\0\0", "binary data"),
        (b"3.12 \xe9", "unknown (byte 0xe9 isn't valid UTF-8)"),
    ],
)
def test_a_foreign_encoding_is_named(contents: bytes, encoding: str) -> None:
    code = "python-version-file::invalid-encoding"
    assert failure({".python-version": contents}) == (code, encoding)


MISSPELT = [
    " .python-version", ". python-version", ".python_version", ".python_version.txt",
    ".python-version ", ",python-version", ".python-version.", ".python-version.py",
    ".python-version.rtf", ".python-version.txt", ".python-version.TXT", ".Python-version",
    ".python.version", ".pythonversion", "'.python-version'", "python_version",
    "python_version.txt", "python-version", "python-version.", "python-version.txt",
    # Not listed, but of the same pattern:
    ".PYTHON-VERSION", "python version.txt", ".python-version.txt.", ".python\N{EN DASH}version",
    "..python-version", ".python-versions", "“.python-version”", ".python-version.docx",
]  # fmt: skip


@pytest.mark.parametrize("name", MISSPELT)
def test_a_misspelt_name_fails_even_beside_a_correct_one(name: str) -> None:
    expected = ("python-version-file::misspelled", name)
    assert failure({name: "3.12"}) == expected
    assert failure({name: "3.12", ".python-version": "3.12"}) == expected


@pytest.mark.parametrize(
    "name",
    [".python-version", ".python-version~", "#.python-version#", ".python-version.bak",
     "python_version.py", "python-version.py", "check_python_version", "python_versions.json",
     "python-versions.md",
     "pythonversion.c", "python", "version", "runtime.txt"],
)  # fmt: skip
def test_other_names_are_not_misspelt(name: str) -> None:
    assert not is_misspelt(name)


def test_runtime_txt_is_read_before_misspelt_files() -> None:
    assert choice({"runtime.txt": "python-3.12", "python-version": ""}) == ("3.12", "runtime.txt")
    assert failure({"runtime.txt": "?", "python-version": ""})[0] == "runtime-txt::invalid-version"


def test_directories_and_nested_files_are_not_misspelt() -> None:
    files: dict[str, bytes | str] = {"python_version/a.py": "", "docs/python-version": ""}
    assert choice(files) == ("3.12", "default")


def pipfile_lock(**fields: object) -> dict[str, bytes | str]:
    return {"Pipfile.lock": json.dumps({"_meta": {"requires": fields}})}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"python_full_version": "3.13.1", "python_version": "3.12"}, ("3.13.1", "Pipfile.lock")),
        ({"python_version": "3.13"}, ("3.13", "Pipfile.lock")),
        ({"python_full_version": None, "python_version": "3.13"}, ("3.13", "Pipfile.lock")),
        ({}, ("3.12", "default")),
    ],
)
def test_pipfile_lock(fields: dict[str, object], expected: tuple[str, str]) -> None:
    assert choice(pipfile_lock(**fields)) == expected


@pytest.mark.parametrize("text", ["{}", '{"_meta": []}', '{"_meta": {"requires": 1}}'])
def test_pipfile_lock_without_a_version(text: str) -> None:
    assert choice({"Pipfile.lock": text}) == ("3.12", "default")


@pytest.mark.parametrize(
    "contents", [b"", b"{", b"[]", b'"x"', b"<<<<<<< HEAD", b"\xff{}", b"[" * 200_000]
)
def test_pipfile_lock_that_is_no_json(contents: bytes) -> None:
    assert failure({"Pipfile.lock": contents})[0] == "pipfile-lock::invalid-json"


@pytest.mark.parametrize("field", ["python_full_version", "python_version"])
@pytest.mark.parametrize(
    ("value", "detail"),
    [("^3.12", "^3.12"), ("3.9.*", "3.9.*"), ("", ""), ("3", "3"), (3.12, "3.12"), ([1], "[1]")],
)
def test_pipfile_lock_with_an_invalid_version(field: str, value: object, detail: str) -> None:
    expected = ("pipfile-lock::invalid-version", detail)
    assert failure(pipfile_lock(**{field: value})) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({".tool-versions": "python system"}, ("3.12", "default")),
        ({".tool-versions": "# python 3.9\nnodejs 22"}, ("3.12", "default")),
        ({".tool-versions": "python system", "mise.toml": '[tools]\npython="3.13"'},
         ("3.13", "mise.toml")),
        ({"mise.toml": '[tools]\npython = ["3.13", "3.12"]'}, ("3.13", "mise.toml")),
        ({"mise.toml": '[tools]\npython = {version = "3.13.1"}'}, ("3.13.1", "mise.toml")),
        ({"mise.toml": "[tools]\npython = []"}, ("3.12", "default")),
        ({".mise.toml": '[tools]\npython = "3.13"'}, (("3.13"), ".mise.toml")),
        ({".config/mise.toml": '[tools]\npython = "3.13"'}, ("3.13", ".config/mise.toml")),
        ({".config/mise/config.toml": '[tools]\npython = "3.11"',
          ".config/mise.toml": '[tools]\npython = "3.13"', "mise/config.toml": "[tools]"},
         ("3.13", ".config/mise.toml")),
        ({"mise.toml": '[tools]\npython = "latest"'}, ("3.15", "mise.toml")),
        ({"mise.toml": '[tools]\npython = "3"'}, ("3.15", "mise.toml")),
        ({"mise.toml": '[tools]\npython = "prefix:3"'}, ("3.15", "mise.toml")),
        ({"mise.toml": '[tools]\npython = "prefix:3.12"'}, ("3.12", "mise.toml")),
        ({".tool-versions": "python latest"}, ("3.15", ".tool-versions")),
        ({".tool-versions": codecs.BOM_UTF8 + b"python 3.13"}, ("3.13", ".tool-versions")),
        ({".tool-versions": "python 3.13\r\n".encode("utf-16")}, ("3.13", ".tool-versions")),
        ({"pyproject.toml": codecs.BOM_UTF8 + requires("<3.12").encode()},
         ("3.11", "pyproject.toml")),
    ],
)  # fmt: skip
def test_version_managers(files: dict[str, bytes | str], expected: tuple[str, str]) -> None:
    assert choice(files) == expected


@pytest.mark.parametrize(
    ("files", "detail"),
    [
        ({".tool-versions": "python pypy3.10"}, "pypy3.10"),
        ({".tool-versions": "python"}, ""),
        ({"mise.toml": '[tools]\npython = "4"'}, "4"),
        ({"mise.toml": '[tools]\npython = "sub-0.1:latest"'}, "sub-0.1:latest"),
        ({"mise.toml": '[tools]\npython = "prefix:3.1x"'}, "prefix:3.1x"),
        ({".config/mise.toml": '[tools]\npython = "ref:main"'}, "ref:main"),
        ({"mise.toml": "[tools]\npython = 3.12"}, "3.12 (without quotes)"),
    ],
)
def test_invalid_version_of_version_managers(files: dict[str, bytes | str], detail: str) -> None:
    assert failure(files) == ("tool-versions::invalid-version", detail)


@pytest.mark.parametrize("text", ["latest", "3", "prefix:3"])
def test_the_newest_of_mise_admits_older_series_where_it_cannot_be_had(text: str) -> None:
    requested = detect({"mise.toml": f'[tools]\npython = "{text}"'})[0]
    assert (requested.series, *requested.alternatives) == POLICY.supported


@pytest.mark.parametrize("file", ["mise.toml", ".mise.toml", "pyproject.toml", "uv.lock"])
@pytest.mark.parametrize("contents", [b"=", b"\xff", b"<<<<<<< HEAD"])
def test_invalid_toml_names_the_file(file: str, contents: bytes) -> None:
    assert failure({file: contents}) == ("python-version::invalid-toml", file)


@pytest.mark.parametrize(
    ("specifier", "expected"),
    [
        (">=3.11", "3.15"), (">=3.11,<3.14", "3.13"), ("~=3.11", "3.15"), ("~=3.11.2", "3.11"),
        ("==3.12.*", "3.12"), ("==3.12.7", "3.12.7"), ("<=3.12", "3.12"), (">3.12,<3.13", "3.12"),
        (">=3.8,<3.10", "3.9"), ("<3", "2.7"), (">=3.17", "3.17"), ("", "3.15"), (">=4", "4.0"),
    ],
)  # fmt: skip
def test_the_newest_series_in_the_range_is_chosen(specifier: str, expected: str) -> None:
    assert choice({"pyproject.toml": requires(specifier)}) == (expected, "pyproject.toml")


def test_all_ranges_narrow_the_choice() -> None:
    files: dict[str, bytes | str] = {
        "pyproject.toml": requires(">=3.11"),
        "uv.lock": 'requires-python = ">=3.11, <3.14"',
    }
    assert choice(files) == ("3.13", "pyproject.toml")
    assert [item.specifier for item in detect(files)[1]] == [">=3.11", ">=3.11, <3.14"]


def test_lock_files_declare_ranges_too() -> None:
    assert choice({"uv.lock": 'requires-python = "<3.13"'}) == ("3.12", "uv.lock")
    lock = '[metadata]\npython-versions = "^3.9,<3.12"'
    assert choice({"poetry.lock": lock}) == ("3.11", "poetry.lock")


@pytest.mark.parametrize(
    ("text", "specifier"),
    [
        ("^3.12", ">=3.12,<4"), ("^3.12.1", ">=3.12.1,<4"), ("~3.12", ">=3.12,<3.13"),
        ("~3.12.1", ">=3.12.1,<3.13"), ("~3", ">=3,<4"), ("3.12.*", "==3.12.*"), ("*", ""),
        (">=3.9, <3.13", ">=3.9,<3.13"), (">= 3.9 <3.13", ">=3.9,<3.13"), ("=3.12.1", "==3.12.1"),
        ("!=3.12.1,^3.9", "!=3.12.1,>=3.9,<4"), ("3.12.1", "==3.12.1"), ("nope", None), ("", None),
        ("~=3.12", "~=3.12"), ("~2.7 || ^3.6", ">=2.7,<2.8 || >=3.6,<4"),
        ("3.10.*|3.12.*", "==3.10.* || ==3.12.*"), ("^3.9 || *", ""), ("^3.9 ||", None),
        ("^3.9 || nope", None), ("^0.13", ">=0.13,<0.14"), ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"), ("^0.0", ">=0.0,<0.1"), ("^0", ">=0,<1"), ("~0", ">=0,<1"),
    ],
)  # fmt: skip
def test_poetry_constraints(text: str, specifier: str | None) -> None:
    assert convert_poetry(text) == specifier


def test_poetry_dependency_as_a_table_and_alternatives() -> None:
    table = '[tool.poetry.dependencies]\npython = {version = "~3.13"}\n'
    assert choice({"pyproject.toml": table}) == ("3.13", "pyproject.toml")
    assert choice({"pyproject.toml": poetry("~2.7 || ^3.6")}) == ("3.15", "pyproject.toml")


@pytest.mark.parametrize("declare", [requires, poetry])
def test_any_of_the_alternatives_will_do(declare: Callable[[str], str]) -> None:
    text = declare(">=3.9,<3.11 || >=3.13,<3.14")
    assert choice({"pyproject.toml": text}) == ("3.13", "pyproject.toml")
    assert choice({"pyproject.toml": text, ".python-version": "3.10"})[0] == "3.10"
    refused = failure({"pyproject.toml": text, ".python-version": "3.11"})
    assert refused[0] == "python-version::contradiction"
    assert failure({"pyproject.toml": declare(">=3.9 || nope")})[0] == "requires-python::invalid"


@pytest.mark.parametrize("text", [requires("nope"), poetry("nope")])
def test_an_invalid_range(text: str) -> None:
    assert failure({"pyproject.toml": text}) == ("requires-python::invalid", "nope")


@pytest.mark.parametrize("text", ["^3a", "~3a"])
def test_a_poetry_range_from_a_prerelease_on_is_read(text: str) -> None:
    assert choice({"pyproject.toml": poetry(text)}) == ("3.15", "pyproject.toml")


@pytest.mark.parametrize("text", ["^3.*", "~3.12.x", "^", "^^3.12", ">=3.12 ||| <3.9"])
def test_an_odd_poetry_range_is_invalid(text: str) -> None:
    assert failure({"pyproject.toml": poetry(text)}) == ("requires-python::invalid", text)


@pytest.mark.parametrize("specifier", [">=3.12,<3.11", ">=5", "===3.12"])
@pytest.mark.parametrize("cached", [None, "3.11"])
def test_a_range_that_holds_no_version_is_refused(specifier: str, cached: str | None) -> None:
    with pytest.raises(BuildError) as caught:
        detect({"pyproject.toml": requires(specifier)}, cached)
    error = caught.value
    assert (error.code, error.failure_detail) == ("requires-python::unsatisfiable", specifier)
    assert specifier in error.detail


@pytest.mark.parametrize("series", ["3.10", "3.12"])
def test_declared_ranges_outrank_the_last_build_and_the_default(series: str) -> None:
    files: dict[str, bytes | str] = {"pyproject.toml": requires(">=3.10,<3.14")}
    assert choice(files, cached=series) == ("3.13", "pyproject.toml")


@pytest.mark.parametrize("version", ["3.11", "3.11.9"])
def test_a_range_that_contradicts_the_chosen_version_names_both_files(version: str) -> None:
    with pytest.raises(BuildError) as caught:
        detect({".python-version": version, "pyproject.toml": requires(">=3.12")})
    error = caught.value
    assert (error.code, error.failure_detail) == (
        "python-version::contradiction",
        f"{version},>=3.12",
    )
    assert ".python-version" in error.summary
    assert "pyproject.toml" in error.summary


def test_ranges_that_contradict_each_other() -> None:
    files: dict[str, bytes | str] = {
        "pyproject.toml": requires(">=3.13"),
        "uv.lock": 'requires-python = "<3.12"',
    }
    assert failure(files)[0] == "python-version::contradiction"


@pytest.mark.parametrize("specifier", [">=3.11.4", "<=3.11", "!=3.11.0", "==3.11.2", "~=3.11.1"])
def test_a_series_satisfies_a_range_that_holds_any_of_its_patches(specifier: str) -> None:
    files: dict[str, bytes | str] = {
        ".python-version": "3.11",
        "pyproject.toml": requires(specifier),
    }
    assert choice(files) == ("3.11", ".python-version")


number = st.integers(min_value=0, max_value=999)


@given(st.tuples(number, number) | st.tuples(number, number, number))
def test_a_version_survives_printing_and_parsing(numbers: tuple[int, ...]) -> None:
    text = ".".join(map(str, numbers))
    assert str(parse_version(text, Origin("x"))) == text
    for files in ({".python-version": f"{text}\n"}, {"runtime.txt": f"python-{text}"}):
        assert str(detect({**files})[0]) == text


@given(st.binary(max_size=60), st.sampled_from([name for name, _, _ in LAYERS]))
def test_any_contents_give_a_version_or_a_build_error(contents: bytes, file: str) -> None:
    with contextlib.suppress(BuildError):
        assert detect({file: contents})[0].series.major >= 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[requires]\npython_version = "3.11"\n', ("3.11", "Pipfile")),
        (
            '[requires]\npython_version = "3.11"\npython_full_version = "3.11.4"\n',
            ("3.11.4", "Pipfile"),
        ),
        ("[packages]\n", ("3.12", "default")),
        ('[requires]\npython_version = "3"\n', ("3.12", "default")),
        ('[requires]\npython_version = ">=3.9"\n', ("3.12", "default")),
    ],
)
def test_a_pipfile_without_a_lock(text: str, expected: tuple[str, str]) -> None:
    assert choice({"Pipfile": text}) == expected
    assert choice({"Pipfile": text, "Pipfile.lock": PIPFILE_LOCK})[1] == "Pipfile.lock"


def test_a_pipfile_with_an_invalid_version() -> None:
    code, detail = failure({"Pipfile": '[requires]\npython_version = "three"\n'})
    assert (code, "'three'" in detail) == ("pipfile::invalid", True)


SETUPS: list[dict[str, bytes | str]] = [
    {"setup.cfg": "[options]\npython_requires = >=3.9,<3.12\n"},
    {"setup.py": "from setuptools import setup\nsetup(name='a', python_requires='>=3.9,<3.12')\n"},
    {"setup.py": "import setuptools\nsetuptools.setup(python_requires='>=3.9,<3.12')\n"},
    {
        "setup.py": "import setuptools\nsetuptools.setup()\n",
        "setup.cfg": "[metadata]\nname = a\n[options]\npython_requires = >=3.9,<3.12\n",
    },
]


@pytest.mark.parametrize("files", SETUPS)
def test_the_range_of_a_setup_counts_where_it_names_the_dependencies(
    files: dict[str, bytes | str],
) -> None:
    source = DictSource(files)
    dependencies = detect_dependencies(source)
    found = detect_python_version(
        source, read_cached=lambda: None, policy=POLICY, dependencies=dependencies
    )
    file = "setup.cfg" if "setup.cfg" in files else "setup.py"
    assert (str(found[0]), found[0].origin) == ("3.11", Origin(file, field="python_requires"))
    assert choice({**files, "requirements.txt": "six"}) == ("3.12", "default")


@pytest.mark.parametrize(
    "text",
    ["def (", "setup(python_requires=None)", "setup(python_requires=RANGE)", "setup(*args)", "\0"],
)
def test_a_setup_that_says_no_range_literally(text: str) -> None:
    source = DictSource({"setup.py": text})
    found = detect_python_version(
        source,
        read_cached=lambda: None,
        policy=POLICY,
        dependencies=detect_dependencies(source),
    )
    assert found[1] == ()


def test_a_lock_that_is_not_installed_has_no_say() -> None:
    lock = 'version = 1\nrequires-python = ">=3.12"\n'
    files: dict[str, bytes | str] = {
        "uv.lock": lock,
        "pyproject.toml": '[project]\nname = "a"\nversion = "1"\n',
        "pylock.legacy.toml": 'lock-version = "1.0"\ncreated-by = "uv"\nrequires-python = "<3.9"\n',
        ".python-version": "3.12\n",
    }
    source = DictSource(files)
    found = detect_python_version(
        source,
        read_cached=lambda: None,
        policy=POLICY,
        dependencies=detect_dependencies(source),
    )
    assert [str(constraint.origin.name) for constraint in found[1]] == ["uv.lock"]


def test_a_range_in_a_pipfile_counts_where_there_is_no_lock() -> None:
    source = DictSource({"Pipfile": '[requires]\npython_version = ">=3.9,<3.12"\n'})
    found = detect_python_version(
        source,
        read_cached=lambda: None,
        policy=POLICY,
        dependencies=detect_dependencies(source),
    )
    origin = Origin("Pipfile", field="requires.python_version")
    assert (str(found[0]), found[0].origin) == ("3.11", origin)
