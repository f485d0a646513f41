"""Reads pip's requirements files into logical lines; it never resolves or fetches anything.

The format: https://pip.pypa.io/en/stable/reference/requirements-file-format/
"""

import codecs
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from enum import StrEnum

from msgspec import Struct, field

from portside.detection.locks import MERGE_MARKS
from portside.model.errors.dependencies import (
    RequirementsEncodingError,
    RequirementsFileMissingError,
    RequirementsLoopError,
    RequirementsSyntaxError,
)
from portside.model.source import Source


class LineKind(StrEnum):
    """What a logical line of a requirements file is."""

    REQUIREMENT = "requirement"
    EDITABLE = "editable"
    OPTION = "option"
    CONSTRAINT = "constraint"


class Line(Struct, frozen=True):
    """A logical line: joined, without comments, variables replaced.

    ``option`` is the long option's name of an OPTION line, and ``value`` what follows it.
    """

    kind: LineKind
    text: str
    file: str
    number: int
    option: str = ""
    value: str = ""


class Requirements(Struct, frozen=True):
    """All that a requirements file says, nested files included, paths relative to the app.

    ``unsupported`` are phrases for what uv can't do as pip does.
    """

    files: tuple[str, ...]
    lines: tuple[Line, ...]
    local_paths: tuple[str, ...]
    unsupported: tuple[str, ...]
    has_hashes: bool


def read_requirements(source: Source, *paths: str, variables: Mapping[str, str]) -> Requirements:
    """Read requirements files and all that they include.

    Raises ``RequirementsFileMissingError``, ``RequirementsLoopError``,
    ``RequirementsSyntaxError``, ``RequirementsEncodingError`` and ``SourceUnreadableError``.
    """
    reader = _Reader(source, variables)
    for path in paths:
        reader.read(path, constraint=False, included_by=("", 0), stack=())
    return Requirements(
        tuple(dict.fromkeys(reader.files)),
        tuple(reader.lines),
        tuple(dict.fromkeys(reader.local_paths)),
        tuple(dict.fromkeys(reader.unsupported)),
        any("--hash" in line.text for line in reader.lines),
    )


def decode(data: bytes, *, file: str) -> str:
    """Decode as pip does: a BOM, a PEP 263 line, UTF-8, then Latin-1.

    Raises ``RequirementsEncodingError``.
    """
    encoding = "utf-8"
    try:
        for bom, encoding in _BOMS:
            if data.startswith(bom):
                return data[len(bom) :].decode(encoding)
        for line in data.split(b"\n")[:2]:
            match = re.search(_CODING, line) if line.startswith(b"#") else None
            if match:
                encoding = match[1].decode("ascii")
                return data.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise RequirementsEncodingError(file=file, encoding=encoding) from error
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


# The BOM of UTF-32-LE begins with that of UTF-16-LE, so the longer ones come first.
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CODING = rb"coding[:=]\s*([-\w.]+)"
_CREDENTIALS = r"(?<=://)[^\s/@]+@"
_COMMENT = r"(^|\s+)#.*$"
_VARIABLE = r"\$\{([A-Z0-9_]+)\}"
# What a shell splits at spaces alone.
_PLAIN = re.compile(r"[!#-&(-\[\]-~ ]*")
_URL = r"[a-zA-Z][a-zA-Z0-9+.-]*:"
_INCLUDE_URL = r"(?i)(https?|file):"
_ARCHIVE = r"(?i)\.(whl|zip|tar|tar\.gz|tgz|tar\.bz2|tbz|tar\.xz|txz)$"
_SHORT = {
    "-i": "--index-url",
    "--pypi-url": "--index-url",
    "-f": "--find-links",
    "-r": "--requirement",
    "-c": "--constraint",
    "-e": "--editable",
    "-C": "--config-settings",
    "--config-setting": "--config-settings",
}
_WITH_VALUE = {
    "--index-url",
    "--extra-index-url",
    "--find-links",
    "--no-binary",
    "--only-binary",
    "--trusted-host",
    "--use-feature",
    "--requirement",
    "--constraint",
    "--editable",
    "--hash",
    "--global-option",
    "--config-settings",
}
_FLAGS = {"--no-index", "--prefer-binary", "--require-hashes", "--pre"}
_PIP_ONLY = {"--prefer-binary", "--use-feature", "--global-option", "--config-settings"}


class _Reader(Struct):
    source: Source
    variables: Mapping[str, str]
    files: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    local_paths: list[str] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)

    def read(
        self,
        path: str,
        *,
        constraint: bool,
        included_by: tuple[str, int],
        stack: tuple[str, ...],
    ) -> None:
        if not self.source.is_file(path):
            raise RequirementsFileMissingError(file=included_by[0], line=included_by[1], name=path)
        if path in stack:
            raise RequirementsLoopError(file=included_by[0], line=included_by[1], name=path)
        self.files.append(path)
        text = decode(self.source.read(path), file=path)
        for number, line in logical_lines(text, self.variables):
            try:
                self._line(line, path, number, constraint=constraint, stack=(*stack, path))
            except ValueError:
                # Shown as it is written: the values of variables may be secret.
                written = dict(logical_lines(text, {}))[number]
                shown = re.sub(_CREDENTIALS, "****@", written)
                raise RequirementsSyntaxError(file=path, line=number, text=shown) from None

    def _line(
        self, text: str, file: str, number: int, *, constraint: bool, stack: tuple[str, ...]
    ) -> None:
        if text.startswith(MERGE_MARKS):
            raise ValueError(text)
        words, options_text = _split_arguments(text)
        options = list(_options(_words(options_text)))
        self.unsupported += [f"{file} uses {name}" for name, _ in options if name in _PIP_ONLY]
        if words:
            kind = LineKind.CONSTRAINT if constraint else LineKind.REQUIREMENT
            self.lines.append(Line(kind, text, file, number))
            self._local(words)
            return
        for name, value in options:
            if name in {"--requirement", "--constraint"}:
                self._include(name, value, file, number, stack)
            elif name == "--editable":
                self.lines.append(Line(LineKind.EDITABLE, f"-e {value}", file, number))
                self._local(value)
            elif name != "--hash":
                self._option(name, value, file, number)

    def _option(self, name: str, value: str, file: str, number: int) -> None:
        if name == "--find-links":
            value = self._links(value, file)
        text = f"{name} {value}".rstrip()
        self.lines.append(Line(LineKind.OPTION, text, file, number, name, value))

    def _links(self, value: str, file: str) -> str:
        """Prefer the directory beside the file that names it, as pip does."""
        if re.match(_URL, value) or value.startswith("/"):
            return value
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(file), value))
        if not (self.source.is_dir(beside) or self.source.is_file(beside)):
            beside = posixpath.normpath(value)
        self.local_paths.append(beside)
        return beside

    def _include(
        self, name: str, value: str, file: str, number: int, stack: tuple[str, ...]
    ) -> None:
        if re.match(_INCLUDE_URL, value):
            # Only pip fetches it with its own credentials and certificates.
            self.unsupported.append(f"{file} includes a file by URL")
            kind = LineKind.CONSTRAINT if name == "--constraint" else LineKind.OPTION
            self.lines.append(Line(kind, f"{name} {value}", file, number, name, value))
            return
        path = posixpath.normpath(posixpath.join(posixpath.dirname(file), value))
        self.read(path, constraint=name == "--constraint", included_by=(file, number), stack=stack)

    def _local(self, requirement: str) -> None:
        path = local_path(requirement)
        if path and (self.source.is_dir(path) or self.source.is_file(path)):
            self.local_paths.append(path)


def local_path(requirement: str) -> str | None:
    """Return the path within the app that a requirement names, None where it names none."""
    target = requirement.split(";", maxsplit=1)[0].strip()
    if " @ " in target:
        target = target.split(" @ ", 1)[1].strip()
    target = target.removeprefix("file:") if not target.startswith("file://") else target
    if re.match(_URL, target) or target.startswith("/"):
        return None
    target = target.split("#")[0]
    if not re.search(_ARCHIVE, target):
        target = re.sub(r"\[[^\]]*\]$", "", target)
        if not (target.startswith(".") or "/" in target):
            return None
    return "" if posixpath.normpath(target) == "." else posixpath.normpath(target)


def logical_lines(text: str, variables: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Yield the number and text of each logical line, comments removed and variables replaced."""
    for number, joined in _joined(text):
        line = (re.sub(_COMMENT, "", joined) if "#" in joined else joined).strip()
        if "${" in line:
            line = re.sub(_VARIABLE, lambda m: variables.get(m[1]) or m[0], line)
        if line:
            yield number, line


def _joined(text: str) -> Iterator[tuple[int, str]]:
    first = 0
    parts: list[str] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        first = first if parts else number
        is_comment = "#" in raw and re.match(_COMMENT, raw) is not None
        if raw.endswith("\\") and not is_comment:
            parts.append(raw.strip("\\"))
            continue
        yield first, "".join([*parts, f" {raw}" if is_comment else raw])
        parts = []
    if parts:
        yield first, "".join(parts)


def _split_arguments(text: str) -> tuple[str, str]:
    """Split a line where its options begin; markers must not go through shlex."""
    tokens = text.split(" ")
    count = next((i for i, token in enumerate(tokens) if token.startswith("-")), len(tokens))
    return " ".join(tokens[:count]), " ".join(tokens[count:])


def _words(text: str) -> list[str]:
    """Split as a shell does, which takes long; most lines of a big file are hashes."""
    return text.split() if _PLAIN.fullmatch(text) else shlex.split(text)


def _options(tokens: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each option's long name and value; raise ValueError for unknown ones.

    Words between them don't count: pip drops the marker of ``-e ./project ; marker``.
    """
    waiting = iter(tokens)
    for token in waiting:
        if not token.startswith("-"):
            continue
        name, separator, value = token.partition("=")
        if not token.startswith("--") and len(token) > 2:  # noqa: PLR2004 (-rfile)
            name, separator, value = token[:2], "=", token[2:]
        name = _long_name(name)
        if name in _FLAGS and not separator:
            yield name, ""
        elif name in _WITH_VALUE:
            following = value if separator else next(waiting, None)
            if following is None:
                raise ValueError(token)
            yield name, following
        else:
            raise ValueError(token)


def _long_name(name: str) -> str:
    """Return an option's long name; like pip's optparse, take any unambiguous beginning of it."""
    known = {*_FLAGS, *_WITH_VALUE, *_SHORT}
    matches = [option for option in known if option.startswith(name)]
    if name.startswith("--") and name not in known and len(matches) == 1:
        name = matches[0]
    return _SHORT.get(name, name)
