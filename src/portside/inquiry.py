"""Asks an app what it is: detection with what the last build left, and the version policy.

All that ``portside detect`` needs, and no more: what is imported here is paid on every call.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from portside.detection.facts import detect
from portside.model.facts import Facts
from portside.model.settings import Given
from portside.model.source import Source
from portside.planning.policy import check_policy, load_policy


def app_identity(app: Path) -> str:
    """Return the name under which a machine keeps what belongs to the app in this directory."""
    import hashlib  # noqa: PLC0415 (start-up time: it loads OpenSSL)

    resolved = app.resolve()
    name = re.sub(r"[^a-z0-9]+", "-", resolved.name.lower()).strip("-") or "app"
    place = hashlib.sha256(str(resolved).encode("utf-8", "surrogateescape")).hexdigest()
    return f"{name[:40]}-{place[:10]}"


def read_facts(
    source: Source,
    read_state: Callable[[], Mapping[str, object]],
    *,
    given: Given,
    stack: str | None = None,
) -> Facts:
    """Return the facts about an app with what the last build left behind.

    ``read_state`` returns that, and is only called where nothing in the app names a Python;
    ``given`` may hold settings, and ``stack`` is the platform's, None where there is no platform.
    Raises what detection and the policy raise.
    """
    policy = load_policy()

    def read_cached() -> str | None:
        series = read_state().get("python_series")
        return series if isinstance(series, str) else None

    facts = detect(
        source,
        read_cached=read_cached,
        policy=policy,
        given=given,
        # A platform starts apps in its own ways, and gets no more than the app asks for.
        finds_start=stack is None,
    )
    notices = check_policy(facts.python, policy, today=datetime.now(UTC).date(), stack=stack)
    return replace(facts, notices=(*facts.notices, *notices))
