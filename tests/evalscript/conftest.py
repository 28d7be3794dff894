"""One script engine for all of them: each script gets a realm of its own."""

from collections.abc import Iterator

import pytest

from controller.evalscript.engine import Engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """As patient as the scripts that use up all their memory need it."""
    with Engine(seconds=120) as engine:
        yield engine
