"""The lifecycle of an accepted request: copy, run, outputs, cost, and when it is dropped; started by `routes`.

Order of events: reference page "Asynchronous Processing API" §5 and "Open questions: Async API" 7. A failed run leaves
an `error.json`, and costs nothing unless the options say so; nothing at all is written to an unusable bucket.
"""

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.model.errors import truncate
from controller.model.script import ScriptFacts, ScriptFailure
from controller.sandbox.clock import SandboxClock
from controller.sandbox.failure import RenderFailed, value_or_raise
from controller.sandbox.faults.faults import Fault, Faults, Moment, reshaped
from controller.sandbox.faults.parcel import Item, Parcel
from controller.sandbox.jobs import delivery
from controller.sandbox.jobs.delivery import BucketError, key_for, open_store, read_object
from controller.sandbox.jobs.limits import Allowance, RateLimit
from controller.sandbox.jobs.requests import Requests, SandboxRequest, new_id
from controller.sandbox.jobs.schedule import Schedule
from controller.sandbox.ledger import SandboxLedger
from controller.sandbox.options import SandboxOptions
from controller.sandbox.pricing import delivery_units, processing_units, usage_of
from controller.sandbox.replies import error_document

if TYPE_CHECKING:
    from controller.sandbox.render.render import Rendered, RenderOptions

logger = logging.getLogger(__name__)

Body = Mapping[str, Any]
Renderer = Callable[[Mapping[str, object], Path, "RenderOptions"], "Rendered"]
Examine = Callable[[str], ScriptFacts | ScriptFailure]

FOLLOWING = frozenset({Moment.FOLLOW, Moment.DELIVER})


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderPool:
    """What a run works with: how scripts are read and pixels rendered (tests may pass simpler ones)."""

    renderer: Renderer
    render_options: "RenderOptions"
    examine: Examine


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What runs are charged to, and where everything is recorded."""

    ledger: SandboxLedger
    allowance: Allowance
    units: RateLimit


class Runs:
    """Accepts requests and runs each to its end. Thread-safe."""

    def __init__(
        self, options: SandboxOptions, pool: RenderPool, account: Account, faults: Faults, clock: SandboxClock
    ) -> None:
        self._options = options
        self._pool = pool
        self._account = account
        self._ledger = account.ledger
        self._faults = faults
        self._clock = clock
        self._taking = threading.Lock()
        self.requests = Requests()
        self._schedule = Schedule(options.workers, clock)

    def accept(self, body: Body, url: str, own: Faults) -> SandboxRequest | None:
        """Accepts a valid body, or returns None when too many requests are running. The copy is written at once.

        `own` are the faults its script requests.
        """
        with self._taking:
            if self.requests.count() >= self._options.max_running:
                return None
            request = self._new_request(body, url, own)
            self.requests.add(request)
        try:
            entry = self._ledger.add("accepted", id=request.id, prefix=url, digest=digest_of(body))
            self._account.allowance.note(entry)
            self._begin(request)
        except BaseException:
            self.requests.remove(request.id)  # it will never run, and must not hold a slot
            raise
        return request

    def stop(self) -> bool:
        """Lets running actions finish and drops the rest; returns whether all have finished."""
        return self._schedule.stop()

    def abandon(self, id: str, url: str) -> None:
        """Fails a request that a previous run of the program left behind, with an error.json where possible."""
        keys: tuple[str, ...] = ()
        if self._options.s3_endpoint is None:
            try:
                key = key_for(url, id, "error.json")
                error = self._error_item("COMMON_EXCEPTION", "The sandbox was restarted while this request ran.")
                open_store({"url": url}, self._options).put(key, error.content)
                keys = (key,)
            except BucketError as error:
                logger.info("no error.json for %s: %s", id, error)
        self._ledger.add("failed", id=id, prefix=url, message="sandbox restarted", keys=keys)

    def _new_request(self, body: Body, url: str, own: Faults) -> SandboxRequest:
        now = self._clock.seconds()
        claimed = own.claim_all(FOLLOWING, url) + self._faults.claim_all(FOLLOWING, url)
        hidden = [fault.settings["seconds"] for fault in claimed if fault.name == "early-404"]
        visible_at = now + max([self._options.hidden_seconds, *hidden])
        id = new_id()
        return SandboxRequest(
            id=id, body=body, url=url, accepted_at=now, visible_at=visible_at, faults=claimed, own=own
        )

    def _begin(self, request: SandboxRequest) -> None:
        for fault in request.faults:
            self.note(fault, request)
        plan = self._plan(request, Parcel())
        if plan.copy_late:
            self._schedule.at(request.accepted_at + plan.copy_late, partial(self._write_early_copy, request, plan))
        else:
            self._write_early_copy(request, plan)
        self._schedule.at(self._starts(request), partial(self._run, request))

    def note(self, fault: Fault, request: SandboxRequest) -> None:
        """Records that a fault struck this request."""
        self._ledger.add("fault", id=request.id, prefix=request.url, message=fault.name)

    def _starts(self, request: SandboxRequest) -> float:
        return request.accepted_at + self._options.queue_seconds

    def _write_early_copy(self, request: SandboxRequest, plan: Parcel) -> None:
        """The copy without cost, while the request runs; a bucket that refuses it fails the request at the end."""
        if self.requests.find(request.id) is None:
            return
        try:
            self._write_copy(request, plan, None)
        except BucketError as error:
            logger.info("no request copy for %s: %s", request.id, error)

    def _run(self, request: SandboxRequest) -> None:
        """Renders now; the outcome is delivered once the request has been RUNNING for long enough."""
        units = 0.0
        try:
            self._ledger.add("running", id=request.id, prefix=request.url)
            items, units = self._rendered(request)
            parcel = Parcel(items=items)
        except RenderFailed as error:
            parcel = Parcel(items=(self._error_item(error.code, error.message),), failure=error.message)
        except Exception as error:  # a bug of the renderer must end as a failed request
            logger.exception("request %s", request.id)
            message = _unforeseen(error)
            parcel = Parcel(items=(self._error_item("COMMON_EXCEPTION", message),), failure=message)
        parcel = self._plan(request, parcel)
        least = max(self._options.run_seconds, units * self._options.seconds_per_unit)
        end = max(self._clock.seconds(), self._starts(request) + least)
        ends = partial(self._schedule.at, end, partial(self._end, request, parcel, units))
        self.requests.when_asked(request.id, self._options.run_polls, ends)

    def _rendered(self, request: SandboxRequest) -> tuple[tuple[Item, ...], float]:
        """The outputs as files, and their price in PU. Raises RenderFailed."""
        body = {**delivery.without_secrets(request.body), "evalscript": self._script(request.body)}
        _refuse_paths(body)
        folder = self._options.scratch / request.id
        folder.mkdir()
        options = replace(self._pool.render_options, now=self._clock.now())
        rendered = self._pool.renderer(body, folder, options)
        facts = rendered.facts or value_or_raise(self._pool.examine(body["evalscript"]))
        usage = usage_of(body, facts, rendered.samples or [rendered.samples_per_pixel])
        items = tuple(Item(name=file.name, content=file.path) for file in rendered.files)
        units = processing_units(usage, self._options.price_rules)
        home = self._options.region
        if home is not None and request.delivery.get("region", home) != home:
            units += delivery_units(sum(file.path.stat().st_size for file in rendered.files) / 1e6)
        return items, units

    def _script(self, body: Body) -> str:
        """The evalscript, from the body or from its reference."""
        if "evalscript" in body:
            return str(body["evalscript"])
        reference = body["evalscriptReference"]
        if "s3" not in reference:
            raise RenderFailed("SANDBOX_UNSUPPORTED", "An evalscript in Google Cloud Storage is not in the sandbox.")
        try:
            return read_object(reference["s3"], self._options).decode()
        except (BucketError, UnicodeDecodeError) as error:
            raise RenderFailed("RENDERER_EXCEPTION", f"The evalscript cannot be read: {error}") from error

    def _plan(self, request: SandboxRequest, parcel: Parcel) -> Parcel:
        return reshaped(replace(parcel, copy_in_root=self._options.copy_in_root), request.faults)

    def _end(self, request: SandboxRequest, parcel: Parcel, units: float) -> None:
        """Delivers, then drops the request; a late parcel is delivered after the request is dropped."""
        if parcel.late:
            self.requests.remove(request.id)
            self._schedule.at(self._clock.seconds() + parcel.late, partial(self._deliver, request, parcel, units))
            return
        try:
            self._deliver(request, parcel, units)
        finally:
            forget = partial(self.requests.remove, request.id)
            if parcel.lingers:
                self._schedule.at(self._clock.seconds() + parcel.lingers, forget)
            else:
                forget()

    def _deliver(self, request: SandboxRequest, parcel: Parcel, units: float) -> None:
        written: list[str] = []
        try:
            if not parcel.silent:
                self._put_items(request, parcel, written)
            if parcel.failure is None:
                self._settle(request, parcel, units, tuple(written))
            else:
                self._fail(request, parcel.failure, units, tuple(written))
        except BucketError as error:
            self._fail(request, f"the bucket cannot be used: {error}", units, tuple(written))
        except Exception as error:  # and so must one of the delivery
            logger.exception("request %s", request.id)
            self._fail(request, _unforeseen(error), units, tuple(written))
        finally:
            delivery.remove_tree(self._options.scratch / request.id)

    def _put_items(self, request: SandboxRequest, parcel: Parcel, written: list[str]) -> None:
        store = open_store(request.delivery, self._options)
        for item in parcel.items:
            if len(written) == parcel.taken:
                raise BucketError("access denied")
            key = key_for(request.url, request.id, item.name)
            store.put(key, item.content)
            written.append(key)

    def _settle(self, request: SandboxRequest, parcel: Parcel, units: float, written: tuple[str, ...]) -> None:
        """Success: writes the cost to the copy, and charge and delivery to the ledger."""
        if parcel.copy_late:
            late = partial(self._write_late_copy, request, parcel, units)
            self._schedule.at(self._clock.seconds() + parcel.copy_late, late)
        else:
            self._write_copy(request, parcel, units)
        self._charge(request, units)
        self._ledger.add("delivered", id=request.id, prefix=request.url, keys=written)

    def _charge(self, request: SandboxRequest, units: float) -> None:
        entry = self._ledger.add("charged", id=request.id, prefix=request.url, processing_units=units)
        self._account.allowance.note(entry)
        self._account.units.owe(units)

    def _fail(self, request: SandboxRequest, message: str, units: float, written: tuple[str, ...]) -> None:
        if self._options.charge_failed:
            self._charge(request, units or self._options.price_rules.minimum)
        self._ledger.add("failed", id=request.id, prefix=request.url, message=truncate(message), keys=written)

    def _write_late_copy(self, request: SandboxRequest, parcel: Parcel, units: float) -> None:
        try:
            self._write_copy(request, parcel, units)
        except BucketError as error:
            logger.info("no request copy for %s: %s", request.id, error)

    def _write_copy(self, request: SandboxRequest, parcel: Parcel, units: float | None) -> None:
        """Writes the request copy; the cost is left out while it is unknown."""
        if not parcel.has_copy or (parcel.silent and units is not None):
            return
        body = request.body if self._options.keep_secrets else delivery.without_secrets(request.body)
        document = dict(body) if units is None else _with_cost(body, self._options.cost_field, units)
        name = self._options.copy_name.replace("<REQUEST_ID>", request.id)
        key = key_for(request.url, request.id, name, in_root=parcel.copy_in_root)
        open_store(request.delivery, self._options).put(key, delivery.json_bytes(document))

    def _error_item(self, code: str, message: str) -> Item:
        error = error_document(400, code, message)
        return Item(
            name="error.json", content=delivery.json_bytes({"error": error} if self._options.wrap_error_json else error)
        )


def digest_of(body: object) -> str:
    """SHA-256 of the body with its credentials blanked, so that changed keys do not change it."""
    text = json.dumps(delivery.without_secrets(body), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _with_cost(body: Body, path: str, units: float) -> dict[str, Any]:
    """The body with its cost at a path such as `status.costPU`."""
    first, _, rest = path.partition(".")
    inner = body.get(first)
    return {**body, first: _with_cost(inner if isinstance(inner, Mapping) else {}, rest, units) if rest else units}


def _unforeseen(error: Exception) -> str:
    return f"The sandbox itself failed: {type(error).__name__}: {truncate(str(error))}"


def _refuse_paths(body: Body) -> None:
    """Identifiers become file names: a path in one could write anywhere on this machine."""
    for response in body["output"].get("responses", ()):
        identifier = response.get("identifier", "default")
        if identifier != Path(identifier).name or "\0" in identifier:
            raise RenderFailed("COMMON_BAD_PAYLOAD", f"identifier {identifier!r} cannot be a file name; leave out '/'")
