"""A script engine for each file."""

from collections.abc import Iterator

import pytest

from controller.evalscript import Engine


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """As patient as the scripts that use up all their memory need it."""
    with Engine(seconds=120) as engine:
        yield engine
