"""Share a profile's folder with the group of a team on one host."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path
from typing import Final

from bwp_tui.file_access import share
from bwp_tui.settings.profile import Profile

_NETWORK_FILE_SYSTEMS: Final = frozenset(
    ("afs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3")
)


def mistake_of_team(profile: Profile) -> str | None:
    """Return why this user or its disk cannot be used for a team's profile, in a sentence; None where they can."""
    try:
        group = grp.getgrnam(profile.group or "")
    except (KeyError, ValueError):
        return f"This machine has no group {profile.group}; make it: sudo groupadd {profile.group}"
    if os.geteuid() != 0 and group.gr_gid not in (os.getegid(), *os.getgroups()):
        return (
            f"Profile {profile.name} belongs to the group {profile.group}, of which this login is no member. If it "
            f"should be: sudo usermod -aG {profile.group} {pwd.getpwuid(os.geteuid()).pw_name}, then log in again."
        )
    if kind := network_file_system(profile.folder):
        return (
            f"{profile.folder} is on a network file system ({kind}), where several processes cannot write one history "
            "safely. Set data_dir to a folder on a disk of this machine."
        )
    return None


def share_folders(profile: Profile) -> None:
    """Have all that this process makes in the folders of a team's profile belong to its group."""
    group = grp.getgrnam(profile.group or "").gr_gid
    share(profile.folder, group)
    share(profile.download_dir, group)


def members(profile: Profile) -> list[str]:
    """Return the accounts in the group of a team's profile, sorted."""
    group = grp.getgrnam(profile.group or "")
    return sorted({*group.gr_mem, *(user.pw_name for user in pwd.getpwall() if user.pw_gid == group.gr_gid)})


def network_file_system(folder: Path) -> str | None:
    """Return the type of the network file system that `folder` is, or will be, on; None for a disk of this machine."""
    place = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), Path("/"))
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    device = place.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in mounts.splitlines():
        mount, _, source = line.partition(" - ")
        if mount.split(" ")[2] == number and (kind := source.split(" ")[0]) in _NETWORK_FILE_SYSTEMS:
            return kind
    return None
