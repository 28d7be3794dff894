"""A model of the service and the bucket, in memory: it charges, runs and delivers, and knows what really happened.

The histories stand on it. It is written from the reference pages "Asynchronous Processing API" and "Open questions",
shares no rule with the controller, and is the only oracle: `Sent` tells of each POST whether it was charged.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from controller.model.answers import (
    Accepted,
    BucketAnswer,
    GetAnswer,
    Listing,
    NotVisible,
    PostAnswer,
    Refusal,
    Refused,
    StillRunning,
    StoredObject,
    Unconfirmed,
    Unreadable,
)
from controller.model.answers import NoAnswer as NoStatus
from controller.model.job import ExpectedOutput

LATE = 2400.0
VERY_LATE = 10 * 3600.0
EARLY = 45.0


class PostFate(StrEnum):
    """What becomes of a POST."""

    ACCEPTED = "accepted"
    SLOW = "accepted, answered after a hundred seconds"
    LOST = "accepted, answer lost"
    BEFORE = "502 before it was processed"
    STALLED = "processed only after the controller gave up"
    UNSENT = "never left"
    BODY = "400"
    SPURIOUS = "spurious 400"
    CREDENTIALS = "401"
    FORBIDDEN = "403"
    QUOTA = "403 quota"
    RATE = "429 with a time"
    CONCURRENCY = "429 without one"
    ENDPOINT = "404"


class RunFate(StrEnum):
    """What an accepted request delivers at its end."""

    DELIVERED = "delivered"
    LATE = "delivered 40 minutes late"
    VERY_LATE = "delivered 10 hours late"
    PARTIAL = "partly delivered"
    REST_LATE = "partly delivered, the rest 40 minutes late"
    ZERO = "zero bytes"
    FILLED_LATE = "zero bytes, filled 40 minutes late"
    ERROR = "error.json"
    ERROR_LATE = "error.json 40 minutes late"
    ERROR_BESIDE = "error.json beside the outputs"
    ERROR_TORN = "error.json that is cut off"
    NOTHING = "nothing"


class CopyFate(StrEnum):
    """When and where the copy of the request appears."""

    AT_ACCEPT = "at accept"
    AT_START = "at run start"
    LATE = "40 minutes late"
    IN_ROOT = "in the root of the prefix"
    WITHOUT_COST = "at accept, never with its cost"
    NEVER = "never"


class StatusFate(StrEnum):
    """What a GET answers."""

    TRUE = "the truth"
    EARLY = "404 at first"
    FLAPPING = "every other time 404"
    NONE = "500"
    BLIND = "404 while it runs"


class PutFate(StrEnum):
    """What becomes of an object that a controller puts."""

    PUT = "put"
    DENIED = "denied"
    FAILED = "failed"
    PUT_UNSEEN = "put, but the answer was lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How service and bucket behave now. The fates of POSTs take turns; a run keeps the weather of its POST.

    A bucket that `lies` answers every listing as if it were empty.

    `density` is what a run costs by what was reserved for it: above 1 in an archive denser than estimated.
    """

    posts: tuple[PostFate, ...] = (PostFate.ACCEPTED,)
    run: RunFate = RunFate.DELIVERED
    takes: float = 600
    copy: CopyFate = CopyFate.AT_ACCEPT
    status: StatusFate = StatusFate.TRUE
    readable: bool = True
    lies: bool = False
    puts: PutFate = PutFate.PUT
    density: float = 0.625


@dataclass(slots=True, kw_only=True, eq=False)
class Sent:
    """One POST that was handed out, and what really became of it."""

    job: str
    digest: str
    rerun: int
    attempt: int
    prefix: str
    outputs: tuple[ExpectedOutput, ...]
    disk: object
    process: object
    at: datetime
    fate: PostFate
    weather: Weather
    claim: str = ""
    """The name of the claim under which it was sent; "" for none."""
    reserved: float = 0.0
    request_id: str = ""
    ends_at: datetime | None = None
    is_dropped: bool = False
    is_heard: bool = False
    asked: int = 0
    excuses: dict["Sent", str] = field(default_factory=dict)
    """Why this POST was right although an earlier one of the same digest may be paid for; "" when it was not."""

    @property
    def charged(self) -> bool:
        return bool(self.request_id)

    @property
    def cost(self) -> float:
        """What the run costs, if it was taken, in processing units."""
        return round(self.reserved * self.weather.density, 4)

    @property
    def is_refused(self) -> bool:
        """Whether the service certainly did not take it, and a living controller recorded that."""
        return self.is_heard and self.fate.name in Refusal.__members__

    @property
    def is_heard_accepted(self) -> bool:
        """Whether a living controller recorded its id."""
        return self.is_heard and self.fate in (PostFate.ACCEPTED, PostFate.SLOW)

    @property
    def key(self) -> tuple[str, str, int, int]:
        return self.job, self.digest, self.rerun, self.attempt

    def __str__(self) -> str:
        return f"{self.job} {self.digest[2:6]} r{self.rerun} a{self.attempt} ({self.fate}, {self.at:%d %H:%M:%S})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """An object that appears at a time; a later one of the same key takes its place."""

    at: datetime
    key: str
    bytes: int
    text: str = ""


class Cloud:
    """Service and bucket of one account."""

    def __init__(self) -> None:
        self.weather = Weather()
        self.storm_ends_at = datetime.max.replace(tzinfo=UTC)
        self.has_lied = False
        self.sent: list[Sent] = []
        self._puts: dict[str, list[Put]] = {}
        self._by_id: dict[str, Sent] = {}

    # the service

    def next_fate(self, now: datetime) -> PostFate:
        """A storm is over after a while: whoever waits a day would otherwise only send refused POSTs."""
        if now > self.storm_ends_at:
            return PostFate.ACCEPTED
        return self.weather.posts[len(self.sent) % len(self.weather.posts)]

    def charge(self, sent: Sent, now: datetime) -> None:
        """The service takes the request: it is charged and will run."""
        number = len(self._by_id) + 1
        sent.request_id = f"{number:08x}-1111-4111-8111-{number:012x}"
        sent.ends_at = now + timedelta(seconds=sent.weather.takes)
        self._by_id[sent.request_id] = sent
        self._puts.setdefault(sent.prefix, []).extend([*_copies(sent, now), *_deliveries(sent)])

    def with_id(self, request_id: str | None) -> Sent | None:
        return self._by_id.get(request_id or "")

    def status(self, request_id: str, now: datetime) -> GetAnswer:
        sent = self._by_id.get(request_id)
        if self.weather.status is StatusFate.NONE:
            return NoStatus(message="the service answered 500")
        if sent is None or sent.ends_at is None or sent.ends_at <= now:
            return NotVisible()
        sent.asked += 1
        began = sent.ends_at - timedelta(seconds=sent.weather.takes)
        match self.weather.status:
            case StatusFate.EARLY if now < began + timedelta(seconds=EARLY):
                return NotVisible()
            case StatusFate.FLAPPING if sent.asked % 2:
                return NotVisible()
            case StatusFate.BLIND:
                return NotVisible()
        return StillRunning(status="RUNNING")

    # the bucket

    def read(self, prefix: str, only: str, now: datetime) -> BucketAnswer:
        if not self.weather.readable:
            return Unreadable(message="the credential may not list it (AccessDenied)")
        if self.weather.lies:
            self.has_lied = True
            return Listing()
        found = {f"{place[len(prefix) + 1 :]}{'/' if place != prefix else ''}{put.key}": put
                 for place in self._puts if place == prefix or place.startswith(f"{prefix}/")
                 for put in self._visible(place, now)}  # fmt: skip
        kept = {key: put for key, put in found.items() if key.startswith(only)}
        objects = [
            StoredObject(key=key, bytes=put.bytes, etag=put.at.isoformat(), modified=put.at)
            for key, put in kept.items()
        ]
        documents = {key: put.text for key, put in kept.items() if key.endswith(".json")}
        return Listing(objects=tuple(sorted(objects)), documents=documents)

    def put(self, prefix: str, key: str, now: datetime, text: str = "somebody's") -> None:
        """Somebody else writes into the bucket."""
        self._puts.setdefault(prefix, []).append(Put(at=now, key=key, bytes=len(text), text=text))

    def take(self, url: str, content: bytes, now: datetime) -> Unreadable | None:
        """A controller puts an object."""
        if self.weather.puts in (PutFate.PUT, PutFate.PUT_UNSEEN):
            place, _, key = url.rpartition("/")
            self.put(place, key, now, content.decode())
        if self.weather.puts is PutFate.PUT:
            return None
        return Unreadable(message=self.weather.puts.value, denied=self.weather.puts is PutFate.DENIED)

    def objects(self, prefix: str, only: str, now: datetime) -> tuple[StoredObject, ...]:
        """What really lies below a prefix, whatever the weather is."""
        places = ((place, place[len(prefix) + 1 :]) for place in self._puts if place.startswith(f"{prefix}/{only}"))
        return tuple(
            StoredObject(key=f"{folder}/{put.key}", bytes=put.bytes)
            for place, folder in places
            for put in self._visible(place, now)
        )

    def copy_folder(self, source: str, target: str, now: datetime) -> None:
        """A person copies what lies below one prefix to another."""
        for put in list(self._visible(source, now)):
            self._puts.setdefault(target, []).append(Put(at=now, key=put.key, bytes=put.bytes, text=put.text))

    # what is true

    def named_at(self, sent: Sent) -> datetime | None:
        """When the bucket first named the request; None if it never does."""
        return min((put.at for put in self._puts.get(sent.prefix, ()) if sent.request_id in put.key), default=None)

    def failed_at(self, sent: Sent) -> datetime | None:
        """When the error.json of the request appeared."""
        return self._first(sent, [f"{sent.request_id}/error.json"])

    def delivered_at(self, sent: Sent) -> datetime | None:
        """When every declared output was there and not empty."""
        return self._first(sent, [f"{sent.request_id}/{_file(output)}" for output in sent.outputs])

    def folders(self, prefix: str, only: str, now: datetime) -> frozenset[str]:
        """The submissions of which a readable listing below `prefix` shows anything."""
        places = (place for place in self._puts if place.startswith(f"{prefix}/{only}"))
        return frozenset(place for place in places if any(self._visible(place, now)))

    def _first(self, sent: Sent, keys: Iterable[str]) -> datetime | None:
        puts = self._puts.get(sent.prefix, ())
        times = [min((put.at for put in puts if put.key == key and put.bytes), default=None) for key in keys]
        return None if None in times else max(time for time in times if time)

    def _visible(self, prefix: str, now: datetime) -> Iterable[Put]:
        puts = sorted((put for put in self._puts.get(prefix, ()) if put.at <= now), key=lambda put: put.at)
        return {put.key: put for put in puts}.values()


def answer_of(sent: Sent) -> PostAnswer:
    """What the controller is told of its POST."""
    match sent.fate:
        case PostFate.ACCEPTED | PostFate.SLOW:
            return Accepted(request_id=sent.request_id)
        case PostFate.LOST | PostFate.BEFORE | PostFate.STALLED:
            return Unconfirmed(message="the service answered 502")
    retry_after = 30.0 if sent.fate is PostFate.RATE else None
    return Refused(why=Refusal[sent.fate.name], message=sent.fate.value, retry_after=retry_after)


def _file(output: ExpectedOutput) -> str:
    return f"{output.identifier}.{output.extensions[0]}"


def _copies(sent: Sent, now: datetime) -> Iterable[Put]:
    """The copy of the request, and the same once its cost is known."""
    assert sent.ends_at is not None, "it was charged"
    fate = sent.weather.copy
    if fate is CopyFate.NEVER:
        return
    delay = {CopyFate.AT_START: 60.0, CopyFate.LATE: LATE}.get(fate, 0.0)
    key = f"request-{sent.request_id}.json"
    key = key if fate is CopyFate.IN_ROOT else f"{sent.request_id}/{key}"
    body: dict[str, object] = {"input": {}, "output": {}}
    first = now + timedelta(seconds=delay)
    yield Put(at=first, key=key, bytes=900, text=json.dumps(body))
    if fate is not CopyFate.WITHOUT_COST:
        yield Put(at=max(first, sent.ends_at), key=key, bytes=950, text=json.dumps({**body, "costPU": sent.cost}))


def _deliveries(sent: Sent) -> Iterable[Put]:
    """Outputs and error.json, each at its time."""
    fate, outputs = sent.weather.run, sent.outputs
    match fate:
        case RunFate.DELIVERED:
            yield from _outputs(sent, outputs)
        case RunFate.LATE:
            yield from _outputs(sent, outputs, late=LATE)
        case RunFate.VERY_LATE:
            yield from _outputs(sent, outputs, late=VERY_LATE)
        case RunFate.PARTIAL:
            yield from _outputs(sent, outputs[:-1])
        case RunFate.REST_LATE:
            yield from [*_outputs(sent, outputs[:-1]), *_outputs(sent, outputs[-1:], late=LATE)]
        case RunFate.ZERO:
            yield from _outputs(sent, outputs, bytes=0)
        case RunFate.FILLED_LATE:
            yield from [*_outputs(sent, outputs, bytes=0), *_outputs(sent, outputs, late=LATE)]
        case RunFate.ERROR_BESIDE:
            yield from [*_outputs(sent, outputs), _error(sent)]
        case RunFate.ERROR:
            yield _error(sent)
        case RunFate.ERROR_LATE:
            yield _error(sent, late=LATE)
        case RunFate.ERROR_TORN:
            yield _error(sent, text='{"status": 400, "mess')
        case RunFate.NOTHING:
            return


def _outputs(
    sent: Sent, outputs: Sequence[ExpectedOutput], *, late: float = 0.0, bytes: int = 5000
) -> Iterable[Put]:  # fmt: skip
    return [Put(at=_end(sent, late), key=f"{sent.request_id}/{_file(item)}", bytes=bytes) for item in outputs]


def _error(sent: Sent, *, late: float = 0.0, text: str = '{"status": 400, "message": "the script threw"}') -> Put:
    return Put(at=_end(sent, late), key=f"{sent.request_id}/error.json", bytes=len(text), text=text)


def _end(sent: Sent, late: float) -> datetime:
    assert sent.ends_at is not None, "it was charged"
    return sent.ends_at + timedelta(seconds=late)
