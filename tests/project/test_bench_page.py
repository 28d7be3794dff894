"""The bench of the page: it looks at every page there is, and at what a reader gets."""

import pytest

from bench.page import QUERIES, pages
from controller.page.site import PAGES

pytestmark = pytest.mark.slow


def test_every_page_is_measured_by_time_and_size() -> None:
    found = [*pages(120, 3)]
    sizes = {row.what.removesuffix(", size"): row.figure for row in found if row.what.endswith(", size")}
    assert len(found) == 2 * len(sizes) == 2 * (len(PAGES) + sum(map(len, QUERIES.values())) + 1)
    assert all(row.holds for row in found if row.what.endswith(", size"))
    assert sizes["/jobs"] > sizes["/sets"], "there are jobs, and no sets"
