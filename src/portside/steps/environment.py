"""The environment of the app's own code during a build: hermetic but for what is named here."""

from collections.abc import Mapping
from pathlib import Path

# Of this machine's environment only what finds programs, a network and a locale is passed on:
# anything else would make the result depend on who builds.
_PASSED_ON = frozenset(
    {
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "TERM",
        "TMPDIR",
        "TZ",
        "LANG",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
    }
)

# Config vars of these names would break the build itself (classic buildpack contract).
FORBIDDEN = frozenset(
    {"PATH", "CPATH", "CPPATH", "LD_PRELOAD", "LIBRARY_PATH", "LD_LIBRARY_PATH", "PYTHONHOME"}
)


def with_config_vars(env: Mapping[str, str], config_vars: Mapping[str, str]) -> dict[str, str]:
    """Return ``env`` with the app's config vars, less those that would break the build."""
    allowed = {name: value for name, value in config_vars.items() if name not in FORBIDDEN}
    return {**env, **allowed}


def build_environment(slug: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of hooks and collectstatic for a slug being built."""
    home = f"{slug}/.heroku/python"
    passed_on = {name: value for name, value in environ.items() if name in _PASSED_ON}
    path = passed_on.get("PATH") or "/usr/local/bin:/usr/bin:/bin"
    return {
        "LANG": "C.UTF-8",
        **passed_on,
        "PATH": f"{home}/bin:{path}",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "C_INCLUDE_PATH": f"{home}/include",
        "CPLUS_INCLUDE_PATH": f"{home}/include",
        "LIBRARY_PATH": f"{home}/lib",
        "PKG_CONFIG_PATH": f"{home}/lib/pkgconfig",
    }
