"""An app.json as `portside build` and `portside run` heed it, called as a user calls them."""

import json
import re
import time
from pathlib import Path

import pytest
from command_line import Portside, holding, write_app

NAMES = ("CURRENCY", "SESSION_SALT", "DATABASE_URL", "MODE")
APP_JSON = {
    "env": {
        "CURRENCY": "EUR",
        "MODE": {"value": "calm"},
        "SESSION_SALT": {"generator": "secret"},
        "DATABASE_URL": {"description": "Where the orders are kept."},
    },
    "formation": {"web": {"quantity": 2}, "worker": {"quantity": 0}},
    "scripts": {"postdeploy": "python seed.py"},
}
SHOW = "import os\nprint('got', *(os.environ.get(name, '-') for name in {!r}))\n"
SALT = "import os\nprint('salt', os.environ['SESSION_SALT'])\n"
SALTED = re.compile(r" (web\.\d) +\| salt (\w+)\n")
HOOK = """\
#!/bin/sh
echo "hook $CURRENCY $MODE, salted with $SESSION_SALT"
printf %s "$SESSION_SALT" > "$OUT"
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(
        tmp_path / "quay",
        {
            ".python-version": "3.12\n",
            "requirements.txt": "",
            "app.json": json.dumps(APP_JSON, indent=2),
            "show.py": SHOW.format(NAMES),
            "salt.py": SALT,
            "Procfile": "web: python salt.py && exec python -m http.server $PORT\n"
            "worker: python show.py\n",
        },
    )


def events_of(output: str) -> list[dict[str, object]]:
    return [json.loads(line)["event"] for line in output.splitlines()]


def got(output: str) -> list[str]:
    line = next(line for line in output.splitlines() if line.startswith("got "))
    return line.split()[1:]


def test_a_run_gets_what_app_json_says_unless_something_else_does(
    app: Path, portside: Portside
) -> None:
    refused = portside("run", app, "worker")
    assert refused.returncode == 1
    assert "DATABASE_URL: Where the orders are kept." in refused.stderr
    assert "got" not in refused.stdout
    assert got(portside("run", app, "--", "python", "show.py").stdout)[2] == "-"
    (app / ".env").write_text("DATABASE_URL=sqlite://\n")
    first = portside("run", app, "worker", env={"MODE": "hasty"})
    assert first.returncode == 0, first.stderr
    currency, salt, url, mode = got(first.stdout)
    assert (currency, len(bytes.fromhex(salt)), url, mode) == ("EUR", 32, "sqlite://", "hasty")
    assert "app-json" not in first.stderr
    second = got(portside("run", app, "worker", "--env", "CURRENCY=").stdout)
    assert second[0] != "EUR"
    assert salt not in second


def test_a_build_gets_the_values_and_keeps_no_generated_one(
    app: Path, portside: Portside, tmp_path: Path
) -> None:
    cache, slug = tmp_path / "cache", tmp_path / "slug"
    env = {"PORTSIDE_CACHE_DIR": str(cache)}
    target = ("-o", f"dir:{slug}")
    done = portside("build", app, *target, env=env)
    assert done.returncode == 0, done.stderr
    assert "app.json requires config vars that this build isn't given" in done.stderr
    assert "DATABASE_URL: Where the orders are kept." in done.stderr
    again = portside("build", app, *target, "--json", "--env", "DATABASE_URL=x", env=env)
    unchanged = portside("build", app, *target, "--json", "--env", "DATABASE_URL=x", env=env)
    assert events_of(unchanged.stdout)[-1]["unchanged"] is True
    assert "app-json::required" not in again.stdout
    write_app(app, {"bin/post_compile": HOOK})
    given = ("--env", "MODE=hasty", "--env", f"OUT={tmp_path / 'out'}")
    hooked = portside("build", app, *target, *given, env=env)
    assert hooked.returncode == 0, hooked.stderr
    assert "hook EUR hasty, salted with ****" in hooked.stdout + hooked.stderr
    # What the hook prints of the value is masked, and nothing keeps it.
    salt = (tmp_path / "out").read_text()
    assert len(bytes.fromhex(salt)) == 32
    assert salt not in hooked.stdout + hooked.stderr
    assert holding(salt, slug, cache) == []
    shown = portside("detect", app).stdout
    assert "Variable SESSION_SALT:" in shown
    assert "portside run . -- python seed.py" in shown
    planned = portside("plan", app, env=env).stdout
    assert "CURRENCY (default), MODE (default), SESSION_SALT (generated)" in planned
    assert "EUR" not in shown + planned


def test_a_formation_is_what_app_json_says(app: Path, portside: Portside, tmp_path: Path) -> None:
    (app / ".env").write_text("DATABASE_URL=sqlite://\n")
    log = tmp_path / "log"
    with portside.running(app, "--scale", "formation", log=log):
        # The first answer may come before the other web process has said anything, and one that
        # finds its port taken meanwhile says it again.
        deadline = time.monotonic() + 60
        while len(salts := dict(SALTED.findall(log.read_text()))) < 2:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
    assert set(salts) == {"web.1", "web.2"}
    assert len(set(salts.values())) == 1
    (app / "app.json").write_text("{}")
    refused = portside("run", app, "--scale", "formation")
    assert refused.returncode == 2
    assert "There is no formation to run" in refused.stderr


def test_a_broken_app_json_fails_a_build_with_events(app: Path, portside: Portside) -> None:
    (app / "app.json").write_text('{\n  "env": {"CURRENCY": 5}\n}\n')
    done = portside("build", app, "--json")
    events = events_of(done.stdout)
    assert done.returncode == 1
    assert [event["kind"] for event in events] == ["BuildStarted", "BuildFailed"]
    assert events[-1]["code"] == "app-json::invalid"
    assert "line 2" in str(events[-1]["detail"])
    assert "app.json:1: error" in portside("check", app).stdout
