"""The job: what one manifest declares, as last accepted, and what is known of its past.

The request body is not kept here: it is as large as its evalscript, and only a POST needs it. The store returns
it by name.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from controller.model.errors import Problem

DIRTY = "-dirty"
"""Ends a revision when the files differed from that commit."""
RETRIED = "retried"
"""The cause of what `shjobs retry` asked for."""
NEW = "new"
"""The cause of what nothing was wanted before."""
MOST_UNITS = 1e9
"""Processing units of one job, thousands of times what the largest costs: sums of larger numbers may be infinite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedOutput:
    """One object the service will deliver: `<identifier>.<one of extensions>`."""

    identifier: str
    media_type: str
    extensions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Processing units a submission is expected to cost, and the most it may cost; `upper` None: no upper end."""

    expected: float
    upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCell:
    """The place of a job in the set `set_name`.

    `recipe` identifies what the set asks for apart from where and when; `window` is the key of its window, "" without.
    """

    set_name: str
    recipe: str
    window: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the manifest, as last accepted, asks for. `deadline` is in seconds.

    `raised` is how much of `rerun` comes from `shjobs retry`, last by `retried_by`; the rest is the manifest's.
    `script` is the path of its `evalscriptFile`, and `script_hash` identifies its text. `cause` says in a few words
    why it changed from what was wanted before. `labels` are pairs of name and value. `revision` is the commit at which
    this digest was first seen, or its `rerun` raised, marked `-dirty` when the files differed from it; empty outside of
    git. `warnings` are those of `check` that no comment silences with a reason. `cell` is set for the jobs of a set.
    `until` is as in `Appraisal`.
    """

    digest: str
    delivery_url: str
    credentials_ref: str | None = None
    role_arn: str | None = None
    outputs: tuple[ExpectedOutput, ...]
    estimate: Estimate | None = None
    rerun: int = 0
    retries: int = 0
    hold: bool = False
    deadline: float = 86400.0
    priority: int = 0
    max_processing_units: float | None = None
    labels: tuple[tuple[str, str], ...] = ()
    script: str = ""
    script_hash: str = ""
    cause: str = ""
    revision: str = ""
    warnings: tuple[Problem, ...] = ()
    cell: SetCell | None = None
    raised: int = 0
    retried_by: str = ""
    until: date | None = None

    @property
    def declared_rerun(self) -> int:
        """The `rerun` of the manifest alone."""
        return self.rerun - self.raised

    def with_raise(self, raised: int, by: str) -> "Wanted":
        """The same with its `rerun` raised this much above the manifest's."""
        return replace(self, rerun=self.declared_rerun + raised, raised=raised, retried_by=by)

    @property
    def bucket(self) -> str:
        """The name of the bucket that receives the results."""
        return bucket_in(self.delivery_url)


def cause_of(before: Wanted | None, after: Wanted) -> str:
    """Why what a job wants has changed, in a few words: `ndvi.js changed`."""
    if before is None:
        return NEW
    if before.digest == after.digest:
        return "rerun raised" if after.declared_rerun > before.declared_rerun else before.cause
    if after.script and (before.script, before.script_hash) != (after.script, after.script_hash):
        return f"{after.script} changed"
    return "manifest changed"


def bucket_in(url: str) -> str:
    """`my-bucket` of `s3://my-bucket/rasters`."""
    return url.partition("://")[2].partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What this process found in the bucket about earlier submissions of the wanted digest."""

    digest: str
    at: datetime
    readable: bool
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job by name. `wanted` is None once its manifest is removed; `problems` say why a newer text is not accepted."""

    name: str
    path: str
    index: int = 0
    generation: int = 0
    wanted: Wanted | None = None
    problems: tuple[Problem, ...] = ()
    history: History | None = None

    @property
    def accepted(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Appraisal:
    """What a document wants, None when appraisal rejects it; `problems` say why, `warnings` do not block it."""

    wanted: Wanted | None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    awaits: str = ""
    """Key of the pending question about its script; "" when there is none."""
    is_passing: bool = False
    """Whether the engine died of its script: what is wrong may be over in a moment."""
    until: date | None = None
    """The day, in UTC, on which some of it may be over, because a time range begins or ends; None: it stays so."""
