"""`make bench`: every budget of DESIGN §12 as one table, each figure beside its baseline of the same run.

`python -m bench scans latency` measures those parts alone; `--json FILE` keeps the rows.
"""

import argparse
import sys
import time
from importlib import import_module
from pathlib import Path

from bench.rows import Row, record, table

PARTS = ("scans", "loads", "idle", "throughput", "latency", "sandbox", "sets", "scale", "page")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[], help="all of them if none is named")
    parser.add_argument("--json", type=Path, help="keep the rows in this file")
    given = parser.parse_args()
    rows: list[Row] = []
    for name in given.parts or PARTS:
        began = time.monotonic()
        rows += import_module(f"bench.{name}").rows()
        sys.stderr.write(f"{name}: {time.monotonic() - began:.0f} s\n")
    print("\n".join(table(rows)))
    if given.json:
        record(rows, given.json)
    return int(any(row.holds is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
