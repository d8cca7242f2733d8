"""That the secret and the PIN leave the process by no way that could be watched.

Every other test searches what a run printed and stored. Here the system calls themselves are
read, what crosses the PKCS#11 interface, and what other processes can see.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import time
import unittest
from pathlib import Path

from harness import HSMIAM, OK, SECONDS, IntegrationTest, Run
from spy import Spy
from unprivileged import AS_ROOT

CALLS = (
    "write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,splice,vmsplice,"
    "process_vm_writev,memfd_create,execve"
)


def traced_bytes(log: str) -> bytes:
    """The bytes of all strings in a trace, each call's apart from the next one's."""
    calls = []
    for line in log.splitlines():
        texts = re.findall(r'"((?:\\x[0-9a-f]{2})*)"', line)
        calls.append(bytes.fromhex("".join(texts).replace("\\x", "")))
    return b"\n".join(calls)


def fill(pipe: int) -> int:
    """Writes so much into a pipe, of which this is the end to read from, that it takes no more."""
    size = 0
    end = os.open(f"/proc/self/fd/{pipe}", os.O_WRONLY | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            size += os.write(end, b"\n" * 4096)
    os.close(end)
    return size


class TraceTest(IntegrationTest):
    with_root = False

    def trace(self, *arguments: str, stdin: str = "") -> bytes:
        """Run the tool under strace from its first instruction on; everything that it wrote."""
        log = self.directory / "trace"
        self.searcher.allow(log)
        # A leak detector is a tracer too, and a process has one at most.
        sanitizer = f"{self.environment.get('ASAN_OPTIONS', '')}:detect_leaks=0"
        done = subprocess.run(
            [*AS_ROOT, "strace", "-f", "-v", "-xx", "-s", "1000000", "-e", f"trace={CALLS}",
             "-o", str(log), HSMIAM, *arguments],
            input=stdin, env=self.environment | {"ASAN_OPTIONS": sanitizer}, text=True,
            cwd=self.directory,
            capture_output=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        run = Run(list(arguments), done.returncode, done.stdout, done.stderr)
        self.assert_secrecy(run)
        self.assertEqual(run.code, OK, run)
        return traced_bytes(log.read_text())

    def assert_clean(self, written: bytes) -> None:
        """Nor in what several calls wrote: standard error is written byte by byte."""
        self.assertEqual(self.searcher.search(written), [])
        self.assertEqual(self.searcher.search(written.replace(b"\n", b"")), [])

    def import_traced(self, *arguments: str) -> bytes:
        return self.trace(
            "import-access-key", "--access-key-id", self.iam.root_id,
            "--token", self.token.uri(), *arguments, stdin=self.iam.root_secret,
        )  # fmt: skip

    def test_trace_shows_what_is_written(self) -> None:
        """The control: what is written without harm is found by the same search."""
        written = self.import_traced()
        self.assertIn(self.iam.root_id.encode(), written)
        self.searcher.add("something that is no secret", self.iam.root_id)
        self.searcher.allow(self.directory / "state")  # it is in the ledger, where it belongs
        self.assertEqual(self.searcher.search(written), ["something that is no secret"])

    def test_import(self) -> None:
        for route in ("rsa-oaep", "create-object"):
            with self.subTest(route):
                written = self.import_traced("--import-route", route, "--debug")
                self.assertGreater(len(written), 2000)
                self.assert_clean(written)
                self.token.pkcs11_tool(
                    "--login", "--delete-object", "--type", "secrkey",
                    "--id", self.iam.root_id.encode().hex(),
                )  # fmt: skip

    def test_create(self) -> None:
        self.import_root()
        written = self.trace(
            "create-access-key", *self.iam_arguments(), "--user-name", "alice", "--debug"
        )
        self.assertIn(self.iam.key_ids("alice")[0].encode(), written)
        self.assert_clean(written)

    def test_create_that_fails(self) -> None:
        self.import_root()
        log = self.directory / "trace"
        for kind, fields in (
            ("cut", {"at": "before-end"}),
            ("cut", {"at": "in-secret"}),
            ("stall", {"at": "in-secret", "seconds": 3}),
            ("garble", {"how": "content-length-short"}),
            ("garble", {"how": "comment-secret"}),
            ("secret-in-error", {}),
        ):
            with self.subTest(kind=kind, **fields):
                self.iam.endpoint.reset(["state", "log"])
                self.iam.misbehave(kind, **fields)
                patience = "1" if kind == "stall" else "30"
                with self.assertRaises(AssertionError):
                    self.trace("create-access-key", *self.iam_arguments(), "--user-name", "alice",
                               "--cli-read-timeout", patience, "--debug")  # fmt: skip
                self.assertEqual(len(self.iam.requests("CreateAccessKey")), 1)
                self.assert_clean(traced_bytes(log.read_text()))

    def test_import_that_fails(self) -> None:
        """The token has the key already."""
        self.import_root()
        log = self.directory / "trace"
        for arguments in ((), ("--import-route", "create-object")):
            with self.subTest(arguments), self.assertRaises(AssertionError):
                self.import_traced(*arguments, "--debug")
            written = traced_bytes(log.read_text())
            self.assertIn(b"already holds a key", written.replace(b"\n", b""))
            self.assert_clean(written)

    def test_credentials(self) -> None:
        """They are written to standard output, in one call, and nowhere else."""
        self.import_root()
        written = self.trace("credential-process", *self.iam_arguments(), "--debug")
        ((access_key_id, secret, token),) = self.iam.sessions()
        calls = [call for call in written.split(b"\n") if secret.encode() in call]
        self.assertEqual(len(calls), 1)
        self.assertEqual(json.loads(calls[0])["SessionToken"], token)
        self.searcher.add_access_key(f"secret of {access_key_id}", secret)
        self.searcher.add(f"token of {access_key_id}", token)
        self.assert_clean(written.replace(calls[0], b""))

    def test_recover(self) -> None:
        """After a run that was killed with the secret in its hands."""
        self.import_root()
        self.iam.misbehave("stall", at="in-secret", seconds=3)
        process = self.start(
            "create-access-key", *self.iam_arguments(), "--user-name", "alice"
        )
        self.assertTrue(self.iam.wait("CreateAccessKey"))
        time.sleep(0.2)
        process.kill()
        process.communicate()
        with contextlib.suppress(AssertionError):  # it may be too early to settle it
            self.trace("recover", *self.iam_arguments(), "--debug")
        written = traced_bytes((self.directory / "trace").read_text())
        self.assertIn(b"Action=ListAccessKeys", written)
        self.assert_clean(written)

    def test_pin_of_a_command_stays_with_the_command(self) -> None:
        """The child writes the PIN to a pipe, and that is all."""
        other = self.token.uri(query="")
        written = self.trace(
            "provision-token", "--token", other, "--pin-source", f"|cat {self.token.pin_file}"
        )
        calls = [call for call in written.split(b"\n") if self.token.pin.encode() in call]
        self.assertEqual(calls, [self.token.pin.encode()])


class InterfaceTest(IntegrationTest):
    """What crosses the PKCS#11 interface, by the route."""

    def crossed(self, user: str, route: str) -> tuple[bytes, str]:
        spy = Spy(self.directory / "spy.log")
        spy.log.unlink(missing_ok=True)
        self.searcher.allow(spy.log)
        credential = self.token.key_uri(self.iam.root_id, module="spy")
        run = self.issue(
            "--user-name", user, "--credential", credential, "--import-route", route,
            env=spy.environment,
        )  # fmt: skip
        access_key_id = run.json["AccessKey"]["AccessKeyId"]
        return spy.data(), f"secret of {access_key_id}"

    def test_wrapped(self) -> None:
        data, secret = self.crossed("alice", "rsa-oaep")
        self.assertGreater(len(data), 384)
        self.assertNotIn(secret, self.searcher.search(data))

    def test_plaintext(self) -> None:
        """The control, and what the warning about this route speaks of."""
        data, secret = self.crossed("bob", "create-object")
        self.assertIn(secret, self.searcher.search(data))


class DebugTest(IntegrationTest):
    def test_signatures_and_bodies_are_left_out(self) -> None:
        run = self.issue("--user-name", "alice", "--debug")
        requests = self.iam.requests()
        self.assertEqual(run.err.count("Signature=<left out>"), len(requests))
        for request in requests:
            headers = dict(request["headers"])
            signature = headers["Authorization"].rpartition("Signature=")[2]
            self.assertEqual(len(signature), 64)
            self.assertNotIn(signature, run.err)
        self.assertNotIn("<AccessKeyId>", run.err)
        self.assertIn("bytes of body", run.err)

    def test_reader_that_does_not_read(self) -> None:
        """The secret does not wait for whoever reads the log: lines wait until it is wiped."""
        self.iam.misbehave("stall", at="before-headers", seconds=SECONDS)
        process = self.start(
            "create-access-key", *self.iam_arguments(), "--user-name", "alice", "--debug"
        )
        assert process.stderr
        os.set_blocking(process.stderr.fileno(), False)
        said = b""
        deadline = time.monotonic() + SECONDS
        while b"Action=CreateAccessKey" not in said and time.monotonic() < deadline:
            said += process.stderr.read() or b""
            time.sleep(0.01)
        filled = fill(process.stderr.fileno())
        self.iam.release()
        time.sleep(2)  # for a secret that waits with its line
        self.assertIsNone(process.poll())  # it has lines to write
        os.set_blocking(process.stderr.fileno(), True)
        rest = process.stderr.read()[filled:]
        self.assertRegex(rest, rb"^hsmiam: debug: < HTTP/1\.1 200\n(?s:.*)< \d+ bytes of body\n")
        span = re.search(rb"on this host for (\d+) microseconds", rest)
        assert span
        self.assertLess(int(span[1]), 1_500_000)
        self.assertEqual(process.wait(SECONDS), OK)
        self.assertEqual(len(self.token.access_key_ids()), 2)
        self.assertEqual(self.searcher.search(said + rest), [])

    def test_debug_output_goes_to_standard_error(self) -> None:
        self.assertEqual(self.issue("--user-name", "alice", "--debug").out[:1], "{")


class ProcessTest(IntegrationTest):
    """What other processes can see of one that waits for IAM."""

    def waiting(self, credential: str, environment: dict[str, str] | None = None) -> int:
        self.iam.misbehave("stall", "ListAccessKeys", seconds=20)
        self.environment |= environment or {}
        words = ["create-access-key", *self.iam_arguments(credential=credential)]
        if environment:
            words = words[:1] + words[3:]
        process = self.start(*words)
        self.assertTrue(self.iam.wait("ListAccessKeys"))
        return process.pid

    def pin_value(self) -> str:
        pin = self.token.pin.replace("%", "%25").replace("+", "%2B").replace("/", "%2F")
        return self.token.key_uri(self.iam.root_id, query=f"pin-value={pin}")

    def test_arguments(self) -> None:
        pid = self.waiting(self.pin_value())
        seen = Path(f"/proc/{pid}/cmdline").read_bytes()
        self.assertIn(b"create-access-key", seen)
        self.assertEqual(self.searcher.search(seen), [])

    def test_environment(self) -> None:
        """Readable for root only, since the process made itself unfit for being traced."""
        pid = self.waiting("", {"HSMIAM_CREDENTIAL": self.pin_value()})
        try:
            seen = Path(f"/proc/{pid}/environ").read_bytes()
        except PermissionError:
            return
        self.assertIn(b"HSMIAM_CREDENTIAL=", seen)
        self.assertEqual(self.searcher.search(seen), [])

    def test_core_dumps_are_off(self) -> None:
        pid = self.waiting(self.token.key_uri(self.iam.root_id))
        limits = Path(f"/proc/{pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size\s+0\s+0\s")


if __name__ == "__main__":
    unittest.main()
