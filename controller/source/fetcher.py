"""Fetches the repository's commit and puts its tree in force: what the daemon's source thread and `sync` call.

A commit is fetched, verified and laid out completely before `current` names it; what fails on the way leaves the tree
in force as it is, and is said in a sentence. Only settings that changed put a tree out of force without another one.
"""

from contextlib import suppress
from pathlib import Path

from controller.settings.git import GitSource
from controller.source.extraction import extract
from controller.source.layout import Layout, Verified, WholeTree
from controller.source.messages import scrub
from controller.source.mirror import Mirror
from controller.source.outcome import Fetched, SourceStale, SourceUnverified, Swapped, Unchanged
from controller.source.pauses import TransferPauses
from controller.source.refusal import DamagedMirrorError, RefusedCommitError, SourceError, TooSoonError
from controller.source.remote import Named, RemoteRepository
from controller.source.verifying import is_of_repository, may_be_in_force, problem_here, rules_of, signature_problem
from controller.tree.git.command import GitError
from controller.tree.git.network import LARGEST_PACK
from controller.tree.git.objects import MissingObjectError
from controller.tree.git.program import Stop


class Fetcher:
    """One repository and one state directory; `fetch` may be called from one thread at a time of any process.

    `largest` is how many bytes the pack of a fetch may have.
    """

    def __init__(self, source: GitSource, state: Path, largest: int = LARGEST_PACK) -> None:
        self._source = source
        self._layout = Layout(state)
        self._mirror = Mirror(self._layout.repository)
        self._stop = Stop()
        self._remote = RemoteRepository(source, self._mirror, self._stop, largest)
        self._pauses = TransferPauses()
        self._is_tidy = False
        self._rules = ""
        """By which this fetch verifies: read before the keys, so that keys which change meanwhile count next time."""
        self._refused: tuple[str, str] | None = None
        """The last commit that may never be in force, and why: it is not fetched again."""

    def fetch(self) -> Fetched:
        """Ask for a new commit and put its tree in force.

        Never raises for anything that the network, the host, the repository or the disk does.
        """
        try:
            with self._layout.lock(lambda: self._stop.is_set):
                self._tidy()
                self._rules = rules_of(self._source)
                self._settle()
                return self._fetched()
        except SourceError as error:
            return SourceStale(message=scrub(self._source, str(error)))
        except OSError as error:
            reason = f"{error.filename or self._layout.root} cannot be used: {error.strerror or error}"
            return SourceStale(message=scrub(self._source, reason))

    def in_force(self) -> str | None:
        """The commit of the tree in force; None: none was ever fetched."""
        tree = self._layout.in_force()
        return tree.commit if tree else None

    def stop(self) -> None:
        """End a fetch that is under way in another thread, and every later one: the process is ending."""
        self._stop.set()

    def _tidy(self) -> None:
        if not self._is_tidy:
            self._layout.tidy()
            self._is_tidy = True

    def _settle(self) -> None:
        """Put the tree in force out of force if the settings of now do not allow it, or back if they do again."""
        tree, held = self._layout.linked(), self._layout.withheld()
        if tree is None and held:
            tree = self._layout.there(held.name)
        if tree is None:
            return
        problem = self._problem_of(tree)
        if problem is not None:
            self._layout.withhold(tree, problem)
        elif held:
            self._layout.swap(tree)

    def _problem_of(self, tree: WholeTree) -> str | None:
        """Why this tree may not be in force, "" for another repository; None: it may."""
        if not is_of_repository(self._source, tree):
            return ""
        if may_be_in_force(self._source, self._layout, tree):
            return None
        problem = problem_here(self._source, self._layout, self._mirror, tree.commit)
        if problem:
            return scrub(self._source, problem)
        self._note_verified(tree.commit)
        return None

    def _fetched(self) -> Fetched:
        named = self._remote.ask()
        now = self._layout.in_force()
        if now and (now.commit, now.path) == (named.commit, self._source.path) and self._is_verified(named.commit):
            return Unchanged(commit=named.commit)
        if self._refused and self._refused[0] == named.commit:
            return SourceStale(message=self._refused[1])
        try:
            return self._taken(named, now)
        except (RefusedCommitError, TooSoonError):
            raise
        except SourceError as error:
            if self._stop.is_set or not (isinstance(error, DamagedMirrorError) or self._mirror.is_damaged()):
                raise
        self._mirror.remove()  # the tree in force needs nothing of it
        self._pauses.forget()
        return self._taken(named, now)

    def _taken(self, named: Named, now: WholeTree | None) -> Fetched:
        """Fetch, verify and lay out what the repository names, and put it in force."""
        commit = named.commit if named.commit in self._mirror.commits() else self._brought(named)
        named = Named(ref=named.ref, commit=commit)
        try:
            if not self._is_verified(commit):
                problem = signature_problem(self._source, self._layout, self._mirror, self._remote, named)
                if problem:
                    return SourceUnverified(commit=commit, message=scrub(self._source, problem))
            tree = self._laid_out(commit, now)
            if self._rules:
                self._note_verified(commit, now)
        except RefusedCommitError as error:
            self._refused = (commit, str(error))
            raise
        except (GitError, MissingObjectError) as error:
            raise DamagedMirrorError(f"{self._layout.repository} cannot be read: {error}") from error
        self._layout.swap(tree)
        with suppress(SourceError, OSError):  # the tree is in force; what is left over is removed by the next fetch
            self._clean(tree, now)
        if now and now.name == tree.name:
            return Unchanged(commit=commit)
        return Swapped(commit=commit, before=now.commit if now else None)

    def _brought(self, named: Named) -> str:
        """The commit that was transferred."""
        self._pauses.check(named.commit)
        try:
            commit = self._remote.bring(named)
        except SourceError as error:
            self._pauses.failed(named.commit, str(error))
            raise
        self._keep(commit)
        return commit

    def _laid_out(self, commit: str, now: WholeTree | None) -> WholeTree:
        """The tree of a commit: one that is still there, or a new one."""
        kept = self._layout.kept(commit, self._source.path, self._source.url)
        if kept is not None:
            return kept
        before = self._layout.whole(now.name, with_files=True) if now else None
        with self._mirror.read() as git:
            return extract(git, commit, self._source.path, self._source.url, self._layout, before)

    def _is_verified(self, commit: str) -> bool:
        known = self._layout.verified(self._source.url)
        return not self._rules or (known is not None and (known.commit, known.rules) == (commit, self._rules))

    def _note_verified(self, commit: str, now: WholeTree | None = None) -> None:
        """Note it before it is in force; until then the tree of `now` is, by the same rules."""
        before = now.commit if now else ""
        self._layout.note_verified(self._source.url, Verified(commit=commit, rules=self._rules, before=before))

    def _clean(self, tree: WholeTree, before: WholeTree | None) -> None:
        """Keep the tree in force and the one before, and as few packs as they need."""
        self._layout.remove_others(tree.name, *([before.name] if before else []))
        self._keep(tree.commit)

    def _keep(self, commit: str) -> None:
        """Keep this commit beside those of whole trees, in not too many packs."""
        kept = {commit} | (self._mirror.commits() & self._layout.commits())
        self._mirror.keep(kept)
        if self._mirror.has_many_packs():
            try:
                self._remote.repack(sorted(kept))
            except SourceError as error:
                raise DamagedMirrorError(str(error)) from error
