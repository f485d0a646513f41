"""What a version manager puts on PATH is never run: it fails in the directories of other apps."""

import shutil
import subprocess

import pytest
from workshop import Workshop, python, write

pytestmark = pytest.mark.network
# As the shims of pyenv, asdf and mise do: they ask the directory, and may say what nobody wants.
SHIMS = {
    "fails": 'echo "uv: version 9.9.9 is not installed (set by $PWD/.python-version)"; exit 127',
    "hangs": "exec sleep 600",
    "answers": 'echo "Python 9.9.9"; exit 0',
}
NAMES = ("uv", "uvx", "python", "python3", "python3.12", "pip", "git", "patchelf")


@pytest.fixture(params=SHIMS)
def shimmed(request: pytest.FixtureRequest, workshop: Workshop) -> Workshop:
    shims = workshop.root / "shims"
    for name in NAMES:
        path = write(shims / name, f'#!/bin/sh\necho "$0" >> {shims}/ran\n{SHIMS[request.param]}\n')
        path.chmod(0o755)
    # The manager itself, which its links lead to, is a program and no script.
    (shims / "links").mkdir()
    shutil.copy(shutil.which("sleep") or "", shims / "links/mise")
    for name in NAMES:
        (shims / "links" / name).symlink_to("mise")
    path = f".:{shims}:{shims / 'links'}:{workshop.environ['PATH']}"
    return workshop.setting(PATH=path, PYENV_VERSION="9.9.9", UV_PYTHON="9.9.9")


def test_nothing_is_run_through_a_shim(shimmed: Workshop) -> None:
    if shutil.which("git") is None:
        pytest.skip("needs git")
    app = shimmed.app(files={"requirements.txt": "six==1.17.0\n", ".env": "TOKEN=1\n"})
    shutil.copy(shimmed.root / "shims/git", app / "git")
    for words in (("init", "-q"), ("add", ".python-version", "server.py", "Procfile")):
        subprocess.run(["git", *words], cwd=app, check=True)
    found = shimmed.portside("detect", app).expect().out
    assert "Python" in found
    shimmed.portside("plan", app).expect()
    shimmed.portside("python", "list").expect()
    slug = shimmed.built(app)
    assert python(slug, "import six, sys; print(sys.version_info[:2])") == "(3, 12)"
    # Git itself is found behind its shims: it knows that .env isn't tracked.
    assert ".env" not in shimmed.portside("check", app, "--format", "json").out
    without = shimmed.setting(PATH=str(shimmed.root / "shims"))
    assert ".env" in without.portside("check", app, "--format", "json").out
    assert not (shimmed.root / "shims/ran").exists()
