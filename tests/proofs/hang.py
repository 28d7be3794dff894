"""A bucket that hangs: for a minute its store takes every connection and answers none, and other jobs go on as before.

The latency of a job in another bucket, from the file in place to its POST, is measured before and during that minute.
"""

import random
import socket
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial

from tests.proofs.daemons import daemon
from tests.proofs.ground import Ground, ground, until
from tests.proofs.record import tell

SECONDS, SMALL_SECONDS = 60.0, 2.0
STUCK = 10  # jobs that wait for the bucket that hangs
EVERY = 0.7  # seconds between two edits
FEWEST = 3  # edits, however slow the machine is
MOST, GRACE = 1.5, 0.05  # the median during the hang, as a multiple of the one before, or so many seconds above it
VARIABLES = {
    "SHJOBS_CREDENTIALS_STUCK_BUCKET_ACCESS_KEY": "any",
    "SHJOBS_CREDENTIALS_STUCK_BUCKET_SECRET_ACCESS_KEY": "any",
}
STORE = """
[credentials.stuck-bucket]
prefixes = ["s3://stuck-bucket/"]
endpoint = "http://{where}"
"""


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """Edit one job again and again, without and with the hang; its medians, and that the stuck jobs sent nothing."""
    seconds, chance, replay = SMALL_SECONDS if small else SECONDS, random.Random(seed), f"hang, seed {seed}"
    with ground(scale=0.01, scan_every="600s") as field, _silent_store() as (where, taken):
        settings = field.root / "shjobs.toml"
        settings.write_text(settings.read_text(encoding="utf-8") + STORE.format(where=where), encoding="utf-8")
        numbers = iter(range(10_000))
        field.write("first", next(numbers))
        with daemon(field, **VARIABLES) as running:
            assert until(lambda: _are_sent(field, 1)), f"{replay}: it never began"
            before = latencies_of(field, numbers, seconds, chance, replay)
            for job in range(STUCK):
                field.write(f"stuck-{job}", 5_000 + job, bucket="stuck-bucket")
            assert until(lambda: len(taken) > 0), f"{replay}: nobody asked the bucket that hangs"
            during = latencies_of(field, numbers, seconds, chance, replay)
            assert not any("stuck-bucket" in prefix for prefix in field.posts()), f"{replay}: sent without a listing"
            running.stopped()
    plain, hung = statistics.median(before), statistics.median(during)
    tell(f"{replay}: median {1000 * plain:.0f} ms before, {1000 * hung:.0f} ms during")
    assert small or hung <= max(plain * MOST, plain + GRACE), (
        f"{replay}: the median rose from {plain:.3f} to {hung:.3f} s"
    )
    return {
        "hang_s": round(seconds),
        "stuck_jobs": STUCK,
        "connections_without_an_answer": len(taken),
        "posts_before": len(before),
        "posts_during": len(during),
        "median_ms_before": round(1000 * plain),
        "median_ms_during": round(1000 * hung),
        "longest_ms_during": round(1000 * max(during)),
    }


def latencies_of(
    field: Ground, numbers: Iterator[int], seconds: float, chance: random.Random, replay: str
) -> Sequence[float]:
    """Seconds from a file in place to its POST, of one edit after the other for so long, and of a few at least."""
    took: list[float] = []
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at or len(took) < FEWEST:
        before, wanted = datetime.now(UTC), len(_posted(field)) + 1
        field.write("job", next(numbers))
        assert until(partial(_are_sent, field, wanted)), f"{replay}: an edit was not sent"
        took.append((_posted(field)[-1] - before).total_seconds())
        time.sleep(chance.uniform(0.5, 1.5) * EVERY)
    return took


def _are_sent(field: Ground, wanted: int) -> bool:
    return len(_posted(field)) >= wanted


def _posted(field: Ground) -> list[datetime]:
    return [datetime.fromisoformat(each.time) for each in field.sandbox.ledger.entries() if each.event == "post"]


@contextmanager
def _silent_store() -> Iterator[tuple[str, list[socket.socket]]]:
    """The address of a store that takes connections and says nothing; the connections that it took."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            with suppress(OSError):
                while True:
                    taken.append(server.accept()[0])

        thread = threading.Thread(target=take, name="silent store", daemon=True)
        thread.start()
        host, port = server.getsockname()
        try:
            yield f"{host}:{port}", taken
        finally:
            for each in taken:
                each.close()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
