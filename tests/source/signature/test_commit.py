"""The bytes of a commit are read as git reads them, or refused, however they are mutilated."""

import random

import pytest

from controller.source.signature.commit import MalformedCommitError, commit_hash, parse_commit
from controller.source.signature.verifier import Verifier
from tests.support.signers import COMMITTED_AT, Signers, signed, trusting

pytestmark = pytest.mark.slow

INSERTED = (
    *(b"parent " + b"2" * 40, b"tree " + b"3" * 40, b"author eve <eve@x> 5 +0000", b"committer eve <eve@x> 5 +0000"),
    *(b"gpgsig garbage", b"gpgsig-sha256 garbage", b" continued", b"", b"encoding latin-1", b"gpgsignature x"),
    *(b"\0", b"parent", b"mergetag object", b"-----BEGIN SSH SIGNATURE-----"),
)


def mutilated(raw: bytes, chance: random.Random) -> bytes:
    """A line more, less, twice or elsewhere, or a byte changed."""
    lines = raw.split(b"\n")
    at, to = chance.randrange(len(lines)), chance.randrange(len(lines))
    change = chance.randrange(5)
    if change == 0:
        lines.insert(at, chance.choice(INSERTED))
    elif change == 1:
        del lines[at]
    elif change == 2:
        lines.insert(to, lines[at])
    elif change == 3:
        lines.insert(to, lines.pop(at))
    else:
        spot = chance.randrange(len(raw))
        return raw[:spot] + bytes([chance.randrange(256)]) + raw[spot + 1 :]
    return b"\n".join(lines)


def test_what_is_signed_is_what_git_reads(people: Signers) -> None:
    """Of what still counts the signed bytes are the same; of what is readable git reads the same parents and tree."""
    chance = random.Random(20)
    parent = people.keep(people.payload(message="parent"))
    payload = people.payload(parent)
    raw = signed(payload, people.ssh(payload, "ann"))
    verifier = Verifier(trusting(signers=people.allowed("ann@x")))
    counted = read = 0
    for _ in range(120):
        mutant = mutilated(raw, chance)
        try:
            commit = parse_commit(mutant)
        except MalformedCommitError:
            assert verifier.problem(mutant)
            continue
        stored = (
            people.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", given=mutant).strip().decode()
        )
        assert commit.hash == stored
        facts = people.git("log", "--no-walk", "--format=%T %ct %P", stored).decode().split()
        tree = commit.payload.split(b"\n")[0].removeprefix(b"tree ").decode()
        assert facts == [tree, str(commit.committed_at), *commit.parents]
        read += 1
        if not verifier.problem(mutant):
            assert commit.payload == payload
            counted += 1
    assert read > 30 and counted > 0  # or the test would say nothing


def test_a_repository_with_names_of_sha_256_is_read(people: Signers) -> None:
    payload = people.payload().replace(people.tree.encode(), b"a" * 64)
    raw = signed(payload, people.ssh(payload, "ann"), "gpgsig-sha256")
    commit = parse_commit(raw)
    assert (commit.payload, commit.hash, len(commit.hash)) == (payload, commit_hash(raw, 64), 64)
    assert Verifier(trusting(signers=people.allowed("ann@x"))).problem(raw) == ""


def test_what_was_signed_is_the_commit_without_its_signature(people: Signers) -> None:
    payload = people.payload("1" * 40, "2" * 40, message="first\n\nsecond\n gpgsig third")
    commit = parse_commit(signed(payload, b"one\n\ntwo"))
    assert (commit.payload, commit.signature) == (payload, b"one\n\ntwo\n")
    assert (commit.parents, commit.committed_at) == (("1" * 40, "2" * 40), COMMITTED_AT)
    assert parse_commit(payload).signature == b""
