"""Fetches the outputs of succeeded submissions into a folder: for `shjobs fetch`.

The ledger alone says what to fetch; the bucket is only read. Each file is fetched in pieces of exactly the object that
was recorded, so it can be interrupted at any moment and resumed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from controller.bucket.client import Bucket
from controller.ledger.ledger import Ledger
from controller.ledger.store import Store
from controller.lifecycle.attempts import in_force
from controller.lifecycle.evidence import delivered_object
from controller.lifecycle.shared import run_of_another
from controller.model.answers import Unreadable
from controller.model.errors import UsageError, no_such_jobs
from controller.model.job import ExpectedOutput
from controller.model.submission import Outcome, Submission
from controller.operations.fetch.download import Found, RemoteObject, find_local, part_file
from controller.reconcile.wiring import bucket_client
from controller.settings.settings import Settings

LONGEST = 16
"""Bytes from the beginning that are enough to recognise a type."""
_BEGINNINGS: Mapping[str, tuple[bytes, ...]] = {
    "image/tiff": (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "application/json": tuple(bytes([each]) for each in b'{["-0123456789tfn'),
}


def is_of(media_type: str, head: bytes) -> bool:
    """Whether a file that begins with `head` can be of this type; for a type not listed here, always."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip() if media_type == "application/json" else head
    return text.startswith(_BEGINNINGS.get(media_type, (b"",)))


PIECE = 4 * 1024 * 1024  # bytes

Watch = Callable[[str, int, int], None]
"""Called with the name of a file, the bytes that have arrived, and its size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedOutput:
    """One output of a job, and where it goes."""

    job: str
    output: ExpectedOutput
    origin: RemoteObject
    credentials_ref: str | None
    target: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A fetched file; `was_there`: it already existed."""

    wanted: WantedOutput
    was_there: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What could not be fetched, and why."""

    job: str
    message: str


def outputs_of(
    settings: Settings, names: Sequence[str], submission: str, folder: Path
) -> list[WantedOutput | Missing]:  # fmt: skip
    """The outputs of the jobs, from the given submission or the one in force.

    Raises `UsageError` when a job or the submission is unknown.
    """
    with Store.copy_of(settings.state) as store:
        ledger = Ledger(store)
        if unknown := set(names) - ledger.jobs.keys():
            raise no_such_jobs(unknown, ledger.jobs, " in the ledger")
        return [each for name in dict.fromkeys(names) for each in _outputs(ledger, name, submission, folder)]


def fetch(settings: Settings, wanted: Sequence[WantedOutput], watch: Watch) -> Iterator[Fetched | Missing]:
    """Fetch one after the other. Raises `UsageError` when the disk fails; what arrived until then is kept."""
    bucket = bucket_client(settings)
    for each in wanted:
        yield _fetched(bucket, each, watch)


def _outputs(ledger: Ledger, name: str, submission: str, folder: Path) -> Iterator[WantedOutput | Missing]:
    chosen = _chosen(ledger, name, submission)
    if chosen is None or chosen.outcome is not Outcome.SUCCEEDED or chosen.evidence is None:
        which = f"submission {submission} of " if submission else ""
        yield Missing(job=name, message=f"{which}{name} has not succeeded; `shjobs describe {name}` shows its state")
        return
    place = folder / name / submission if submission else folder / name
    for output in chosen.outputs:
        item = delivered_object(chosen.evidence, output)
        if item is None:
            yield Missing(job=name, message=f"{output.identifier}: was never seen in the bucket")
            continue
        href = f"{chosen.prefix}/{item.key}"
        yield WantedOutput(
            job=name,
            output=output,
            origin=RemoteObject(href=href, etag=item.etag, bytes=item.bytes),
            credentials_ref=chosen.credentials_ref,
            target=place / PurePosixPath(item.key).name,
        )


def _chosen(ledger: Ledger, name: str, submission: str) -> Submission | None:
    """The named submission; else the one in force, or another name's if only that delivered.

    If the manifest is gone, the last that delivered.
    """
    known, job = ledger.of(name), ledger.jobs[name]
    if submission:
        named = [item for item in known if item.id == submission]
        if not named:
            ids = ", ".join(item.id for item in known) or "none"
            raise UsageError(f"{name} has no submission {submission}; known: {ids}")
        return named[-1]
    if job.wanted is not None:
        own, other = in_force(job.wanted, known), run_of_another(name, job.wanted, ledger.peers)
        is_served = other is not None and other.outcome is Outcome.SUCCEEDED
        return other if own is None or (is_served and own.outcome is not Outcome.SUCCEEDED) else own
    return next((item for item in reversed(known) if item.outcome is Outcome.SUCCEEDED), None)


def _fetched(bucket: Bucket, wanted: WantedOutput, watch: Watch) -> Fetched | Missing:
    target = wanted.target
    match find_local(target, wanted.origin):
        case Found.SAME:
            return Fetched(wanted=wanted, was_there=True)
        case Found.CHANGED:
            return _missing(wanted, f"{target} was changed since it was fetched: move it away to fetch it again")
        case Found.FOREIGN:
            return _missing(wanted, f"{target} is there already, and was not fetched: move it away")
    size = wanted.origin.bytes
    with part_file(target, wanted.origin) as part:
        while part.size < size:
            watch(str(target), part.size, size)
            end = min(part.size + PIECE, size)
            piece = bucket.piece(wanted.origin.href, wanted.credentials_ref, wanted.origin.etag, part.size, end)
            if isinstance(piece, Unreadable):
                return _missing(wanted, f"{wanted.origin.href}: {piece.message}")
            if len(piece) != end - part.size:
                return _missing(wanted, f"{wanted.origin.href}: is shorter than the {size:,} bytes that were recorded")
            part.add(piece)
        watch(str(target), size, size)
        if not is_of(wanted.output.media_type, part.head(LONGEST)):
            part.drop()
            return _missing(wanted, f"{wanted.origin.href}: is not of the type {wanted.output.media_type}")
        part.finish()
    return Fetched(wanted=wanted)


def _missing(wanted: WantedOutput, message: str) -> Missing:
    return Missing(job=wanted.job, message=message)
