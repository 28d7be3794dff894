"""A daemon and a set: taken in while it runs, with scripts that are examined beside it, and edited under its eyes."""

import pytest

from tests.conftest import Workspace
from tests.daemon.test_daemon import running, until
from tests.support.sets import COUNTRY, FARM, box, write

pytestmark = pytest.mark.slow

SMALL = COUNTRY.replace("slovenia", "small").replace("to: 2024-12", "to: 2024-01")
SMALL = SMALL.replace("pixel: 10, cell: 5000", "pixel: 1000, cell: 50").replace("5d", "1s")
WEST, BOTH = box(14.0, 46.1, 14.2, 46.2), box(14.0, 46.1, 14.5, 46.2)


def test_a_set_that_comes_later_is_paid_for_once_and_its_area_is_watched_as_a_script_is(workspace: Workspace) -> None:
    with running(workspace) as daemon:
        write(workspace.jobs, {"farm.yaml": FARM})
        until(lambda: workspace.posts() == 6, "each cell of the farm is asked for")
        write(workspace.jobs, {"small.geojson": WEST, "small.yaml": SMALL})
        until(lambda: workspace.posts() == 8, "each cell of the area is asked for")
        write(workspace.jobs, {"small.geojson": BOTH})
        until(lambda: workspace.posts() == 10, "the second tile is asked for")
        assert daemon.stop() == 0
    names = {path.name for path in (workspace.bucket / "small" / "ndvi").iterdir()}
    assert names == {"small-33n-e400-n5100-2024-01-ndvi", "small-33n-e450-n5100-2024-01-ndvi"}
    with running(workspace) as daemon:
        write(workspace.jobs, {"farm.yaml": FARM.replace("to: 2024-03", "to: 2024-04")})
        until(lambda: workspace.posts() == 12, "one more month is asked for")
        assert daemon.stop() == 0
    assert workspace.posts() == 12
