"""Where modules lie: from an import to a file, and from a file to what a server imports it by."""

import keyword
import posixpath
import re
import sys
from collections.abc import Iterator

from msgspec import Struct

from portside.detection.start_commands.frameworks import MENTIONS
from portside.detection.start_commands.syntax import Imported, Module
from portside.detection.start_commands.tree import AppTree

_INSTALLED = sys.stdlib_module_names | frozenset(MENTIONS)
# Python has imported these of its own before it looks for an app's.
_TAKEN = frozenset({"abc", "builtins", "codecs", "io", "os", "site", "stat", "sys", "time"})
# Servers import by text, so that a file's own name needs no more: hello-world.py, 2fa.py.
_FILE_NAME = re.compile(r"\w[\w-]*")
# Directories that only hold packages: a developer starts the app from above them.
_SOURCE_ROOTS = frozenset({"src", "lib", "python"})


class Place(Struct, frozen=True):
    """How a server finds a module: its dotted name, and the directory that must be on the path.

    ``root`` is "" for the app's own directory. ``is_working_directory`` says that the app expects
    to be started there, too, since it isn't a mere holder of packages.
    """

    module: str
    root: str = ""

    @property
    def is_identifier(self) -> bool:
        """Return whether the module's name could stand in an import statement."""
        return all(part.isidentifier() for part in self.module.split("."))

    @property
    def is_working_directory(self) -> bool:
        """Return whether the app is to be started in ``root``."""
        return bool(self.root) and posixpath.basename(self.root) not in _SOURCE_ROOTS


def ancestors(path: str) -> Iterator[str]:
    """Yield the directories above a file, nearest first; the last is ""."""
    while path:
        path = posixpath.dirname(path)
        yield path


def files_of(tree: AppTree, path: str, imported: Imported) -> Iterator[tuple[str, str]]:
    """Yield the files that an import in the file ``path`` may mean, and the name looked up there.

    The name is "" where the import means the module itself.
    """
    parts = imported.module.replace(".", "/") if imported.module else ""
    for root in _roots(tree, path, imported.level):
        base = posixpath.join(root, parts) if parts else root
        for file in (f"{base}.py", posixpath.join(base, "__init__.py")):
            if file in tree.files and (parts or root):
                yield file, imported.name
        if imported.name and imported.name != "*":
            below = posixpath.join(base, imported.name)
            for file in (f"{below}.py", f"{below}/__init__.py"):
                if file in tree.files:
                    yield file, ""


def place_of(tree: AppTree, module: Module, known: frozenset[str] = frozenset()) -> Place | None:
    """Return how a server imports a file, None where no name leads to it.

    Among the directories above it the one counts where its own imports are found, and from where
    others import it (``known`` are the modules that the app imports); without a difference, the
    nearest that isn't a package itself.
    """
    usable = [root for root in ancestors(module.path) if _dotted(module.path, root)]
    default = _default_root(tree, module.path)
    if not usable:
        return None

    def votes(root: str) -> int:
        return _found_imports(tree, module, root) + (_dotted(module.path, root) in known)

    usable.sort(key=lambda root: (-votes(root), root != default))
    return Place(_dotted(module.path, usable[0]), usable[0])


def _roots(tree: AppTree, path: str, level: int) -> tuple[str, ...]:
    above = tuple(ancestors(path))
    if level:
        return above[level - 1 : level]
    return tuple(dict.fromkeys((_default_root(tree, path), "", "src", *reversed(above))))


def _default_root(tree: AppTree, path: str) -> str:
    for directory in ancestors(path):
        if posixpath.join(directory, "__init__.py") not in tree.files:
            return directory
    return ""


def _dotted(path: str, root: str) -> str:
    inside = posixpath.relpath(path, root) if root else path
    parts = inside.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    is_package = posixpath.basename(inside) == "__init__.py"
    packages = parts if is_package else parts[:-1]
    is_importable = all(part.isidentifier() and not keyword.iskeyword(part) for part in packages)
    is_named = is_package or _FILE_NAME.fullmatch(parts[-1]) is not None
    is_taken = not parts or parts[0] in _TAKEN
    return ".".join(parts) if is_importable and is_named and not is_taken else ""


def why_not_imported(path: str) -> tuple[str, str]:
    """Return why no server can import a file, as a part of a sentence, and what mends it."""
    is_package = posixpath.basename(path) == "__init__.py"
    stem = posixpath.basename(posixpath.dirname(path) if is_package else path.removesuffix(".py"))
    what = "directory" if is_package else "file"
    if stem in _TAKEN:
        return f"Python has a module {stem} of its own", f"Give the {what} another name"
    spelled = re.sub(r"\W+", "_", stem) + ("" if is_package else ".py")
    return f"no module can have the name {stem!r}", f"Rename the {what}, such as to {spelled}"


def _found_imports(tree: AppTree, module: Module, root: str) -> int:
    """Return how many of a file's absolute imports lie below ``root``."""
    found = (*module.imports.values(), *module.stars)
    modules = {item.module for item in found if item.level == 0 and item.module}
    # A celery.py that imports celery means the distribution.
    modules = {name for name in modules if name.partition(".")[0] not in _INSTALLED}
    bases = [posixpath.join(root, name.replace(".", "/")) for name in modules]
    return sum(
        f"{base}.py" in tree.files or f"{base}/__init__.py" in tree.files or _is_package(tree, base)
        for base in bases
    )


def _is_package(tree: AppTree, directory: str) -> bool:
    return directory in tree.directories
