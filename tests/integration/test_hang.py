"""A token's module that hangs at any point of the main job."""

from __future__ import annotations

import time
import unittest

from harness import CONFIGURATION, GENERAL, OK, Run
from trouble import TroubleTest


class HangTest(TroubleTest):
    """A module that hangs is given up when --token-timeout is over, of which all calls take."""

    def hang(self, name: str, call: int, expect: int | None = GENERAL) -> Run:
        began = time.monotonic()
        run = self.run_troubled(
            f"{name}:{call}:hang", options=("--token-timeout", "1"), expect=expect
        )
        self.assertLess(time.monotonic() - began, 20)
        return run

    def test_before_the_request(self) -> None:
        for name in ("C_Initialize", "C_GetSlotList", "C_GetTokenInfo"):
            with self.subTest(name):
                run = self.hang(name, 1)
                self.assertRegex(
                    run.sentence,
                    f"The PKCS#11 module /.* does not answer: {name} has not come back "
                    r"for (0\.\d|1\.0) s, and all calls together may take 1 s ",
                )
                self.assert_nothing_made(run)
        for name in (
            "C_OpenSession", "C_Login", "C_FindObjectsInit", "C_SignInit", "C_Sign", "C_UnwrapKey",
        ):  # fmt: skip
            with self.subTest(name):
                run = self.hang(name, 1)
                self.assertIn(
                    f'Token "custody" does not answer: {name} has not come back for ', run.sentence
                )
                self.assertNotIn("create-object", run.err)
                self.assert_nothing_made(run)

    def test_after_the_request(self) -> None:
        """Signing for IAM needs the token no more: the key is deleted."""
        for name in ("C_UnwrapKey", "C_Sign", "C_GetAttributeValue"):
            with self.subTest(name):
                run = self.hang(name, self.last(name))
                self.assertIn(f"{name} has not come back for ", run.sentence)
                self.assertIn("See to the token and its connection", run.sentence)
                self.assertEqual(len(self.iam.deleted_ids()), 1)

    def test_closing(self) -> None:
        """Everything is done; the exit is not held up."""
        for name in ("C_CloseSession", "C_Finalize"):
            with self.subTest(name):
                run = self.hang(name, 1, expect=OK)
                self.assert_held(run.json["AccessKey"]["AccessKeyId"])

    def test_slow_in_every_call(self) -> None:
        """Each call takes two seconds, which is too long for all of them."""
        began = time.monotonic()
        run = self.run_troubled(
            "C_FindObjectsInit:1+:sleep", options=("--token-timeout", "5"), expect=GENERAL
        )
        self.assertLess(time.monotonic() - began, 20)
        self.assertIn("C_FindObjectsInit has not come back for ", run.sentence)
        self.assertIn("all calls together may take 5 s", run.sentence)
        self.assert_nothing_made(run)

    def test_profile(self) -> None:
        config = self.write("aws-config", "[default]\nhsmiam_token_timeout = 1\n")
        run = self.run_troubled(
            "C_Login:1:hang", expect=GENERAL, env={"AWS_CONFIG_FILE": str(config)}
        )
        self.assertIn("C_Login has not come back for ", run.sentence)
        config.write_text("[default]\nhsmiam_token_timeout = soon\n")
        run = self.run_troubled(expect=CONFIGURATION, env={"AWS_CONFIG_FILE": str(config)})
        self.assertIn('hsmiam_token_timeout in the profile is "soon"', run.sentence)

    def test_nothing_is_different_without_a_timeout(self) -> None:
        run = self.run_troubled(options=("--token-timeout", "0"))
        self.assert_held(run.json["AccessKey"]["AccessKeyId"])
        self.assertEqual(self.points("--token-timeout", "0"), self.points())


if __name__ == "__main__":
    unittest.main()
