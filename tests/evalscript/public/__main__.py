"""How often each warning code fires over the table: `python -m tests.evalscript.public`."""

import sys
from collections import Counter

from tests.evalscript.public import ROWS
from tests.support.trials import checked, false_positives


def main() -> None:
    errors = Counter(problem.code for row in ROWS for problem in checked(row).problems)
    meant = Counter(code for row in ROWS for code in row.warned)
    sys.stdout.write(f"{len(ROWS)} scripts; false errors: {dict(errors)}\n")
    sys.stdout.write(f"false warnings: {dict(false_positives(ROWS))}; deliberate ones: {dict(meant)}\n")


if __name__ == "__main__":
    main()
