"""On which kind of file system a folder lies: SQLite and file locks cannot be trusted over a network."""

import os
from pathlib import Path

from controller.model.errors import StateError

MOUNTS = Path("/proc/self/mountinfo")
NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "fuse.sshfs", "fuse.glusterfs", "glusterfs", "lustre"}
    | {"afs", "ncpfs", "beegfs", "gpfs", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.mountpoint-s3", "davfs"}
)


def refuse_network_file_system(folder: Path, mounts: Path = MOUNTS) -> None:
    """Raise `StateError` when `folder`, or the nearest folder above that exists, is on a network file system.

    Where the system does not tell (no /proc), nothing is refused.
    """
    kind = _kind_of(folder, mounts)
    if kind in NETWORK:
        raise StateError(
            f"{folder} is on a network file system ({kind}), where locks and the database cannot be trusted; "
            "name a folder on a local disk with `state` in the settings"
        )


def _kind_of(folder: Path, mounts: Path) -> str:
    """The file system type of the longest mount point that holds the folder; see proc(5), mountinfo."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    place, best, kind = Path(os.path.realpath(folder)), -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        point = Path(before.split()[4].replace("\\040", " "))
        # Of two mounts at one point the later one is seen.
        if place.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), after.split()[0]
    return kind
