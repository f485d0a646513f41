"""pip's command line for a job, and the variables it runs with; it never runs it."""

from collections.abc import Iterator, Mapping

from portside.effects.pip_config import PipConfig
from portside.model.interpreter import Interpreter
from portside.steps.dependencies.jobs import Job, Options, installer_environment
from portside.steps.dependencies.request import DependenciesRequest


def pip_arguments(
    job: Job, request: DependenciesRequest, files: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the command line of the interpreter's own pip for requirements files."""
    return (
        *(str(request.interpreter.executable), *_bundled_pip(request.interpreter)),
        *("install", "--prefix", str(request.prefix), "--ignore-installed"),
        *("--no-compile", "--no-warn-script-location", "--disable-pip-version-check"),
        *("--no-input", "--src", str(request.prefix / "src")),
        *(["--no-deps"] if job.no_deps else []),
        *(word for file in files for word in ("-r", file)),
    )


def pip_environment(job: Job, request: DependenciesRequest, config: PipConfig) -> Mapping[str, str]:
    """Return the variables pip runs with; where it reads the app's own file, that has the rest."""
    own = () if job.pip_files or job.pip_lines else _variables(job.options)
    return {
        **installer_environment(request),
        **config.variables,
        "PYTHONNOUSERSITE": "1",
        **dict(own),
    }


def _variables(options: Options) -> Iterator[tuple[str, str]]:
    """Return pip's options for a job without a requirements file of its own; they may be secret."""
    main, *extra = options.indexes
    values = {
        "PIP_INDEX_URL": main,
        "PIP_EXTRA_INDEX_URL": " ".join(extra),
        "PIP_TRUSTED_HOST": " ".join(options.trusted),
        "PIP_PRE": "1" if options.pre else "",
        "PIP_CERT": options.authority,
    }
    yield from ((name, value) for name, value in values.items() if value)


def _bundled_pip(interpreter: Interpreter) -> tuple[str, ...]:
    """Return the arguments that start the pip that comes with the interpreter."""
    bundled = interpreter.root / f"lib/python{interpreter.version.series}/ensurepip/_bundled"
    wheels = sorted(bundled.glob("pip-*.whl"))
    return (str(wheels[-1] / "pip"),) if wheels else ("-m", "pip")
