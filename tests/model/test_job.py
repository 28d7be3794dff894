"""A job by its name: why what it wants has changed."""

import pytest

from controller.model.job import Wanted, cause_of
from tests.support.factories import DIGEST, OTHER_DIGEST, wanted


def scripted(path: str, hash: str, digest: str = DIGEST) -> Wanted:
    return wanted(digest=digest, script=path, script_hash=hash)


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        pytest.param(None, wanted(), "new", id="a new job"),
        pytest.param(wanted(), wanted(digest=OTHER_DIGEST), "manifest changed", id="its manifest"),
        pytest.param(
            scripted("ndvi.js", "1"),
            scripted("ndvi.js", "2", OTHER_DIGEST),
            "ndvi.js changed",
            id="the text of its script",
        ),
        pytest.param(
            scripted("ndvi.js", "1"), scripted("ndwi.js", "1", OTHER_DIGEST), "ndwi.js changed", id="another script"
        ),
        pytest.param(
            scripted("ndvi.js", "1"),
            scripted("ndvi.js", "1", OTHER_DIGEST),
            "manifest changed",
            id="the manifest beside an unchanged script",
        ),
        pytest.param(wanted(cause="new"), wanted(rerun=1), "rerun raised", id="a person pays again"),
        pytest.param(wanted(cause="ndvi.js changed"), wanted(), "ndvi.js changed", id="it stays what it was"),
    ],
)
def test_where_a_wish_came_from(before: Wanted | None, after: Wanted, cause: str) -> None:
    assert cause_of(before, after) == cause
