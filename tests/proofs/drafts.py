"""The manifests of the small world, as data: a job, or a set whose cells are jobs, by one text of an alphabet each.

A text stands for everything the digest covers, so that two names with one text have equal requests.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from controller.model.job import Estimate, ExpectedOutput, SetCell, Wanted

URL = "s3://my-bucket/rasters"
TIFF = ExpectedOutput(identifier="default", media_type="image/tiff", extensions=("tif", "tiff"))
DATA = ExpectedOutput(identifier="userdata", media_type="application/json", extensions=("json",))
TEXTS = "ABCDEFGH"
OUTPUTS = {**dict.fromkeys(TEXTS, (TIFF,)), "B": (TIFF, DATA)}
UPPER = {"A": 20.0, "B": 45.0, "C": 5.0, "D": 20.0, "E": 10.0, "F": 10.0, "G": 30.0, "H": 5.0}
"""Processing units: the upper end of the estimate for each text."""
RECIPES = ("plain", "masked", "coarse")
IN_A_WINDOW = 2
"""Cells of a set that become due together."""
APART = timedelta(seconds=20_000)
"""Between the moments at which two windows of a set become due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a set says about money. `per_window` is in PU."""

    trial: int | None = None
    is_endless: bool = False
    per_window: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """The cells of a set, by number in the order of its axes, each with the text that it has with the plain recipe.

    The first window is due at `begins`.
    """

    begins: datetime
    texts: tuple[tuple[int, str], ...]
    recipe: str = RECIPES[0]
    rules: Rules = Rules()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One document of a manifest file: `text` stands for everything the digest covers.

    With `cells` it is a set named `job`: what else it says then holds for each of them. `cell` is the place of one.
    """

    job: str
    text: str = "A"
    rerun: int = 0
    retries: int = 0
    hold: bool = False
    is_broken: bool = False
    cells: Cells | None = None
    cell: SetCell | None = None

    @property
    def wanted(self) -> Wanted:
        return Wanted(
            digest=digest_of(self.text),
            delivery_url=URL,
            credentials_ref="my-bucket",
            outputs=OUTPUTS[self.text],
            estimate=Estimate(expected=UPPER[self.text] / 2, upper=UPPER[self.text]),
            rerun=self.rerun,
            retries=self.retries,
            hold=self.hold,
            cell=self.cell,
        )

    def jobs(self, now: datetime | None = None) -> list["Draft"]:
        """The jobs that it declares, itself or its cells; with `now`, only those that are due."""
        if self.cells is None:
            return [self]
        numbers = [(number, text) for number, text in self.cells.texts if now is None or self.due_at(number) <= now]
        return [self._job(self.cells, number, text) for number, text in numbers]

    def due_at(self, number: int) -> datetime:
        """When this cell is due."""
        assert self.cells is not None, "only the cells of a set become due"
        return self.cells.begins + (number - 1) // IN_A_WINDOW * APART

    def _job(self, cells: Cells, number: int, text: str) -> "Draft":
        window = f"w{(number - 1) // IN_A_WINDOW}"
        return Draft(
            job=f"{self.job}-{number}",
            text=turned(text, cells.recipe),
            rerun=self.rerun,
            retries=self.retries,
            hold=self.hold,
            is_broken=self.is_broken,
            cell=SetCell(set_name=self.job, recipe=cells.recipe, window=window),
        )


Files = Mapping[str, tuple[Draft, ...]]


def jobs_in(files: Files) -> Iterator[Draft]:
    """Every job that these files declare by and by, broken or not."""
    return (job for drafts in files.values() for draft in drafts for job in draft.jobs())


def turned(text: str, recipe: str, *, back: bool = False) -> str:
    """The text of a cell with this recipe instead of the plain one, or the other way round."""
    by = 3 * RECIPES.index(recipe)
    return TEXTS[(TEXTS.index(text) + (-by if back else by)) % len(TEXTS)]


def digest_of(text: str) -> str:
    return f"1:{sha256(text.encode()).hexdigest()}"
