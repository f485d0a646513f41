"""Rules about files that don't belong in an app's source."""

from collections.abc import Iterator

from pathspec import GitIgnoreSpec

from portside.checks.app import ENVIRONMENT_MARK, App
from portside.checks.rule import Place, Rule
from portside.model.findings import Severity

LARGEST = 50_000_000


def _environments(app: App) -> Iterator[Place]:
    for path in app.environments:
        yield Place(
            f"{path}/{ENVIRONMENT_MARK}", 1, f"{path} is a virtual environment of one machine."
        )


def _large_files(app: App) -> Iterator[Place]:
    excluded = GitIgnoreSpec.from_lines(app.facts.excludes if app.facts else ())
    for path in app.files:
        size = app.source.size(path)
        if size > LARGEST and not excluded.match_file(path):
            yield Place(path, 1, f"{path} is {size / 1e6:.0f} MB in size.")


RULES = (
    Rule(
        "virtual-environment",
        Severity.WARNING,
        "A virtual environment is part of the source.",
        "It works only where it was made. It is never used, but makes every checkout bigger, and "
        "as a classic buildpack portside refuses an app with a .venv or venv.",
        "Keep it out:\n    git rm -r --cached .venv && echo .venv/ >> .gitignore",
        _environments,
    ),
    Rule(
        "large-file",
        Severity.WARNING,
        "A file of more than 50 MB is part of the source, and isn't left out of slugs.",
        "It is part of every slug and image and of every start of a machine; platforms limit the "
        "size of a slug (Heroku: 500 MB).",
        "Keep data in an object store or a database and fetch it when it is needed. What only "
        "development needs can be named in a .slugignore.",
        _large_files,
    ),
)
