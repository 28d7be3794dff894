"""The life of an accepted request: copy, run, outputs, cost, and the moment it is forgotten; started by `routes`.

Order of events: reference page "Asynchronous Processing API" §5 and "Open questions: Async API" 7. A failed run costs
nothing and leaves an `error.json`; an unusable bucket gets nothing at all.
"""

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.errors import cut
from controller.sandbox import delivery
from controller.sandbox.delivery import BucketError, key_for, open_store
from controller.sandbox.failure import RenderFailed
from controller.sandbox.faults import Faults, Moment, reshaped
from controller.sandbox.ledger import Ledger
from controller.sandbox.limits import Allowance
from controller.sandbox.options import SandboxOptions
from controller.sandbox.parcel import Item, Parcel
from controller.sandbox.pricing import processing_units, usage_of
from controller.sandbox.replies import error_document
from controller.sandbox.requests import Request, Requests, new_id
from controller.sandbox.schedule import Schedule
from controller.script import ScriptFacts, ScriptFailure

if TYPE_CHECKING:
    from controller.sandbox.render import Rendered, RenderOptions

logger = logging.getLogger(__name__)

Body = Mapping[str, Any]
Renderer = Callable[[Mapping[str, object], Path, "RenderOptions"], "Rendered"]
Examine = Callable[[str], ScriptFacts | ScriptFailure]

STICKY_MOMENTS = frozenset({Moment.FOLLOW, Moment.DELIVER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What a run works with: how scripts are read and pixels made (a test may bring simpler ones)."""

    renderer: Renderer
    render_options: "RenderOptions"
    examine: Examine


class Runs:
    """Takes requests and sees each to its end. Safe to use from many threads."""

    def __init__(
        self, options: SandboxOptions, workshop: Workshop, ledger: Ledger, allowance: Allowance, faults: Faults
    ) -> None:
        self._options = options
        self._workshop = workshop
        self._ledger = ledger
        self._allowance = allowance
        self._faults = faults
        self._taking = threading.Lock()
        self.requests = Requests()
        self._schedule = Schedule(options.workers)

    def accept(self, body: Body, url: str) -> Request | None:
        """Takes a valid body, or answers None when too many requests run already. The copy is written at once."""
        with self._taking:
            if self.requests.count() >= self._options.max_running:
                return None
            request = self._new_request(body, url)
            self.requests.add(request)
        self._ledger.add("accepted", id=request.id, prefix=url, digest=digest_of(body))
        self._begin(request)
        return request

    def stop(self) -> bool:
        """Ends the actions under way and drops the rest; says whether all have ended."""
        return self._schedule.stop()

    def abandon(self, id: str, url: str) -> None:
        """Ends a request that a former run of the program left behind, with an error.json where that is possible."""
        message = "The sandbox was restarted while this request ran."
        keys: tuple[str, ...] = ()
        if self._options.s3_endpoint is None:
            try:
                key = key_for(url, id, "error.json")
                open_store({"url": url}, self._options).put(key, _error_item("COMMON_EXCEPTION", message).content)
                keys = (key,)
            except BucketError as error:
                logger.info("no error.json for %s: %s", id, error)
        self._ledger.add("failed", id=id, prefix=url, message="sandbox restarted", keys=keys)

    def _new_request(self, body: Body, url: str) -> Request:
        now = time.monotonic()
        claimed = self._faults.claim_all(STICKY_MOMENTS, url)
        hidden = [fault.settings["seconds"] for fault in claimed if fault.name == "early-404"]
        visible_at = now + max([self._options.hidden_seconds, *hidden])
        return Request(id=new_id(), body=body, url=url, accepted_at=now, visible_at=visible_at, faults=claimed)

    def _begin(self, request: Request) -> None:
        for fault in request.faults:
            self._ledger.add("fault", id=request.id, prefix=request.url, message=fault.name)
        plan = self._plan(request, Parcel())
        if plan.copy_late:
            self._schedule.at(request.accepted_at + plan.copy_late, partial(self._write_early_copy, request, plan))
        else:
            self._write_early_copy(request, plan)
        self._schedule.at(request.accepted_at, partial(self._run, request))

    def _write_early_copy(self, request: Request, plan: Parcel) -> None:
        """The copy without cost, while the request runs; a bucket that refuses it is found out again at the end."""
        if self.requests.find(request.id) is None:
            return
        try:
            self._write_copy(request, plan, None)
        except BucketError as error:
            logger.info("no request copy for %s: %s", request.id, error)

    def _run(self, request: Request) -> None:
        """Renders now; the outcome is delivered when the request has been RUNNING for long enough."""
        self._ledger.add("running", id=request.id, prefix=request.url)
        units = 0.0
        try:
            items, units = self._rendered(request)
            parcel = Parcel(items=items)
        except RenderFailed as error:
            parcel = Parcel(items=(_error_item(error.code, error.message),), failure=error.message)
        except Exception as error:  # the one net: a mistake of the renderer must end as a failed request
            logger.exception("request %s", request.id)
            message = f"The sandbox itself failed: {type(error).__name__}: {cut(str(error))}"
            parcel = Parcel(items=(_error_item("COMMON_EXCEPTION", message),), failure=message)
        parcel = self._plan(request, parcel)
        end = max(time.monotonic(), request.accepted_at + self._options.run_seconds)
        self._schedule.at(end, partial(self._end, request, parcel, units))

    def _rendered(self, request: Request) -> tuple[tuple[Item, ...], float]:
        """The outputs as files, and their price in PU. Raises RenderFailed."""
        script = request.body.get("evalscript")
        if script is None:
            raise RenderFailed("SANDBOX_UNSUPPORTED", "evalscriptReference is not in the sandbox; send evalscript.")
        _refuse_paths(request.body)
        folder = self._options.scratch / request.id
        folder.mkdir()
        shown = delivery.without_secrets(request.body)
        rendered = self._workshop.renderer(shown, folder, self._workshop.render_options)
        facts = self._workshop.examine(script)
        if isinstance(facts, ScriptFailure):
            raise RenderFailed("RENDERER_EXCEPTION", facts.message)
        usage = usage_of(request.body, facts, rendered.samples_per_pixel)
        items = tuple(Item(name=file.name, content=file.path) for file in rendered.files)
        return items, processing_units(usage, self._options.price_rules)

    def _plan(self, request: Request, parcel: Parcel) -> Parcel:
        return reshaped(replace(parcel, copy_in_root=self._options.copy_in_root), request.faults)

    def _end(self, request: Request, parcel: Parcel, units: float) -> None:
        """Delivers, then forgets; a late parcel is delivered after it is forgotten."""
        if parcel.late:
            self.requests.remove(request.id)
            self._schedule.at(time.monotonic() + parcel.late, partial(self._deliver, request, parcel, units))
            return
        try:
            self._deliver(request, parcel, units)
        finally:
            self.requests.remove(request.id)

    def _deliver(self, request: Request, parcel: Parcel, units: float) -> None:
        written: list[str] = []
        try:
            if not parcel.silent:
                self._put_items(request, parcel, written)
            if parcel.failure is None:
                self._settle(request, parcel, units, tuple(written))
            else:
                self._fail(request, parcel.failure, tuple(written))
        except BucketError as error:
            self._fail(request, f"the bucket cannot be used: {error}", tuple(written))
        finally:
            delivery.remove_tree(self._options.scratch / request.id)

    def _put_items(self, request: Request, parcel: Parcel, written: list[str]) -> None:
        store = open_store(request.delivery, self._options)
        for item in parcel.items:
            key = key_for(request.url, request.id, item.name)
            store.put(key, item.content)
            written.append(key)

    def _settle(self, request: Request, parcel: Parcel, units: float, written: tuple[str, ...]) -> None:
        """Success: the copy tells the cost, and the ledger has both."""
        if parcel.copy_late:
            late = partial(self._write_late_copy, request, parcel, units)
            self._schedule.at(time.monotonic() + parcel.copy_late, late)
        else:
            self._write_copy(request, parcel, units)
        entry = self._ledger.add("charged", id=request.id, prefix=request.url, processing_units=units)
        self._allowance.spend(units, entry.time[:7])
        self._ledger.add("delivered", id=request.id, prefix=request.url, keys=written)

    def _fail(self, request: Request, message: str, written: tuple[str, ...]) -> None:
        self._ledger.add("failed", id=request.id, prefix=request.url, message=cut(message), keys=written)

    def _write_late_copy(self, request: Request, parcel: Parcel, units: float) -> None:
        try:
            self._write_copy(request, parcel, units)
        except BucketError as error:
            logger.info("no request copy for %s: %s", request.id, error)

    def _write_copy(self, request: Request, parcel: Parcel, units: float | None) -> None:
        """The request copy; the cost is left out while it is not known."""
        if not parcel.has_copy or (parcel.silent and units is not None):
            return
        body = request.body if self._options.keep_secrets else delivery.without_secrets(request.body)
        document = dict(body) if units is None else {**body, "costPU": units}
        name = self._options.copy_name.replace("<REQUEST_ID>", request.id)
        key = key_for(request.url, request.id, name, in_root=parcel.copy_in_root)
        open_store(request.delivery, self._options).put(key, delivery.as_json(document))


def digest_of(body: object) -> str:
    """SHA-256 of the body with its credentials blanked, so that changed keys do not change it."""
    text = json.dumps(delivery.without_secrets(body), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _refuse_paths(body: Body) -> None:
    """Identifiers become file names: one that is a path could write anywhere on this machine."""
    for response in body["output"].get("responses", ()):
        identifier = response.get("identifier", "default")
        if identifier != Path(identifier).name or "\0" in identifier:
            raise RenderFailed("COMMON_BAD_PAYLOAD", f"identifier {identifier!r} cannot be a file name; leave out '/'")


def _error_item(code: str, message: str) -> Item:
    return Item(name="error.json", content=delivery.as_json(error_document(400, code, message)))
