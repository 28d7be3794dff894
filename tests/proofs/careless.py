"""The real program, except that its ledger does not wait for the disk: what the durability test must find out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from controller.__main__ import main
from controller.ledger.store import Store
from controller.reconcile import wiring as assembly


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
