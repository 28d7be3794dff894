"""The codes of all warnings, so that a comment which silences one is not misspelt unnoticed.

Codes are stable from version to version. What each means: docs/checks.md, which a test compares with the source.
"""

import re

_CODE = re.compile(r"[EW]\d{3}")

SILENCING = frozenset({"W900", "W901", "W902", "W903", "W904"})
"""About the silencing comments themselves; nothing silences these."""

TREE = frozenset({"W200"})
"""About links of the tree, which can hold no comment."""

WARNINGS = frozenset(
    {
        *(f"W{number:03}" for number in range(1, 22)),
        *("W100", "W101", "W103", "W104", "W105", "W106", "W107", "W108", "W109", "W110", "W111"),
        *("W112", "W113", "W114", "W115", "W116", "W117", "W118", "W119", "W120", "W121", "W122"),
    }
)
"""Those that a comment can silence."""


def is_code(written: str) -> bool:
    """Whether this has the form of a code, known or not."""
    return _CODE.fullmatch(written) is not None
