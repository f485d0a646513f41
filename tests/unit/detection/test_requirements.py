from collections.abc import Mapping

import pytest
from fakes import DictSource

from portside.detection.requirements import LineKind, Requirements, decode, read_requirements
from portside.model.errors.dependencies import (
    RequirementsEncodingError,
    RequirementsFileMissingError,
    RequirementsLoopError,
    RequirementsSyntaxError,
)


def read(
    files: Mapping[str, bytes | str], variables: Mapping[str, str] | None = None
) -> Requirements:
    return read_requirements(DictSource(dict(files)), "requirements.txt", variables=variables or {})


def texts(text: bytes | str, variables: Mapping[str, str] | None = None) -> list[str]:
    return [line.text for line in read({"requirements.txt": text}, variables).lines]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("# only\n\n  # comments\n", []),
        ("six\nidna\n", ["six", "idna"]),
        ("six # why\n", ["six"]),
        ("six#not-a-comment\n", ["six#not-a-comment"]),
        ("six\\\n==1\n", ["six==1"]),
        ("six==1 \\\n  --hash=sha256:aa\n", ["six==1   --hash=sha256:aa"]),
        ("a ; python_version < '3'\n", ["a ; python_version < '3'"]),
        ("six\r\nidna\r\n", ["six", "idna"]),
        ("six\\", ["six"]),
        ("-e ./pkg\n", ["-e ./pkg"]),
        ("--editable=./pkg\n", ["-e ./pkg"]),
        ("-e ./pkg ; python_version < '3'\n", ["-e ./pkg"]),
        ("-i https://a/b\n", ["--index-url https://a/b"]),
        ("--pre\n", ["--pre"]),
    ],
)
def test_logical_lines(text: str, lines: list[str]) -> None:
    assert texts(text) == lines


def test_variables_are_replaced_only_in_capitals_and_braces() -> None:
    text = "a==${V}\nb==$V\nc==${v}\nd==${UNKNOWN}\n"
    assert texts(text, {"V": "1", "v": "2"}) == ["a==1", "b==$V", "c==${v}", "d==${UNKNOWN}"]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1"]
)
def test_encodings(encoding: str) -> None:
    bom = b"\xff\xfe" if encoding == "utf-16-le" else b""
    assert texts(bom + "six # caf\xe9\n".encode(encoding)) == ["six"]


def test_a_declared_encoding_counts() -> None:
    assert decode("# coding: cp1251\n\u0434".encode("cp1251"), file="x")[-1] == "\u0434"


def test_an_unknown_encoding_is_an_error() -> None:
    with pytest.raises(RequirementsEncodingError):
        texts("# coding: nonsense\nsix\n")


def test_nested_files_are_relative_to_the_one_that_includes_them() -> None:
    found = read(
        {
            "requirements.txt": "-r deps/a.txt\nsix\n",
            "deps/a.txt": "-r b.txt\n-c ../c.txt\nidna\n",
            "deps/b.txt": "click\n",
            "c.txt": "six==1\n",
        }
    )
    assert found.files == ("requirements.txt", "deps/a.txt", "deps/b.txt", "c.txt")
    assert [(line.text, line.kind) for line in found.lines] == [
        ("click", LineKind.REQUIREMENT),
        ("six==1", LineKind.CONSTRAINT),
        ("idna", LineKind.REQUIREMENT),
        ("six", LineKind.REQUIREMENT),
    ]


def test_lines_keep_their_place() -> None:
    found = read({"requirements.txt": "# x\n\nsix\\\n==1\nidna\n"})
    assert [(line.file, line.number) for line in found.lines] == [
        ("requirements.txt", 3),
        ("requirements.txt", 5),
    ]


def test_a_missing_file_is_an_error() -> None:
    with pytest.raises(RequirementsFileMissingError) as caught:
        read({"requirements.txt": "six\n-r nope.txt\n"})
    assert caught.value.failure_detail == "nope.txt"
    assert "Line 2 of requirements.txt" in caught.value.detail


def test_a_loop_is_an_error() -> None:
    with pytest.raises(RequirementsLoopError):
        read({"requirements.txt": "-r a.txt\n", "a.txt": "-r requirements.txt\n"})


@pytest.mark.parametrize("line", ["--no-such-option", "-x", "--index-url", "six --hash='open"])
def test_bad_lines_are_errors(line: str) -> None:
    with pytest.raises(RequirementsSyntaxError):
        read({"requirements.txt": f"{line}\n"})


@pytest.mark.parametrize("option", ["--prefer-binary", "--use-feature=fast-deps"])
def test_what_only_pip_can_do_is_said(option: str) -> None:
    assert read({"requirements.txt": f"{option}\nsix\n"}).unsupported


def test_an_option_may_be_abbreviated_where_one_begins_so() -> None:
    assert texts("--index https://a\n--find /b\n") == ["--index-url https://a", "--find-links /b"]
    with pytest.raises(RequirementsSyntaxError):
        texts("--no=six\n")


def test_a_bad_line_is_shown_without_secrets() -> None:
    text = "-i https://me:s3cret@a --bogus=${TOKEN}\n"
    with pytest.raises(RequirementsSyntaxError) as caught:
        texts(text, {"TOKEN": "s3cret"})
    assert "--bogus=${TOKEN}" in caught.value.detail
    assert "s3cret" not in caught.value.detail


def test_hashes_are_seen() -> None:
    assert read({"requirements.txt": "six==1 --hash=sha256:aa\n"}).has_hashes
    assert not read({"requirements.txt": "six==1\n"}).has_hashes


def test_find_links_prefers_the_directory_beside_the_file() -> None:
    files = {"requirements.txt": "-r d/a.txt\n", "d/a.txt": "-f wheels\n", "d/wheels/x.whl": ""}
    assert read(files).lines[0].value == "d/wheels"
    assert read(files).local_paths == ("d/wheels",)


def test_a_file_by_url_is_left_to_pip() -> None:
    assert read({"requirements.txt": "-r https://example.com/r.txt\n"}).unsupported
