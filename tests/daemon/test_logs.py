"""The lines of the daemon's log."""

import io
import json
import logging
from collections.abc import Iterator
from decimal import Decimal

import pytest

from controller.daemon.logs import set_up
from controller.model.timing import seconds_of

SECRET = "canary-3f1a"


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """The root logger, which is as before afterwards."""
    root = logging.getLogger()
    handlers, level, raises = root.handlers[:], root.level, logging.raiseExceptions
    yield root
    root.handlers[:], logging.raiseExceptions = handlers, raises
    root.setLevel(level)


def logged(form: str, *, is_ours: bool) -> str:
    """The line about an error with a secret in its words, raised by our code or outside of it."""
    stream = io.StringIO()
    set_up(form, stream=stream)
    try:
        seconds_of(SECRET) if is_ours else Decimal(SECRET)
    except (ValueError, ArithmeticError):
        logging.getLogger("controller.test").exception("a picture cannot be made")
    return stream.getvalue()


@pytest.mark.usefixtures("root_logger")
@pytest.mark.parametrize("is_ours", [True, False])
def test_a_line_about_an_error_says_which_and_where_and_nothing_of_its_words(is_ours: bool) -> None:
    kind = "ValueError in controller.model.timing, line " if is_ours else f"InvalidOperation in {__name__}, line "
    human, machine = logged("human", is_ours=is_ours), json.loads(logged("json", is_ours=is_ours))
    assert f"ERROR a picture cannot be made ({kind}" in human
    assert human.count("\n") == 1
    assert machine["message"] == "a picture cannot be made"
    assert machine["error"].startswith(kind)
    assert SECRET not in human + str(machine)


@pytest.mark.usefixtures("root_logger")
def test_no_control_sequence_of_a_message_reaches_the_terminal() -> None:
    stream = io.StringIO()
    set_up("human", stream=stream)
    logging.getLogger("controller.test").warning("%s", "no\x1b[31m data\n2026 INFO ndvi: Delivered \u202e…")
    assert r"WARNING no\x1b[31m data\n2026 INFO ndvi: Delivered \u202e…" in stream.getvalue()
    assert stream.getvalue().count("\n") == 1
