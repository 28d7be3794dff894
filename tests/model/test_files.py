"""Records of files hold the numbers of a stat as the ledger can store them, however large they are."""

import os
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest

from controller.ledger.store import Store
from controller.model.files import FileRecord, numbers_of
from controller.tree.files import read_file

LATE = 10_413_792_000 * 10**9
"""The year 2300, in nanoseconds: more than 64 bits with a sign hold."""


@pytest.mark.parametrize(
    ("number", "stored"),
    [
        pytest.param(0, 0, id="nothing"),
        pytest.param(-1, -1, id="before 1970"),
        pytest.param(2**63 - 1, 2**63 - 1, id="the largest that is stored as it is"),
        pytest.param(2**63, -(2**63), id="one more"),
        pytest.param(2**64 - 1, -1, id="all bits"),
        pytest.param(LATE, LATE - 2**64, id="a time in 2300"),
    ],
)
def test_a_number_of_a_stat_is_stored_in_64_bits(number: int, stored: int) -> None:
    found = SimpleNamespace(st_mtime_ns=number, st_ctime_ns=number, st_size=7, st_ino=number)
    mtime_ns, ctime_ns, size, inode = numbers_of(found)
    assert (mtime_ns, ctime_ns, size, inode) == (stored, stored, 7, stored)
    record = FileRecord(path="a", kind="manifest", size=size, mtime_ns=mtime_ns, ctime_ns=ctime_ns, inode=inode)
    assert record.has(found)
    found.st_size = 8
    assert not record.has(found)


def test_a_file_of_the_far_future_is_stored_and_known_again(tmp_path: Path) -> None:
    file = tmp_path / "ndvi.js"
    file.write_text("//VERSION=3")
    os.utime(file, ns=(LATE, LATE))
    _, record, _ = read_file(str(tmp_path), "ndvi.js", "script")
    assert record.has(file.stat())
    with Store.open(tmp_path / "state", {"deployment": "sandbox", "account": "me"}) as store:
        with store.transaction():
            store.replace_files([asdict(record)], [])
        assert [FileRecord(**row) for row in store.files()] == [record]
