"""What will hurt an app in production, found by reading it; pure: nothing is run or imported.

One module for each subject, which offers ``RULES``. A finding never holds a secret.
"""

from collections.abc import Collection

from portside.checks import dependencies, django, processes, secret_keys, secrets, tree
from portside.checks.app import App
from portside.model.findings import Finding

RULES = (
    *processes.RULES,
    *dependencies.RULES,
    *django.RULES,
    *secret_keys.RULES,
    *secrets.RULES,
    *tree.RULES,
)


def check(app: App, disabled: Collection[str] = ()) -> tuple[Finding, ...]:
    """Return all findings about an app, in the order of files and lines.

    ``disabled`` are the names of the rules to leave out.
    """
    found = [
        finding for rule in RULES if rule.name not in disabled for finding in rule.findings(app)
    ]
    return tuple(sorted(found, key=lambda item: (item.path, item.line, item.rule, item.message)))
