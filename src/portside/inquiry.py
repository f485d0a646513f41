"""Asks an app what it is: detection with what the last build left, and the version policy.

All that ``portside detect`` needs, and no more: what is imported here is paid on every call.
"""

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from portside.detection.facts import detect
from portside.effects.store import Store
from portside.model.facts import Facts
from portside.model.source import Source
from portside.planning.policy import check_policy, load_policy


def app_identity(app: Path) -> str:
    """Return the name under which a machine keeps what belongs to the app in this directory."""
    resolved = app.resolve()
    name = re.sub(r"[^a-z0-9]+", "-", resolved.name.lower()).strip("-") or "app"
    place = hashlib.sha256(str(resolved).encode("utf-8", "surrogateescape")).hexdigest()
    return f"{name[:40]}-{place[:10]}"


def read_facts(source: Source, store: Store, app_id: str) -> Facts:
    """Return the facts about an app with what the last build left behind.

    Raises what detection and the policy raise.
    """
    policy = load_policy()
    series = store.read_state(app_id).get("python_series")
    facts = detect(source, cached_series=series if isinstance(series, str) else None, policy=policy)
    notices = check_policy(facts.python, policy, today=datetime.now(UTC).date(), stack=None)
    return replace(facts, notices=(*facts.notices, *notices))
