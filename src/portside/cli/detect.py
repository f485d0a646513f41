"""``portside detect``: what was found in an app, and why."""

import argparse
from pathlib import Path

from portside.cli.options import add_app, add_cache_dir, add_json
from portside.cli.places import open_store
from portside.console import print_out
from portside.effects.app_source import DirectorySource
from portside.effects.host import read_host
from portside.inquiry import app_identity, read_facts
from portside.model.codec import to_json
from portside.model.facts import Facts


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments and options."""
    add_app(parser)
    add_cache_dir(parser)
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print the facts about an app."""
    app: Path = arguments.app
    store = open_store(read_host(), arguments.cache_dir)
    source = DirectorySource(app)
    facts = read_facts(source, store, app_identity(source.root))
    print_out(to_json(facts) if arguments.as_json else render_facts(facts))
    return 0


def render_facts(facts: Facts) -> str:
    """Return the facts as text for people."""
    rows = [
        ("App", facts.app_name),
        ("Python", f"{facts.python}  ({facts.python.origin})"),
        ("Dependencies", f"{facts.dependencies.manager.value}  ({facts.dependencies.reason})"),
        ("Django", facts.manage_py or ""),
        ("Hooks", ", ".join(h for h in (facts.pre_compile_hook, facts.post_compile_hook) if h)),
    ]
    rows += [(f"Process {p.type}", f"{p.command}  ({p.origin})") for p in facts.processes]
    width = max(17, *(len(name) + 2 for name, _ in rows))
    lines = [f"{name}:".ljust(width) + value for name, value in rows if value]
    lines += [f"Warning: {notice.summary}\n{notice.hint}" for notice in facts.notices]
    return "\n".join(lines)
