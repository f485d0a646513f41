"""The ways a request can fail, with the codes that operators know from Heroku, and their pages.

Pure: it decides nothing and sends nothing.
"""

from http import HTTPStatus

from msgspec import Struct


class Failure(Struct, frozen=True):
    """A code of the request log, its description there, and the status a client gets."""

    code: str
    description: str
    status: int = 503
    advice: str = ""


CRASHED = Failure("H10", "App crashed", 503, "The app's web process has crashed. Its log says why.")
TIMEOUT = Failure(
    "H12", "Request timeout", 503, "The app took longer to answer than the limit allows."
)
CLOSED = Failure(
    "H13",
    "Connection closed without response",
    503,
    "The app closed the connection without an answer.",
)
NO_WEB = Failure("H14", "No web processes running", 503, "The app runs no web process.")
IDLE = Failure("H15", "Idle connection")
MALFORMED = Failure(
    "H17", "Poorly formatted HTTP response", 503, "The app's answer isn't valid HTTP."
)
INTERRUPTED = Failure("H18", "Server request interrupted")
CONNECT_TIMEOUT = Failure(
    "H19", "Backend connection timeout", 503, "The app accepts no connections."
)
BOOT_TIMEOUT = Failure(
    "H20", "App boot timeout", 503, "The app is still starting. Try again in a moment."
)
REFUSED = Failure("H21", "Backend connection refused", 503, "The app refuses connections.")
CONNECTIONS = Failure(
    "H22", "Connection limit reached", 503, "There are too many connections at once."
)
FORCED = Failure("H24", "Forced close", 503, "The app is being stopped.")
CLIENT_GONE = Failure("H27", "Client request interrupted", 499)
CLIENT_IDLE = Failure("H28", "Client connection idle", 408, "The request didn't come in time.")


class Refused(Exception):  # noqa: N818 (the request is refused; nothing has failed here)
    """A request that isn't passed on: not HTTP, malformed, ambiguous or too large."""

    def __init__(self, status: int, reason: str) -> None:
        """Take the status for the client and what is wrong, for the log."""
        super().__init__(reason)
        self.status = status
        self.reason = reason

    @property
    def failure(self) -> Failure:
        """Return it as a failure for the log and the page."""
        text = self.reason[:1].upper() + self.reason[1:]
        return Failure("H26", f"Request error: {self.reason}", self.status, f"{text}.")


_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body>
<h1>{title}</h1>
<p>{advice}</p>
<p><small>Code {code}</small></p>
</body>
</html>
"""
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


def status_phrase(status: int) -> str:
    """Return the reason phrase of a status."""
    return HTTPStatus(status).phrase


def failure_response(failure: Failure, *, with_body: bool) -> bytes:
    """Return the whole response for a failed request; the connection closes after it."""
    phrase = status_phrase(failure.status)
    title = f"{failure.status} {phrase}"
    advice = failure.advice.translate(_ESCAPES)
    body = _PAGE.format(title=title, advice=advice, code=failure.code).encode()
    head = (
        f"HTTP/1.1 {title}\r\n"
        "Content-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\n"
        "Connection: close\r\n"
        "Via: 1.1 portside\r\n"
        "\r\n"
    )
    return head.encode("ascii") + (body if with_body else b"")
