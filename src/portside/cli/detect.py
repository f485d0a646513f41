"""``portside detect``: what was found in an app, and why."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from portside.cli.options import add_app, add_cache_dir, add_json, add_settings, settings_of
from portside.console import print_out
from portside.effects.host import Host, read_host
from portside.inquiry import app_identity, open_source, read_facts
from portside.model.app_json import DeclaredVar
from portside.model.facts import Facts
from portside.model.settings import Given


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments and options."""
    add_app(parser)
    add_cache_dir(parser)
    add_json(parser)
    add_settings(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print the facts about an app."""
    host = read_host()
    given = Given(host.environ, settings_of(arguments))
    source = open_source(arguments.app, given)
    facts = read_facts(
        source, lambda: _last_state(host, source.root, arguments.cache_dir), given=given
    )
    print_out(_json(facts) if arguments.as_json else render_facts(facts))
    return 0


def _last_state(host: Host, app: Path, cache_dir: Path | None) -> Mapping[str, object]:
    # Most apps say which Python they need, and then there is nothing to open a store for.
    from portside.cli.places import open_store  # noqa: PLC0415 (start-up time)

    return open_store(host, cache_dir).read_state(app_identity(app))


def _json(facts: Facts) -> str:
    from portside.model.codec import to_json  # noqa: PLC0415 (start-up time)

    return to_json(facts)


def _described(var: DeclaredVar) -> str:
    return f"{var.source.value}  (app.json)"


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
    rows += [(f"Variable {var.name}", _described(var)) for var in facts.config_vars]
    rows += [("Added", ", ".join(facts.dependencies.added_names))]
    width = max(17, *(len(name) + 2 for name, _ in rows))
    lines = [f"{name}:".ljust(width) + value for name, value in rows if value]
    lines += [
        f"{notice.level.title()}: {notice.summary}\n{notice.hint}" for notice in facts.notices
    ]
    return "\n".join(lines)
