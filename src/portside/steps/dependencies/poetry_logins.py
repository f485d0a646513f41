"""Poetry's credentials, from variables, for indexes, archives and repositories.

They end up in addresses that only reach an installer's environment and its files.
https://python-poetry.org/docs/repositories/#configuring-credentials
"""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlsplit, urlunsplit

from msgspec import Struct
from msgspec.structs import replace

from portside.model.locked import IndexSource, LockedDistribution

_REPOSITORY = re.compile(r"POETRY_REPOSITORIES_(?P<name>[A-Z0-9_]+)_URL")
_OFF = frozenset({"false", "0", "no"})
_ON = frozenset({"true", "1", "yes", ""})


class PoetryLogins(Struct, frozen=True):
    """The indexes that the app names, and the variables."""

    sources: tuple[IndexSource, ...]
    environ: Mapping[str, str]

    def source(self, index: IndexSource) -> IndexSource:
        """Return an index with its credentials, and with what its certificate is checked by."""
        certificates = self.environ.get(f"POETRY_CERTIFICATES_{_variable(index.name)}_CERT", "")
        is_path = certificates.lower() not in _OFF | _ON
        return replace(
            index,
            url=self._with_login(index.url, index.name),
            verify_ssl=index.verify_ssl and certificates.lower() not in _OFF,
            authority=certificates if is_path else "",
        )

    def with_login(self, entry: LockedDistribution) -> LockedDistribution:
        """Return an entry with the credentials of the place that its address is within."""
        scheme = urlsplit(entry.location).scheme
        if scheme not in {"http", "https"}:
            return entry
        same = [
            (entry.location.startswith(url), len(url), name)
            for name, url in self._places()
            if urlsplit(url).hostname == urlsplit(entry.location).hostname
        ]
        name = max(same)[2] if same else ""
        return replace(entry, location=self._with_login(entry.location, name)) if name else entry

    def _places(self) -> Iterator[tuple[str, str]]:
        yield from ((item.name, item.url) for item in self.sources)
        for variable, url in self.environ.items():
            match = _REPOSITORY.fullmatch(variable)
            if match is not None:
                yield match["name"], url

    def _with_login(self, url: str, name: str) -> str:
        parts = urlsplit(url)
        login = self._login(_variable(name))
        if not login or "@" in parts.netloc:
            return url
        return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}"))

    def _login(self, name: str) -> str:
        user = self.environ.get(f"POETRY_HTTP_BASIC_{name}_USERNAME", "")
        password = self.environ.get(f"POETRY_HTTP_BASIC_{name}_PASSWORD", "")
        token = self.environ.get(f"POETRY_PYPI_TOKEN_{name}", "")
        if token and not user and not password:
            user, password = "__token__", token
        given = quote(user, safe=""), quote(password, safe="")
        return ":".join(given) if password else given[0]


def _variable(name: str) -> str:
    """Return a name as Poetry's variables spell it."""
    return name.upper().replace("-", "_")
