"""The four documented jobs at their documented sizes, read back with an independent reader."""

from pathlib import Path
from typing import Any

import pytest
import rasterio
import yaml

from controller.sandbox.ledger import Ledger, posts
from tests.test_cli import shjobs

pytestmark = pytest.mark.xdist_group("demo")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    done = shjobs("demo", "--directory", "demo", "--time-scale", "0.05", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "POSTs in this run: 4." in done.stdout
    return folder


def status(demo: Path, file: str) -> dict[str, Any]:
    document = yaml.safe_load((demo / "demo" / "jobs.d" / f"{file}.status.yaml").read_text())
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize(
    ("file", "size", "epsg", "bands", "dtype"),
    [
        pytest.param("ndvi", (3600, 3400), 32633, 3, "uint8", id="1: NDVI in the white to green gradient"),
        pytest.param("cloudless", (5000, 5000), 4326, 3, "uint16", id="2: cloudless mosaic"),
        pytest.param("true-color", (10000, 10000), 4326, 3, "uint8", id="3: large true colour"),
        pytest.param("median", (5000, 5000), 4326, 4, "uint16", id="4: median of the last twelve months"),
    ],
)
def test_each_documented_job_is_delivered_as_declared(
    demo: Path, file: str, size: tuple[int, int], epsg: int, bands: int, dtype: str
) -> None:
    document = status(demo, file)
    assert (document["phase"], document["processingUnits"].keys()) == ("Succeeded", {"estimated", "spent"})
    [output] = document["outputs"]
    with rasterio.open(demo / "demo" / "sandbox" / output["href"].removeprefix("s3://")) as raster:
        assert (raster.width, raster.height) == size
        assert (raster.crs.to_epsg(), raster.count, set(raster.dtypes)) == (epsg, bands, {dtype})
        assert raster.read(1, window=((0, 512), (0, 512))).any()


def test_a_second_demo_posts_nothing_even_without_its_database(demo: Path) -> None:
    again = shjobs("demo", "--directory", "demo", "--time-scale", "0.05", cwd=demo)
    assert "POSTs in this run: 0." in again.stdout
    (demo / "demo" / "state" / "shjobs.db").unlink()
    without = shjobs("demo", "--directory", "demo", "--time-scale", "0.05", cwd=demo)
    assert "POSTs in this run: 0." in without.stdout
    assert (again.returncode, without.returncode) == (0, 0)
    assert len(posts(Ledger.read(demo / "demo" / "sandbox" / "ledger.jsonl"))) == 4
