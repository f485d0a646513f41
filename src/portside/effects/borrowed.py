"""Links that lead out of a tree but not out of the source root: what they lead to, in their place.

It only reads. A slug has none of the rest of its source root, so that it gets copies.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from portside.effects.files import FileStamp, scan
from portside.model.errors.app import LinkOutsideAppError

Skip = Callable[[str, "os.DirEntry[str]"], bool]


class Lender(Struct, frozen=True):
    """What may be borrowed by the links of ``tree``: all in ``reach`` but what has the tree in it.

    None stands for nothing at all. ``skip`` is asked with each path, relative to the tree, as
    ``scan`` does; ``shown`` is what errors have before paths.
    """

    tree: Path
    reach: Path | None
    skip: Skip
    shown: str = ""

    def with_borrowed(self, stamps: Iterable[FileStamp]) -> Iterator[FileStamp]:
        """Yield stamps of the tree, with what is borrowed in place of the links to it.

        Raises ``LinkOutsideAppError`` for a link to what is out of reach or not there.
        """
        text = str(self.tree)
        for stamp in stamps:
            if not stamp.target or _is_within(text, stamp):
                yield stamp
            else:
                yield from self._follow(f"{text}/{stamp.path}", stamp.path, ())

    def _follow(self, link: str, path: str, above: tuple[str, ...]) -> Iterator[FileStamp]:
        """Yield what is at the end of a link, as if it were at ``path``.

        ``above`` are the directories that it was found in, none of which may be in what is there.
        """
        place = os.path.realpath(link)
        end = Path(place)
        lenders = (str(self.tree), *above)
        is_loop = any(item == place or item.startswith(f"{place}/") for item in lenders)
        is_reached = self.reach is not None and end.is_relative_to(self.reach)
        if is_loop or not is_reached or not end.exists():
            shown = f"{self.shown}/{path}" if self.shown else path
            raise LinkOutsideAppError(path=shown, target=str(Path(link).readlink()))
        status = end.stat()
        if not stat.S_ISDIR(status.st_mode):
            mode, size, time = status.st_mode, status.st_size, status.st_mtime_ns
            yield FileStamp(path, mode, size, time, origin=place)
            return
        yield FileStamp(path, status.st_mode, 0, status.st_mtime_ns)
        for found in scan(end, lambda below, item: self.skip(f"{path}/{below}", item)):
            below = f"{path}/{found.path}"
            if found.target and not _is_within(place, found):
                yield from self._follow(f"{place}/{found.path}", below, (*above, place))
            else:
                origin = f"{place}/{found.path}" if stat.S_ISREG(found.mode) else ""
                yield FileStamp(below, found.mode, found.size, found.mtime_ns, found.target, origin)


def _is_within(root: str, link: FileStamp) -> bool:
    """Return whether a link, as it is written, leads to something in its own tree."""
    place = os.path.normpath(os.path.join(root, os.path.dirname(link.path), link.target))  # noqa: PTH118, PTH120
    inside = place == root or place.startswith(f"{root}/")
    return inside and not os.path.isabs(link.target)  # noqa: PTH117
