"""A program on a terminal of its own, with someone who types."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import time
from typing import Any


class Terminal:
    """Starts a program whose controlling terminal is a pty, and types to it."""

    def __init__(self, arguments: list[str], environment: dict[str, str], **options: Any) -> None:
        self._master, slave = pty.openpty()
        self.shown = ""
        self._before = termios.tcgetattr(slave)
        options.setdefault("stdin", slave)
        options.setdefault("stdout", slave)
        options.setdefault("stderr", slave)
        self.process = subprocess.Popen(
            arguments,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0),
            **options,
        )
        self._slave = slave

    def read_until(self, text: str, seconds: float = 60) -> str:
        """Read what is shown until it holds `text`; the end or a time-out is a failure."""
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            if not self._read(deadline):
                raise AssertionError(f"{text!r} was not shown, but: {self.shown!r}")
        return self.shown

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._slave)[3] & termios.ECHO)

    def is_restored(self) -> bool:
        """Whether the terminal's modes are those from before the program."""
        return termios.tcgetattr(self._slave) == self._before

    def finish(self, seconds: float = 60) -> int:
        """Wait for the end, reading on; the exit code."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            self._read(min(deadline, time.monotonic() + 0.05))
        code = self.process.wait(max(0.1, deadline - time.monotonic()))
        while self._read(time.monotonic() + 0.02):
            pass
        return code

    def close(self) -> None:
        """End the program if it still runs."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        os.close(self._master)
        os.close(self._slave)

    def _read(self, deadline: float) -> bool:
        """Read a piece; whether there was one in time."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)
