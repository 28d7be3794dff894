"""What each address of the sandbox answers; `server` brings the calls and takes the answers to the socket.

The order of the checks is that of a service behind a gateway: token, rate, body, account, room. Source: reference page
"Asynchronous Processing API" §§1, 4, 7.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from controller.sandbox import replies, validation
from controller.sandbox.faults import Fault, FaultError, Faults, Moment
from controller.sandbox.ledger import Ledger
from controller.sandbox.limits import Allowance, RateLimit
from controller.sandbox.options import SandboxOptions, ScriptCheck
from controller.sandbox.replies import Reply, error_reply, json_reply
from controller.sandbox.runs import Examine, Runs, digest_of
from controller.sandbox.tokens import TOKEN_PATHS, Tokens
from controller.script import ScriptFailure

PROCESS_PATHS = ("/api/v1/async/process", "/async/v1/process")
RUNNING = "RUNNING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request, wholly read; `headers` has lowercase names and `path` no query."""

    method: str
    path: str
    headers: Mapping[str, str]
    content: bytes = b""

    def header(self, name: str) -> str:
        return self.headers.get(name, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything the routes work with; one of each per program."""

    options: SandboxOptions
    runs: Runs
    tokens: Tokens
    rate: RateLimit
    allowance: Allowance
    faults: Faults
    ledger: Ledger
    examine: Examine
    monotonic: Callable[[], float]


Route = Callable[[Call], Reply]


class Routes:
    """Answers calls. Safe to use from many threads."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def answer(self, call: Call) -> Reply:
        """The answer to any call, right or wrong."""
        methods = self._methods(call.path)
        if methods is None:
            return replies.not_found(f"The address {call.path}")
        if call.method not in methods:
            allowed = {"Allow": ", ".join(sorted(methods))}
            message = f"{call.method} is not allowed here."
            return error_reply(405, "COMMON_METHOD_NOT_ALLOWED", message, headers=allowed)
        return methods[call.method](call)

    def reset_before_read(self) -> bool:
        """Whether a POST that arrives now is to be cut off unread; only `server` can do that."""
        fault = self._desk.faults.claim(Moment.ARRIVE)
        if fault is not None:
            self._desk.ledger.add("fault", message=fault.name)
        return fault is not None

    def _methods(self, path: str) -> Mapping[str, Route] | None:
        if path in TOKEN_PATHS:
            return {"POST": self._token}
        if path in PROCESS_PATHS:
            return {"POST": self._submit}
        if path.startswith(tuple(f"{known}/" for known in PROCESS_PATHS)):
            return {"GET": self._status}
        own: Mapping[str, Mapping[str, Route]] = {
            "/sandbox/health": {"GET": self._health},
            "/sandbox/ledger": {"GET": self._ledger},
            "/sandbox/faults": {"GET": self._list_faults, "POST": self._add_fault, "DELETE": self._clear_faults},
        }
        return own.get(path)

    def _token(self, call: Call) -> Reply:
        reply = self._desk.tokens.issue(call.content, call.header("content-type"), call.header("authorization"))
        reply = self._struck(Moment.TOKEN, reply)
        self._desk.ledger.add("token", status=reply.status)
        return reply

    def _submit(self, call: Call) -> Reply:
        body = _parsed(call.content)
        url = delivery_url(body)
        self._desk.ledger.add("post", prefix=url, digest=digest_of(body))
        refusal = self._refusal(call, body, url)
        if refusal is None:
            request = self._desk.runs.accept(body, url)
            if request is not None:
                return self._struck(Moment.AFTER, _running(request.id), url, request.id)
            refusal = replies.too_many_concurrent()
        self._record_refusal(refusal, url)
        return refusal

    def _refusal(self, call: Call, body: Any, url: str) -> Reply | None:
        """Why this POST is not taken, before there is the question of room."""
        if (early := self._gate(call)) is not None:
            return early
        if fault := self._claimed(Moment.BEFORE, url):
            return fault.answer(_running(""))
        if call.header("content-type").partition(";")[0].strip().lower() != "application/json":
            message = "The content type must be application/json."
            return error_reply(415, "COMMON_UNSUPPORTED_MEDIA_TYPE", message)
        if not call.content.strip():
            return replies.empty_body()
        if body is None:
            return error_reply(400, "COMMON_BAD_PAYLOAD", "The body is not valid JSON.")
        return validation.refuse(body) or self._script_refusal(body) or self._account_refusal()

    def _gate(self, call: Call) -> Reply | None:
        """What every API call passes first: token, then rate."""
        if (refusal := self._desk.tokens.refuse(call.header("authorization"))) is not None:
            return refusal
        milliseconds = self._desk.rate.take()
        return replies.too_many_calls(milliseconds) if milliseconds else None

    def _script_refusal(self, body: Mapping[str, Any]) -> Reply | None:
        if self._desk.options.script_check is ScriptCheck.AT_RUN or "evalscript" not in body:
            return None
        facts = self._desk.examine(body["evalscript"])
        return error_reply(400, "RENDERER_EXCEPTION", facts.message) if isinstance(facts, ScriptFailure) else None

    def _account_refusal(self) -> Reply | None:
        return replies.quota_exhausted() if self._desk.allowance.is_exhausted(datetime.now(UTC)) else None

    def _status(self, call: Call) -> Reply:
        id = call.path.rpartition("/")[2]
        request = self._desk.runs.requests.find(id)
        reply = self._gate(call) or self._status_answer(id)
        reply = self._struck(Moment.STATUS, reply, request.url if request else "", id)
        self._desk.ledger.add("status", id=id, prefix=request.url if request else "", status=reply.status)
        return reply

    def _status_answer(self, id: str) -> Reply:
        if self._desk.runs.requests.is_visible(id, self._desk.monotonic()):
            return _running(id)
        return replies.not_found(f"The request {id}")

    def _health(self, _: Call) -> Reply:
        return json_reply(200, {"status": "ok", "running": self._desk.runs.requests.count()})

    def _ledger(self, _: Call) -> Reply:
        return json_reply(200, {"entries": [entry.as_document() for entry in self._desk.ledger.entries()]})

    def _list_faults(self, _: Call) -> Reply:
        return json_reply(200, {"faults": [fault.as_document() for fault in self._desk.faults.shown()]})

    def _add_fault(self, call: Call) -> Reply:
        try:
            self._desk.faults.add(Fault.from_document(_parsed(call.content)))
        except FaultError as error:
            return error_reply(400, "COMMON_BAD_PAYLOAD", str(error))
        return self._list_faults(call)

    def _clear_faults(self, call: Call) -> Reply:
        self._desk.faults.clear()
        return self._list_faults(call)

    def _struck(self, moment: Moment, reply: Reply, url: str = "", id: str = "") -> Reply:
        """`reply`, or what a fault switched on for this moment makes of it."""
        fault = self._claimed(moment, url, id)
        return fault.answer(reply) if fault else reply

    def _claimed(self, moment: Moment, url: str = "", id: str = "") -> Fault | None:
        fault = self._desk.faults.claim(moment, url)
        if fault is not None:
            self._desk.ledger.add("fault", id=id, prefix=url, message=fault.name)
        return fault

    def _record_refusal(self, reply: Reply, url: str) -> None:
        told = _parsed(reply.content)
        error = told.get("error", {}) if isinstance(told, dict) else {}
        code, message = error.get("code", ""), error.get("message", "")
        self._desk.ledger.add("refused", prefix=url, status=reply.status, code=code, message=message)


def delivery_url(body: object) -> str:
    """The delivery URL of a body of any shape; empty when there is none."""
    for name in ("output", "delivery", "s3", "url"):
        body = body.get(name) if isinstance(body, dict) else None
    return body if isinstance(body, str) else ""


def _running(id: str) -> Reply:
    return json_reply(200, {"id": id, "status": RUNNING})


def _parsed(content: bytes) -> Any:
    """The JSON value of a body, None when it is not JSON (`NaN` and `Infinity` are not)."""
    try:
        return json.loads(content, parse_constant=_not_json)
    except (ValueError, RecursionError):
        return None


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
