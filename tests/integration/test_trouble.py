"""A token that fails, is lost, is logged out or lies at any point of the main job."""

from __future__ import annotations

import itertools
import unittest

from harness import CONFIGURATION, GENERAL, OK
from trouble import PENDING, TroubleTest

# What says that session, login or token are gone.
LOSSES = {
    "CKR_SESSION_HANDLE_INVALID": 0xB3,
    "CKR_SESSION_CLOSED": 0xB0,
    "CKR_DEVICE_REMOVED": 0x32,
    "CKR_TOKEN_NOT_PRESENT": 0xE0,
    "CKR_DEVICE_ERROR": 0x30,
    "CKR_USER_NOT_LOGGED_IN": 0x101,
}

OPENING = {
    "C_Initialize", "C_GetInfo", "C_GetSlotList", "C_GetSlotInfo", "C_GetTokenInfo",
    "C_GetMechanismList", "C_OpenSession", "C_GetSessionInfo", "C_Login",
}  # fmt: skip
CLOSING = {"C_CloseSession", "C_Finalize"}

# What the main job goes on without: the login is tried, another slot looked at, the value itself put
# into RSA-OAEP; and the transport key goes with its session.
DISPENSABLE = ("C_GetSessionInfo", "C_GetSlotInfo", "C_GetTokenInfo", "C_GetMechanismInfo",
               "C_DestroyObject")  # fmt: skip


class LossTest(TroubleTest):
    def test_one_loss_at_each_point(self) -> None:
        """Once the token is open, one loss is mended; before that, nothing was sent."""
        losses = itertools.cycle(LOSSES.items())
        for name, call in self.points():
            for _ in range(3 if name in ("C_UnwrapKey", "C_Sign") else 1):
                loss, code = next(losses)
                with self.subTest(function=name, call=call, loss=loss):
                    run = self.run_troubled(f"{name}:{call}:{code}", expect=None)
                    if run.code == OK:
                        self.assertNotIn("create-object", run.err)
                        self.assertEqual(len(self.iam.requests("CreateAccessKey")), 1)
                    else:
                        self.assertIn(name, OPENING)
                        self.assert_nothing_made(run)

    def test_lost_for_good_from_each_point_on(self) -> None:
        losses = itertools.cycle(LOSSES.items())
        for name, call in self.points():
            if name in CLOSING:
                continue
            loss, code = next(losses)
            with self.subTest(function=name, call=call, loss=loss):
                run = self.run_troubled(
                    f"{name}:{call}+:{code}", f"C_OpenSession:{1 + (name != 'C_OpenSession')}+:0x32",
                    expect=None,
                )  # fmt: skip
                if run.code == OK and PENDING in run.err:  # the key was held by then
                    continue
                if run.code == OK:
                    self.assertIn(name, DISPENSABLE)
                    continue
                self.assertIn(run.code, (GENERAL, CONFIGURATION), run)
                self.assertRegex(run.sentence, "CKR_|No token matches|cannot be (used|loaded)", run)

    def test_token_is_unplugged_after_the_request(self) -> None:
        """The secret is lost with the token; the key is deleted at IAM, and that is said."""
        unwrap, look = self.last("C_UnwrapKey"), self.last("C_GetTokenInfo")
        run = self.run_troubled(
            f"C_UnwrapKey:{unwrap}:0x32", f"C_GetTokenInfo:{look + 1}+:0xE0", expect=GENERAL
        )
        self.assertIn("is the token plugged in?", run.sentence)
        self.assertIn("was lost (CKR_DEVICE_REMOVED) and could not be opened again", run.sentence)
        self.assertIn("holds an object AKIA", run.sentence)
        self.assertEqual(len(self.iam.deleted_ids()), 1)

    def test_import_that_took_place_is_not_repeated(self) -> None:
        """The token took the key in and was lost before it could say so."""
        for route in ("rsa-oaep", "create-object"):
            function = "C_UnwrapKey" if route == "rsa-oaep" else "C_CreateObject"
            with self.subTest(route):
                options = ("--import-route", route)
                last = self.last(function, *options)
                run = self.run_troubled(f"{function}:{last}:late0x32", options=options)
                made = run.json["AccessKey"]["AccessKeyId"]
                self.assertEqual(self.token.access_key_ids().count(made), 1)
                self.assert_guarded(made)
                self.assertEqual(self.last(function, *options), last)

    def test_somebody_else_logs_out_or_closes_all(self) -> None:
        for what in ("logout", "close"):
            for name, call in self.points():
                if name in OPENING | CLOSING:
                    continue
                with self.subTest(what, function=name, call=call):
                    run = self.run_troubled(f"{name}:{call}:{what}")
                    self.assertNotIn("create-object", run.err)

    def test_too_many_sessions(self) -> None:
        run = self.run_troubled("C_OpenSession:1:0xB1", expect=GENERAL)
        self.assertIn("C_OpenSession failed", run.sentence)
        self.assertIn("CKR_SESSION_COUNT", run.sentence)
        self.assert_nothing_made(run)
        self.run_troubled("C_OpenSession:2+:0xB1")

    def test_already_logged_in(self) -> None:
        self.run_troubled("C_Login:1:late0x100")

    def test_wrong_pin_is_tried_once_after_a_loss(self) -> None:
        log = self.directory / "calls"
        run = self.run_troubled(
            "C_Sign:1:0x101", "C_Login:2+:0xA0", expect=CONFIGURATION,
            env={"TROUBLE_LOG": str(log)},
        )  # fmt: skip
        self.assertIn("is wrong", run.sentence)
        self.assertEqual(log.read_text().split().count("C_Login"), 2)
        self.assert_nothing_made(run)

    def test_provisioning_is_mended(self) -> None:
        """On a token that has all, and while the pairs are made."""
        for function in ("C_GenerateKeyPair", "C_FindObjects", "C_GetAttributeValue", "C_Sign"):
            for what in ("0x32", "late0x32"):
                with self.subTest(function, what=what):
                    uri = self.token.uri().partition("?")[0] + f"?{self.module}"
                    run = self.hsmiam(
                        "provision-token", "--token", uri,
                        env={"TROUBLE": f"{function}:1:{what}"},
                    )  # fmt: skip
                    self.assertEqual(len(run.json["KeyPairs"]), 3)


class LieTest(TroubleTest):
    def test_mechanisms_are_tried_and_not_believed(self) -> None:
        run = self.run_troubled("C_GetMechanismList:1+:none", "C_GetMechanismInfo:1+:none")
        self.assert_held(run.json["AccessKey"]["AccessKeyId"])
        self.run_troubled("C_GetMechanismInfo:1+:all")


if __name__ == "__main__":
    unittest.main()
