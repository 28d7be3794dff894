"""The thread that makes pictures of what is newly delivered: the daemon and `shjobs page` run it.

The loop knows nothing of it. It reads the ledger and the bucket, and writes only the album. An object that cannot be
read is tried three times; one that cannot be drawn is not read again.
"""

import fcntl
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from controller.ledger.location import FILE_NAME
from controller.ledger.reads.deliveries import DeliveryEvent, before_the_latest, deliveries
from controller.ledger.reads.reader import Reader
from controller.model.clock import Clock
from controller.model.errors import ShjobsError
from controller.operations.picture.process import PictureProcess
from controller.page.pictures.album import rasters_in
from controller.page.pictures.maker import DeliveredRaster, PictureMaker
from controller.page.pictures.shelf import MEGABYTE, Shelf
from controller.settings.settings import Settings

if TYPE_CHECKING:
    from controller.bucket.client import Bucket

log = logging.getLogger(__name__)

EVERY = 5.0  # seconds between two looks at the ledger
PORTION = 20  # deliveries read at once
FIRST = 50  # of the latest deliveries, where pictures are made for the first time
RECENT = timedelta(days=1)  # older ones are then left alone
RETRIES = (60.0, 600.0)  # seconds after which an object that cannot be read is tried again
MOST_RETRIED = 100
LOCK = ".lock"
"""Held by the process that makes the pictures of a state."""


@contextmanager
def making_pictures(settings: Callable[[], Settings]) -> Iterator[None]:
    """Pictures are made from entry to exit, unless the settings have none. `settings` returns those valid now."""
    if not settings().pictures or not settings().pictures_megabytes:
        yield
        return
    worker = PictureWorker(settings)
    thread = threading.Thread(target=worker.run, name="pictures", daemon=True)
    thread.start()
    try:
        yield
    finally:
        worker.close()
        thread.join(1.0)  # a call to a bucket may last longer, and ends with the process


def make_pictures(settings: Settings) -> None:
    """Make those that are still to be made, and return when they are; none where another process makes them."""
    if settings.pictures and settings.pictures_megabytes:
        PictureWorker(lambda: settings).make_all()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Retry:
    """An object to be read once more at this monotonic time, in seconds, after it could not be this many times."""

    at: float
    tries: int
    raster: DeliveredRaster


class PictureWorker:
    """Makes pictures in the thread that calls `run`, until another one closes it."""

    def __init__(self, settings: Callable[[], Settings], clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or Clock()
        self._process = PictureProcess()
        self._shelf = Shelf(settings().state, settings().pictures_megabytes * MEGABYTE)
        self._maker = PictureMaker(self._shelf, self._process)
        self._is_closed = threading.Event()
        self._mark: int | None = None
        self._retries: list[_Retry] = []
        self._opened: tuple[Settings, Bucket] | None = None
        self._problem = ""

    def run(self) -> None:
        """Look every few seconds, while no other process does so for this state."""
        with closing(self._process):
            while not self._is_closed.is_set():
                if self._has_state():
                    self._look_on()
                self._is_closed.wait(EVERY)

    def _look_on(self) -> None:
        with self._waiting_out(), _lock(self._shelf.folder / LOCK) as is_ours:
            while is_ours and self._has_state() and not self._is_closed.wait(0 if self.look() else EVERY):
                pass

    def _has_state(self) -> bool:
        """Whether there is a ledger: without one nothing is put into the state, which may have been emptied."""
        return (self._settings().state / FILE_NAME).is_file()

    def make_all(self) -> None:
        """Look until nothing is left to do at once."""
        if not self._has_state():
            return
        with self._waiting_out(), _lock(self._shelf.folder / LOCK) as is_ours:
            while is_ours and self.look():
                pass

    def close(self) -> None:
        """End as soon as possible."""
        self._is_closed.set()
        self._process.close()

    def look(self) -> bool:
        """Make the pictures of some deliveries, and of what is due once more; whether there is more at once."""
        found = self._new()
        for delivery in found:
            if delivery.submission:
                for number, output in rasters_in(delivery.submission):
                    self._make(DeliveredRaster(submission=delivery.submission, number=number, output=output))
            if self._is_closed.is_set():
                return False
            self._set_mark(delivery.number)
        self._retry()
        return len(found) == PORTION

    def _new(self) -> list[DeliveryEvent]:
        """The next deliveries. Where there is no mark, or a ledger that is younger, it begins with the latest.

        Who has no key leaves them to those who have.
        """
        settings = self._settings()
        can_read = any(each.can_read for each in settings.credentials.values())
        reader = Reader.of(settings.state) if can_read else None
        if reader is None:
            return []
        with reader:
            self._mark = self._shelf.mark() if self._mark is None else self._mark
            if self._mark is None or self._mark > reader.last_event():
                self._set_mark(before_the_latest(reader, FIRST, self._clock.now() - RECENT))
            return list(deliveries(reader, self._mark or 0, PORTION))

    def _set_mark(self, event: int) -> None:
        self._mark = event
        with self._waiting_out():
            self._shelf.set_mark(event)

    def _make(self, raster: DeliveredRaster, tries: int = 0) -> None:
        if self._is_closed.is_set() or (not tries and self._shelf.has(raster.stem)):
            return
        with self._waiting_out():
            unread = self._maker.make(self._bucket(), raster)
            is_retried = unread and not unread.denied and tries < len(RETRIES) and len(self._retries) < MOST_RETRIED
            if is_retried:
                self._retries.append(
                    _Retry(at=self._clock.monotonic() + RETRIES[tries], tries=tries + 1, raster=raster)
                )

    def _retry(self) -> None:
        now = self._clock.monotonic()
        due = [each for each in self._retries if each.at <= now]
        self._retries = [each for each in self._retries if each.at > now]
        for each in due:
            self._make(each.raster, each.tries)

    def _bucket(self) -> "Bucket":
        """The client for the settings as they are now: keys may be renewed."""
        from controller.reconcile.wiring import bucket_client

        settings = self._settings()
        if self._opened is None or self._opened[0] is not settings:
            self._opened = settings, bucket_client(settings)
        return self._opened[1]

    @contextmanager
    def _waiting_out(self) -> Iterator[None]:
        """A problem is logged when it is another one than the last, and stops nothing else."""
        try:
            yield
        except (ShjobsError, OSError) as error:
            if self._is_new(error):
                log.warning("no pictures are made: %s", error)
        except Exception as error:
            if self._is_new(error):
                log.exception("a picture cannot be made")

    def _is_new(self, error: Exception) -> bool:
        before, self._problem = self._problem, repr(error)
        return self._problem != before


@contextmanager
def _lock(path: Path) -> Iterator[bool]:
    """Whether this process holds the lock, until it is left."""
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
