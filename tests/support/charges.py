"""What the sandbox's ledger says was accepted and charged: the judge of every test about money."""

from collections.abc import Iterable

from controller.sandbox.ledger import Entry


def accepted_entries(entries: Iterable[Entry]) -> list[Entry]:
    """Every request the sandbox took, whether or not the client heard of it."""
    return [entry for entry in entries if entry.event == "accepted"]


def charges_by_prefix(entries: Iterable[Entry]) -> dict[str, float]:
    """Processing units charged, summed by delivery URL."""
    charges: dict[str, float] = {}
    for entry in entries:
        if entry.event == "charged":
            charges[entry.prefix] = charges.get(entry.prefix, 0.0) + (entry.processing_units or 0.0)
    return charges
