"""From an accepted document to what the job wants: the script is run once for its facts, the request is priced.

Called by the tree for every new text. It finds what depends on the settings or the engine: credentials that do not
exist or may not be used for the bucket, and scripts that cannot be loaded.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date
from functools import lru_cache
from hashlib import sha256
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any, Protocol, TypeVar

from controller.analysis.availability import expected_scenes, lasts_until, unavailable
from controller.analysis.compatibility import disagreements, pair_inputs, unfit_after_update
from controller.analysis.context import HintContext
from controller.analysis.cost import SampleCount, estimate_cost, price_table, samples_per_pixel, transfer_price
from controller.analysis.hints import hints
from controller.analysis.rehearsal import failures
from controller.analysis.source import source_of
from controller.analysis.stage import stage_of
from controller.manifest.digest import parse_timestamp
from controller.manifest.document import field_name
from controller.manifest.geometry import envelope, middle_latitude
from controller.manifest.parameters import written_place
from controller.manifest.problems import OUTPUT
from controller.manifest.request import Request
from controller.manifest.validate import ValidManifest
from controller.model.catalog import DEFAULT_CRS, Collection, collection, crs
from controller.model.errors import Finding, Problem
from controller.model.job import Appraisal, Estimate, Wanted
from controller.model.reasons import EXAMINING
from controller.model.script import (
    FailureKind,
    Mosaicking,
    Rehearsal,
    ScriptFacts,
    ScriptFailure,
    ScriptInput,
    Stage,
)
from controller.settings.deployments import Credential, Deployment

Value = TypeVar("Value")
CREDENTIAL = (*OUTPUT, "delivery", "s3", "credentialsRef")
EVALSCRIPT = ("spec", "request", "evalscript")
EVALSCRIPT_FILE = ("spec", "evalscriptFile")


class Scripts(Protocol):
    """What is needed of the JavaScript engine."""

    def facts(self, text: str) -> ScriptFacts | ScriptFailure: ...
    def rehearsal(self, text: str, stage: Stage) -> Rehearsal | ScriptFailure: ...


class Appraiser:
    """Holds the deployment, the credentials, the engine and the date in UTC; one call appraises one document."""

    def __init__(
        self,
        deployment: Deployment,
        credentials: Mapping[str, Credential],
        scripts: Scripts,
        today: Callable[[], date],
    ) -> None:
        self._deployment = deployment
        self._credentials = credentials
        self._prices = price_table(deployment.prices)
        self._scripts = scripts
        self._today = today

    def pricing(self, item: ValidManifest) -> Callable[[Request], Estimate | None]:
        """The price of requests that differ from that of an appraised document in their place alone."""
        text = item.request.body["evalscript"]
        facts = self._scripts.facts(text)
        stage = None if isinstance(facts, ScriptFailure) else stage_of(item.request, facts)
        rehearsal = self._scripts.rehearsal(text, stage) if stage else None
        return lambda request: self._estimate(request, facts, rehearsal)

    def __call__(self, item: ValidManifest) -> Appraisal:
        facts = self._scripts.facts(item.request.body["evalscript"])
        stage = None if isinstance(facts, ScriptFailure) else stage_of(item.request, facts)
        rehearsal = self._scripts.rehearsal(item.request.body["evalscript"], stage) if stage else None
        estimate = self._estimate(item.request, facts, rehearsal)
        today = self._today()
        until = lasts_until(item.request, today)
        found = [*self._credential_findings(item), *unavailable(item.request, self._deployment.name, today)]
        found += self._script_findings(item, facts)
        if stage and rehearsal and not isinstance(facts, ScriptFailure):
            found += self._rehearsal_findings(item.request, facts, stage, rehearsal, estimate)
        placed = sorted(_placed(item, each) for each in found)
        warnings = tuple(sorted((*item.warnings, *(each for each in placed if each.is_warning))))
        problems = tuple(each for each in placed if not each.is_warning)
        if problems or isinstance(facts, ScriptFailure):
            answers = (facts, rehearsal)
            died = any(isinstance(each, ScriptFailure) and each.kind is FailureKind.CRASH for each in answers)
            return Appraisal(wanted=None, problems=problems, warnings=warnings, is_passing=died, until=until)
        return Appraisal(wanted=_wanted(item, estimate, until), warnings=warnings, until=until)

    def _script_findings(self, item: ValidManifest, facts: ScriptFacts | ScriptFailure) -> Iterable[Finding]:
        if isinstance(facts, ScriptFailure):
            message = f"the evalscript cannot be used ({facts.kind}): {facts.message}"
            yield Finding(code="E300", message=message, line=max(1, facts.line), column=max(1, facts.column))
            return
        yield from disagreements(item.request, facts)

    def _rehearsal_findings(
        self,
        request: Request,
        facts: ScriptFacts,
        stage: Stage,
        rehearsal: Rehearsal | ScriptFailure,
        estimate: Estimate | None,
    ) -> Iterable[Finding]:
        source = source_of(request.body["evalscript"])
        yield from failures(rehearsal, stage, source)
        if isinstance(rehearsal, Rehearsal):
            yield from unfit_after_update(request, rehearsal)
            yield from hints(
                HintContext(
                    request=request,
                    facts=facts,
                    stage=stage,
                    rehearsal=rehearsal,
                    source=source,
                    deployment=self._deployment.name,
                    estimate=estimate,
                )
            )

    def _estimate(
        self, request: Request, facts: ScriptFacts | ScriptFailure, rehearsal: Rehearsal | ScriptFailure | None
    ) -> Estimate | None:
        """The price; None when the script's inputs do not pair with the request's: that is left to the service."""
        data = request.body["input"]["data"]
        if isinstance(facts, ScriptFailure):
            return None
        pairs = pair_inputs(facts.inputs, data)
        if len(pairs) < len(facts.inputs):
            return None
        kept = rehearsal.kept if isinstance(rehearsal, Rehearsal) else None
        latitude = _latitude(request.body["input"]["bounds"])
        samples = [_samples(script_input, each, kept, self._today(), latitude) for script_input, each in pairs]
        size = (request.width, request.height)
        estimate = estimate_cost(request.body, size, facts, samples, self._prices)
        transfer = transfer_price(request.body, size, facts, self._deployment.region)
        return replace(estimate, upper=None if estimate.upper is None else estimate.upper + transfer)

    def _credential_findings(self, item: ValidManifest) -> Iterable[Finding]:
        reference, url = item.request.credentials_ref, item.request.delivery_url
        if reference is None:
            return
        credential = self._credentials.get(reference)
        if credential is None:
            known = ", ".join(sorted(self._credentials)) or "none"
            message = f"the settings name no credential {reference!r} (known: {known}); add [credentials.{reference}]"
            yield Finding(code="E250", path=CREDENTIAL, message=message)
        elif not credential.may_use(url):
            allowed = " or ".join(credential.prefixes)
            message = f"the credential {reference!r} may only be used below {allowed}, not for {url}"
            yield Finding(code="E251", path=CREDENTIAL, message=message)


def still_examined(item: ValidManifest) -> Problem:
    """The problem reported instead of an appraisal until the engine has responded."""
    line, column = item.document.place(EVALSCRIPT if item.manifest.spec.evalscript_file is None else EVALSCRIPT_FILE)
    message = "the evalscript is still being examined: wait"
    return Problem(path=item.path, line=line, column=column, message=message, code=EXAMINING)


def _wanted(item: ValidManifest, estimate: Estimate | None, until: date | None) -> Wanted:
    spec, request = item.manifest.spec, item.request
    file = spec.evalscript_file
    return Wanted(
        digest=request.digest,
        delivery_url=_kept_once(request.delivery_url),
        credentials_ref=_kept_once(request.credentials_ref),
        role_arn=_kept_once(request.role_arn),
        outputs=_kept_once(request.outputs),
        estimate=_kept_once(estimate),
        rerun=spec.rerun,
        retries=spec.retries,
        hold=spec.hold,
        deadline=spec.deadline.total_seconds(),
        priority=spec.priority,
        max_processing_units=spec.max_processing_units,
        labels=_kept_once(tuple(item.manifest.metadata.labels.items())),
        script=_kept_once(normpath(PurePosixPath(item.path).parent / file)) if file else "",
        script_hash=_hash_of(request.body["evalscript"]) if file else "",
        until=until,
    )


@lru_cache(maxsize=1024)
def _kept_once(value: Value) -> Value:
    """The first value that was equal to this one: a hundred thousand jobs have a few of them in common."""
    return value


@lru_cache(maxsize=32)
def _hash_of(script: str) -> str:
    return sha256(script.encode()).hexdigest()[:16]


def _samples(
    script_input: ScriptInput,
    data: Mapping[str, Any],
    kept: tuple[int, int] | None,
    today: date,
    latitude: float | None,
) -> SampleCount:
    """How many samples a pixel gets; a script that chooses scenes was rehearsed on a likely choice.

    Without a time range scenes of any time are used, and how many there are is not known: there is no upper end.
    """
    mode, written = script_input.mosaicking, data.get("dataFilter", {})
    used = collection(data["type"])
    if mode is Mosaicking.SIMPLE or (used and used.timeless):
        return samples_per_pixel(Mosaicking.SIMPLE, 1, 1)
    first, last = _days(written["timeRange"]) if written.get("timeRange") else (_first_scene(used, today), today)
    days = (last - first).days + 1
    scenes = expected_scenes(
        used.type if used else data["type"],
        (first, last),
        latitude,
        directions=1 if "orbitDirection" in written else None,
        apart=mode is Mosaicking.TILE,
    )
    if not written.get("timeRange"):
        return replace(samples_per_pixel(mode, days, scenes), upper=None)
    if mode is Mosaicking.ORBIT and kept is not None:
        return _chosen(kept, scenes, days)
    return samples_per_pixel(mode, days, scenes)


def _chosen(kept: tuple[int, int], scenes: float, days: int) -> SampleCount:
    """What a script leaves of the expected scenes, that left `kept` of one every day and of one in three days.

    A script that chooses by date leaves its part of any number; one that counts leaves the same of more. Of one that
    left fewer of more scenes, no number is known to be the most.
    """
    daily, third = kept
    if third > daily:
        return samples_per_pixel(Mosaicking.ORBIT, days, min(third, scenes))
    by_date = third * 3 >= daily - 3
    return SampleCount(
        expected=max(daily * scenes / days if by_date else min(third, scenes), min(1, daily)), upper=daily
    )


def _first_scene(used: Collection | None, today: date) -> date:
    return date.fromisoformat(used.first) if used and used.first else today


def _days(written: Mapping[str, Any]) -> tuple[date, date]:
    """The first and the last UTC day that the time range touches; they may be the same."""
    first, last = (parse_timestamp(written[end]).astimezone(UTC).date() for end in ("from", "to"))
    return first, max(first, last)


def _latitude(bounds: Mapping[str, Any]) -> float | None:
    """Of the middle of the area; None when its CRS does not show it."""
    known = crs(bounds.get("properties", {}).get("crs", DEFAULT_CRS))
    return middle_latitude(envelope(bounds), known.group) if known else None


def _placed(item: ValidManifest, finding: Finding) -> Problem:
    """The finding at its position: in the manifest, in the script's file, or in the script inside the manifest."""
    path, code, message = item.path, finding.code, finding.message
    file, here = item.manifest.spec.evalscript_file, PurePosixPath(item.path)
    if finding.line and file is not None:
        script, parameters = normpath(here.parent / file), item.manifest.spec.parameters
        line, column = written_place(item.request.body["evalscript"], parameters, finding.line, finding.column or 1)
        return Problem(path=script, line=line, column=column, message=message, code=code)
    place = EVALSCRIPT if finding.line else finding.path
    line, column = item.document.place(place)
    if finding.line and here.suffix == ".json":  # a JSON text has the whole script on one line
        message = f"line {finding.line}: {message}"
    elif finding.line:
        line += finding.line
    return Problem(path=path, line=line, column=column, field=field_name(place), message=message, code=code)
