"""Signatures of random requests, by the library and by botocore, the signer of the AWS CLI.

What is left out, since botocore does not do there what hsmiam.h says, and does not need to:
- paths for S3 that are not encoded as its SDKs encode them: botocore signs those as they stand,
  the library encodes each byte once, as S3 itself does;
- an S3 URL without any path, which botocore never sends;
- `&&` in a query, and names or values there that are not encoded, but where botocore is given them
  apart from the URL: it encodes none that stand in a URL;
- bytes that no URL may hold: botocore's callers encode them before;
- of presigned URLs a body, which botocore moves to the query, and a parameter that is there twice;
- the headers Date and X-Amz-Date, and for S3 X-Amz-Content-Sha256, which botocore makes itself;
- methods in lower case: botocore signs them in upper case.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import time
import unittest

from botocore.credentials import Credentials

from harness import SECONDS, IntegrationTest
from random_requests import Maker, Request, sign_by_botocore
from tokens import KIND
from unprivileged import reachable_program

PROGRAM = reachable_program(os.environ["HSMIAM_SIGN_REQUESTS"])
COUNT = 2500
SEED = 20150830

KEY_ID = "AKIARANDOMREQUESTS00"
ROUTE = "sign" if KIND.kind == "softhsm" else "in-token"


class BotocoreTest(IntegrationTest):
    with_root = False

    def setUp(self) -> None:
        super().setUp()
        self.secret = secrets.token_urlsafe(30)
        self.searcher.add_access_key("secret", self.secret)
        run = self.hsmiam(
            "import-access-key", "--access-key-id", KEY_ID, "--token", self.token.uri(),
            "--sigv4-route", ROUTE, stdin=self.secret,
        )  # fmt: skip
        self.assertIn(f'"SigV4Route": "{ROUTE}"', run.out)

    def sign(self, requests: list[Request]) -> list[tuple[str, str]]:
        """By the library: of each its Authorization header, or its presigned URL, and its canonical
        request."""
        given = "".join(f"{request.line()}\n" for request in requests)
        done = subprocess.run(
            [PROGRAM, self.token.key_uri(KEY_ID)], input=given, env=self.environment,
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        route, *lines = done.stdout.splitlines()
        self.assertEqual((route, len(lines)), (ROUTE, len(requests)))
        pairs = (line.split("\t") for line in lines)
        return [(header, bytes.fromhex(canonical).decode()) for header, canonical in pairs]

    def test_random_requests(self) -> None:
        maker = Maker(SEED)
        requests = [maker.request() for _ in range(COUNT)]
        credentials = Credentials(KEY_ID, self.secret)
        began = time.monotonic()
        for request, ours in zip(requests, self.sign(requests), strict=True):
            header, canonical = sign_by_botocore(request, credentials)
            self.assertEqual(ours[1].split("\n"), canonical.split("\n"), request)
            got = ours[0].rpartition("&X-Amz-Signature=")[2] if request.expires else ours[0]
            self.assertEqual(got, header, request)
        print(f"{COUNT} requests by route {ROUTE} in {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    unittest.main()
