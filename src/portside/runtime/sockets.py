"""The processes that one process started, and the TCP ports they listen on, as /proc tells.

Linux only; a process that ends while it is looked at counts as gone.
"""

import contextlib
import os
import re
import signal
import struct
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from msgspec import Struct

_PROC = Path("/proc")
_LISTEN = "0A"
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_IPV4_DIGITS = 8
_NO_PROCESS = -1


class Listener(Struct, frozen=True, order=True):
    """A listening TCP socket."""

    address: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Return whether only this machine can reach it."""
        if ":" not in self.address:
            return IPv4Address(self.address).is_loopback
        address = IPv6Address(self.address)
        mapped = address.ipv4_mapped
        return mapped.is_loopback if mapped is not None else address.is_loopback


class ProcessState(Struct, frozen=True):
    """One line of ``/proc/PID/stat`` (proc(5)); ``ticks`` is its CPU time, in clock ticks."""

    pid: int
    state: str
    parent: int
    group: int
    session: int
    ticks: int
    started: int

    @property
    def is_alive(self) -> bool:
        """Return whether it runs still, rather than waiting to be reaped."""
        return self.state not in "ZX"


class ProcessTree:
    """A process with a session of its own, and everything it started, orphans included.

    Orphans are seen if this process adopts them (``effects.process.adopt_orphans``): they become
    its children. Those it had before, ``earlier``, aren't of this tree; any that it starts later
    would be taken for orphans, so a process that looks after several trees gives None for
    ``earlier``: orphans that left their session are of no tree then.
    """

    def __init__(self, root: int, earlier: frozenset[int] | None) -> None:
        """Take the first process's id and this process's children before that one started."""
        self.root = root
        self._earlier = earlier

    def alive(self) -> tuple[ProcessState, ...]:
        """Return the processes that run still."""
        return tuple(process for process in self._members() if process.is_alive)

    def listeners(self) -> tuple[Listener, ...]:
        """Return the TCP sockets that any of the processes listens on, sorted."""
        return read_listeners(process.pid for process in self.alive())

    def signal(self, number: signal.Signals, *, beside: int | None = None) -> None:
        """Send a signal to every process, those with sessions of their own included.

        Processes of the group ``beside`` are left out: they have had it already.
        """
        for process in self.alive():
            if process.group == beside:
                continue
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, number)

    def reap(self) -> None:
        """Collect adopted orphans that have ended; the first process is its starter's to reap."""
        own = os.getpid()
        for process in self._members():
            if process.parent == own and not process.is_alive and process.pid != self.root:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(process.pid, os.WNOHANG)

    def _members(self) -> tuple[ProcessState, ...]:
        processes = {process.pid: process for process in read_processes()}
        members = {pid for pid, process in processes.items() if self._is_root(process)}
        found = members
        while found:
            found = {p.pid for p in processes.values() if p.parent in found} - members
            members |= found
        return tuple(processes[pid] for pid in sorted(members))

    def _is_root(self, process: ProcessState) -> bool:
        if self.root in {process.pid, process.session, process.group}:
            return True
        earlier = self._earlier
        return earlier is not None and process.parent == os.getpid() and process.pid not in earlier


def stray_processes(earlier: frozenset[int]) -> ProcessTree:
    """Return all that this process adopted or started, but for ``earlier``, as a tree."""
    return ProcessTree(_NO_PROCESS, earlier)


def read_children() -> frozenset[int]:
    """Return the ids of this process's children."""
    own = os.getpid()
    return frozenset(process.pid for process in read_processes() if process.parent == own)


def read_processes(proc: Path = _PROC) -> Iterator[ProcessState]:
    """Yield every process that can be seen."""
    for entry in os.scandir(proc):
        if entry.name.isdigit():
            # An OSError means that it ended meanwhile; ESRCH comes from the read.
            with contextlib.suppress(OSError):
                stat = Path(entry.path, "stat").read_text("utf-8", "replace")
                yield parse_stat(int(entry.name), stat)


def parse_stat(pid: int, text: str) -> ProcessState:
    """Parse ``/proc/PID/stat``; the program's name may hold spaces and parentheses."""
    fields = text.rpartition(")")[2].split()
    return ProcessState(
        pid=pid,
        state=fields[0],
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        ticks=int(fields[11]) + int(fields[12]),
        started=int(fields[19]),
    )


def read_listeners(pids: Iterable[int], proc: Path = _PROC) -> tuple[Listener, ...]:
    """Return the TCP sockets that any of ``pids`` listens on, sorted."""
    inodes = {inode for pid in pids for inode in _socket_inodes(proc / str(pid) / "fd")}
    if not inodes:
        return ()
    tables = (_read_table(proc / "net" / name) for name in ("tcp", "tcp6"))
    found = {
        listener
        for table in tables
        for inode, listener in parse_listeners(table)
        if inode in inodes
    }
    return tuple(sorted(found))


def parse_listeners(table: str) -> Iterator[tuple[str, Listener]]:
    """Yield inode and socket of each line of ``/proc/net/tcp`` or ``tcp6`` that listens."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] == _LISTEN:
            address, _, port = fields[1].rpartition(":")
            yield fields[9], Listener(_parse_address(address), int(port, 16))


def _parse_address(digits: str) -> str:
    """Parse an address; the kernel prints it as 32-bit numbers in the machine's byte order."""
    words = (int(digits[at : at + 8], 16) for at in range(0, len(digits), 8))
    packed = b"".join(struct.pack("=I", word) for word in words)
    return str(IPv4Address(packed) if len(digits) == _IPV4_DIGITS else IPv6Address(packed))


def _socket_inodes(directory: Path) -> Iterator[str]:
    try:
        descriptors = tuple(directory.iterdir())
    except OSError:
        return
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            match = _SOCKET.fullmatch(str(descriptor.readlink()))
            if match:
                yield match[1]


def _read_table(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except OSError:
        return ""
