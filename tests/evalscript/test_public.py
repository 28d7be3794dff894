"""150 evalscripts in the manner of published ones: `check` finds nothing wrong, and the sandbox paints what it should.

`python -m tests.evalscript.public` prints how often each warning code fires over them.
"""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from controller.evalscript.engine import Engine
from tests.evalscript.public import ROWS
from tests.evalscript.public.row import Row
from tests.support.oracles import stored
from tests.support.scripts import reported
from tests.support.trials import checked, false_positives, pixels, seen

pytestmark = pytest.mark.slow


def test_there_are_at_least_150_and_no_two_are_the_same() -> None:
    assert len(ROWS) >= 150
    assert not [name for name, count in Counter(row.name for row in ROWS).items() if count > 1]
    bare = Counter(f"{row.script} {row.data}" for row in ROWS)
    assert max(bare.values()) == 1


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_check_and_sandbox_take_a_public_script_and_its_pixels_are_right(row: Row, engine: Engine) -> None:
    found = checked(row)
    assert reported(found.problems) == []
    rasters, userdata = pixels(row, engine)
    sources = seen(row)
    assert set(rasters) == set(row.types)
    for id, planes in _by_id(row, row.expect(*sources)).items():
        _assert_equal(rasters[id], planes, row.types[id])
    assert row.is_flat or any(np.ptp(np.nan_to_num(raster), axis=1).any() for raster in rasters.values())
    if row.userdata:
        assert userdata == row.userdata(*sources)
    assert {each.code for each in found.warnings} == set(row.warned), reported(found.warnings)


def test_no_warning_fires_where_nothing_is_wrong() -> None:
    assert false_positives(ROWS) == {}


def _by_id(row: Row, expected: Any) -> dict[str, Any]:
    return expected if isinstance(expected, dict) else {next(iter(row.types)): expected}


def _assert_equal(raster: Any, planes: Any, kind: str) -> None:
    planes = [planes] if isinstance(planes, np.ndarray) and planes.ndim == 1 else list(planes)
    assert len(raster) == len(planes)
    for number, plane in enumerate(planes):
        wanted = stored(np.broadcast_to(plane, raster[number].shape), kind)
        np.testing.assert_equal(raster.dtype, wanted.dtype)
        if kind == "FLOAT32":
            np.testing.assert_allclose(raster[number], wanted, rtol=1e-6, atol=1e-7, err_msg=f"band {number}")
        else:
            np.testing.assert_array_equal(raster[number], wanted, err_msg=f"band {number}")
