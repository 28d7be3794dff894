"""The kernel's queue of changes, see inotify(7), through the watchdog library. Linux only.

The library's observers hold some 600 bytes for each watched folder, which is a tenth of a daemon with a hundred
thousand of them. So only its lower half is used, the queue and its events; what is watched is held in `folders`.
"""

import ctypes
import os

from watchdog.observers.inotify_c import (
    InotifyConstants,
    InotifyFD,
    Mask,
    WatchDescriptor,
    inotify_add_watch,
    inotify_rm_watch,
)

# Reading is not a change: with it out of the mask the kernel does not even report our own scans.
_CHANGES = (
    InotifyConstants.IN_CREATE
    | InotifyConstants.IN_DELETE
    | InotifyConstants.IN_MOVE
    | InotifyConstants.IN_MODIFY
    | InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_ATTRIB
)
_MASK = Mask(_CHANGES | InotifyConstants.IN_ONLYDIR | InotifyConstants.IN_DONT_FOLLOW)


class EventQueue(InotifyFD):
    """A thread that reads one queue of the kernel. Raises `OSError` where there is none, or no more of them."""

    def fileno(self) -> int:
        """The file descriptor of the queue."""
        return self._inotify_fd

    def add(self, folder: bytes) -> int:
        """Watch a folder; one that is watched already keeps its number, whatever it is called now.

        Raises `OSError`: it is no folder, may not be read, or the kernel's limit is reached.
        """
        watch = inotify_add_watch(self.fileno(), folder, _MASK)
        if watch < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return watch

    def remove(self, watch: int) -> None:
        """Watch it no more; the kernel may have removed it before."""
        inotify_rm_watch(self.fileno(), WatchDescriptor(watch))

    def release(self) -> None:
        """Give the kernel its queue back, where no thread reads it."""
        self._close_resources()
