"""Reads pip's own configuration: its files, then ``PIP_*`` variables, merged as pip does.

https://pip.pypa.io/en/stable/topics/configuration/
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field

from portside.detection.requirements import decode
from portside.model.errors import BuildError

_SECTIONS = ("global", "install")


class PipConfig(Struct, frozen=True):
    """What pip is configured to do, in terms of uv.

    An empty ``index_url`` leaves it at the default. ``no_binary`` and ``only_binary`` are pip's
    comma-separated values. ``arguments`` and ``environment`` are uv's for everything that isn't a
    field; ``unsupported`` are phrases for what only pip can do. ``variables`` is the whole merged
    configuration as ``PIP_*`` variables, without what says where to install; ``inputs`` are the
    settings that may change what gets installed.
    """

    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    no_binary: tuple[str, ...] = ()
    only_binary: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    require_hashes: bool = False
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    unsupported: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)


def read_pip_config(environ: Mapping[str, str], home: Path) -> PipConfig:
    """Return pip's configuration for `pip install`; files that can't be read count as absent."""
    settings = _merge(environ, home)
    return PipConfig(
        index_url=settings.get("index-url", settings.get("pypi-url", "")).strip(),
        extra_index_urls=_words(settings, "extra-index-url"),
        find_links=_words(settings, "find-links"),
        no_index=_flag(settings, "no-index"),
        no_binary=_words(settings, "no-binary"),
        only_binary=_words(settings, "only-binary"),
        constraints=_words(settings, "constraint"),
        require_hashes=_flag(settings, "require-hashes"),
        arguments=tuple(_arguments(settings)),
        environment=dict(_environment(settings)),
        unsupported=tuple(_unsupported(settings)),
        variables=dict(_variables(settings)),
        inputs={key: value for key, value in settings.items() if key in _INPUTS},
    )


_DEFAULT_DIRECTORIES = "/etc/xdg"

# Where to install is decided by the build, whatever the developer's own machine prefers.
_PLACES = frozenset(
    {
        "config-file",
        "dry-run",
        "editable",
        "no-user",
        "prefix",
        "python",
        "report",
        "require-virtualenv",
        "requirement",
        "root",
        "src",
        "target",
        "user",
    }
)
# pip ignores what it doesn't know, so only what is known to matter is listed.
_ONLY_PIP = frozenset(
    {
        "abi",
        "all-releases",
        "check-build-dependencies",
        "config-setting",
        "config-settings",
        "global-option",
        "group",
        "ignore-requires-python",
        "implementation",
        "install-option",
        "keyring-provider",
        "only-final",
        "platform",
        "prefer-binary",
        "python-version",
        "uploaded-prior-to",
        "use-deprecated",
        "use-feature",
        "use-pep517",
    }
)
_TRANSLATED = frozenset(
    {
        "build-constraint",
        "cert",
        "client-cert",
        "constraint",
        "extra-index-url",
        "find-links",
        "index-url",
        "no-binary",
        "no-build-isolation",
        "no-deps",
        "no-index",
        "only-binary",
        "pre",
        "proxy",
        "pypi-url",
        "require-hashes",
        "retries",
        "timeout",
        "trusted-host",
    }
)
_CONNECTION = frozenset({"cert", "client-cert", "proxy", "retries", "timeout", "trusted-host"})
_INPUTS = (_ONLY_PIP | _TRANSLATED) - _CONNECTION
_TRUE = frozenset({"y", "yes", "t", "true", "on", "1"})


def _merge(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """Merge each section over the files; [install] beats [global], variables beat both."""
    sections: dict[str, dict[str, str]] = {name: {} for name in _SECTIONS}
    for path in config_files(environ, home):
        for section, key, value in _read(path):
            sections[section][key] = value
    variables = {
        _key(name.removeprefix("PIP_")): value
        for name, value in environ.items()
        if name.startswith("PIP_") and name != "PIP_CONFIG_FILE"
    }
    layers = (sections["global"], sections["install"], variables)
    # An empty value hides the same section's of other files, and nothing of the other layers.
    return {key: value for layer in layers for key, value in layer.items() if value.strip()}


def config_files(environ: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Return the files that pip would read, whether or not they exist; later ones win."""
    own = environ.get("PIP_CONFIG_FILE", "")
    if own == os.devnull:
        return ()
    shared = (environ.get("XDG_CONFIG_DIRS") or _DEFAULT_DIRECTORIES).split(":")
    config_home = environ.get("XDG_CONFIG_HOME") or str(home / ".config")
    paths = [Path(directory) / "pip" / "pip.conf" for directory in shared if directory]
    paths.append(Path("/etc/pip.conf"))
    if own and Path(own).exists():
        # It takes the place of the user's own files.
        return (*paths, Path(own))
    return (*paths, home / ".pip" / "pip.conf", Path(config_home) / "pip" / "pip.conf")


def _read(path: Path) -> Iterator[tuple[str, str, str]]:
    try:
        text = decode(path.read_bytes(), file=str(path))
    except (OSError, BuildError):
        return
    import configparser  # noqa: PLC0415 (few machines have such a file)

    try:
        parser = configparser.RawConfigParser()
        parser.read_string(text)
    except configparser.Error:
        return
    for section in _SECTIONS:
        if parser.has_section(section):
            for key, value in parser.items(section):
                yield section, _key(key), value


def _key(name: str) -> str:
    key = name.lower().replace("_", "-").removeprefix("--")
    return {"default-timeout": "timeout", "i": "index-url", "f": "find-links"}.get(key, key)


def _words(settings: Mapping[str, str], key: str) -> tuple[str, ...]:
    return tuple(settings.get(key, "").split())


def _flag(settings: Mapping[str, str], key: str) -> bool:
    return settings.get(key, "").strip().lower() in _TRUE


def _arguments(settings: Mapping[str, str]) -> Iterator[str]:
    for host in _words(settings, "trusted-host"):
        yield from ("--allow-insecure-host", host)
    if _flag(settings, "pre"):
        yield from ("--prerelease", "allow")
    if _flag(settings, "no-deps"):
        yield "--no-deps"
    # pip keeps the flag's own value under the opposite name: "false" switches isolation off.
    if "no-build-isolation" in settings and not _flag(settings, "no-build-isolation"):
        yield "--no-build-isolation"


def _environment(settings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, variable in _VARIABLES.items():
        if key in settings:
            yield variable, settings[key].strip()
    if "build-constraint" in settings:
        yield "UV_BUILD_CONSTRAINT", " ".join(_words(settings, "build-constraint"))
    if "timeout" in settings:
        # pip takes fractions of a second, uv doesn't.
        yield "UV_HTTP_TIMEOUT", settings["timeout"].strip().partition(".")[0] or "1"
    proxy = settings.get("proxy", "").strip()
    if proxy:
        proxy = proxy if "://" in proxy else f"http://{proxy}"
        yield from ((name, proxy) for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"))


_VARIABLES = {
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "retries": "UV_HTTP_RETRIES",
}


def _unsupported(settings: Mapping[str, str]) -> Iterator[str]:
    for key in sorted(settings):
        if key in _ONLY_PIP and not _is_off(settings[key]):
            yield f"pip's configuration sets {key}"


def _is_off(value: str) -> bool:
    return value.strip().lower() in {"0", "false", "no", "off", "n", "f"}


def _variables(settings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, value in settings.items():
        if key not in _PLACES:
            yield f"PIP_{key.upper().replace('-', '_')}", value
    yield "PIP_CONFIG_FILE", os.devnull
