"""What a lock file pins, whichever tool wrote it: distributions, and the indexes they come from."""

import re

from msgspec import Struct

_URL = r"[a-zA-Z][a-zA-Z0-9+.-]*://"


class IndexSource(Struct, frozen=True):
    """A package index that the app names. Its URL may hold ``${NAME}`` still.

    ``authority`` is the path of the certificates that it is trusted by, "" for the usual ones.
    """

    name: str
    url: str
    verify_ssl: bool = True
    authority: str = ""


class LockedDistribution(Struct, frozen=True):
    """One entry of a lock file.

    ``version`` is a specifier such as ``==1.0``; ``vcs`` is the kind of repository (``git``) and
    ``location`` its URL, or the path or URL of a project or archive.
    """

    name: str
    version: str = ""
    hashes: tuple[str, ...] = ()
    markers: str = ""
    extras: tuple[str, ...] = ()
    index: str = ""
    vcs: str = ""
    location: str = ""
    ref: str = ""
    subdirectory: str = ""
    editable: bool = False

    @property
    def is_path(self) -> bool:
        """Return whether the entry is a path within the app or on this machine."""
        return bool(self.location) and not self.vcs and not re.match(_URL, self.location)

    def requirement(self, location: str = "") -> str:
        """Return the entry as a line of a requirements file, hashes included.

        ``location`` replaces the entry's own, for a path made absolute or an interpolated URL.
        """
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        marker = f" ; {self.markers}" if self.markers else ""
        if not self.location:
            hashes = "".join(f" --hash={digest}" for digest in self.hashes)
            return f"{self.name}{extras}{self.version}{marker}{hashes}"
        target = self._target(location or self.location)
        if self.editable and not self.vcs:
            return f"-e {target}{extras}{marker}"
        hashes = "".join(f" --hash={digest}" for digest in self.hashes) if not self.vcs else ""
        return f"{self.name}{extras} @ {target}{marker}{hashes}"

    def _target(self, location: str) -> str:
        subdirectory = f"#subdirectory={self.subdirectory}" if self.subdirectory else ""
        if self.vcs:
            location = location.removeprefix(f"{self.vcs}+")
            if "://" not in location and not location.startswith("/"):
                # The scp-like spelling git@host:path isn't a URL.
                location = "ssh://" + location.replace(":", "/", 1)
            elif location.startswith("/"):
                location = f"file://{location}"
            return f"{self.vcs}+{location}{f'@{self.ref}' if self.ref else ''}{subdirectory}"
        return f"{location}{subdirectory}"
