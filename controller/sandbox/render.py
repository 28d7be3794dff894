"""Executes a request as the service would: reads the synthetic archive, runs the evalscript, writes the rasters.

Called by the sandbox's workers with a validated body. Memory stays bounded: pixels are evaluated in blocks, their
results are kept in a file, and rasters are written tile by tile.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from controller.evalscript import Engine, PixelBlock, Planes
from controller.evalscript import Samples as SentSamples
from controller.sandbox.agreement import USERDATA, Responses, agreed_responses, only_source
from controller.sandbox.bands import product, wanted_bands
from controller.sandbox.failure import RenderFailed, accepted
from controller.sandbox.grid import EvaluationGrid, evaluation_grid, output_grid
from controller.sandbox.raster import Cells, write_geotiff
from controller.sandbox.samples import Pixels, Source
from controller.sandbox.scenes import Scenes, plan_scenes
from controller.script import SampleType, ScriptOutput

__all__ = ["RenderFailed", "RenderOptions", "Rendered", "RenderedFile", "render"]

BLOCK_BYTES = 24 << 20  # of samples in one block; the engine holds them a second time
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
    """How to render.

    `seed` chooses the archive. A raster with more than `coarse_side` pixels a side is evaluated on a coarser grid and
    its pixels repeated, unless `full_resolution`. `seconds` bounds each call into the script.
    """

    seed: int = 1
    full_resolution: bool = False
    coarse_side: int = 256
    seconds: float = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedFile:
    """One response, written to `path`; `name` is what the delivery calls it (`default.tif`)."""

    identifier: str
    name: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What came of a request: its files, the samples each pixel had (the price counts them), and the scenes read."""

    files: tuple[RenderedFile, ...]
    samples_per_pixel: float
    scenes: int
    userdata: object


def render(body: Mapping[str, Any], folder: Path, options: RenderOptions) -> Rendered:
    """Render a request into files below `folder`; raises RenderFailed when the request or its script is at fault."""
    output = output_grid(body)
    grid = evaluation_grid(output, options.coarse_side, full_resolution=options.full_resolution)
    with Engine(seconds=options.seconds) as engine, tempfile.TemporaryDirectory(dir=folder) as scratch:
        facts = accepted(engine.load(body["evalscript"]))
        data, asked = only_source(body, facts)
        collection = product(data["type"])
        source = Source(product=collection, bands=wanted_bands(asked, collection), seed=options.seed)
        scenes, outputs = plan_scenes(engine, asked.mosaicking, source, data, output.area())
        responses = agreed_responses(body, outputs)
        cells = {image.id: _empty_cells(Path(scratch), grid, image) for image in responses.images}
        for start, stop in _blocks(grid, scenes):
            planes = accepted(engine.evaluate(_block(grid, scenes, start, stop)))
            _keep(planes, cells, start, stop)
        userdata: object = accepted(engine.finish())
        files = (*_images(folder, grid, responses, cells), *_userdata(folder, responses, userdata))
    return Rendered(files=files, samples_per_pixel=scenes.samples_per_pixel, scenes=scenes.count, userdata=userdata)


def _blocks(grid: EvaluationGrid, scenes: Scenes) -> Iterator[tuple[int, int]]:
    """Runs of pixels in row-major order, each small enough for the memory one block may take."""
    bytes_per_pixel = scenes.samples_per_pixel * len(scenes.source.bands) * 8 + _WORKING_BYTES
    most = max(1, min(MOST_PIXELS, BLOCK_BYTES // bytes_per_pixel))
    for start in range(0, grid.pixels, most):
        yield start, min(start + most, grid.pixels)


def _block(grid: EvaluationGrid, scenes: Scenes, start: int, stop: int) -> PixelBlock:
    lon, lat = grid.centres(start, stop)
    samples = scenes.read(Pixels(lon=lon, lat=lat, wanted=grid.wanted(start, stop)))
    sent = SentSamples(
        bands=tuple(wanted.band for wanted in scenes.source.bands),
        values=samples.reshape(-1).view(np.uint8).data,
        samples=scenes.samples_per_pixel,
        dtype="float64",
    )
    return PixelBlock(pixels=stop - start, sources=(sent,), scenes=scenes.document)


def _empty_cells(scratch: Path, grid: EvaluationGrid, image: ScriptOutput) -> Cells:
    """Room for one output on the evaluation grid, in a file: at full resolution it may be larger than memory."""
    shape = (grid.height, grid.width, image.bands)
    return np.memmap(scratch / f"{image.id}.cells", dtype=_STORED[image.sample_type], mode="w+", shape=shape)


def _keep(planes: Planes, cells: Mapping[str, Cells], start: int, stop: int) -> None:
    for identifier, whole in cells.items():
        stored = np.frombuffer(planes.outputs[identifier], dtype=whole.dtype).reshape(-1, stop - start)
        whole.reshape(-1, whole.shape[2])[start:stop] = stored.T


def _images(
    folder: Path, grid: EvaluationGrid, responses: Responses, cells: Mapping[str, Cells]
) -> Iterator[RenderedFile]:
    for image in responses.images:
        path = folder / f"{image.id}.tif"
        write_geotiff(path, grid, cells[image.id], image.nodata)
        yield RenderedFile(identifier=image.id, name=path.name, path=path)


def _userdata(folder: Path, responses: Responses, userdata: object) -> Iterator[RenderedFile]:
    if responses.userdata:
        path = folder / f"{USERDATA}.json"
        path.write_text(json.dumps(userdata), encoding="utf-8")
        yield RenderedFile(identifier=USERDATA, name=path.name, path=path)
