"""The ways into a token and through it: what is forced, forbidden, and not there in SoftHSM."""

from __future__ import annotations

import re
import secrets
import unittest
from typing import Any

from harness import CONFIGURATION, USAGE, IntegrationTest, Run
from spy import Spy


class RoutesTest(IntegrationTest):
    with_root = False

    def setUp(self) -> None:
        super().setUp()
        self.key_id = f"AKIA{secrets.token_hex(8).upper()}"
        self.secret = secrets.token_urlsafe(30)
        self.searcher.add_access_key("secret of the test", self.secret)

    def take(self, *arguments: str, **options: Any) -> Run:
        return self.hsmiam(
            "import-access-key", "--access-key-id", self.key_id, "--token", self.token.uri(),
            *arguments, stdin=self.secret, **options,
        )  # fmt: skip

    def write_profile(self, text: str) -> None:
        path = self.write("aws-config", f"[default]\n{text}\n")
        self.environment["AWS_CONFIG_FILE"] = str(path)


class ForbiddenTest(RoutesTest):
    provisioned = False

    def assert_forbidden(self, run: Run) -> None:
        self.assertIn("Route create-object", run.sentence)
        self.assertIn("is forbidden", run.sentence)
        self.assertIn("`hsmiam provision-token` makes it", run.sentence)
        self.assertEqual(self.token.access_key_ids(), [])

    def test_by_option(self) -> None:
        self.assert_forbidden(self.take("--forbid-plaintext-import", expect=CONFIGURATION))

    def test_by_profile(self) -> None:
        self.write_profile("hsmiam_forbid_plaintext_import = true")
        self.assert_forbidden(self.take(expect=CONFIGURATION))
        run = self.take("--import-route", "create-object", expect=USAGE)
        self.assertIn("create-object is not allowed", run.sentence)
        self.write_profile("hsmiam_forbid_plaintext_import = false")
        self.assertEqual(self.take().json["AccessKey"]["ImportRoute"], "create-object")

    def test_forced_and_forbidden(self) -> None:
        run = self.take(
            "--import-route", "create-object", "--forbid-plaintext-import", expect=USAGE
        )
        self.assertIn("create-object is not allowed", run.sentence)
        self.assertEqual(self.token.access_key_ids(), [])


class SoftHsmTest(RoutesTest):
    """SoftHSM neither derives SigV4's keys nor encrypts by AES key wrap."""

    def test_in_token(self) -> None:
        run = self.take("--sigv4-route", "in-token", expect=CONFIGURATION)
        self.assertIn("CKM_SP800_108_FEEDBACK_KDF", run.sentence)
        self.assertEqual(self.token.access_key_ids(), [])
        key = self.take("--sigv4-route", "auto", "--forbid-plaintext-import").json["AccessKey"]
        self.assertEqual((key["ImportRoute"], key["SigV4Route"]), ("rsa-oaep", "sign"))
        self.assert_held(self.key_id, self.secret)
        self.assert_guarded(self.key_id)

    def test_traps(self) -> None:
        """SoftHSM's OAEP knows SHA-1 only, and it refuses CKA_VALUE_LEN; the rehearsal finds out."""
        spy = Spy(self.directory / "spy.log")
        self.searcher.allow(spy.log)
        self.hsmiam(
            "import-access-key", "--access-key-id", self.key_id, "--token",
            self.token.uri(module="spy"), stdin=self.secret, env=spy.environment,
        )  # fmt: skip
        calls = spy.calls("C_UnwrapKey")
        self.assertEqual(
            [re.search(r"Returned:\s+\d+ (\w+)", call)[1] for call in calls],
            # With SHA-256; then the transport key, the rehearsal's value, and the secret.
            ["CKR_ARGUMENTS_BAD", "CKR_OK", "CKR_OK", "CKR_OK"],
        )
        self.assertFalse(any("CKA_VALUE_LEN" in call for call in calls))
        self.assertEqual(spy.calls("C_CreateObject"), [])
        self.assertEqual(spy.calls("C_DeriveKey"), [])
        self.assertNotIn(self.secret.encode(), spy.data())

    def test_provisioning_makes_sure(self) -> None:
        before = len(self.token.objects())
        for words, message in (
            (["--import-route", "aes-kwp"], "wrapped by an AES key"),
            (["--sigv4-route", "in-token"], "CKM_SP800_108_FEEDBACK_KDF"),
        ):
            with self.subTest(" ".join(words)):
                run = self.hsmiam(
                    "provision-token", "--token", self.token.uri(), *words, expect=CONFIGURATION
                )
                self.assertIn(message, run.sentence)
                self.assertEqual(len(self.token.objects()), before)
        run = self.hsmiam(
            "provision-token", "--token", self.token.uri(), "--import-route", "rsa-oaep"
        )
        self.assertEqual(run.json["ImportRoute"], "rsa-oaep")
        self.assertEqual(run.json["SigV4Route"], "sign")


if __name__ == "__main__":
    unittest.main()
