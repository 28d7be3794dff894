"""The four documented jobs from manifest to raster: `shjobs demo` as it is shipped, its rasters read independently.

`small` asks for a cut of each area, a fortieth of each side.
"""

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rasterio
import yaml

from controller.sandbox.ledger import SandboxLedger, posts
from tests.proofs.record import ROOT
from tests.support.command import program


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a documented job declares of its raster: width and height in pixels, CRS, bands and sample type."""

    size: tuple[int, int]
    epsg: int
    bands: int
    dtype: str


JOBS = {
    "ndvi": Declared(size=(3600, 3400), epsg=32633, bands=3, dtype="uint8"),
    "cloudless": Declared(size=(5000, 5000), epsg=4326, bands=3, dtype="uint16"),
    "true-color": Declared(size=(10000, 10000), epsg=4326, bands=3, dtype="uint8"),
    "median": Declared(size=(5000, 5000), epsg=4326, bands=4, dtype="uint16"),
}


def prove(_seed: int, *, small: bool = False) -> dict[str, object]:
    """Deliver each job as declared, and pay for nothing again, even when the database is lost."""
    with tempfile.TemporaryDirectory(prefix="shjobs-proof-") as name:
        root, divisor = Path(name), 40 if small else 1
        if small:
            cut(root / "demo" / "jobs.d", divisor)
        posted = [_run(root)]
        pixels = sum(_delivered(root / "demo", job, declared, divisor) for job, declared in JOBS.items())
        posted.append(_run(root))
        (root / "demo" / "state" / "shjobs.db").unlink()
        posted.append(_run(root))
        paid = len(posts(SandboxLedger.read(root / "demo" / "sandbox" / "ledger.jsonl")))
    assert posted == [4, 0, 0], f"POSTs of the first run, the second, and one without a database: {posted}"
    assert paid == len(JOBS)
    return {"jobs": len(JOBS), "megapixels": round(pixels / 1e6, 1), "posts": paid, "posts_of_later_runs": 0}


def _run(root: Path) -> int:
    """One `shjobs demo`; how many POSTs it says it made."""
    done = program("demo", "--directory", "demo", "--time-scale", "0.05", cwd=root, longest=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return int(done.stdout.partition("POSTs in this run: ")[2].partition(".")[0])


def _delivered(demo: Path, job: str, declared: Declared, divisor: int) -> int:
    """Check the raster against its declaration; its pixels."""
    document = _status(demo, job)
    assert (document["phase"], document["processingUnits"].keys()) == ("Succeeded", {"estimated", "spent"})
    [output] = document["outputs"]
    with rasterio.open(demo / "sandbox" / output["href"].removeprefix("s3://")) as raster:
        found = Declared(
            size=(raster.width * divisor, raster.height * divisor),
            epsg=raster.crs.to_epsg(),
            bands=raster.count,
            dtype=raster.dtypes[0],
        )
        assert found == declared, f"{job}: {found}"
        assert raster.read(out_shape=(raster.count, 256, 256)).any(), f"{job} is empty"
        return int(raster.width * raster.height)


def _status(demo: Path, job: str) -> Mapping[str, Any]:
    document = yaml.safe_load((demo / "jobs.d" / f"{job}.status.yaml").read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def cut(jobs: Path, divisor: int) -> None:
    """The shipped manifests for a cut of their areas; the demo leaves what is there already."""
    shutil.copytree(ROOT / "jobs.d", jobs, ignore=shutil.ignore_patterns("*.status.yaml"))
    for path in jobs.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"(width|height): (\d+)", lambda side: f"{side[1]}: {int(side[2]) // divisor}", text)
        text = re.sub(r"bbox: \[(.+)\]", lambda bbox: f"bbox: {_middle(bbox[1], divisor)}", text)
        path.write_text(text, encoding="utf-8")


def _middle(bbox: str, divisor: int) -> list[float]:
    west, south, east, north = map(float, bbox.split(","))
    west, south, width, height = (west + east) / 2, (south + north) / 2, east - west, north - south
    return [west, south, west + width / divisor, south + height / divisor]
