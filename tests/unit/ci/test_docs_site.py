"""The documentation's site: files from outside docs/, errors of its build, and no requests to other sites."""

import re
import sys
from pathlib import Path

import pytest
import yaml
from pymdownx.slugs import slugify

import docs_site
import pins
from task_gateway.kube.process import Completed, run

PAGE = "# Page\n\n[code](../code.py), [picture](../picture.svg), [another](../MORE.md#two) and [itself](#page).\n"
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
LOADED = re.compile(r"""<(?:script|link|img|iframe)[^>]*\s(?:src|href)=["']?((?:https?:)?//[^"' >]+)""")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A page, files next to its folder, and the configuration of the built site."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(PAGE)
    (tmp_path / "MORE.md").write_text("# More\n\n## Two\n")
    (tmp_path / "code.py").write_text("print()\n")
    (tmp_path / "picture.svg").write_text("<svg/>\n")
    inherited = {"INHERIT": str(pins.ROOT / "mkdocs.yml"), "hooks": [docs_site.__file__]}
    own = {"docs_dir": "docs", "site_dir": "site", "nav": ["index.md", "../MORE.md"]}
    (tmp_path / "mkdocs.yml").write_text(yaml.safe_dump(inherited | own))
    return tmp_path


def build(config: Path, *options: str) -> Completed:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file"]
    return run([*command, config, *options], env={"NO_MKDOCS_2_WARNING": "1"}, check=False)


def test_what_a_page_links_to_outside_its_folder_is_in_the_site(project: Path) -> None:
    done = build(project / "mkdocs.yml")
    assert done.code == 0, done.stderr
    html = (project / "site" / "index.html").read_text()
    links = ["files/code.py.txt", "files/picture.svg", "MORE.html"]
    assert [link for link in links if f'href="{link}' in html] == links
    assert [link for link in links if (project / "site" / link).is_file()] == links


def test_every_kind_of_broken_link_ends_the_build(project: Path) -> None:
    broken = ["gone.md", "index.md#gone", "#nowhere", "../MORE.md#three", "../gone.py", "/absolute.md", "../folder"]
    (project / "docs" / "index.md").write_text(PAGE + "".join(f"\n[broken]({link})\n" for link in broken))
    (project / "docs" / "unlisted.md").write_text("# In no navigation\n")
    done = build(project / "mkdocs.yml")
    assert done.code == 1
    assert [each for each in [*broken, "unlisted.md"] if each not in done.stderr] == []
    assert f"Aborted with {len(broken) + 1} warnings in strict mode" in done.stdout


def test_the_site_of_this_project_is_whole_and_loads_nothing_from_another(tmp_path: Path) -> None:
    done = build(pins.ROOT / "mkdocs.yml", "--site-dir", str(tmp_path))
    assert done.code == 0, done.stderr
    pages = {page: page.read_text() for page in tmp_path.glob("*.html")}
    assert len(pages) > 15
    assert {page.name: LOADED.findall(html) for page, html in pages.items() if LOADED.findall(html)} == {}
    drawn = {page.name for page, html in pages.items() if 'class="mermaid"' in html}
    assert drawn == {page.name for page, html in pages.items() if docs_site.MERMAID in html}
    assert (tmp_path / docs_site.MERMAID).is_file()


def test_links_as_they_are_read_in_the_repository_lead_somewhere() -> None:
    listed = run(["git", "-C", pins.ROOT, "ls-files", "--cached", "--others", "--exclude-standard"])
    kept = {pins.ROOT / line for line in listed.stdout.splitlines()}
    for page in (pins.ROOT / "README.md", pins.ROOT / "CHANGELOG.md", *(pins.ROOT / "docs").glob("*.md")):
        for path, anchor in LINK.findall(page.read_text("utf-8")):
            if path.startswith(("http:", "https:")):
                continue
            target = (page.parent / path).resolve() if path else page
            assert target in kept, f"{page.name}: {path}"
            assert not anchor or anchor in anchors(target), f"{page.name}: {path}#{anchor}"


def anchors(page: Path) -> set[str]:
    text = page.read_text("utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {slugify(case="lower")(heading, "-") for heading in headings}.union(re.findall(r'<a id="([^"]+)">', text))
