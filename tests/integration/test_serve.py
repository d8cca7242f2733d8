"""serve: the credentials endpoint that the SDKs in a container ask, for boto3 and for whoever else."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import unittest
from unittest import mock

import boto3

from harness import CONFIGURATION, HSMIAM, REFUSED, SECONDS, USAGE
from serving import ServingTest

class ServeTest(ServingTest):
    def test_boto3_in_a_container(self) -> None:
        process = self.serve()
        self.assertEqual(self.token_file.stat().st_mode & 0o777, 0o600)
        self.assertEqual(len(self.authorization), 64)
        for _ in range(3):
            environment = {**self.variables, "AWS_CONFIG_FILE": "/nonexistent"}
            with mock.patch.dict(os.environ, environment, clear=True):
                sts = boto3.Session().client(
                    "sts", endpoint_url=self.iam.url, region_name="us-east-1",
                    verify=str(self.iam.ca_bundle),
                )  # fmt: skip
                self.assertTrue(sts.get_caller_identity()["Arn"].endswith("Reader/hsmiam"))
        self.assertEqual(len(self.iam.requests("AssumeRole")), 1)
        self.assertEqual(self.stop(process), "")
        self.assertFalse(self.token_file.exists())

    def test_strangers_and_slow_clients(self) -> None:
        process = self.serve()
        host, _, port = self.authority.partition(":")
        slow = socket.create_connection((host, int(port)))
        slow.sendall(b"GET /credentials HTTP/1.1\r\nAuthorization: ")
        began = time.monotonic()
        wrong = (None, "", "x", self.authorization[:-1], self.authorization + "0",
                 "Bearer " + self.authorization, "0" * 64)  # fmt: skip
        for token in wrong:
            status, body = self.get(token)
            self.assertEqual((status, body["code"]), (401, "Unauthorized"), token)
        self.assertEqual(self.get(self.authorization, path="/")[0], 404)
        self.assertEqual(self.get(self.authorization, method="POST")[0], 405)
        self.assertEqual(self.ask()[0], 200)
        # More connections than are held: the oldest make room.
        flood = [socket.create_connection((host, int(port))) for _ in range(300)]
        self.assertEqual(self.ask()[0], 200)
        for each in flood:
            each.close()
        drip = socket.create_connection((host, int(port)))
        while time.monotonic() - began < 2:
            drip.sendall(b"G")
            time.sleep(0.2)
        slow.settimeout(SECONDS)
        self.assertEqual(slow.recv(100), b"")
        drip.settimeout(SECONDS)
        self.assertNotIn(b"200", drip.recv(1000))
        self.assertLess(time.monotonic() - began, 10)
        slow.close()
        drip.close()
        self.assertEqual(self.ask()[0], 200)
        self.assertEqual(self.stop(process), "")

    def test_refresh_and_failure(self) -> None:
        """Credentials that expire in some seconds: new ones, then none, then new ones again."""
        self.iam.set_clock(-898)
        process = self.serve("--duration-seconds", "900")
        first = self.ask()[1]
        self.assertEqual(sorted(first), ["AccessKeyId", "Expiration", "SecretAccessKey", "Token"])
        self.wait_until(lambda: self.ask()[1] != first, "no new credentials")
        self.set_key("Inactive")
        self.wait_until(lambda: self.ask()[0] == 503, "credentials that have expired")
        self.set_key("Active")
        self.wait_until(lambda: self.ask()[0] == 200, "no credentials again")
        said = self.stop(process)
        self.assertIn("(InvalidClientTokenId) when calling the AssumeRole", said)
        self.assertIn("hsmiam: warning: There are new credentials again.", said)
        self.assertLessEqual(said.count("warning"), 4, said)

    def set_key(self, status: str) -> None:
        self.iam.act("UpdateAccessKey", UserName="root-admin", AccessKeyId=self.iam.root_id,
                     Status=status)  # fmt: skip

    def test_passed_socket(self) -> None:
        self.write("token-of-systemd", "0123456789abcdef\n")
        environment = self.environment | {"CREDENTIALS_DIRECTORY": str(self.directory)}
        for address, code in (("127.0.0.1", 0), ("0.0.0.0", CONFIGURATION)):
            with socket.socket() as listener:
                listener.bind((address, 0))
                listener.listen()
                words = self.arguments("--authorization-token-credential", "token-of-systemd")
                process = subprocess.Popen(
                    ["sh", "-c", f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&{listener.fileno()}',
                     "sh", HSMIAM, *words],
                    env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    pass_fds=[listener.fileno()], start_new_session=True,
                )  # fmt: skip
                if code:
                    _, err = process.communicate(timeout=SECONDS)
                    self.assertEqual(process.returncode, code, err)
                    self.assertIn(b"ListenStream=127.0.0.1", err)
                    continue
                self.wait_for(process)
                self.assertEqual(self.authority, f"127.0.0.1:{listener.getsockname()[1]}")
                self.assertEqual(self.authorization, "0123456789abcdef")
                self.assertEqual(self.ask()[0], 200)
                self.assertEqual(self.stop(process), "")

    def test_refusals(self) -> None:
        self.hsmiam(*self.arguments(), expect=USAGE)
        self.hsmiam(*self.with_file("--authorization-token-credential", "x"), expect=USAGE)
        self.hsmiam(*self.with_file("--port", "65536"), expect=USAGE)
        run = self.hsmiam(*self.arguments("--authorization-token-credential", "x"), expect=253)
        self.assertIn("CREDENTIALS_DIRECTORY", run.sentence)
        run = self.hsmiam(*self.with_file("--duration-seconds", "1"), expect=REFUSED)
        self.assertIn("(ValidationError) when calling the AssumeRole operation", run.sentence)
        self.assertFalse(self.token_file.exists())
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            port = str(listener.getsockname()[1])
            run = self.hsmiam(*self.with_file("--port", port), expect=255)
            self.assertIn(f"Port {port} of 127.0.0.1 cannot be listened on", run.sentence)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
