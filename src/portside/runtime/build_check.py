"""Boots a slug that isn't in its place yet, so that only one that boots gets there.

It runs a copy: what the app writes while it boots is no part of the slug.
"""

import signal
from pathlib import Path

from portside.effects.files import copy_tree, scan
from portside.effects.process import OnLine
from portside.effects.toolbox import Toolbox
from portside.model.events import Outcome
from portside.model.facts import Facts
from portside.model.settings import BOOT_CHECK, MEMORY_LIMIT
from portside.planning.build import why_no_boot_check
from portside.preparation import BuildRequest
from portside.runtime.dotenv import collect_env
from portside.runtime.ports import any_free_port
from portside.runtime.run import run_process
from portside.steps.log import BuildLog


def check_boot(
    slug: Path, place: Path, facts: Facts, request: BuildRequest, tools: Toolbox, log: BuildLog
) -> None:
    """Boot a copy of the slug at ``place``, which isn't there yet, as a step of the build.

    Raises leaves of ``model.errors.run``, and what a signal to this process raises.
    """
    reason = f"it is on in {facts.settings.origin(BOOT_CHECK)}"
    with log.step("boot-check", "Booting the web process", reason) as step:
        skip = why_no_boot_check(facts)
        if skip is not None:
            step.outcome, step.reason = Outcome.SKIPPED, skip
            return
        place.mkdir()
        copy_tree(slug, place, tuple(scan(slug)))
        _boot(place, request, tools, facts.settings.size(MEMORY_LIMIT), step.on_line)


def _boot(
    slug: Path, request: BuildRequest, tools: Toolbox, memory_limit: int, on_line: OnLine
) -> None:
    """Run the check with what ``portside run`` would give the app: its ``.env``, config vars."""
    status = run_process(
        slug,
        process=None,
        command=(),
        port=any_free_port(),
        env=collect_env(request.app, env=request.all_vars),
        host=tools.host,
        on_line=on_line,
        check=True,
        memory_limit=memory_limit,
        redact=tools.runner.redact,
    )
    if status:
        # The signal that stopped the check was for the build.
        signal.raise_signal(signal.Signals(status - 128))
