"""Keeps secrets out of everything that is shown or kept; knows values, not their meaning."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

_URL_CREDENTIALS = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/@]+@")
_SECRET_NAMES = ("SECRET", "TOKEN", "PASSWORD", "PASSWD", "KEY", "CREDENTIAL", "DATABASE_URL")
_AUTHORIZATION = re.compile(r"(?i)(?P<scheme>authorization: *(basic|bearer|token) +)[^\s'\"]+")
_SHORTEST_SECRET = 6
# A line of a key or certificate; shorter ones, such as the last, are nothing by themselves.
_SHORTEST_LINE = 24
MASK = "****"


def secret_values(*variables: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values that output must not show: those of variables with telling names."""
    return tuple(
        value
        for mapping in variables
        for name, value in mapping.items()
        if any(word in name.upper() for word in _SECRET_NAMES)
    )


class Redactor:
    """Replaces known secret values, and the credentials of any URL or header, by a mask."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Take the secret values; very short ones are left alone, they would mask ordinary text."""
        self._secrets = tuple(secrets)
        spellings = {text for secret in self._secrets for text in (secret, unquote(secret))}
        # Output comes line by line, and a key is many lines.
        lines = (line for secret in self._secrets for line in secret.splitlines())
        spellings |= {line for line in lines if len(line) >= _SHORTEST_LINE and " " not in line}
        usable = sorted((s for s in spellings if len(s) >= _SHORTEST_SECRET), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, usable))) if usable else None

    def beside(self, secrets: Iterable[str]) -> "Redactor":
        """Return one that masks these as well."""
        return Redactor((*self._secrets, *secrets))

    def __call__(self, text: str) -> str:
        """Return ``text`` with every secret masked."""
        text = _URL_CREDENTIALS.sub(rf"\g<scheme>{MASK}@", text)
        text = _AUTHORIZATION.sub(rf"\g<scheme>{MASK}", text)
        return self._pattern.sub(MASK, text) if self._pattern else text
