import pytest

from portside.model.errors.formation import InvalidScaleError
from portside.model.errors.run import UnknownProcessError
from portside.runtime.launcher import Capacity
from portside.runtime.router.backends import Backends, State
from portside.runtime.router.failures import CRASHED, NO_WEB, TIMEOUT
from portside.runtime.router.request_log import Entry, request_line
from portside.runtime.supervisor.formation import plan_formation, restart_delay, share_capacity

PROCESSES = {"web": "serve", "worker": "work", "release": "migrate"}


def names(scale: str) -> list[str]:
    return [slot.name for slot in plan_formation(scale, PROCESSES).slots]


def test_a_scale_says_how_many_of_each_type() -> None:
    assert names("web=2,worker=1") == ["web.1", "web.2", "worker.1"]
    assert names(" worker = 1 , web = 0 ") == ["worker.1"]
    assert names("all") == ["web.1", "worker.1"]
    assert names("web=1,beat=0") == ["web.1"]


def test_the_release_command_comes_first_unless_it_is_left_out() -> None:
    assert plan_formation("web=1", PROCESSES).release == "migrate"
    assert plan_formation("web=1,release=1", PROCESSES).release == "migrate"
    assert plan_formation("web=1,release=0", PROCESSES).release is None
    assert plan_formation("all", {"web": "serve"}).release is None


@pytest.mark.parametrize(
    "scale",
    [
        *("", "web", "web=", "web=-1", "web=x", "web=1.5", "web=101", "web=²", "=1", "web=1,"),
        *("web=1;2", "web=1,web=2", "web=0", "release=1", "web=99999999999"),
    ],
)
def test_a_scale_that_says_nothing_clear_is_refused(scale: str) -> None:
    with pytest.raises(InvalidScaleError):
        plan_formation(scale, PROCESSES)


def test_a_type_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(UnknownProcessError) as error:
        plan_formation("web=1,clock=1", PROCESSES)
    assert "release, web, worker" in error.value.detail


def test_processes_on_one_machine_share_it() -> None:
    assert share_capacity(Capacity(4, 1536), 3) == Capacity(1, 512)
    assert share_capacity(Capacity(2, None), 1) == Capacity(2, None)
    assert share_capacity(Capacity(1, 2), 5) == Capacity(1, 1)


def test_crashes_in_a_row_wait_longer_up_to_a_minute() -> None:
    assert [restart_delay(crashes) for crashes in (1, 2, 3, 4, 7, 5000)] == [1, 2, 4, 8, 60, 60]


def test_web_processes_take_turns_and_those_that_are_not_up_are_passed_over() -> None:
    backends = Backends()
    first, second, third = (backends.add(name) for name in ("web.1", "web.2", "web.3"))
    for at, backend in enumerate((first, second, third)):
        backends.change(backend, State.UP, "127.0.0.1", 5001 + at)
    picked = [backend.name for _ in range(4) if (backend := backends.pick(set()))]
    assert picked == ["web.1", "web.2", "web.3", "web.1"]
    backends.change(second, State.CRASHED)
    assert backends.pick(set()) is third
    assert backends.pick({"web.1", "web.3"}) is None


def test_why_no_web_process_can_be_had() -> None:
    backends = Backends()
    assert (backends.why_none(), backends.is_any_starting) == (NO_WEB, False)
    backend = backends.add("web.1")
    assert backends.is_any_starting
    backends.change(backend, State.CRASHED)
    assert (backends.why_none(), backends.is_any_starting) == (CRASHED, False)


def test_a_line_of_the_request_log_has_the_fields_that_operators_know() -> None:
    entry = Entry(
        "GET", "/a?b=c", "shop.example:5000", "id", "10.0.0.1", "web.1", 0.001, 0.25, 200, 7
    )
    assert request_line(entry) == (
        'at=info method=GET path="/a?b=c" host=shop.example:5000 request_id=id fwd="10.0.0.1" '
        "dyno=web.1 connect=1ms service=250ms status=200 bytes=7"
    )


def test_a_failed_request_has_its_code_and_nothing_can_end_the_line() -> None:
    entry = Entry(path='/"x\\', host="a b", forwarded_for="1\n2", status=503, failure=TIMEOUT)
    assert request_line(entry) == (
        'at=error code=H12 desc="Request timeout" method= path="/\\"x\\\\" host="a b" '
        'request_id= fwd="1\\n2" dyno= connect= service= status=503 bytes=0'
    )
