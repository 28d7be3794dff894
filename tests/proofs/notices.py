"""Receivers that misbehave, and a daemon that is killed while it sends to them: each hears of everything, under one id.

First the daemon is killed (SIGKILL) at random moments while jobs end and receivers hang, drip, redirect, close and
refuse; then two receivers are gone, for half of a scaled day and for more than one; then the latency from file to POST
is measured with and without receivers, of which one hangs, by turns in one run.
"""

import random
import socket
import sqlite3
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

from controller.model.reasons import Phase, Reason
from controller.sandbox.faults.faults import Fault
from tests.proofs.daemons import daemon
from tests.proofs.ground import Ground, ground, until
from tests.proofs.hang import latencies_of
from tests.proofs.record import tell
from tests.support.ports import closed_port
from tests.support.receiver import Behaviour, Received, Receiver, answer, close, drip, hang

SCALE = 0.001
DAY = 86_400 * SCALE
LATEST = 2.0  # seconds from a start to its kill
ROUNDS = 4
MOST, GRACE = 1.1, 0.02  # the median with receivers, as a multiple of the one without, or so many seconds above it
REDIRECT = answer(307, "Location: /elsewhere\r\n")
SETTLED = [str(each) for each in Reason if each.phase in (Phase.SUCCEEDED, Phase.FAILED) or each is Reason.NEEDS_PERSON]
MOODS: Mapping[str, Sequence[Behaviour | None]] = {
    "good": [answer(200)],
    "refusing": [answer(500), answer(503, "Retry-After: 1\r\n"), answer(429), answer(200)],
    "closing": [close, answer(200)],
    "redirecting": [REDIRECT, answer(200)],
    "silent": [None],
    "dripping": [drip, answer(200)],
}
"""What each receiver does with one request after the other, and then anew; None: nothing, until all are well."""


@dataclass
class Heard:
    """What one receiver does by turns, until it is well."""

    moods: Sequence[Behaviour | None]
    is_well: bool = False
    _turn: Iterator[int] = field(default_factory=count)

    def behave(self, connection: socket.socket, closing_: threading.Event) -> None:
        mood = answer(200) if self.is_well else self.moods[next(self._turn) % len(self.moods)]
        while mood is None and not self.is_well and not closing_.wait(0.05):
            pass
        if mood is not None:
            mood(connection, closing_)


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """200 kills (small: 3); every event at every receiver, ids that stay, and no turn that waits for one."""
    replay = f"notices, seed {seed}"
    chance = random.Random(seed)
    figures = _killed(3 if small else 200, chance, replay) | _away(replay, small=small)
    return figures | _latency(2.0 if small else 20.0, chance, replay, small=small)


def _killed(kills: int, chance: random.Random, replay: str) -> dict[str, object]:
    with ExitStack() as stack, ground(scale=SCALE, scan_every="10s") as place:
        heard = {name: Heard(moods) for name, moods in MOODS.items()}
        receivers = {name: stack.enter_context(Receiver(each.behave)) for name, each in heard.items()}
        _add_sinks(place, {name: each.url for name, each in receivers.items()})
        numbers = iter(range(10_000))
        for number in range(kills):
            for _ in range(2):
                _new_job(place, next(numbers), chance)
            with daemon(place) as running:
                assert until(partial(_has_begun, running.log, number + 1)), f"{replay}: it did not begin"
                time.sleep(chance.uniform(0, LATEST))
                running.process.kill()
                running.process.wait()
            if number % 20 == 19:
                tell(f"{replay}: kill {number + 1}")
        for each in heard.values():
            each.is_well = True
        with daemon(place) as running:
            assert until(lambda: _settled(place) == 2 * kills and not _waiting(place), 4 * DAY), (
                f"{replay}: {_settled(place)} of {2 * kills} are settled, {_waiting(place)} messages wait"
            )
            running.stopped()
        ended = _ended(place)
        requests = {name: list(each.received) for name, each in receivers.items()}
        unheard = Counter[str]()
        for name, found in requests.items():
            unheard.update(_check(found, ended, f"{replay}, {name}"))
        place.assert_paid_once(replay)
    return {
        "kills": kills,
        "receivers": len(heard),
        "runs_ended": len(ended),
        "requests": sum(map(len, requests.values())),
        "not_reported": unheard["not reported"],
        "reported_under_two_ids": unheard["two ids"],
    }


def _has_begun(log: Path, starts: int) -> bool:
    return log.read_bytes().count(b"watching ") >= starts


def _check(received: Sequence[Received], ended: Mapping[str, str], where: str) -> Mapping[str, int]:
    """Every run that ended was reported, by one event with one id, in one message with one id."""
    contents: dict[str, set[frozenset[str]]] = {}
    events: dict[str, set[str]] = {}
    for request in received:
        document = request.document
        found = document["data"]["events"]
        contents.setdefault(document["id"], set()).add(frozenset(each["id"] for each in found))
        for each in found:
            if each.get("phase") in ("Succeeded", "Failed"):
                events.setdefault(each["job"], set()).add(f"{each['id']} {each['submission']} {each['phase']}")
    assert all(len(each) == 1 for each in contents.values()), f"{where}: one id with two contents"
    owners = [(event, id_) for id_, [only] in ((id_, list(each)) for id_, each in contents.items()) for event in only]
    assert len(owners) == len({event for event, _ in owners}), f"{where}: one event in two messages"
    assert events.keys() == ended.keys(), f"{where}: not reported: {sorted(ended.keys() - events.keys())[:5]}"
    assert all(len(each) == 1 for each in events.values()), f"{where}: a run reported under two ids"
    wrong = [job for job, [each] in ((job, list(found)) for job, found in events.items()) if ended[job] not in each]
    assert not wrong, f"{where}: reported wrongly: {wrong[:5]}"
    doubled = sum(len(each) > 1 for each in events.values())
    return {"not reported": len(ended.keys() - events.keys()), "two ids": doubled}


def _away(replay: str, *, small: bool) -> dict[str, object]:
    """One receiver comes back after half of a day; the other, after more than one, hears only of what is new."""
    with ground(scale=SCALE, scan_every="10s") as place, ExitStack() as stack:
        _add_sinks(place, {name: f"http://127.0.0.1:{closed_port()}/" for name in ("half", "day")})
        with daemon(place) as running:
            for number in range(10):
                _new_job(place, number, random.Random(0))
            assert until(lambda: _settled(place) == 10), f"{replay}: they did not end"
            ended = _ended(place)
            time.sleep(DAY / (20 if small else 2))
            half = stack.enter_context(Receiver())
            (place.root / "half.url").write_text(half.url, encoding="utf-8")
            assert until(lambda: not _waiting(place, "half")), f"{replay}: the one that came back did not get all"
            _check(list(half.received), ended, f"{replay}, half a day")
            if not small:
                assert until(lambda: not _waiting(place, "day"), 2 * DAY), f"{replay}: nothing was given up"
            given_up, tries = _given_up(place)
            running.stopped()
        assert small or (given_up and not _waiting(place)), f"{replay}: {given_up} given up"
    return {"reported_after_half_a_day": len(ended), "given_up_after_a_day": given_up, "tries_in_that_day": tries}


def _latency(seconds: float, chance: random.Random, replay: str, *, small: bool) -> dict[str, object]:
    """Medians from file to POST without and with a receiver that hangs and one that is well, by turns."""
    without: list[float] = []
    beside: list[float] = []
    with ground(scale=0.01, scan_every="600s") as place, Receiver(hang) as silent, Receiver() as good:
        settings = place.root / "shjobs.toml"
        plain, numbers = settings.read_text(encoding="utf-8"), iter(range(10_000))
        for _ in range(1 if small else ROUNDS):
            for took, sinks in ((without, {}), (beside, {"silent": silent.url, "good": good.url})):
                settings.write_text(plain, encoding="utf-8")
                _add_sinks(place, sinks)
                with daemon(place) as running:
                    took += latencies_of(place, numbers, seconds, chance, replay)[1:]  # the first waits for the start
                    assert not sinks or until(lambda: bool(good.received)), f"{replay}: nothing was sent"
                    running.stopped()
        told = len(good.received)
    before, after = statistics.median(without), statistics.median(beside)
    tell(f"{replay}: median {1000 * before:.0f} ms without, {1000 * after:.0f} ms with receivers")
    assert small or after <= max(before * MOST, before + GRACE), f"{replay}: {before:.3f} s became {after:.3f} s"
    return {
        "messages_while_measured": told,
        "median_ms_without": round(1000 * before),
        "median_ms_with": round(1000 * after),
    }


def _add_sinks(place: Ground, sinks: Mapping[str, str]) -> None:
    settings = place.root / "shjobs.toml"
    text = settings.read_text(encoding="utf-8")
    for name, url in sinks.items():
        (place.root / f"{name}.url").write_text(url, encoding="utf-8")
        text += f'\n[notify.{name}]\ntype = "webhook"\nurlFile = "{name}.url"\ndigest = "0.5s"\n'
    settings.write_text(text, encoding="utf-8")


def _new_job(place: Ground, number: int, chance: random.Random) -> None:
    """A job that no other equals; about every third fails."""
    if chance.random() < 0.3:
        place.sandbox.faults.add(Fault(name="run-fails", times=1))
    place.write(f"job-{number}", number)


def _ended(place: Ground) -> dict[str, str]:
    """The submission and the phase of each job whose run has ended, as the ledger has them."""
    rows = _asked(place, "select job, id, verdict from submission where verdict in ('succeeded', 'failed')")
    return {job: f"{id_} {verdict.capitalize()}" for job, id_, verdict in rows}


def _settled(place: Ground) -> int:
    """How many jobs were reported as ended, or as waiting for an operator: nothing shows what became of their POST.

    A report records what receivers are to hear; the ledger has the end of a run a moment before.
    """
    [[count]] = _asked(place, f"select count(*) from job where reason in ({', '.join(map(repr, SETTLED))})")
    return int(count)


def _waiting(place: Ground, sink: str = "") -> int:
    """How many events wait to be told, or messages to be sent."""
    chosen = f"name = '{sink}'" if sink else "1"
    unseen = _asked(
        place,
        f"select count(*) from sink join notice on notice.number > iif(topic = 'succeeded', collected, seen) "
        f"where {chosen}",
    )
    messages = _asked(
        place, f"select count(*) from message where next_at is not null and {chosen.replace('name', 'sink')}"
    )
    return int(unseen[0][0]) + int(messages[0][0])


def _given_up(place: Ground) -> tuple[int, int]:
    [[given_up, tries]] = _asked(place, "select given_up, failed from sink where name = 'day'")
    return int(given_up), int(tries)


def _asked(place: Ground, sql: str) -> list[tuple[str, ...]]:
    try:
        with closing(sqlite3.connect(f"file:{place.state / 'shjobs.db'}?mode=ro", uri=True, timeout=10)) as ledger:
            return ledger.execute(sql).fetchall()
    except sqlite3.OperationalError:  # it is being created
        return [("0",)] if "count(*)" in sql else []
