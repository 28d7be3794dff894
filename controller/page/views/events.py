"""What happened, the latest first, fifty a page."""

from typing import Any

from controller.page.context import ViewContext
from controller.page.views.notices import sinks_and_messages

SIZE = 50


def events_list(context: ViewContext) -> dict[str, Any]:
    """What the page shows: of one job (`job`), or of all; `before` is the number of an event.

    The first page of all also shows what was sent to the sinks.
    """
    store, job = context.store, context.fields.get("job", "").strip()
    before = {"before": context.number("before", 1)} if "before" in context.fields else {}
    found = store.events([job] if job else [], SIZE + 1, **before)[::-1] if store else []
    shown = found[:SIZE]
    return {
        **(sinks_and_messages(store, context.settings) if store and not job and not before else {}),
        "job": job,
        "before": before.get("before"),
        "events": [_event(each) for each in shown],
        "next": shown[-1].get("since", shown[-1]["number"]) if len(found) > SIZE else None,
    }


def _event(row: dict[str, Any]) -> dict[str, Any]:
    keys = ("at", "job", "jobs", "reason", "message", "submission")
    return {key: row[key] for key in keys if row.get(key)}
