"""The reply of each route of the sandbox; `server` reads the calls and writes the replies to the socket.

The checks run in the order of a service behind a gateway: token, rate, body, account, free slots. Source: reference
page "Asynchronous Processing API" §§1, 4, 7.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from controller.sandbox import replies
from controller.sandbox.clock import SandboxClock
from controller.sandbox.extent import crs_address
from controller.sandbox.failure import RenderFailed, value_or_raise
from controller.sandbox.faults.faults import Fault, FaultError, Faults, Moment, written_in
from controller.sandbox.http import validation
from controller.sandbox.http.tokens import TOKEN_PATHS, IssuedTokens
from controller.sandbox.jobs.limits import Allowance, RateLimit
from controller.sandbox.jobs.runs import Examine, Runs, digest_of
from controller.sandbox.ledger import SandboxLedger
from controller.sandbox.options import SandboxOptions, ScriptCheck
from controller.sandbox.planet.products import product
from controller.sandbox.render.agreement import agreed
from controller.sandbox.render.projection import epsg_of
from controller.sandbox.replies import Reply, error_reply, json_reply

PROCESS_PATHS = ("/api/v1/async/process", "/async/v1/process")
RUNNING = "RUNNING"
DEEPEST_BODY = 100  # levels; no request has ten, and what looks through a body calls itself for each


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request, fully read; `headers` has lowercase names and `path` no query."""

    method: str
    path: str
    headers: Mapping[str, str]
    content: bytes = b""

    def header(self, name: str) -> str:
        return self.headers.get(name, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything the routes use; one per program. `rate`, `units` and `token_rate` are the rate limit policies."""

    options: SandboxOptions
    runs: Runs
    tokens: IssuedTokens
    rate: RateLimit
    units: RateLimit
    token_rate: RateLimit
    allowance: Allowance
    faults: Faults
    ledger: SandboxLedger
    examine: Examine
    clock: SandboxClock


Route = Callable[[Call], Reply]


class Routes:
    """Replies to calls. Thread-safe."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def answer(self, call: Call) -> Reply:
        """The reply to any call, valid or not; its delays are in real seconds."""
        methods = self._methods(call.path)
        if methods is None:
            return replies.not_found(f"The address {call.path}")
        if call.method not in methods:
            allowed = {"Allow": ", ".join(sorted(methods))}
            message = f"{call.method} is not allowed here."
            return error_reply(405, "COMMON_METHOD_NOT_ALLOWED", message, headers=allowed)
        reply = methods[call.method](call)
        if not reply.delay and not reply.drip:
            return reply
        real = self._context.clock.real
        return replace(reply, delay=real(reply.delay), drip=real(reply.drip))

    def cut_off_at(self) -> int | None:
        """How many bytes of its body to read before cutting off a POST that arrives now; only `server` can do that."""
        fault = self._context.faults.claim(Moment.ARRIVE)
        if fault is None:
            return None
        self._context.ledger.add("fault", message=fault.name)
        return int(fault.settings.get("bytes", 0))

    def _methods(self, path: str) -> Mapping[str, Route] | None:
        if path in TOKEN_PATHS:
            return {"POST": self._token}
        if path in PROCESS_PATHS:
            return {"POST": self._submit}
        if path.rpartition("/")[0] in PROCESS_PATHS:
            return {"GET": self._status}
        own: Mapping[str, Mapping[str, Route]] = {
            "/sandbox/health": {"GET": self._health},
            "/sandbox/ledger": {"GET": self._ledger},
            "/sandbox/faults": {"GET": self._list_faults, "POST": self._add_faults, "DELETE": self._clear_faults},
        }
        return own.get(path)

    def _token(self, call: Call) -> Reply:
        fault = self._claimed(Moment.TOKEN, (self._context.faults,))
        end = (
            self._context.clock.real(fault.settings["seconds"]) if fault and fault.name == "token-dies-early" else None
        )
        given = (call.content, call.header("content-type"), call.header("authorization"))
        reply = self._waits(self._context.token_rate, 1) or self._context.tokens.issue(*given, end)
        reply = fault.answer(reply) if fault else reply
        self._context.ledger.add("token", status=reply.status)
        return reply

    def _submit(self, call: Call) -> Reply:
        body = validation.with_booleans(_parsed(call.content))
        url = delivery_url(body)
        self._context.ledger.add("post", prefix=url, digest=digest_of(body))
        own = Faults()
        refusal = self._refusal(call, body, url, own)
        if refusal is None:
            request = self._context.runs.accept(body, url, own)
            if request is not None:
                fault = self._claimed(Moment.AFTER, (own, self._context.faults), url, request.id)
                return fault.answer(_running(request.id)) if fault else _running(request.id)
            refusal = self._too_much(replies.too_many_concurrent())
        self._record_refusal(refusal, url)
        return refusal

    def _asked_for(self, body: Any, own: Faults) -> Reply | None:
        """Switches on the faults that the script requests in `own`, or returns the refusal when they are invalid."""
        script = body.get("evalscript") if isinstance(body, dict) else None
        try:
            own.add(*written_in(script if isinstance(script, str) else ""))
        except FaultError as error:
            return error_reply(400, "COMMON_BAD_PAYLOAD", str(error))
        return None

    def _refusal(self, call: Call, body: Any, url: str, own: Faults) -> Reply | None:
        """Why this POST is refused, before the concurrency limit is checked."""
        if (early := self._gate(call) or self._asked_for(body, own)) is not None:
            return early
        if fault := self._claimed(Moment.BEFORE, (own, self._context.faults), url):
            return fault.answer(_running(""))
        if (other := _other_type(call)) is not None:
            return other
        if not call.content.strip():
            return replies.empty_body()
        if body is None:
            message = f"The body is not valid JSON, or has more than {DEEPEST_BODY} levels."
            return error_reply(400, "COMMON_BAD_PAYLOAD", message)
        options = self._context.options
        invalid = validation.refuse(body, host=options.profile.host, largest_script=options.largest_script)
        return invalid or _not_here(body) or self._script_refusal(body) or self._account_refusal()

    def _gate(self, call: Call) -> Reply | None:
        """The checks that every API call passes first: token, then the policies."""
        if (refusal := self._context.tokens.refuse(call.header("authorization"))) is not None:
            return refusal
        return self._waits(self._context.units, 0) or self._waits(self._context.rate, 1)

    def _waits(self, policy: RateLimit, amount: float) -> Reply | None:
        milliseconds = policy.take(amount)
        if not milliseconds:
            return None
        return self._too_much(replies.too_many_calls(max(1, self._context.clock.real(milliseconds))))

    def _too_much(self, reply: Reply) -> Reply:
        return reply.bare() if self._context.options.bare_rate_errors else reply

    def _script_refusal(self, body: Mapping[str, Any]) -> Reply | None:
        if self._context.options.script_check is ScriptCheck.AT_RUN or "evalscript" not in body:
            return None
        try:
            agreed(body, value_or_raise(self._context.examine(body["evalscript"])), self._context.options.profile.host)
        except RenderFailed as error:
            return error_reply(400, error.code, error.message)
        return None

    def _account_refusal(self) -> Reply | None:
        return replies.quota_exhausted() if self._context.allowance.is_exhausted(self._context.clock.now()) else None

    def _status(self, call: Call) -> Reply:
        id = call.path.rpartition("/")[2]
        request = self._context.runs.requests.find(id)
        url = request.url if request else ""
        boards = (request.own, self._context.faults) if request else (self._context.faults,)
        reply = self._gate(call) or self._status_answer(id)
        if fault := self._claimed(Moment.STATUS, boards, url, id):
            reply = fault.answer(reply)
        self._context.ledger.add("status", id=id, prefix=url, status=reply.status)
        return reply

    def _status_answer(self, id: str) -> Reply:
        if self._context.runs.requests.is_visible(id, self._context.clock.seconds()):
            return _running(id)
        if self._context.options.malformed_id_status == 400 and not _is_uuid(id):
            return error_reply(400, "COMMON_BAD_PAYLOAD", f"{id} is not the id of a request.")
        return replies.not_found(f"The request {id}")

    def _health(self, _: Call) -> Reply:
        return json_reply(200, {"status": "ok", "running": self._context.runs.requests.count()})

    def _ledger(self, call: Call) -> Reply:
        entries = self._context.ledger.entries()
        if "text/plain" in call.header("accept"):
            text = "".join(f"{entry.as_line()}\n" for entry in entries)
            return Reply(status=200, content=text.encode(errors="replace"), content_type="text/plain; charset=utf-8")
        return json_reply(200, {"entries": [entry.as_document() for entry in entries]})

    def _list_faults(self, _: Call) -> Reply:
        return json_reply(200, {"faults": [fault.as_document() for fault in self._context.faults.shown()]})

    def _add_faults(self, call: Call) -> Reply:
        """Adds one fault, or a list of them: none is switched on when one of them is invalid."""
        if (other := _other_type(call)) is not None:
            return other
        given = _parsed(call.content)
        try:
            self._context.faults.add(*map(Fault.from_document, given if isinstance(given, list) else [given]))
        except FaultError as error:
            return error_reply(400, "COMMON_BAD_PAYLOAD", str(error))
        return self._list_faults(call)

    def _clear_faults(self, call: Call) -> Reply:
        self._context.faults.clear()
        return self._list_faults(call)

    def _claimed(self, moment: Moment, boards: tuple[Faults, ...], url: str = "", id: str = "") -> Fault | None:
        """The fault that strikes now: one that the request itself asks for comes first."""
        fault = next(filter(None, (each.claim(moment, url) for each in boards)), None)
        if fault is not None:
            self._context.ledger.add("fault", id=id, prefix=url, message=fault.name)
        return fault

    def _record_refusal(self, reply: Reply, url: str) -> None:
        document = _parsed(reply.content)
        error = document.get("error", document) if isinstance(document, dict) else {}
        code, message = error.get("code", ""), error.get("message", "")
        self._context.ledger.add("refused", prefix=url, status=reply.status, code=code, message=message)


def delivery_url(body: object) -> str:
    """The delivery URL of a body of any shape; empty when there is none."""
    for name in ("output", "delivery", "s3", "url"):
        body = body.get(name) if isinstance(body, dict) else None
    return body if isinstance(body, str) else ""


def _not_here(body: Mapping[str, Any]) -> Reply | None:
    """The refusal of what the service offers and the sandbox does not, before the request is accepted."""
    try:
        for element in body["input"]["data"]:
            product(element["type"])
        epsg_of(crs_address(body["input"]["bounds"]))
    except RenderFailed as error:
        return error_reply(400, error.code, error.message)
    return None


def _other_type(call: Call) -> Reply | None:
    """The refusal of a body with another content type than JSON."""
    if call.header("content-type").partition(";")[0].strip().lower() == "application/json":
        return None
    return error_reply(415, "COMMON_UNSUPPORTED_MEDIA_TYPE", "The content type must be application/json.")


def _running(id: str) -> Reply:
    return json_reply(200, {"id": id, "status": RUNNING})


def _is_uuid(id: str) -> bool:
    try:
        return str(uuid.UUID(id)) == id.lower()
    except ValueError:
        return False


def _parsed(content: bytes) -> Any:
    """The JSON value of a body, None when it is not JSON (`NaN` and `Infinity` are not) or nested too deep."""
    try:
        value = json.loads(content, parse_constant=_not_json)
    except (ValueError, RecursionError):
        return None
    return None if _is_too_deep(value) else value


def _is_too_deep(value: object) -> bool:
    level = [value]
    for _ in range(DEEPEST_BODY):
        level = [inner for one in level for inner in _held_by(one)]
    return bool(level)


def _held_by(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
