"""Programs that nobody here wrote, over our PKCS#11 module, with the harness's token behind it."""

from __future__ import annotations

import hmac
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from harness import SECONDS, IntegrationTest, Run

MODULE = os.environ["HSMIAM_PKCS11_MODULE"]
PROGRAMS = Path(__file__).resolve().parents[1] / "integration"

AWS_ACCESS_KEY = "0xC8534901"

CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_ACTION_PROHIBITED = 0x05, 0x06, 0x1B
CKR_ATTRIBUTE_VALUE_INVALID, CKR_DATA_INVALID, CKR_MECHANISM_PARAM_INVALID = 0x13, 0x20, 0x71
CKR_OK, CKR_FUNCTION_CANCELED, CKR_MECHANISM_INVALID = 0x00, 0x50, 0x70
CKR_SESSION_READ_ONLY, CKR_TEMPLATE_INCONSISTENT, CKR_USER_NOT_LOGGED_IN = 0xB5, 0xD1, 0x101

SCOPE = "20150830/us-east-1/iam/aws4_request"
TEXT = (
    f"AWS4-HMAC-SHA256\n20150830T123600Z\n{SCOPE}\n"
    "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"
)


def sign(secret: str) -> str:
    """The signature of TEXT by a secret access key."""
    key = f"AWS4{secret}".encode()
    for part in (*SCOPE.split("/"), TEXT):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


class ModuleTest(IntegrationTest):
    """A test whose programs load our module, configured for the test's token and IAM."""

    def module_environment(self, **more: str) -> dict[str, str]:
        # Where the credential is in the session's token, the PIN's source is not to be used.
        values = {
            "HSMIAM_CREDENTIAL": self.token.key_uri(self.iam.root_id),
            "HSMIAM_TOKEN": self.token.uri(),
            "HSMIAM_LEDGER": str(self.directory / "state/hsmiam/ledger.jsonl"),
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.iam.url,
            "AWS_CA_BUNDLE": str(self.iam.ca_bundle),
            "MODULE": MODULE,
            "PIN": self.token.pin,
        }
        return self.environment | values | more

    def run_over_module(self, *words: str, stdin: str = "", **more: str) -> Run:
        """Run a program, and search what it left for secrets."""
        done = subprocess.run(
            words, input=stdin, env=self.module_environment(**more), cwd=self.directory,
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        run = Run(list(words), done.returncode, done.stdout, done.stderr)
        self.assert_secrecy(run)
        return run

    def pkcs11_tool(self, *arguments: str, **more: str) -> Run:
        return self.run_over_module(
            "pkcs11-tool", "--module", MODULE, "--token-label", self.token.label,
            "--login", "--pin", self.token.pin, *arguments, **more,
        )  # fmt: skip

    def keygen(self, *arguments: str, **more: str) -> Run:
        return self.pkcs11_tool(
            "--keygen", "--key-type", "GENERIC:44", "--mechanism", AWS_ACCESS_KEY, *arguments, **more
        )

    def pykcs11(self, *commands: list[Any], **more: str) -> list[Any]:
        """What a PyKCS11 program is answered, after its login; the messages are in `said`."""
        lines = [json.dumps(command) + "\n" for command in (["login"], *commands)]
        run = self.run_over_module(
            "/usr/bin/python3", "-B", str(PROGRAMS / "pykcs11_user.py"), MODULE, self.token.label,
            stdin="".join(lines), **more,
        )  # fmt: skip
        self.assertEqual(run.code, 0, run)
        self.said = run.err
        return [json.loads(line) for line in run.out.splitlines()][1:]

    def assert_ledger(self, verdict: str = "intact") -> None:
        self.assertEqual(self.hsmiam("audit", "verify").json["Verdict"], verdict)
