"""Lists the distributions that are installed in a directory; it never changes it."""

from pathlib import Path


def list_distributions(site_packages: Path) -> tuple[tuple[str, str], ...]:
    """Return the name and version of each distribution in a directory, sorted by name."""
    found = []
    for pattern in ("*.dist-info/METADATA", "*.egg-info/PKG-INFO"):
        for path in site_packages.glob(pattern):
            head = path.read_text("utf-8", "replace").split("\n\n", 1)[0]
            fields = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
            found.append((fields.get("Name", "").strip(), fields.get("Version", "").strip()))
    return tuple(sorted(found, key=lambda item: item[0].lower()))
