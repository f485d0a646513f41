from itertools import product

import pytest

from portside.model.facts import PackageManager
from portside.platforms.heroku.environment import (
    build_environment,
    export_script,
    profile_settings,
)
from portside.steps.environment import FORBIDDEN, with_config_vars

HOME = "/app/.heroku/python"
SEARCH_PATHS = (
    *("PATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH"),
    *("LD_LIBRARY_PATH", "PKG_CONFIG_PATH"),
)
MANAGERS = (PackageManager.PIP, PackageManager.PIPENV, None)


def exported(manager: PackageManager) -> dict[str, str]:
    lines = export_script(HOME, manager).splitlines()
    assert all(line.startswith("export ") for line in lines)
    return dict(line.removeprefix("export ").split("=", 1) for line in lines)


def test_a_build_sees_what_the_contract_names() -> None:
    assert build_environment({"PATH": "/usr/bin", "STACK": "heroku-24"}, HOME, None) == {
        "CPLUS_INCLUDE_PATH": f"{HOME}/include",
        "C_INCLUDE_PATH": f"{HOME}/include",
        "LANG": "en_US.UTF-8",
        "LD_LIBRARY_PATH": f"{HOME}/lib",
        "LIBRARY_PATH": f"{HOME}/lib",
        "PATH": f"{HOME}/bin:/usr/bin",
        "PKG_CONFIG_PATH": f"{HOME}/lib/pkg-config",
        "PYTHONUNBUFFERED": "1",
        "STACK": "heroku-24",
    }


@pytest.mark.parametrize("manager", MANAGERS)
@pytest.mark.parametrize("inherited", [None, "", ":", "/old", "/old:", ":/old", "/old::/older:"])
def test_no_search_path_has_an_empty_part(
    manager: PackageManager | None, inherited: str | None
) -> None:
    environ = {} if inherited is None else dict.fromkeys(SEARCH_PATHS, inherited)
    env = build_environment(environ, HOME, manager)
    for name in SEARCH_PATHS:
        assert "" not in env[name].split(":"), (name, env[name])
    old = [part for part in (inherited or "").split(":") if part]
    assert env["LD_LIBRARY_PATH"].split(":") == [f"{HOME}/lib", *old]


def test_inherited_python_settings_are_removed_and_others_kept() -> None:
    settings = dict.fromkeys(("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"), "/other")
    env = build_environment({**settings, "NODE_ENV": "production"}, HOME, PackageManager.PIP)
    assert set(settings).isdisjoint(env)
    assert env["NODE_ENV"] == "production"
    assert env["PIP_DISABLE_PIP_VERSION_CHECK"] == "1"


def test_a_package_manager_is_before_python_for_hooks_and_after_it_for_later_buildpacks() -> None:
    manager = PackageManager.PIPENV
    hooks = build_environment({"PATH": "/bin"}, HOME, manager)
    assert hooks["PATH"] == f"{HOME}/pipenv/bin:{HOME}/bin:/bin"
    later = exported(manager)
    assert later["PATH"] == f'{HOME}/bin:{HOME}/pipenv/bin"${{PATH:+:${{PATH%:}}}}"'
    for place in (hooks, later):
        assert place["PIPENV_SYSTEM"] == "1"
        assert place["PIPENV_VERBOSITY"] == "-1"
        assert place["VIRTUAL_ENV"] == HOME


def test_later_buildpacks_get_what_a_build_sees_and_where_python_is() -> None:
    for manager in PackageManager:
        later = exported(manager)
        own = build_environment({}, HOME, manager)
        assert set(later) == {*own, "PYTHONHOME", "PYTHONPATH"}
        assert later["PYTHONHOME"] == HOME
        assert later["PYTHONPATH"] == "/app"
        assert (own["PYTHONUNBUFFERED"], later["PYTHONUNBUFFERED"]) == ("1", "true")


def test_config_vars_override_all_but_what_would_break_the_build() -> None:
    env = build_environment({"PATH": "/bin"}, HOME, PackageManager.PIP)
    config_vars = dict.fromkeys((*FORBIDDEN, "LANG", "PYTHONPATH", "A.B"), "mine")
    result = with_config_vars(env, config_vars)
    assert {name for name, value in result.items() if value == "mine"} == {
        "LANG",
        "PYTHONPATH",
        "A.B",
    }
    assert result["PATH"] == env["PATH"]
    assert "LANG" in env
    assert env["LANG"] != "mine"


def test_the_forbidden_names_are_exactly_those_of_the_contract() -> None:
    names = "PATH CPATH CPPATH LD_PRELOAD LIBRARY_PATH LD_LIBRARY_PATH PYTHONHOME"
    assert set(names.split()) == FORBIDDEN


def test_the_boot_script_names_places_by_the_home_of_the_process() -> None:
    for manager, line in product(PackageManager, ("/app", "pipenv")):
        text = profile_settings(manager)
        assert (line in text) == (line == "pipenv" and manager is PackageManager.PIPENV)
