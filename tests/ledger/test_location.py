"""Network file systems are recognised by the table of mounts, the longest mount point first."""

from pathlib import Path

import pytest

from controller.ledger.location import MOUNTS, NETWORK, refuse_network_file_system
from controller.model.errors import StateError
from tests.support.skips import REFUSED


def line(point: Path | str, kind: str, number: int = 36) -> str:
    """One line of /proc/self/mountinfo, as proc(5) describes it."""
    return f"{number} 35 98:0 / {point} rw,noatime master:1 - {kind} /dev/root rw,errors=continue\n"


def table(folder: Path, *lines: str) -> Path:
    path = folder / "mountinfo"
    path.write_text("".join([line("/", "ext4", 20), *lines]), encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", sorted(NETWORK))
def test_every_network_file_system_is_refused_by_name_with_advice(tmp_path: Path, kind: str) -> None:
    mounts = table(tmp_path, line(tmp_path, kind))
    with pytest.raises(StateError, match=rf"is on a network file system \({kind}\).*name a folder on a local disk"):
        refuse_network_file_system(tmp_path / "state", mounts)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuse.fuse-overlayfs", "virtiofs"])
def test_a_local_file_system_is_fine(tmp_path: Path, kind: str) -> None:
    refuse_network_file_system(tmp_path / "state", table(tmp_path, line(tmp_path, kind)))


def test_the_innermost_mount_decides(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    mounts = table(tmp_path, line(tmp_path / "disk", "ext4"), line(tmp_path, "nfs4"))
    refuse_network_file_system(tmp_path / "disk" / "state", mounts)
    with pytest.raises(StateError, match="nfs4"):
        refuse_network_file_system(tmp_path / "state", mounts)


def test_of_two_mounts_at_one_point_the_later_one_is_seen(tmp_path: Path) -> None:
    refuse_network_file_system(tmp_path, table(tmp_path, line(tmp_path, "nfs4"), line(tmp_path, "ext4")))
    with pytest.raises(StateError, match="cifs"):
        refuse_network_file_system(tmp_path, table(tmp_path, line(tmp_path, "ext4"), line(tmp_path, "cifs")))


def test_a_folder_whose_name_only_begins_like_a_mount_point_is_not_below_it(tmp_path: Path) -> None:
    refuse_network_file_system(tmp_path / "state-2", table(tmp_path, line(tmp_path / "state", "nfs")))


def test_a_mount_point_with_a_space_is_recognised(tmp_path: Path) -> None:
    place = tmp_path / "my share"
    mounts = table(tmp_path, line(str(place).replace(" ", "\\040"), "cifs"))
    with pytest.raises(StateError, match="cifs"):
        refuse_network_file_system(place / "state", mounts)


def test_a_link_to_a_network_file_system_is_followed(tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "share")
    with pytest.raises(StateError, match="nfs"):
        refuse_network_file_system(tmp_path / "state", table(tmp_path, line(tmp_path / "share", "nfs")))


def test_where_the_system_does_not_tell_nothing_is_refused(tmp_path: Path) -> None:
    refuse_network_file_system(tmp_path / "state", tmp_path / "no-such-table")


@pytest.mark.skipif(not MOUNTS.exists(), reason=f"{REFUSED}it has no /proc")
def test_the_table_of_this_machine_can_be_read(tmp_path: Path) -> None:
    refuse_network_file_system(tmp_path / "state")
