"""The folders that are watched: their paths by the kernel's numbers, kept up as folders come, move and go.

A watch belongs to a folder, not to its name, and covers no folder below. So a folder that comes is watched with
all that is below it, and one that moves away is forgotten with it. A path is all that is held for each: there may be
a hundred thousand.
"""

import os
from collections.abc import Iterable, Iterator
from threading import Lock

from watchdog.observers.inotify_c import InotifyEvent

from controller.tree.ignore.lists import IGNORE_FILE
from controller.tree.watching.inotify import EventQueue
from controller.tree.watching.targets import WatchTarget, is_hidden


class WatchedFolders:
    """What one queue of the kernel watches. Several threads may call it."""

    def __init__(self, queue: EventQueue) -> None:
        self._queue = queue
        self._lock = Lock()
        self._paths: dict[int, bytes] = {}
        self._names: dict[int, frozenset[str]] = {}
        """Of the folders in which only some names count."""
        self._moved: dict[int, bytes] = {}
        """Folders that moved away and did not arrive yet, by the cookie of the move."""

    def __len__(self) -> int:
        return len(self._paths)

    def add(self, target: WatchTarget) -> int:
        """Watch a target; returns the number of its folder, and raises `OSError` when that cannot be watched."""
        folder = os.fsencode(target.folder)
        watch = self._add(folder, target.names)
        if target.names is None:
            self._add_below(folder)
        return watch

    def has(self, watch: int) -> bool:
        """Whether the kernel still watches this folder."""
        return watch in self._paths

    def remove(self, target: WatchTarget, watch: int) -> None:
        """Watch it no more."""
        with self._lock:
            if target.names is None:
                self._forget({os.fsencode(target.folder)})
            elif watch in self._names:
                self._drop(watch)

    def take(self, events: Iterable[InotifyEvent]) -> bool:
        """Keep the watches up with events; returns whether one may concern a manifest or a script."""
        matters = False
        for event in events:
            matters |= self._take(event)
        self._forget_moved()
        return matters

    def _take(self, event: InotifyEvent) -> bool:
        with self._lock:
            if event.is_ignored:
                self._paths.pop(event.wd, None)
                self._names.pop(event.wd, None)
            folder, names = self._paths.get(event.wd), self._names.get(event.wd)
        if folder is None:
            return False
        name = os.fsdecode(event.name)
        if names is not None:
            return name in names
        if not event.name:
            return True
        if event.is_directory and not is_hidden(name):
            self._follow(event, folder.rstrip(b"/") + b"/" + event.name)
        return name == IGNORE_FILE or not (is_hidden(name) or (is_ours(name) and not event.is_directory))

    def _follow(self, event: InotifyEvent, path: bytes) -> None:
        """Watch a folder that arrives. One that moves within the tree keeps its watches, which get their new paths."""
        if event.is_moved_from:
            self._moved[event.cookie] = path
        if event.is_create or event.is_moved_to:
            self._moved.pop(event.cookie, None)
            self._forget_moved()
            try:
                self._add(path)
            except OSError:  # it is gone again, or the kernel's limit is reached, which is noticed by the number
                return
            self._add_below(path)

    def _forget_moved(self) -> None:
        """Watch no more what moved out of the tree."""
        if self._moved:
            with self._lock:
                self._forget({*self._moved.values()})
            self._moved.clear()

    def _add(self, folder: bytes, names: frozenset[str] | None = None) -> int:
        with self._lock:
            watch = self._queue.add(folder)
            self._paths[watch] = folder
            if names is None:
                self._names.pop(watch, None)
            else:
                self._names[watch] = names
        return watch

    def _add_below(self, folder: bytes) -> None:
        """Each is watched before it is listed, so that nothing arrives in between."""
        ahead = [folder]
        while ahead:
            for path in _folders_in(ahead.pop()):
                try:
                    self._add(path)
                except OSError:
                    continue
                ahead.append(path)

    def _forget(self, gone: set[bytes]) -> None:
        """Remove the watches of these folders, and of all below."""
        shortest = min(map(len, gone))
        deep = ((watch, path) for watch, path in self._paths.items() if watch not in self._names)
        for watch in [watch for watch, path in deep if _is_in(path, gone, shortest)]:
            self._drop(watch)

    def _drop(self, watch: int) -> None:
        self._paths.pop(watch, None)
        self._names.pop(watch, None)
        self._queue.remove(watch)


def is_ours(name: str) -> bool:
    """Whether it is the name of a status file, which must not wake the loop."""
    return name.endswith(".status.yaml")


def _folders_in(folder: bytes) -> Iterator[bytes]:
    try:
        with os.scandir(folder) as entries:
            yield from [
                entry.path
                for entry in entries
                if entry.is_dir(follow_symlinks=False) and not is_hidden(os.fsdecode(entry.name))
            ]
    except OSError:  # gone, or not ours to read
        return


def _is_in(path: bytes, folders: set[bytes], shortest: int) -> bool:
    while len(path) >= shortest:
        if path in folders:
            return True
        path, slash, _ = path.rpartition(b"/")
        if not slash:
            return False
    return False
