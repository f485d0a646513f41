"""Background workers: Celery, RQ and Dramatiq, found by what the app's modules define."""

import ast
import shlex
from collections.abc import Iterator

from portside.detection.start_commands.apps import Apps, Scope
from portside.detection.start_commands.candidate import WORKER, Candidate, rank_of
from portside.detection.start_commands.frameworks import CELERY
from portside.detection.start_commands.layout import Place
from portside.detection.start_commands.servers import in_place
from portside.detection.start_commands.syntax import text_of


def find_workers(apps: Apps) -> tuple[Candidate, ...]:
    """Return the worker processes that the app defines, one for each library."""
    return (*_celery(apps), *_dramatiq(apps), *_rq(apps))


def _celery(apps: Apps) -> Iterator[Candidate]:
    """Yield a worker for each Celery app, by the surest of its names."""
    best: dict[tuple[str, int], Candidate] = {}
    for scope in apps.scopes():
        place = apps.place(scope.module)
        for name, app in scope.names.items():
            if app.framework is not CELERY or place is None:
                continue
            command = f"celery --app {place.module}:{name} worker --loglevel INFO"
            path = scope.module.path
            found = Candidate(
                in_place(place, command, finds_working_directory=False),
                path,
                scope.lines.get(name, app.line),
                f"Celery app: {name}",
                (int(path != app.path), *rank_of(path)),
                WORKER,
            )
            if app.identity not in best or found.rank < best[app.identity].rank:
                best[app.identity] = found
    yield from best.values()


def _dramatiq(apps: Apps) -> Iterator[Candidate]:
    """Yield one worker for all modules that define actors, as long as they have one root."""
    found: list[tuple[Place, Scope, int]] = []
    for scope in apps.scopes():
        place = apps.place(scope.module)
        line = next(_actor_lines(scope), 0)
        if place and line:
            found.append((place, scope, line))
    roots = {place.root for place, _, _ in found}
    if len(roots) != 1:
        return
    place, scope, line = found[0]
    modules = " ".join(place.module for place, _, _ in found)
    command = in_place(place, f"dramatiq {modules}", finds_working_directory=False)
    path = scope.module.path
    yield Candidate(command, path, line, "Dramatiq actor", (0, *rank_of(path)), WORKER)


def _actor_lines(scope: Scope) -> Iterator[int]:
    module = scope.module
    for definition in module.definitions.values():
        for decorator in definition.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if module.dotted(called) in {"dramatiq.actor", "dramatiq.actor.actor"}:
                yield definition.lineno


def _rq(apps: Apps) -> Iterator[Candidate]:
    """Yield a worker for the queues that the app puts jobs into."""
    queues: dict[str, tuple[str, int]] = {}
    for scope in apps.scopes():
        module = scope.module
        for call in module.calls:
            dotted = module.dotted(call.func)
            ends = dotted.partition(".")[0], dotted.rpartition(".")[2]
            if ends == ("rq", "Worker"):
                return  # the app has a worker program of its own
            if ends == ("rq", "Queue"):
                name = text_of(call.args[0]) if call.args else ""
                queues.setdefault(name or "default", (module.path, call.lineno))
    if queues:
        path, line = next(iter(queues.values()))
        names = " ".join(map(shlex.quote, queues))
        command = f'rq worker --url "${{REDIS_URL:-redis://localhost:6379}}" {names}'
        yield Candidate(command, path, line, "RQ queue", (0, *rank_of(path)), WORKER)
