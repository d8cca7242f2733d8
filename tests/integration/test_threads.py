"""Threads of a program that share one token: every signature is right, and none is missing."""

from __future__ import annotations

import hashlib
import os
import subprocess
import unittest

from harness import SECONDS, IntegrationTest
import sigv4
from softhsm import MODULE

PROGRAM = os.environ["HSMIAM_LIBRARY_THREADS"]
TROUBLE_MODULE = os.environ["HSMIAM_TROUBLE_MODULE"]
THREADS = 8
ROUNDS = 50


class ThreadsTest(IntegrationTest):
    provisioned = False

    def expected(self, amz_date: str, service: str) -> str:
        """The signature, computed by the endpoint's own Signature Version 4."""
        canonical = (
            "GET\n/\n\nhost:example.amazonaws.com\n"
            f"x-amz-date:{amz_date}\n\nhost;x-amz-date\n{hashlib.sha256(b'').hexdigest()}"
        )
        scope = sigv4.credential_scope(amz_date[:8], "us-east-1", service)
        key = sigv4.signing_key(self.iam.root_secret, amz_date[:8], "us-east-1", service)
        return sigv4.signature(key, sigv4.string_to_sign(amz_date, scope, canonical))

    def sign_in_threads(self, uri: str, timeout: int = 0, **environment: str) -> None:
        done = subprocess.run(
            [PROGRAM, uri, str(THREADS), str(ROUNDS), str(timeout)],
            env=self.environment | environment, capture_output=True, text=True,
            timeout=SECONDS, check=False,
        )  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        self.assertEqual(len({line.split()[0] for line in lines}), THREADS * ROUNDS)
        for line in lines:
            amz_date, service, signature = line.split()
            self.assertEqual(signature, self.expected(amz_date, service))

    def test_eight_threads(self) -> None:
        self.sign_in_threads(self.token.key_uri(self.iam.root_id))

    def test_with_a_timeout(self) -> None:
        self.sign_in_threads(self.token.key_uri(self.iam.root_id), timeout=30)

    def test_token_is_lost_and_logged_out_under_them(self) -> None:
        path = self.token.key_uri(self.iam.root_id).partition("?")[0]
        uri = f"{path}?module-path={TROUBLE_MODULE}&pin-source=file:{self.token.pin_file}"
        for orders in (
            "C_Sign:150:0x32",
            "C_SignInit:20:logout",
            "C_Sign:20:0xB3",
            "C_OpenSession:4+:0xB1",
        ):
            with self.subTest(orders):
                self.sign_in_threads(uri, TROUBLE=orders, TROUBLE_MODULE=str(MODULE))


if __name__ == "__main__":
    unittest.main()
