"""Processes of a data folder, written down so that the next start can end those that a killed supervisor left behind.

On Linux the kernel ends them with their parent; this is for other systems, and for a child that was slow to end.
"""

from pathlib import Path
from typing import Final

import psutil

_PATIENCE: Final = 10.0  # seconds


def note(data_dir: Path, pid: int) -> None:
    """Write down a process with its time of birth, since the number alone may be given to another."""
    try:
        born = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return
    with _file(data_dir).open("a", encoding="ascii") as file:
        file.write(f"{pid} {born}\n")


def forget(data_dir: Path) -> None:
    """Everything has ended in order."""
    _file(data_dir).unlink(missing_ok=True)


def end(data_dir: Path) -> None:
    """End every process written down that still lives, with its children."""
    path = _file(data_dir)
    if not path.exists():
        return
    alive: list[psutil.Process] = []
    for line in path.read_text(encoding="ascii").splitlines():
        alive += _living(line)
    for process in alive:
        _signal(process, kill=False)
    _, stubborn = psutil.wait_procs(alive, _PATIENCE)
    for process in stubborn:
        _signal(process, kill=True)
    psutil.wait_procs(stubborn, _PATIENCE)
    path.unlink()


def _living(line: str) -> list[psutil.Process]:
    pid, _, born = line.partition(" ")
    try:
        process = psutil.Process(int(pid))
        if abs(process.create_time() - float(born)) > 1:
            return []
        return [process, *process.children(recursive=True)]
    except (psutil.NoSuchProcess, ValueError):
        return []


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        process.kill() if kill else process.terminate()
    except psutil.NoSuchProcess:
        return


def _file(data_dir: Path) -> Path:
    return data_dir / "processes"
