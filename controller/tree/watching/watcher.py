"""Notifies that something changed below the jobs folder: an event only triggers a scan, which finds what changed.

Created by the daemon; the loop calls `look_after` with what each scan found, so that new folders, swapped links and a
root that came back are watched again. Without events nothing is missed: the next scan sees it.
"""

import logging
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from threading import Thread

from watchdog.events import (
    DirAttribEvent,
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import BaseObserver, ObservedWatch
from watchdog.observers.inotify import InotifyObserver

from controller.model.errors import truncate
from controller.tree.ignore.lists import IGNORE_FILE
from controller.tree.watching.targets import WatchTarget, is_hidden, targets

# Reading is not a change: with these out of the mask the kernel does not even report our own scans.
EVENTS: list[type[FileSystemEvent]] = [
    *(FileCreatedEvent, FileModifiedEvent, FileMovedEvent, FileDeletedEvent, FileClosedEvent, FileAttribEvent),
    *(DirCreatedEvent, DirMovedEvent, DirDeletedEvent, DirAttribEvent),
]
IN_VAIN = "changes are seen at the next scan only"

PATIENCE = 0.5
"""How many seconds a caller waits until the folders are watched; beyond that, it goes on while a thread adds them."""

Notify = Callable[[], None]


class Watcher:
    """Watches a tree, the links to it, and those that lead out of it. `notify` may be called by any thread."""

    def __init__(self, root: Path, notify: Notify) -> None:
        self._root = root
        self._notify = notify
        self._watches: dict[WatchTarget, ObservedWatch] = {}
        self._library_log = _LibraryLog(self._library_said)
        self._problem = ""
        self._observer: BaseObserver | None = None
        self._adding: Thread | None = None
        library = logging.getLogger("watchdog")
        library.handlers[:] = [self._library_log]
        library.propagate = False  # its messages are reported in our own words

    def look_after(self, links: Iterable[str] = (), folders: int = 0, patience: float | None = PATIENCE) -> str:
        """Watch what should be watched now; returns why events cannot be relied on, "" when they can.

        `links` are the symbolic links of the tree, `folders` how many folders it has. A newly added watch triggers
        `notify`: its target may have changed a moment before. So one that takes longer than `patience` (seconds; None:
        any time) is added while the caller goes on: a hundred thousand folders take some seconds.
        """
        if self._is_adding():
            return ""
        try:
            observer = self._running()
        except (OSError, RuntimeError) as error:  # the latter: no thread can be started
            self._observer = None
            return self._in_vain(error)
        wanted = set(targets(self._root, [self._root / link for link in links]))
        for target in [target for target in self._watches if target not in wanted or not self._is_alive(target)]:
            self._forget(observer, target)
        if new := wanted - self._watches.keys():
            self._adding = Thread(target=self._add, args=(observer, new), name="watch", daemon=True)
            try:
                self._adding.start()
            except RuntimeError as error:
                return self._in_vain(error)
            self._adding.join(patience)
        return "" if self._is_adding() else self._problem_with(folders)

    def _is_adding(self) -> bool:
        return self._adding is not None and self._adding.is_alive()

    def _add(self, observer: BaseObserver, new: Iterable[WatchTarget]) -> None:
        before = len(self._watches)
        for target in new:
            self._problem = self._watch(observer, target) or self._problem
        if len(self._watches) > before:
            self._notify()

    def _problem_with(self, folders: int) -> str:
        problem, self._problem = self._problem, ""
        if not problem and (watched := _watched()) < folders:
            problem = f"only {watched} of {folders} folders are watched (fs.inotify.max_user_watches?); {IN_VAIN}"
        return problem

    def stop(self) -> None:
        """Stop watching; what the library logs while stopping is of no use."""
        logging.getLogger("watchdog").handlers[:] = [logging.NullHandler()]
        if self._observer is not None and not self._is_adding():  # otherwise it ends with the process, and at once
            self._observer.stop()
            self._observer.join()
            self._observer = None

    def _running(self) -> BaseObserver:
        """The observer; one whose thread died is replaced."""
        if self._observer is not None and self._observer.is_alive():
            return self._observer
        self._watches.clear()
        self._observer = InotifyObserver()
        self._observer.daemon = True
        self._observer.start()
        return self._observer

    def _is_alive(self, target: WatchTarget) -> bool:
        """Deleting a root silently ends its emitter."""
        watch = self._watches[target]
        emitters = self._observer.emitters if self._observer else ()
        return any(emitter.watch == watch and emitter.is_alive() for emitter in emitters)

    def _watch(self, observer: BaseObserver, target: WatchTarget) -> str:
        handler = _Handler(target, self._notify)
        is_deep = target.names is None
        try:
            watch = observer.schedule(handler, target.folder, recursive=is_deep, event_filter=EVENTS)
        except (OSError, RuntimeError) as error:
            return self._in_vain(error)
        self._watches[target] = watch
        return ""

    def _forget(self, observer: BaseObserver, target: WatchTarget) -> None:
        with suppress(KeyError, OSError):
            observer.unschedule(self._watches.pop(target))

    def _in_vain(self, error: OSError | RuntimeError) -> str:
        return f"{self._root} cannot be watched: {getattr(error, 'strerror', None) or error}; {IN_VAIN}"

    def _library_said(self, words: str) -> None:
        """On overflow no handler is called: there is only a line in the library's log."""
        self._problem = f"events were lost: {truncate(words, 200)}"
        self._notify()


class _Handler(FileSystemEventHandler):
    """Forwards events that may concern a manifest or a script."""

    def __init__(self, target: WatchTarget, notify: Notify) -> None:
        self._target = target
        self._prefix = len(target.folder.rstrip("/")) + 1
        self._notify = notify

    def on_any_event(self, event: FileSystemEvent) -> None:
        if any(self._matters(os.fsdecode(path)) for path in (event.src_path, event.dest_path) if path):
            self._notify()

    def _matters(self, path: str) -> bool:
        names = path[self._prefix :].split("/")
        if self._target.names is not None:
            return names[0] in self._target.names
        if names[-1] == IGNORE_FILE:  # hidden by its name, but it decides what is not
            names.pop()
        return not names or not (is_ours(names[-1]) or any(is_hidden(name) for name in names))


class _LibraryLog(logging.Handler):
    """Receives the warnings of the library."""

    def __init__(self, forward: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._forward = forward

    def emit(self, record: logging.LogRecord) -> None:
        self._forward(record.getMessage())


def is_ours(name: str) -> bool:
    """Whether it is the name of a status file, which must not wake the loop."""
    return name.endswith(".status.yaml")


def _watched() -> int:
    """How many folders the kernel watches for this process: the library ignores those it could not add."""
    count = 0
    with suppress(OSError):
        for file in os.listdir("/proc/self/fdinfo"):  # noqa: PTH208  (read at once: the reading is a file of its own)
            with suppress(FileNotFoundError):
                count += Path("/proc/self/fdinfo", file).read_bytes().count(b"inotify wd:")
    return count
