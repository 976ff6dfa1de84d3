"""The checklist's page in a real browser: from a file, offline, on a phone, in dark mode, with the keyboard."""

import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from task_gateway.model import StepResult
from task_gateway_lab.master import browser
from task_gateway_lab.model_bugbash import BugBash, ScenarioResult, Status
from task_gateway_lab.report import bugbash

PHONE = {"width": 360, "height": 740}
READABLE = 4.5  # contrast of text, WCAG 2.2 level AA
LONG = "kubectl --cache-dir " + "/a/very/long/path" * 12
CONTRAST = """(selector) => {
  const light = (rgb) => rgb.map((c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; })
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const back = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = numbers(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll(selector)].filter((each) => each.offsetParent).map((each) => {
    const [a, b] = [light(numbers(getComputedStyle(each).color).slice(0, 3)), light(back(each))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  });
}"""


def png(width: int, height: int) -> bytes:
    """Return a grey image."""
    raw = b"".join(b"\0" + b"\x80" * width for _ in range(height))
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(raw)),
        (b"IEND", b""),
    ]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bugbash")
    (folder / "opened").mkdir()
    (folder / "opened" / "page.png").write_bytes(png(1200, 720))
    rows = (
        ScenarioResult("opened", "Notebooks", Status.PASSED, 12.0, "A notebook opens.",
            (StepResult("cell", True, 1.0, "says 385"),),
            screenshot="opened/page.png", repeat=("# open it", LONG)),
        ScenarioResult("cut", "Notebooks", Status.FAILED, 3.0, "A notebook is cut.",
            (StepResult("cut", False, 3.0, "<b>no route</b>"),),
            cause="Gateway tasks/gw: Programmed is False", evidence=("cut/east/events.txt",)),
        ScenarioResult("six", "Configuration", Status.SKIPPED, 0.0, "IPv6 works.", cause="no node has an IPv6 address"),
        ScenarioResult("look", "Manual", Status.PERSON, 0.0, "It looks right.", repeat=("# look at it",)),
    )  # fmt: skip
    bugbash.write(
        BugBash("bugbash", 18.0, {"kubernetes": "v1.36.3", "task-gateway": "0.1.0", "controller": "Contour"}, rows),
        folder,
    )
    return folder / "report.html"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright, browser.launch(playwright, browser.find()) as launched:
        yield launched


@pytest.fixture
def page(chromium: Browser, report: Path) -> Iterator[Page]:
    """The page as a user opens it: from the disk, on a machine without a network."""
    with chromium.new_context(viewport={"width": 1200, "height": 800}, offline=True) as context:
        opened = context.new_page()
        asked: list[str] = []
        troubles: list[str] = []
        opened.on("request", lambda request: asked.append(request.url))
        opened.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        opened.on("pageerror", lambda error: troubles.append(str(error)))
        opened.goto(report.as_uri())
        yield opened
        assert [each for each in asked if not each.startswith("data:")] == [report.as_uri()]
        assert troubles == []


def shown(page: Page) -> list[str]:
    return [each.get_attribute("id") or "" for each in page.locator("details.row:visible").all()]


def test_the_failed_row_is_open_with_its_cause_and_nothing_in_it_is_markup(page: Page) -> None:
    failed = page.locator("#row-cut")
    assert page.get_by_role("link", name="A notebook is cut.").get_attribute("href") == "#row-cut"
    assert failed.get_by_text("Gateway tasks/gw: Programmed is False").is_visible()
    assert failed.get_by_role("cell", name="<b>no route</b>").is_visible()
    assert not page.locator("#row-opened table").is_visible()
    assert page.get_by_role("cell", name="v1.36.3").is_visible()
    assert page.locator("#row-cut a").get_attribute("href") == "cut/east/events.txt"


def test_the_picture_is_inside_the_file(page: Page) -> None:
    page.locator("#row-opened summary").click()
    picture = page.get_by_role("img", name="What the browser showed at the end of opened")
    picture.scroll_into_view_if_needed()
    assert picture.evaluate("each => each.decode().then(() => each.naturalWidth)") == 1200


def test_rows_are_filtered_by_keyboard_alone(page: Page) -> None:
    assert page.get_by_role("status").inner_text() == "4 of 4 rows"
    page.get_by_role("checkbox", name="passed (1)").focus()
    page.keyboard.press("Space")
    assert shown(page) == ["row-cut", "row-six", "row-look"]
    page.get_by_role("searchbox", name="Find").focus()
    page.keyboard.type("ipv6")
    assert shown(page) == ["row-six"]
    assert page.get_by_role("status").inner_text() == "1 of 4 rows"
    assert not page.get_by_role("heading", name="Notebooks").is_visible()


def test_a_row_is_opened_and_its_commands_copied_by_keyboard(page: Page) -> None:
    page.locator("#row-opened summary").focus()
    page.keyboard.press("Enter")
    button = page.locator("#row-opened").get_by_role("button", name="Copy")
    button.focus()
    page.keyboard.press("Enter")
    page.locator("#row-opened").get_by_role("button", name="Copied").wait_for()
    page.get_by_role("searchbox", name="Find").focus()
    page.keyboard.press("Control+V")
    pasted = page.get_by_role("searchbox", name="Find").input_value()
    assert pasted.startswith("# open it")
    assert LONG in pasted


def test_every_control_has_a_name_and_focus_is_seen(page: Page) -> None:
    seen = []
    for _ in range(30):
        page.keyboard.press("Tab")
        focus = page.evaluate("""() => {
            const each = document.activeElement, style = getComputedStyle(each);
            const label = each.labels?.[0]?.textContent ?? each.textContent;
            return [each.tagName, label.trim(), style.outlineStyle, parseFloat(style.outlineWidth)];
        }""")
        if focus[0] == "BODY":
            break
        seen.append(focus)
    assert [focus[0] for focus in seen].count("SUMMARY") == 4
    assert {"INPUT", "A", "PRE", "BUTTON"} <= {focus[0] for focus in seen}
    assert all(label and style == "solid" and width >= 2 for _, label, style, width in seen)


def test_the_page_has_a_language_landmarks_and_one_first_heading(page: Page) -> None:
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.get_by_role("main").count() == page.get_by_role("search").count() == 1
    assert [each.inner_text() for each in page.get_by_role("heading", level=1).all()] == [
        f"Internal Task Gateway 0.1.0: bugbash, Contour, {datetime.now(UTC):%Y-%m-%d}"
    ]
    groups = [each.inner_text() for each in page.get_by_role("heading", level=2).all()]
    assert groups == ["Failures", "Notebooks", "Configuration", "Manual"]
    assert page.get_by_role("checkbox", name="Checked by hand: passed").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_is_readable_in_the_light_and_in_the_dark(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.locator("#row-opened summary").click()
    found = page.evaluate(CONTRAST, "h1, h2, h3, p, summary, span, th, td, a, code, button, label, caption, figcaption")
    assert len(found) > 30
    assert min(found) >= READABLE
    red, *_ = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (red < 64) is (scheme == "dark")


def test_on_a_phone_nothing_sticks_out_and_targets_can_be_hit(page: Page) -> None:
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    page.locator("#row-opened summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    heights = [
        (each.bounding_box() or {"height": 0})["height"] for each in page.locator("summary, button:visible").all()
    ]
    assert min(heights) >= 24  # WCAG 2.2, target size
    text = page.locator("#row-opened th[scope=row]").first.evaluate(
        "each => parseFloat(getComputedStyle(each).fontSize)"
    )
    assert text >= 14


def test_a_row_that_an_address_names_is_open(chromium: Browser, report: Path) -> None:
    with chromium.new_context(offline=True) as context:
        opened = context.new_page()
        opened.goto(f"{report.as_uri()}#row-opened")
        assert opened.locator("#row-opened table").is_visible()
