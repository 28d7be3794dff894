"""Pages of a ledger that a test fills, with jobs that are somewhere and of which something was reported."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from controller.cli.settings import load_settings
from controller.ledger.store import Store
from controller.page.links import ServedLinks
from controller.page.site import Site
from tests.support.factories import NOW, job, wanted
from tests.support.set_loops import ENVIRONMENT, SETTINGS

LARGEST = 60 * 1024
"""Bytes of a page."""


def empty_site(root: Path, base: str = "") -> Site:
    """The site of a state that no controller has used yet."""
    (root / "shjobs.toml").write_text(SETTINGS, encoding="utf-8")
    return Site(load_settings(root / "shjobs.toml", ENVIRONMENT), ServedLinks(base))


def site_of(root: Path, jobs: Mapping[str, tuple[Sequence[float], str, str]], base: str = "") -> Site:
    """The site of jobs by name, each with its bounding box, what was reported, and its team."""
    with Store.open(root / "state", {}) as store, store.transaction():
        for name, (bbox, _, team) in jobs.items():
            labels = (("team", team),) if team else ()
            body = json.dumps({"input": {"bounds": {"bbox": bbox}}})
            store.save_job(job(name=name, history=None, wanted=wanted(labels=labels)), body)
        store.mark_reported({name: told for name, (_, told, _) in jobs.items()}, NOW)
    return empty_site(root, base)
