"""The app's Python in the build directory, and where the app will look for it: links and copies."""

from pathlib import Path

from portside.effects.files import copy_tree, disk_errors, write_new
from portside.effects.store import StoredLayer
from portside.model.facts import PackageManager
from portside.model.interpreter import Interpreter
from portside.platforms.heroku.environment import APP, PYTHON_HOME, profile_settings
from portside.platforms.heroku.package_manager import stamps_beside

_PROFILE = Path(__file__).with_name("profile.sh")
_WHAT = "the app's Python"
_FUNCTIONS = (
    "portside_prepend",
    "portside_append_path",
    "portside_memory_limit",
    "portside_web_concurrency",
    "portside_say",
    "portside_set_concurrency",
)


def link_home(build: Path) -> str:
    """Let Python be found where the app will run, for steps and later buildpacks.

    Returns its directory as they see it: where /app can't be written to, or has a Python that is
    no link and so may be in use, everything works by the build directory's own path.
    """
    own, link = build / PYTHON_HOME, APP / PYTHON_HOME
    try:
        own.parent.mkdir(exist_ok=True)
        link.parent.mkdir(parents=True, exist_ok=True)
        is_own = link.parent.samefile(own.parent)
        # What an earlier build elsewhere left in a build directory leads nowhere.
        if not is_own or (link.is_symlink() and not link.exists()):
            link.unlink(missing_ok=True)
        if not is_own:
            link.symlink_to(own)
    except OSError:
        return str(own)
    return str(link)


def place(build: Path, layer: StoredLayer) -> None:
    """Put a layer's files into the build directory.

    They are copies: what a hook or the app does to them must not reach the cache. Raises
    ``CopyFailedError`` where one isn't what the layer's manifest says.
    """
    home = build / PYTHON_HOME
    with disk_errors(build, _WHAT):
        home.mkdir(parents=True, exist_ok=True)
        copy_tree(layer.tree, home, layer.stamps, may_be_rounded=True)


def place_package_manager(
    build: Path, own: StoredLayer, dependencies: StoredLayer, interpreter: Interpreter
) -> None:
    """Put a package manager's files in place, less what the app's dependencies bring themselves."""
    with disk_errors(build, _WHAT):
        stamps = stamps_beside(own, dependencies, interpreter)
        copy_tree(own.tree, build / PYTHON_HOME, stamps, may_be_rounded=True)


def write_profile(build: Path, manager: PackageManager) -> None:
    """Write the script that gives each process of the app its environment."""
    text = _PROFILE.read_text("utf-8") + profile_settings(manager)
    if (build / PYTHON_HOME / "nltk_data").is_dir():
        text += 'export NLTK_DATA="$HOME/.heroku/python/nltk_data"\n'
    text += "unset -f " + " ".join(_FUNCTIONS) + "\n"
    directory = build / ".profile.d"
    with disk_errors(build, "the boot script"):
        directory.mkdir(exist_ok=True)
        write_new(directory / "python.sh", text.encode())
