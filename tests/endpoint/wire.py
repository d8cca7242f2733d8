"""Replies as scripts: what is written to a connection, when, and how it ends."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from dataclasses import dataclass

BLOCK = 64 * 1024


@dataclass(frozen=True)
class Send:
    """Write bytes, at once or in writes of `size` bytes with `pause` seconds between them."""

    data: bytes
    size: int = 0
    pause: float = 0.0


@dataclass(frozen=True)
class Fill:
    """Write `count` bytes of filler without holding them in memory."""

    count: int
    byte: bytes = b"x"
    chunked: bool = False


@dataclass(frozen=True)
class Pause:
    seconds: float


@dataclass(frozen=True)
class Close:
    """End the connection: `fin` says nothing in TLS, `rst` resets, `close-notify` is proper."""

    how: str = "fin"


Step = Send | Fill | Pause | Close
Script = list[Step]


class Gate:
    """Where stalled replies wait; one order lets all of them go on."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._generation = 0
        self._waiting = 0
        self._stopped = False

    def wait(self, seconds: float) -> None:
        with self._changed:
            generation = self._generation
            self._waiting += 1
            self._changed.wait_for(lambda: self._stopped or self._generation != generation, seconds)
            self._waiting -= 1

    def waiting(self) -> int:
        """How many replies stall just now."""
        with self._changed:
            return self._waiting

    def release(self) -> int:
        """Let those who wait go on; how many they are."""
        with self._changed:
            self._generation += 1
            self._changed.notify_all()
            return self._waiting

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


def close_connection(sock: socket.socket, how: str) -> None:
    """Close a socket in one of the ways that `Close` names."""
    try:
        if how == "rst":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how == "close-notify" and isinstance(sock, ssl.SSLSocket):
            # Without blocking, OpenSSL sends its close_notify and does not wait for the peer's.
            sock.setblocking(False)
            sock.unwrap()
    except (OSError, ValueError):
        pass
    finally:
        sock.close()


def play(script: Script, sock: socket.socket, gate: Gate) -> bool:
    """Carry out a script; whether the connection is still open."""
    for step in script:
        if isinstance(step, Send):
            _send(step, sock, gate)
        elif isinstance(step, Fill):
            _fill(step, sock)
        elif isinstance(step, Pause):
            gate.wait(step.seconds)
        else:
            close_connection(sock, step.how)
            return False
    return True


def _send(step: Send, sock: socket.socket, gate: Gate) -> None:
    if step.size <= 0:
        sock.sendall(step.data)
        return
    for at in range(0, len(step.data), step.size):
        sock.sendall(step.data[at : at + step.size])
        if step.pause:
            gate.wait(step.pause)


def _fill(step: Fill, sock: socket.socket) -> None:
    left = step.count
    while left > 0:
        size = min(left, BLOCK)
        block = step.byte * size
        sock.sendall(b"%x\r\n%b\r\n" % (size, block) if step.chunked else block)
        left -= size
