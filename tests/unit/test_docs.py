"""The documentation: its links lead somewhere, and each package manager has its page."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from portside.model.facts import PackageManager

REPOSITORY = Path(__file__).parents[2]
PAGES = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")]
OVERVIEW = REPOSITORY / "docs/package-managers.md"
# The others have pages of their own names.
SHARED = {PackageManager.SETUP: "pyproject", PackageManager.NONE: "script"}


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def links(page: Path) -> list[str]:
    """Return the targets of a page's links, but for those on the web."""
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)) if "://" not in link]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as renderers of Markdown make them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).replace(" ", "-").lower() for heading in headings}


def broken_links(page: Path) -> Iterator[str]:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_to_files_and_headings_that_are_there(page: Path) -> None:
    assert list(broken_links(page)) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One `two`, three\n```\n# no heading\n[no link](x.md)\n```\n"
        "[a](#one-two-three) [b](page.md#no-heading) [c](x.md) [`d`](https://x.example/#y)\n"
    )
    assert list(broken_links(page)) == ["page.md#no-heading", "x.md"]


@pytest.mark.parametrize("manager", PackageManager)
def test_a_package_manager_has_a_page_that_the_overview_links_to(manager: PackageManager) -> None:
    page = f"package-managers/{SHARED.get(manager, manager.name.lower())}.md"
    assert (OVERVIEW.parent / page).is_file()
    assert page in links(OVERVIEW)


def test_the_overview_links_to_every_page_about_package_managers() -> None:
    pages = {f"package-managers/{page.name}" for page in OVERVIEW.with_suffix("").glob("*.md")}
    assert pages <= set(links(OVERVIEW))
