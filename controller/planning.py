"""The plan: what the loop would do, found by turning it on a copy of the ledger (DESIGN §7).

Listings of the bucket are carried out, because a first submission depends on them and they cost nothing; every POST
is only noted down. Where the key pair is not at hand, as on a machine that only checks pull requests, no history is
assumed and the row says so.
"""

import sys
from collections import deque
from collections.abc import Collection, Mapping
from typing import Any

from controller.answers import Listing
from controller.assembly import bucket_of, rehearsal
from controller.book import Book
from controller.clock import Clock
from controller.settings import Settings
from controller.standing import Phase
from controller.submission import Submission
from controller.workers import Call, Look, Looked, Post

ACTIONS = {
    Phase.INVALID: "invalid",
    Phase.HELD: "hold back",
    Phase.PENDING: "wait",
    Phase.SUBMITTING: "follow",
    Phase.UNCONFIRMED: "search",
    Phase.RUNNING: "follow",
    Phase.VERIFYING: "follow",
}


def plan(settings: Settings) -> list[dict[str, Any]]:
    """One row for each job and each document that cannot be accepted, in the order of the files."""
    now, calls, posts = Clock().now(), deque[Call](), dict[str, Post]()
    # Every job that will be submitted is shown, not only those for which a place is free at once.
    boundless = settings.model_copy(update={"max_running": sys.maxsize})
    bucket = bucket_of(settings)
    keyless = {name for name, each in settings.credentials.items() if not (each.access_key or each.folder)}
    with rehearsal(boundless, lambda _news: None, calls.append) as assembly:
        assembly.loop.start(now)
        assembly.loop.turn([], now)
        while calls:
            call = calls.popleft()
            if isinstance(call, Post):
                posts[call.submission.job] = call
            elif isinstance(call, Look) and call.step.submission is None:
                unlisted = call.step.credentials_ref in keyless
                answer = (
                    Listing()
                    if unlisted
                    else bucket.read(call.step.prefix, call.step.credentials_ref, only=call.step.only)
                )
                assembly.loop.turn([Looked(call=call, answer=answer)], now)
        return [_row(document, assembly.book, posts, keyless) for document in assembly.documents(now)]


def _row(
    document: Mapping[str, Any], book: Book, posts: Mapping[str, Post], keyless: Collection[str]
) -> dict[str, Any]:
    name = document.get("name", "")
    job, post = book.jobs.get(name), posts.get(name)
    estimate = job.wanted.estimate if job and job.wanted else None
    row = {
        "name": name or "(no name)",
        "action": "submit" if post else ACTIONS.get(Phase(document["phase"]), "nothing"),
        "phase": document["phase"],
        "expected": estimate.expected if estimate else None,
        "upper": estimate.upper if estimate else None,
        "reserved": post.submission.reserved if post else None,
        "prefix": post.submission.prefix if post else None,
        "why": _why_submitted(post.submission, book, keyless) if post else document["message"],
    }
    return {key: value for key, value in row.items() if value is not None}


def _why_submitted(submission: Submission, book: Book, keyless: Collection[str]) -> str:
    if submission.credentials_ref in keyless:
        return f"no history is assumed: the key pair of {submission.credentials_ref} is not here to list its bucket"
    earlier = [item for item in book.of(submission.job) if item.number != submission.number]
    if not earlier:
        return "new"
    if all(item.digest != submission.digest for item in earlier):
        return f"changed: generation {submission.generation}"
    return f"attempt {submission.attempt + 1}" if submission.attempt else f"rerun {submission.rerun}"
