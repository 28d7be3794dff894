"""A small picture of what a request would deliver, made locally from synthetic scenes; called by `shjobs preview`."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from controller.evalscript.engine import Engine
from controller.model.script import SampleType, ScriptOutput
from controller.sandbox.extent import output_size
from controller.sandbox.failure import RenderFailed
from controller.sandbox.render.agreement import USERDATA
from controller.sandbox.render.pictures import write_png
from controller.sandbox.render.raster import Cells
from controller.sandbox.render.render import Evaluated, RenderOptions, evaluated

MOST_SAMPLES = 10_000_000  # pixels times samples: some seconds
SECONDS = 120.0  # for each call into the script
_EIGHT_BITS = (SampleType.AUTO, SampleType.UINT8)
_SHARE = 2  # percent of the values clipped at either end by a stretch

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What was drawn: its size in pixels, and sentences on what it shows and what it does not."""

    width: int
    height: int
    notes: tuple[str, ...]


def draw(body: Mapping[str, Any], path: Path, *, side: int, seed: int) -> Preview:
    """Draw the default image output of a request into a PNG file of at most `side` pixels per side.

    Raises RenderFailed when the request or its script is invalid, or has no image at all.
    """
    name = _image(body)
    width, height = output_size(body)
    shrink = max(1.0, max(width, height) / side)
    size = {"width": max(1, round(width / shrink)), "height": max(1, round(height / shrink))}
    small = {**body, "output": {**size, "responses": [{"identifier": name, "format": {"type": "image/tiff"}}]}}
    options = RenderOptions(seed=seed, full_resolution=True, seconds=SECONDS, most_samples=MOST_SAMPLES)
    with tempfile.TemporaryDirectory() as scratch, Engine(seconds=SECONDS) as engine:
        done = evaluated(small, Path(scratch), options, engine)
        cells, output = done.cells[name], next(each for each in done.outputs if each.id == name)
        picture, notes = _picture(cells, output)
    write_png(path, picture, np.arange(picture.shape[0]), np.arange(picture.shape[1]))
    scale = _scale(done, (width, height))
    return Preview(width=picture.shape[1], height=picture.shape[0], notes=(scale, *notes))


def _image(body: Mapping[str, Any]) -> str:
    """The identifier of the image to draw: `default` if that is delivered, else the first."""
    responses = body["output"].get("responses") or [{}]
    names = [each.get("identifier", "default") for each in responses]
    images = [name for name in names if name != USERDATA]
    if not images:
        raise RenderFailed("SANDBOX_UNSUPPORTED", "the request delivers no image, only the script's user data")
    return "default" if "default" in images else str(images[0])


def _scale(done: Evaluated, whole: tuple[int, int]) -> str:
    width, height = whole
    across, down = width / done.grid.width, height / done.grid.height
    scenes = sum(each.count for each in done.scenes)
    read = f"{scenes} scene{'s' * (scenes != 1)}" if scenes else "the terrain model"
    if any(each.source.product.since for each in done.scenes) and not scenes:
        read = "no scene at all: nothing was seen there in that time"
    if across <= 1 and down <= 1:
        return f"every pixel of the request, from {read}"
    return f"of the {width} x {height} px of the request one in {across:.3g} x {down:.3g} is shown, from {read}"


def _picture(cells: Cells, output: ScriptOutput) -> tuple[Picture, tuple[str, ...]]:
    """The picture's components, and what was done to the values."""
    bands, is_small = cells.shape[2], output.sample_type in _EIGHT_BITS
    if is_small and bands in (1, 3, 4):
        return np.asarray(cells, dtype=np.uint8), ()
    colours: Cells = cells[:, :, : 3 if bands >= 3 else 1]
    alpha: NDArray[np.bool_] | None = None
    notes = [] if bands in (1, 3) else [_shown(bands)]
    if bands == 4 and np.isin(cells[:, :, 3], (0, _top(cells))).all():
        alpha, notes = cells[:, :, 3] != 0, ["the fourth component is taken for transparency"]
    values = colours.astype(np.float64)
    seen = np.asarray(np.isfinite(values).all(axis=2))
    if output.nodata is not None:
        seen &= (values != output.nodata).any(axis=2)
    if alpha is not None:
        seen &= alpha
    low, high, said = _range(values[seen], output)
    grey = np.clip((values - low) / (high - low) * 255, 0, 255)
    picture = np.where(seen[:, :, np.newaxis], np.rint(grey), 0).astype(np.uint8)
    if not seen.all():
        picture = np.concatenate([picture, seen[:, :, np.newaxis] * np.uint8(255)], axis=2)
        if alpha is None:
            notes.append("pixels without data are transparent")
    return picture, (*notes, said)


def _shown(bands: int) -> str:
    parts = "the first component is shown in grey" if bands < 3 else "the first three components are shown as colours"
    return f"of {bands} components {parts}"


def _top(cells: Cells) -> float:
    """Opaque, for values of this type (reference page "Evalscript V3" §6)."""
    return {"f": 1.0, "u": 2.0 ** (8 * cells.dtype.itemsize) - 1}.get(cells.dtype.kind, 1.0)


def _range(values: NDArray[np.float64], output: ScriptOutput) -> tuple[float, float, str]:
    """The values mapped to black and white, and the sentence that says so."""
    kind = f"values ({output.sample_type})"
    if not values.size:
        return 0.0, 1.0, "there is no value to show"
    low, high = (float(value) for value in np.percentile(values, (_SHARE, 100 - _SHARE)))
    if 0 < low < high / 2:
        low = 0.0  # starts at zero, like reflectance, so that colours are kept
    if low == high:
        low, high = float(values.min()), float(values.max())
    if low == high:
        return low - 1, high + 1, f"the {kind} are all {low:.6g}: shown in middle grey"
    return low, high, f"the {kind} from {low:.4g} to {high:.4g} are stretched from black to white"
