"""Signatures made with an OpenPGP key, verified by gpg with the keys of one file and no others.

Of what gpg reports only a good signature of a valid key counts; an expired or revoked key does not, whenever it signed.
Used by `verifier`; docs: docs/git.md.
"""

from collections.abc import Sequence
from pathlib import Path

from controller.source.signature.commit import CommitObject
from controller.source.signature.tool import SignatureTool, UnverifiableError, key_file, open_tool
from controller.tree.git.program import Ended

PROGRAM = "gpg"
BEGINS = b"-----BEGIN PGP SIGNATURE-----"
KEYRING_SETTING = "git.keyringFile"
_STATUS = "[GNUPG:] "
_OPTIONS = (
    *("--no-options", "--batch", "--no-tty", "--status-fd", "1", "--no-autostart", "--disable-dirmngr"),
    *("--no-auto-key-retrieve", "--no-auto-check-trustdb", "--trust-model", "always", "--no-default-keyring"),
)
_REFUSED = {
    "BADSIG": "has a signature that does not belong to it, of the key {}",
    "EXPSIG": "has a signature that has expired, of the key {}",
    "EXPKEYSIG": "is signed with the key {}, which has expired",
    "REVKEYSIG": "is signed with the key {}, which was revoked",
    "NO_PUBKEY": "is signed with the key {}, which is not in " + KEYRING_SETTING,
    "ERRSIG": "has a signature that gpg cannot check, of the key {}",
}
_BROKEN_HASHES = frozenset({"1", "2", "3"})  # MD5, SHA-1, RIPEMD-160 (RFC 4880, 9.4): collisions can be made
_OF_A_FILE = "00"  # class of the signature (RFC 4880, 5.2.1), as git makes it


def gpg_problem(commit: CommitObject, keyring: Path) -> str:
    """Why this signature does not count, to go on after `commit 1a2b… `; "" when it does.

    Raises `UnverifiableError`.
    """
    with open_tool(PROGRAM) as tool:
        if not _import(tool, key_file(keyring, KEYRING_SETTING)):
            raise UnverifiableError(f"{KEYRING_SETTING}: {keyring} holds no public key")
        signature = tool.write("signature", commit.signature)
        ended = _gpg(tool, "--verify", "--", signature, "-", given=commit.payload)
    return _judgement(ended) and _judgement(ended) + tool.remark(ended)


def _gpg(tool: SignatureTool, *arguments: str, given: bytes = b"") -> Ended:
    ring = str(tool.folder / "keyring")
    return tool.run("--homedir", str(tool.folder), *_OPTIONS, "--keyring", ring, *arguments, given=given)


def _import(tool: SignatureTool, keys: bytes) -> int:
    """Take over the keys of a file, armored or not; answers how many there are."""
    for words in _statuses(_gpg(tool, "--import", given=keys)):
        if words[0] == "IMPORT_RES" and len(words) > 3:
            return int(words[3]) if words[3].isdigit() else 0
    return 0


def _judgement(ended: Ended) -> str:
    statuses = _statuses(ended)
    for word, sentence in _REFUSED.items():
        if key := next((words[1] for words in statuses if words[0] == word and len(words) > 1), None):
            return sentence.format(key)
    count = [sum(words[0] == word for words in statuses) for word in ("NEWSIG", "GOODSIG", "VALIDSIG")]
    if count != [1, 1, 1] or ended.code:
        return "has no signature that gpg can read" if not any(count) else "must have exactly one signature"
    valid = next(words for words in statuses if words[0] == "VALIDSIG")
    if len(valid) < 10 or valid[9] != _OF_A_FILE:
        return "has a signature of a kind that git does not make"
    return "has a signature over a hash that can be forged (MD5, SHA-1)" if valid[8] in _BROKEN_HASHES else ""


def _statuses(ended: Ended) -> list[Sequence[str]]:
    """The lines for programs, each as its words; see doc/DETAILS of GnuPG."""
    lines = ended.output.decode(errors="replace").split("\n")
    return [line.removeprefix(_STATUS).split(" ") for line in lines if line.startswith(_STATUS)]


def count_keys(content: bytes) -> int:
    """How many public keys gpg finds in a file. Raises `UnverifiableError` when it cannot be asked."""
    with open_tool(PROGRAM) as tool:
        return _import(tool, content)
