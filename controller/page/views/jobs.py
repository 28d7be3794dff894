"""The jobs, fifty a page: those that need an operator first. Filtered, sorted and counted by the ledger."""

from collections.abc import Iterator
from typing import Any, TypeVar

from controller.ledger.reads.labels import label_values
from controller.ledger.reads.listing import Filter, list_jobs
from controller.ledger.reads.order import Position
from controller.model.errors import UsageError
from controller.model.reasons import Phase, Reason
from controller.page.context import ViewContext
from controller.page.recorded import row_facts

SIZE = 50
Word = TypeVar("Word", Phase, Reason)


def jobs_list(context: ViewContext) -> dict[str, Any]:
    """What the page shows. Raises `UsageError` for a field that means nothing."""
    wanted = filter_of(context)
    fields = {name: context.fields.get(name, "") for name in ("phase", "reason", "label", "set", "text")}
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


def filter_of(context: ViewContext) -> Filter:
    """What the fields `phase`, `reason`, `label`, `set` and `text` of an address ask for. Raises `UsageError`."""
    fields = context.fields
    return Filter(
        phases=tuple(_words(fields.get("phase", ""), Phase, "phase")),
        reasons=tuple(_words(fields.get("reason", ""), Reason, "reason")),
        labels=tuple(filter(None, [fields.get("label", "").strip()])),
        set_name=fields.get("set", "").strip(),
        text=fields.get("text", "").strip(),
    )


def _words(text: str, known: type[Word], field: str) -> Iterator[Word]:
    by_word = {each.lower(): each for each in known}
    for word in filter(None, text.split(",")):
        if word.strip().lower() not in by_word:
            raise UsageError(f"{field}: there is none of this name; write one of {', '.join(known)}")
        yield by_word[word.strip().lower()]
