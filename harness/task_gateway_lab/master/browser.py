"""Opens a notebook's page in headless Chromium and saves a screenshot."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from task_gateway import settings
from task_gateway.errors import ScenarioFailed, ToolMissing
from task_gateway.polling import attempts

if TYPE_CHECKING:
    import playwright.sync_api
else:
    from task_gateway.deferred import playwright

ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
CELL = ".jp-Notebook .jp-CodeCell .cm-content"
IDLE = "#jp-main-statusbar >> text=/\\| Idle$/"  # after the kernel's name, if its session is connected
LAUNCH_TERMINAL, TERMINAL = ".jp-LauncherCard >> text=/^Terminal$/", ".jp-Terminal .xterm"
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
OUTPUT = ".jp-Notebook .jp-OutputArea-output"


def run_in_page(url: str, page_url: str, authorization: str, output: str, picture: Path) -> str:
    """Open the page of a notebook file, run its cell, wait for `output`, save a PNG; return Chromium's version.

    One request to `url` has the authorization in a header, and its cookie logs the page in. No URL contains it.
    """
    return in_page(url, authorization, lambda page: run_cell(page, page_url, output), picture)


def in_page(url: str, authorization: str, use: "Callable[[playwright.sync_api.Page], None]", picture: Path) -> str:
    """Use a page in a separate browser, and always save a screenshot; return Chromium's version."""
    executable = find()
    try:
        with playwright.sync_api.sync_playwright() as driver, launch(driver, executable) as browser:
            with browser.new_context(viewport={"width": 1200, "height": 720}) as context:
                if authorization:
                    headers = {"Authorization": authorization}
                    context.request.get(f"{url}api/status", headers=headers, fail_on_status_code=True)
                page = context.new_page()
                page.set_default_timeout(1000 * settings.PAGE_SHOWN.seconds)
                try:
                    use(page)
                finally:  # also if the page does not show the expected content
                    picture.parent.mkdir(parents=True, exist_ok=True)
                    page.screenshot(path=picture)
            return browser.version
    except playwright.sync_api.Error as error:
        reason = error.message.splitlines()[0]
        raise ScenarioFailed(f"{settings.PAGE_SHOWN.sentence}: {reason}", where=url) from error


def run_in_terminal(url: str, authorization: str, command: str, shown: str, picture: Path) -> None:
    """Open a terminal in a notebook's page, type a command, wait for the output `shown`, save a PNG."""
    in_page(url, authorization, lambda page: type_in_terminal(page, f"{url}lab", command, shown), picture)


def show(url: str, shown: str, drawn: Callable[[bytes], bool], picture: Path) -> None:
    """Open a page without a login, wait for the selector `shown` and until a PNG passes `drawn`, save a PNG."""

    def use(page: "playwright.sync_api.Page") -> None:
        page.goto(url)
        page.locator(f"{shown} >> visible=true").first.wait_for()
        tries = attempts(settings.PAGE_SHOWN, sleep=sleep_of(page))
        if not any(drawn(page.screenshot()) for _ in tries):  # on a canvas, which has no text to query
            raise settings.PAGE_SHOWN.timed_out("the page does not draw it", url)

    in_page(url, "", use, picture)


def sleep_of(page: "playwright.sync_api.Page") -> Callable[[float], None]:
    """Return a pause during which the page still processes events."""
    return lambda seconds: page.wait_for_timeout(1000 * seconds)


def type_in_terminal(page: "playwright.sync_api.Page", lab: str, command: str, shown: str) -> None:
    """Open a terminal in the page of JupyterLab, type a command, and wait until the terminal received `shown`."""
    said: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: said.append(str(data))))
    page.goto(lab)
    page.locator(LAUNCH_TERMINAL).first.click()
    page.locator(TERMINAL).first.click()
    page.keyboard.type(f"{command}\n")
    tries = attempts(settings.PAGE_SHOWN, sleep=sleep_of(page))
    if not any(shown in each for _ in tries for each in said):  # it is drawn on a canvas, which has no text to query
        raise settings.PAGE_SHOWN.timed_out(f"the terminal got {said[-1:]}", lab)
    page.evaluate(DRAWN)


def run_cell(page: "playwright.sync_api.Page", page_url: str, output: str) -> None:
    """Open the page of a notebook file, run its cell, and wait for `output`."""
    page.goto(page_url)
    page.locator(IDLE).first.wait_for(state="visible")
    page.locator(CELL).first.click()
    page.keyboard.press("Control+Enter")
    page.locator(OUTPUT, has_text=output).first.wait_for(state="visible")


def launch(driver: "playwright.sync_api.Playwright", executable: Path) -> "playwright.sync_api.Browser":
    """Start Chromium. As root it only runs without its sandbox."""
    sandbox = () if os.geteuid() else ("--no-sandbox",)
    return driver.chromium.launch(executable_path=executable, args=[*ARGUMENTS, *sandbox])


def find() -> Path:
    """Return the system's Chromium or else playwright's own; ToolMissing if there is none."""
    system = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if system is not None:
        return Path(system)
    with playwright.sync_api.sync_playwright() as driver:
        own = Path(driver.chromium.executable_path)
    if not own.exists():
        raise ToolMissing("there is no Chromium", hint="install chromium, or run: playwright install chromium")
    return own
