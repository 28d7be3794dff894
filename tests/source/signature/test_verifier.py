"""Whose signature counts: with real keys, in real commits, and beside what git itself says of them."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.settings.git import GitSource
from controller.source.signature.verifier import Verifier
from tests.support.signers import COMMITTED_AT, Signers, signed, trusting

pytestmark = pytest.mark.slow

Case = tuple[bytes, GitSource]
LONG_AGO = "20200101T000000!"


def by_ssh(people: Signers, name: str = "ann", line: str = "ann@x", namespace: str = "git") -> Case:
    payload = people.payload()
    return signed(payload, people.ssh(payload, name, namespace)), trusting(signers=people.allowed(line))


def by_gpg(people: Signers, name: str = "ann", *options: str, armored: bool = True) -> Case:
    payload = people.payload()
    keyring = people.keyring("ann", armored=armored) if name == "eve" else people.keyring(name, armored=armored)
    return signed(payload, people.gpg(payload, name, *options)), trusting(keyring=keyring)


def made_by_git(people: Signers, *options: str) -> bytes:
    """The bytes of a commit that git has signed."""
    settings = ["-c", "user.signingKey=ann@x", *options]
    people.git(*settings, "commit", "--quiet", "--allow-empty", "--gpg-sign", "--message", "a change\n\nwith two lines")
    return people.read("HEAD")


def a_commit_that_git_signs_with_ssh(people: Signers) -> Case:
    raw = made_by_git(people, "-c", "gpg.format=ssh", "-c", f"user.signingKey={people.ssh_key('ann')}")
    return raw, trusting(signers=people.allowed("ann@x"))


def a_commit_that_git_signs_with_gpg(people: Signers) -> Case:
    return made_by_git(people), trusting(keyring=people.keyring("ann"))


def a_merge_of_a_signed_tag(people: Signers) -> Case:
    """Its header `mergetag` holds the signature of the tag, which is not that of the commit."""
    side = people.keep(people.payload(message="side"))
    tag = f"object {side}\ntype commit\ntag v1\ntagger ann <ann@x> {COMMITTED_AT} +0000\n\nv1\n"
    text = (tag + people.ssh(tag.encode(), "ann").decode()).rstrip("\n").replace("\n", "\n ")
    head, _, message = people.payload(side).partition(b"\n\n")
    return head + b"\nmergetag " + text.encode() + b"\n\n" + message, trusting(signers=people.allowed("ann@x"))


def a_signed_merge_of_a_signed_tag(people: Signers) -> Case:
    payload, source = a_merge_of_a_signed_tag(people)
    return signed(payload, people.ssh(payload, "ann")), source


def with_a_wildcard(people: Signers) -> Case:
    return by_ssh(people, line='*@x,bob@y namespaces="git"')


def from_a_binary_keyring(people: Signers) -> Case:
    return by_gpg(people, armored=False)


def from_a_keyring_of_several(people: Signers) -> Case:
    return by_gpg(people)[0], trusting(keyring=people.keyring("eve", "ann"))


def while_its_key_counted(people: Signers) -> Case:
    """The commit is of 2025, the key counted until 2026, which is over."""
    return by_ssh(people, line='ann@x valid-after="20250101",valid-before="20260101"')


GOOD: dict[str, Callable[[Signers], Case]] = {
    "signed with SSH by git": a_commit_that_git_signs_with_ssh,
    "signed with OpenPGP by git": a_commit_that_git_signs_with_gpg,
    "signed with SSH by ssh-keygen": by_ssh,
    "signed with OpenPGP by gpg": by_gpg,
    "the keyring is not armored": from_a_binary_keyring,
    "the keyring is two exports, one after the other": from_a_keyring_of_several,
    "the allowed signer is a pattern": with_a_wildcard,
    "the key counted when the commit was made": while_its_key_counted,
    "a signed merge of a signed tag": a_signed_merge_of_a_signed_tag,
}


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_a_good_signature_counts(people: Signers, make: Callable[[Signers], Case]) -> None:
    raw, source = make(people)
    assert Verifier(source).problem(raw) == ""
    assert people.git_agrees(people.keep(raw), source.allowed_signers_file, source.keyring_file)


def unsigned(people: Signers) -> Case:
    return people.payload(), trusting(people.allowed("ann@x"), people.keyring("ann"))


def by_a_stranger_with_gpg(people: Signers) -> Case:
    return by_gpg(people, "eve")


def by_who_was_removed(people: Signers) -> Case:
    """How an SSH key is revoked: its line is removed, and another's is still there."""
    raw, _ = by_ssh(people)
    return raw, trusting(signers=people.allowed("eve@x", "eve"))


def with_an_expired_ssh_key(people: Signers) -> Case:
    return by_ssh(people, line='ann@x valid-before="20250101"')


def with_an_ssh_key_of_later(people: Signers) -> Case:
    return by_ssh(people, line='ann@x valid-after="20260101"')


def with_an_expired_gpg_key(people: Signers) -> Case:
    people.gpg_key("old", "--faked-system-time", LONG_AGO, expires="1d")
    return by_gpg(people, "old", "--faked-system-time", LONG_AGO)


def with_a_revoked_gpg_key(people: Signers) -> Case:
    """Revoked after it had signed."""
    people.gpg_key("gone")
    raw, _ = by_gpg(people, "gone")
    written = max((people.home / "openpgp-revocs.d").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    people.gpg_run("--import", given=written.read_bytes().replace(b":-----BEGIN", b"-----BEGIN"))
    return raw, trusting(keyring=people.keyring("gone"))


def an_expired_gpg_signature(people: Signers) -> Case:
    options = ("--faked-system-time", LONG_AGO, "--default-sig-expire", "1d")
    people.gpg_key("brief", "--faked-system-time", LONG_AGO)
    return by_gpg(people, "brief", *options)


def with_sha_1(people: Signers) -> Case:
    return by_gpg(people, "ann", "--digest-algo", "SHA1")


def forged_with_ssh(people: Signers) -> Case:
    other = people.ssh(people.payload(message="another"), "ann")
    return signed(people.payload(), other), trusting(signers=people.allowed("ann@x"))


def forged_with_gpg(people: Signers) -> Case:
    other = people.gpg(people.payload(message="another"), "ann")
    return signed(people.payload(), other), trusting(keyring=people.keyring("ann"))


def altered_message(people: Signers) -> Case:
    raw, source = by_ssh(people)
    return raw.replace(b"a change", b"a chance"), source


def altered_tree(people: Signers) -> Case:
    raw, source = by_gpg(people)
    return raw.replace(people.tree.encode(), b"0" * 40), source


def a_second_parent_behind_the_signature(people: Signers) -> Case:
    raw, source = by_ssh(people)
    return raw.replace(b"\ngpgsig ", b"\nparent " + b"1" * 40 + b"\ngpgsig "), source


def a_second_signature(people: Signers) -> Case:
    raw, source = by_ssh(people)
    return signed(raw, people.ssh(raw, "eve")), source


def two_gpg_signatures(people: Signers) -> Case:
    payload = people.payload()
    parts = [people.gpg_run("--local-user", f"{who}@x", "--detach-sign", given=payload) for who in ("ann", "eve")]
    armored = people.gpg_run("--enarmor", given=b"".join(parts)).replace(b"PGP ARMORED FILE", b"PGP SIGNATURE")
    return signed(payload, armored), trusting(keyring=people.keyring("ann"))


def a_letter_that_ann_signed(people: Signers) -> Case:
    """A signed message, renamed to a signature: gpg would check the message in it."""
    letter = people.gpg_run("--armor", "--local-user", "ann@x", "--sign", given=b"Dear Eve")
    return signed(people.payload(), letter.replace(b"PGP MESSAGE", b"PGP SIGNATURE")), trusting(
        keyring=people.keyring("ann")
    )


def a_signed_tag_over_an_unsigned_commit(people: Signers) -> Case:
    """What the ref names is the tag; what would be in force is the commit."""
    name = people.keep(people.payload(message="tagged"))
    people.git("-c", "user.signingKey=ann@x", "tag", "--force", "--sign", "--message", "v2", "v2", name)
    return people.git("cat-file", "tag", "v2"), trusting(keyring=people.keyring("ann"))


def the_commit_of_a_signed_tag(people: Signers) -> Case:
    _, source = a_signed_tag_over_an_unsigned_commit(people)
    return people.read("v2^{commit}"), source


def in_another_namespace(people: Signers) -> Case:
    return by_ssh(people, namespace="file")


def of_a_key_for_files(people: Signers) -> Case:
    return by_ssh(people, line='ann@x namespaces="file"')


def garbage(people: Signers) -> Case:
    return signed(people.payload(), b"garbage"), trusting(people.allowed("ann@x"), people.keyring("ann"))


def garbage_as_ssh(people: Signers) -> Case:
    return signed(people.payload(), b"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----"), trusting(
        signers=people.allowed("ann@x")
    )


def garbage_as_gpg(people: Signers) -> Case:
    return signed(people.payload(), b"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----"), trusting(
        keyring=people.keyring("ann")
    )


def a_certificate(people: Signers) -> Case:
    return signed(people.payload(), b"-----BEGIN SIGNED MESSAGE-----\nMIIA\n-----END SIGNED MESSAGE-----"), trusting(
        people.allowed("ann@x"), people.keyring("ann")
    )


def of_another_algorithm(people: Signers) -> Case:
    """The header of repositories with SHA-256 names, in one with SHA-1 names: git does not look at it."""
    payload = people.payload()
    return signed(payload, people.ssh(payload, "ann"), "gpgsig-sha256"), trusting(signers=people.allowed("ann@x"))


def ssh_where_only_gpg_counts(people: Signers) -> Case:
    return by_ssh(people)[0], trusting(keyring=people.keyring("ann"))


def gpg_where_only_ssh_counts(people: Signers) -> Case:
    return by_gpg(people)[0], trusting(signers=people.allowed("ann@x"))


def no_file_of_signers(people: Signers) -> Case:
    return by_ssh(people)[0], trusting(signers=people.folder / "nowhere")


def a_folder_for_a_keyring(people: Signers) -> Case:
    return by_gpg(people)[0], trusting(keyring=people.folder)


def an_empty_keyring(people: Signers) -> Case:
    (people.folder / "empty").touch()
    return by_gpg(people)[0], trusting(keyring=people.folder / "empty")


def a_blob(people: Signers) -> Case:
    return b"signed by nobody", trusting(signers=people.allowed("ann@x"))


BAD: dict[str, tuple[Callable[[Signers], Case], str]] = {
    "it is not signed": (unsigned, "is not signed"),
    "SSH: the key is a stranger's": (
        lambda people: by_ssh(people, "eve"),
        "which git.allowedSignersFile does not name",
    ),
    "SSH: the signer was removed from the file": (by_who_was_removed, "git.allowedSignersFile does not name"),
    "SSH: the key had expired": (with_an_expired_ssh_key, "(ssh-keygen: signers:3: key has expired"),
    "SSH: the key did not count yet": (with_an_ssh_key_of_later, "key is not yet valid"),
    "SSH: the signature is of another commit": (forged_with_ssh, "has a signature that does not belong to it"),
    "SSH: the message was altered": (altered_message, "has a signature that does not belong to it"),
    "SSH: the signature is for files": (in_another_namespace, "namespace does not match"),
    "SSH: the key is only for files": (of_a_key_for_files, "does not allow to sign commits"),
    "SSH: the signature is garbage": (garbage_as_ssh, "has a signature that does not belong to it"),
    "SSH: only OpenPGP keys count": (ssh_where_only_gpg_counts, "but git.allowedSignersFile is not set"),
    "SSH: the file of signers is missing": (no_file_of_signers, "cannot be read: No such file or directory"),
    "OpenPGP: the key is a stranger's": (by_a_stranger_with_gpg, "which is not in git.keyringFile"),
    "OpenPGP: the key has expired": (with_an_expired_gpg_key, "which has expired"),
    "OpenPGP: the key was revoked": (with_a_revoked_gpg_key, "which was revoked"),
    "OpenPGP: the signature has expired": (an_expired_gpg_signature, "a signature that has expired"),
    "OpenPGP: the signature is of another commit": (forged_with_gpg, "has a signature that does not belong to it"),
    "OpenPGP: the tree was altered": (altered_tree, "has a signature that does not belong to it"),
    "OpenPGP: a second signature is a stranger's": (two_gpg_signatures, "which is not in git.keyringFile"),
    "OpenPGP: the signature is a signed letter": (a_letter_that_ann_signed, "has no signature that gpg can read"),
    "OpenPGP: the signature is garbage": (garbage_as_gpg, "has no signature that gpg can read"),
    "OpenPGP: only SSH keys count": (gpg_where_only_ssh_counts, "but git.keyringFile is not set"),
    "OpenPGP: the keyring is a folder": (a_folder_for_a_keyring, "cannot be read: Is a directory"),
    "OpenPGP: the keyring is empty": (an_empty_keyring, "holds no public key"),
    "the tag is signed, and it is given": (a_signed_tag_over_an_unsigned_commit, "is no commit"),
    "the tag is signed, the commit is not": (the_commit_of_a_signed_tag, "is not signed"),
    "the tag that was merged is signed, the commit is not": (a_merge_of_a_signed_tag, "is not signed"),
    "a parent stands behind the signature": (a_second_parent_behind_the_signature, "has its headers out of order"),
    "it has two signatures": (a_second_signature, "has a header twice"),
    "the signature is for names of SHA-256": (of_another_algorithm, "is not signed"),
    "the signature is garbage": (garbage, "has a signature of an unknown kind"),
    "the signature is a certificate's": (a_certificate, "which is not supported"),
    "it is no commit": (a_blob, "is no commit"),
}


@pytest.mark.parametrize(("make", "words"), BAD.values(), ids=BAD)
def test_anything_else_does_not(people: Signers, make: Callable[[Signers], Case], words: str) -> None:
    raw, source = make(people)
    problem = Verifier(source).problem(raw)
    assert problem.startswith("commit ") and words in problem, problem
    assert problem.isprintable() and len(problem) < 400


def test_a_signature_over_sha_1_is_refused_where_gpg_takes_it(people: Signers) -> None:
    raw, source = with_sha_1(people)
    assert "that can be forged" in Verifier(source).problem(raw)


@pytest.mark.parametrize(
    ("make", "program"),
    [
        pytest.param(by_ssh, "ssh-keygen", id="ssh-keygen"),
        pytest.param(by_gpg, "gpg", id="gpg"),
    ],
)
@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param(None, "is not installed here", id="is missing"),
        pytest.param("#!/nowhere\n", "cannot be run", id="cannot be run"),
        pytest.param("#!/bin/sh\nexit 1\n", "", id="only fails"),
        pytest.param("#!/bin/sh\nkill -9 $$\n", "", id="is killed"),
        pytest.param("#!/bin/sh\nyes\n", "wrote more than", id="writes without end"),
    ],
)
def test_without_its_verifier_nothing_is_verified(
    people: Signers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Signers], Case],
    program: str,
    script: str | None,
    words: str,
) -> None:
    raw, source = make(people)
    if script:
        (tmp_path / program).write_text(script)
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin" if script else str(tmp_path))
    problem = Verifier(source).problem(raw)
    assert problem.startswith("commit ") and words in problem


def test_the_verifiers_see_none_of_our_variables(
    people: Signers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for make, program in ((by_ssh, "ssh-keygen"), (by_gpg, "gpg")):
        raw, source = make(people)
        real = next(Path(folder, program) for folder in ("/usr/bin", "/bin") if Path(folder, program).exists())
        (tmp_path / program).write_text(f'#!/bin/sh\nenv >> {tmp_path}/seen\nexec {real} "$@"\n')
        (tmp_path / program).chmod(0o755)
        with monkeypatch.context() as changed:
            changed.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
            for name in ("SSH_AUTH_SOCK", "GPG_AGENT_INFO", "GNUPGHOME", "SHJOBS_CLIENT_SECRET", "LD_PRELOAD_NOT"):
                changed.setenv(name, "canary")
            assert Verifier(source).problem(raw) == ""
    assert "PATH=" in (tmp_path / "seen").read_text() and "canary" not in (tmp_path / "seen").read_text()


def test_bytes_made_to_be_slow_are_refused_at_once() -> None:
    began = time.process_time()
    head = b"tree " + b"0" * 40 + b"\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n"
    for raw in (
        head + b"gpgsig " + b"\n " * 400_000 + b"\n\nx",
        head + b"x y\n" * 200_000 + b"\n\nx",
        b"tree " + b"0" * 40 + b"\nparent 1" * 100_000,
        b" " * 2_000_000,
    ):
        assert Verifier(trusting(signers=Path("/nowhere"))).problem(raw).startswith("commit ")
    assert time.process_time() - began < 30
