"""How a slug's Python gets its files: by link where something may lend them, else as copies."""

from pathlib import Path

from msgspec import Struct

from portside.effects.files import Twin, copy_tree, disk_errors, holds_exactly, linked_paths
from portside.effects.store import Store, StoredLayer
from portside.model.layers import LayerKey
from portside.packing.generations import give_back, take_spare
from portside.packing.slug import PYTHON_HOME, slug_layers


class PythonHome(Struct, frozen=True):
    """The tree of Python in a slug that is being made.

    ``target`` is the directory that the user asked for, None for a slug among the app's
    ``generations``. ``must_be_copied`` says that a hook may change files in place.
    ``last_dependencies`` is the key of those that the app's last build had; a slug that is taken
    apart is put ``aside``.
    """

    slug: Path
    store: Store
    target: Path | None
    generations: Path
    must_be_copied: bool
    last_dependencies: LayerKey | None
    aside: Path

    @property
    def path(self) -> Path:
        """Return where the tree is."""
        return self.slug / PYTHON_HOME

    def place(self, layer: StoredLayer) -> None:
        """Put a layer's files into the tree; raise what ``copy_tree`` and ``disk_errors`` do."""
        with disk_errors(self.slug, "the slug"):
            self.path.mkdir(parents=True, exist_ok=True)
            copy_tree(layer.tree, self.path, layer.stamps, self._lender(layer))

    def take_over(self, layers: tuple[StoredLayer, ...], lock: str) -> bool:
        """Take the tree from a slug that is about to be removed; return whether there was one.

        It must consist of ``layers`` and nothing else. ``lock`` is the app's in the store. Making
        thousands of directories anew is what costs in a rebuild.
        """
        if self.target is not None or self.must_be_copied or self.path.exists():
            return False
        instances = tuple(layer.instance for layer in layers)
        with self.store.lock(lock):
            spare = take_spare(self.generations, instances, self.aside)
        stamps = [stamp for layer in layers for stamp in layer.stamps]
        if spare is None or not holds_exactly(spare / PYTHON_HOME, stamps):
            return False
        self.path.parent.mkdir(exist_ok=True)
        (spare / PYTHON_HOME).rename(self.path)
        return True

    def give_back(self) -> None:
        """Undo ``take_over``: the build has failed, and its app keeps all slugs that it had."""
        give_back(self.aside, self.path, self.generations)

    def _lender(self, layer: StoredLayer) -> Twin | None:
        """Return what may lend a layer's files: the store, or what is at the target now.

        The store lends what nobody may write to. A directory that the user asked for is theirs to
        change, and so only their last one lends to it: all of a layer where it has the very same
        one, and of its last dependencies those files that the new layer has, too. In the store
        both are one file.
        """
        if self.must_be_copied:
            return None
        if self.target is None:
            return Twin(layer.tree, must_be_protected=True)
        instances = slug_layers(self.target)
        home = self.target / PYTHON_HOME
        if layer.instance in instances:
            return Twin(home)
        last = self.last_dependencies
        if last is None or last.layer != layer.key.layer:
            return None
        before = self.store.find(last)
        if before is None or before.instance not in instances:
            return None
        return Twin(home, linked_paths(layer.tree, before.tree, layer.stamps))
