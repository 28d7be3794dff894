"""Find in the bucket what was already paid for: before a first POST, and after a lost response.

Delivery prefixes and claims name job, digest, rerun and attempt, so the bucket is a second ledger (DESIGN §6).
"""

from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from controller.lifecycle.claim import active_claims, claimed_at, claims_over, holder_of
from controller.lifecycle.evidence import request_ids
from controller.limits.budget import reservation
from controller.manifest.request import prefix
from controller.model.answers import Accepted, StoredObject, Unconfirmed
from controller.model.job import Job, Wanted
from controller.model.submission import SUBMISSION_ID, Answer, Submission, digest16, submission_id


def adopt_listed(
    job: Job, wanted: Wanted, found: Sequence[StoredObject], known: Sequence[Submission], now: datetime,
    taken: Collection[str] = (),
) -> tuple[Submission, ...]:  # fmt: skip
    """The submissions of the wanted digest that are in the bucket but not among the `known` ones.

    `found` holds keys relative to the job's folder. A folder that names no request id was paid for, but cannot be
    polled: it is adopted as unconfirmed, searched until it names one, and otherwise left to an operator. The same
    goes for one that names only `taken` ids, which other submissions have (two never follow one request), and for
    one that was only claimed. Intent and answer are dated by the oldest object: what is in the bucket says nothing
    about how the service responds today.
    """
    rows = {item.id for item in known if item.digest == wanted.digest and not item.is_refused}
    folders: dict[str, list[StoredObject]] = {}
    for item in found:
        folders.setdefault(item.key.partition("/")[0], []).append(item)
    claims, over = active_claims(found), claims_over(known)
    claimed = {each: left for each, names in claims.items() if (left := tuple(n for n in names if n not in over))}
    made: list[Submission] = []
    for name, rerun, attempt in _named({*folders, *claimed}, wanted):
        if name not in rows:
            held = {*taken, *(item.request_id for item in made)}
            made.append(_adopt(job, wanted, rerun, attempt, folders.get(name, ()), claimed.get(name, ()), now, held))
    return tuple(made)


def _named(names: Iterable[str], wanted: Wanted) -> list[tuple[str, int, int]]:
    """The names that are submissions of the wanted digest, with rerun and attempt, in order."""
    matches = (match for name in names if (match := SUBMISSION_ID.fullmatch(name)))
    own = (match for match in matches if match[1] == digest16(wanted.digest))
    return sorted(((match[0], int(match[2]), int(match[3])) for match in own), key=lambda each: each[1:])


def find_reappeared(
    found: Sequence[StoredObject], known: Iterable[Submission], now: datetime
) -> tuple[Submission, ...]:
    """The unconfirmed submissions whose search is over but for which the listing shows something: searched again."""
    folders = {item.key.partition("/")[0] for item in found}
    over = (item for item in known if item.answer is Answer.UNCONFIRMED and item.look_at is None)
    return tuple(replace(item, look_at=now) for item in over if item.id in folders)


def intent(job: Job, wanted: Wanted, rerun: int, attempt: int, now: datetime) -> Submission:
    """The submission as it is stored before its POST; the upper estimate or the ceiling, if lower, is reserved."""
    return Submission(
        job=job.name,
        digest=wanted.digest,
        rerun=rerun,
        attempt=attempt,
        generation=job.generation,
        prefix=prefix(wanted.delivery_url, job.name, submission_id(wanted.digest, rerun, attempt)),
        intended_at=now,
        revision=wanted.revision,
        outputs=wanted.outputs,
        credentials_ref=wanted.credentials_ref,
        reserved=reservation(wanted),
    )


def _adopt(
    job: Job, wanted: Wanted, rerun: int, attempt: int, objects: Sequence[StoredObject], claims: tuple[str, ...],
    now: datetime, taken: Container[str | None],
) -> Submission:  # fmt: skip
    times = [item.modified for item in objects if item.modified and item.modified < now]
    first = min([*times, *(claimed_at(name, now) for name in claims)], default=now)
    # The bucket does not record its commit.
    bare = replace(intent(job, wanted, rerun, attempt, first), adopted=True, revision="", claims=claims)
    named = request_ids(item.key.partition("/")[2] for item in objects)
    ids = [each for each in named if each not in taken]
    if ids:
        return bare.answered(Accepted(request_id=ids[0]), first, look_at=now)
    if not objects:
        words = f"{holder_of(claims[0])} has claimed it and may have paid for it; what it delivers is awaited"
        return bare.answered(Unconfirmed(message=words), first, look_at=now)
    lack = "names only requests of other submissions" if named else "names no request id"
    words = f"{bare.prefix} holds {objects[0].key.partition('/')[2]} but {lack}"
    return bare.answered(Unconfirmed(message=words), first, look_at=now)
