"""How often each warning code fires over the table: `python -m tests.evalscript.public`."""

import sys
from collections import Counter

from controller.model.errors import WARNINGS
from tests.evalscript.public import ROWS
from tests.support.trials import checked, false_positives


def main() -> None:
    errors = Counter(problem.code for row in ROWS for problem in checked(row).problems)
    false, meant = false_positives(ROWS), Counter(code for row in ROWS for code in row.warned)
    lines = [f"{len(ROWS)} scripts; false errors: {errors.total()} {dict(errors) or ''}", "code  false  deliberate"]
    lines += [f"{code}  {false[code]:5}  {meant[code]:10}" for code in sorted(WARNINGS | {*false})]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
