"""Puts an interpreter in place: the first candidate that can be had, kept as a layer."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from portside.effects.files import write_new
from portside.effects.host import Host
from portside.effects.store import Store, StoredLayer
from portside.effects.toolbox import Toolbox
from portside.model.errors import BuildError
from portside.model.errors.interpreter import InterpreterUnavailableError, SourceUnreachableError
from portside.model.errors.store import DiskFullError
from portside.model.events import Outcome
from portside.model.interpreter import Interpreter, InterpreterCandidate, InterpreterSource
from portside.model.layers import KeyInput, LayerKey
from portside.model.python_version import PythonVersion
from portside.steps.log import StepLog

LAYER = "python"
# Raised whenever an interpreter's files would come out differently from the same source.
_RECIPE = "3"
_REMEMBER_SECONDS = 600.0


def stored_candidates(store: Store, platform: str) -> tuple[InterpreterCandidate, ...]:
    """Return the interpreters that the store has for this platform."""
    return tuple(
        InterpreterCandidate(
            PythonVersion.parse(layer.fact("version")),
            InterpreterSource.STORE,
            layer.key.digest,
        )
        for layer in store.layers(LAYER)
        if layer.fact("platform") == platform and KeyInput("recipe", _RECIPE) in layer.key.inputs
    )


def stored_key(store: Store, candidate: InterpreterCandidate) -> LayerKey | None:
    """Return the key of a candidate that is in the store, or None for any other."""
    if candidate.source is not InterpreterSource.STORE:
        return None
    header = store.header(LAYER, candidate.location)
    return header.key if header else None


class ProvidedInterpreter(Struct, frozen=True):
    """An interpreter that can be used; ``layer`` waits until its layer is finished, too.

    It raises the errors of a disk that is full or read-only, and ``InterpreterUnusableError``.
    """

    interpreter: Interpreter
    layer: Callable[[], StoredLayer]

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Tell of a layer that failed rather than of what failed because of that.

        The files of a layer that can't be finished are removed, whoever is using them.
        """
        try:
            yield
        except BuildError:
            self.layer()
            raise


def provide_interpreter(
    candidates: tuple[InterpreterCandidate, ...],
    *,
    find_again: Callable[[], tuple[InterpreterCandidate, ...]],
    requested: str,
    tools: Toolbox,
    log: StepLog,
) -> ProvidedInterpreter:
    """Return the first candidate that can be had.

    ``find_again`` is asked when a stored one turns out to be damaged: others were left out because
    it was there. Raises ``InterpreterUnavailableError`` with what was tried when none can.
    """
    provided = _first(candidates, requested, tools, log)
    while provided is None:
        provided = _first(find_again(), requested, tools, log)
    return provided


def _first(
    candidates: tuple[InterpreterCandidate, ...], requested: str, tools: Toolbox, log: StepLog
) -> ProvidedInterpreter | None:
    """Return the first candidate that can be had, None where a stored one is gone."""
    tried: list[str] = []
    for candidate in candidates:
        try:
            return _provide(candidate, tools, log)
        except DiskFullError:
            raise
        except BuildError as error:
            tried.append(error.summary)
            log.on_detail(error.summary)
            if isinstance(error, SourceUnreachableError):
                remember_unreachable(tools.store, error.failure_detail)
    raise InterpreterUnavailableError(requested=requested, tried=tuple(tried))


def _interpreter_of(layer: StoredLayer) -> Interpreter:
    """Return the interpreter that a layer holds."""
    version = PythonVersion.parse(layer.fact("version"))
    return Interpreter(version, layer.tree, layer.fact("origin"), layer.key)


def remember_unreachable(store: Store, location: str) -> None:
    """Note that downloads don't work now, so that the next builds don't wait for them."""
    path = store.root / "unreachable.json"
    path.parent.mkdir(parents=True, exist_ok=True)  # a catalog is asked before anything is stored
    write_new(path, json.dumps({"location": location, "time": time.time()}).encode())


def recently_unreachable(store: Store) -> str | None:
    """Return where a download failed in the last ten minutes, or None."""
    try:
        data: object = json.loads((store.root / "unreachable.json").read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(data, dict):
        return None
    when, location = data.get("time"), data.get("location")
    is_recent = isinstance(when, float) and 0 <= time.time() - when < _REMEMBER_SECONDS
    return location if is_recent and isinstance(location, str) else None


def _provide(
    candidate: InterpreterCandidate, tools: Toolbox, log: StepLog
) -> ProvidedInterpreter | None:
    store = tools.store
    if candidate.source is InterpreterSource.STORE:
        key = stored_key(store, candidate)
        log.outcome = Outcome.REUSED
        return _stored(store.find(key, log.on_damaged) if key else None)
    log.outcome = Outcome.DONE
    key = _key(candidate, tools.host)
    with store.lock(f"{LAYER}-obtain-{key.digest[:16]}"):
        found = store.find(key, log.on_damaged)
        if found is not None:
            return _stored(found)
        from portside.steps.new_interpreter import (  # noqa: PLC0415 (start-up time)
            make_interpreter,
        )

        return ProvidedInterpreter(*make_interpreter(candidate, key, tools, log))


def _stored(layer: StoredLayer | None) -> ProvidedInterpreter | None:
    return ProvidedInterpreter(_interpreter_of(layer), lambda: layer) if layer else None


def _key(candidate: InterpreterCandidate, host: Host) -> LayerKey:
    inputs = [
        KeyInput("Python", str(candidate.version)),
        KeyInput("platform", host.platform),
        KeyInput("source", candidate.location),
        KeyInput("recipe", _RECIPE),
    ]
    if candidate.sha256:
        inputs.append(KeyInput("sha256", candidate.sha256))
    if candidate.source is InterpreterSource.LOCAL:
        status = Path(candidate.location).stat()
        inputs.append(KeyInput("executable", f"{status.st_size}-{status.st_mtime_ns}"))
    return LayerKey(LAYER, tuple(inputs))
