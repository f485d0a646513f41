from pathlib import Path

import pytest

from portside.effects.process import ProcessRunner
from portside.model.errors.steps import PostCompileHookError
from portside.steps.hooks import POST_COMPILE, run_hook


def refuse(self: Path, mode: int) -> None:
    raise PermissionError(1, "Operation not permitted", str(self))


def run(slug: Path, said: list[str]) -> None:
    arguments = ("build", "cache", "env")
    env = {"PATH": "/usr/bin:/bin"}
    runner = ProcessRunner()
    run_hook(POST_COMPILE, slug, env, arguments, runner=runner, on_line=said.append)


@pytest.fixture
def hook(tmp_path: Path) -> Path:
    path = tmp_path / POST_COMPILE
    path.parent.mkdir()
    path.write_text("#!/bin/sh\necho it ran\n")
    return path


def test_a_hook_that_is_executable_isnt_touched(
    hook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", refuse)
    said: list[str] = []
    run(hook.parent.parent, said)
    assert said == ["it ran"]


def test_a_hook_that_cannot_be_made_executable_is_told(
    hook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.chmod(0o644)
    monkeypatch.setattr(Path, "chmod", refuse)
    said: list[str] = []
    with pytest.raises(PostCompileHookError, match="126"):
        run(hook.parent.parent, said)
    assert said == ["bin/post_compile: Operation not permitted"]


def test_the_target_of_a_link_out_of_the_slug_isnt_touched(hook: Path) -> None:
    target = hook.rename(hook.parents[2] / f"outside-{hook.parents[1].name}")
    target.chmod(0o644)
    hook.symlink_to(target)
    said: list[str] = []
    with pytest.raises(PostCompileHookError, match="126"):
        run(hook.parent.parent, said)
    assert said == ["bin/post_compile: it lies outside the app and isn't executable"]
    assert target.stat().st_mode & 0o777 == 0o644
