"""The operations of module/iam, called by a program that is all that stands before them."""

from __future__ import annotations

import os
import subprocess

from harness import SECONDS, IntegrationTest, Run

PROGRAM = os.environ["HSMIAM_OPERATIONS_USER"]


class OperationsTest(IntegrationTest):
    """A test that calls operations directly."""

    def call(self, url: str, ca_bundle: str, key_uri: str, *words: str, refusal: str = ""
             ) -> list[str]:  # fmt: skip
        """What the answer says; or the call is refused with that code."""
        done = subprocess.run(
            [PROGRAM, key_uri, url, ca_bundle, *words], env=self.environment, capture_output=True,
            timeout=SECONDS, check=False,
        )  # fmt: skip
        run = Run(list(words), done.returncode, done.stdout.decode(), done.stderr.decode())
        self.assert_secrecy(run)
        self.assertEqual(run.code, 1 if refusal else 0, run)
        if refusal:
            self.assertEqual(run.err.splitlines()[-1].split()[1], refusal, run)
        self.said = run.err
        return run.out.splitlines()
