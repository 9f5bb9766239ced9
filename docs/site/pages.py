"""What the site needs that a list in mkdocs.yml cannot say: mkdocs calls the functions that are named `on_...`.

Every page of `docs/` has a place: those that are named below, folders as a whole, and what nobody has named yet under
"More". Pages that live beside the code, the changelog and the list of examples, are taken in under names of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

DOCS = Path(__file__).resolve().parent.parent
OUTSIDE = {"changelog.md": "CHANGELOG.md", "examples.md": "examples/README.md"}

# A folder stands for its pages, in the order of their titles.
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Start": (
        "index.md",
        "adoption.md",
        "review.md",
        "pull-requests.md",
        "reports.md",
        "configuration.md",
        "migration.md",
    ),
    "Errors": ("errors.md", "errors/"),
    "Rules": ("rules/index.md", "rules/", "boundaries.md", "strategies.md", "scripts.md", "workers-state.md"),
    "Recipes": ("recipes/", "loky.md", "ray-tune.md", "notebooks.md", "trace.md", "inspect.md", "examples.md"),
    "Proof": ("proof.md", "threats.md", "sameness.md", "runtime.md"),
    "Extend": ("writing-a-rule.md", "library.md", "how-it-works.md"),
}


def nav(pages: set[str]) -> list[dict[str, list[str]]]:
    """A section for each of the above, with those of its pages that are there; the rest comes last."""
    sections = {
        name: [page for entry in entries for page in _pages(entry, pages)] for name, entries in SECTIONS.items()
    }
    placed = {page for section in sections.values() for page in section}
    return [{name: _once(section)} for name, section in {**sections, "More": sorted(pages - placed)}.items() if section]


def _pages(entry: str, pages: set[str]) -> Iterator[str]:
    if entry.endswith("/"):
        yield from sorted(page for page in pages if page.startswith(entry))
    elif entry in pages:
        yield entry


def _once(pages: list[str]) -> list[str]:
    return list(dict.fromkeys(pages))


def pages_of(folder: Path) -> set[str]:
    """Every page of the site by its path in the folder of the documentation."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.md")} | set(OUTSIDE)


def at_home(text: str, page: str) -> str:
    """The text of a page, whose links that leave the documentation, or come from outside of it, lead into the site."""
    depth = "../" * page.count("/")
    text = re.sub(r"\]\((?:\.\./)+README\.md(#[^)]*)?\)", rf"]({depth}index.md)", text)
    for name, where in OUTSIDE.items():
        text = re.sub(rf"\]\((?:\.\./)+{re.escape(where)}(#[^)]*)?\)", rf"]({depth}{name}\1)", text)
    text = re.sub(r"\]\((?:\.\./)+examples/[^)]*\)", f"]({depth}examples.md)", text)
    return re.sub(r"\]\((?:\.\./)*docs/([^)]*)\)", rf"]({depth}\1)", text) if page in OUTSIDE else text


def on_config(config: MkDocsConfig) -> None:
    """The navigation, from what is there."""
    config.nav = nav(pages_of(Path(config.docs_dir)))


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """With the pages from outside."""
    from mkdocs.structure.files import File

    for name, where in OUTSIDE.items():
        files.append(File.generated(config, name, content=(DOCS.parent / where).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """Links as the site has them."""
    return at_home(markdown, page.file.src_uri)
