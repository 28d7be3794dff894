"""Kills in a loop of continuous writes: manifests change all the time, and the syncing process is killed by SIGKILL.

Each kill comes at a seeded moment after the process began to write. What it left is looked at before the next one
starts, on a copy, so that looking mends nothing.
"""

import random
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL

import yaml

from controller.ledger.store import Store
from controller.tree.status_files import status_bytes
from tests.proofs.ground import Ground, changing, copied, flaw_of, ground, until
from tests.proofs.record import tell

JOBS = 6
PER_GROUND = 25
LATEST = 1.2  # seconds after the first write
ALWAYS = {"apiVersion", "kind", "name", "phase", "reason", "message", "manifest", "generation", "digest", "deployment"}
RESTS = 10


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """500 kills (small: 5): 0 unreadable databases, 0 torn status files, at most one charge for each prefix."""
    wanted, latest = (5, LATEST / 2) if small else (500, LATEST)
    chance = random.Random(seed)
    counts: Counter[str] = Counter()
    while counts["kills"] < wanted:
        replay = f"kills, seed {seed}, after {counts['kills']}"
        tell(replay)
        counts += _round(min(PER_GROUND, wanted - counts["kills"]), latest, chance, replay)
    return {
        "kills": counts["kills"],
        "unreadable_databases": counts["unreadable databases"],
        "torn_status_files": counts["torn status files"],
        "databases_read": counts["databases"],
        "status_files_read": counts["status files"],
        "temporary_files_left": counts["temporary files"],
        "submissions_paid_for": counts["paid"],
        "paid_twice": counts["charges"] - counts["paid"],
        "answers_lost_and_found_again": counts["found again"],
        "left_unconfirmed_because_never_received": counts["never received"],
    }


def _round(kills: int, latest: float, chance: random.Random, replay: str) -> Counter[str]:
    """A fresh ground, so many kills on it, and the account at the end."""
    counts: Counter[str] = Counter()
    interrupted: set[str] = set()
    with ground(scale=0.005, scan_every="10s") as field:
        with changing(field, JOBS, chance.randrange(2**31)):
            for _ in range(10 * kills):
                if counts["kills"] == kills:
                    break
                if _killed(field, chance.uniform(0, latest)):
                    counts["kills"] += 1
                    counts += _inspected(field, f"{replay}, kill {counts['kills']}")
                    interrupted |= _open_intents(field.root / "copy")
        assert counts["kills"] == kills, f"{replay}: only {counts['kills']} of {kills} kills met a writing process"
        _let_rest(field, replay)
        counts += _account(field, replay)
        counts["found again"] = len(interrupted & set(field.accepted().values()))
    return counts


def _killed(field: Ground, seconds: float) -> bool:
    """Kill a sync so long after its first write; False when it had ended by itself."""
    before = _stamps(field)
    running = field.start()
    has_begun = until(lambda: not running.is_alive or (_holds(field, running.pid) and _stamps(field) != before))
    assert has_begun, "sync never wrote anything"
    threading.Event().wait(seconds)
    running.process.kill()
    end = running.ended()
    assert end.code in (-SIGKILL, 0, 1), f"sync ended with {end.code}: {end.said}"
    return end.code == -SIGKILL


def _holds(field: Ground, pid: int) -> bool:
    """Whether this process holds the lock."""
    try:
        return (field.state / "lock").read_text() == f"process {pid}"
    except FileNotFoundError:
        return False


def _stamps(field: Ground) -> dict[Path, int]:
    """When the database, its log and each status file were last written."""
    stamps = {}
    for path in (*field.state.glob("shjobs.db*"), *field.jobs.glob("*.status.yaml")):
        if path.suffix != ".db-shm":
            with suppress(FileNotFoundError):  # a journal is gone as soon as it is not needed
                stamps[path] = path.stat().st_mtime_ns
    return stamps


def _inspected(field: Ground, replay: str) -> Counter[str]:
    """Read everything the dead process left; raises with the first flaw."""
    counts: Counter[str] = Counter()
    folder = copied(field.state, field.root / "copy")
    if (folder / "shjobs.db").exists():
        reason = flaw_of(folder)
        assert not reason, f"{replay}: the database is unreadable: {reason}"
        counts["databases"] += 1
    for path in sorted(field.jobs.iterdir()):
        if path.name.endswith(".status.yaml") and not path.name.startswith("."):
            reason = _tear_in(path.read_bytes())
            assert not reason, f"{replay}: {path.name} is torn: {reason}"
            counts["status files"] += 1
        elif path.stem not in {f"job-{job}" for job in range(JOBS)}:
            assert path.name.startswith(".") and path.suffix == ".tmp", f"{replay}: {path.name} looks like a manifest"
            counts["temporary files"] += 1
    return counts


def _open_intents(folder: Path) -> set[str]:
    """The prefixes whose POST was under way, or about to be, as the product reads the copied database."""
    if not (folder / "shjobs.db").exists():
        return set()
    with Store.open(folder, {"deployment": "sandbox", "account": "sandbox"}) as store:
        assert all(job.name for job in store.jobs())
        return {submission.prefix for submission in store.submissions() if submission.answer is None}


def _tear_in(content: bytes) -> str:
    """Why this is not one whole status file of one job."""
    try:
        [document] = yaml.safe_load_all(content)
    except (yaml.YAMLError, ValueError) as error:
        return f"not one YAML document: {error}"
    if not isinstance(document, dict) or ALWAYS - document.keys():
        return "keys are missing"
    if "requestId" in document and "outcome" not in document.get("history", [{}])[-1]:
        return "the end of the history is missing"
    return "" if status_bytes([document]) == content else "not what is written for these values"


def _let_rest(field: Ground, replay: str) -> None:
    """Sync until nothing is pending: first the breaker must close again, one canary at a time."""
    for _ in range(RESTS):
        end = field.sync()
        assert end.code in (0, 1), f"{replay}: the last sync ended with {end.code}: {end.said}"
        if not _pending(field):
            return
    raise AssertionError(f"{replay}: still pending after {RESTS} syncs: {_pending(field)}")


def _pending(field: Ground) -> list[str]:
    phases = {path.name: yaml.safe_load(path.read_text())["phase"] for path in field.jobs.glob("*.status.yaml")}
    return [f"{name}: {phase}" for name, phase in phases.items() if phase not in ("Succeeded", "Unconfirmed")]


def _account(field: Ground, replay: str) -> Counter[str]:
    """What the two ledgers say of each other: nothing paid twice, nothing accepted that is not known."""
    field.assert_paid_once(replay)
    accepted, rows = field.accepted(), field.submissions()
    lost = accepted.keys() - {request_id for _, _, request_id, _ in rows}
    assert not lost, f"{replay}: accepted, but not in the controller's ledger: {[accepted[each] for each in lost]}"
    unconfirmed = {prefix for prefix, answer, _, _ in rows if answer == "unconfirmed"}
    missed = unconfirmed & set(accepted.values())
    assert not missed, f"{replay}: accepted, but still unconfirmed: {missed}"
    read = unconfirmed & field.posts().keys()
    assert not read, f"{replay}: read by the service, but still unconfirmed: {read}"
    charges = field.charges()
    return Counter({"paid": len(charges), "charges": charges.total(), "never received": len(unconfirmed)})
