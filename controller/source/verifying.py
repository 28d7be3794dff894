"""Whether the signatures of a commit, and with `since` of those before it, count; the rules are in `signature`.

Also whether the tree in force may be: with `verify` only one that was verified by the rules of now, and never one of
another repository. Where it may not, the link to it is removed, so that it is as if nothing had been fetched.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from controller.settings.git import GitSource
from controller.source.layout import Layout, WholeTree
from controller.source.messages import scrub
from controller.source.mirror import Mirror
from controller.source.remote import Named, RemoteRepository
from controller.source.signature.since import MissingCommit, unverified
from controller.source.signature.tool import LARGEST_FILE
from controller.source.signature.verifier import Verifier
from controller.tree.git.command import GitError
from controller.tree.git.objects import PATIENCE

DEPTHS = (50, 500, 2_000, 10_000)
"""How many commits are fetched, step by step, when one before the head is asked for and is not here."""
_LARGEST = 1_000_000  # bytes of a commit object
_OTHER_RULES = "it was not verified with git.verify and the keys as they are now"


def rules_of(source: GitSource) -> str:
    """A fingerprint of what decides on signatures now, `verify` and the files of keys; "" when they do not count."""
    if source.verify is None:
        return ""
    found = hashlib.sha256(source.verify.encode())
    for file in (source.allowed_signers_file, source.keyring_file):
        found.update(hashlib.sha256(_content(file)).digest() if file else b"-")
    return found.hexdigest()


def is_of_repository(source: GitSource, tree: WholeTree) -> bool:
    """Whether a tree is of this repository; one of an earlier version does not say."""
    return tree.url in ("", source.url)


def may_be_in_force(source: GitSource, layout: Layout, tree: WholeTree) -> bool:
    """Whether a tree is of this repository and, if signatures count, was verified by the rules of now."""
    rules, known = rules_of(source), layout.verified(source.url)
    is_verified = known is not None and known.rules == rules and tree.commit in (known.commit, known.before)
    return is_of_repository(source, tree) and (not rules or is_verified)


def hold_back(source: GitSource, state: Path) -> None:
    """Withhold a tree that may not be in force, before anything is submitted from it. Raises `OSError`.

    The next fetch looks at its signature, without the network, and puts it back if that counts.
    """
    layout = Layout(state)
    tree = layout.linked()
    if tree and not may_be_in_force(source, layout, tree):
        layout.withhold(tree, _OTHER_RULES if is_of_repository(source, tree) else "")


def may_be_read(source: GitSource, state: Path) -> bool:
    """Whether what `current` names may be in force."""
    layout = Layout(state)
    tree = layout.linked()
    return tree is None or may_be_in_force(source, layout, tree)


def why_withheld(source: GitSource, state: Path) -> str:
    """Why the tree that was in force is not by the settings of now, in a sentence.

    "" when it is in force, when there was none, and when it is of another repository: of this one none was fetched.
    """
    layout = Layout(state)
    tree, held = layout.linked(), layout.withheld()
    if tree and is_of_repository(source, tree) and not may_be_in_force(source, layout, tree):
        return _sentence(source, tree.commit, _OTHER_RULES)
    return _sentence(source, held.name, held.why) if held and held.why else ""


def _sentence(source: GitSource, name: str, why: str) -> str:
    return scrub(source, f"nothing is submitted from commit {name[:12]}, which was in force: {why}")


def _content(file: Path) -> bytes:
    """What a file of keys holds; what cannot be read is like no keys."""
    try:
        with file.open("rb") as opened:
            return opened.read(LARGEST_FILE + 1)
    except OSError:
        return b""


def signature_problem(source: GitSource, layout: Layout, mirror: Mirror, remote: RemoteRepository, named: Named) -> str:
    """Why this commit may not be in force; empty when its signatures count.

    Raises `SourceError` when older commits cannot be fetched, and `OSError`.
    """
    return unverified(named.commit, _last(source, layout), _reader(mirror, remote, named), Verifier(source))


def problem_here(source: GitSource, layout: Layout, mirror: Mirror, commit: str) -> str:
    """The same of a commit that was in force, from what is here: nothing is fetched."""
    return unverified(commit, _last(source, layout), _reader(mirror), Verifier(source))


def _last(source: GitSource, layout: Layout) -> str | None:
    known = layout.verified(source.url) if source.verify == "since" else None
    return known.commit if known else None


def _reader(
    mirror: Mirror, remote: RemoteRepository | None = None, named: Named | None = None
) -> Callable[[str], bytes]:
    """Reads the bytes of a commit object, and fetches older commits when they are needed and there is a `remote`."""
    depths = iter(DEPTHS if remote else ())

    def read(commit: str) -> bytes:
        while True:
            try:
                with mirror.read() as git:
                    return git.ask("cat-file", "commit", commit, patience=PATIENCE, most=_LARGEST)
            except GitError as error:
                depth = next(depths, None)
                if depth is None or remote is None or named is None:
                    raise MissingCommit(commit) from error
                remote.bring(named, depth)

    return read
