"""Keys issued and used by programs that know PKCS#11 only, through our module."""

import os
import re
import subprocess
import sys
import time
import unittest
from typing import Any

from harness import SECONDS, Run

from module_user import (
    CKR_ACTION_PROHIBITED,
    CKR_ATTRIBUTE_VALUE_INVALID,
    CKR_DATA_INVALID,
    CKR_FUNCTION_CANCELED,
    CKR_FUNCTION_FAILED,
    CKR_GENERAL_ERROR,
    CKR_MECHANISM_INVALID,
    CKR_MECHANISM_PARAM_INVALID,
    CKR_OK,
    CKR_SESSION_READ_ONLY,
    CKR_TEMPLATE_INCONSISTENT,
    CKR_USER_NOT_LOGGED_IN,
    MODULE,
    PROGRAMS,
    SCOPE,
    TEXT,
    ModuleTest,
    sign,
)
from tokens import KIND, where

OVER = 600  # seconds after which IAM executes no request any more
JAVA = ("java", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
        "--add-modules", "jdk.crypto.cryptoki",
        "--add-exports", "jdk.crypto.cryptoki/sun.security.pkcs11.wrapper=ALL-UNNAMED")  # fmt: skip


class IssueTest(ModuleTest):
    def test_pkcs11_tool(self) -> None:
        """The label names the user, and the key is as ours are, whatever the tool asks for."""
        run = self.keygen("--label", "alice")
        self.assertEqual(run.code, 0, run)
        (made,) = self.iam.key_ids("alice")
        self.assertIn(f"ID:         {made.encode().hex()}", run.out)
        self.assert_held(made)
        self.assert_guarded(made)
        self.assert_sent_once()
        self.assert_ledger()
        shown = self.hsmiam("audit", "show", "--access-key-id", made).json["Records"]
        self.assertEqual(shown[-1]["Result"], "held", shown)

    def test_pykcs11(self) -> None:
        issued, by_label, own, keys, *signatures = self.pykcs11(
            ["issue", "alice", {}],
            ["issue", None, {"CKA_LABEL": "bob", "CKA_TOKEN": True, "CKA_SENSITIVE": False}],
            ["issue", None, {}],
            ["keys"],
            ["sign", self.iam.root_id, SCOPE, TEXT],
            ["sign", self.iam.root_id, None, TEXT],
            ["sign_in_parts", self.iam.root_id, None, TEXT[:20], TEXT[20:]],
        )
        self.assertEqual(issued, [*self.iam.key_ids("alice"), "alice"])
        self.assertEqual(by_label, [*self.iam.key_ids("bob"), "bob"])
        self.assertIn(own[0], self.iam.secrets())
        self.assertEqual(keys, sorted([issued[0], by_label[0], own[0], self.iam.root_id]))
        self.assertEqual(signatures, [sign(self.iam.root_secret)] * 3)
        for made in (issued[0], by_label[0], own[0]):
            self.assert_held(made)
            self.assert_guarded(made)
        signatures = self.pykcs11(*(["sign", key, SCOPE, TEXT] for key in keys))
        self.assertEqual(signatures, [sign(self.iam.secrets()[key]) for key in keys])
        self.assert_ledger()

    def test_refused_before_iam_is_asked(self) -> None:
        answers = self.pykcs11(
            ["issue", "alice", {"CKA_ID": [0x41]}],
            ["issue", "alice", {"CKA_TOKEN": False}],
            ["issue", "alice", {"CKA_KEY_TYPE": 0x1F}],
            ["issue", "alice", {"CKA_LABEL": "bob"}],
            ["issue", None, {"CKA_LABEL": "no name"}],
            ["issue", "no name", {}],
            ["sign", self.iam.root_id, "20150830", TEXT],
            ["sign", self.iam.root_id, None, "text"],
            ["logout"],
            ["issue", "alice", {}],
            ["close"],
            ["open", False],
            ["login"],
            ["issue", "alice", {}],
        )
        self.assertEqual([code for code in answers if code is not None], [
            *[CKR_TEMPLATE_INCONSISTENT] * 4, CKR_ATTRIBUTE_VALUE_INVALID,
            CKR_MECHANISM_PARAM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_DATA_INVALID,
            CKR_USER_NOT_LOGGED_IN, CKR_SESSION_READ_ONLY,
        ])  # fmt: skip
        self.assertIn("by CKA_ID cannot be had: the id of an access key is chosen by IAM", self.said)
        self.assertIn("must be logged in", self.said)
        self.assertIn("this one is read-only", self.said)
        self.assertEqual(self.iam.requests(), [])
        self.assertEqual(self.token.access_key_ids(), [self.iam.root_id])

    @where(KIND.kind == "softhsm")
    def test_refused_by_iam(self) -> None:
        run = self.keygen("--label", "nobody")
        self.assertEqual(run.code, 1, run)
        self.assertIn("CKR_MECHANISM_PARAM_INVALID", run.err)
        self.assertIn("An error occurred (NoSuchEntity) when calling the CreateAccessKey operation: "
                      "The user with name nobody cannot be found.", run.err)  # fmt: skip
        answers = self.pykcs11(*[["issue", "alice", {}]] * 3)
        self.assertEqual(answers[2], CKR_FUNCTION_FAILED)
        self.assertIn("(LimitExceeded)", self.said)
        self.iam.deny("root-admin:CreateAccessKey")
        self.assertEqual(self.pykcs11(["issue", "bob", {}]), [CKR_ACTION_PROHIBITED])
        self.assertIn("(AccessDenied)", self.said)
        self.assertEqual(self.iam.key_ids("bob"), [])
        self.assert_ledger()

    @where(KIND.kind == "softhsm")
    def test_settings_that_are_wrong(self) -> None:
        """They are no arguments of the caller's, and no key was made."""
        for wrong, sentence in (
            ({"AWS_ENDPOINT_URL": "localhost:5000"}, "scheme is missing"),
            ({"HSMIAM_CREDENTIAL": "AKIAALICE"}, 'begins with "pkcs11:"'),
            ({"HSMIAM_LEDGER": "/proc/no/ledger"}, "of the ledger cannot be made"),
        ):
            self.assertEqual(self.pykcs11(["issue", "alice", {}], **wrong), [CKR_FUNCTION_FAILED])
            self.assertIn(sentence, self.said)
        self.assertEqual(self.iam.key_ids("alice"), [])

    @where(KIND.kind == "softhsm")
    def test_answer_that_is_lost(self) -> None:
        """What became of the request is not known: no further key, and `recover` settles it."""
        self.iam.misbehave("cut")
        issued, again = self.pykcs11(["issue", "alice", {}], ["issue", "alice", {}])
        self.assertEqual((issued, again), (CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED))
        self.assertIn("hsmiam recover", self.said)
        self.assert_sent_once()
        (orphan,) = self.iam.key_ids("alice")
        self.iam.set_clock(OVER)
        (settled,) = self.hsmiam("recover", *self.iam_arguments()).json["InterruptedRuns"]
        self.assertEqual((settled["Result"], settled["AccessKeyId"]), ("deleted", orphan))
        self.iam.set_clock(0)
        ((made, _),) = self.pykcs11(["issue", "alice", {}])
        self.assertEqual(self.iam.key_ids("alice"), [made])
        self.assert_held(made)
        self.assert_ledger()

    @where(KIND.kind == "softhsm")
    def test_credential_in_another_token(self) -> None:
        """It is logged in to by the settings; where the keys go, the application must be."""
        custody = self.token
        self.token = self.new_token("other")
        ((made, _), keys, nothing, refused) = self.pykcs11(
            ["issue", "alice", {}],
            ["keys"],
            ["logout"],
            ["issue", "bob", {}],
            HSMIAM_CREDENTIAL=custody.key_uri(self.iam.root_id),
        )
        self.assertEqual((keys, nothing, refused), ([made], None, CKR_USER_NOT_LOGGED_IN))
        self.assert_held(made)
        self.assertEqual(custody.access_key_ids(), [self.iam.root_id])
        self.assert_ledger()

    @where(KIND.kind == "softhsm")
    def test_tokens_that_the_profile_names(self) -> None:
        """A key goes to all of them, whichever of them the session is on, and to no other."""
        custody, named = self.token, self.token.uri()
        self.token = self.new_token("replica")
        both = {"HSMIAM_TOKEN": f"{self.token.uri()} {named}",
                "HSMIAM_CREDENTIAL": custody.key_uri(self.iam.root_id)}  # fmt: skip
        ((made, _),) = self.pykcs11(["issue", "alice", {}], **both)
        self.assertEqual(self.token.access_key_ids(), [made])
        self.assertEqual(custody.access_key_ids(), sorted([made, self.iam.root_id]))
        self.assert_ledger()
        offered, refused = self.pykcs11(
            ["mechanisms"], ["issue", "alice", {}], **(both | {"HSMIAM_TOKEN": named})
        )
        self.assertEqual([name[-8:] for name in offered], ["48534902"])
        self.assertEqual(refused, CKR_MECHANISM_INVALID)
        self.assertIn(f'than the one of this session, "{self.token.label}"', self.said)
        self.assertEqual(self.iam.key_ids("alice"), [made])

    @where(KIND.kind == "softhsm")
    def test_without_a_credential(self) -> None:
        """Nothing is issued, which is not offered either; keys sign all the same."""
        mechanisms, signature = self.pykcs11(
            ["mechanisms"], ["sign", self.iam.root_id, SCOPE, TEXT], HSMIAM_CREDENTIAL=""
        )
        self.assertEqual([name[-8:] for name in mechanisms], ["48534902"])
        self.assertEqual(signature, sign(self.iam.root_secret))
        (mechanisms,) = self.pykcs11(["mechanisms"])
        self.assertEqual([name[-8:] for name in mechanisms], ["48534901", "48534902"])


@where(KIND.kind == "softhsm")
class EndTest(ModuleTest):
    """What an application ends while a key of it is issued."""

    def end(self, function: str, operation: str, user: str = "alice", **stall: Any
            ) -> list[int]:
        """End it while IAM's answer to an operation stalls; what C_GenerateKey and it returned."""
        self.iam.endpoint.log.clear()
        self.iam.misbehave("stall", operation, seconds=60, **stall)
        words = [sys.executable, "-B", str(PROGRAMS / "pkcs11_threads.py"), MODULE, self.token.label]
        with subprocess.Popen(
            [*words, user, function], env=self.module_environment(PYTHONPATH=os.environ["PYTHONPATH"]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            self.assertTrue(self.iam.wait(operation))
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
            if operation == "CreateAccessKey":
                time.sleep(0.2)  # the function is called, or waits
                self.iam.endpoint.gate.release()
            out, self.said = process.communicate(timeout=SECONDS)
        self.iam.endpoint.gate.release()
        self.assert_secrecy(Run(words, process.returncode, out, self.said))
        self.assertEqual(process.returncode, 0, self.said)
        generated, ended = out.split()
        return [int(generated), int(ended)]

    def test_finalized_before_the_request(self) -> None:
        self.assertEqual(self.end("C_Finalize", "ListAccessKeys"), [CKR_FUNCTION_CANCELED, 0])
        self.assertEqual(self.iam.key_ids("alice"), [])
        self.keygen("--label", "alice")
        self.assert_held(*self.iam.key_ids("alice"))
        self.assert_ledger()

    def test_finalized_after_the_request(self) -> None:
        """The key is taken in before the token is let go; a program that does not get its handle
        is not told that it may try again."""
        for function, user, generated in (
            ("C_Finalize", "alice", CKR_OK), ("C_CloseAllSessions", "bob", CKR_GENERAL_ERROR)
        ):  # fmt: skip
            with self.subTest(function):
                answers = self.end(function, "CreateAccessKey", user, at="before-headers")
                self.assertEqual(answers, [generated, 0])
                (made,) = self.iam.key_ids(user)
                self.assertEqual(f"access key {made} was made and is in the token" in self.said,
                                 generated != CKR_OK)  # fmt: skip
                self.assert_held(made)
        self.assert_ledger()

    def test_logged_out_after_the_request(self) -> None:
        """Nobody logs in behind the application's back, not even to save the key."""
        answers = self.end("C_Logout", "CreateAccessKey", at="before-headers")
        self.assertEqual(answers, [CKR_GENERAL_ERROR, 0], self.said)
        (deleted,) = self.iam.deleted_ids()
        self.assertIn(f"Access key {deleted} was deleted at IAM again", self.said)
        self.assertEqual(self.iam.key_ids("alice"), [])
        self.iam.set_clock(OVER)
        (settled,) = self.hsmiam("recover", *self.iam_arguments()).json["InterruptedRuns"]
        self.assertEqual(settled["State"], "settled")
        self.iam.set_clock(0)
        self.assert_ledger()
        self.assertEqual(self.keygen("--label", "alice").code, 0)

@where(KIND.kind == "softhsm")
class UseTest(ModuleTest):
    def test_p11tool(self) -> None:
        run = self.run_over_module(
            "p11tool", "--provider", MODULE, "--login", "--batch", "--list-all",
            GNUTLS_PIN=self.token.pin,
        )  # fmt: skip
        self.assertEqual(run.code, 0, run)
        key = run.out[run.out.index("Type: Secret key") :]
        self.assertIn("Label: root-admin", key)
        self.assertIn(f"ID: {self.iam.root_id.encode().hex(':')}", key)

    def test_java(self) -> None:
        """A KeyStore lists the keys; its HMAC begins the chain, our mechanism is all of it."""
        configuration = self.write("java.cfg", f"name = hsmiam\nlibrary = {MODULE}\nslotListIndex = 0\n")
        text = self.write("text", TEXT)
        run = self.run_over_module(
            *JAVA, str(PROGRAMS / "Pkcs11User.java"), str(configuration), "root-admin", SCOPE, str(text)
        )
        self.assertEqual(run.code, 0, run)
        self.assertEqual(re.findall("^alias (.+)", run.out, re.M), ["root-admin"])
        made = sign(self.iam.root_secret)
        self.assertEqual(dict(re.findall("^(hmac|mechanism) (.+)", run.out, re.M)),
                         {"hmac": made, "mechanism": made})  # fmt: skip


if __name__ == "__main__":
    unittest.main()
