"""A running sandbox for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sandbox import Service, running


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as one:
        yield one


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Service]:
    """A service whose requests stay RUNNING for as long as a test lasts."""
    with running(tmp_path, run_seconds=1e6) as one:
        yield one
