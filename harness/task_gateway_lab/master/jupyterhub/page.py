"""Uses the hub's pages in headless Chromium as a user does: the login, the start of a server, JupyterLab."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from task_gateway import settings
from task_gateway.polling import attempts
from task_gateway_lab.master import browser

if TYPE_CHECKING:
    import playwright.sync_api

USER, PASSWORD, SUBMIT = "#username_input", "#password_input", "#login_submit"
PROGRESS = "#progress-message"
LAUNCHER = ".jp-LauncherCard"


def log_in(page: "playwright.sync_api.Page", url: str, user: str, password: str) -> None:
    """Open a page that requires a login, and fill in the hub's form."""
    page.goto(url)
    page.locator(USER).fill(user)
    page.locator(PASSWORD).fill(password)


def first_visit(url: str, user: str, password: str, form: Path, lab: Path) -> str:
    """Log in at the hub, which starts the user's server, and wait for JupyterLab; return Chromium's version."""

    def use(page: "playwright.sync_api.Page") -> None:
        log_in(page, url, user, password)
        form.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=form)
        page.locator(SUBMIT).click()
        page.locator(LAUNCHER).first.wait_for()

    return browser.in_page(url, "", use, lab)


def run_cell(page_url: str, user: str, password: str, output: str, picture: Path) -> str:
    """Open a notebook file of a user's server through the login, run its cell; return Chromium's version."""

    def use(page: "playwright.sync_api.Page") -> None:
        log_in(page, page_url, user, password)
        page.locator(SUBMIT).click()
        page.wait_for_url(f"{page_url}**")
        browser.run_cell(page, page_url, output)

    return browser.in_page(page_url, "", use, picture)


def run_in_terminal(lab: str, user: str, password: str, command: str, shown: str, picture: Path) -> None:
    """Open a terminal in a user's server through the login, and type a command there."""

    def use(page: "playwright.sync_api.Page") -> None:
        log_in(page, lab, user, password)
        page.locator(SUBMIT).click()
        page.wait_for_url(f"{lab}**")
        browser.type_in_terminal(page, lab, command, shown)

    browser.in_page(lab, "", use, picture)


def wait_for_message(url: str, user: str, password: str, message: Callable[[], str], picture: Path) -> str:
    """Log in at a page that starts a server, wait until it shows the cluster's message, and return that."""
    seen: list[str] = []

    def use(page: "playwright.sync_api.Page") -> None:
        log_in(page, url, user, password)
        page.locator(SUBMIT).click()
        shown = page.locator(PROGRESS)
        for _ in attempts(settings.PAGE_SHOWN, sleep=browser.sleep_of(page)):
            if (wanted := message()) and wanted in (shown.text_content() or ""):
                seen.append(wanted)
                return
        raise settings.PAGE_SHOWN.timed_out(f"the page shows {shown.text_content()!r}", url)

    browser.in_page(url, "", use, picture)
    return seen[0]
