"""A ledger whose bytes are not those that were written: it is named with how to restore it, and never paid over."""

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from controller.ledger.location import FILE_NAME
from controller.model.errors import StateError
from tests.conftest import Workspace, ndvi, opened_workspace
from tests.support.command import shjobs

pytestmark = pytest.mark.slow

JOBS = 12
Damage = Callable[[Path], None]


@pytest.fixture(scope="module")
def paid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace whose jobs have all been paid for; `whole` is a copy of its state."""
    with opened_workspace(tmp_path_factory.mktemp("paid")) as workspace:
        for number in range(JOBS):
            workspace.write(f"job-{number}.yaml", ndvi(f"job-{number}", west=14.0 + number / 100))
        workspace.sync()
        shutil.copytree(workspace.state, workspace.root / "whole")
        yield workspace


@pytest.fixture
def state(paid: Workspace) -> Path:
    """The whole state once more, to be damaged."""
    shutil.rmtree(paid.state)
    shutil.copytree(paid.root / "whole", paid.state)
    return paid.state / FILE_NAME


def everything(workspace: Workspace) -> list[tuple[str, int, str]]:
    """Every command that reads the ledger, with its exit code and what it said."""
    commands = [["get"], ["get", "-l", "a=b"], ["plan"], ["describe", "job-1"], ["why", "job-1"], ["events"]]
    commands += [["budget"], ["fetch", "job-1"], ["doctor"], ["pause"], ["resume"]]
    found = []
    for command in commands:
        done = shjobs(*command, cwd=workspace.root, environment=dict(workspace.environment))
        found.append((" ".join(command), done.returncode, done.stderr))
    return found


def flipped(seed: int) -> Damage:
    """One bit is another one."""

    def damage(path: Path) -> None:
        chance, content = random.Random(seed), bytearray(path.read_bytes())
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)

    return damage


def truncated(seed: int) -> Damage:
    """The end is missing."""

    def damage(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: random.Random(seed).randrange(1, len(content))])

    return damage


def overwritten(seed: int) -> Damage:
    """A stretch of it is garbage."""

    def damage(path: Path) -> None:
        chance, content = random.Random(seed), bytearray(path.read_bytes())
        start = chance.randrange(len(content))
        content[start : start + 512] = chance.randbytes(len(content[start : start + 512]))
        path.write_bytes(content)

    return damage


def checked(workspace: Workspace) -> None:
    """No command calls it a mistake of its own, and nothing is paid for again."""
    before = workspace.posts()
    for command, code, words in everything(workspace):
        assert code in (0, 1, 2), (command, words)
        assert "Traceback" not in words and "should not happen" not in words, (command, words)
    try:
        workspace.sync()
    except StateError as error:
        assert "restore it" in str(error).lower() or "another program" in str(error)
    assert workspace.posts() == before


@pytest.mark.parametrize("damage", [flipped, truncated, overwritten])
@pytest.mark.parametrize("seed", range(2))
def test_random_damage_ends_no_command_with_a_mistake_of_ours(
    paid: Workspace, state: Path, damage: Callable[[int], Damage], seed: int
) -> None:
    damage(seed)(state)
    checked(paid)


def changed(*statements: str) -> Damage:
    """A ledger in which this was done by hand."""

    def damage(path: Path) -> None:
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("pragma ignore_check_constraints = on")
            for statement in statements:
                db.execute(statement)

    return damage


NAMED = {
    "garbage": lambda path: path.write_bytes(random.Random(1).randbytes(50_000)),
    "half of it": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "no submissions": changed("drop table submission"),
    "no events": changed("drop table event"),
    "no column for what was reserved": changed(
        "drop index submission_by_day", "alter table submission drop column reserved_pu"
    ),
    "no index that keeps it from being paid twice": changed("drop index submission_paid_once"),
}
ROWS = {
    "an answer that there is not": changed("update submission set answer = 'perhaps'"),
    "text for a rerun": changed("update submission set rerun = 'many'"),
    "text for what was reserved": changed("update submission set reserved_pu = 'much'"),
    "no time": changed("update submission set intended_at = 'soon'"),
    "outputs that are no JSON": changed("update submission set outputs = '{'"),
    "outputs of another form": changed("""update submission set outputs = '[{"a": 1}]'"""),
    "evidence of another form": changed("update submission set evidence = '[1]'"),
    "text for a generation": changed("update job set generation = 'first'"),
    "a wish that is no JSON": changed("update job set wanted = 'nothing'"),
    "a wish of another form": changed("""update job set wanted = '{"digest": 1}'"""),
    "files used that are no JSON": changed("update file set uses = 'ndvi.js'"),
    "requests that are no JSON": changed("update job set body = '{'", "update submission set body = '{'"),
    "requests of another form": changed("update job set body = '[]'", "update submission set body = '[]'"),
    "text that is not UTF-8": changed("update submission set message = cast(x'c328' as text)"),
}


@pytest.mark.parametrize("damage", NAMED.values(), ids=NAMED)
def test_a_damaged_ledger_is_named_with_how_to_restore_it(paid: Workspace, state: Path, damage: Damage) -> None:
    damage(state)
    before = paid.posts()
    with pytest.raises(StateError, match=r"shjobs.db cannot be used: .*\. Restore it from a copy, or move it away"):
        paid.sync()
    checked(paid)
    assert paid.posts() == before


@pytest.mark.parametrize("damage", ROWS.values(), ids=ROWS)
def test_rows_that_make_no_sense_pay_nothing_again(paid: Workspace, state: Path, damage: Damage) -> None:
    damage(state)
    checked(paid)


def test_a_database_of_another_program_stays_as_it_is(paid: Workspace, state: Path) -> None:
    state.unlink()
    changed("create table customer (name text)")(state)
    content = state.read_bytes()
    with pytest.raises(StateError, match="is a database of another program"):
        paid.sync()
    checked(paid)
    assert state.read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"\0" * 4096], ids=["nothing in it", "zeros"])
def test_an_emptied_ledger_pays_nothing_again(paid: Workspace, state: Path, content: bytes) -> None:
    state.write_bytes(content)
    checked(paid)


def test_a_half_written_journal_pays_nothing_again(paid: Workspace, state: Path) -> None:
    journal = state.with_name(f"{FILE_NAME}-wal")
    with closing(sqlite3.connect(state)) as db:
        db.execute("pragma wal_autocheckpoint = 0")
        for number in range(20):
            with db:
                db.execute("update submission set message = ?", [str(number)])
        content = journal.read_bytes()
    journal.write_bytes(content[: len(content) * 2 // 3])
    checked(paid)
