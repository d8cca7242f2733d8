"""Against moto, an IAM that none of us wrote, with authentication enforced."""

from __future__ import annotations

import hmac
import json
import logging
import os
import secrets
import shlex
import subprocess
import sys
import unittest
from unittest import mock

from moto_iam import ACCOUNT, ADMINISTRATOR, MotoIamTest  # before what imports moto

import boto3
from moto import settings

from harness import HSMIAM, OK, REFUSED, SECONDS, Run
from operations import OperationsTest


class MotoTest(MotoIamTest, OperationsTest):
    def create(self, *arguments: str, signer: str | None = None, expect: int = OK) -> Run:
        return self.hsmiam(
            "create-access-key", "--credential", self.token.key_uri(signer or self.key_id),
            "--endpoint-url", self.url, *arguments, expect=expect,
        )  # fmt: skip

    def ask(self, *words: str, refusal: str = "") -> list[str]:
        return self.call(self.url, "", self.token.key_uri(self.key_id), *words, refusal=refusal)

    def test_authentication_is_enforced(self) -> None:
        """The test would prove nothing if moto took whatever comes."""
        for access_key_id, secret in (("nobody", "nothing"), (self.key_id, "x" * 40)):
            with self.assertRaises(Exception) as refusal:
                self.client(access_key_id, secret).create_access_key(UserName="carol")
            self.assertRegex(str(refusal.exception), "InvalidClientTokenId|SignatureDoesNotMatch")

    def test_key_is_the_one_that_moto_made(self) -> None:
        key = self.create("--user-name", "carol").json["AccessKey"]
        self.assertEqual((key["UserName"], key["Status"]), ("carol", "Active"))
        data = secrets.token_bytes(100)
        known = self.known_secrets()[key["AccessKeyId"]]
        expected = hmac.digest(b"AWS4" + known.encode(), data, "sha256")
        self.assertEqual(self.token.hmac(key["AccessKeyId"], data), expected)

    def test_new_key_signs(self) -> None:
        """A key that no person ever saw issues the next one."""
        key = self.create().json["AccessKey"]
        self.assertEqual(key["UserName"], ADMINISTRATOR)
        again = self.create("--user-name", "carol", signer=key["AccessKeyId"])
        self.assertIn(again.json["AccessKey"]["AccessKeyId"], self.known_secrets())

    def test_operations_beside_the_main_job(self) -> None:
        user = self.backend.users[ADMINISTRATOR]
        self.assertEqual(self.ask("GetCallerIdentity"), [ACCOUNT, user.arn, user.id])
        self.assertEqual(sorted(self.ask("ListUsers")[0::3]), sorted([ADMINISTRATOR, "carol"]))
        key = self.create("--user-name", "carol").json["AccessKey"]["AccessKeyId"]
        usage = self.ask("GetAccessKeyLastUsed", key)
        self.assertEqual((usage[0], usage[2], usage[3]), ("carol", "N/A", "N/A"))
        self.ask("UpdateAccessKey", "carol", key, "Inactive")
        self.assertEqual(self.backend.users["carol"].access_keys[0].status, "Inactive")
        self.ask("DeleteAccessKey", "carol", key)
        self.ask("DeleteAccessKey", "carol", key, refusal="NoSuchEntity")

    def run_on_moto(self, *arguments: str, expect: int = OK) -> Run:
        return self.hsmiam(
            *arguments, "--credential", self.token.key_uri(self.key_id), "--endpoint-url", self.url,
            expect=expect,
        )  # fmt: skip

    def listed(self, user: str) -> list[tuple[str, str]]:
        """A user's keys and their statuses, by our list, which is that of boto3."""
        keys = self.run_on_moto("list-access-keys", "--user-name", user).json["AccessKeyMetadata"]
        theirs = self.client(self.key_id, self.secret).list_access_keys(UserName=user)
        names = ("UserName", "AccessKeyId", "Status")
        self.assertEqual(
            [[key[name] for name in names] for key in keys],
            [[key[name] for name in names] for key in theirs["AccessKeyMetadata"]],
        )
        return [(key["AccessKeyId"], key["Status"]) for key in keys]

    def test_life_of_a_key(self) -> None:
        words = ["--user-name", "carol"]
        first, second = (
            self.create(*words).json["AccessKey"]["AccessKeyId"] for _ in range(2)
        )
        self.assertEqual(self.listed("carol"), [(first, "Active"), (second, "Active")])
        self.run_on_moto("update-access-key", *words, "--access-key-id", first,
                         "--status", "Inactive")  # fmt: skip
        self.assertEqual(self.listed("carol"), [(first, "Inactive"), (second, "Active")])
        used = self.run_on_moto("get-access-key-last-used", "--access-key-id", self.key_id).json
        self.assertEqual((used["UserName"], used["InToken"]), (ADMINISTRATOR, True))
        self.run_on_moto("delete-access-key", *words, "--access-key-id", first, "--yes")
        self.assertEqual(self.listed("carol"), [(second, "Active")])
        run = self.run_on_moto("list-access-keys", "--all-users")
        self.assertEqual(
            {key["AccessKeyId"]: key["Origin"] for key in run.json["AccessKeyMetadata"]},
            {self.key_id: "imported", second: "issued"},
        )
        self.assertNotIn(first, self.token.access_key_ids())

    def test_rotation(self) -> None:
        """A user's key, then the credential itself, by the new one: moto lets no other sign."""
        first = self.create("--user-name", "carol").json["AccessKey"]["AccessKeyId"]
        run = self.run_on_moto(
            "rotate-access-key", "--user-name", "carol", "--delete-old", "--proofs", "1"
        )
        second = run.json["AccessKey"]["AccessKeyId"]
        self.assertEqual(self.listed("carol"), [(second, "Active")])
        self.assertNotIn(first, self.token.access_key_ids())
        run = self.run_on_moto("rotate-access-key", "--root", "--delete-old", "--proofs", "1")
        (left,) = self.backend.users[ADMINISTRATOR].access_keys
        self.assertEqual(left.access_key_id, run.json["AccessKey"]["AccessKeyId"])
        self.create("--user-name", "carol", signer=left.access_key_id)

    def test_role_by_credential_process(self) -> None:
        """boto3 runs the tool for its credentials, and moto takes what is signed by them."""
        version = {"Version": "2012-10-17"}
        trusted = {"AWS": self.backend.users[ADMINISTRATOR].arn}
        trust = version | {"Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": trusted}
        ]}  # fmt: skip
        role = self.backend.create_role("reader", json.dumps(trust), path="/", description="",
                                        permissions_boundary=None, tags=[],
                                        max_session_duration="3600")  # fmt: skip
        allowed = {"Effect": "Allow", "Action": "iam:ListAccessKeys", "Resource": "*"}
        policy = json.dumps(version | {"Statement": [allowed]})
        self.backend.put_role_policy("reader", "list", policy)
        command = shlex.join([
            HSMIAM, "credential-process", "--credential", self.token.key_uri(self.key_id),
            "--endpoint-url", self.url, "--role-arn", role.arn, "--role-session-name", "boto",
        ])  # fmt: skip
        config = self.write("aws-config", f"[default]\nregion = us-east-1\n"
                            f"credential_process = {command}\n")  # fmt: skip
        environment = self.environment | {"AWS_CONFIG_FILE": str(config)}
        with mock.patch.dict(os.environ, environment, clear=True):
            client = boto3.Session().client("iam", endpoint_url=self.url)
            keys = client.list_access_keys(UserName=ADMINISTRATOR)["AccessKeyMetadata"]
            with self.assertRaisesRegex(Exception, "AccessDenied"):
                client.create_access_key(UserName="carol")
        self.assertEqual([key["AccessKeyId"] for key in keys], [self.key_id])

    def test_requests_by_curl(self) -> None:
        """S3's, authenticated by headers; of a presigned URL moto checks nothing, but serves it."""
        body = self.write("body", "hello")
        self.send("--method", "PUT", "--url", f"{self.url}/bucket")
        name = f"{self.url}/bucket/a~b/c.d"
        self.send("--method", "PUT", "--url", name, "--data-file", str(body))
        self.assertEqual(self.send("--url", name), "hello")
        settings.INITIAL_NO_AUTH_ACTION_COUNT = sys.maxsize
        url = self.send("--url", name, "--presign", sent=False).strip()
        self.assertEqual(self.curl(f'url = "{url}"'), "hello")

    def send(self, *words: str, sent: bool = True) -> str:
        scope = ("--region", "us-east-1", "--service", "s3")
        config = self.run_on_moto("sign-request", *scope, *words)
        return self.curl(config.out) if sent else config.out

    def curl(self, config: str) -> str:
        done = subprocess.run(["curl", "--silent", "--show-error", "--fail", "--config", "-"],
                              input=config, env=self.environment, capture_output=True, text=True,
                              timeout=SECONDS, check=False)  # fmt: skip
        self.assertEqual(done.returncode, 0, done)
        return done.stdout

    def test_wrong_secret(self) -> None:
        self.token.pkcs11_tool(
            "--login", "--delete-object", "--type", "secrkey", "--id", self.key_id.encode().hex()
        )
        self.take(self.key_id, secrets.token_urlsafe(30))
        run = self.create("--user-name", "carol", expect=REFUSED)
        self.assertEqual(
            run.sentence,
            "An error occurred (SignatureDoesNotMatch) when calling the CreateAccessKey operation: "
            "The request signature we calculated does not match the signature you provided. Check "
            "your AWS Secret Access Key and signing method. Consult the service documentation for "
            "details.",
        )

    def test_unknown_key(self) -> None:
        unknown = f"AKIA{secrets.token_hex(8).upper()}"
        self.take(unknown, secrets.token_urlsafe(30))
        run = self.create("--user-name", "carol", signer=unknown, expect=REFUSED)
        self.assertIn("An error occurred (InvalidClientTokenId) when calling the CreateAccessKey "
                      "operation: The security token included in the request is invalid",
                      run.sentence)  # fmt: skip

    def test_no_such_user(self) -> None:
        run = self.create("--user-name", "nobody", expect=REFUSED)
        self.assertIn("An error occurred (NoSuchEntity) when calling the CreateAccessKey",
                      run.sentence)  # fmt: skip

    def test_quota(self) -> None:
        for _ in range(2):
            self.create("--user-name", "carol")
        run = self.create("--user-name", "carol", expect=REFUSED)
        self.assertEqual(
            run.sentence,
            "An error occurred (LimitExceeded) when calling the CreateAccessKey operation: Cannot "
            "exceed quota for AccessKeysPerUser: 2",
        )

    def test_missing_right(self) -> None:
        key = self.create("--user-name", "carol").json["AccessKey"]
        run = self.create("--user-name", "carol", signer=key["AccessKeyId"], expect=REFUSED)
        self.assertIn(
            "An error occurred (AccessDenied) when calling the CreateAccessKey operation: User: "
            f"arn:aws:iam::{ACCOUNT}:user/carol is not authorized to perform: iam:CreateAccessKey",
            run.sentence,
        )


if __name__ == "__main__":
    # moto and boto3 have deprecations of their own.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    unittest.main(warnings="ignore")
