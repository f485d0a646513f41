"""Manifests of Kubernetes: Deployments, a Service for web, a Job for the release process.

https://kubernetes.io/docs/reference/kubernetes-api/
"""

from portside.export.target import RELEASE, WEB, File, Target, labels
from portside.export.yaml import Value, to_yaml

STOP_SECONDS = 30
_USER = 1000
_HEADER = """\
# {name} on Kubernetes. Config vars are taken from the ConfigMap {name} and the Secret {name},
# where there are any:
#   kubectl create secret generic {name} --from-env-file=.env
"""
_RELEASE_HEADER = """\
# Runs before a new release starts; wait for it before the other manifests are applied:
#   kubectl wait --for=condition=complete --timeout=10m job/{job}
"""


def export(target: Target) -> tuple[File, ...]:
    """Return a file for each process type, that of the release process first."""
    names = labels(target.types)
    header = _HEADER.format(name=target.name)
    files = [
        File(
            f"{target.name}-{names[process]}.yaml",
            header + _process(target, process, names[process]),
        )
        for process in target.running
    ]
    if not target.has_release:
        return tuple(files)
    job = f"{target.name}-{names[RELEASE]}-{target.digest}"
    text = _RELEASE_HEADER.format(job=job) + to_yaml(_job(target, job, names[RELEASE]))
    return (File(f"{target.name}-{names[RELEASE]}.yaml", header + text), *files)


def _process(target: Target, process: str, name: str) -> str:
    text = to_yaml(_deployment(target, process, name))
    if process != WEB:
        return text
    return f"{text}---\n{to_yaml(_service(target, name))}"


def _deployment(target: Target, process: str, name: str) -> dict[str, Value]:
    labels_of = _labels(target, name)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(target, name),
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels_of},
            "template": {
                "metadata": {"labels": labels_of},
                "spec": _pod(target, process, name, restart="Always"),
            },
        },
    }


def _service(target: Target, name: str) -> dict[str, Value]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(target, name),
        "spec": {
            "selector": _labels(target, name),
            "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def _job(target: Target, job: str, name: str) -> dict[str, Value]:
    """Return the Job of the release process; its name changes with the slug, since Jobs can't."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": job, "labels": _labels(target, name)},
        "spec": {
            # A migration that failed half-way isn't to be tried again by itself.
            "backoffLimit": 0,
            "template": {
                "metadata": {"labels": _labels(target, name)},
                "spec": _pod(target, RELEASE, name, restart="Never"),
            },
        },
    }


def _metadata(target: Target, name: str) -> dict[str, Value]:
    return {"name": f"{target.name}-{name}", "labels": _labels(target, name)}


def _labels(target: Target, name: str) -> dict[str, Value]:
    return {"app.kubernetes.io/name": target.name, "app.kubernetes.io/component": name}


def _pod(target: Target, process: str, name: str, *, restart: str) -> dict[str, Value]:
    return {
        "automountServiceAccountToken": False,
        # Variables of other Services would stand among the config vars.
        "enableServiceLinks": False,
        "restartPolicy": restart,
        "terminationGracePeriodSeconds": STOP_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(target, process, name)],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }


def _container(target: Target, process: str, name: str) -> dict[str, Value]:
    container: dict[str, Value] = {
        "name": name,
        "image": target.image,
        "command": [_literal(target.launcher)],
        "args": [process],
        "workingDir": target.directory,
        "envFrom": [
            {"configMapRef": {"name": target.name, "optional": True}},
            {"secretRef": {"name": target.name, "optional": True}},
        ],
        "env": _environment(target, process),
        "resources": {
            "requests": {"cpu": "100m", "memory": "256Mi"},
            "limits": {"memory": "512Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 (in the container)
    }
    return {**container, **_web(target)} if process == WEB else container


def _environment(target: Target, process: str) -> list[Value]:
    variables: list[Value] = [{"name": "HOME", "value": "/tmp"}]  # noqa: S108 (in the container)
    if process == WEB:
        variables.append({"name": "PORT", "value": str(target.port)})
    return variables


def _web(target: Target) -> dict[str, Value]:
    probe: dict[str, Value] = (
        {"httpGet": {"path": target.health_path, "port": "http"}}
        if target.health_path
        else {"tcpSocket": {"port": "http"}}
    )
    return {
        "ports": [{"name": "http", "containerPort": target.port, "protocol": "TCP"}],
        # A web process has a minute to listen, as on platforms.
        "startupProbe": {**probe, "periodSeconds": 2, "failureThreshold": 30},
        "readinessProbe": {**probe, "periodSeconds": 5, "timeoutSeconds": 5},
        "livenessProbe": {
            **probe,
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 6,
        },
    }


def _literal(text: str) -> str:
    """Return text in which Kubernetes replaces no ``$(NAME)``."""
    return text.replace("$(", "$$(")
