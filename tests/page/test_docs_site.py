"""The documentation's site in a real browser: every page only uses its own server, is rendered, and can be found."""

import re
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Page, sync_playwright

from task_gateway.kube.process import run
from task_gateway_lab.master import browser

ROOT = Path(__file__).parents[2]


class SiteHandler(SimpleHTTPRequestHandler):
    """Serves files without a log."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file"]
    run([*build, ROOT / "mkdocs.yml", "--site-dir", folder], env={"NO_MKDOCS_2_WARNING": "1"})
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SiteHandler, directory=str(site))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    asked: list[str] = []
    troubles: list[str] = []
    with sync_playwright() as playwright, browser.launch(playwright, browser.find()) as chromium:
        opened = chromium.new_page()
        opened.on("request", lambda request: asked.append(request.url))
        opened.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        opened.on("pageerror", lambda error: troubles.append(str(error)))
        yield opened
        assert [each for each in asked if not each.startswith((address, "data:", "blob:"))] == []
        assert troubles == []


def test_every_page_is_shown_with_its_diagrams_drawn(page: Page, address: str, site: Path) -> None:
    drawn = 0
    for file in sorted(site.glob("*.html")):
        diagrams = file.read_text().count('class="mermaid"')
        page.goto(address + file.name)
        assert page.get_by_role("heading", level=1).first.is_visible(), file.name
        for number in range(diagrams):
            picture = page.locator("div.mermaid").nth(number)
            picture.wait_for()
            assert (picture.bounding_box() or {"height": 0})["height"] > 100, file.name
        drawn += diagrams
    assert drawn >= 3


def test_a_page_is_found_by_its_words(page: Page, address: str) -> None:
    page.goto(address)
    page.locator(".md-search__input").fill("binding limit headroom")
    page.locator(".md-search-result__link").first.wait_for()
    assert "limits.html" in " ".join(
        each.get_attribute("href") or "" for each in page.locator(".md-search-result__link").all()
    )


def test_the_diagrams_of_the_readme_can_be_drawn(page: Page, address: str) -> None:
    diagrams = re.findall(r"```mermaid\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert diagrams
    page.goto(f"{address}architecture.html")
    for diagram in diagrams:
        assert page.evaluate("text => mermaid.parse(text)", diagram)
