"""How much memory this process could still have, without anything being pushed out to the disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psutil


def free_bytes() -> int:
    """Memory that could be had now: of the computer, of the container, and of what this process is allowed."""
    return min(int(psutil.virtual_memory().available), container_limit(), address_limit())


#: Files of a control group, newest kind first: where it is mounted, its limit, what it uses, and of what that consists.
_CONTROL_GROUPS = (
    ("", "memory.max", "memory.current", "memory.stat"),
    ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat"),
)
_NO_LIMIT = 1 << 62


def container_limit(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int:
    """What the control groups of this process (a container, a job) have left; a huge number where there is no limit.

    A group is limited by every group that it stands in, so all of them are asked.

    Args:
        root: Where control groups are mounted.
        own: Names the groups of this process.
    """
    return min((_left_in(folder, *files) for folder, files in _groups(root, own)), default=_NO_LIMIT)


def _groups(root: Path, own: Path) -> Iterator[tuple[Path, tuple[str, str, str]]]:
    """Folders of the groups that this process is in, the innermost first, with the names of their files."""
    try:
        lines = [line.split(":", 2) for line in own.read_text().splitlines()]
    except OSError:
        lines = []
    for mounted, *files in _CONTROL_GROUPS:
        paths = [path for _, names, path in (line for line in lines if len(line) == 3) if names == mounted]
        # In a container the path may be one of the host's, of which nothing is seen here but the mounted root.
        inner = PurePosixPath(paths[0].lstrip("/")) if paths else PurePosixPath()
        for part in (inner, *inner.parents) if inner.parts else (inner,):
            if ".." not in part.parts:
                yield root / mounted / part, (files[0], files[1], files[2])


def _left_in(folder: Path, limit_file: str, used_file: str, parts_file: str) -> int:
    """Pages that only cache files are given back when they are needed, so they count as free."""
    try:
        limit = int((folder / limit_file).read_text())
        used = int((folder / used_file).read_text())
        parts = dict(line.split() for line in (folder / parts_file).read_text().splitlines())
    except (OSError, ValueError):
        return _NO_LIMIT  # Another kind of control groups, "max" for no limit, or not Linux.
    cached = int(parts.get("inactive_file", 0)) + int(parts.get("active_file", 0))
    return max(0, limit - max(0, used - cached))


def address_limit() -> int:
    """What this process may still ask for where somebody bounded its address space (``ulimit -v``, a batch system)."""
    try:
        import resource  # noqa: PLC0415 - there is none on Windows

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit == resource.RLIM_INFINITY:
            return _NO_LIMIT
        return max(0, limit - int(psutil.Process().memory_info().vms))
    except (ImportError, OSError, ValueError, psutil.Error):
        return _NO_LIMIT
