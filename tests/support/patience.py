"""How long a test waits for what has to come."""

from controller.model.timing import Timing

LONGEST = 300.0  # seconds: so long takes only a mistake, however busy the machine is
PATIENT = Timing(
    connect_timeout=LONGEST, answer_timeout=LONGEST, read_timeout=3 * LONGEST, notify_answer=LONGEST, poll_first=0
)  # fmt: skip
"""For calls of which none is to end by a time-out."""
