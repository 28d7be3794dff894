"""The jobs, fifty a page: those that need an operator first."""

from typing import Any

from controller.page.context import ViewContext


def map_of_jobs(context: ViewContext) -> dict[str, Any]:
    """What the page shows."""
    return {"jobs": str(context.settings.jobs)}
