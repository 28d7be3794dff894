"""When the transfer of a commit is tried again that failed: one that is too large would else be sent every minute."""

import time

from controller.source.refusal import TooSoonError

FIRST, LONGEST = 10.0, 900.0  # seconds


class TransferPauses:
    """How often the transfer of the newest commit has failed. A question that moves no objects is never put off."""

    def __init__(self) -> None:
        self._commit = ""
        self._message = ""
        self._failures = 0
        self._until = 0.0

    def failed(self, commit: str, message: str) -> None:
        self._failures = self._failures + 1 if commit == self._commit else 1
        self._commit, self._message = commit, message
        self._until = time.monotonic() + min(LONGEST, FIRST * 2 ** (self._failures - 1))

    def forget(self) -> None:
        """What it failed of is mended."""
        self._commit = ""

    def check(self, commit: str) -> None:
        """Raises `TooSoonError` with the message of the last failure while the commit has to wait."""
        left = self._until - time.monotonic()
        if commit == self._commit and left > 0:
            raise TooSoonError(f"{self._message}; it is tried again in {left:.0f} s")
