"""That the plaintext leaves no trace in memory: the tool, and a program over the library, stopped
after each operation and looked through."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import threading
import unittest
from pathlib import Path

import memory
from harness import GENERAL, HSMIAM, INTERRUPTED, OK, SECONDS
from memory import TALLY, Found, Watch
from memory_test import IMPORTED, MemoryTest
from unprivileged import AS_ROOT

VICTIM = os.environ["HSMIAM_MEMORY_VICTIM"]
TLS_1_3 = ("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256")
TLS_1_2 = (
    "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA",
)  # fmt: skip


def tearDownModule() -> None:
    print(f"\n{TALLY}", flush=True)


class ScannerTest(unittest.TestCase):
    """The control of all controls: what is there is found, wherever and however it is there."""

    def test_places(self) -> None:
        secret = secrets.token_bytes(64)
        run = Watch([VICTIM], dict(os.environ), lambda why: {"secret": secret}, secret)
        found: list[Found] = []
        for why, here in run.stops():
            found += here if why == "signal" else []
            TALLY.copies -= len(here)
        run.finish()
        places = " ".join(one.place for one in found)
        for place in ("[heap]", "memory_victim", "anonymous", "registers-514"):
            self.assertIn(place, places)
        self.assertTrue(all(":raw" in one.name for one in found), found)

    def test_disguises(self) -> None:
        secret, control = secrets.token_urlsafe(30).encode() + b"+/", secrets.token_hex(20)
        path = Path(self.enterContext(__import__("tempfile").TemporaryDirectory())) / "memory"
        hidden = list(memory.disguises(secret))
        path.write_bytes(
            b"".join(os.urandom(100) + data for _, _, data in hidden) + control.encode()
        )
        found = memory.search_file(path, {"secret": secret}, control)
        TALLY.copies -= len(found)
        whole = {one.name for one in found if one.start == 0}
        self.assertEqual({f"secret:{name}" for name, _, _ in hidden} - whole, set())

    def test_eight_bytes_are_enough(self) -> None:
        secret, control = secrets.token_hex(20).encode(), secrets.token_hex(20)
        path = Path(self.enterContext(__import__("tempfile").TemporaryDirectory())) / "memory"
        for size, expected in ((7, []), (8, [8]), (16, [16])):
            path.write_bytes(b"\0" * 9 + secret[11 : 11 + size] + b"\0" * 9 + control.encode())
            found = memory.search_file(path, {"secret": secret}, control)
            TALLY.copies -= len(found)
            self.assertEqual([one.size for one in found], expected)


class ToolTest(MemoryTest):
    """Stopped when the result is printed, with all open, and at the end, with all closed."""

    def test_routes(self) -> None:
        for route in ("rsa-oaep", "create-object"):
            self.create("--import-route", route)

    def test_import(self) -> None:
        self.import_key("--debug")

    def test_token_timeout(self) -> None:
        """By which calls of the token are made on threads that stay."""
        self.create("--token-timeout", "30")
        self.import_key("--token-timeout", "30", "--import-route", "create-object")

    def test_provision(self) -> None:
        self.watch([HSMIAM, "provision-token", "--token", self.uri()], OK, ["write"])

    def test_tls(self) -> None:
        for cipher in TLS_1_3:
            with self.subTest(cipher):
                self.configure_openssl(Ciphersuites=cipher)
                printed = self.create("--debug")
                self.assertIn(f"TLSv1.3 with {cipher}", printed)
        for cipher in TLS_1_2:
            with self.subTest(cipher):
                self.serve(maximum="1.2", ciphers=cipher)
                self.assertIn(f"TLSv1.2 with {cipher}", self.create("--debug"))

    def test_split(self) -> None:
        """Over TLS records, and over chunks of HTTP."""
        for size, chunk in ((1, 0), (11, 0), (0, 7), (5, 9)):
            with self.subTest(size=size, chunk=chunk):
                self.iam.misbehave("split", size=size, chunk=chunk, headers=True)
                self.create()

    def test_signal(self) -> None:
        """While half of the secret is there."""

        def interrupt(run: Watch) -> None:
            self.assertTrue(self.iam.wait("CreateAccessKey"))
            children = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children")
            os.kill(int(children.read_text()), signal.SIGTERM)
            threading.Timer(0.5, self.iam.release).start()

        self.iam.misbehave("stall", at="in-secret", seconds=SECONDS)
        words = self.iam_arguments(credential=self.uri(self.iam.root_id))
        self.watch([HSMIAM, "create-access-key", *words, "--user-name", "alice"], INTERRUPTED,
                   ["error", "write"], during=interrupt, underway=("error 1",))  # fmt: skip

    def test_batch(self) -> None:
        """While the first line is printed, others are at work; with the summary, all is wiped."""
        words = self.iam_arguments(credential=self.uri(self.iam.root_id))
        printed = self.watch([HSMIAM, "batch-create-access-key", *words, "--user-names", "-"], OK,
                             ["write", "error"], b"alice\nbob\n", underway=("write 1",))  # fmt: skip
        self.assertIn("2 of 2 users done, 0 failed", printed)

    def test_rotation(self) -> None:
        """The new key has signed by then, and has changed the old one."""
        self.iam.act("CreateAccessKey", UserName="alice")
        words = self.iam_arguments(credential=self.uri(self.iam.root_id))
        printed = self.watch([HSMIAM, "rotate-access-key", *words, "--user-name", "alice"], OK,
                             ["write"])  # fmt: skip
        self.assertIn('"PreviousStatus": "Inactive"', printed)

    def test_token_that_refuses(self) -> None:
        """The transport key and the rehearsal's value go before the secret."""
        self.environment["HSMIAM_TAP_REFUSE"] = "3"
        self.assertIn("was deleted at IAM again", self.create(expect=GENERAL))

    def test_unprivileged(self) -> None:
        self.become_other_user()
        printed = self.create()
        self.assertNotIn("could not be locked", printed)
        self.import_key()


class LibraryTest(MemoryTest):
    """A program with libc's own malloc(), bound lazily, that uses the libraries itself too."""

    def test_create(self) -> None:
        for size in (0, 13):
            self.iam.misbehave("split", size=size, chunk=size)
            steps = self.program("create:alice", "create:bob", "close", "finish")
            self.assertEqual(steps, [0, 0, 0, 0])
            self.iam.endpoint.reset()

    def test_import(self) -> None:
        secret = self.imported[IMPORTED] = secrets.token_urlsafe(30)
        steps = self.program(f"import:{IMPORTED}", "sign", "finish", stdin=secret.encode())
        self.assertEqual(steps, [0, 0, 0])

    def test_pin_that_a_person_gave(self) -> None:
        """It is gone while the token is open still."""
        self.environment["PIN_FILE"] = str(self.write("pin", self.token.pin, secret=True))
        self.assertEqual(self.program("create:alice", "finish"), [0, 0])

    def test_token_that_refuses(self) -> None:
        self.environment["HSMIAM_TAP_REFUSE"] = "3"
        self.assertNotEqual(self.program("create:alice", "finish")[0], 0)

    def test_tls_1_2(self) -> None:
        self.serve(maximum="1.2", ciphers="ECDHE-ECDSA-AES128-SHA256")
        self.assertEqual(self.program("create:alice", "close", "finish"), [0, 0, 0])


# Runs the tool until it is about to print its result, and takes a core file from outside. Without
# root, it is root of a namespace that takes it.
TAKE_CORE = """
core=$1 tries=0; shift
"$@" & pid=$!
until grep -Eq '^(1|64) 0x1 ' "/proc/$pid/syscall"; do
    [ $((tries += 1)) -lt 1000 ] || exit 99
    sleep 0.02
done
LD_PRELOAD='' gdb -q -nx -batch -p "$pid" -ex "gcore $core" >&2
cat <&3 >&2 &
wait "$pid"; code=$?
kill "$!"; exit "$code"
"""


class CoreFileTest(MemoryTest):
    """A core file, taken from outside while everything is open."""

    def take_core(self, words: list[str], control: str) -> Path:
        """Issue a key by the tool, whose result nobody reads until the core file is taken."""
        readable, writable = os.pipe()
        with contextlib.suppress(BlockingIOError):
            os.set_blocking(writable, False)
            while True:
                os.write(writable, b"\n" * 4096)
        os.set_blocking(writable, True)
        core = self.directory / "core"
        self.searcher.allow(core)
        done = subprocess.run(
            [*AS_ROOT, "sh", "-c", f"exec 3<&0 0</dev/null\n{TAKE_CORE}", "sh", str(core), HSMIAM,
             *words],
            env=self.environment | {"CONTROL": control}, stdin=readable, stdout=writable,
            stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
        os.close(readable)
        os.close(writable)
        self.assertEqual(done.returncode, OK, done.stderr)
        return core

    def test_tool(self) -> None:
        control = secrets.token_urlsafe(30)
        words = self.iam_arguments(credential=self.uri(self.iam.root_id))
        core = self.take_core(["create-access-key", *words, "--user-name", "alice"], control)
        # Secret memory and the heap are left out, and so even what is kept there.
        self.assertEqual(memory.search_file(core, self.needles("write"), control), [])

    def test_registers(self) -> None:
        """The control: a core file has them."""
        secret, control = secrets.token_bytes(64), secrets.token_urlsafe(30)
        core = self.directory / "core"
        with subprocess.Popen([VICTIM], env=self.environment | {"CONTROL": control},
                              stdin=subprocess.PIPE) as process:  # fmt: skip
            assert process.stdin
            process.stdin.write(secret)
            process.stdin.flush()
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
            subprocess.run(["gcore", "-o", str(core), str(process.pid)], capture_output=True,
                           check=False)  # fmt: skip
            process.send_signal(signal.SIGCONT)
        path = Path(f"{core}.{process.pid}")
        self.searcher.allow(path)
        found = memory.search_file(path, {"secret": secret}, control)
        TALLY.copies -= len(found)
        # Data, heap and stack hold all of it, a register its beginning.
        self.assertGreaterEqual(len([one for one in found if one.size == 64]), 3)
        self.assertIn(16, [one.size for one in found])

    def test_library(self) -> None:
        from memory_test import PROGRAM

        control = secrets.token_urlsafe(30)
        words = [self.uri(self.iam.root_id), self.iam.url, str(self.iam.ca_bundle), "create:alice"]
        with subprocess.Popen([PROGRAM, *words], env=self.environment | {"CONTROL": control},
                              stdout=subprocess.PIPE) as process:  # fmt: skip
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
            core = self.directory / "core"
            self.searcher.allow(core)
            done = subprocess.run(["gcore", "-o", str(core), str(process.pid)],
                                  capture_output=True, text=True, check=False)  # fmt: skip
            process.send_signal(signal.SIGCONT)
        path = Path(f"{core}.{process.pid}")
        self.searcher.allow(path)
        self.assertTrue(path.exists(), done.stdout + done.stderr)
        # Secret memory is left out, and so even what is kept there.
        self.assertEqual(memory.search_file(path, self.needles("signal"), control), [])

    def test_tool_cannot_be_dumped(self) -> None:
        """Not by its own user: it made itself unfit for being traced."""
        self.become_other_user()
        self.iam.misbehave("stall", at="before-headers", seconds=20)
        words = self.iam_arguments(credential=self.uri(self.iam.root_id))
        process = self.start("create-access-key", *words, "--user-name", "alice", **self.user)
        self.assertTrue(self.iam.wait("CreateAccessKey"))
        done = subprocess.run(["gcore", "-o", str(self.directory / "core"), str(process.pid)],
                              capture_output=True, text=True, check=False, **self.user)  # fmt: skip
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertEqual(list(self.directory.glob("core*")), [])


if __name__ == "__main__":
    unittest.main()
