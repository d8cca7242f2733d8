"""credential-process: temporary credentials for the AWS CLI and SDKs, by a key in the token.

They are taken by the real ones: from a profile's credential_process, against our own IAM, and
against moto, which enforces what it checks.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import unittest
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
from botocore.config import Config

import keyrings
from harness import CONFIGURATION, HSMIAM, REFUSED, SECONDS, USAGE, IntegrationTest, Run

ROLE = "arn:aws:iam::123456789012:role/Reader"
DEVICE = "arn:aws:iam::123456789012:mfa/custodian"


class CredentialsTest(IntegrationTest):
    def arguments(self, *more: str) -> list[str]:
        return ["credential-process", *self.iam_arguments(), *more]

    def ask(self, *more: str, **options: Any) -> Run:
        return self.hsmiam(*self.arguments(*more), **options)

    def sts(self, credentials: dict[str, str]) -> Any:
        return boto3.client(
            "sts", endpoint_url=self.iam.url, region_name="us-east-1",
            verify=str(self.iam.ca_bundle), aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
            config=Config(retries={"total_max_attempts": 1}),
        )  # fmt: skip

    def caller(self, run: Run) -> str:
        return str(self.sts(run.json).get_caller_identity()["Arn"])

    def test_session_of_the_user(self) -> None:
        run = self.ask("--duration-seconds", "900")
        self.assertEqual(
            list(run.json),
            ["Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"],
        )
        self.assertEqual(run.json["Version"], 1)
        expiration = datetime.strptime(run.json["Expiration"], "%Y-%m-%dT%H:%M:%SZ")
        left = (expiration.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()
        self.assertAlmostEqual(left, 900, delta=30)
        self.assertTrue(self.caller(run).endswith(":user/root-admin"))
        changed = run.json | {"SessionToken": "x" + run.json["SessionToken"][1:]}
        with self.assertRaisesRegex(Exception, "InvalidClientTokenId"):
            self.sts(changed).get_caller_identity()

    def test_role(self) -> None:
        run = self.ask("--role-arn", ROLE, "--role-session-name", "audit",
                       "--policy", '{"Version": "2012-10-17", "Statement": []}')  # fmt: skip
        self.assertTrue(self.caller(run).endswith(":assumed-role/Reader/audit"))
        partner = ("--role-arn", ROLE.replace("Reader", "ExternalReader"))
        refused = self.ask(*partner, expect=REFUSED)
        self.assertIn("(AccessDenied) when calling the AssumeRole operation", refused.sentence)
        run = self.ask(*partner, "--external-id", "agreed")
        self.assertTrue(self.caller(run).endswith(":assumed-role/ExternalReader/hsmiam"))

    def test_device(self) -> None:
        device = ("--serial-number", DEVICE)
        shown = self.ask(*device, "--token-code", "000001", "--role-arn", ROLE, "--debug").err
        self.assertIn("&TokenCode=<left out>&RoleArn=", shown)
        refused = self.ask(*device, "--token-code", "000001", expect=REFUSED)
        self.assertIn("MultiFactorAuthentication failed", refused.sentence)
        self.assertIn("no terminal", self.ask(*device, expect=CONFIGURATION).sentence)
        self.ask("--token-code", "000011", expect=USAGE)

    def test_terminal(self) -> None:
        terminal = self.on_terminal(*self.arguments())
        terminal.read_until("give --allow-terminal to see it")
        self.assertEqual(terminal.finish(), USAGE)
        self.assertEqual(self.iam.requests("GetSessionToken"), [])

    def test_cache(self) -> None:
        """Within the kernel's keyring; other options are other credentials, and time ends them."""
        role = ("--role-arn", ROLE, "--role-session-name", self.directory.name)
        cached = (*role, "--cache", "keyring")
        if not keyrings.has_keyrings():
            self.assertIn("The kernel's keyring does not take", self.ask(*cached).sentence)
            return
        first = self.ask(*cached)
        mine = self.token.key_uri(self.iam.root_id)[:40]
        self.addCleanup(keyrings.forget, mine)
        self.assertEqual(self.ask(*cached).out, first.out)
        self.assertNotEqual(self.ask(*role).out, first.out)
        self.assertNotEqual(self.ask(*cached, "--duration-seconds", "901").out, first.out)
        by_device = self.ask(*cached, "--mfa-serial", DEVICE, "--token-code", "000001")
        self.assertNotEqual(by_device.out, first.out)
        self.assertEqual(self.ask(*cached).out, first.out)
        elsewhere = self.token.key_uri(self.iam.root_id).replace("module-path=/", "module-path=/no/")
        self.ask(*cached, "--credential", elsewhere, expect=CONFIGURATION)
        self.assertEqual(len(self.iam.requests("AssumeRole")), 4)
        lines = [line for line in keyrings.keys(mine) if "hsmiam:0:" in line]
        self.assertEqual(len(lines), 2)
        # the last quarter of the hour is left to the next
        self.assertRegex(lines[0].split()[3], "^4[1-5]m$", lines)
        self.iam.misbehave("garble", "AssumeRole", how="replace-element", element="Expiration",
                           text="9999-12-31T23:59:59Z")  # fmt: skip
        self.ask(*cached, "--duration-seconds", "902")
        (line,) = [line for line in keyrings.keys(mine) if "hsmiam:902:" in line]
        self.assertEqual(line.split()[3], "1d", line)

    def test_cache_is_full_or_forbidden(self) -> None:
        """Who asks gets credentials, and is told; no file is the keyring's stand-in."""
        before = sorted(self.directory.rglob("*"))
        for call, name, says in (("add_key", "EDQUOT", "Disk quota exceeded"),
                                 ("keyctl", "EPERM", "Operation not permitted")):  # fmt: skip
            trace = ["strace", "-qq", "-o", "/dev/null", "-e", f"inject={call}:error={name}"]
            done = subprocess.run(
                [*trace, HSMIAM, *self.arguments("--role-arn", ROLE, "--cache", "keyring")],
                env=self.environment | {"ASAN_OPTIONS": "detect_leaks=0"},
                capture_output=True, timeout=SECONDS, check=False, text=True,
            )  # fmt: skip
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(json.loads(done.stdout)["Version"], 1)
            self.assertIn("hsmiam: warning: The kernel's keyring does not take the credentials, "
                          f"so nothing is kept: {says}.", done.stderr)  # fmt: skip
        self.assertEqual(sorted(self.directory.rglob("*")), before)

    def test_real_clients(self) -> None:
        command = shlex.join([HSMIAM, *self.arguments("--role-arn", ROLE)])
        refused = command.replace("Reader", "ExternalReader")
        config = self.write("aws-config", f"[default]\nregion = us-east-1\n"
                            f"credential_process = {command}\n"
                            f"[profile chained]\nregion = us-east-1\nrole_arn = {ROLE}\n"
                            f"role_session_name = chained\nsource_profile = default\n"
                            f"[profile refused]\ncredential_process = {refused}\n")  # fmt: skip
        environment = self.environment | {
            "AWS_CONFIG_FILE": str(config), "AWS_ENDPOINT_URL": self.iam.url,
            "AWS_CA_BUNDLE": str(self.iam.ca_bundle),
        }  # fmt: skip
        aws = Path(sys.executable).with_name("aws")
        done = subprocess.run(
            [sys.executable, "-W", "ignore", aws, "sts", "get-caller-identity",
             "--endpoint-url", self.iam.url, "--ca-bundle", str(self.iam.ca_bundle)],
            env=environment, capture_output=True, timeout=SECONDS, check=False, text=True,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(done.stdout)["Arn"].endswith("assumed-role/Reader/hsmiam"))
        with mock.patch.dict(os.environ, environment, clear=True):
            sts = boto3.Session().client("sts", endpoint_url=self.iam.url,
                                         verify=str(self.iam.ca_bundle))  # fmt: skip
            self.assertTrue(sts.get_caller_identity()["Arn"].endswith("Reader/hsmiam"))
            sts = boto3.Session(profile_name="chained").client("sts")
            self.assertTrue(sts.get_caller_identity()["Arn"].endswith("Reader/chained"))
            with self.assertRaisesRegex(Exception, "An error occurred \\(AccessDenied\\)"):
                boto3.Session(profile_name="refused").get_credentials()

    def test_boto3_asks_again(self) -> None:
        """Before what it has expires; what is left when the process is asked must be enough."""
        self.iam.set_clock(-898)
        command = shlex.join(
            [HSMIAM, *self.arguments("--role-arn", ROLE, "--duration-seconds", "900")]
        )
        config = self.write("aws-config", f"[default]\ncredential_process = {command}\n")
        with mock.patch.dict(os.environ, self.environment | {"AWS_CONFIG_FILE": str(config)}):
            held = boto3.Session().get_credentials()
            first = held.get_frozen_credentials()
            second = held.get_frozen_credentials()
        self.assertNotEqual(first.access_key, second.access_key)


class MfaTest(IntegrationTest):
    """Where the policy of the credential asks for MFA. Nothing of the session may be left over."""

    def setUp(self) -> None:
        super().setUp()
        self.iam.demand_mfa()

    def assert_secrecy(self, run: Run) -> None:
        for access_key_id, secret, token in self.iam.sessions():
            self.searcher.add_access_key(f"secret of {access_key_id}", secret)
            self.searcher.add(f"session token of {access_key_id}", token)
        super().assert_secrecy(run)

    def device(self, code: str) -> tuple[str, ...]:
        return ("--mfa-serial", DEVICE, "--token-code", code)

    def test_key_is_issued(self) -> None:
        refused = self.issue("--user-name", "alice", expect=REFUSED)
        self.assertIn("with an explicit deny", refused.sentence)
        run = self.issue("--user-name", "alice", "--debug", *self.device("000001"))
        self.assert_held(run.json["AccessKey"]["AccessKeyId"])
        ((session, _, _),) = self.iam.sessions()
        self.assertIn(f"Session {session} of access key {self.iam.root_id} signs", run.err)
        self.assertIn("X-Amz-Security-Token: <left out>", run.err)
        self.assertRegex(run.err, "&TokenCode=<left out>(&|\n)")
        self.assertNotIn(session, self.token.access_key_ids())
        shown = self.hsmiam("audit", "show", "--output", "json").out
        self.assertIn(self.iam.root_id, shown)
        self.assertNotIn(session, shown)

    def test_code_serves_once(self) -> None:
        arguments = ("list-access-keys", *self.iam_arguments(), "--user-name", "alice")
        self.hsmiam(*arguments, *self.device("000001"))
        refused = self.hsmiam(*arguments, *self.device("000001"), expect=REFUSED)
        self.assertIn("(AccessDenied) when calling the GetSessionToken operation: "
                      "MultiFactorAuthentication failed", refused.sentence)  # fmt: skip
        self.assertIn("no terminal",
                      self.hsmiam(*arguments, "--mfa-serial", DEVICE, expect=253).sentence)
        self.hsmiam(*arguments, *self.device("0" * 20), expect=USAGE)

    def test_batch(self) -> None:
        """Each of its threads signs with the one session."""
        run = self.hsmiam(
            "batch-create-access-key", *self.iam_arguments(), *self.device("000001"),
            "--user-names", str(self.write("users.txt", "alice\nbob\n")),
        )  # fmt: skip
        self.assertEqual(len(self.iam.sessions()), 1)
        self.assertEqual(len(self.iam.key_ids("alice") + self.iam.key_ids("bob")), 2, run)

    def test_code_from_the_terminal(self) -> None:
        terminal = self.on_terminal(
            "list-access-keys", *self.iam_arguments(), "--user-name", "alice",
            "--mfa-serial", DEVICE,
        )  # fmt: skip
        terminal.read_until("MFA code: ")
        terminal.type("000001\n")
        self.assertEqual(terminal.finish(), 0)

    def test_role_by_a_session(self) -> None:
        run = self.hsmiam("credential-process", *self.iam_arguments(), "--role-arn", ROLE,
                          *self.device("000001"), stdout=subprocess.DEVNULL)  # fmt: skip
        self.assertEqual(run.out, "")
        self.assertEqual([session[0][:4] for session in self.iam.sessions()], ["ASIA"] * 2)
        self.hsmiam("credential-process", *self.iam_arguments(), *self.device("000011"),
                    expect=USAGE)  # fmt: skip

    def rotate(self, code: str, *more: str, credential: str = "", **options: Any) -> Run:
        named = {"credential": credential} if credential else {}
        return self.hsmiam("rotate-access-key", "--root", "--proofs", "1", *self.device(code),
                           *self.iam_arguments(**named), *more, **options)  # fmt: skip

    def statuses(self) -> dict[str, str]:
        return {key["AccessKeyId"]: key["Status"] for key in self.iam.keys_of("root-admin")}

    def test_the_credential_is_rotated(self) -> None:
        """The new key has no session: that of the old one ends the old one."""
        old = self.iam.root_id
        made = self.rotate("000001").json
        new = made["AccessKey"]["AccessKeyId"]
        self.assertEqual(self.statuses(), {old: "Inactive", new: "Active"})
        refused = self.rotate("000011", expect=REFUSED)
        self.assertIn(f"{old}, which asks for the session, is inactive", refused.sentence)
        self.rotate("000011", "--delete-old", credential=made["CredentialUri"])
        self.assertEqual(self.statuses(), {new: "Active"})
        self.assertEqual(self.token.access_key_ids(), [new])
        newest = self.rotate("000021", "--delete-old", credential=made["CredentialUri"])
        self.assertEqual(self.statuses(), {newest.json["AccessKey"]["AccessKeyId"]: "Active"})
        self.assertEqual(self.hsmiam("audit", "verify").json["Verdict"], "intact")

    def test_a_session_ends_with_its_key(self) -> None:
        """Should it, the old key stays inactive, until the new one asks for another session."""
        self.iam.end_sessions()
        refused = self.rotate("000001", "--delete-old", expect=REFUSED)
        (new,) = set(self.statuses()) - {self.iam.root_id}
        self.assertIn(f"name the new key {new} as the credential", refused.sentence)
        self.assertEqual(self.statuses(), {self.iam.root_id: "Inactive", new: "Active"})
        self.rotate("000011", "--delete-old", credential=self.token.key_uri(new))
        self.assertEqual(self.statuses(), {new: "Active"})


if __name__ == "__main__":
    unittest.main(warnings="ignore")
