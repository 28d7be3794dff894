"""A raster is hostile data: the process that draws it has little memory and time, no secret, and opens nothing."""

import io
import signal
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import pytest
import rasterio

from controller.operations.picture.drawing import Drawing, picture_of
from controller.operations.picture.process import PictureProcess
from tests.operations.picture.test_drawing import CONTIG, HALF, SMALL, TILES, bands, compressed, pillow, tiff
from tests.support.patience import LONGEST
from tests.support.sandbox import until

pytestmark = pytest.mark.slow
HANGS = "import time; time.sleep(1000)"


def drawn(content: bytes, process: PictureProcess | None = None) -> Drawing | str:
    with TemporaryFile() as source, TemporaryFile() as reply:
        source.write(content)
        source.flush()
        return (process or PictureProcess()).draw(source, reply)


def strip(columns: int, rows: int, pixels: bytes, *, samples: int = 1) -> bytes:
    """A TIFF of bytes whose only strip is `pixels`, whatever size it claims."""
    tags = [(256, 4, columns), (257, 4, rows), (258, 3, 8), (259, 3, 8), (262, 3, 1), (273, 4, 8 + 2 + 12 * 9 + 4)]
    tags += [(277, 3, samples), (278, 4, rows), (279, 4, len(pixels))]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + pixels


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(tiff((HALF * 9).astype("u1")), id="classes"),
        pytest.param(tiff((HALF * 9).astype("u1"), predictor=True), id="with a predictor"),
        pytest.param(tiff(np.where(HALF, SMALL, np.nan).astype("f4")), id="NaN"),
        pytest.param(tiff(bands(SMALL, HALF).astype("f4"), **CONTIG), id="a band and a mask"),
        pytest.param(tiff(bands(SMALL, SMALL, SMALL, HALF).astype("u2"), **CONTIG), id="three bands and a mask"),
        pytest.param(tiff(np.stack([SMALL] * 5).astype("f8"), planarconfig="separate"), id="bands apart"),
        pytest.param(tiff(np.ones((600, 600, 3), "i2"), **TILES), id="tiles"),
        pytest.param(tiff(SMALL.astype("i4"), bigtiff=True, byteorder=">"), id="a BigTIFF"),
        pytest.param(tiff(SMALL.astype("f4"), extratags=[(42113, "s", 0, "-1", True)]), id="nodata"),
        pytest.param(pillow((SMALL * 255).astype("u1"), "png"), id="a PNG in grey"),
        pytest.param(pillow(bands(*[SMALL * 255] * 4).astype("u1"), "png"), id="a PNG with alpha"),
        pytest.param(pillow(bands(*[SMALL * 255] * 3).astype("u1"), "jpeg"), id="a JPEG"),
    ],
)
def test_it_draws_what_is_drawn_without_limits(file: io.BytesIO) -> None:
    assert drawn(file.getvalue()) == picture_of(file)


def png(columns: int, rows: int, *chunks: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IEND", b"")]
    packed = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.parametrize("compression", ["LZW", "ZSTD"])
def test_it_reads_what_the_second_library_must(tmp_path: Path, compression: str) -> None:
    content = compressed(tmp_path, SMALL[None].astype("f4"), compression)
    assert drawn(content) == picture_of(io.BytesIO(content))


@pytest.mark.parametrize(
    ("head", "size", "ranges"),
    [
        pytest.param(strip(900, 900, bytes(9)), 131, [(122, 131)], id="the only strip"),
        pytest.param(strip(900, 900, bytes(9)), 130, None, id="beyond the end of the object"),
        pytest.param(strip(900, 900, bytes(9))[:100], 900, None, id="a head that breaks off"),
        pytest.param(tiff(np.eye(600), compression=None).getvalue()[-99:], 900, None, id="no head"),
        pytest.param(pillow((SMALL * 255).astype("u1"), "png").getvalue(), 900, None, id="a PNG"),
        pytest.param(b"", 900, None, id="nothing"),
    ],
)
def test_which_parts_are_needed_is_said_by_the_head_alone(
    head: bytes, size: int, ranges: list[tuple[int, int]] | None
) -> None:
    with TemporaryFile() as source, TemporaryFile() as reply:
        source.write(head)
        source.flush()
        assert PictureProcess().ranges(source, reply, size) == ranges


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """900 MB of zeros, in less than one."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(900)) + packer.flush()


MEMORY = "it needs more memory than drawing may take"


def test_a_bomb_ends_nothing(bomb: bytes) -> None:
    assert drawn(strip(30_000, 30_000, bomb)) == MEMORY
    assert drawn(strip(10, 10, bomb)) == MEMORY
    assert drawn(png(30_000, 30_000, (b"IDAT", bomb))) == "it has more pixels than are read"
    assert str(drawn(png(10, 10, (b"zTXt", b"a\0\0" + bomb)))).startswith("it is damaged (")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "it is empty", id="nothing"),
        pytest.param(b"PK\3\4" + bytes(100), "no TIFF, PNG or JPEG", id="a ZIP that is called a TIFF"),
        pytest.param(strip(2**32 - 1, 2**32 - 1, zlib.compress(b"")), "it is damaged", id="more pixels than there are"),
        pytest.param(strip(0, 0, zlib.compress(b"")), "it is damaged", id="no pixels"),
        pytest.param(
            strip(1000, 1000, zlib.compress(bytes(9)), samples=65535), MEMORY, id="as many bands as can be claimed"
        ),
        pytest.param(tiff(SMALL.astype("f4")).getvalue()[:-20], "it is damaged", id="broken off"),
    ],
)
def test_what_is_wrong_with_it_is_said(content: bytes, words: str) -> None:
    assert words in str(drawn(content))


def test_a_raster_of_900_million_pixels_that_are_not_there_is_drawn(tmp_path: Path) -> None:
    profile: dict[str, Any] = {"driver": "GTiff", "width": 30_000, "height": 30_000, "count": 1, "dtype": "float32"}
    layout: dict[str, Any] = {"tiled": True, "blockxsize": 256, "blockysize": 256, "SPARSE_OK": "TRUE"}
    at = rasterio.Affine(10, 0, 0, 0, -10, 0)
    with rasterio.open(tmp_path / "a.tif", "w", compress="deflate", transform=at, **profile, **layout) as file:
        file.write(np.ones((1, 256, 256), "f4"), window=rasterio.windows.Window(0, 0, 256, 256))
    found = drawn((tmp_path / "a.tif").read_bytes())
    assert isinstance(found, Drawing) and (found.width, found.legend.columns) == (509, 30_000)


def test_it_ends_when_it_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.operations.picture.process.PROGRAM", HANGS)
    assert drawn(b"", PictureProcess(patience=0.01)) == "drawing it took too long"


def environments() -> Iterator[bytes]:
    """Those of the processes that this one started."""
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            for child in (task / "children").read_text().split():
                with suppress(OSError):
                    yield Path(f"/proc/{child}/environ").read_bytes()


def test_it_inherits_no_secret_and_ends_with_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.operations.picture.process.PROGRAM", HANGS)
    monkeypatch.setenv("SHJOBS_CLIENT_SECRET", "canary-5f2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-5f2")
    process, seen, results = PictureProcess(), list[bytes](), list[Drawing | str]()

    def is_seen() -> bool:
        seen.extend(each for each in environments() if b"OPENBLAS_NUM_THREADS" in each)
        return bool(seen)

    thread = threading.Thread(target=lambda: results.append(drawn(b"", process)))
    thread.start()
    until(is_seen)
    process.close()
    thread.join()
    assert not any(b"canary" in each for each in seen)
    assert results == ["drawing it took too long"]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What is started in the background may ignore interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_it_ends_with_a_command_that_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.operations.picture.process.PROGRAM", HANGS)
    process, main = PictureProcess(), threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        until(lambda: process._process is not None)
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        drawn(b"", process)
    thread.join()
    started = process._process
    assert started is not None
    assert started.wait(LONGEST) == -signal.SIGKILL


OPENS = """
import socket
from controller.operations.picture.child import _bound, _close_the_doors, _load
_bound(), _load(), _close_the_doors()
for attempt in (lambda: open("/etc/hostname"), socket.socket, lambda: open("/dev/null", "w")):
    try:
        attempt()
    except OSError:
        continue
    raise SystemExit("it was opened")
"""


def test_it_can_open_neither_files_nor_sockets() -> None:
    # In a session of its own, as the product starts it: there its low priority does not starve it.
    done = subprocess.run(
        [sys.executable, "-c", OPENS], capture_output=True, text=True, timeout=LONGEST, start_new_session=True
    )
    assert (done.returncode, done.stderr) == (0, "")
