"""The real program, except that its ledger does not wait for the disk: what the durability test must find out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from controller import assembly
from controller.__main__ import main
from controller.ledger.store import Store


class Careless(Store):
    """A ledger with `synchronous = off`."""

    @classmethod
    def open(cls, state: Path, bindings: Mapping[str, str | None]) -> Self:
        store = super().open(state, bindings)
        store._db.execute("pragma synchronous = off")
        return store


if __name__ == "__main__":
    assembly.Store = Careless  # type: ignore[attr-defined]
    main()
