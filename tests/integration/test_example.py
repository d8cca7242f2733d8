"""The program that the README shows: its text, and what it does."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import ssl
import subprocess
import unittest
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness import SECONDS, IntegrationTest, Run

PROGRAM = os.environ["HSMIAM_EXAMPLE"]
TOP = Path(__file__).parents[2]
STS = "sts.amazonaws.com"


def openssl(*arguments: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=True)
    return done.stdout


class TextTest(unittest.TestCase):
    def test_the_readme_shows_what_is_built(self) -> None:
        source = (TOP / "tests/examples/sign_and_export.c").read_text()
        shown = re.findall(r"(?s)```c\n(.*?)```\n", (TOP / "README.md").read_text())
        _, include, program = source.partition("#include <hsmiam.h>")
        self.assertEqual(shown, [include + program])


class ExampleTest(IntegrationTest):
    with_root = False

    def setUp(self) -> None:
        super().setUp()
        self.hsmiam(
            "import-access-key", "--token", self.token.uri(), "--access-key-id",
            self.iam.root_id, "--user-name", "root-admin", "--exportable",
            stdin=self.iam.root_secret,
        )  # fmt: skip
        self.private = self.write(
            "recipient.key", openssl("genrsa", "2048").decode(), secret=True
        )
        self.public = self.write(
            "recipient.pem", openssl("pkey", "-in", str(self.private), "-pubout").decode()
        )
        der = openssl("pkey", "-in", str(self.private), "-pubout", "-outform", "DER")
        self.fingerprint = openssl("dgst", "-sha256", "-r", stdin=der).decode()[:64]
        self.ledger = self.directory / "new.jsonl"

    def run_program(self, *arguments: str) -> Run:
        done = subprocess.run(
            [PROGRAM, *arguments], env=self.environment, capture_output=True, timeout=SECONDS,
            check=False,
        )  # fmt: skip
        run = Run(list(arguments), done.returncode, done.stdout.decode(), done.stderr.decode())
        self.assert_secrecy(run)
        return run

    def run_it(self, uri: str | None = None, fingerprint: str | None = None) -> Run:
        return self.run_program(
            uri or self.token.key_uri(self.iam.root_id), str(self.public),
            fingerprint or self.fingerprint, str(self.ledger),
        )  # fmt: skip

    def fetch(self, url: str, headers: dict[str, str]) -> bytes:
        """What the local IAM says to what was signed for one of AWS's hosts."""
        parts = urlsplit(url)
        context = ssl.create_default_context(cafile=str(self.iam.ca_bundle))
        connection = http.client.HTTPSConnection(
            urlsplit(self.iam.url).netloc, context=context, timeout=SECONDS
        )
        self.addCleanup(connection.close)
        target = url.partition(parts.netloc)[2]
        connection.request("GET", target, headers=headers | {"Host": parts.netloc})
        reply = connection.getresponse()
        content = reply.read()
        self.assertEqual(reply.status, 200, content)
        return content

    def exports(self) -> list[dict[str, Any]]:
        lines = self.ledger.read_text().splitlines() if self.ledger.exists() else []
        records = [json.loads(line) for line in lines]
        return [record for record in records if record["event"] == "export"]

    def test_signs_and_exports(self) -> None:
        run = self.run_it()
        self.assertEqual((run.code, run.err), (0, ""), run)
        *lines, url, told, wrapped = run.out.splitlines()

        headers = dict(line.split(": ", 1) for line in lines)
        asked = f"https://{STS}/?Action=GetCallerIdentity&Version=2011-06-15"
        self.assertIn(b"user/root-admin</Arn>", self.fetch(asked, headers))
        report = json.loads(self.fetch(url, {}))
        self.assertEqual((report["service"], report["presigned"]), ("s3", True))
        self.assertEqual(report["access_key_id"], self.iam.root_id)

        self.assertEqual(told, f"{self.iam.root_id}, RSAES_OAEP_SHA_1:")
        opened = openssl(
            "pkeyutl", "-decrypt", "-inkey", str(self.private), "-pkeyopt",
            "rsa_padding_mode:oaep", stdin=base64.b64decode(wrapped),
        )  # fmt: skip
        self.assertTrue(opened == b"AWS4" + self.iam.root_secret.encode())
        self.assertEqual([record["recipient"] for record in self.exports()], [self.fingerprint])

    def test_says_what_is_wrong(self) -> None:
        run = self.run_program("pkcs11:")
        self.assertEqual(run.code, 1)
        self.assertIn("Usage: ", run.err)
        run = self.run_it("pkcs11:token=nowhere")
        self.assertEqual((run.code, run.out), (1, ""))
        self.assertIn("No token matches", run.err)
        run = self.run_it(fingerprint="00" * 32)
        self.assertEqual(run.code, 1)
        self.assertEqual(run.err, "The recipient told the fingerprint of another key.\n")
        self.assertEqual(self.exports(), [])


if __name__ == "__main__":
    unittest.main()
