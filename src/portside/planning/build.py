"""Facts and what is at hand → Plan: which steps run, which results are reused, and why."""

from msgspec import Struct

from portside.model.facts import Facts
from portside.model.interpreter import InterpreterCandidate, InterpreterSource
from portside.model.layers import LayerKey
from portside.model.plan import (
    Action,
    CheckBoot,
    CollectStatic,
    CopyApp,
    FinishSlug,
    InstallDependencies,
    Plan,
    ProvideInterpreter,
    RunHook,
    Step,
)
from portside.model.python_version import PythonVersion
from portside.model.settings import BOOT_CHECK

_FIRST_BUILD = "this app wasn't built before"


class Previous(Struct, frozen=True):
    """The keys of the last build's parts."""

    dependencies: LayerKey
    slug: LayerKey


class Situation(Struct, frozen=True):
    """What planning needs to know beside the facts.

    Keys are None where they can't be known before the interpreter is in place.
    ``newest_patch`` is the newest version of the series that is offered anywhere.
    ``is_in_place`` says that the slug with ``slug_key`` is where this build would put it.
    """

    candidates: tuple[InterpreterCandidate, ...]
    newest_patch: PythonVersion | None
    dependencies_key: LayerKey | None
    are_dependencies_stored: bool
    app_files: int
    app_digest: str
    slug_key: LayerKey | None
    is_in_place: bool
    collectstatic_skip: str | None
    previous: Previous | None


def plan_build(facts: Facts, situation: Situation) -> Plan:
    """Return the steps of a build of this app, those that won't run included."""
    unchanged = situation.is_in_place and not has_hooks(facts)
    rerun = Action.REUSE if unchanged else Action.RUN
    why = _why_build(facts, situation, unchanged=unchanged)
    steps: list[Step] = [CopyApp(situation.app_files, situation.app_digest, rerun, why)]
    if facts.pre_compile_hook:
        steps.append(RunHook(facts.pre_compile_hook, Action.RUN, "the app has this hook"))
    steps += [
        _plan_interpreter(facts, situation),
        _plan_dependencies(facts, situation),
        *_plan_collectstatic(facts, situation, rerun, why),
    ]
    if facts.post_compile_hook:
        steps.append(RunHook(facts.post_compile_hook, Action.RUN, "the app has this hook"))
    steps += _plan_boot_check(facts, rerun)
    key = situation.slug_key.digest if situation.slug_key else ""
    steps.append(FinishSlug(facts.processes, key, rerun, why))
    return Plan(facts.app_name, tuple(steps), facts.notices)


def why_no_boot_check(facts: Facts) -> str | None:
    """Return why a boot check that was asked for can't be made, or None."""
    has_web = any(process.type == "web" for process in facts.processes)
    return None if has_web else "there is no web process"


def has_hooks(facts: Facts) -> bool:
    """Return whether the app has a hook, which may do anything, so that no slug is reused."""
    return facts.pre_compile_hook is not None or facts.post_compile_hook is not None


def explain_dependencies(key: LayerKey, previous: Previous | None) -> str:
    """Return why dependencies must be installed that the store doesn't have."""
    if previous is None:
        return _FIRST_BUILD
    changes = key.changes_since(previous.dependencies)
    return ", ".join(changes) if changes else "the layer of the last build is no longer stored"


def _why_build(facts: Facts, situation: Situation, *, unchanged: bool) -> str:
    if unchanged:
        return "nothing changed since the last build"
    if has_hooks(facts):
        return "the app has hooks, which may do anything"
    if situation.previous is None or situation.slug_key is None:
        return _FIRST_BUILD
    changes = situation.slug_key.changes_since(situation.previous.slug)
    return ", ".join(changes) if changes else "the last slug isn't where this one goes"


def _plan_interpreter(facts: Facts, situation: Situation) -> ProvideInterpreter:
    is_stored = situation.candidates[0].source is InterpreterSource.STORE
    return ProvideInterpreter(
        requested=str(facts.python),
        origin=str(facts.python.origin),
        candidates=situation.candidates,
        action=Action.REUSE if is_stored else Action.RUN,
        reason="it is in the store" if is_stored else "the store doesn't have it",
    )


def _plan_dependencies(facts: Facts, situation: Situation) -> InstallDependencies:
    key = situation.dependencies_key
    if key is None:
        return InstallDependencies(
            facts.dependencies, "", Action.RUN, "the interpreter has to be put in place first"
        )
    if situation.are_dependencies_stored:
        return InstallDependencies(
            facts.dependencies, key.digest, Action.REUSE, "no input changed since it was stored"
        )
    reason = explain_dependencies(key, situation.previous)
    return InstallDependencies(facts.dependencies, key.digest, Action.RUN, reason)


def _plan_collectstatic(
    facts: Facts, situation: Situation, rerun: Action, why: str
) -> tuple[CollectStatic, ...]:
    if facts.manage_py is None:
        return ()
    if situation.collectstatic_skip is not None:
        return (CollectStatic(facts.manage_py, Action.SKIP, situation.collectstatic_skip),)
    return (CollectStatic(facts.manage_py, rerun, why),)


def _plan_boot_check(facts: Facts, rerun: Action) -> tuple[CheckBoot, ...]:
    if not facts.settings.is_on(BOOT_CHECK):
        return ()
    if (skip := why_no_boot_check(facts)) is not None:
        return (CheckBoot(Action.SKIP, skip),)
    return (CheckBoot(rerun, f"it is on in {facts.settings.origin(BOOT_CHECK)}"),)
