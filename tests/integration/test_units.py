"""The units of systemd's: they say what systemd knows, and the sandbox lets `serve` work."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import unittest
from pathlib import Path

from harness import HSMIAM, SECONDS
from serving import ServingTest

SERVICE = Path(os.environ["HSMIAM_SERVICE_UNIT"])
SOCKET = Path(os.environ["HSMIAM_SOCKET_UNIT"])
BEFORE = {"execve"}  # is made by systemd


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *words], capture_output=True, text=True, timeout=SECONDS, check=True
    )


def allowed_calls(unit: str) -> set[str]:
    """What SystemCallFilter= names, its sets taken apart; what is in @default always is allowed."""
    sets: dict[str, list[str]] = {}
    name = ""
    for line in analyze("syscall-filter").stdout.splitlines():
        word = re.sub(r"\x1b\[[0-9;]*m", "", line).split("#")[0].strip()
        if word and not line.startswith(" "):
            name = word
            sets[name] = []
        elif word:
            sets[name].append(word)
    wanted = ["@default"]
    for line in unit.splitlines():
        if line.startswith("SystemCallFilter="):
            wanted += line.partition("=")[2].split()
    calls = set()
    while wanted:
        word = wanted.pop()
        wanted += sets.get(word, [])
        calls.add(word)
    return calls


class UnitsTest(ServingTest):
    def test_systemd_understands_them(self) -> None:
        unit = SERVICE.read_text()
        program = re.search(r"^ExecStart=(\S+)", unit, re.MULTILINE)
        assert program
        service = self.write(SERVICE.name, unit.replace(program[1], HSMIAM))
        passed_on = self.write(SOCKET.name, SOCKET.read_text())
        self.assertEqual(analyze("verify", "--man=no", str(service), str(passed_on)).stderr, "")
        # An administrator is who can mend a PIN: no restart tries it again.
        self.assertIn("\nRestartPreventExitStatus=252 253\n", unit)

    def test_calls_of_the_kernel(self) -> None:
        """All that is called from the start to the end, a refresh and a refusal between."""
        self.iam.set_clock(-896)
        trace = self.directory / "trace"
        process = subprocess.Popen(
            ["strace", "-f", "-qq", "-s", "0", "-o", str(trace), HSMIAM,
             *self.with_file("--duration-seconds", "900")],
            env=self.environment, cwd=self.directory, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.addCleanup(process.kill)
        self.wait_for(process)
        self.assertEqual(self.get("wrong")[0], 401)
        first = self.ask()[1]
        self.wait_until(lambda: self.ask()[1] != first, "no new credentials")
        traced = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(traced[0]), signal.SIGTERM)
        self.assertEqual(process.wait(SECONDS), 0, process.communicate())
        called = set(re.findall(r"^\d+\s+(\w+)\(", trace.read_text(), re.MULTILINE))
        self.assertIn("accept4", called)
        self.assertEqual(called - BEFORE - allowed_calls(SERVICE.read_text()), set())


if __name__ == "__main__":
    unittest.main()
