"""One line of the request log, in logfmt, with the fields that Heroku's router has."""

from msgspec import Struct

from portside.runtime.router.failures import Failure

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_-[]")


class Entry(Struct):
    """What is known of a request; durations in seconds, None where it never came to that."""

    method: str = ""
    path: str = ""
    host: str = ""
    request_id: str = ""
    forwarded_for: str = ""
    process: str = ""
    connect: float | None = None
    service: float | None = None
    status: int = 0
    body_bytes: int = 0
    failure: Failure | None = None


def request_line(entry: Entry) -> str:
    """Return the line for a request that is over."""
    failure = entry.failure
    start = (
        f'at=error code={failure.code} desc="{_escaped(failure.description)}"'
        if failure
        else ("at=info")
    )
    return (
        f'{start} method={_value(entry.method)} path="{_escaped(entry.path)}" '
        f"host={_value(entry.host)} request_id={entry.request_id} "
        f'fwd="{_escaped(entry.forwarded_for)}" dyno={entry.process} '
        f"connect={_milliseconds(entry.connect)} service={_milliseconds(entry.service)} "
        f"status={entry.status} bytes={entry.body_bytes}"
    )


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.0f}ms"


def _value(text: str) -> str:
    return text if _PLAIN.issuperset(text) else f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """Return text that can't end its quotes or its line."""
    if '"' in text or "\\" in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    if text.isascii() and text.isprintable():
        return text
    return text.encode("unicode_escape").decode("ascii")
