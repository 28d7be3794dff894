"""Executes a request as the service would: reads the synthetic archive, runs the evalscript, writes the rasters.

Called by the sandbox's workers, and by the preview, with a validated body. Memory is bounded: pixels are evaluated in
blocks, their results are kept in files, and rasters are written tile by tile.
"""

import json
import math
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from controller.evalscript.blocks import PixelBlock, Planes
from controller.evalscript.blocks import Samples as SentSamples
from controller.evalscript.engine import Engine
from controller.model.script import SampleType, ScriptFacts, ScriptOutput
from controller.sandbox.extent import metres_per_pixel
from controller.sandbox.failure import RenderFailed, script_failed, value_or_raise
from controller.sandbox.planet.samples import Pixels
from controller.sandbox.render.agreement import USERDATA, Responses, agreed, agreed_responses
from controller.sandbox.render.grid import EvaluationGrid, OutputGrid, evaluation_grid, output_grid
from controller.sandbox.render.pictures import write_jpeg, write_png
from controller.sandbox.render.raster import Cells, sources, write_geotiff
from controller.sandbox.render.scenes import Scenes, View, document_of, plan_scenes

__all__ = ["Evaluated", "RenderFailed", "RenderOptions", "Rendered", "RenderedFile", "evaluated", "render"]

BLOCK_BYTES = 64 << 20  # of samples in one block; the engine holds a second copy, and small ones cost more per pixel
MOST_PIXELS = 1 << 16  # in one block
_WORKING_BYTES = 300  # a pixel, while its samples are computed
_STORED: Mapping[SampleType, DTypeLike] = {
    SampleType.AUTO: np.uint8,
    SampleType.UINT8: np.uint8,
    SampleType.INT8: np.int8,
    SampleType.UINT16: np.uint16,
    SampleType.INT16: np.int16,
    SampleType.FLOAT32: np.float32,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderOptions:
    """How to render. With `filter_scenes` filterScenes is called, which V3's documentation does not list.

    `seed` chooses the archive, which ends at `now` (None: this moment); `host` is the emulated deployment. A raster
    with more than `coarse_side` pixels per side is evaluated on a coarser grid and its pixels repeated, unless
    `full_resolution`. `seconds` and `memory` (bytes) limit the script. The output is shrunk when its pixels times
    their samples exceed `most_samples`; None: never.
    """

    seed: int = 1
    full_resolution: bool = False
    coarse_side: int = 256
    seconds: float = 1800.0
    memory: int = 1 << 30
    now: datetime | None = None
    host: str | None = None
    older_ramps: bool = False
    filter_scenes: bool = False
    most_samples: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedFile:
    """One response, written to `path`; `name` is its name in the delivery (`default.tif`)."""

    identifier: str
    name: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The result of a request: its files, the samples that a pixel has, with data or without, and the scenes read.

    `samples` has what the price counts of each input: those with data; `facts` is what the script declares.
    """

    files: tuple[RenderedFile, ...]
    samples_per_pixel: float
    scenes: int
    userdata: object
    samples: tuple[float, ...] = ()
    facts: ScriptFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """A fully evaluated request: `cells` has the values of each output on the evaluation grid."""

    grid: EvaluationGrid
    facts: ScriptFacts
    outputs: tuple[ScriptOutput, ...]
    scenes: tuple[Scenes, ...]
    cells: Mapping[str, Cells]
    userdata: object


def render(body: Mapping[str, Any], folder: Path, options: RenderOptions, engine: Engine | None = None) -> Rendered:
    """Render a request into files below `folder`; raises RenderFailed when the request or its script is invalid.

    A given `engine` is already running, and is left running.
    """
    with _engine(engine, options) as hired, tempfile.TemporaryDirectory(dir=folder) as scratch:
        done = evaluated(body, Path(scratch), options, hired)
        responses = agreed_responses(body, done.outputs)
        files = (*_images(folder, done, responses), *_userdata(folder, responses, done.userdata))
    return Rendered(
        files=files,
        samples_per_pixel=float(max(each.samples_per_pixel for each in done.scenes)),
        scenes=sum(each.count for each in done.scenes),
        userdata=done.userdata,
        samples=tuple(each.charged for each in done.scenes),
        facts=done.facts,
    )


def evaluated(body: Mapping[str, Any], scratch: Path, options: RenderOptions, engine: Engine) -> Evaluated:
    """Run the script of a request over every pixel; the values are kept in files below `scratch`."""
    _keep_freed_memory()
    output = output_grid(body)
    facts = value_or_raise(engine.load(body["evalscript"]))
    pairs = agreed(body, facts, options.host)
    now = options.now or datetime.now(UTC)
    view = View(area=output.area(), seed=options.seed, metres_per_pixel=metres_per_pixel(body), now=now)
    scenes, outputs = plan_scenes(engine, pairs, view, is_filtered=options.filter_scenes)
    images = [image.output for image in agreed_responses(body, outputs).images]
    grid = _grid(output, scenes, options)
    cells = {image.id: _empty_cells(scratch, grid, image) for image in images}
    document = document_of(scenes)
    ends = time.monotonic() + options.seconds
    for start, stop in _blocks(grid, scenes):
        if time.monotonic() > ends:
            raise script_failed(f"The script ran longer than {options.seconds:g} s")
        planes = value_or_raise(engine.evaluate(_block(grid, scenes, document, start, stop, cells)))
        _keep(planes, cells, start, stop)
    userdata: object = value_or_raise(engine.finish())
    return Evaluated(grid=grid, facts=facts, outputs=outputs, scenes=scenes, cells=cells, userdata=userdata)


@cache
def _keep_freed_memory() -> None:
    """glibc returns freed memory at once until it has seen a block of this size freed; allocating it again for every
    array takes longer than the arithmetic.
    """
    bytearray(31 << 20)


def engine_for(options: RenderOptions) -> Engine:
    """A new engine with the limits of these options."""
    return Engine(seconds=options.seconds, memory=options.memory, older_ramps=options.older_ramps)


@contextmanager
def _engine(given: Engine | None, options: RenderOptions) -> Iterator[Engine]:
    if given is not None:
        yield given
        return
    with engine_for(options) as own:
        yield own


def _grid(output: OutputGrid, scenes: Sequence[Scenes], options: RenderOptions) -> EvaluationGrid:
    if options.most_samples is not None:
        samples = output.width * output.height * max(1, sum(each.samples_per_pixel for each in scenes))
        share = min(1.0, math.sqrt(options.most_samples / samples))
        width, height = (max(1, round(side * share)) for side in (output.width, output.height))
        output = replace(output, width=width, height=height)
    return evaluation_grid(output, None if options.full_resolution else options.coarse_side)


def _blocks(grid: EvaluationGrid, scenes: Sequence[Scenes]) -> Iterator[tuple[int, int]]:
    """Ranges of pixels in row-major order, each small enough for the memory of one block; whole rows if they fit."""
    values = sum(each.samples_per_pixel * len(each.source.bands) for each in scenes)
    most = max(1, min(MOST_PIXELS, BLOCK_BYTES // (values * 8 + _WORKING_BYTES)))
    most = most // grid.width * grid.width or most
    for start in range(0, grid.pixels, most):
        yield start, min(start + most, grid.pixels)


def _block(
    grid: EvaluationGrid,
    scenes: Sequence[Scenes],
    document: Mapping[str, Any],
    start: int,
    stop: int,
    delivered: Collection[str],
) -> PixelBlock:
    lon, lat = grid.centres(start, stop)
    pixels = Pixels(lon=lon, lat=lat, wanted=grid.wanted(start, stop))
    sent = tuple(_sent(each, pixels) for each in scenes)
    return PixelBlock(pixels=stop - start, sources=sent, scenes=document, delivered=delivered)


def _sent(scenes: Scenes, pixels: Pixels) -> SentSamples:
    return SentSamples(
        name=scenes.name,
        also=scenes.also,
        bands=tuple(wanted.band for wanted in scenes.source.bands),
        values=scenes.read(pixels).reshape(-1).view(np.uint8).data,
        samples=scenes.samples_per_pixel,
        dtype="float64",
    )


def _empty_cells(scratch: Path, grid: EvaluationGrid, image: ScriptOutput) -> Cells:
    """An array for one output on the evaluation grid, in a file: at full resolution it may be larger than memory."""
    shape = (grid.height, grid.width, image.bands)
    if math.prod(shape) * np.dtype(_STORED[image.sample_type]).itemsize > shutil.disk_usage(scratch).free:
        raise script_failed(f"output {image.id!r} is larger than the free space on the disk of the sandbox")
    room = np.memmap(scratch / f"{image.id}.cells", dtype=_STORED[image.sample_type], mode="w+", shape=shape)
    return np.asarray(room)


def _keep(planes: Planes, cells: Mapping[str, Cells], start: int, stop: int) -> None:
    for identifier, whole in cells.items():
        stored = np.frombuffer(planes.outputs[identifier], dtype=whole.dtype).reshape(-1, stop - start)
        whole.reshape(-1, whole.shape[2])[start:stop] = stored.T


def _images(folder: Path, done: Evaluated, responses: Responses) -> Iterator[RenderedFile]:
    output = done.grid.output
    rows = sources(0, output.height, output.height, done.grid.step_y)
    columns = sources(0, output.width, output.width, done.grid.step_x)
    for image in responses.images:
        name, cells = image.output.id, done.cells[image.output.id]
        match image.media_type:
            case "image/png":
                path = folder / f"{name}.png"
                write_png(path, cells, rows, columns)
            case "image/jpeg":
                path = folder / f"{name}.jpg"
                write_jpeg(path, cells, rows, columns, image.quality)
            case _:
                path = folder / f"{name}.tif"
                write_geotiff(path, done.grid, cells, image.output.nodata)
        yield RenderedFile(identifier=name, name=path.name, path=path)


def _userdata(folder: Path, responses: Responses, userdata: object) -> Iterator[RenderedFile]:
    if responses.userdata:
        path = folder / f"{USERDATA}.json"
        path.write_text(json.dumps(userdata), encoding="utf-8")
        yield RenderedFile(identifier=USERDATA, name=path.name, path=path)
