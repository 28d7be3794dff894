"""Draw the pictures of the README from a demo and a set of 480 cells: `make pictures` writes docs/pictures/*.png.

A browser takes them; each is kept small by a palette of its own.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from controller.cli.settings import load_settings
from controller.page.site import Site
from tests.support.browser import started
from tests.support.page_server import serving, site_of
from tests.support.page_states import made
from tests.support.paths import ROOT

TARGET = ROOT / "docs" / "pictures"
WIDTH, COLOURS, LARGEST = 1100, 128, 400 * 1024
SIDE, GAP = 220, 6  # pixels of a raster on the contact sheet, and between two


def main() -> None:
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="shjobs-pictures-") as name, started() as browser:
        root = Path(name)
        demo = root / "demo"
        subprocess.run([sys.executable, "-m", "controller", "demo", "--directory", str(demo)], check=True)
        cells = site_of(made("cells", root))
        contact_sheet(sorted((demo / "state" / "pictures").glob("*.png")))
        with serving(Site(load_settings(demo / "shjobs.toml", {}))) as url:
            taken(browser, f"{url}/jobs/ndvi-malta", "job", 820)
        with serving(cells) as url:
            taken(browser, f"{url}/", "overview", 860)
            [link] = first_set(browser, url)
            taken(browser, url + link, "set", 900)
    size = sum(path.stat().st_size for path in TARGET.glob("*.png"))
    print(f"{TARGET.relative_to(ROOT)}: {size / 1024:.0f} KiB")
    assert size <= LARGEST, "the README's pictures are small"


def contact_sheet(rasters: list[Path]) -> None:
    """The pictures of the four rasters side by side."""
    sheet = Image.new("RGB", (len(rasters) * (SIDE + GAP) - GAP, SIDE), "white")
    for number, path in enumerate(rasters):
        with Image.open(path) as picture:
            shown = picture.convert("RGBA")
            shown.thumbnail((SIDE, SIDE))
            left = number * (SIDE + GAP) + (SIDE - shown.width) // 2
            sheet.paste(shown, (left, (SIDE - shown.height) // 2), shown)
    kept(sheet, "rasters")


def taken(browser: Browser, address: str, name: str, height: int) -> None:
    """The top of a page."""
    with opened(browser, address, height) as page:
        path = TARGET / f"{name}.png"
        page.screenshot(path=path)
        with Image.open(path) as picture:
            kept(picture.convert("RGB"), name)


def first_set(browser: Browser, url: str) -> list[str]:
    """The address of the first set."""
    with opened(browser, f"{url}/sets", 600) as page:
        return [str(page.locator("main a[href^='/sets/']").first.get_attribute("href"))]


@contextmanager
def opened(browser: Browser, address: str, height: int) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": WIDTH, "height": height}, color_scheme="light")
    try:
        page.goto(address, wait_until="networkidle")
        yield page
    finally:
        page.close()


def kept(picture: Image.Image, name: str) -> None:
    """Write it with few colours."""
    picture.quantize(COLOURS).save(TARGET / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
