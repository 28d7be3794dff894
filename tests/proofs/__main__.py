"""Run the proofs and write their figures: `make prove`, or `python -m tests.proofs --seed 7 crash faults`."""

import argparse
import secrets
import time
from importlib import import_module

from tests.proofs.record import record, tell

PARTS = (
    *("histories", "moments", "faults", "outage", "crash", "losses", "races", "pairs", "kills", "disk", "plans"),
    *("budgets", "changes", "demo", "soak", "drain", "hang", "hostile", "container", "agreement"),
    *("fetches", "notices"),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[], help="all of them if none is named")
    parser.add_argument("--seed", type=int, default=None, help="a fresh one if not given")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else secrets.randbelow(2**31)
    for name in given.parts or PARTS:
        began = time.monotonic()
        tell(f"{name}: seed {seed}")
        figures = import_module(f"tests.proofs.{name}").prove(seed)
        path = record(name, seed, figures)
        tell(f"{name}: {time.monotonic() - began:.0f} s, seed {seed}, {path.name}: {figures}")


if __name__ == "__main__":
    main()
