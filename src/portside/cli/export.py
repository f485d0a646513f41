"""``portside export``: files that run a slug under systemd, Compose or Kubernetes."""

import argparse
import json
import os
import re
from pathlib import Path
from urllib.parse import quote

from portside.cli.options import port
from portside.cli.places import absolute
from portside.console import print_err, print_out
from portside.effects.files import disk_errors, write_new
from portside.export import FORMATS, export
from portside.export.target import File, Target, label
from portside.model.errors.export import (
    DirectoryNeededError,
    ExportInTheWayError,
    ImageNeededError,
    NothingToExportError,
    PathNotExportableError,
)
from portside.model.errors.run import NotASlugError
from portside.packing.slug import DATA, slug_key

_IN_IMAGE = "/app"
_BASE_IMAGE = "debian:stable-slim"
# https://github.com/distribution/reference, without its limits of length.
_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?/)?{_PART}(?:/{_PART})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[a-z0-9]+:[0-9a-f]{32,})?"
)
_LABEL = re.compile(r"[a-z](?:[a-z0-9-]{0,34}[a-z0-9])?")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
_DESCRIPTION = """\
Write what runs SLUG, a directory or an archive, elsewhere; docs/export.md says how to use it.

  portside export systemd /srv/shop -o units
  portside export compose slug -o .
  portside export kubernetes slug --image registry.example.com/shop:1.0 | kubectl apply -f -
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments and options."""
    parser.description = _DESCRIPTION
    parser.add_argument("form", metavar="|".join(FORMATS), choices=FORMATS, help="what to write")
    parser.add_argument("slug", metavar="SLUG", type=Path, help="a slug, or an archive of one")
    parser.add_argument("--image", type=_image, help="the image that holds the slug")
    parser.add_argument(
        "--base-image",
        type=_image,
        default=_BASE_IMAGE,
        metavar="IMAGE",
        help=f"what Compose binds the slug into without --image (default: {_BASE_IMAGE})",
    )
    parser.add_argument(
        "--directory",
        metavar="DIR",
        help=f"where the slug lies on the server, or in the image (default there: {_IN_IMAGE})",
    )
    parser.add_argument("--name", type=_name, help="what it is called (default: the app's name)")
    parser.add_argument("--port", type=port, default=8000, help="the web process's port (8000)")
    parser.add_argument(
        "--user", type=_user, help="the account that runs units (default: one of their own)"
    )
    parser.add_argument(
        "--env-file",
        metavar="FILE",
        help="where config vars will be (default: /etc/NAME.env for systemd, .env for Compose)",
    )
    parser.add_argument(
        "--health-path",
        type=_url_path,
        metavar="PATH",
        help="ask for this path to see whether web is well (default: whether it listens)",
    )
    parser.add_argument(
        "-o", dest="output", type=Path, metavar="DIR", help="write files here, not to stdout"
    )
    parser.add_argument("--force", action="store_true", help="replace files that exist")


def execute(arguments: argparse.Namespace) -> int:
    """Write the files, or print them."""
    files = export(arguments.form, _target(arguments))
    if arguments.output is None:
        print_out(_joined(files, arguments.form).rstrip("\n"))
        return 0
    for path in _write(files, arguments.output, force=arguments.force):
        print_err(f"Wrote {path}")
    return 0


def _target(arguments: argparse.Namespace) -> Target:
    documents = _read(arguments.slug)
    types = _types(documents["launch"])
    if not set(types) - {"release"}:
        raise NothingToExportError(path=str(arguments.slug))
    name = arguments.name or label(str(documents["slug"].get("app", "")))
    return Target(
        name=name,
        key=str(documents["slug"].get("key", "")),
        types=types,
        directory=_checked(_directory(arguments)),
        source=_checked(str(absolute(arguments.slug))),
        image=arguments.image or "",
        base_image=arguments.base_image,
        env_file=_checked(_env_file(arguments, name)),
        user=arguments.user or "",
        port=arguments.port,
        health_path=arguments.health_path or "",
    )


def _directory(arguments: argparse.Namespace) -> str:
    """Return where the slug will lie when it runs."""
    given: str | None = arguments.directory
    form, slug = arguments.form, arguments.slug
    if form == "kubernetes" and not arguments.image:
        raise ImageNeededError
    needs_directory = form == "systemd" or not arguments.image
    if slug.is_file() and needs_directory and (form == "compose" or not given):
        raise DirectoryNeededError(path=str(slug))
    if given:
        return os.path.normpath(given) if given.startswith("/") else given
    return str(absolute(slug).resolve()) if form == "systemd" else _IN_IMAGE


def _env_file(arguments: argparse.Namespace, name: str) -> str:
    given: str | None = arguments.env_file
    if arguments.form == "systemd":
        return given or f"/etc/{name}.env"
    # Compose takes it from the directory of its own file.
    return given if given and given.startswith("/") else f"./{given or '.env'}"


def _checked(path: str) -> str:
    if path.isprintable() and "\\" not in path and path.startswith(("/", "./")):
        return path
    raise PathNotExportableError(path=path)


def _read(slug: Path) -> dict[str, dict[str, object]]:
    if slug.is_file():
        from portside.packing.artifacts import read_archive  # noqa: PLC0415 (slugs are the rule)

        data, _ = read_archive(slug)
        texts = {name: data[f"{DATA}/{name}.json"] for name in ("slug", "launch")}
    else:
        if slug_key(slug) is None:
            cause = f"It has no {DATA}/slug.json of a finished build"
            raise NotASlugError(path=str(slug), cause=cause)
        texts = {name: (slug / DATA / f"{name}.json").read_bytes() for name in ("slug", "launch")}
    return {name: json.loads(text) for name, text in texts.items()}


def _types(launch: dict[str, object]) -> tuple[str, ...]:
    processes = launch.get("processes")
    return tuple(str(item["type"]) for item in processes) if isinstance(processes, list) else ()


def _joined(files: tuple[File, ...], form: str) -> str:
    if form == "systemd":
        return "\n".join(f"# {file.name}\n{file.text}" for file in files)
    return "---\n".join(file.text for file in files)


def _write(files: tuple[File, ...], directory: Path, *, force: bool) -> list[Path]:
    with disk_errors(directory, "the files"):
        directory.mkdir(parents=True, exist_ok=True)
        paths = [directory / file.name for file in files]
        for path in paths:
            if os.path.lexists(path) and not (force and path.is_file()):
                raise ExportInTheWayError(path=str(path))
        for path, file in zip(paths, files, strict=True):
            write_new(path, file.text.encode())
    return paths


def _image(text: str) -> str:
    return _matching(_IMAGE, text, "isn't the name of an image, such as example.com/shop:1.0")


def _name(text: str) -> str:
    return _matching(
        _LABEL,
        text,
        "isn't a name: a letter, then lower-case letters, digits and dashes, 36 in all",
    )


def _user(text: str) -> str:
    return _matching(_USER, text, "isn't the name of an account")


def _url_path(text: str) -> str:
    if text.startswith("/"):
        return quote(text, safe="/%?&=+-._~:@!$,;()*")
    raise argparse.ArgumentTypeError(f"'{text}' isn't a path that starts with /")


def _matching(pattern: re.Pattern[str], text: str, problem: str) -> str:
    if pattern.fullmatch(text):
        return text
    raise argparse.ArgumentTypeError(f"'{text}' {problem}")
