"""How long a test waits for what has to come."""

LONGEST = 300.0  # seconds: so long takes only a mistake, however busy the machine is
