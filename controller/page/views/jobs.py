"""The jobs, fifty a page: those that need an operator first. Filtered, sorted and counted by the ledger."""

from typing import Any

from controller.ledger.reads.labels import label_values
from controller.ledger.reads.listing import list_jobs
from controller.ledger.reads.order import Position
from controller.model.reasons import Phase
from controller.page.context import ViewContext
from controller.page.recorded import filter_fields, filter_of, row_facts

SIZE = 50


def jobs_list(context: ViewContext) -> dict[str, Any]:
    """What the page shows. Raises `UsageError` for a field that means nothing."""
    wanted = filter_of(context.fields)
    fields = filter_fields(context.fields)
    store = context.store
    if store is None:
        return {"filter": fields, "rows": [], "total": 0, "phases": {}, "after": "", "next": None, "labels": []}
    after = context.fields.get("after", "")
    found = list_jobs(store, wanted, SIZE, Position.parse(after) if after else None)
    return {
        "filter": fields,
        "rows": [row_facts(row) for row in found.rows],
        "total": found.total,
        "phases": {str(each): found.phases[each] for each in Phase if found.phases.get(each)},
        "after": after,
        "next": str(found.next) if found.next else None,
        "labels": label_values(store),
    }
