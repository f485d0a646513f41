"""`portside export`: what it writes, read by the real parsers and run where that can be done."""

import json
import os
import re
import shlex
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from command_line import Portside, free_port, serving, write_app
from ruamel.yaml import YAML

from portside.model.facts import Process
from portside.model.python_version import Origin
from portside.packing.artifacts import write_archive
from portside.packing.slug import LaunchData, write_identity, write_launch_data

SERVER = """\
import http.server, os
http.server.ThreadingHTTPServer(
    ("0.0.0.0", int(os.environ["PORT"])), http.server.SimpleHTTPRequestHandler
).serve_forever()
"""
APP = {
    ".python-version": "3.12\n",
    "requirements.txt": "",
    "server.py": SERVER,
    "Procfile": "web: python server.py\n",
}
IMAGE = "registry.example.com:5000/team/shop:1.0"
KUBERNETES = ("1.30", "1.37")


@pytest.fixture
def slug(tmp_path: Path) -> Path:
    """What exporting reads of a slug, at a path that must be quoted; nothing of it can run."""
    slug = write_app(tmp_path / "a 100% slug", {".heroku/python/bin/python3": ""})
    types = ("release", "web", "mail_out", "mail-out")
    processes = tuple(Process(name, "echo", Origin("Procfile")) for name in types)
    write_launch_data(slug, LaunchData("3.12.1", "pip", processes), b"", b"")
    write_identity(slug, app="My Shop", key="0a1b2c3d4e5f", layers=(), report={})
    return slug


@pytest.fixture
def real_slug(portside: Portside, tmp_path: Path) -> Path:
    app = write_app(tmp_path / "app", APP)
    portside.build(app, tmp_path / "a real 100% slug")
    return tmp_path / "a real 100% slug"


@pytest.fixture
def analyze() -> str:
    return shutil.which("systemd-analyze") or pytest.skip("needs systemd-analyze (systemd)")


def exported(portside: Portside, *arguments: object) -> str:
    done = portside("export", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def documents(text: str) -> list[dict[str, Any]]:
    found = list(yaml.safe_load_all(text))
    assert found == list(YAML(typ="safe", pure=True).load_all(text))
    return found


def test_systemd_accepts_the_units(
    portside: Portside, slug: Path, tmp_path: Path, analyze: str
) -> None:
    directory = tmp_path / "units"
    exported(portside, "systemd", slug, "-o", directory)
    units = sorted(directory.iterdir())
    assert [unit.name for unit in units] == [
        "my-shop-mail-out@.service",
        "my-shop-mail_out@.service",
        "my-shop-release.service",
        "my-shop-web@.service",
        "my-shop.target",
    ]
    assert_verified(analyze, units)
    web = directory / "my-shop-web@.service"
    # systemd's own figure for how much of the machine a unit can reach, from 0 to 100.
    check = [analyze, "security", "--offline=yes", "--threshold=25", web]
    assert subprocess.run(check, capture_output=True, check=False).returncode == 0

    # It looks for the first program only: the launcher must be found as it is quoted, too.
    text = web.read_text("utf-8")
    web.write_text(
        re.sub(r"^ExecStart=/usr/bin/env .*? (?=\")", "ExecStart=", text, flags=re.MULTILINE)
    )
    assert 'ExecStart="' in web.read_text("utf-8")
    assert_verified(analyze, units)
    web.write_text(web.read_text("utf-8").replace('/launch"', '/lunch"'))
    done = subprocess.run([analyze, "verify", "--man=no", web], capture_output=True, check=False)
    assert done.returncode != 0


def assert_verified(analyze: str, units: list[Path]) -> None:
    verify = [analyze, "verify", "--man=no", "--recursive-errors=no", *units]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "my-shop" in line]
    assert (done.returncode, ours) == (0, [])


def test_the_unit_and_the_health_check_do_what_they_say(
    portside: Portside, real_slug: Path, tmp_path: Path
) -> None:
    slug = real_slug
    port = free_port()
    units = exported(portside, "systemd", slug, "--port", port)
    (start,) = re.findall(r"^ExecStart=(.* web)$", units, re.MULTILINE)
    text = start.replace("%i", str(port)).replace("%%", "%").replace("$$", "$")
    (service,) = (
        service
        for name, service in documents(exported(portside, "compose", slug, "--port", port))[0][
            "services"
        ].items()
        if name == "web"
    )
    check = [word.replace("/app/", f"{slug}/", 1) for word in service["healthcheck"]["test"][1:]]
    env = {"PATH": os.environ["PATH"], "PORT": "1"}
    assert subprocess.run(check, capture_output=True, check=False).returncode == 1
    with serving(shlex.split(text), port, env=env, log=tmp_path / "log") as site:
        assert "server.py" in site.get()
        assert subprocess.run(check, check=False).returncode == 0
        pathed = exported(
            portside, "compose", slug, "--port", port, "--health-path", "/server.py?a"
        )
        test = documents(pathed)[0]["services"]["web"]["healthcheck"]["test"]
        assert subprocess.run([check[0], *test[2:]], check=False).returncode == 0
        test[-1] = test[-1].replace("/server.py", "/nothing")
        assert subprocess.run([check[0], *test[2:]], capture_output=True, check=False).returncode


@pytest.mark.parametrize("image", [(), ("--image", IMAGE)])
def test_compose_accepts_the_file(
    portside: Portside, slug: Path, tmp_path: Path, image: tuple[str, ...]
) -> None:
    place = tmp_path / "deploy $x"
    slug.rename(place)
    (document,) = documents(exported(portside, "compose", place, *image))
    schemas = files("check_jsonschema").joinpath("builtin_schemas/vendor")
    schema = json.loads(schemas.joinpath("compose-spec.json").read_text("utf-8"))
    jsonschema.validate(document, schema)
    services = document["services"]
    assert (document["name"], list(services)) == (
        "my-shop",
        ["release", "web", "mail_out", "mail-out"],
    )
    for name, service in services.items():
        assert (service["entrypoint"], service["command"]) == (["/app/.portside/launch"], [name])
        assert service["stop_grace_period"] == "30s"
        assert service["env_file"] == [{"path": "./.env", "required": False}]
        assert service["image"] == (IMAGE if image else "debian:stable-slim")
        bound = [(v["source"], v["target"], v["read_only"]) for v in service.get("volumes", [])]
        # Compose puts variables in for what follows a dollar sign.
        expected = [(str(place).replace("$", "$$"), "/app", True)]
        assert bound == ([] if image else expected)
        waits = {"release": {"condition": "service_completed_successfully"}}
        assert service.get("depends_on") == (None if name == "release" else waits)
    assert services["web"]["ports"] == ["8000:8000"]
    assert services["web"]["environment"]["PORT"] == "8000"
    assert "PORT" not in services["mail_out"]["environment"]
    services["web"]["restart_policy"] = "always"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("health", [(), ("--health-path", "/up")])
def test_kubernetes_accepts_the_manifests(
    portside: Portside, slug: Path, version: str, health: tuple[str, ...]
) -> None:
    manifests = documents(exported(portside, "kubernetes", slug, "--image", IMAGE, *health))
    for manifest in manifests:
        kubernetes_validate.validate(manifest, version, strict=True)
    kinds = [(item["kind"], item["metadata"]["name"]) for item in manifests]
    assert re.fullmatch(r"my-shop-release-[0-9a-f]{8}", kinds[0][1])
    assert [kinds[0][0], *kinds[1:]] == [
        "Job",
        ("Deployment", "my-shop-web"),
        ("Service", "my-shop-web"),
        ("Deployment", "my-shop-mail-out"),
        ("Deployment", "my-shop-mail-out-2"),
    ]
    job, web, service, *workers = manifests
    for item in (job, web, *workers):
        assert_pod_is_confined(item["spec"]["template"]["spec"])
    pods = [item["spec"]["template"] for item in (web, *workers)]
    chosen = [pod["metadata"]["labels"] == service["spec"]["selector"] for pod in pods]
    assert chosen == [True, False, False]
    (container,) = web["spec"]["template"]["spec"]["containers"]
    assert container["ports"] == [{"name": "http", "containerPort": 8000, "protocol": "TCP"}]
    assert {"name": "PORT", "value": "8000"} in container["env"]
    kind = "httpGet" if health else "tcpSocket"
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe][kind]["port"] == "http"
    types = [pod["spec"]["containers"][0]["args"] for pod in pods]
    assert types == [["web"], ["mail_out"], ["mail-out"]]
    web["spec"]["replica"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(web, version, strict=True)


def assert_pod_is_confined(pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert pod["terminationGracePeriodSeconds"] == 30
    assert {next(iter(source)) for source in container["envFrom"]} == {"configMapRef", "secretRef"}
    assert container["resources"]["requests"]
    assert (container["image"], container["command"]) == (IMAGE, ["/app/.portside/launch"])


def test_files_are_never_replaced_unless_told_to(
    portside: Portside, slug: Path, tmp_path: Path
) -> None:
    directory = tmp_path / "manifests"
    arguments = ("kubernetes", slug, "--image", IMAGE, "-o", directory, "--name", "shop")
    done = portside("export", *arguments)
    names = [f"shop-{name}.yaml" for name in ("mail-out-2", "mail-out", "release", "web")]
    assert sorted(path.name for path in directory.iterdir()) == names
    assert [line.rpartition("/")[2] for line in sorted(done.stderr.splitlines())] == names
    web = directory / "shop-web.yaml"
    written = web.read_text("utf-8")
    web.write_text("mine")
    (directory / "shop-release.yaml").unlink()
    done = portside("export", *arguments)
    assert (done.returncode, web.read_text("utf-8")) == (1, "mine")
    assert f"There is a file '{web}' already." in done.stderr
    assert not (directory / "shop-release.yaml").exists()
    assert portside("export", *arguments, "--force").returncode == 0
    assert web.read_text("utf-8") == written


def test_an_archive_is_exported_as_the_slug_in_it(
    portside: Portside, slug: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "shop.tar.gz"
    write_archive(slug, archive)
    done = portside("export", "systemd", archive)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--directory /srv/shop" in done.stderr
    units = exported(portside, "systemd", archive, "--directory", "/srv/shop", "--name", "shop")
    assert "WorkingDirectory=/srv/shop\n" in units
    image = ("--image", IMAGE)
    of_slug = exported(portside, "kubernetes", slug, *image)
    assert exported(portside, "kubernetes", archive, *image) == of_slug
    assert portside("export", "compose", archive).returncode == 2


def test_what_cannot_be_exported_is_said(portside: Portside, slug: Path, tmp_path: Path) -> None:
    done = portside("export", "kubernetes", slug)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--image registry.example.com/shop:1.0" in done.stderr
    done = portside("export", "compose", tmp_path)
    assert "isn't a slug that can be run" in done.stderr
    done = portside("export", "systemd", slug, "--directory", "srv/shop")
    assert "The path 'srv/shop' can't be written" in done.stderr
    for wrong in (
        ("--image", "Team/Shop"),
        ("--name", "My_Shop"),
        ("--port", "0"),
        ("--user", "A b"),
    ):
        assert portside("export", "compose", slug, *wrong).returncode == 2
    launch = slug / ".portside/launch.json"
    processes = json.loads(launch.read_text("utf-8"))
    processes["processes"] = [p for p in processes["processes"] if p["type"] == "release"]
    launch.chmod(0o644)
    launch.write_text(json.dumps(processes))
    done = portside("export", "compose", slug)
    assert (done.returncode, done.stdout) == (1, "")
    assert "has no process type that could be run" in done.stderr
