"""The kinds of faults to inject: one table of named kinds, each with the moment it strikes and its effect.

`faults` switches them on. What each represents at the real service is in reference pages "Asynchronous Processing API"
§§2, 4, 5 and "Open questions: Async API" A, B, C.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from controller.sandbox.faults.parcel import Item, Parcel
from controller.sandbox.replies import (
    Reply,
    empty_body,
    error_document,
    error_reply,
    forbidden,
    html_reply,
    json_reply,
    quota_exhausted,
    too_many_calls,
    too_many_concurrent,
    unauthorized,
)

Parameters = Mapping[str, float]
Answers = Callable[[Reply, Parameters], Reply]
Reshapes = Callable[[Parcel, Parameters], Parcel]


class Moment(StrEnum):
    """When a fault strikes."""

    ARRIVE = "before a POST is read"
    BEFORE = "after a POST is read, before it is processed"
    AFTER = "after a POST is processed"
    STATUS = "at a GET"
    TOKEN = "at a token request"
    FOLLOW = "at every GET of one accepted request"
    DELIVER = "when one accepted request delivers"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """One row: `answers` makes the reply to a call (from the true one), `reshapes` changes what a request delivers."""

    name: str
    moment: Moment
    parameters: Parameters = field(default_factory=dict)
    answers: Answers | None = None
    reshapes: Reshapes | None = None


def _delivering(**changes: Any) -> Reshapes:
    return lambda parcel, _: replace(parcel, **changes)


def _sent(**changes: Any) -> Answers:
    return lambda reply, _: replace(reply, **changes)


def _answering(reply: Reply) -> Answers:
    return lambda *_: reply


def _rate_limit(_: Reply, settings: Parameters) -> Reply:
    return too_many_calls(settings["milliseconds"])


def _error_item(status: int, code: str, message: str) -> Item:
    return Item(name="error.json", content=json_reply(status, error_document(status, code, message)).content)


def _failed(parcel: Parcel, settings: Parameters) -> Parcel:
    message = "Illegal request to https://source.example/scene.jp2. HTTP Status: 404."
    items = (_error_item(500, "RENDERER_EXCEPTION", message),)
    return replace(parcel, items=items, failure=message, late=settings.get("seconds", 0.0))


def _error_beside_outputs(parcel: Parcel, _: Parameters) -> Parcel:
    message = "The run failed after its outputs were written."
    error = _error_item(400, "COMMON_EXCEPTION", message)
    return replace(parcel, items=(*parcel.items, error), failure=message)


def _malformed_error(parcel: Parcel, _: Parameters) -> Parcel:
    error = Item(name="error.json", content=b'{"status": 400, "message": "The run fai')
    return replace(parcel, items=(error,), failure="The run failed, and its error.json is cut off.")


def _foreign(parcel: Parcel, _: Parameters) -> Parcel:
    stranger = Item(name="notes.json", content=b'{"note": "not written by the service"}')
    return replace(parcel, items=(*parcel.items, stranger))


def _emptied(parcel: Parcel, _: Parameters) -> Parcel:
    return replace(parcel, items=tuple(replace(item, content=b"") for item in parcel.items))


_ACCOUNT_MAY_NOT = forbidden("This account may not use the Async API.")
_EXPIRED = unauthorized("The access token has expired.")
_NO_STATUS = error_reply(500, "COMMON_EXCEPTION", "The status cannot be read at the moment.")
_NO_DATABASE = error_reply(500, "COMMON_DATABASE_ERROR", "The database cannot be reached.")
_BROKEN_JSON = Reply(status=200, content=b'{"id":"0b9c-')
_TOO_MANY_TOKENS = json_reply(429, {"error": "slow_down", "error_description": "Too many token requests."})
_NO_TOKEN = json_reply(500, {"message": "unexpected"})  # without the `error` that OAuth libraries look for

_ROWS = (
    FaultKind(name="reset-before-read", moment=Moment.ARRIVE),
    FaultKind(name="reset-while-read", moment=Moment.ARRIVE, parameters={"bytes": 100}),
    FaultKind(name="refuse-502-before", moment=Moment.BEFORE, answers=_answering(html_reply(502))),
    FaultKind(name="error-500-before", moment=Moment.BEFORE, answers=_answering(_NO_DATABASE)),
    FaultKind(name="rate-429", moment=Moment.BEFORE, parameters={"milliseconds": 3398}, answers=_rate_limit),
    FaultKind(
        name="rate-429-bare",
        moment=Moment.BEFORE,
        parameters={"milliseconds": 3398},
        answers=lambda reply, settings: _rate_limit(reply, settings).bare(),
    ),
    FaultKind(name="concurrency-429", moment=Moment.BEFORE, answers=_answering(too_many_concurrent())),
    FaultKind(name="spurious-400", moment=Moment.BEFORE, answers=_answering(empty_body())),
    FaultKind(name="unauthorized-401", moment=Moment.BEFORE, answers=_answering(_EXPIRED)),
    FaultKind(name="forbidden-403", moment=Moment.BEFORE, answers=_answering(_ACCOUNT_MAY_NOT)),
    FaultKind(name="quota-403", moment=Moment.BEFORE, answers=_answering(quota_exhausted())),
    FaultKind(name="answer-lost", moment=Moment.AFTER, answers=_sent(hang_up=True)),
    FaultKind(
        name="reset-answer",
        moment=Moment.AFTER,
        parameters={"bytes": 40},
        answers=lambda reply, settings: replace(reply, cut_at=int(settings["bytes"])),
    ),
    FaultKind(name="corrupt-tls", moment=Moment.AFTER, answers=_sent(garbled=True)),
    FaultKind(name="malformed-answer", moment=Moment.AFTER, answers=_answering(_BROKEN_JSON)),
    FaultKind(name="duplicate-answer", moment=Moment.AFTER, answers=_sent(copies=2)),
    FaultKind(
        name="drip-answer",
        moment=Moment.AFTER,
        parameters={"seconds": 0.05},
        answers=lambda reply, settings: replace(reply, drip=settings["seconds"]),
    ),
    FaultKind(
        name="slow-answer",
        moment=Moment.AFTER,
        parameters={"seconds": 5},
        answers=lambda reply, settings: reply.later(settings["seconds"]),
    ),
    FaultKind(name="refuse-502-after", moment=Moment.AFTER, answers=_answering(html_reply(502))),
    FaultKind(name="timeout-504-after", moment=Moment.AFTER, answers=_answering(html_reply(504))),
    FaultKind(name="status-500", moment=Moment.STATUS, answers=_answering(_NO_STATUS)),
    FaultKind(name="status-502", moment=Moment.STATUS, answers=_answering(html_reply(502))),
    FaultKind(name="status-401", moment=Moment.STATUS, answers=_answering(_EXPIRED)),
    FaultKind(name="status-429", moment=Moment.STATUS, parameters={"milliseconds": 3398}, answers=_rate_limit),
    FaultKind(name="status-lost", moment=Moment.STATUS, answers=_sent(hang_up=True)),
    FaultKind(name="token-503", moment=Moment.TOKEN, answers=_answering(html_reply(503))),
    FaultKind(name="token-500-bare", moment=Moment.TOKEN, answers=_answering(_NO_TOKEN)),
    FaultKind(name="token-429", moment=Moment.TOKEN, answers=_answering(_TOO_MANY_TOKENS)),
    FaultKind(name="token-dies-early", moment=Moment.TOKEN, parameters={"seconds": 1}),
    FaultKind(name="early-404", moment=Moment.FOLLOW, parameters={"seconds": 5}),
    FaultKind(name="flapping-404", moment=Moment.FOLLOW),
    FaultKind(
        name="lingering-200",
        moment=Moment.FOLLOW,
        parameters={"seconds": 5},
        reshapes=lambda parcel, settings: replace(parcel, lingers=settings["seconds"]),
    ),
    FaultKind(name="never-deliver", moment=Moment.DELIVER, reshapes=_delivering(items=(), silent=True)),
    FaultKind(
        name="partial-delivery",
        moment=Moment.DELIVER,
        reshapes=lambda parcel, _: replace(parcel, items=parcel.items[:-1]),
    ),
    FaultKind(name="zero-byte", moment=Moment.DELIVER, reshapes=_emptied),
    FaultKind(
        name="late-delivery",
        moment=Moment.DELIVER,
        parameters={"seconds": 5},
        reshapes=lambda parcel, settings: replace(parcel, late=settings["seconds"]),
    ),
    FaultKind(name="foreign-object", moment=Moment.DELIVER, reshapes=_foreign),
    FaultKind(name="bucket-refuses", moment=Moment.DELIVER, reshapes=_delivering(taken=0, has_copy=False)),
    FaultKind(name="bucket-fills", moment=Moment.DELIVER, reshapes=_delivering(taken=1)),
    FaultKind(name="run-fails", moment=Moment.DELIVER, reshapes=_failed),
    FaultKind(name="error-json-late", moment=Moment.DELIVER, parameters={"seconds": 5}, reshapes=_failed),
    FaultKind(name="error-json-malformed", moment=Moment.DELIVER, reshapes=_malformed_error),
    FaultKind(name="error-with-outputs", moment=Moment.DELIVER, reshapes=_error_beside_outputs),
    FaultKind(name="copy-never", moment=Moment.DELIVER, reshapes=_delivering(has_copy=False)),
    FaultKind(
        name="copy-late",
        moment=Moment.DELIVER,
        parameters={"seconds": 5},
        reshapes=lambda parcel, settings: replace(parcel, copy_late=settings["seconds"]),
    ),
    FaultKind(name="copy-in-root", moment=Moment.DELIVER, reshapes=_delivering(copy_in_root=True)),
)
KINDS: Mapping[str, FaultKind] = {kind.name: kind for kind in _ROWS}
