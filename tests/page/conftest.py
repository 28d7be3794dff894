"""A site over a ledger with jobs in many states."""

from pathlib import Path

import pytest

from controller.cli.settings import load_settings
from controller.model.clock import Clock
from controller.page.site import Site
from tests.support.listed import filled

MONTH = "2026-03"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with settings and the ledger."""
    (tmp_path / "shjobs.toml").write_text('deployment = "sandbox"\nmonthlyBudget = 100\n', encoding="utf-8")
    (tmp_path / "state").mkdir()
    filled(tmp_path / "state")
    return tmp_path


@pytest.fixture
def site(root: Path) -> Site:
    return Site(load_settings(root / "shjobs.toml", {}), clock=Clock())


@pytest.fixture
def empty_site(tmp_path: Path) -> Site:
    """A site where nothing ever ran."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "shjobs.toml").write_text('deployment = "sandbox"\n', encoding="utf-8")
    return Site(load_settings(tmp_path / "empty" / "shjobs.toml", {}))
