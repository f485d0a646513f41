"""``portside detect``: what was found in an app, and why."""

from pathlib import Path

import click

from portside.cli.options import app_argument, cache_option, json_option
from portside.cli.places import open_store
from portside.console import print_out
from portside.effects.app_source import DirectorySource
from portside.effects.host import read_host
from portside.inquiry import app_identity, read_facts
from portside.model.codec import to_json
from portside.model.facts import Facts


@click.command("detect")
@app_argument
@cache_option
@json_option
def command(app: Path, cache_dir: Path | None, *, as_json: bool) -> None:
    """Say what was found in APP (default: this directory), and why."""
    store = open_store(read_host(), cache_dir)
    source = DirectorySource(app)
    facts = read_facts(source, store, app_identity(source.root))
    print_out(to_json(facts) if as_json else render_facts(facts))


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
    lines = [f"{name}:".ljust(17) + value for name, value in rows if value]
    lines += [f"Warning: {notice.summary}\n{notice.hint}" for notice in facts.notices]
    return "\n".join(lines)
