"""sign-request and get-caller-identity: any key in the token, any request, sent by curl.

The command signs what botocore does of the same request; thousands of them are the library's, in
test_botocore.py, which says as well what is left out of them.
"""

from __future__ import annotations

import hashlib
import os
import json
import re
import subprocess
import unittest
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.credentials import Credentials

from harness import HSMIAM, REFUSED, SECONDS, IntegrationTest, Run
from random_requests import Maker, Request, sign_by_botocore

SIZE = 64 * 1024 * 1024
COUNT = 16
SEED = 20130524
DEVICE = "arn:aws:iam::123456789012:mfa/custodian"
# What a client or a server takes as an order to itself, and what only S3 knows.
KEPT_OUT = ("connection", "content-length", "expect", "host", "te", "transfer-encoding",
            "x-amz-content-sha256")  # fmt: skip


def seconds_of(timestamp: str) -> int:
    return int(datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp())


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

    def arguments(self, request: Request) -> list[str]:
        words = ["--method", request.method, "--url", request.url, "--service", request.service,
                 "--region", request.region]  # fmt: skip
        for name, value in request.headers:
            words += ["--header", f"{name}: {value}"]
        if request.expires:
            words += ["--presign", "--expires-in", str(request.expires)]
        elif request.body:
            words += ["--data-file", "-"]
        return words

    @staticmethod
    def header(name: str, value: str) -> str:
        """As curl is given it: a colon without a value takes the header out."""
        return f"{name}:{value}" if value.strip() else f"{name};"

    def ask(self, request: Request, *more: str) -> Run:
        return self.hsmiam("sign-request", *self.iam_arguments(), *self.arguments(request), *more,
                           stdin=request.body)  # fmt: skip

    def assert_equal_to_botocore(
        self, request: Request, json: Any, credentials: Credentials
    ) -> None:
        """Signed at the time that stands in the answer."""
        names = {name.lower(): value for name, value in json["Headers"].items()}
        if request.expires:
            query = parse_qs(urlsplit(json["Url"]).query)
            when, got = query["X-Amz-Date"][0], query["X-Amz-Signature"][0]
            token = query.get("X-Amz-Security-Token", [None])[0]
        else:
            when, got = names["x-amz-date"], names["authorization"]
            token = names.get("x-amz-security-token")
        wanted, _ = sign_by_botocore(replace(request, when=seconds_of(when)), credentials)
        self.assertEqual(got, wanted, request)
        self.assertEqual(token, credentials.token)
        self.assertEqual(json["Method"], request.method)

    def test_random_requests(self) -> None:
        """As JSON; by the access key, and every other one by a session that MFA began."""
        maker = Maker(SEED)
        for number in range(COUNT):
            request = replace(maker.request(), region="us-east-1")
            request.expires = min(request.expires, 43200)
            with self.subTest(request):
                if number % 2:
                    device = ("--mfa-serial", DEVICE, "--token-code", f"{number:05}1")
                    run = self.ask(request, *device, "--output", "json")
                    credentials = Credentials(*self.iam.sessions()[-1])
                else:
                    run = self.ask(request, "--output", "json")
                    credentials = Credentials(self.iam.root_id, self.iam.root_secret)
                self.assert_equal_to_botocore(request, run.json, credentials)

    def test_random_requests_are_sent(self) -> None:
        """By curl, as printed; the endpoint finds the signature by code of its own."""
        maker = Maker(SEED)
        body = self.directory / "body"
        for _ in range(COUNT):
            made = maker.request()
            # An encoded slash within a name of S3's is one to botocore, and parts names to others.
            rest = re.sub("^https?://[^/?]*", "", made.url).replace("%2F", "")
            request = replace(
                made, url=self.iam.url + ("" if rest[:1] in ("/", "") else "/") + rest,
                service="s3" if made.service.startswith("s3") else "execute-api",
                method="PATCH" if made.method == "HEAD" else made.method, body=b"",
                headers=[(name, value.replace("\t", " ")) for name, value in made.headers
                         if name.lower() not in KEPT_OUT],
            )  # fmt: skip
            words = []
            if made.body:
                body.write_bytes(made.body)
                words = ["--data-file", str(body)]
            with self.subTest(request):
                printed = self.ask(request, *words).out
                config = f'url = "{printed.strip()}"' if request.expires else printed
                if request.expires:
                    config += f"\nrequest = {request.method}\npath-as-is\n"
                    config += "".join(
                        f"header = {json.dumps(self.header(*each), ensure_ascii=False)}\n"
                        for each in request.headers
                    )
                said = self.curl(config)
                self.assertEqual(said[:1], "{", said)
                answer = json.loads(said)
                self.assertEqual(answer["access_key_id"], self.iam.root_id)
                self.assertEqual(answer["presigned"], bool(request.expires))

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
        """By its id or its label; an exportable one as any other."""
        key = self.issue_for("alice", "--exportable")
        user = next(u for u in self.iam.state()["users"] if u["UserName"] == "alice")
        wanted = {"UserId": user["UserId"], "Account": "123456789012", "Arn": user["Arn"]}
        for uri in (self.token.key_uri(key), self.token.uri(";object=alice")):
            run = self.hsmiam("get-caller-identity", *self.iam_arguments(credential=uri))
            self.assertEqual(run.json, wanted)
        self.iam.act("UpdateAccessKey", UserName="alice", AccessKeyId=key, Status="Inactive")
        run = self.hsmiam(
            "get-caller-identity", *self.iam_arguments(credential=self.token.key_uri(key)),
            expect=254,
        )  # fmt: skip
        self.assertIn("(InvalidClientTokenId) when calling the GetCallerIdentity", run.sentence)

    def test_session_signs(self) -> None:
        """Where IAM demands MFA, what is printed by its session is taken, and nothing else."""
        self.iam.act("CreateAccessKey", UserName="alice")
        (key,) = self.iam.key_ids("alice")
        self.iam.demand_mfa()
        query = "Action=ListAccessKeys&Version=2010-05-08&UserName=alice"
        ways = {
            "data": ("--url", self.iam.url, "--data", query),
            "presign": ("--url", f"{self.iam.url}/?{query}", "--presign", "--expires-in", "60"),
        }
        words = ("sign-request", *self.iam_arguments(), "--region", "us-east-1", "--service", "iam")
        for number, (name, way) in enumerate(ways.items()):
            with self.subTest(name):
                device = ("--mfa-serial", DEVICE, "--token-code", f"{number:05}1")
                for more in ((), device):
                    out = self.hsmiam(*words, *way, *more).out
                    sent = self.curl(f'url = "{out.strip()}"' if name == "presign" else out)
                    self.assertIn(key if more else "AccessDenied", sent)
        run = self.hsmiam(*words, *ways["data"], *device, expect=REFUSED)
        self.assertIn("when calling the GetSessionToken operation", run.sentence)


if __name__ == "__main__":
    unittest.main()
