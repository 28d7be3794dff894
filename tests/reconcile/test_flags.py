"""A stop takes effect at once where nothing was decided yet, whatever the code that it interrupts makes of it."""

import os
import queue
import signal
from contextlib import suppress

import pytest
from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, SchemaError

from controller.reconcile.runner import Flags, Stopped


@pytest.fixture
def flags() -> Flags:
    return Flags(queue.SimpleQueue())


def test_a_stop_interrupts_what_may_be_interrupted(flags: Flags) -> None:
    with pytest.raises(Stopped), flags.interruptible():
        flags.stop()


def test_a_stop_that_a_library_turned_into_its_own_error_was_taken_for_a_bug(flags: Flags) -> None:
    with pytest.raises(Stopped) as seen, flags.interruptible():
        try:
            flags.stop()
        except BaseException as error:
            raise SchemaError("the schema cannot be built") from error
    assert isinstance(seen.value.__cause__, SchemaError)


def test_an_error_without_a_stop_stays_what_it_is(flags: Flags) -> None:
    with pytest.raises(SchemaError), flags.interruptible():
        raise SchemaError("the schema cannot be built")


def test_what_may_not_be_interrupted_goes_on(flags: Flags) -> None:
    flags.stop()
    with pytest.raises(Stopped):
        flags.check_stop()


def test_a_signal_while_a_model_is_built_is_a_stop(flags: Flags) -> None:
    """The validator is compiled at the first use; the signal comes while that asks for the fields."""

    class Deferred(BaseModel):
        model_config = ConfigDict(defer_build=True)
        value: int = 0

        @classmethod
        def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
            os.kill(os.getpid(), signal.SIGTERM)
            return handler(source)

    before = signal.signal(signal.SIGTERM, lambda *_: flags.stop())
    try:
        with pytest.raises(Stopped), flags.interruptible():
            Deferred()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_stop_that_was_taken_for_an_error_of_what_was_read_is_a_stop(flags: Flags) -> None:
    """As when a library makes an error of it, and a net around what is read a problem of that."""
    with pytest.raises(Stopped), flags.interruptible(), suppress(BaseException):
        flags.stop()
