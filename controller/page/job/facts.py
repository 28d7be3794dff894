"""The facts of a job beside its state: where it comes from, what its manifest says, and what it costs."""

from collections.abc import Mapping
from typing import Any

from controller.model.job import Wanted
from controller.operations.inspect.describe import policy_of
from controller.page.job.cut import cut_text
from controller.page.job.found import FoundJob
from controller.settings.settings import Settings

LONGEST = 600  # bytes of HTML, of one fact
MOST_LABELS = 24


def facts_of(found: FoundJob) -> dict[str, Any]:
    """What is known of it; what is not has no key."""
    wanted, status = (found.job.wanted if found.job else None), found.status
    facts = {
        "path": found.path,
        "set": wanted.cell.set_name if wanted and wanted.cell else "",
        "window": wanted.cell.window if wanted and wanted.cell else "",
        "sharedWith": status.get("sharedWith"),
        "revision": status.get("revision"),
        "cause": wanted.cause if wanted else "",
        "generation": status.get("generation"),
        "digest": status.get("digest"),
        "requestId": status.get("requestId"),
        "submittedAt": status.get("submittedAt"),
        "finishedAt": status.get("finishedAt"),
        "approvedBy": status.get("approvedBy"),
        "deliveryUrl": wanted.delivery_url if wanted else "",
        "roleArn": wanted.role_arn if wanted else None,
        **policy_of(wanted),
        **_retried(status),
    }
    return {
        key: cut_text(value, LONGEST) if isinstance(value, str) else value
        for key, value in facts.items()
        if value not in (None, "")
    }


def shown_labels(wanted: Wanted | None) -> list[dict[str, str]]:
    """The labels by name, each with the filter that lists the jobs that have it, too."""
    pairs = wanted.labels[:MOST_LABELS] if wanted else ()
    return [{"name": name, "value": value, "filter": f"{name}={value}"} for name, value in pairs]


def cost_of(found: FoundJob, settings: Settings) -> dict[str, Any]:
    """Processing units: expected and at most, reserved or spent now, and spent by all submissions; and their price."""
    amounts, wanted = found.status.get("processingUnits", {}), found.job.wanted if found.job else None
    estimate = wanted.estimate if wanted else None
    units = {
        "estimated": estimate.expected if estimate else amounts.get("estimated"),
        "atMost": estimate.upper if estimate else None,
        "reserved": amounts.get("reserved"),
        "spent": amounts.get("spent"),
        "spentByAll": found.spent,
    }
    price = settings.price_per_processing_unit
    return {
        "units": {key: round(value, 4) for key, value in units.items() if value is not None},
        **({} if price is None else {"price": {"perUnit": price, "currency": settings.currency}}),
    }


def _retried(status: Mapping[str, Any]) -> dict[str, Any]:
    retried = status.get("retried", {})
    return {"retriedTimes": retried.get("times"), "retriedBy": retried.get("by")}
