"""How much memory there is, on the processor and on a GPU."""

from __future__ import annotations

import gc
import os
import re
import sys
from pathlib import Path

__all__ = ["MARGIN", "free_bytes", "give_back"]

MARGIN = 0.2
"""The share of what is free that is left alone unless a limit is set: for batches, other programs, bad estimates."""

_CGROUP = Path("/sys/fs/cgroup")
_MEMINFO = Path("/proc/meminfo")


def free_bytes(device: str = "cpu", *, meminfo: Path = _MEMINFO, cgroup: Path = _CGROUP) -> int | None:
    """The bytes that could be taken now, or None where nobody tells.

    Args:
        device: "cpu", or a device as torch calls it.
        meminfo: where Linux tells of the machine's memory; where there is no such file, all that is built in counts.
        cgroup: where Linux tells how much of it a container may have.
    """
    if device != "cpu":
        from limner.engines.devices import free_bytes as free_of_gpu

        return free_of_gpu(device)
    known = [free for free in (_of_machine(meminfo), _of_container(cgroup)) if free is not None]
    return min(known) if known else None


def _of_machine(meminfo: Path) -> int | None:
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        found = None
    if found is not None:
        return int(found[1]) * 1024
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _of_container(cgroup: Path) -> int | None:
    """Its limit less what it uses; files that are only kept in memory for speed make room when it is needed."""
    try:
        limit = int((cgroup / "memory.max").read_text(encoding="ascii"))
        used = int((cgroup / "memory.current").read_text(encoding="ascii"))
        kept = re.search(
            r"^inactive_file (\d+)", (cgroup / "memory.stat").read_text(encoding="ascii"), re.MULTILINE
        )
    except (OSError, ValueError):
        # There is no limit ("max"), or no such file.
        return None
    return max(0, limit - used + (int(kept[1]) if kept else 0))


def give_back() -> None:
    """Let go of what unloaded models leave behind."""
    gc.collect()
    if "torch" in sys.modules:
        from limner.engines.devices import release

        release()
