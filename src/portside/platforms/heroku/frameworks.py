"""What a classic build does for Django and NLTK, and what its report says of that."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from portside.detection.django import DISABLING_FILE
from portside.effects.process import ProcessRunner
from portside.effects.store import StoredLayer
from portside.model.events import Outcome
from portside.model.facts import Facts
from portside.model.source import Source
from portside.platforms.heroku.report import BuildReport
from portside.steps.collectstatic import run_collectstatic, why_skipped
from portside.steps.dependencies.layer import has_distribution
from portside.steps.log import BuildLog, StepLog
from portside.steps.nltk import CORPORA_FILE, download_corpora, read_corpora

_OFF = frozenset({"", "0"})
_DISABLED = "disabled-env-var"


class Frameworks(Struct, frozen=True):
    """Runs what the frameworks in ``layer`` need, with ``env`` as the environment.

    ``home`` is the interpreter's directory as the app sees it.
    """

    build: Path
    home: Path
    source: Source
    layer: StoredLayer
    env: Mapping[str, str]
    runner: ProcessRunner
    log: BuildLog
    report: BuildReport

    def download_corpora(self) -> None:
        """Download the NLTK corpora that the app names; raise ``CorporaDownloadError``."""
        if not has_distribution(self.layer, "nltk"):
            return
        corpora = read_corpora(self.source)
        self.report.values["nltk_downloader"] = "enabled" if corpora else "skipped-no-nltk-file"
        with (
            self.report.timing("nltk_downloader_duration"),
            self.log.step("nltk", "Downloading NLTK corpora", "NLTK is installed") as step,
        ):
            if not corpora:
                step.outcome, step.reason = Outcome.SKIPPED, f"there is no {CORPORA_FILE}"
                return
            step.on_detail(f"Corpora: {', '.join(corpora)}")
            download_corpora(
                corpora,
                self.home / "nltk_data",
                self.env,
                python=self.home / "bin" / "python",
                runner=self.runner,
                on_line=step.on_line,
            )

    def collect_static(self, facts: Facts, config_vars: Mapping[str, str]) -> None:
        """Run Django's collectstatic unless it is disabled; raise a ``CollectStaticError``."""
        if not has_distribution(self.layer, "django"):
            return
        if facts.manage_py is None:
            self.report.values["django_collectstatic"] = "skipped-no-manage-py"
            return
        has_file = self.source.is_file(DISABLING_FILE)
        skip = why_skipped(config_vars, has_disabling_file=has_file)
        by_variable = why_skipped(config_vars, has_disabling_file=False) is not None
        status = _DISABLED if by_variable else "disabled-file" if skip else "enabled"
        self.report.values["django_collectstatic"] = status
        title = f"$ python {facts.manage_py} collectstatic --noinput"
        with (
            self.report.timing("django_collectstatic_duration"),
            self.log.step("collectstatic", title, "Django is installed") as step,
        ):
            skip = skip or self._run_collectstatic(facts.manage_py, step)
            if skip is not None:
                step.outcome, step.reason = Outcome.SKIPPED, skip

    def _run_collectstatic(self, manage_py: str, step: StepLog) -> str | None:
        if self.env.get("DEBUG_COLLECTSTATIC", "0") not in _OFF:
            for name in sorted(self.env):
                step.on_line(self.runner.redact(f"{name}={self.env[name]}"))
        return run_collectstatic(
            manage_py, self.build, self.env, runner=self.runner, on_line=step.on_line
        )


def note_disabled(report: BuildReport) -> None:
    """Note that collectstatic was never meant to run, as in a build for tests."""
    report.values["django_collectstatic"] = _DISABLED
