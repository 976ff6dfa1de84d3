"""The inputs of the documentation's site from outside docs/: the files that pages link to, and Mermaid.

MkDocs calls it (`hooks` in mkdocs.yml). Pages link with ../ to files of the repository, as they are read there. Each
that exists becomes a part of the site; a link to one that does not ends the build, as any broken link.
"""

import re
from importlib.util import find_spec
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

LINK = re.compile(r"\]\((\.\./[^)#\s]+)")
CODE = (".env", ".lock", ".py", ".sum", ".yaml")  # shown by a browser only as plain text
MERMAID = "assets/mermaid.js"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what the pages link to outside docs/, and Mermaid."""
    docs = Path(config.docs_dir)
    for link in {link for page in files.documentation_pages() for link in LINK.findall(page.content_string)}:
        source = (docs / link).resolve()
        if source.is_file() and source.is_relative_to(docs.parent):
            files.append(_linked(config, link, source))
    files.append(File.generated(config, MERMAID, abs_src_path=str(_mermaid())))
    return files


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Load Mermaid on the pages that have a diagram; the theme would take it from another site."""
    if 'class="mermaid"' not in html:
        return html
    depth = page.url.count("/")
    return f'{html}\n<script src="{"../" * depth}{MERMAID}"></script>'


def _linked(config: MkDocsConfig, link: str, source: Path) -> File:
    # What begins with a dot, as ../ does, would be left out unless told otherwise.
    found = File.generated(config, link, abs_src_path=str(source), inclusion=InclusionLevel.INCLUDED)
    within = found.dest_uri.removeprefix("../")
    if found.is_documentation_page():
        found.dest_uri = within
    else:
        found.dest_uri = f"files/{within}{'.txt' if source.suffix in CODE else ''}"
    return found


def _mermaid() -> Path:
    """Return the file in the package that brings it, without running anything of that package."""
    package = find_spec("mermaidx")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("mermaidx is missing: make setup")
    return Path(package.origin).parent / "assets" / "mermaid.js"
