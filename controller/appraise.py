"""From an accepted document to what the job wants: the script is run once for its facts, the request is priced.

Called by the tree for every new text. What only the settings or the engine can tell is found here: credentials that
do not exist or may not be used for the bucket, and scripts that cannot be loaded.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any, Protocol

from controller.acceptance import Accepted
from controller.agreement import disagreements
from controller.cost import Samples, cost, samples_per_pixel
from controller.deployments import Credential, Deployment
from controller.digest import moment
from controller.document import field_name
from controller.errors import Finding, Problem
from controller.faults import OUTPUT
from controller.job import Estimate, Wanted
from controller.lint import hints
from controller.prices import price_table
from controller.script import Mosaicking, ScriptFacts, ScriptFailure, ScriptInput
from controller.tree import Appraisal

CREDENTIAL = (*OUTPUT, "delivery", "s3", "credentialsRef")
EVALSCRIPT = ("spec", "request", "evalscript")


class Scripts(Protocol):
    """What is asked of the JavaScript engine."""

    def facts(self, text: str) -> ScriptFacts | ScriptFailure: ...
    def kept(self, text: str, collections: Mapping[str, Any]) -> Mapping[str, int] | ScriptFailure: ...


class Appraiser:
    """Knows the deployment, the credentials and the engine; one call appraises one document."""

    def __init__(self, deployment: Deployment, credentials: Mapping[str, Credential], scripts: Scripts) -> None:
        self._deployment = deployment
        self._credentials = credentials
        self._prices = price_table(deployment.prices)
        self._scripts = scripts

    def __call__(self, item: Accepted) -> Appraisal:
        facts = self._scripts.facts(item.request.body["evalscript"])
        found = [*self._credential_findings(item), *self._script_findings(item, facts)]
        told = sorted(_placed(item, each) for each in found)
        warnings = tuple(each for each in told if each.is_warning)
        problems = tuple(each for each in told if not each.is_warning)
        if problems or isinstance(facts, ScriptFailure):
            return Appraisal(wanted=None, problems=problems, warnings=warnings)
        return Appraisal(wanted=_wanted(item, self._estimate(item, facts)), warnings=warnings)

    def _script_findings(self, item: Accepted, facts: ScriptFacts | ScriptFailure) -> Iterable[Finding]:
        if isinstance(facts, ScriptFailure):
            message = f"the evalscript cannot be used ({facts.kind}): {facts.message}"
            yield Finding(code="E300", message=message, line=max(1, facts.line), column=max(1, facts.column))
            return
        yield from disagreements(item.request, facts, self._deployment.name)
        yield from hints(item.request, facts)

    def _estimate(self, item: Accepted, facts: ScriptFacts) -> Estimate | None:
        """The price; None when the script's inputs do not pair with the request's: the service will settle that."""
        data = item.request.body["input"]["data"]
        if len(facts.inputs) != len(data):
            return None
        days = [max(1, len(_days(_time_range(each)))) for each in data]
        samples = [
            self._samples(item, facts, script_input, number)
            for script_input, number in zip(facts.inputs, days, strict=True)
        ]
        size = (item.request.width, item.request.height)
        return cost(item.request.body, size, facts, samples, self._prices)

    def _samples(self, item: Accepted, facts: ScriptFacts, script_input: ScriptInput, days: int) -> Samples:
        """How many samples a pixel gets; a script that chooses scenes is asked to choose among the likely ones."""
        mode = script_input.mosaicking
        if mode is not Mosaicking.ORBIT or "preProcessScenes" not in facts.functions or len(facts.inputs) > 1:
            return samples_per_pixel(mode, days)
        text, time_range = item.request.body["evalscript"], _time_range(item.request.body["input"]["data"][0])
        daily = self._scripts.kept(text, _scenes(time_range, 1))
        third = self._scripts.kept(text, _scenes(time_range, 3))
        if isinstance(daily, ScriptFailure) or isinstance(third, ScriptFailure):
            return samples_per_pixel(mode, days)
        return Samples(expected=sum(third.values()), upper=sum(daily.values()))

    def _credential_findings(self, item: Accepted) -> Iterable[Finding]:
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


def _wanted(item: Accepted, estimate: Estimate | None) -> Wanted:
    spec, request = item.manifest.spec, item.request
    return Wanted(
        digest=request.digest,
        delivery_url=request.delivery_url,
        credentials_ref=request.credentials_ref,
        role_arn=request.role_arn,
        outputs=request.outputs,
        estimate=estimate,
        rerun=spec.rerun,
        retries=spec.retries,
        hold=spec.hold,
        deadline=spec.deadline.total_seconds(),
        priority=spec.priority,
        max_processing_units=spec.max_processing_units,
        labels=dict(item.manifest.metadata.labels),
    )


def _time_range(data: Mapping[str, Any]) -> tuple[str, str]:
    """From and to as the request has them; both empty for a collection without time."""
    written = data.get("dataFilter", {}).get("timeRange", {})
    return written.get("from", ""), written.get("to", "")


def _days(time_range: tuple[str, str]) -> list[date]:
    """The UTC days that the range touches, newest first, as the scenes of a request come."""
    if not all(time_range):
        return []
    first, last = (moment(each).date() for each in time_range)
    return [last - timedelta(days=back) for back in range((last - first).days + 1)]


def _scenes(time_range: tuple[str, str], every: int) -> dict[str, Any]:
    """An orbit for every n-th day of the range, as `preProcessScenes` is given them."""
    orbits = [
        {"dateFrom": f"{day}T00:00:00Z", "dateTo": f"{day}T23:59:59Z", "__idx": index}
        for index, day in enumerate(_days(time_range)[::every])
    ]
    return {"from": time_range[0], "to": time_range[1], "scenes": {"orbits": orbits}}


def _placed(item: Accepted, finding: Finding) -> Problem:
    """The finding at its line: in the manifest, in the script's own file, or in the script inside the manifest."""
    path, code, message = item.path, finding.code, finding.message
    file, here = item.manifest.spec.evalscript_file, PurePosixPath(item.path)
    if finding.line and file is not None:
        script = normpath(here.parent / file)
        return Problem(path=script, line=finding.line, column=finding.column or 1, message=message, code=code)
    place = EVALSCRIPT if finding.line else finding.path
    line, column = item.document.place(place)
    if finding.line and here.suffix == ".json":  # a JSON text has the whole script on one line
        message = f"line {finding.line}: {message}"
    elif finding.line:
        line += finding.line
    return Problem(path=path, line=line, column=column, field=field_name(place), message=message, code=code)
