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
        self.assertLess(time.monotonic() - began, SECONDS)
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

    def start_with(self, listener: socket.socket) -> subprocess.Popen[bytes]:
        """As a unit of systemd's is started."""
        self.write("token-of-systemd", "0123456789abcdef\n")
        words = self.arguments("--authorization-token-credential", "token-of-systemd",
                               "--cli-connect-timeout", "1", "--duration-seconds", "900")  # fmt: skip
        process = subprocess.Popen(
            ["sh", "-c", f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&{listener.fileno()}',
             "sh", HSMIAM, *words],
            env=self.environment | {"CREDENTIALS_DIRECTORY": str(self.directory)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[listener.fileno()],
            start_new_session=True,
        )  # fmt: skip
        self.addCleanup(process.kill)
        return process

    def test_passed_socket(self) -> None:
        """systemd goes on listening when the service stops, and passes the same socket again."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            for _ in range(2):
                process = self.wait_for(self.start_with(listener))
                self.assertEqual(self.authority, f"127.0.0.1:{listener.getsockname()[1]}")
                self.assertEqual(self.authorization, "0123456789abcdef")
                self.assertEqual(self.ask()[0], 200)
                self.assertEqual(self.stop(process), "")
        for address, is_listening in (("0.0.0.0", True), ("127.0.0.1", False)):
            with socket.socket() as listener:
                listener.bind((address, 0))
                if is_listening:
                    listener.listen()
                process = self.start_with(listener)
                _, err = process.communicate(timeout=SECONDS)
                self.assertEqual(process.returncode, CONFIGURATION, err)
                said = b"ListenStream=127.0.0.1" if is_listening else b"does not listen"
                self.assertIn(said, err)

    def test_trouble_on_a_passed_socket(self) -> None:
        """Who waits is told 503, and no second process tries a PIN that was wrong."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            self.iam.set_door("close")
            process = self.wait_for(self.start_with(listener))
            self.assertEqual(self.ask()[0], 503)
            self.iam.set_door("open")
            self.wait_until(lambda: self.ask()[0] == 200, "no credentials yet")
            self.assertIn("There are new credentials again.", self.stop(process))
            self.token.pin_file.write_text("1234567")
            process = self.wait_for(self.start_with(listener))
            assert process.stderr
            said = process.stderr.readline().decode()
            time.sleep(1.5)
            self.assertEqual(self.ask(), (503, mock.ANY))
            said += self.stop(process)
            self.assertIn("is wrong (7 bytes); it was tried once.", said)
            self.assertEqual(said.count("hsmiam:"), 1, said)

    def test_stalled_refresh(self) -> None:
        """What expires while STS is waited for is not served any more."""
        self.iam.set_clock(-898)
        process = self.serve("--duration-seconds", "900")
        self.iam.misbehave("stall", "AssumeRole", times=-1, seconds=30)
        self.wait_until(lambda: self.ask()[0] == 503, "credentials that have expired")
        self.stop(process)

    def test_few_descriptors(self) -> None:
        words = ["prlimit", "--nofile=64", HSMIAM, *self.with_file()]
        process = subprocess.Popen(words, env=self.environment, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)  # fmt: skip
        self.addCleanup(process.kill)
        self.wait_for(process)
        host, _, port = self.authority.partition(":")
        flood = [socket.create_connection((host, int(port))) for _ in range(100)]
        self.assertEqual(self.ask()[0], 200)
        for each in flood:
            each.close()
        self.assertEqual(self.stop(process), "")

    def test_file_of_the_token(self) -> None:
        """It replaces a token that was left behind, and no other file, and no other's token."""
        for kept in ("[profile reader]\n", "0" * 63, "0" * 65, "g" * 64):
            self.token_file.write_text(kept)
            run = self.hsmiam(*self.with_file(), expect=255)
            self.assertIn("something else is there already", run.sentence)
            self.assertEqual(self.token_file.read_text(), kept)
        target = self.token_file.rename(self.directory / "target")
        self.token_file.symlink_to(target)
        self.hsmiam(*self.with_file(), expect=255)
        self.token_file.unlink()
        self.token_file.write_text("0" * 64)
        process = self.serve()
        self.assertNotEqual(self.authorization, "0" * 64)
        run = self.hsmiam(*self.with_file(), expect=255)
        self.assertIn("another `hsmiam serve` is using it", run.sentence)
        self.assertEqual(self.token_file.read_text(), self.authorization)
        self.assertEqual(self.ask()[0], 200)
        self.token_file.unlink()
        self.token_file.write_text("mine\n")
        self.assertEqual(self.stop(process), "")
        self.assertEqual(self.token_file.read_text(), "mine\n")
        self.assertEqual([each.name for each in self.directory.glob(self.token_file.name + ".*")], [])

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
