"""The sets: one row each, those that need something first."""

from typing import Any

from controller.page.context import ViewContext
from controller.page.recorded import recorded_sets

MOST = 100
"""On one page."""


def list_sets(context: ViewContext) -> dict[str, Any]:
    """The sets as last recorded, so many a page."""
    store = context.store
    found = recorded_sets(store) if store else []
    page = min(context.number("page", 1), max(1, -(-len(found) // MOST)))
    rows = [
        {
            "name": each["name"],
            "path": each["path"],
            "phase": each["phase"],
            "message": each.get("message", ""),
            "cells": each["cells"],
            "processingUnits": each.get("processingUnits", {}),
            "next": each.get("next", {}).get("at", ""),
        }
        for each in found[(page - 1) * MOST : page * MOST]
    ]
    return {"sets": rows, "total": len(found), "page": page, "pages": max(1, -(-len(found) // MOST))}
