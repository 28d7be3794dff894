"""How a response changes a submission: each function takes one and returns the next.

The loop calls these when a worker's result arrives, and stores what they return. The time of the next check is
decided here too, so a restart finds it in the row.
"""

from collections.abc import Container
from dataclasses import replace
from datetime import datetime, timedelta

from controller.lifecycle.claim import STOPPED, active_claims, is_interrupted, shows_marker, withdrawn_claims
from controller.lifecycle.evidence import observe, request_ids
from controller.lifecycle.verdict import late_look, verdict
from controller.limits.gate import jitter
from controller.limits.polls import PollLoad, poll_interval
from controller.model.answers import (
    Accepted,
    BucketAnswer,
    GetAnswer,
    Listing,
    NoAnswer,
    NotVisible,
    PostAnswer,
    Refusal,
    Refused,
    StillRunning,
    Unconfirmed,
)
from controller.model.submission import Answer, Outcome, Submission
from controller.model.timing import Timing

ALONE = PollLoad()
"""The load where nothing else runs."""
INTERRUPTED = "the controller stopped while the POST was under way"


def after_post(
    submission: Submission, answer: PostAnswer, now: datetime, timing: Timing, load: PollLoad = ALONE
) -> Submission:
    """After the POST: polled if it was accepted, searched for in the bucket if that is unknown."""
    match answer:
        case Accepted():
            look_at = now + timedelta(seconds=poll_interval(0.0, load, timing))
        case _:
            look_at = now + timedelta(seconds=timing.unconfirmed_looks[0])
    return submission.answered(answer, now, look_at)


def is_new(submission: Submission, answer: PostAnswer) -> bool:
    """Whether the response to its POST adds anything; a late one may find it resolved."""
    if submission.answer is Answer.UNCONFIRMED:
        return not isinstance(answer, Unconfirmed)
    return submission.answer is None


def interrupt(submission: Submission, now: datetime, timing: Timing) -> Submission:
    """A submission found at startup with an intent and no answer: the service may have read its POST."""
    answered = after_post(submission, Unconfirmed(message=INTERRUPTED), max(now, submission.intended_at), timing)
    return replace(answered, reason=STOPPED)


def after_status(
    submission: Submission, answer: GetAnswer, now: datetime, timing: Timing, load: PollLoad = ALONE
) -> Submission:
    """After a status request; a 404 counts only as reference page "Open questions" B 13 says.

    `load` is that of all polls at this moment: when more or fewer run later, what is recorded here stays.
    """
    match answer:
        case StillRunning():
            return replace(submission, missing_at=None, look_at=now + _until_poll(submission, now, timing, load))
        case NoAnswer(retry_after=retry_after):
            wait = max(timedelta(seconds=retry_after or 0), _until_poll(submission, now, timing, load))
            return replace(submission, look_at=now + wait)
        case NotVisible():
            return _not_visible(submission, now, timing)


def after_listing(
    submission: Submission, answer: BucketAnswer, now: datetime, timing: Timing, taken: Container[str] = ()
) -> Submission:
    """After a listing: the search for a lost response, or an update of the evidence.

    `taken` are request ids that other submissions have; the search never finds those. For a search the listing is that
    of the job's folder, where the claims are; for the evidence that of the delivery prefix.
    """
    if submission.answer is Answer.UNCONFIRMED:
        return _searched(submission, answer, now, timing, taken)
    if submission.gone_at is None:
        return submission  # an operator resolved it while its bucket was searched
    gone_at = submission.gone_at
    evidence = observe(answer, submission.evidence, submission.request_id, submission.outputs, now)
    if submission.outcome in (Outcome.SUCCEEDED, Outcome.FAILED):
        return _with_late_cost(submission, evidence.spent, gone_at, now, timing)
    seen = verdict(evidence, submission.outputs, gone_at, now, timing)
    settled = seen.outcome is not None
    return replace(
        submission,
        evidence=evidence,
        outcome=seen.outcome,
        reason=seen.reason if settled else "",
        message=seen.message if settled else "",
        finished_at=submission.finished_at if submission.outcome is seen.outcome else now,
        look_at=seen.look_at,
    )


def unless_given_up(before: Submission, after: Submission, now: datetime, timing: Timing) -> Submission:
    """While the clock is in doubt: what would be given up because of elapsed time is checked again instead."""
    is_lost = after.answer is Answer.UNCONFIRMED and after.look_at is None
    is_unknown = after.outcome is Outcome.UNKNOWN and (before.outcome is not Outcome.UNKNOWN or after.look_at is None)
    if not is_lost and not is_unknown:
        return after
    return replace(before, evidence=after.evidence, look_at=now + timedelta(seconds=timing.clock_again))


def resume_search(submission: Submission, now: datetime) -> Submission:
    """After the clock was wrong: no time is in the future, and what is open or was given up is checked now.

    A request that is gone gets the full grace period for its evidence again, since a wrong clock dated its end.
    """
    if submission.answer is None:
        return submission  # its POST is in flight, identified by the time of its intent
    times = {name: min(time, now) for name in _MOMENTS if (time := getattr(submission, name))}
    evidence = submission.evidence
    if evidence is not None:
        evidence = replace(evidence, at=min(evidence.at, now), since=min(evidence.since, now))
    is_searched = submission.answer is Answer.UNCONFIRMED
    is_open = is_searched or (submission.answer is Answer.ACCEPTED and submission.outcome in (None, Outcome.UNKNOWN))
    if is_open and submission.gone_at and submission.outcome is None:
        times["gone_at"] = now
    look_at = now if is_open else submission.look_at and min(submission.look_at, now)
    return replace(submission, **times, evidence=evidence, look_at=look_at)


_MOMENTS = ("answered_at", "missing_at", "gone_at", "finished_at")


def _until_poll(submission: Submission, now: datetime, timing: Timing, load: PollLoad) -> timedelta:
    interval = poll_interval((now - submission.intended_at).total_seconds(), load, timing)
    return timedelta(seconds=interval * (1 + timing.poll_jitter * jitter(f"{submission.request_id} {now}")))


def _not_visible(submission: Submission, now: datetime, timing: Timing) -> Submission:
    began = submission.answered_at or submission.intended_at  # in the future only where a wrong clock dated it
    believed_from = began + timedelta(seconds=timing.early_gone)
    if began <= now < believed_from:
        return replace(submission, look_at=believed_from)
    if submission.missing_at is None:
        return replace(submission, missing_at=now, look_at=now + timedelta(seconds=timing.gone_again))
    again_at = submission.missing_at + timedelta(seconds=timing.gone_again)
    if now < again_at:
        return replace(submission, look_at=again_at)
    return replace(submission, gone_at=now, look_at=now)


def _searched(
    submission: Submission, answer: BucketAnswer, now: datetime, timing: Timing, taken: Container[str]
) -> Submission:
    below = _below(submission.id, answer) if isinstance(answer, Listing) else answer
    named = request_ids(item.key for item in below.objects) if isinstance(below, Listing) else ()
    ids = [each for each in named if each not in taken]
    if ids:
        # The bucket does not show that the service responds again, so the breaker does not change.
        found = submission.answered(Accepted(request_id=ids[0]), now, look_at=now)
        return replace(found, answered_at=None, reason="")
    if isinstance(answer, Listing) and isinstance(below, Listing) and not below.objects:
        unsent = _never_sent(submission, answer, now, timing)
        if unsent:
            return unsent
    evidence = observe(below, submission.evidence, None, submission.outputs, now)
    return replace(submission, evidence=evidence, look_at=_next_search(submission, evidence.readable, now, timing))


def _below(submission: str, listing: Listing) -> Listing:
    """The part of a listing of the job's folder below the prefix of one submission."""
    start = f"{submission}/"
    objects = (
        replace(item, key=item.key.removeprefix(start)) for item in listing.objects if item.key.startswith(start)
    )
    documents = {key.removeprefix(start): text for key, text in listing.documents.items() if key.startswith(start)}
    return Listing(objects=tuple(objects), documents=documents)


def _never_sent(submission: Submission, folder: Listing, now: datetime, timing: Timing) -> Submission | None:
    """The submission as certainly not accepted, when its claims show that; None: they do not.

    A claim is put before the POST, so an interrupted one without a claim had not begun. Only a listing with the marker
    that was put since says so, and only for an hour: no bucket is cleaned up so soon. Its claim may still arrive, and
    then counts like any other.
    """
    if not submission.claims:
        return None
    if withdrawn_claims(folder.objects, submission.id).issuperset(submission.claims):
        refused = Refused(why=Refusal.CLAIMED, message="its claim was withdrawn: nothing was sent, or it was refused")
        return replace(submission.answered(refused, now, None), reason="")
    is_put = submission.claims[-1] in active_claims(folder.objects).get(submission.id, ())
    is_early = now <= submission.intended_at + timedelta(seconds=timing.unconfirmed_every)
    if is_put or not is_early or not is_interrupted(submission) or not shows_marker(submission, folder):
        return None
    refused = Refused(why=Refusal.CLAIMED, message="the controller stopped before its claim was put: nothing was sent")
    return replace(submission.answered(refused, now, None), reason="", claims=())


def _next_search(submission: Submission, readable: bool, now: datetime, timing: Timing) -> datetime | None:
    """Quickly at first, then hourly, until `unconfirmed_grace` is over and the bucket could be read after it."""
    asked_at = submission.answered_at or submission.intended_at
    quick = (asked_at + timedelta(seconds=look) for look in timing.unconfirmed_looks)
    following = next((look for look in quick if look > now), now + timedelta(seconds=timing.unconfirmed_every))
    ends_at = asked_at + timedelta(seconds=timing.unconfirmed_grace)
    if now >= ends_at:
        return None if readable else following
    return min(following, ends_at)


def _with_late_cost(
    submission: Submission, spent: float | None, gone_at: datetime, now: datetime, timing: Timing
) -> Submission:
    """A settled outcome whose request copy had no cost is checked again only for the cost; the outcome stays."""
    if spent is None or submission.evidence is None:
        return replace(submission, look_at=late_look(gone_at, now, timing))
    return replace(submission, evidence=replace(submission.evidence, spent=spent), look_at=None)
