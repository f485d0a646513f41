import json
import threading
from datetime import datetime

from portside.console import Style
from portside.process_log import ProcessLog, render_json, text_renderer
from portside.runtime.supervisor.lines import ProcessLine

AT = datetime(2026, 3, 1, 9, 30, 0, 125_000).astimezone().timestamp()


def test_lines_have_time_and_name_and_names_have_colours() -> None:
    render = text_renderer(("web.1", "worker.12"), Style(colours=True))
    assert render(ProcessLine(AT, "web.1", "hello")) == (
        "\033[36m09:30:00.125 web.1     |\033[0m hello"
    )
    assert "\033[33m" in render(ProcessLine(AT, "worker.12", "hello"))
    plain = text_renderer(("web.1",), Style(colours=False))
    assert plain(ProcessLine(AT, "web.1", "")) == "09:30:00.125 web.1    |"


def test_a_line_as_json() -> None:
    line = json.loads(render_json(ProcessLine(1772357400.125, "web.1", 'say "ü"')))
    assert line == {
        "schema": 1,
        "time": "2026-03-01T09:30:00.125Z",
        "process": "web.1",
        "text": 'say "ü"',
    }


def test_a_reader_that_is_slow_loses_lines_of_the_request_log_only() -> None:
    written: list[str] = []
    may_write = threading.Event()

    def write(text: str) -> None:
        assert may_write.wait(20)
        written.extend(text.splitlines())

    log = ProcessLog(write, lambda line: f"{line.source} {line.text}")
    for number in range(9_000):
        log(ProcessLine(0, "web.1", str(number)))
    for number in range(9_000):
        log(ProcessLine(0, "router", str(number)))
    may_write.set()
    log.close()
    assert [line for line in written if line.startswith("web.1")] == [
        f"web.1 {number}" for number in range(9_000)
    ]
    routed = sum(line.startswith("router") for line in written)
    lost = [line for line in written if line.endswith("nobody took them in time")]
    assert routed < 9_000
    assert sum(int(line.split()[1]) for line in lost) == 9_000 - routed


def test_a_reader_that_is_gone_does_not_hold_the_processes_up() -> None:
    def write(text: str) -> None:
        raise BrokenPipeError

    log = ProcessLog(write, lambda line: line.text)
    for number in range(30_000):
        log(ProcessLine(0, "web.1", str(number)))
    log.close()
