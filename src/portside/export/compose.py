"""A Compose file: a service for each process type. https://github.com/compose-spec/compose-spec."""

from portside.export.target import RELEASE, WEB, File, Target
from portside.export.yaml import Value, to_yaml

NAME = "compose.yaml"
_USER = "1000:1000"
_HEADER = """\
# {name}, with Docker Compose (2.24 or newer):
#   docker compose up --wait
# Config vars go to {env_file}, NAME=VALUE a line. The web process is at http://localhost:{port}
"""


def export(target: Target) -> tuple[File, ...]:
    """Return the Compose file."""
    document: dict[str, Value] = {
        "name": target.name,
        "services": {name: _service(target, name) for name in target.types},
    }
    header = _HEADER.format(name=target.name, env_file=target.env_file, port=target.port)
    return (File(NAME, header + to_yaml(document)),)


def _service(target: Target, process: str) -> dict[str, Value]:
    service: dict[str, Value] = {
        "image": _literal(target.image or target.base_image),
        **_slug(target),
        "entrypoint": [_literal(target.launcher)],
        "command": [process],
        "working_dir": _literal(target.directory),
        "env_file": [{"path": _literal(target.env_file), "required": False}],
        "environment": _environment(target, process),
        "user": _USER,
        "read_only": True,
        "tmpfs": ["/tmp"],  # noqa: S108 (in the container)
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "stop_grace_period": "30s",
    }
    if process == RELEASE:
        return {**service, "restart": "no"}
    if target.has_release:
        service["depends_on"] = {RELEASE: {"condition": "service_completed_successfully"}}
    if process == WEB:
        service |= _web(target)
    return {**service, "init": True, "restart": "unless-stopped"}


def _slug(target: Target) -> dict[str, Value]:
    """Return what binds the slug into an image that doesn't hold it."""
    if target.image:
        return {}
    volume: dict[str, Value] = {
        "type": "bind",
        "source": _literal(target.source),
        "target": _literal(target.directory),
        "read_only": True,
    }
    return {"volumes": [volume]}


def _environment(target: Target, process: str) -> dict[str, Value]:
    environment: dict[str, Value] = {"DYNO": f"{process}.1", "HOME": "/tmp"}  # noqa: S108 (in the container)
    return {**environment, "PORT": str(target.port)} if process == WEB else environment


def _web(target: Target) -> dict[str, Value]:
    return {
        "ports": [f"{target.port}:{target.port}"],
        "healthcheck": {
            "test": ["CMD", _literal(target.python), "-c", _literal(_probe(target))],
            "interval": "10s",
            "timeout": "5s",
            "retries": 3,
            "start_period": "60s",
        },
    }


def _probe(target: Target) -> str:
    """Return a program that fails where the web process isn't well."""
    if target.health_path:
        url = f"http://127.0.0.1:{target.port}{target.health_path}"
        return f"import urllib.request as r; r.urlopen({url!r}, timeout=4)"
    return f"import socket; socket.create_connection(('127.0.0.1', {target.port}), 4)"


def _literal(text: str) -> str:
    """Return text for which Compose puts no variable in."""
    return text.replace("$", "$$")
