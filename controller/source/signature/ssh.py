"""Signatures made with an SSH key, verified as git does it: by ssh-keygen and a file of allowed signers.

A line of the file may name the time in which its key counts (`valid-after`, `valid-before`): the time of the commit is
held against it, as git does, in UTC. Used by `verifier`; docs: docs/git.md.
"""

import re
from datetime import UTC, datetime
from pathlib import Path

from controller.source.signature.commit import CommitObject
from controller.source.signature.tool import SignatureTool, key_file, open_tool

PROGRAM = "ssh-keygen"
BEGINS = b"-----BEGIN SSH SIGNATURE-----"
SIGNERS_SETTING = "git.allowedSignersFile"
MOST_PRINCIPALS = 32  # of one key; they stand in the operator's own file
_KEY = re.compile(r"with (\S+ key \S+)")
_EMPTY_LINE = re.compile(rb"^[ \t\r]*$", re.MULTILINE)
_KEY_LINE = re.compile(rb"(?:^|[ \t])(?:sk-)?(?:ssh|ecdsa)-[\w.@-]+ +AAAA[\w+/=]+", re.ASCII)


def ssh_problem(commit: CommitObject, signers: Path) -> str:
    """Why this signature does not count, to go on after `commit 1a2b… `; "" when it does.

    Raises `UnverifiableError`.
    """
    with open_tool(PROGRAM) as tool:
        # ssh-keygen complains of empty lines before it says why a key does not count; the lines keep their numbers.
        allowed = tool.write("signers", _EMPTY_LINE.sub(b"#", key_file(signers, SIGNERS_SETTING)))
        signature = tool.write("signature", commit.signature)
        return _problem(tool, commit, allowed, signature)


def _problem(tool: SignatureTool, commit: CommitObject, allowed: str, signature: str) -> str:
    at = datetime.fromtimestamp(commit.committed_at, UTC).strftime("-Overify-time=%Y%m%d%H%M%S")
    found = tool.run("-Y", "find-principals", "-f", allowed, "-s", signature, at)
    names = [] if found.code else list(filter(None, found.output.decode(errors="replace").split("\n")))
    refused = found
    for name in names[:MOST_PRINCIPALS]:
        options = ("-n", "git", "-f", allowed, "-I", name, "-s", signature, at)
        refused = tool.run("-Y", "verify", *options, given=commit.payload)
        if not refused.code:
            return ""
    checked = tool.run("-Y", "check-novalidate", "-n", "git", "-s", signature, given=commit.payload)
    if checked.code:
        return f"has a signature that does not belong to it{tool.remark(checked)}"
    made = _KEY.search(checked.output.decode(errors="replace"))
    wrong = "does not allow to sign commits" if names else "does not name for the time of the commit"
    return f"is signed with {made[1] if made else 'a key'}, which {SIGNERS_SETTING} {wrong}{tool.remark(refused)}"


def count_signers(content: bytes) -> int:
    """How many keys a file of allowed signers holds."""
    return sum(1 for line in content.split(b"\n") if not line.lstrip().startswith(b"#") and _KEY_LINE.search(line))
