"""The page in a real Chromium, against a real daemon, with the styles that are shipped."""

from __future__ import annotations

import base64
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.pixels import read_image
from tests.edge.web.appliance import Appliance, Wire

if os.environ.get("CI"):
    from playwright.sync_api import Browser, Page, sync_playwright
else:
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install 'stylecam[test]'")
    Browser, Page, sync_playwright = sync_api.Browser, sync_api.Page, sync_api.sync_playwright

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

COUNT_SHIFTS = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
# Read through a canvas of the test's own: Chromium complains when the page's is read often.
READ = """
window.readPicture = () => {
  const picture = document.getElementById("picture");
  const copy = (window.copy ??= document.createElement("canvas"));
  Object.assign(copy, { width: picture.width, height: picture.height });
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, copy.width, copy.height);
};
"""
DISTINCT_FRAMES = """
() => new Promise((done) => {
  const seen = new Set();
  const look = () => {
    const { data } = window.readPicture();
    let hash = 0;
    for (let at = 0; at < data.length; at += 16) hash = (hash * 31 + data[at]) | 0;
    seen.add(hash);
    if (seen.size >= 10) done(seen.size); else requestAnimationFrame(look);
  };
  look();
})
"""
# A hidden page stops its stream and keeps its last picture: the divider can be compared.
HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, value: hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
PIXELS = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
  const { data, width } = window.readPicture();
  const reader = new FileReader();
  reader.onload = () => done([width, reader.result.split(",")[1]]);
  reader.readAsDataURL(new Blob([data]));
})))"""


@pytest.fixture(scope="module")
def appliance() -> Iterator[Appliance]:
    with Appliance() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None and not os.environ.get("CI"):
        pytest.skip("no Chromium here: apt install chromium")
    assert path, "no Chromium, and CI may not do without it: apt install chromium"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


class Visit:
    """A page that is open, and all it complained of."""

    def __init__(self, browser: Browser, address: str, size: dict[str, int], touch: bool) -> None:
        self.context = browser.new_context(viewport=size, has_touch=touch, is_mobile=touch)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.addresses: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.addresses.append(request.url))
        self.page.add_init_script(COUNT_SHIFTS + READ)
        self.page.goto(address, wait_until="commit")

    def wait_live(self, timeout_s: float = 15) -> None:
        self.page.get_by_role("status").filter(has_text="live").wait_for(timeout=timeout_s * 1e3)
        self.page.wait_for_function(DISTINCT_FRAMES, timeout=timeout_s * 1e3)

    def place_divider(self, share: float) -> None:
        """Drag the divider by mouse or finger to a share of the picture's width."""
        box = self.page.locator("#stage").bounding_box()
        assert box
        height = box["y"] + box["height"] / 3
        self.page.mouse.move(box["x"] + box["width"] / 2, height)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + box["width"] * share, height, steps=4)
        self.page.mouse.up()

    def hold(self, held: bool) -> None:
        self.page.evaluate(HIDE, held)
        self.page.wait_for_timeout(200)

    def pixels(self) -> np.ndarray:
        """Return what the canvas shows, (H, W, 3) uint8."""
        width, data = self.page.evaluate(PIXELS)
        rgba = np.frombuffer(base64.b64decode(data), np.uint8).reshape(-1, width, 4)
        return rgba[..., :3]

    def strips(self) -> list[np.ndarray]:
        """Return the canvas as twenty vertical strips, left to right."""
        return np.array_split(self.pixels(), 20, axis=1)

    def halves(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the camera's picture and the styled one, both of the same instant."""
        self.hold(True)
        self.place_divider(1.0)
        camera = self.pixels()
        self.place_divider(0.0)
        styled = self.pixels()
        self.hold(False)
        return camera, styled

    def bars(self) -> np.ndarray:
        """Return the styled colours of the test pattern's upper part, which never moves."""
        _, styled = self.halves()
        return styled[: len(styled) // 4].mean(axis=0)


@pytest.fixture
def visit(browser: Browser, appliance: Appliance) -> Iterator[Callable[..., Visit]]:
    visits: list[Visit] = []

    def open_page(
        size: dict[str, int] = DESKTOP, touch: bool = False, address: str = appliance.address
    ) -> Visit:
        visits.append(Visit(browser, address, size, touch))
        return visits[-1]

    yield open_page
    for one in visits:
        one.context.close()


def wait_for(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other).mean())


@pytest.mark.parametrize(("name", "size", "touch"), [
    ("desktop", DESKTOP, False), ("phone", PHONE, True),
])  # fmt: skip
def test_the_page_shows_live_video_without_a_complaint(
    visit, appliance, tmp_path, name, size, touch
):
    one = visit(size, touch)
    one.wait_live()
    one.page.get_by_role("button", pressed=True).wait_for()
    one.page.wait_for_timeout(1200)  # a poll or two
    assert one.complaints == []
    assert {address.startswith(appliance.address) for address in one.addresses} == {True}
    assert one.page.evaluate("window.shift") < 0.05
    assert one.page.evaluate("document.documentElement.scrollWidth") == size["width"]
    assert "fps" in one.page.locator("#fps").inner_text()
    assert "ms" in one.page.locator("#latency").inner_text()
    folder = Path(os.environ.get("STYLECAM_SCREENSHOTS", tmp_path))
    one.page.screenshot(path=folder / f"page-{name}.png")


def test_the_divider_shows_the_camera_on_its_left_and_the_style_on_its_right(visit, appliance):
    appliance.change("strength", {"strength": 1.0})
    one = visit()
    one.wait_live()
    one.place_divider(0.25)
    one.hold(True)
    before = one.strips()
    one.place_divider(0.75)
    after = one.strips()
    changed = [difference(*pair) > 0 for pair in zip(before, after, strict=True)]
    assert changed == [False] * 5 + [True] * 10 + [False] * 5
    one.place_divider(0.25)
    assert all(map(np.array_equal, one.strips(), before))


def test_the_divider_moves_by_keyboard_and_is_remembered(visit):
    one = visit()
    one.wait_live()
    divider = one.page.get_by_role("slider", name="Divider between camera and style")
    divider.focus()
    one.page.keyboard.press("Home")
    one.page.keyboard.press("ArrowRight")
    assert divider.get_attribute("aria-valuetext") == "1 % camera"
    one.page.reload(wait_until="commit")
    one.page.wait_for_function("() => document.getElementById('divider')?.value === '0.5'")


def test_choosing_a_style_restyles_the_picture_and_other_pages_follow(visit):
    with Appliance("pattern:640x480@30") as still:
        one, other = visit(address=still.address), visit(PHONE, True, still.address)
        one.wait_live()
        one.page.get_by_role("button", pressed=True).wait_for()
        before, bars = still.status()["style"], one.bars()
        assert difference(one.bars(), bars) < 1
        card = one.page.get_by_role("listitem").get_by_role("button", pressed=False).first
        title = card.inner_text()
        card.click()
        chosen = {"role": "button", "name": title, "pressed": True}
        one.page.get_by_role("listitem").get_by_role(**chosen).wait_for()
        assert still.status()["title"] == title
        wait_for(lambda: difference(one.bars(), bars) > 5)
        other.page.get_by_role("listitem").get_by_role(**chosen).wait_for()
        still.change("style", {"name": before})
        one.page.get_by_role("listitem").get_by_role(**{**chosen, "pressed": False}).wait_for()
        wait_for(lambda: difference(one.bars(), bars) < 1)
        assert one.complaints == []


def test_strength_blends_from_the_camera_to_the_style(visit, appliance):
    one = visit()
    one.wait_live()
    strength = one.page.get_by_role("slider", name="Strength")
    strength.fill("0")
    wait_for(lambda: appliance.status()["strength"] == 0.0)
    one.page.wait_for_timeout(500)
    assert difference(*one.halves()) < 3  # JPEG codes the two a little differently
    strength.fill("100")
    wait_for(lambda: appliance.status()["strength"] == 1.0)
    one.page.wait_for_timeout(500)
    assert difference(*one.halves()) > 5
    assert one.complaints == []


def test_a_hidden_page_asks_for_no_pictures(visit, appliance):
    one = visit()
    one.wait_live()
    watching = appliance.status()["web"]["viewers"]
    one.hold(True)
    wait_for(lambda: appliance.status()["web"]["viewers"] == watching - 1)
    one.hold(False)
    wait_for(lambda: appliance.status()["web"]["viewers"] == watching)
    one.wait_live()


def test_full_screen_fills_the_screen_and_can_be_left(visit):
    one = visit()
    one.wait_live()
    one.page.get_by_role("button", name="Full screen", exact=True).click()
    one.page.wait_for_function("() => document.fullscreenElement !== null")
    box = one.page.locator("#stage").bounding_box()
    assert max(box["height"] / DESKTOP["height"], box["width"] / DESKTOP["width"]) > 0.999
    one.page.get_by_role("button", name="Leave full screen").click()
    one.page.wait_for_function("() => document.fullscreenElement === null")


def test_the_snapshot_is_downloaded_as_a_jpeg(visit, tmp_path):
    one = visit()
    one.wait_live()
    with one.page.expect_download() as download:
        one.page.get_by_role("link", name="Snapshot").click()
    assert download.value.suggested_filename.startswith("stylecam-")
    download.value.save_as(tmp_path / "snapshot.jpg")
    assert read_image(tmp_path / "snapshot.jpg").shape[2] == 3


def test_what_goes_wrong_is_told_on_the_page(visit):
    one = visit()
    one.wait_live()
    one.page.evaluate("document.querySelector('[aria-pressed=false]').dataset.name = 'x'")
    one.page.route("**/api/style", lambda route: route.continue_(post_data='{"name": "sunset"}'))
    one.page.get_by_role("listitem").get_by_role("button", pressed=False).first.click()
    one.page.get_by_role("alert").filter(has_text="no style is named 'sunset'").wait_for()


def test_without_scripts_the_stream_is_a_plain_picture(browser, appliance):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(appliance.address, wait_until="commit")
    picture = page.locator("noscript img, img.plain")
    picture.wait_for()
    wait_for(lambda: appliance.status()["web"]["viewers"] >= 1)
    context.close()


def test_a_connection_that_dies_silently_is_replaced(visit, appliance):
    wire = Wire(appliance.address)
    one = visit(address=wire.address)
    one.wait_live()
    wire.cut()
    one.page.get_by_role("status").filter(has_text="no connection: reconnecting").wait_for()
    one.wait_live(30)
    one.context.close()
    wire.close()


def test_the_page_comes_back_by_itself_when_the_daemon_does(visit, appliance):
    one = visit()
    one.wait_live()
    assert appliance.stop() < 3
    one.page.get_by_role("status").filter(has_text="no connection: reconnecting").wait_for()
    appliance.start()
    one.wait_live()
