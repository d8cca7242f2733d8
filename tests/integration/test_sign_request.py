"""sign-request and get-caller-identity: any key in the token, any request, sent by curl."""

from __future__ import annotations

import hashlib
import os
import subprocess
import unittest
from typing import Any

from harness import HSMIAM, SECONDS, IntegrationTest, Run

SIZE = 32 * 1024 * 1024


class SignRequestTest(IntegrationTest):
    def sign(self, *arguments: str, **options: Any) -> Run:
        return self.hsmiam(
            "sign-request", "--credential", self.token.key_uri(self.iam.root_id),
            "--region", "us-east-1", *arguments, **options,
        )  # fmt: skip

    def curl(self, config: str) -> str:
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--cacert", str(self.iam.ca_bundle),
             "--config", "-"],
            input=config, env=self.environment, cwd=self.directory, capture_output=True, text=True,
            timeout=SECONDS, check=True,
        )  # fmt: skip
        return done.stdout

    def test_curl_sends_it(self) -> None:
        body = "Action=ListAccessKeys&Version=2010-05-08&UserName=alice"
        self.iam.act("CreateAccessKey", UserName="alice")
        (key,) = self.iam.key_ids("alice")
        path = self.write("body with \"quotes\"", body)
        form = ("--header", "Content-Type: application/x-www-form-urlencoded")
        for words in (
            ("--data", body),
            ("--data-file", str(path), *form),
            ("--data-file", path.name, *form, "--header", "X-Note: a \\ \"b\"  c"),
        ):
            with self.subTest(words):
                run = self.sign("--service", "iam", "--url", self.iam.url, *words)
                self.assertIn(key, self.curl(run.out))
        run = self.sign("--service", "iam", "--url", self.iam.url, "--data", body)
        self.assertIn("SignatureDoesNotMatch", self.curl(run.out.replace("alice", "bob")))

    def test_presigned_url_is_fetched(self) -> None:
        query = "Action=GetCallerIdentity&Version=2011-06-15"
        url = self.sign("--service", "sts", "--presign", "--url", f"{self.iam.url}/?{query}")
        self.assertIn("&X-Amz-Expires=3600&", url.out)
        self.assertIn("<Account>123456789012</Account>", self.curl(f'url = "{url.out.strip()}"'))
        changed = url.out.strip().replace("Expires=3600", "Expires=3601")
        self.assertIn("SignatureDoesNotMatch", self.curl(f'url = "{changed}"'))

    def test_output(self) -> None:
        run = self.sign("--service", "s3", "--url", "https://b.s3.amazonaws.com/ü k?x",
                        "--header", "x-amz-date: 20130524T000000Z", "--output", "json")
        self.assertEqual(run.json["Method"], "GET")
        self.assertEqual(run.json["Url"], "https://b.s3.amazonaws.com/%C3%BC%20k?x")
        self.assertEqual(
            list(run.json["Headers"]), ["x-amz-date", "X-Amz-Content-Sha256", "Authorization"]
        )

    def test_large_body_in_little_memory(self) -> None:
        path = self.directory / "large"
        with open(path, "wb") as file:
            file.truncate(SIZE)
        digest = hashlib.sha256(bytes(SIZE)).hexdigest()
        _, least = self.measure("--data", "", stdin=subprocess.DEVNULL)
        for words in (("--data-file", str(path)), ("--data-file", "-")):
            with self.subTest(words), open(path, "rb") as stdin:
                out, peak = self.measure("--method", "PUT", *words, stdin=stdin)
                self.assertIn(f'header = "X-Amz-Content-Sha256: {digest}"', out)
                self.assertLess(peak, least + 4096)

    def measure(self, *arguments: str, stdin: Any) -> tuple[str, int]:
        """Run the tool: what it printed, and its peak memory in KiB."""
        process = subprocess.Popen(
            [HSMIAM, "sign-request", "--credential", self.token.key_uri(self.iam.root_id),
             "--region", "us-east-1", "--service", "s3", "--url", "https://b.s3.amazonaws.com/k",
             *arguments],
            stdin=stdin, stdout=subprocess.PIPE, env=self.environment, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        with process.stdout:
            out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        return out, usage.ru_maxrss

    def test_identity_of_any_key(self) -> None:
        self.issue_for("alice")
        (key,) = self.iam.key_ids("alice")
        run = self.hsmiam(
            "get-caller-identity", *self.iam_arguments(credential=self.token.key_uri(key))
        )
        user = next(u for u in self.iam.state()["users"] if u["UserName"] == "alice")
        self.assertEqual(
            run.json,
            {"UserId": user["UserId"], "Account": "123456789012", "Arn": user["Arn"]},
        )
        self.iam.act("UpdateAccessKey", UserName="alice", AccessKeyId=key, Status="Inactive")
        run = self.hsmiam(
            "get-caller-identity", *self.iam_arguments(credential=self.token.key_uri(key)),
            expect=254,
        )  # fmt: skip
        self.assertIn("(InvalidClientTokenId) when calling the GetCallerIdentity", run.sentence)


if __name__ == "__main__":
    unittest.main()
