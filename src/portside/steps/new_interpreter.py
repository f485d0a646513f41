"""Makes the layer of an interpreter that the store doesn't have.

Compiling a standard library takes longer than all else about an interpreter, and the dependencies
can be downloaded without it: so that is done beside the steps that follow.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from portside.effects.bytecode import compile_sources
from portside.effects.interpreters.obtain import Obtained, obtain_interpreter
from portside.effects.process import CouldNotStartError
from portside.effects.store import Staging, StoredLayer
from portside.effects.toolbox import Toolbox
from portside.model.errors.interpreter import InterpreterUnusableError
from portside.model.interpreter import Interpreter, InterpreterCandidate
from portside.model.layers import LayerKey
from portside.steps.log import StepLog


def make_interpreter(
    candidate: InterpreterCandidate, key: LayerKey, tools: Toolbox, log: StepLog
) -> tuple[Interpreter, Callable[[], StoredLayer]]:
    """Return an interpreter that can be used, and what waits for its layer.

    The wait raises ``InterpreterUnusableError`` and the errors of a disk that is full or read-only.
    Raises those, too, and what ``obtain_interpreter`` does.
    """
    with ExitStack() as stack:
        staging = stack.enter_context(tools.store.staging())
        obtained = obtain_interpreter(
            candidate,
            staging.tree,
            runner=tools.runner,
            host=tools.host,
            uv=tools.uv,
            on_line=log.on_line,
        )
        tree = stack.enter_context(tools.store.unfinished(key, staging))
        interpreter = Interpreter(candidate.version, tree, obtained.origin, key)
        resources = stack.pop_all()

    def finish() -> StoredLayer:
        with resources:
            _compile(candidate, interpreter, obtained, staging, tools)
            return tools.store.finish(key, _facts(interpreter, tools))

    # This process doesn't end before the thread: what was downloaded is kept if the build fails.
    pool = ThreadPoolExecutor(1)
    layer = pool.submit(finish)
    pool.shutdown(wait=False)
    return interpreter, layer.result


def _compile(
    candidate: InterpreterCandidate,
    interpreter: Interpreter,
    obtained: Obtained,
    staging: Staging,
    tools: Toolbox,
) -> None:
    """Give the standard library its bytecode: all of it, as it isn't looked at again."""
    library = (interpreter.root / interpreter.site_packages).parent
    try:
        status = compile_sources(
            obtained.uncompiled, library, interpreter.executable, tools.runner, staging.root
        )
        cause = f"compiling its standard library ended with exit status {status}" if status else ""
    except CouldNotStartError as error:
        cause = f"it can't be started: {error.cause.lower()}"
    if cause:
        raise InterpreterUnusableError(
            location=tools.runner.redact(candidate.location), cause=cause
        )


def _facts(interpreter: Interpreter, tools: Toolbox) -> tuple[tuple[str, str], ...]:
    return (
        ("version", str(interpreter.version)),
        ("platform", tools.host.platform),
        ("origin", interpreter.origin),
    )
