"""uv's command line for a job, and the variables it runs with; it never runs it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from portside.effects.pip_config import PipConfig
from portside.steps.dependencies.distributions import named_prereleases
from portside.steps.dependencies.inputs import gather_inputs
from portside.steps.dependencies.jobs import Job, Options, Pylock, installer_environment
from portside.steps.dependencies.managers import Query
from portside.steps.dependencies.request import DependenciesRequest


class UvFiles(Struct, frozen=True):
    """The files that were written for uv. An empty ``constraints`` stands for none."""

    requirements: str
    constraints: str = ""


def uv_arguments(
    job: Job,
    request: DependenciesRequest,
    config: PipConfig,
    files: UvFiles,
    prereleases: frozenset[str] = frozenset(),
) -> tuple[str, ...]:
    """Return uv's command line. Whatever may hold credentials is in ``uv_environment``.

    ``prereleases`` are names of which they are wanted, beside those that the job itself asks for.
    """
    return (
        *(str(request.uv), "pip", "install", "--python", str(request.interpreter.executable)),
        *("--prefix", str(request.prefix), "--link-mode", "hardlink", "--no-config"),
        *("--cache-dir", str(request.uv_cache), "--no-python-downloads"),
        *("--no-progress", "--color", "never"),
        *_options(job.options),
        *_prereleases(prereleases | named_prereleases((*job.lines, *job.constraints))),
        *([] if job.pylock else config.arguments),
        *_pylock(job.pylock),
        *_copies(request),
        *(["--no-deps"] if job.no_deps and "--no-deps" not in config.arguments else []),
        *(["--upgrade"] if request.upgrade else []),
        *(["--refresh"] if job.refresh and not request.upgrade else []),
        *_strategy(job, request.environ),
        *(["--constraints", files.constraints] if files.constraints else []),
        *("--requirements", files.requirements),
    )


def uv_environment(job: Job, request: DependenciesRequest, config: PipConfig) -> Mapping[str, str]:
    """Return the variables uv runs with: those for every installer, and what may be secret."""
    env = {
        **installer_environment(request),
        **authorities(request.environ),
        **config.environment,
        **_authority(job.options.authority),
        **_indexes(job, request),
    }
    links = [place for place in job.options.find_links if "," not in place]
    if links:
        own = env.get("UV_FIND_LINKS", "")
        env["UV_FIND_LINKS"] = ",".join([*dict.fromkeys(links), *([own] if own else [])])
    if config.constraints and not job.pylock:
        env["UV_CONSTRAINT"] = " ".join(config.constraints)
    if "UV_DEFAULT_INDEX" in env:
        env.pop("UV_INDEX_URL", None)
    return env


def authorities(environ: Mapping[str, str]) -> dict[str, str]:
    """Return uv's variable for the certificates that pip takes from Requests' variables."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if environ.get(name):
            return _authority(environ[name])
    return {}


def _authority(path: str) -> dict[str, str]:
    if not path:
        return {}
    return {"SSL_CERT_DIR" if Path(path).is_dir() else "SSL_CERT_FILE": path}


def places(job: Job, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the indexes and pages of links that are asked; "" stands for the default index."""
    links = [place for place in job.options.find_links if "://" in place]
    return (*links, *(() if job.options.no_index else _all_indexes(job, environ)))


def _options(options: Options) -> Iterator[str]:
    """Return uv's arguments for pip's options, the indexes and links apart."""
    for name in sorted(options.no_binary):
        yield from ("--no-binary", name)
    for name in sorted(options.only_binary):
        yield from ("--only-binary", name)
    for host in dict.fromkeys(options.trusted):
        yield from ("--allow-insecure-host", host)
    for place in dict.fromkeys(options.find_links):
        if "," in place:
            # UV_FIND_LINKS would split it.
            yield from ("--find-links", place)
    if options.no_index:
        yield "--no-index"
    if options.pre:
        yield from ("--prerelease", "allow")
    if options.require_hashes:
        yield "--require-hashes"


def _pylock(pylock: Pylock | None) -> Iterator[str]:
    if pylock is None:
        return
    yield from ("--preview-features", "pylock")
    for group in pylock.groups:
        yield from ("--group", group)
    for extra in pylock.extras:
        yield from ("--extra", extra)
    for name in pylock.copies:
        yield from ("--no-editable-package", name)


def _copies(request: DependenciesRequest) -> Iterator[str]:
    """Return arguments that keep uv from links to what projects beside the app take from paths."""
    if request.source_root is None:
        return
    query = Query(
        request.source,
        request.dependencies,
        request.environ,
        request.app,
        request.includes_tests,
    )
    for item in gather_inputs(query).outside:
        if item.name:
            yield from ("--no-editable-package", item.name)


def _prereleases(names: frozenset[str]) -> Iterator[str]:
    """Return arguments for what uv does only where nothing else matches, unlike pip."""
    for name in sorted(names):
        yield from ("--prerelease-package", f"{name}=allow")


def _strategy(job: Job, environ: Mapping[str, str]) -> tuple[str, ...]:
    if len(_all_indexes(job, environ)) > 1 or job.options.find_links:
        return ("--index-strategy", "unsafe-best-match")
    # With one index the answer is the same, and uv says when it is refused.
    return ()


def _all_indexes(job: Job, environ: Mapping[str, str]) -> tuple[str, ...]:
    own = "UV_INDEX", "UV_EXTRA_INDEX_URL"
    more = [url for name in own for url in environ.get(name, "").split()]
    return tuple(dict.fromkeys([*job.options.indexes, *more]))


def _indexes(job: Job, request: DependenciesRequest) -> dict[str, str]:
    if job.options.no_index:
        return {}
    main, *extra = _all_indexes(job, request.environ)
    variables = {"UV_DEFAULT_INDEX": main} if main else {}
    return variables | {"UV_INDEX": " ".join(extra), "UV_EXTRA_INDEX_URL": ""}
