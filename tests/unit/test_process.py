import sys
from pathlib import Path

import pytest

from portside.effects.process import Command, CouldNotStartError, ProcessRunner
from portside.effects.redaction import Redactor


def python(code: str, tmp_path: Path, timeout: float | None = None) -> Command:
    return Command((sys.executable, "-c", code), tmp_path, {}, timeout)


def test_lines_are_streamed_in_order_and_the_partial_last_one_is_kept(tmp_path: Path) -> None:
    lines: list[str] = []
    done = ProcessRunner().run(python("print('a'); print('b', end='')", tmp_path), lines.append)
    assert (done.exit_status, lines, done.tail) == (0, ["a", "b"], ("a", "b"))


def test_undecodable_bytes_are_replaced(tmp_path: Path) -> None:
    lines: list[str] = []
    code = "import sys; sys.stdout.buffer.write(b'x\\xffy\\n')"
    ProcessRunner().run(python(code, tmp_path), lines.append)
    assert lines == ["x�y"]


def test_secrets_and_url_credentials_are_masked(tmp_path: Path) -> None:
    lines: list[str] = []
    runner = ProcessRunner(Redactor(["hunter2secret"]))
    code = "print('hunter2secret https://u:p@host/x')"
    runner.run(python(code, tmp_path), lines.append)
    assert lines == ["**** https://****@host/x"]


def test_death_by_signal_is_128_plus_its_number(tmp_path: Path) -> None:
    code = "import os; os.kill(os.getpid(), 9)"
    assert ProcessRunner().run(python(code, tmp_path), lambda _: None).exit_status == 137


def test_a_program_over_its_time_limit_is_ended(tmp_path: Path) -> None:
    done = ProcessRunner().run(
        python("import time; time.sleep(60)", tmp_path, timeout=0.3), lambda _: None
    )
    assert done.timed_out
    assert done.exit_status == 143


def test_a_daemon_left_behind_does_not_hold_the_build(tmp_path: Path) -> None:
    code = "import subprocess; subprocess.Popen(['sleep', '5']); print('done')"
    command = Command((sys.executable, "-c", code), tmp_path, {"PATH": "/usr/bin:/bin"})
    done = ProcessRunner().run(command, lambda _: None)
    assert done.tail == ("done",)
    assert done.duration < 4


def test_a_missing_program_is_not_a_failed_one(tmp_path: Path) -> None:
    with pytest.raises(CouldNotStartError, match="No such file"):
        ProcessRunner().run(Command(("/nonexistent/x",), tmp_path, {}), lambda _: None)
