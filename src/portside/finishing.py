"""Finishes a slug: what starts it, its bytecode, its report, and the step into its place."""

import stat
import time
from importlib import resources
from pathlib import Path

from msgspec import Struct

from portside.effects.app_files import AppFiles
from portside.effects.bytecode import compile_sources
from portside.effects.store import StoredLayer
from portside.effects.toolbox import Toolbox
from portside.model.codec import encode
from portside.model.events import Outcome
from portside.model.facts import Facts
from portside.model.interpreter import Interpreter
from portside.model.layers import LayerKey
from portside.model.report import Report, StepReport
from portside.packing.generations import publish_generation
from portside.packing.slug import (
    PYTHON_HOME,
    LaunchData,
    publish,
    write_identity,
    write_launch_data,
)
from portside.preparation import BuildRequest, Prepared, key_slug, slug_directory
from portside.steps.dependencies.layer import installed_distributions
from portside.steps.log import BuildLog


def lock_of(prepared: Prepared) -> str:
    """Return the name of the lock on an app's slugs and on what its last build left behind."""
    return f"app-{prepared.app_id}"


class Finishing(Struct, frozen=True):
    """What the last steps of a build share. ``work`` is a scratch directory.

    ``started`` is when the build began (monotonic).
    """

    request: BuildRequest
    tools: Toolbox
    log: BuildLog
    work: Path
    started: float

    def write_launch_data(self, facts: Facts, slug: Path, interpreter: Interpreter) -> None:
        """Write what starts the slug's processes."""
        data = LaunchData(
            str(interpreter.version), facts.dependencies.manager.value, facts.processes
        )
        runtime = resources.files("portside.runtime")
        launcher = (runtime / "launcher.py").read_bytes()
        write_launch_data(slug, data, launcher, (runtime / "launch_shim.sh").read_bytes())

    def publish(
        self,
        prepared: Prepared,
        facts: Facts,
        slug: Path,
        interpreter: Interpreter,
        layers: tuple[StoredLayer, StoredLayer],
    ) -> Path:
        """Put the slug in its place, where it is whole at once, and return that."""
        dependencies = layers[1].key
        key = key_slug(self.request, prepared.files, dependencies, prepared.facts.settings)
        finishing = time.monotonic()
        with self.log.step("slug", "Finishing the slug", "launch data and bytecode") as log:
            for process in facts.processes:
                log.on_detail(f"{process.type}: {process.command} ({process.origin})")
            self._compile_app(slug, prepared.files)
            report = self._report(prepared, interpreter, layers[1], time.monotonic() - finishing)
            write_identity(
                slug,
                app=prepared.facts.app_name,
                key=key.digest,
                layers=tuple(layer.instance for layer in layers),
                report=_as_dictionary(report),
            )
            with self.tools.store.lock(lock_of(prepared)):
                place = self._put_in_place(prepared, slug, key)
                self._keep_state(prepared, interpreter, key, dependencies)
        return place

    def _compile_app(self, slug: Path, files: AppFiles) -> None:
        sources = [
            stamp.path
            for stamp in files.stamps
            if stamp.path.endswith(".py") and stat.S_ISREG(stamp.mode)
        ]
        python = slug / PYTHON_HOME / "bin" / "python3"
        compile_sources(sources, slug, python, self.tools.runner, self.work)

    def _put_in_place(self, prepared: Prepared, slug: Path, key: LayerKey) -> Path:
        if self.request.directories:
            publish(slug, self.request.directories[0])
            return self.request.directories[0]
        directory = slug_directory(self.request.data_root, prepared.app_id)
        return publish_generation(slug, directory, key.digest)

    def _keep_state(
        self, prepared: Prepared, interpreter: Interpreter, key: LayerKey, dependencies: LayerKey
    ) -> None:
        state: dict[str, object] = {
            "python_series": str(interpreter.version.series),
            "slug": encode(key),
            "dependencies": encode(dependencies),
        }
        self.tools.store.write_state(prepared.app_id, state)

    def _report(
        self, prepared: Prepared, interpreter: Interpreter, layer: StoredLayer, finishing: float
    ) -> Report:
        """Return the report; ``finishing`` is how long the step that writes it has taken."""
        last = StepReport("slug", Outcome.DONE, "launch data and bytecode", finishing)
        return Report(
            app=prepared.facts.app_name,
            python_version=str(interpreter.version),
            python_version_origin=prepared.facts.python.origin.name,
            package_manager=prepared.facts.dependencies.manager.value,
            installer=layer.fact("installer"),
            distributions=installed_distributions(layer),
            steps=(*self.log.steps, last),
            total_duration=time.monotonic() - self.started,
        )


def _as_dictionary(report: Report) -> dict[str, object]:
    document = encode(report)
    return document if isinstance(document, dict) else {}
