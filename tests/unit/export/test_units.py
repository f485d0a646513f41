"""Units of systemd as text; the real parser reads them in the acceptance tests."""

from configparser import RawConfigParser

import pytest

from portside.export.systemd import export
from portside.export.target import Target


def units(target: Target) -> dict[str, RawConfigParser]:
    found = {}
    for file in export(target):
        parser = RawConfigParser(strict=False, interpolation=None, delimiters=("=",))
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_string(file.text)
        found[file.name] = parser
    return found


def target(*types: str, directory: str = "/srv/shop", user: str = "") -> Target:
    return Target("shop", "ab12", types, directory, env_file="/etc/shop.env", user=user)


def test_processes_wait_for_the_release_process_where_there_is_one() -> None:
    found = units(target("release", "web", "worker"))
    assert sorted(found) == [
        "shop-release.service",
        "shop-web@.service",
        "shop-worker@.service",
        "shop.target",
    ]
    for name in ("shop-web@.service", "shop-worker@.service"):
        assert found[name]["Unit"]["Requires"] == "shop-release.service"
        assert found[name]["Unit"]["After"] == "shop-release.service"
    assert found["shop-release.service"]["Service"]["Type"] == "oneshot"
    assert "Requires" not in units(target("web"))["shop-web@.service"]["Unit"]


def test_only_web_gets_a_port_and_all_stop_as_on_platforms() -> None:
    found = units(target("web", "worker"))
    web, worker = (found[f"shop-{name}@.service"]["Service"] for name in ("web", "worker"))
    start = "/usr/bin/env DYNO={0}.%i{1} /srv/shop/.portside/launch {0}"
    assert web["ExecStart"] == start.format("web", " PORT=%i")
    assert worker["ExecStart"] == start.format("worker", "")
    for service in (web, worker):
        assert (service["KillMode"], service["TimeoutStopSec"]) == ("control-group", "30")
        assert (service["Restart"], service["EnvironmentFile"]) == ("always", "-/etc/shop.env")
        assert (service["User"], service["DynamicUser"]) == ("shop", "yes")


def test_an_account_of_ones_own_replaces_the_made_up_one() -> None:
    service = units(target("web", user="deploy"))["shop-web@.service"]["Service"]
    assert service["User"] == "deploy"
    assert "DynamicUser" not in service


@pytest.mark.parametrize(
    ("directory", "protection"),
    [("/srv/shop", "yes"), ("/homes/shop", "yes"), ("/home/ada/shop", "read-only")],
)
def test_a_slug_at_home_can_be_read(directory: str, protection: str) -> None:
    service = units(target("web", directory=directory))["shop-web@.service"]["Service"]
    assert service["ProtectHome"] == protection


def test_nothing_in_a_path_is_replaced_by_systemd() -> None:
    service = units(target("web", directory="/srv/a $b %n"))["shop-web@.service"]["Service"]
    assert service["WorkingDirectory"] == "/srv/a $b %%n"
    assert '"/srv/a $$b %%n/.portside/launch" web' in service["ExecStart"]
