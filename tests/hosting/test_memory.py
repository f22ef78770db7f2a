"""How much memory is free, as the system tells it."""

from __future__ import annotations

from pathlib import Path

from limner.hosting.memory import free_bytes

MEMINFO = "MemTotal:       16000 kB\nMemFree:          100 kB\nMemAvailable:    8000 kB\n"


def cgroup(folder: Path, limit: str) -> Path:
    """A container's folder, of which 3,000,000 bytes are used, 1,000,000 of them by files that can go."""
    for name, text in (
        ("memory.max", limit),
        ("memory.current", "3000000\n"),
        ("memory.stat", "anon 5\ninactive_file 1000000\n"),
    ):
        (folder / name).write_text(text)
    return folder


def test_a_machine_tells_what_is_available(tmp_path: Path) -> None:
    """Which is more than what is free: files that are kept for speed make room."""
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(MEMINFO)
    assert free_bytes(meminfo=meminfo, cgroup=tmp_path) == 8000 * 1024


def test_a_container_may_have_less_than_the_machine(tmp_path: Path) -> None:
    """The smaller of the two counts; a container without a limit has what the machine has."""
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(MEMINFO)
    assert free_bytes(meminfo=meminfo, cgroup=cgroup(tmp_path, "4000000\n")) == 2_000_000
    assert free_bytes(meminfo=meminfo, cgroup=cgroup(tmp_path, "2000\n")) == 0
    assert free_bytes(meminfo=meminfo, cgroup=cgroup(tmp_path, "max\n")) == 8000 * 1024


def test_a_machine_that_tells_little_has_all_that_is_built_in(tmp_path: Path) -> None:
    """Not nothing, and not no limit at all."""
    free = free_bytes(meminfo=tmp_path / "none", cgroup=tmp_path)
    assert free is not None
    assert free > 2**27
