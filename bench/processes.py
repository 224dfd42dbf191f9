"""What a process and all that it started use together: crowdveil works in processes of its own."""

from pathlib import Path


def family(pid: int) -> list[int]:
    """A process and everything that it started and that still runs, itself first."""
    found = [pid]
    for each in found:
        try:
            for task in Path(f"/proc/{each}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue  # it has ended meanwhile
    return found


def memory_mb(pid: int) -> float:
    """Memory in MB that they keep in use together; what they share counts once."""
    total_kb = 0
    for each in family(pid):
        try:
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total_kb += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total_kb / 1024
