"""The library from outside: another program signs requests with a key in a token.

The signatures are checked by the endpoint's own Signature Version 4, which shares nothing with
ours, and by sending the requests to it.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
import subprocess
import time
import unittest
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness import SECONDS, IntegrationTest, Run
import sigv4

PROGRAM = os.environ["HSMIAM_LIBRARY_USER"]


@dataclass
class Signed:
    """What the program printed."""

    headers: dict[str, str]
    canonical_request: str

    def part(self, name: str) -> str:
        """A part of the Authorization header."""
        return self.headers["Authorization"].partition(f"{name}=")[2].partition(",")[0]


class LibraryTest(IntegrationTest):
    def run_program(self, *arguments: str, body: bytes = b"", uri: str | None = None) -> Run:
        words = [uri or self.token.key_uri(self.iam.root_id), *arguments]
        done = subprocess.run(
            [PROGRAM, *words], input=body, env=self.environment, capture_output=True,
            timeout=SECONDS, check=False,
        )  # fmt: skip
        run = Run(words, done.returncode, done.stdout.decode(), done.stderr.decode())
        self.assert_secrecy(run)
        return run

    def sign(
        self, method: str, url: str, service: str, *headers: str, region: str = "eu-central-1",
        when: str = "", body: bytes = b"",
    ) -> Signed:  # fmt: skip
        run = self.run_program(method, url, service, region, when, *headers, body=body)
        self.assertEqual(run.code, 0, run)
        lines, _, canonical = run.out.partition("\n\n")
        return Signed(dict(line.split(": ", 1) for line in lines.splitlines()), canonical[:-1])

    def expected(self, signed: Signed, region: str, service: str) -> str:
        """The signature of the same canonical request, computed here."""
        amz_date = signed.headers["X-Amz-Date"]
        scope = sigv4.credential_scope(amz_date[:8], region, service)
        key = sigv4.signing_key(self.iam.root_secret, amz_date[:8], region, service)
        return sigv4.signature(
            key, sigv4.string_to_sign(amz_date, scope, signed.canonical_request)
        )

    def send(self, method: str, url: str, headers: dict[str, str], body: bytes = b"") -> bytes:
        """Send a request and return the body of a reply that says yes."""
        parts = urlsplit(url)
        context = ssl.create_default_context(cafile=str(self.iam.ca_bundle))
        connection = http.client.HTTPSConnection(parts.netloc, context=context, timeout=SECONDS)
        self.addCleanup(connection.close)
        target = url.partition(parts.netloc)[2] or "/"
        connection.request(method, target, body, headers)
        reply = connection.getresponse()
        content = reply.read()
        self.assertEqual(reply.status, 200, content)
        return content


class SignatureTest(LibraryTest):
    def test_get_with_a_query(self) -> None:
        url = "https://ec2.eu-central-1.amazonaws.com/?b=2&a=1&Name=x%20y&a=%C3%A4&flag"
        signed = self.sign("GET", url, "ec2", when="1767225600")
        self.assertEqual(signed.headers["X-Amz-Date"], "20260101T000000Z")
        self.assertEqual(
            signed.canonical_request,
            sigv4.canonical_request(
                "GET",
                "/",
                sigv4.canonical_query(url.partition("?")[2]),
                sigv4.canonical_headers(
                    [("host", "ec2.eu-central-1.amazonaws.com"),
                     ("x-amz-date", "20260101T000000Z")],
                    ["host", "x-amz-date"],
                ),
                ["host", "x-amz-date"],
                sigv4.sha256_hex(b""),
            ),
        )  # fmt: skip
        self.assertEqual(signed.part("SignedHeaders"), "host;x-amz-date")
        self.assertEqual(
            signed.part("Credential"),
            f"{self.iam.root_id}/20260101/eu-central-1/ec2/aws4_request",
        )
        self.assertEqual(signed.part("Signature"), self.expected(signed, "eu-central-1", "ec2"))

    def test_s3(self) -> None:
        """Encoded once, the path as it is, the hash of the body in a header."""
        signed = self.sign("PUT", "https://b.s3.amazonaws.com/a//b/../c%20d?x", "s3", body=b"data")
        lines = signed.canonical_request.splitlines()
        self.assertEqual(lines[:3], ["PUT", "/a//b/../c%20d", "x="])
        self.assertEqual(lines[-1], sigv4.sha256_hex(b"data"))
        self.assertEqual(signed.headers["X-Amz-Content-Sha256"], sigv4.sha256_hex(b"data"))
        self.assertEqual(signed.part("Signature"), self.expected(signed, "eu-central-1", "s3"))

    def test_other_services_accept(self) -> None:
        """Sent as it was signed, to a server that verifies it as the service would."""
        port = urlsplit(self.iam.url).netloc
        for method, target, service, headers, body in (
            ("GET", "/?Action=DescribeRegions&Version=2016-11-15", "ec2", [], b""),
            ("GET", "/a/./b/../c//d?z=%7E&y=%2B", "execute-api", [], b""),
            ("POST", "/", "dynamodb",
             ["Content-Type:application/x-amz-json-1.0", "X-Amz-Target:DynamoDB_20120810.List"],
             b'{"Limit": 3}'),
            ("PUT", "/bucket/key%20name//x", "s3", ["X-Custom:  many   blanks "], b"\0\1\2"),
            ("DELETE", "/%E4%BD%A0?%E5%A5%BD=%26", "lambda", [], b""),
        ):  # fmt: skip
            with self.subTest(service):
                url = f"https://{port}{target}"
                signed = self.sign(method, url, service, *headers, body=body)
                given = dict(header.split(":", 1) for header in headers)
                report = json.loads(self.send(method, url, signed.headers | given, body))
                self.assertEqual(report["service"], service)
                self.assertEqual(report["access_key_id"], self.iam.root_id)

    def test_sts_says_who_signed(self) -> None:
        body = b"Action=GetCallerIdentity&Version=2011-06-15"
        kind = "application/x-www-form-urlencoded; charset=utf-8"
        url = f"{self.iam.url}/"
        signed = self.sign("POST", url, "sts", f"Content-Type:{kind}", region="us-east-1",
                           body=body)  # fmt: skip
        answer = self.send("POST", url, signed.headers | {"Content-Type": kind}, body)
        self.assertIn(b"user/root-admin</Arn>", answer)

    def test_time_of_signing_is_now(self) -> None:
        before = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        signed = self.sign("GET", "https://sts.amazonaws.com/", "sts")
        after = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        self.assertTrue(before <= signed.headers["X-Amz-Date"] <= after)


class StatusTest(LibraryTest):
    """A program can tell what went wrong by the status, and repeat the message to a person."""

    def refuse(self, status: str, message: str, *arguments: str, uri: str | None = None) -> None:
        run = self.run_program(*arguments, uri=uri)
        self.assertEqual((run.code, run.out), (1, ""), run)
        numbers = self.statuses()
        self.assertEqual(numbers[int(run.err.split(" ", 1)[0])], status, run)
        self.assertIn(message, run.err)

    def statuses(self) -> list[str]:
        """The names of the statuses in the order of their values, from the header."""
        header = os.path.join(os.path.dirname(__file__), "../../include/hsmiam/error.h")
        with open(header, encoding="utf-8") as file:
            text = file.read()
        body = text.partition("typedef enum hsmiam_status {")[2].partition("}")[0]
        return re.findall(r"(?m)^ +HSMIAM_(\w+)", body)

    def test_statuses(self) -> None:
        request = ["GET", "https://sts.amazonaws.com/", "sts", "us-east-1", ""]
        wrong = self.write("wrong-pin", "wrong")
        for status, message, words, uri in (
            ("ERR_ARGUMENT", "", ["GE T", *request[1:]], None),
            ("ERR_ARGUMENT", "", ["GET", "ftp://x/", *request[2:]], None),
            ("ERR_ARGUMENT", "", [*request[:3], "US EAST", ""], None),
            ("ERR_ARGUMENT", "", [*request, "Authorization:mine"], None),
            ("ERR_ARGUMENT", "begins with", request, "token=custody"),
            ("ERR_NOT_FOUND", "No token matches", request, "pkcs11:token=nowhere"),
            ("ERR_NOT_FOUND", "holds no access key", request, self.token.uri(";object=nobody")),
            ("ERR_CONFIG", "cannot be loaded", request, "pkcs11:?module-path=/nowhere.so"),
            ("ERR_PIN", "CKR_PIN_INCORRECT", request,
             self.token.uri(query=f"pin-source=file:{wrong}")),
            ("ERR_PIN", "needs a PIN", request, self.token.uri(query="")),
            ("ERR_PIN", "cannot be opened", request, self.token.uri(query="pin-source=file:/no")),
        ):  # fmt: skip
            with self.subTest(status=status, words=words, uri=uri):
                self.refuse(status, message, *words, uri=uri)


if __name__ == "__main__":
    unittest.main()
