"""One row of the public-style table, tried: what `check` says of it, and the pixels that the sandbox makes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from controller.evalscript.blocks import PixelBlock, Planes, Samples
from controller.evalscript.engine import Engine
from controller.manifest.document import read_documents
from controller.manifest.validate import Script, ValidManifest, accept
from controller.model.job import Appraisal
from controller.model.script import ScriptFacts, ScriptFailure
from controller.sandbox.http.validation import refuse
from controller.sandbox.render.render import RenderOptions, evaluated
from tests.evalscript.public.row import Feed, Row
from tests.support.oracles import LIMITS
from tests.support.scripts import appraised
from tests.support.seen import SIDE, Seen, extent, is_archived, options

Rasters = Mapping[str, NDArray[Any]]
NOW = datetime(2024, 1, 1, tzinfo=UTC)
KEYS = {"accessKey": "any", "secretAccessKey": "any"}


def seen(row: Row) -> list[Seen]:
    """What each feed of a row holds."""
    return [Seen(feed, row.box) for feed in row.data]


def request(row: Row) -> dict[str, Any]:
    """The body of a row as a manifest has it, without its script."""
    body = extent(row.box)
    body["input"]["data"] = [_dataset(feed) for feed in row.data]
    responses = [{"identifier": id, "format": {"type": row.media}} for id in row.types]
    if row.userdata:
        responses.append({"identifier": "userdata", "format": {"type": "application/json"}})
    body["output"] |= {
        "responses": responses,
        "delivery": {"s3": {"url": "s3://my-bucket/rasters", "credentialsRef": "my-bucket"}},
    }
    return body


@cache
def appraisal(row_name: str, text: str, body: str) -> Appraisal:
    """What `check` says of a script in a request; once, however many tests ask."""
    manifest = {
        "apiVersion": "shjobs/v1",
        "kind": "AsyncProcess",
        "metadata": {"name": "public"},
        "spec": {"request": yaml.safe_load(body), "evalscriptFile": "script.js"},
    }
    (document,) = read_documents(yaml.safe_dump(manifest), "job.yaml")
    job = accept(document, "job.yaml", Script(path="script.js", text=text))
    if isinstance(job, ValidManifest):
        return appraised(job)
    return Appraisal(wanted=None, problems=job.problems)


def checked(row: Row) -> Appraisal:
    return appraisal(row.name, row.script, yaml.safe_dump(request(row)))


def false_positives(rows: Iterable[Row]) -> Counter[str]:
    """How often each warning code fires, beyond the faults that rows have on purpose."""
    found: Counter[str] = Counter()
    for row in rows:
        found.update(each.code for each in checked(row).warnings if each.code not in row.warned)
    return found


def pixels(row: Row, engine: Engine) -> tuple[Rasters, object]:
    """The bands of each output, one value per pixel, and the user data."""
    if all(is_archived(feed.type) for feed in row.data):
        return _in_the_sandbox(row, engine)
    return _in_the_engine(row, engine)


def _in_the_sandbox(row: Row, engine: Engine) -> tuple[Rasters, object]:
    body = {**request(row), "evalscript": row.script}
    body["output"]["delivery"]["s3"] = {"url": "s3://my-bucket/rasters", **KEYS}
    refusal = refuse(body)
    assert refusal is None, refusal.content.decode()
    with TemporaryDirectory() as folder:
        done = evaluated(body, Path(folder), RenderOptions(now=NOW), engine)
        return {id: np.array(cells).reshape(-1, cells.shape[2]).T for id, cells in done.cells.items()}, done.userdata


def _in_the_engine(row: Row, engine: Engine) -> tuple[Rasters, object]:
    """For the collections that the sandbox has no scenes of."""
    (feed,), (source,) = row.data, seen(row)
    facts = _worked(engine.load(row.script))
    scenes = {"orbits": [_orbit(source, number) for number in range(source.count)]} if feed.mode == "ORBIT" else {}
    ends = {"from": f"{feed.times[:10]}T00:00:00Z", "to": f"{feed.times[-10:]}T23:59:59Z"}
    plan = _worked(engine.scenes({"": {**ends, "scenes": scenes}}))
    assert feed.mode == "SIMPLE" or len(plan.kept[""]) == source.count, "such rows do not choose scenes"
    bands = facts.inputs[0].bands
    values = np.stack([np.atleast_2d(source.read(band)) for band in bands], axis=1)
    sent = Samples(bands=bands, values=np.ascontiguousarray(values).reshape(-1).view(np.uint8).data,
                   samples=values.shape[0], dtype="float64")  # fmt: skip
    planes = _worked(engine.evaluate(PixelBlock(pixels=SIDE * SIDE, sources=(sent,), scenes=scenes)))
    assert isinstance(planes, Planes)
    types = {id: np.float32 if kind == "FLOAT32" else LIMITS[kind][2] for id, kind in row.types.items()}
    rasters = {id: np.frombuffer(planes.outputs[id], type).reshape(-1, SIDE * SIDE) for id, type in types.items()}
    return rasters, _worked(engine.finish())


def _worked(answer: Any) -> Any:
    assert not isinstance(answer, ScriptFailure), answer
    return answer


def _orbit(source: Seen, number: int) -> dict[str, Any]:
    day = source.dates[number]
    return {"dateFrom": f"{day}T00:00:00Z", "dateTo": f"{day}T23:59:59Z", "tiles": [], "__idx": number}


def _dataset(feed: Feed) -> dict[str, Any]:
    first, last = feed.times.split("/")
    filters = options(feed.filters)
    if feed.type.lower() != "dem":
        filters["timeRange"] = {"from": f"{first}T00:00:00Z", "to": f"{last}T23:59:59Z"}
    named = {"id": feed.id} if feed.id else {}
    given = {
        name: value for name, value in (("dataFilter", filters), ("processing", options(feed.processing))) if value
    }
    return {"type": feed.type, **named, **given}


__all__ = ["ScriptFacts", "checked", "false_positives", "pixels", "request", "seen"]
