import pytest

from portside.runtime.boot import until_traceback_ends

TRACEBACK = (
    "Traceback (most recent call last):",
    '  File "app.py", line 1, in <module>',
    "    import nowhere",
    "ModuleNotFoundError: No module named 'nowhere'",
)


@pytest.mark.parametrize(
    ("tail", "shown"),
    [
        (("starting", *TRACEBACK, "Worker exiting", "Reason: it failed"), ("starting", *TRACEBACK)),
        ((*TRACEBACK, "", *TRACEBACK, "bye"), (*TRACEBACK, "", *TRACEBACK)),
        (TRACEBACK, TRACEBACK),
        (TRACEBACK[:2], TRACEBACK[:2]),
        # One that is long past says nothing about the end.
        ((*TRACEBACK, *["GET /"] * 13), (*TRACEBACK, *["GET /"] * 13)),
        (("no traceback",), ("no traceback",)),
        ((), ()),
    ],
)
def test_what_a_server_says_after_a_traceback_is_left_out(
    tail: tuple[str, ...], shown: tuple[str, ...]
) -> None:
    assert until_traceback_ends(tail) == shown
