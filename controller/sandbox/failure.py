"""The only error of rendering: `runs` turns it into an `error.json`."""

from typing import TypeVar

from controller.model.errors import ShjobsError
from controller.model.script import ScriptFailure

Answer = TypeVar("Answer")


class RenderFailed(ShjobsError):  # noqa: N818  named for the outcome
    """The request was accepted but cannot be rendered; `code` is the service's error code.

    Source: reference page "Evalscript V3" §7.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def script_failed(message: str) -> RenderFailed:
    """The script, or what it declares, is invalid."""
    return RenderFailed("RENDERER_EXCEPTION", message)


def not_here(message: str) -> RenderFailed:
    """The real service can do it, the sandbox cannot: reported plainly instead of delivering something else."""
    return RenderFailed("SANDBOX_UNSUPPORTED", message)


def value_or_raise(answer: Answer | ScriptFailure) -> Answer:
    """The engine's result; raises RenderFailed with the script's own message and its position."""
    if not isinstance(answer, ScriptFailure):
        return answer
    place = f" (line {answer.line}, column {answer.column})" if answer.line else ""
    raise script_failed(answer.message + place)
