"""Makes one picture: reads the object once, whole and within bounds, has it drawn, and keeps what comes of it."""

import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from controller.model.answers import StoredObject, Unreadable
from controller.model.job import ExpectedOutput
from controller.model.submission import Submission
from controller.page.pictures.album import raster_object, stem_of
from controller.page.pictures.process import PictureProcess
from controller.page.pictures.shelf import Shelf

if TYPE_CHECKING:
    from controller.bucket.client import Bucket

PIECE = 4 * 1024 * 1024  # bytes
LARGEST_OBJECT = 64 * 1024 * 1024  # bytes
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
        if item is None or item.bytes > LARGEST_OBJECT:
            self._shelf.note(raster.stem, _not_read(item))
            return None
        with self._shelf.part() as source, self._shelf.part() as reply:
            if unread := _read(bucket, raster.submission, item, source):
                self._shelf.note(raster.stem, f"its object cannot be read: {unread.message}")
                return unread
            drawing = self._process.draw(source, reply)
        if isinstance(drawing, str):
            if not self._process.is_closed:
                self._shelf.note(raster.stem, f"no picture can be made of it: {drawing}")
        else:
            self._shelf.put(raster.stem, drawing)
        return None


def _not_read(item: StoredObject | None) -> str:
    if item is None:
        return "its object was not seen in the bucket"
    most = f"{LARGEST_OBJECT // 1024**2} MiB"
    return f"its object is larger than {most}, and was not read for a picture; `shjobs fetch --preview` makes one"


def _read(bucket: "Bucket", submission: Submission, item: StoredObject, target: IO[bytes]) -> Unreadable | None:
    """The object into a file; None: all of it is there."""
    href, ends_at = f"{submission.prefix}/{item.key}", time.monotonic() + LONGEST
    for start in range(0, item.bytes, PIECE):
        end = min(start + PIECE, item.bytes)
        piece = bucket.piece(href, submission.credentials_ref, item.etag, start, end)
        if isinstance(piece, Unreadable):
            return piece
        if len(piece) != end - start:
            return Unreadable(message=f"it is shorter than the {item.bytes:,} bytes that were recorded")
        if time.monotonic() > ends_at:
            return Unreadable(message=f"reading it took more than {LONGEST:.0f} s")
        target.write(piece)
    target.flush()
    return None
