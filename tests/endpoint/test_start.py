"""How the endpoint starts and ends: certificates, TLS versions, the command line."""

from __future__ import annotations

import json
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any, ClassVar

from testbed import Client, EndpointTest
from tls import TlsOptions

HERE = Path(__file__).parent


class Tls(EndpointTest):
    options: ClassVar[dict[str, Any]] = {"users": ["Bob"]}

    def test_version(self) -> None:
        self.assertEqual(self.client.call("ListUsers").status, 200)
        self.assertEqual(self.last_entry()["tls_version"], "TLSv1.3")

    def test_no_delay(self) -> None:
        """No reply waits for a delayed acknowledgement, which would cost 40 ms each."""
        self.assertEqual(self.client.call("ListUsers").status, 200)
        options = [sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                   for sock in list(self.endpoint.server._open)]  # fmt: skip
        self.assertTrue(options)
        self.assertTrue(all(options))

    def refused(self, **options: Any) -> str:
        """Start an endpoint, connect with a client that is careful, and say how it failed."""
        other = self.start(self.addCleanup, **options)
        client = Client(other)
        self.addCleanup(client.close)
        with self.assertRaises(ssl.SSLError) as caught:
            client.call("ListUsers")
        return str(caught.exception)

    def test_wrong_certificates(self) -> None:
        for kind, words in (
            ("wrong-host", "IP address mismatch"),
            ("expired", "certificate has expired"),
            ("self-signed", "self-signed certificate"),
            ("other-ca", "certificate"),
        ):
            with self.subTest(kind):
                self.assertIn(words, self.refused(tls=TlsOptions(kind)))

    def test_old_version(self) -> None:
        words = self.refused(tls=TlsOptions("good", "1.0", "1.1"))
        self.assertRegex(words, "(?i)version|protocol")


class CommandLine(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="endpoint-test-")
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def serve(self, *options: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        ready = self.directory / "ready"
        command = [sys.executable, "-B", str(HERE / "serve.py"), "--ready-file", str(ready)]
        process = subprocess.Popen(
            [*command, "--state-dir", str(self.directory / "state"), *options],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        while not ready.exists():
            self.assertIsNone(process.poll())
            time.sleep(0.01)
        return process, json.loads(ready.read_text())

    def test_lifecycle(self) -> None:
        process, facts = self.serve("--users", "Bob", "--exit-with-stdin")
        state = self.directory / "state"
        held = json.loads((state / "credentials.json").read_text())["AccessKey"]
        self.assertEqual(held["AccessKeyId"], facts["access_key_id"])
        self.assertEqual(held["SecretAccessKey"], Path(facts["secret_file"]).read_text())
        for name in ("credentials.json", "secret", "ca-key.pem", "server-key.pem"):
            self.assertEqual(stat.S_IMODE((state / name).stat().st_mode), 0o600, name)
        self.assertEqual(facts["pid"], process.pid)
        process.communicate("")
        self.assertEqual(process.returncode, 0)
        self.assertFalse((self.directory / "ready").exists())
        process, again = self.serve()
        self.assertEqual(again["access_key_id"], facts["access_key_id"])
        process.terminate()
        self.assertEqual(process.wait(5), 0)

    def test_help_names_everything(self) -> None:
        command = [sys.executable, "-B", str(HERE / "serve.py"), "--help"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for word in ("--state-dir", "--certificate", "secret-in-error", "/misbehave", "--deny"):
            self.assertIn(word, text)


if __name__ == "__main__":
    unittest.main()
