"""Notifies that something changed below the jobs folder: an event only triggers a scan, which finds what changed.

Created by the daemon; the loop calls `look_after` with what each scan found, so that new folders, swapped links and a
root that came back are watched again. Without events nothing is missed: the next scan sees it.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Thread

from controller.tree.watching.folders import WatchedFolders
from controller.tree.watching.inotify import EventQueue
from controller.tree.watching.targets import WatchTarget, targets

IN_VAIN = "changes are seen at the next scan only"
_OVERFLOW = "events were lost: there were more than the kernel keeps (fs.inotify.max_queued_events)"

PATIENCE = 0.5
"""How many seconds a caller waits until the folders are watched; beyond that, it goes on while a thread adds them."""

Notify = Callable[[], None]


class Watcher:
    """Watches a tree, the links to it, and those that lead out of it. `notify` may be called by any thread."""

    def __init__(self, root: Path, notify: Notify) -> None:
        self._root = root
        self._notify = notify
        self._watches: dict[WatchTarget, int] = {}
        self._problem = ""
        self._reader: _Reader | None = None
        self._adding: Thread | None = None

    def look_after(self, links: Iterable[str] = (), folders: int = 0, patience: float | None = PATIENCE) -> str:
        """Watch what should be watched now; returns why events cannot be relied on, "" when they can.

        `links` are the symbolic links of the tree, `folders` how many folders it has. A newly added watch triggers
        `notify`: its target may have changed a moment before. So one that takes longer than `patience` (seconds; None:
        any time) is added while the caller goes on: a hundred thousand folders take some seconds.
        """
        if self._is_adding():
            return ""
        try:
            reader = self._running()
        except (OSError, RuntimeError) as error:  # the latter: no thread can be started
            return self._in_vain(error)
        watched = reader.folders
        wanted = set(targets(self._root, [self._root / link for link in links]))
        for target in [each for each, watch in self._watches.items() if each not in wanted or not watched.has(watch)]:
            watched.remove(target, self._watches.pop(target))
        if new := wanted if reader.has_lost() else wanted - self._watches.keys():
            self._adding = Thread(target=self._add, args=(watched, new), name="watch", daemon=True)
            try:
                self._adding.start()
            except RuntimeError as error:
                return self._in_vain(error)
            self._adding.join(patience)
        return "" if self._is_adding() else self._problem_with(len(watched), folders)

    def _is_adding(self) -> bool:
        return self._adding is not None and self._adding.is_alive()

    def _add(self, watched: WatchedFolders, new: Iterable[WatchTarget]) -> None:
        before = len(self._watches)
        for target in new:
            try:
                self._watches[target] = watched.add(target)
            except OSError as error:
                self._problem = self._in_vain(error)
        if len(self._watches) > before:
            self._notify()

    def _problem_with(self, watched: int, folders: int) -> str:
        problem, self._problem = self._problem, ""
        if not problem and self._reader and self._reader.is_overflown:
            self._reader.is_overflown, problem = False, _OVERFLOW
        if not problem and watched < folders:
            problem = f"only {watched} of {folders} folders are watched (fs.inotify.max_user_watches?); {IN_VAIN}"
        return problem

    def stop(self) -> None:
        """Stop watching."""
        if self._reader is not None and not self._is_adding():  # otherwise it ends with the process, and at once
            self._reader.stop()
            self._reader.join()
            self._reader = None

    def _running(self) -> "_Reader":
        """The thread that reads events; one that died is replaced."""
        if self._reader is not None and self._reader.is_alive():
            return self._reader
        if self._reader is not None:
            self._reader.release()
        self._watches.clear()
        self._reader = None
        reader = _Reader(self._notify)
        try:
            reader.start()
        except RuntimeError:
            reader.release()
            raise
        self._reader = reader
        return reader

    def _in_vain(self, error: OSError | RuntimeError) -> str:
        return f"{self._root} cannot be watched: {getattr(error, 'strerror', None) or error}; {IN_VAIN}"


class _Reader(EventQueue):
    """Reads the events of the kernel, keeps the watches up with them, and notifies of those that matter."""

    def __init__(self, notify: Notify) -> None:
        super().__init__()
        self.name = "events"
        self._notify = notify
        self._has_lost = self.is_overflown = False
        self.folders = WatchedFolders(self)

    def has_lost(self) -> bool:
        """Whether events were lost since the last call, those of new folders perhaps: all is to be watched again."""
        lost, self._has_lost = self._has_lost, False
        return lost

    def run(self) -> None:
        while self.should_keep_running():
            events = self.read_events()
            if is_overflown := any(event.is_queue_overflow for event in events):
                self._has_lost = self.is_overflown = True
            if self.folders.take(events) or is_overflown:
                self._notify()
