"""The layer of dependencies: taken from the store, or installed and made fit for any place."""

from collections.abc import Callable

from portside.effects.bytecode import provide_bytecode
from portside.effects.files import disk_errors
from portside.effects.store import Staging, StoredLayer
from portside.effects.toolbox import Toolbox
from portside.model.events import Outcome
from portside.model.layers import LayerKey
from portside.steps.dependencies.installation import install_dependencies
from portside.steps.dependencies.relocation import relocate_editables, relocate_scripts
from portside.steps.dependencies.request import DependenciesRequest, InstallOutcome
from portside.steps.log import StepLog


def provide_dependencies(
    key: LayerKey,
    make_request: Callable[[Staging], DependenciesRequest],
    *,
    reason: str,
    tools: Toolbox,
    log: StepLog,
    upgrade: bool,
    verifies: bool = True,
) -> StoredLayer:
    """Return the layer with this key, installed for ``reason`` where the store has none.

    ``make_request`` says what to install into a staging directory. ``upgrade`` makes the layer
    anew although there is one; without ``verifies`` one that is there isn't looked at
    (``Store.find``). Raises what ``install_dependencies`` raises.
    """
    existing = None if upgrade else tools.store.find(key, log.on_damaged, verifies=verifies)
    if existing is not None:
        log.outcome, log.reason = Outcome.REUSED, "no input changed"
        return existing
    log.reason = reason
    log.on_detail(f"Installing: {reason}")
    store = tools.store
    with store.staging() as staging, disk_errors(store.root, "the dependencies"):
        outcome = _install(make_request(staging), staging, tools, log)
        distributions = (f"{name}=={version}" for name, version in outcome.distributions)
        facts = (("installer", outcome.installer), ("distributions", " ".join(distributions)))
        return store.commit(key, staging, facts, replace=upgrade)


def installed_distributions(layer: StoredLayer) -> tuple[str, ...]:
    """Return what a layer of dependencies holds, each as ``name==version``."""
    return tuple(layer.fact("distributions").split())


def has_distribution(layer: StoredLayer, name: str) -> bool:
    """Return whether a layer of dependencies holds a distribution (its name in lower case)."""
    return any(item.partition("==")[0].lower() == name for item in installed_distributions(layer))


def _install(
    request: DependenciesRequest, staging: Staging, tools: Toolbox, log: StepLog
) -> InstallOutcome:
    outcome = install_dependencies(
        request, runner=tools.runner, on_line=log.on_line, on_detail=log.on_detail
    )
    interpreter = request.interpreter
    relocate_scripts(staging.tree / "bin")
    packages = staging.tree / interpreter.site_packages
    relocate_editables(packages, request.app, staging.tree, request.source_root)
    shelf = tools.store.root / "bytecode"
    bytecode = provide_bytecode(staging.tree, interpreter, shelf, tools.runner, staging.root)
    log.on_detail(
        f"Installed {len(outcome.distributions)} distributions with {outcome.installer}; "
        f"bytecode: {bytecode.compiled} compiled, {bytecode.reused} from the store"
    )
    return outcome
