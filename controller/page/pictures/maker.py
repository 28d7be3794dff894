"""Makes one picture: reads the object once, whole and within bounds, has it drawn, and keeps what comes of it."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from controller.model.answers import StoredObject, Unreadable
from controller.model.job import ExpectedOutput
from controller.model.submission import Submission
from controller.operations.picture.process import PictureProcess
from controller.page.pictures.album import raster_object, stem_of
from controller.page.pictures.shelf import Shelf

if TYPE_CHECKING:
    from controller.bucket.client import Bucket

PIECE = 4 * 1024 * 1024  # bytes
LARGEST_READ = 64 * 1024 * 1024  # bytes beside the first piece
TOO_LARGE = (
    f"its picture would need more than {LARGEST_READ // 1024**2} MiB of its object, which were not read; "
    "`shjobs fetch --preview` makes one, and so does the output as a COG"
)
LONGEST = 120.0  # seconds for all pieces of one object


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredRaster:
    """The output `number` of a submission that delivered it."""

    submission: Submission
    number: int
    output: ExpectedOutput

    @property
    def stem(self) -> str:
        return stem_of(self.submission, self.number)


class PictureMaker:
    """Makes pictures for a shelf, one at a time. Raises `OSError` when the disk fails."""

    def __init__(self, shelf: Shelf, process: PictureProcess) -> None:
        self._shelf = shelf
        self._process = process

    def make(self, bucket: "Bucket", raster: DeliveredRaster) -> Unreadable | None:
        """Make the picture, or note why there is none; returns why the object cannot be read, if that is the reason."""
        item = raster_object(raster.submission, raster.output)
        if item is None:
            self._shelf.note(raster.stem, "its object was not seen in the bucket")
            return None
        with self._shelf.part() as source, self._shelf.part() as reply:
            reading = _Reading(bucket, raster.submission, item, source)
            problem = self._read(reading, reply)
            if problem is not None:
                self._shelf.note(raster.stem, problem if isinstance(problem, str) else _unread(problem))
                return None if isinstance(problem, str) else problem
            drawing = self._process.draw(source, reply)
        if isinstance(drawing, str):
            if not self._process.is_closed:
                self._shelf.note(raster.stem, f"no picture can be made of it: {drawing}")
        else:
            self._shelf.put(raster.stem, drawing)
        return None

    def _read(self, reading: "_Reading", reply: IO[bytes]) -> Unreadable | str | None:
        """Read what the picture needs; None: that is there. Of a large TIFF with overviews that is little."""
        size, head = reading.item.bytes, (0, min(PIECE, reading.item.bytes))
        if unread := reading.read([head]):
            return unread
        rest = [(head[1], size)] if size > head[1] else []
        if rest:
            rest = self._process.ranges(reading.target, reply, size) or rest
        if sum(end - start for start, end in rest) > LARGEST_READ:
            return TOO_LARGE
        return reading.read(rest)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One object that is read into a file, each byte in its place."""

    bucket: "Bucket"
    submission: Submission
    item: StoredObject
    target: IO[bytes]

    def read(self, ranges: Iterable[tuple[int, int]]) -> Unreadable | None:
        """Read these ranges; None: all of them are there."""
        href, ends_at = f"{self.submission.prefix}/{self.item.key}", time.monotonic() + LONGEST
        for start, end in _pieces(ranges):
            piece = self.bucket.piece(href, self.submission.credentials_ref, self.item.etag, start, end)
            if isinstance(piece, Unreadable):
                return piece
            if len(piece) != end - start:
                return Unreadable(message=f"it is shorter than the {self.item.bytes:,} bytes that were recorded")
            if time.monotonic() > ends_at:
                return Unreadable(message=f"reading it took more than {LONGEST:.0f} s")
            self.target.seek(start)
            self.target.write(piece)
        self.target.flush()
        return None


def _pieces(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for start, end in ranges:
        yield from ((at, min(at + PIECE, end)) for at in range(start, end, PIECE))


def _unread(problem: Unreadable) -> str:
    return f"its object cannot be read: {problem.message}"
