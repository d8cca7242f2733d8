"""A token that fails, is lost, is logged out or hangs at any point of the main job.

The tool works on SoftHSM through a module that makes trouble on order. Whatever happens: one clear
sentence, the right exit code, and no key of IAM's that nobody knows of.
"""

from __future__ import annotations

import collections
import itertools
import os
import time
import unittest
from pathlib import Path

from harness import CONFIGURATION, GENERAL, OK, Run
from misfortune import DELETED, USER, MisfortuneTest
from softhsm import MODULE

TROUBLE_MODULE = os.environ["HSMIAM_TROUBLE_MODULE"]

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

Point = tuple[str, int]


class TroubleTest(MisfortuneTest):
    def setUp(self) -> None:
        super().setUp()
        self.environment["TROUBLE_MODULE"] = str(MODULE)
        self.module = f"module-path={TROUBLE_MODULE}&pin-source=file:{self.token.pin_file}"
        self.uri = self.token.key_uri(self.iam.root_id).partition("?")[0] + f"?{self.module}"
        self.first_objects = self.objects()
        self.first_secrets = self.searcher.names

    def objects(self) -> set[Path]:
        """The files of the token's objects."""
        return set(self.token.objects_directory.rglob("*.*"))

    def start_over(self) -> None:
        """A fresh account, and the token as it was: what earlier runs put there makes each later one
        slower, and was looked through after its own."""
        self.iam.endpoint.reset()
        for path in self.objects() - self.first_objects:
            path.unlink()
        self.searcher.forget_all_but(self.first_secrets)

    def run_troubled(self, *orders: str, expect: int | None = OK, options: tuple[str, ...] = (),
                     env: dict[str, str] | None = None) -> Run:  # fmt: skip
        """The main job on a fresh account, with trouble on order."""
        self.start_over()
        run = self.issue(
            "--user-name", USER, "--credential", self.uri, *options,
            expect=expect, env={"TROUBLE": ",".join(orders)} | (env or {}),
        )  # fmt: skip
        self.assert_settled(run)
        if run.code != OK:
            self.assertNotEqual(run.sentence, "", run)
            self.assertEqual(run.err.strip().count("\n\n"), 0, run)
        return run

    def assert_settled(self, run: Run) -> None:
        """No key at IAM that the token does not hold and nobody is told of, and the reverse."""
        self.assertLessEqual(len(self.iam.requests("CreateAccessKey")), 1, run)
        held = self.token.access_key_ids()
        for access_key_id in self.iam.key_ids(USER):
            if run.code == OK:
                self.assert_held(access_key_id)
            else:
                self.assertIn(access_key_id, run.sentence)
        for access_key_id in self.iam.deleted_ids():
            self.assertIn(f"{access_key_id} {DELETED}", run.sentence)
            if access_key_id in held:
                self.assertRegex(
                    run.sentence,
                    f"The object {access_key_id} could not be destroyed|"
                    f"holds an object {access_key_id} now is not known",
                )
        if run.code != OK:
            self.assertEqual(run.out, "")

    def points(self, *options: str) -> list[Point]:
        """Every call that the main job makes: the function, and which of its calls it is."""
        log = self.directory / "calls"
        self.run_troubled(env={"TROUBLE_LOG": str(log)}, options=options)
        names = log.read_text().split()
        log.unlink()
        seen: collections.Counter[str] = collections.Counter()
        found = []
        for name in names:
            seen[name] += 1
            found.append((name, seen[name]))
        return found

    def last(self, name: str, *options: str) -> int:
        """Which call of a function is the last one: that after the request, if there is one."""
        return max(call for function, call in self.points(*options) if function == name)

    def assert_nothing_made(self, run: Run) -> None:
        self.assertEqual(self.iam.requests("CreateAccessKey"), [], run)


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
                if run.code == OK:
                    self.assertIn(name, DISPENSABLE)
                    continue
                self.assertIn(run.code, (GENERAL, CONFIGURATION), run)
                self.assertRegex(run.sentence, "CKR_|No token matches|cannot be used", run)

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


class HangTest(TroubleTest):
    """With --token-timeout, a module that hangs is given up."""

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
                self.assertIn(
                    "The PKCS#11 module did not answer within 1 s in C_Initialize to "
                    "C_GetTokenInfo", run.sentence,
                )  # fmt: skip
                self.assert_nothing_made(run)
        for name in (
            "C_OpenSession", "C_Login", "C_FindObjectsInit", "C_SignInit", "C_Sign", "C_UnwrapKey",
        ):  # fmt: skip
            with self.subTest(name):
                run = self.hang(name, 1)
                self.assertIn(
                    f'Token "custody" did not answer within 1 s in {name}', run.sentence
                )
                self.assertNotIn("create-object", run.err)
                self.assert_nothing_made(run)

    def test_after_the_request(self) -> None:
        """Signing for IAM needs the token no more: the key is deleted."""
        for name in ("C_UnwrapKey", "C_Sign", "C_GetAttributeValue"):
            with self.subTest(name):
                run = self.hang(name, self.last(name))
                self.assertIn(f"did not answer within 1 s in {name}", run.sentence)
                self.assertEqual(len(self.iam.deleted_ids()), 1)

    def test_closing(self) -> None:
        """Everything is done; the exit is not held up."""
        for name in ("C_CloseSession", "C_Finalize"):
            with self.subTest(name):
                run = self.hang(name, 1, expect=OK)
                self.assert_held(run.json["AccessKey"]["AccessKeyId"])

    def test_profile(self) -> None:
        config = self.write("aws-config", "[default]\nhsmiam_token_timeout = 1\n")
        run = self.run_troubled(
            "C_Login:1:hang", expect=GENERAL, env={"AWS_CONFIG_FILE": str(config)}
        )
        self.assertIn("did not answer within 1 s in C_Login", run.sentence)
        config.write_text("[default]\nhsmiam_token_timeout = soon\n")
        run = self.run_troubled(expect=CONFIGURATION, env={"AWS_CONFIG_FILE": str(config)})
        self.assertIn('hsmiam_token_timeout in the profile is "soon"', run.sentence)

    def test_nothing_is_different_with_a_timeout(self) -> None:
        run = self.run_troubled(options=("--token-timeout", "60"))
        self.assert_held(run.json["AccessKey"]["AccessKeyId"])
        self.assertEqual(self.points("--token-timeout", "60"), self.points())


class LieTest(TroubleTest):
    def test_mechanisms_are_tried_and_not_believed(self) -> None:
        run = self.run_troubled("C_GetMechanismList:1+:none", "C_GetMechanismInfo:1+:none")
        self.assert_held(run.json["AccessKey"]["AccessKeyId"])
        self.run_troubled("C_GetMechanismInfo:1+:all")


if __name__ == "__main__":
    unittest.main()
