"""``portside inspect``: what a slug holds."""

import argparse
import json
from pathlib import Path

from portside.cli.options import add_json
from portside.console import print_out
from portside.effects.store import tree_size
from portside.model.errors.run import NotASlugError
from portside.packing.slug import DATA, slug_key

_PARTS = ("slug", "launch", "report")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments and options."""
    parser.add_argument(
        "slug", metavar="SLUG", type=Path, help="a slug's directory, or an archive of one"
    )
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print what a slug holds: Python, process types, distributions, size."""
    slug: Path = arguments.slug
    document = _read_archive(slug) if slug.is_file() else _read_directory(slug)
    print_out(json.dumps(document, indent=2) if arguments.as_json else _render(document))
    return 0


def _read_directory(slug: Path) -> dict[str, object]:
    if slug_key(slug) is None:
        raise NotASlugError(path=str(slug), cause=f"It has no {DATA}/slug.json of a finished build")
    documents = {name: json.loads((slug / DATA / f"{name}.json").read_bytes()) for name in _PARTS}
    return {**documents, "size": tree_size(slug)}


def _read_archive(path: Path) -> dict[str, object]:
    from portside.packing.artifacts import read_archive  # noqa: PLC0415 (slugs are the rule)

    data, size = read_archive(path)
    return {**{name: json.loads(data[f"{DATA}/{name}.json"]) for name in _PARTS}, "size": size}


def _render(document: dict[str, object]) -> str:
    slug, launch, report = (_table(document[name]) for name in ("slug", "launch", "report"))
    rows = [
        ("App", slug["app"]),
        ("Key", slug["key"]),
        ("Python", launch["python"]),
        ("Dependencies", f"{launch['package_manager']}, installed by {report['installer']}"),
        ("Size", f"{int(str(document['size'])) / 1e6:.1f} MB"),
    ]
    processes = launch["processes"]
    if isinstance(processes, list):
        rows += [(f"Process {p['type']}", p["command"]) for p in processes]
    width = max(16, *(len(name) + 2 for name, _ in rows))
    lines = [f"{name + ':':<{width}}{value}" for name, value in rows]
    distributions = report["distributions"]
    if isinstance(distributions, list):
        lines += [f"  {item}" for item in distributions]
    return "\n".join(lines)


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
