"""The pictures that are kept in the state, with their legends: `state/pictures/<submission>-<output>.png` and `.json`.

The worker writes them; views and the site read them. File names are made of digits only, and a file is opened only if
it is a plain one in that folder. Losing the folder loses nothing but pictures.
"""

import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from controller.lifecycle.evidence import delivered_object
from controller.model.answers import StoredObject
from controller.model.job import ExpectedOutput
from controller.model.submission import SUBMISSION_ID, Submission
from controller.operations.picture.legend import Legend
from controller.operations.picture.process import LARGEST

FOLDER = "pictures"
"""In the state, and the first part of their addresses."""
MOST = 4  # pictures of one submission
_FILE = re.compile(rf"{SUBMISSION_ID.pattern}-[0-9]{{1,3}}\.png", re.ASCII)
_DAMAGED = (OSError, ValueError, TypeError, KeyError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultPicture:
    """The picture of one output, or in `note` why there is none.

    `output` is its identifier in the manifest; `address` is relative to the page; width and height are in pixels.
    """

    output: str
    address: str = ""
    note: str = ""
    width: int = 0
    height: int = 0
    legend: Legend | None = None

    @property
    def alt(self) -> str:
        """The picture in words."""
        return f"{self.output}: {self.legend.sentence if self.legend else self.note}"

    def document(self) -> dict[str, Any]:
        """As plain JSON values."""
        legend = self.legend and {**self.legend.document(), "sentence": self.legend.sentence}
        return {**asdict(self), "alt": self.alt, "legend": legend}


def pictures_of(state: Path, submission: Submission) -> list[ResultPicture]:
    """What is known of the pictures of a submission; what was not drawn yet is left out."""
    if not SUBMISSION_ID.fullmatch(submission.id):
        return []
    made = ((output, stem_of(submission, number)) for number, output in rasters_in(submission))
    found = [(output, stem, _document(state, stem)) for output, stem in made]
    pictures = (_picture(output, stem, document) for output, stem, document in found if document is not None)
    return [each for each in pictures if not each.address or (state / each.address).is_file()]


def kept_pictures(state: Path) -> list[str]:
    """The addresses of all pictures that are kept."""
    try:
        names = sorted(path.name for path in (state / FOLDER).iterdir())
    except OSError:
        return []
    return [f"{FOLDER}/{name}" for name in names if _FILE.fullmatch(name)]


def rasters_in(submission: Submission) -> list[tuple[int, ExpectedOutput]]:
    """The outputs that get a picture, with their numbers."""
    rasters = [pair for pair in enumerate(submission.outputs) if pair[1].media_type.startswith("image/")]
    return rasters[:MOST]


def raster_object(submission: Submission, output: ExpectedOutput) -> StoredObject | None:
    """The object that was delivered for an output."""
    return delivered_object(submission.evidence, output) if submission.evidence else None


def stem_of(submission: Submission, number: int) -> str:
    """The name of the files of an output's picture. Equal ids are equal requests, and so have equal pictures."""
    return f"{submission.id}-{number}"


def picture_file(state: Path, name: str) -> bytes | None:
    """The PNG of this name; None when there is none."""
    if not _FILE.fullmatch(name):
        return None
    try:
        return _content(state, name, LARGEST)
    except (OSError, ValueError):
        return None


def _document(state: Path, stem: str) -> dict[str, Any] | None:
    """What was written about a picture; None when nothing was."""
    try:
        found = json.loads(_content(state, f"{stem}.json", LARGEST))
    except _DAMAGED:
        return None
    return found if isinstance(found, dict) else None


def _picture(output: ExpectedOutput, stem: str, document: dict[str, Any]) -> ResultPicture:
    if note := document.get("note"):
        return ResultPicture(output=output.identifier, note=str(note))
    try:
        width, height = (int(document[name]) for name in ("width", "height"))
        legend = Legend.read(document["legend"])
    except _DAMAGED:
        return ResultPicture(output=output.identifier, note="what is kept of its picture cannot be read")
    address = f"{FOLDER}/{stem}.png"
    return ResultPicture(output=output.identifier, address=address, width=width, height=height, legend=legend)


def _content(state: Path, name: str, most: int) -> bytes:
    """The content of a plain file in the folder, no link to one. Raises `OSError`, or `ValueError` for any other."""
    with _folder(state) as folder:
        number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        with os.fdopen(number, "rb") as file:
            found = os.fstat(number)
            if not stat.S_ISREG(found.st_mode) or found.st_size > most:
                raise ValueError("no plain file of that size")
            return file.read(most)


@contextmanager
def _folder(state: Path) -> Iterator[int]:
    number = os.open(state / FOLDER, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield number
    finally:
        with suppress(OSError):
            os.close(number)
