"""The two decisions that cost money are watched by mutants: one wrong word in either must show in a small table.

A mutant is the module's own source with one text replaced, loaded under another name. It is caught when one case
answers otherwise than the original does.
"""

import ast
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import controller.lifecycle.attempts
import controller.lifecycle.next_step
import controller.lifecycle.shared
import controller.lifecycle.verdict
import controller.limits.holds
from controller.limits.budget import Spending
from controller.limits.gate import Limits
from controller.limits.guard import ADMITTED, Batch, Permit
from controller.limits.peers import Peers
from controller.limits.set_limits import SetRuling
from controller.limits.settling import Settling
from controller.model.answers import Refusal
from controller.model.job import Estimate, Job, SetCell
from controller.model.submission import Evidence, Submission, submission_id
from tests.support.factories import (
    DIGEST,
    JPEG,
    NOW,
    OTHER_DIGEST,
    TIFF,
    TIMING,
    accepted,
    at,
    by_name,
    evidence,
    failed,
    gone,
    history,
    job,
    limits,
    refused,
    stored,
    submission,
    succeeded,
    unconfirmed,
    unknown,
    wanted,
)
from tests.support.next_steps import BROKEN, NO_KEYS, RESUBMIT, SOUGHT, asks

SHUT = limits(opens_at=at(60))
ENDED = failed(finished_at=at(-60))
KEY = f"ndvi/{submission_id(DIGEST, 0, 0)}"
BATCH = Batch(hash="0123456789ab", jobs=60, units=1200, cause="ndvi.js changed: 60 jobs")
TRIED = SetRuling(name="farm", trial=1, tried=frozenset({"a"}), first=frozenset({"other"}), is_trying=True)
SETTLING = Settling(message="the files changed just now", until=at(5))
DEAR = succeeded(digest=OTHER_DIGEST, evidence=evidence(spent=21.0))
VAIN = unconfirmed(attempt=1, number=2, look_at=None, evidence=evidence(objects=()))


NEXT_STEP = (
    controller.limits.holds,
    controller.lifecycle.attempts,
    controller.lifecycle.shared,
    controller.lifecycle.next_step,
)
"""The modules of the rule, each after those that it imports."""
VERDICT = (controller.lifecycle.verdict,)


def left(units: float) -> Spending:
    """A month of which so many processing units are left."""
    return Spending(month="2026-03", budget=100, spent=60, reserved=40 - units)


def among(*others: Job, runs: tuple[Submission, ...] = (), **different: object) -> Limits:
    """The limits for a plain job beside others, to which these runs belong."""
    return limits(peers=Peers(by_name(job(), *others), runs), **different)


def sought_beside(run: Submission) -> Limits:
    """The limits for a plain job that would be resubmitted, beside this run of another."""
    return among(runs=(SOUGHT, run), on_unconfirmed="resubmit")


CELL = SetCell(set_name="mill", recipe="a")
ENDLESS = SetRuling(name="mill", recipes=frozenset({"a"}), unagreed=frozenset({"a"}), is_endless=True)


def asking(name: str) -> Job:
    """A cell with the same request, whose set needs a yes."""
    return job(name=name, wanted=wanted(cell=CELL))


def beside(itself: Job, *others: Job) -> tuple[Job, list[Submission], Limits]:
    """A job beside others, some of which are such cells."""
    return itself, [], limits(peers=Peers(by_name(itself, *others)), sets={"mill": ENDLESS})


FIRST, LAST = job(name="a"), job(name="z")


STEPS: list[tuple[Job, list[Submission], Limits]] = [
    (job(), [], limits()),
    (job(history=None), [], limits()),
    (job(history=history(digest=OTHER_DIGEST)), [], limits()),
    (job(history=history(at=at(-300))), [], limits()),
    (job(history=history(at=at(-120))), [], limits()),
    (job(history=history(readable=False)), [], limits()),
    (job(history=history(readable=False)), [], limits(history_known=True)),
    (asks(retries=1), [ENDED], among(runs=(ENDED, succeeded(job="z", number=9)))),
    (asks(retries=1), [ENDED], among(runs=(ENDED, accepted(job="z", number=9)))),
    (asks(retries=1), [ENDED], among(runs=(ENDED, unconfirmed(job="z", number=9)))),
    (asks(retries=1), [ENDED], among(runs=(ENDED, unconfirmed(job="z", rerun=1, number=9, look_at=None)))),
    (asks(retries=1), [ENDED], among(runs=(ENDED, failed(job="z", number=9)))),
    (asks(retries=1), [ENDED], among(runs=(ENDED, refused(Refusal.RATE, job="z", number=9)))),
    *((job(), [SOUGHT], sought_beside(run)) for run in (failed(job="z", number=9), unconfirmed(job="z", number=9))),
    (job(), [SOUGHT], sought_beside(unconfirmed(job="z", number=9, look_at=None))),
    (job(), [SOUGHT], sought_beside(unconfirmed(job="z", rerun=1, number=9, look_at=None))),
    (asks(), [ENDED], among(runs=(ENDED, succeeded(job="z", number=9)))),
    (job(), [], SHUT),
    (job(), [], limits(opens_at=NOW)),
    (job(), [], limits(slots=0)),
    (job(history=None), [], limits(slots=2, listing={"my-bucket": 2})),
    (job(history=None), [], limits(slots=0, ahead=1)),
    (job(), [], limits(slots=0, ahead=1)),
    (job(), [], limits(paused=True)),
    (job(), [], NO_KEYS),
    (asks(warnings=BROKEN), [], limits(hold_on=["warning"])),
    (job(), [], limits(selector=("team",))),
    (asks(cell=SetCell(set_name="farm", recipe="a")), [], limits(sets={"farm": TRIED})),
    (asks(hold=True, cell=SetCell(set_name="farm", recipe="a")), [], limits(sets={"farm": TRIED})),
    *(beside(asking("ndvi"), other) for other in (FIRST, LAST, asking("a"), asking("z"))),
    beside(asking("ndvi"), asking("a"), LAST),
    beside(asks(cell=CELL, rerun=1), FIRST),
    beside(job(), asking("a")),
    (job(problems=BROKEN), [], limits()),
    (asks(*BROKEN, retries=1), [ENDED], limits()),
    (job(wanted=None), [succeeded()], limits()),
    (job(wanted=None, problems=BROKEN), [], limits()),
    (asks(hold=True), [], limits()),
    (asks(estimate=None), [], limits()),
    (asks(estimate=Estimate(expected=1, upper=None), max_processing_units=5), [], limits()),
    (asks(estimate=Estimate(expected=1, upper=500)), [], limits()),
    (asks(estimate=Estimate(expected=1, upper=501), max_processing_units=501), [], limits()),
    (asks(estimate=Estimate(expected=1, upper=501), max_processing_units=500), [], limits()),
    (job(), [succeeded()], limits()),
    (asks(retries=1), [succeeded()], limits()),
    (job(), [succeeded(digest=OTHER_DIGEST)], limits()),
    (asks(rerun=1), [succeeded()], limits()),
    (asks(rerun=1), [succeeded(rerun=2)], limits()),
    (asks(retries=1), [unknown()], limits()),
    (asks(retries=1), [failed()], limits()),
    (asks(retries=1), [ENDED], limits()),
    (job(wanted=wanted(retries=1), history=history(at=at(-200))), [ENDED], limits()),
    (asks(retries=1), [unconfirmed(), failed(attempt=1, finished_at=at(-120))], limits()),
    (asks(retries=2), [ENDED, failed(attempt=1, finished_at=at(-120))], limits()),
    (asks(retries=1), [ENDED, failed(attempt=1, finished_at=at(-999))], limits()),
    (asks(retries=1), [ENDED, accepted(attempt=1)], limits()),
    (asks(retries=1), [ENDED, refused(Refusal.BODY, attempt=1)], limits()),
    (asks(retries=1), [failed(rerun=1, finished_at=at(-999))], limits()),
    (job(), [refused(Refusal.BODY)], limits()),
    (job(), [refused(Refusal.RATE)], limits()),
    (job(), [refused(Refusal.SPURIOUS)], limits()),
    (job(), [refused(Refusal.SPURIOUS, answered_at=at(-99))] * 2, limits()),
    (job(), [refused(Refusal.SPURIOUS, answered_at=at(-99))] * 3, limits()),
    (job(), [submission(look_at=NOW)], limits()),
    (job(), [accepted()], limits()),
    (job(), [accepted(look_at=NOW)], limits()),
    (job(), [accepted(digest=OTHER_DIGEST, look_at=NOW)], limits()),
    (job(), [gone()], limits()),
    (job(), [unknown(look_at=NOW)], limits()),
    (job(), [unconfirmed()], limits()),
    (job(), [unconfirmed(look_at=NOW)], limits()),
    (job(), [unconfirmed(evidence=evidence(objects=()))], RESUBMIT),
    (job(), [SOUGHT], limits()),
    (job(), [SOUGHT], RESUBMIT),
    (job(), [unconfirmed(look_at=None, evidence=evidence(objects=(), readable=False))], RESUBMIT),
    (job(), [unconfirmed(look_at=None, evidence=evidence())], RESUBMIT),
    (job(), [accepted(), VAIN], RESUBMIT),
    (job(), [ENDED, VAIN], RESUBMIT),
    (asks(retries=1), [ENDED, VAIN], RESUBMIT),
    (job(), [unconfirmed(look_at=None, evidence=evidence()), VAIN], RESUBMIT),
    (asks(deadline=600.0), [accepted(intended_at=at(-600), look_at=at(9))], limits()),
    (job(), [accepted(look_at=at(9)), accepted(digest=OTHER_DIGEST, look_at=at(5))], limits()),
    (job(), [], limits(spending=left(20))),
    (job(), [], limits(spending=left(19.9))),
    (job(), [], limits(spending=left(19.9), permits={})),
    (job(), [], limits(overspent=DEAR)),
    (job(), [], limits(overspent=DEAR, permits={})),
    (job(), [], limits(settling=SETTLING)),
    (job(), [], limits(settling=SETTLING, spending=left(1))),
    (job(), [], limits(permits={})),
    (job(history=None), [], limits(permits={})),
    (job(history=None), [], limits(permits={}, looks=0)),
    (job(history=history(readable=False)), [], limits(permits={})),
    (job(history=history(digest=OTHER_DIGEST)), [], limits(permits={})),
    (job(), [], limits(permits={KEY: ADMITTED})),
    (job(), [], limits(permits={KEY: Permit()})),
    (job(), [], limits(permits={KEY: Permit(batch=BATCH)})),
    (job(), [], limits(permits={KEY: Permit(batch=BATCH)}, settling=SETTLING)),
    (job(history=None), [], limits(permits={KEY: Permit(batch=BATCH)})),
    (job(history=None), [], limits(permits={KEY: Permit(batch=BATCH, is_listed=False)})),
    (job(history=None), [], limits(permits={KEY: Permit(batch=BATCH, is_listed=False)}, looks=0)),
    (job(history=history(readable=False)), [], limits(permits={KEY: Permit(batch=BATCH, is_listed=False)})),
    (job(), [], limits(permits={KEY: Permit(batch=BATCH, is_listed=False)})),
    (job(history=history(at=at(-301))), [], limits(permits={KEY: Permit(batch=BATCH, is_listed=False)})),
    (asks(rerun=1), [succeeded()], limits(permits={KEY: ADMITTED})),
    (job(), [], among(FIRST)),
    (job(), [], among(LAST)),
    (job(problems=BROKEN), [], among(FIRST)),
    (asks(hold=True), [], among(FIRST)),
    (job(), [], among(replace(FIRST, problems=BROKEN))),
    (job(), [], among(replace(FIRST, wanted=wanted(hold=True)))),
    (job(), [], among(replace(FIRST, wanted=wanted(credentials_ref="none")), without_keys=frozenset({"none"}))),
    (asks(labels=(("team", "x"),)), [], among(FIRST, selector=("team=x",))),
    (job(), [], among(replace(FIRST, wanted=None), runs=(succeeded(job="a"),))),
    (job(), [], among(FIRST, runs=(refused(Refusal.BODY, job="a"),))),
    (job(), [], among(FIRST, runs=(refused(Refusal.RATE, job="a"),))),
    (job(), [refused(Refusal.RATE)], among(LAST, runs=(refused(Refusal.RATE),))),
    (job(), [], among(LAST, runs=(accepted(job="z"),))),
    (job(), [], among(LAST, runs=(succeeded(job="z", digest=OTHER_DIGEST),))),
    (job(), [failed()], among(LAST, runs=(failed(), succeeded(job="z", number=2)))),
    (asks(rerun=1), [], among(LAST, runs=(succeeded(job="z"),))),
    (asks(rerun=1), [], among(LAST, runs=(succeeded(job="z", rerun=1),))),
    (job(), [], among(LAST, runs=(failed(job="z", number=1), succeeded(job="a", number=2)))),
    (job(), [], among(LAST, runs=(unknown(job="z", number=1), failed(job="a", number=2)))),
    (job(), [], among(LAST, runs=(accepted(job="z", number=1), unknown(job="a", number=2)))),
    (job(), [], among(replace(LAST, wanted=wanted(retries=1)), runs=(failed(job="z"),))),
    (job(), [], among(LAST, runs=(failed(job="z"),))),
    (job(), [], among(LAST, runs=(unconfirmed(job="z", look_at=None),))),
    (job(), [], among(replace(LAST, wanted=None), runs=(unconfirmed(job="z", look_at=None),))),
    (job(), [], among(replace(LAST, wanted=None), runs=(unconfirmed(job="z"),))),
    (job(), [], among(replace(LAST, wanted=wanted(retries=1, hold=True)), runs=(failed(job="z"),))),
    (job(), [], among(replace(LAST, wanted=wanted(retries=1), problems=BROKEN), runs=(failed(job="z"),))),
    (job(), [], among(replace(LAST, wanted=wanted(retries=1, digest=OTHER_DIGEST)), runs=(failed(job="z"),))),
    (
        job(),
        [],
        among(
            replace(LAST, wanted=wanted(retries=1)),
            runs=(failed(job="z", number=1), refused(Refusal.BODY, job="z", attempt=1, number=2)),
        ),
    ),
]


def seen(time: float, *names: str, since: float | None = None, **different: object) -> Evidence:
    objects = tuple(stored(name) for name in names)
    return evidence(at=at(time), since=at(time if since is None else since), objects=objects, **different)


BOTH = ("default.tif", "preview.jpg")
LOOKS: list[tuple[Evidence | None, float]] = [
    (None, 0),
    (seen(0), 0),
    (seen(590), 590),
    (seen(600), 600),
    (seen(600, "default.tif"), 600),
    (seen(3600), 3600),
    (seen(5, *BOTH), 5),
    (seen(15, *BOTH, since=5), 15),
    (seen(14, *BOTH, since=5), 14),
    (seen(15, *BOTH, since=5, spent=0.0), 15),
    (seen(15, *BOTH, since=5, error="boom"), 15),
    (seen(0, error="boom", spent=1.0), 0),
    (seen(15, *BOTH, since=5, readable=False), 15),
    (seen(600, *BOTH, readable=False), 600),
    (seen(90_000, "default.tif", readable=False), 90_000),
]

NEXT_STEP_MUTANTS = [
    ("a wish that is no wait is not returned", "    if not isinstance(first, Wait):\n        return first\n", ""),
    ("nothing is followed", "    if due:\n        return due[0]\n", ""),
    ("the farthest time", "min(times, default=None)", "max(times, default=None)"),
    ("a removed job is rejected", "_rejection(job) if job.problems else Reason.REMOVED", "_rejection(job)"),
    ("a broken manifest is paid for", "Wait(reason=_rejection(job)) if job.problems else Submit(", "Submit("),
    ("a broken manifest pays for a retry", "if again is None or job.problems:", "if again is None:"),
    ("a retry repeats its attempt", "attempt=current.attempt + 1", "attempt=current.attempt"),
    ("a retry does not wait", "    if again > now:", "    if again < now and False:"),
    ("another digest is in force", "item.digest == wanted.digest and not item.is_refused", "not item.is_refused"),
    (
        "a refused one is in force",
        "item.digest == wanted.digest and not item.is_refused",
        "item.digest == wanted.digest",
    ),
    (
        "a lower rerun pays",
        "covering = [item for item in known if item.rerun >= wanted.rerun]",
        "covering = [item for item in known if item.rerun == wanted.rerun]",
    ),
    ("any rerun answers", "in known if item.rerun >= wanted.rerun", "in known"),
    (
        "the first attempt is in force",
        "return submission.rerun, submission.attempt",
        "return submission.rerun, -submission.attempt",
    ),
    ("what is not due is done", "submission.look_at > now:", "submission.look_at < now:"),
    ("what is due waits", "submission.look_at > now:", "submission.look_at >= now:"),
    ("what is gone is asked for", "is Answer.ACCEPTED and submission.gone_at is None", "is Answer.ACCEPTED"),
    ("an intent is followed", "if submission.answer in (None, Answer.REFUSED) or", "if"),
    ("always searching", "Reason.SEARCHING if submission.look_at else Reason.NEEDS_PERSON", "Reason.SEARCHING"),
    ("overdue a moment late", "now >= submission.intended_at", "now > submission.intended_at"),
    (
        "resubmitted while it is searched",
        "submission.evidence if submission.look_at is None else None",
        "submission.evidence",
    ),
    ("resubmitted with an unreadable bucket", "seen.readable and not seen.objects", "not seen.objects"),
    ("resubmitted although something is there", "seen.readable and not seen.objects", "seen.readable"),
    ("resubmitted without being asked", 'lost_at if limits.policy.on_unconfirmed == "resubmit" else None', "lost_at"),
    ("resubmitted beside one that was found", "if item.outcome is not Outcome.FAILED), key", "if False), key"),
    ("a failed one answers for an unconfirmed retry", "if item.outcome is not Outcome.FAILED), key", "), key"),
    ("one that others stand in for used up a retry", "1 + current.attempt - sum(", "1 + current.attempt + 0 * sum("),
    (
        "resubmitted without asking of the others",
        "all(_was_sought_in_vain(item) for item in",
        "any(_was_sought_in_vain(item) for item in",
    ),
    ("what is unknown is retried", "current.outcome is not Outcome.FAILED or", "current.outcome is None or"),
    ("a failure under a higher rerun is retried", " or current.rerun != wanted.rerun", ""),
    ("one retry too many", "if runs > wanted.retries", "if runs > wanted.retries + 1"),
    ("one retry too few", "if runs > wanted.retries", "if runs >= wanted.retries"),
    ("a refused body is sent again", "Refusal.BODY in refused or spurious", "spurious"),
    ("a spurious 400 is final", "spurious >= SPURIOUS_TRIES", "spurious"),
    ("a spurious 400 is tried for ever", " or spurious >= SPURIOUS_TRIES", ""),
    ("any refusal backs off", "if not times or last is None", "if last is None"),
    ("refusals do not matter", "    if refusal:\n        return refusal\n", ""),
    ("hold, pause, keys and price do not matter", "    if waits_for:\n        return Wait(reason=waits_for)\n", ""),
    ("a shut gate is open", "limits.opens_at > now", "limits.opens_at < now"),
    ("places do not matter", "else limits.slots > 0", "else limits.slots >= 0"),
    ("history does not matter", "return (step or submit) if may_go", "return submit if may_go"),
    (
        "a bucket that hangs is listed again",
        "may_go = limits.may_begin(wanted.bucket) if isinstance(step, List) else",
        "may_go =",
    ),
    ("a trial does not matter", "_own_hold(wanted, limits) or (", "_own_hold(wanted, limits) if wanted else ("),
    ("a trial hides a hold", "_own_hold(wanted, limits) or (ruling.hold", "(ruling.hold"),
    ("a hold does not matter", "    if wanted.hold:", "    if not wanted:"),
    ("a warning does not matter", "    if holding_warnings(", "    if not holding_warnings("),
    ("a label does not matter", "    if not is_selected(", "    if is_selected("),
    ("a pause does not matter", "    if limits.paused:", "    if not limits:"),
    ("a missing key pair does not matter", "wanted.credentials_ref in limits.without_keys", "not wanted"),
    ("an unknown price does not matter", "Reason.COST_UNKNOWN if ceiling is None else None", "None"),
    ("approval is never needed", "estimate.upper > limits.policy.approval_above", "estimate.upper < 0"),
    ("approval is needed at the limit", "upper > limits.policy", "upper >= limits.policy"),
    ("any ceiling is an approval", "(ceiling is None or ceiling < estimate.upper)", "ceiling is None"),
    ("another digest's history counts", "history.digest != wanted.digest or", ""),
    ("a stale history counts", " or _is_stale(history, limits, now)", ""),
    ("a history from before the run counts for its retry", " or is_past or ", " or "),
    ("an unread history counts", "history.readable or limits.history_known", "True"),
    ("a known history does not count", "history.readable or limits.history_known", "history.readable"),
    ("the guard does not matter", "    if guarded:\n        return guarded\n", ""),
    (
        "what is held for a missing batch is paid for",
        "    if permit and not permit.is_admitted:",
        "    if permit and permit.batch:",
    ),
    ("a large change is paid for", "    if permit and not permit.is_admitted:", "    if permit and not permit:"),
    (
        "a large change is not listed first",
        "permit.is_listed, limits, now) or Wait(reason=Reason.LARGE",
        "True, limits, now) or Wait(reason=Reason.LARGE",
    ),
    ("what was overspent stops nobody", "permit and limits.overspent", "not permit and limits.overspent"),
    ("the budget is no ceiling", "not limits.spending.allows(reservation(wanted))", "not limits.spending"),
    ("the budget stops everybody", "not limits.spending.allows(reservation(wanted))", "True"),
    ("the budget never opens", "until=next_month(now)", "until=None"),
    (
        "a moving tree is paid for",
        "    if limits.settling:\n        return Wait(reason=Reason.SETTLING",
        "    if not limits:\n        return Wait(reason=Reason.SETTLING",
    ),
    (
        "what nobody ruled on is paid for",
        "    if permit:\n        return None\n",
        "    if not permit:\n        return None\n",
    ),
    (
        "too many listings at once",
        "isinstance(step, List) and not limits.may_look(wanted.bucket) else",
        "isinstance(step, List) and limits.looks < 0 else",
    ),
    ("what was listed is listed again", "None if is_listed or is_read(job, limits) else", "None if is_listed else"),
]

SHARED_MUTANTS = [
    (
        "a run of its own does not matter",
        "    if current is None:\n        run =",
        "    if wanted:\n        run =",
    ),
    ("another attempt is paid beside what is delivered", "_may_deliver(item, current, was_taken)", "0"),
    ("a run that failed serves who has one", "not (was_taken and run.outcome", "not (0 and run.outcome"),
    ("a run that failed serves no one", "(was_taken and run.outcome is", "(run.outcome is"),
    ("a refused run serves", "return not run.is_refused and not (", "return not ("),
    ("what is searched for does not serve", "run.look_at is not None or (run.rerun >", "(run.rerun >"),
    ("what was not found serves no one", " or (run.rerun > current.rerun and not was_taken)", ""),
    ("of equals, each waits for the other", "run.rerun > current.rerun", "run.rerun >= current.rerun"),
    ("what was not found serves who has a run", " and not was_taken)", ")"),
    ("one that is over is served by others", "pays_again(wanted, current, submissions, limits) is not None", "True"),
    ("another name's run does not matter", "    if run is not None:\n", "    if not job:\n"),
    ("a refused run is shared", "and not item.is_refused and item.rerun", "and item.rerun"),
    ("a run of a lower rerun is shared", " and item.rerun >= wanted.rerun)", ")"),
    ("only a run of a lower rerun is shared", "item.rerun >= wanted.rerun)", "item.rerun < wanted.rerun)"),
    ("failed goes before delivered", "Outcome.SUCCEEDED: 3, None: 2", "Outcome.SUCCEEDED: -1, None: 2"),
    ("Unknown goes before open", "None: 2, Outcome.UNKNOWN: 1", "None: 1, Outcome.UNKNOWN: 2"),
    ("failed goes before Unknown", "Outcome.UNKNOWN: 1, Outcome.FAILED: 0", "Outcome.UNKNOWN: 0, Outcome.FAILED: 1"),
    ("an operator is never asked", "    if run is not None and shared.is_abandoned and", "    if not shared and"),
    ("an operator is asked twice", "if run is not None and shared.is_abandoned and", "if run is not None and"),
    (
        "an operator is asked too early",
        " and run.look_at is None:\n        return Reason.NEEDS_PERSON",
        ":\n        return Reason.NEEDS_PERSON",
    ),
    (
        "a failure is waited for",
        "or run.outcome is None or shared.is_tried_again:",
        "or run.outcome is not Outcome.SUCCEEDED:",
    ),
    (
        "a retry of another is not waited for",
        " or shared.is_tried_again:\n        return Reason",
        ":\n        return Reason",
    ),
    ("what runs is delivered", "run is None or run.outcome is None or shared", "run is None or shared"),
    ("a broken manifest pays for a retry of another", " or owner.problems:", ":"),
    (
        "a held job pays for a retry of another",
        "    if is_unable(owner.name, owner.wanted, limits):",
        "    if not owner:",
    ),
    ("a retry that was refused is waited for", " or is_refused_for_good(following, owner.wanted, own):", ":"),
    (
        "a retry of what is not wanted is waited for",
        "    if current is None or current.number != run.number or",
        "    if",
    ),
    ("everyone pays alone", "if peers.is_alone(job.name, wanted.digest):", "if peers:"),
    (
        "the last one pays",
        'if not _may_ask(job, wanted, peers, limits):\n        return ""',
        'if not job:\n        return ""',
    ),
    (
        "nobody waits for another",
        "return first.name if first and first.name != job.name",
        "return first.name if not job",
    ),
    ("a yes to a set is waited for", "for each in able if not _needs_yes(each, limits)", "for each in able"),
    ("what serves less is waited for", "free.wanted.rerun >= wanted.rerun", "bool(free)"),
    (
        "nothing free is waited for",
        "first = free if is_served or not _needs_yes(job, limits) else able",
        "first = able",
    ),
    ("of a set, everyone pays", "not _needs_yes(job, limits) else able", "not _needs_yes(job, limits) else None"),
    ("a broken one is waited for", "if job.problems or is_unable(", "if is_unable("),
    ("one that is held is waited for", "job.problems or is_unable(job.name, wanted, limits)", "job.problems"),
    (
        "one that was refused for good is waited for",
        "return not is_refused_for_good(Submit(rerun=wanted",
        "return (lambda *_: True)(Submit(rerun=wanted",
    ),
    (
        "a hold does not pass the turn on",
        "return is_left_out or hold_reason(name, wanted, limits) is not None",
        "return is_left_out",
    ),
    ("a missing key pair does not pass the turn on", " or lacks_keys(wanted, limits)\n", "\n"),
    ("a label does not pass the turn on", "not is_selected(wanted.labels, limits.selector) or", ""),
    ("its own name goes first", "if first and first.name != job.name", "if first"),
    ("names after it go first", "in able if not _needs_yes(each", "in able[::-1] if not _needs_yes(each"),
    ("of a set, names after it go first", "able[0] if able", "able[-1] if able"),
]

VERDICT_MUTANTS = [
    (
        "outputs win over an error",
        "evidence.error is not None:",
        "evidence.error is not None and not evidence.objects:",
    ),
    ("an error is unknown", "Outcome.FAILED", "Outcome.UNKNOWN"),
    ("what is missing is failed", "outcome=Outcome.UNKNOWN", "outcome=Outcome.FAILED"),
    ("an unread bucket is enough", "evidence.readable and not missing", "not missing"),
    ("a missing output is enough", "evidence.readable and not missing", "evidence.readable"),
    ("delivered is missing", "if not delivered_object(", "if delivered_object("),
    ("grace ends a moment late", "now < gone_at", "now <= gone_at"),
    ("grace never begins", "if now < gone_at + timedelta(seconds=timing.delivery_grace)", "if now < gone_at"),
    ("the later of two looks", "look_at = min(", "look_at = max("),
    ("one listing is enough", "if evidence.at < stable_at:", "if not evidence:"),
    ("ten seconds are not enough", "if evidence.at < stable_at:", "if evidence.at <= stable_at:"),
    ("stable is counted from now", "evidence.since + timedelta", "evidence.at + timedelta"),
    ("a late look is repeated", "if look > now", "if look >= now"),
    ("a cost of nothing is looked for", "if evidence.spent is None else None", "if not evidence.spent else None"),
    ("a cost is never looked for", "late_look(gone_at, now, timing) if evidence.spent is None else None", "None"),
    ("partly is nothing", "len(missing) < declared", "len(missing) > declared"),
    ("unreadable is nothing", "    if not evidence.readable:", "    if not evidence:"),
    ("unknown is let go", "message=message, look_at=late)", "message=message, look_at=None)"),
    ("an unread bucket is given up", "if late is None and not evidence.readable:", "if not evidence:"),
]


@cache
def source(module: ModuleType) -> str:
    assert module.__file__ is not None
    return Path(module.__file__).read_text(encoding="utf-8")


def mutant(modules: tuple[ModuleType, ...], old: str, new: str) -> ModuleType:
    """The modules as one, with one text replaced; it must be there exactly once, so that no mutant is idle."""
    texts = [source(each) for each in modules]
    number = sum(text.count(old) for text in texts)
    assert number == 1, f"{old!r} is {number} times in {modules[-1].__name__} and what it imports: mend the mutant"
    names = {each.__name__ for each in modules}
    body = [node for text in texts for node in ast.parse(text.replace(old, new)).body if not _imports(node, names)]
    changed = ModuleType(f"mutant_of_{modules[-1].__name__}")
    exec(compile(ast.Module(body=body, type_ignores=[]), "<mutant>", "exec"), changed.__dict__)
    return changed


def _imports(node: ast.stmt, names: set[str]) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module in names


def answered(ask: Callable[..., object], *given: object) -> str:
    """What a call answers in a turn of its own; a mutant that falls over answers, too."""
    fresh = (replace(each, payers={}) if isinstance(each, Limits) else each for each in given)
    try:
        return repr(ask(*fresh))
    except (AttributeError, TypeError, ValueError) as error:
        return type(error).__name__


def steps(module: ModuleType) -> list[str]:
    return [answered(module.next_step, *case, NOW) for case in STEPS]


def verdicts(module: ModuleType) -> list[str]:
    return [answered(module.verdict, found, (TIFF, JPEG), NOW, at(now), TIMING) for found, now in LOOKS]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new"), [pytest.param(old, new, id=name) for name, old, new in [*NEXT_STEP_MUTANTS, *SHARED_MUTANTS]]
)
def test_a_mutant_of_next_step_is_caught(old: str, new: str) -> None:
    assert steps(mutant(NEXT_STEP, old, new)) != steps(controller.lifecycle.next_step)


@pytest.mark.parametrize(("old", "new"), [pytest.param(old, new, id=name) for name, old, new in VERDICT_MUTANTS])
def test_a_mutant_of_the_verdict_is_caught(old: str, new: str) -> None:
    assert verdicts(mutant(VERDICT, old, new)) != verdicts(controller.lifecycle.verdict)


@pytest.mark.parametrize(
    ("modules", "text"),
    [(NEXT_STEP, "return (step or submit) if may_go"), (VERDICT, "def verdict(")],
    ids=["next step", "verdict"],
)
def test_an_unchanged_copy_is_no_mutant(modules: tuple[ModuleType, ...], text: str) -> None:
    """The comparison itself sees no difference where there is none."""
    ask = steps if modules is NEXT_STEP else verdicts
    assert ask(mutant(modules, text, text)) == ask(modules[-1])
