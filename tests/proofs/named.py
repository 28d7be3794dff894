"""The real program, except that the name of its claim is known: so that a kill can aim at the calls that put it."""

from datetime import datetime

from controller.__main__ import main
from controller.lifecycle.claim import Instance

NAME = "20260101T000000000Z-aaaaaaaa-1"


def _name(self: Instance, now: datetime, drawn: str) -> str:
    return NAME


if __name__ == "__main__":
    Instance.claim_name = _name  # type: ignore[method-assign]
    main()
