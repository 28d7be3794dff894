"""JSON that a service, a bucket or a script wrote, read so that its texts can be stored and sent.

JSON may hold half of a surrogate pair (an emoji that was cut), which no UTF-8 text can.
"""

import json
import re
from typing import Any

_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


def read_received(text: str | bytes) -> Any:
    """The value, with `?` for half of a surrogate pair. Raises what `json.loads` does."""
    value = json.loads(text)
    if _HALF.search(text if isinstance(text, bytes) else text.encode("utf-8", "replace")) is None:
        return value
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
