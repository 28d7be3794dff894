"""The process that draws: it reads one raster from its standard input, and writes one picture to its output.

A raster is data from outside, read by large libraries: this process has no secret, little memory and time, and
before it reads the first byte it gives up opening files and connections. `process` starts it.
"""

import json
import os
import resource
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import IO, Any

MEMORY = 512 * 1024 * 1024  # bytes, unless the caller says otherwise
CPU = 20  # seconds, likewise
LARGEST_REPLY = 6 * 1024 * 1024  # bytes
PICTURE, RANGES = "picture", "ranges"
"""What can be asked for."""
LOWER = 15  # how much lower than the loop's its priority is


def main(task: str, memory: int, cpu: int) -> None:
    """Draw the file that is standard input, or say which ranges of it are needed, if it is only the head."""
    _bound(memory, cpu)
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints would damage the reply
    with source, target:
        target.write(_reply(source, task))


def _bound(memory: int = MEMORY, cpu: int = CPU) -> None:
    os.nice(LOWER)
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_FSIZE, LARGEST_REPLY),
    ):
        resource.setrlimit(limit, (value, value))
    with suppress(OSError):  # when the machine has no memory left, this ends before the daemon
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _reply(source: IO[bytes], task: str) -> bytes:
    """A line of JSON, and the PNG if there is one."""
    from controller.operations.picture.drawing import picture_of
    from controller.operations.picture.raster import NoPicture, ranges_to_read

    _load()
    _close_the_doors()
    try:
        if task == RANGES:
            return _line({"ranges": ranges_to_read(source)})
        drawing = picture_of(source)
    except NoPicture as error:
        return _line({"note": str(error)})
    except MemoryError:
        return _line({"note": "it needs more memory than drawing may take"})
    header = {"width": drawing.width, "height": drawing.height, "legend": drawing.legend.document()}
    return _line(header) + drawing.png


def _load() -> None:
    """Load everything that drawing needs, by drawing something of each kind."""
    import numpy as np
    import tifffile
    from PIL import Image

    from controller.operations.picture.drawing import picture_of

    classes, values = np.zeros((4, 4, 1), np.uint8), np.full((4, 4, 1), np.nan, np.float32)
    values[0] = 0.5
    for raster in (classes, classes.repeat(4, axis=2) + 99, values, values.repeat(2, axis=2), values.repeat(3, axis=2)):
        file, planes = BytesIO(), "contig" if raster.shape[2] > 1 else None
        options: Any = {"planarconfig": planes, "predictor": raster.dtype == np.uint8, "photometric": "minisblack"}
        tifffile.imwrite(file, raster, compression="zlib", **options)
        picture_of(BytesIO(file.getvalue()))
    for kind, mode in (("png", "P"), ("png", "RGBA"), ("png", "I;16"), ("jpeg", "RGB"), ("tiff", "F")):
        file = BytesIO()
        Image.new(mode, (4, 4)).save(file, kind, compression="tiff_lzw")
        picture_of(BytesIO(file.getvalue()))


def _close_the_doors() -> None:
    """From here on this process cannot open a file or a socket: every descriptor that is allowed is in use."""
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, lowest))


def _line(header: object) -> bytes:
    return json.dumps(header).encode() + b"\n"
