"""Dual control: keys in other tokens approve, here or ahead of time, and the ledger shows it."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import unittest
from pathlib import Path
from typing import Any

import softhsm
from harness import (
    CONFIGURATION,
    GENERAL,
    HSMIAM,
    INTERRUPTED,
    OK,
    USAGE,
    IntegrationTest,
    Run,
)

USER = "alice"

# A key that nobody has.
RECIPIENT = """\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAyaWYs4i5xXmB/4w4d5Up
SKBbP5Fvss+IjdT4Hmm5URbL4zzxnuquEvv2yh9Nffntlcefl4BeCwgm/iUFp38y
ocHS5e5Hahyscl/pXzJioIkZ1nEyBmWGj7saWDcjmMsKBHmmwdQS9upqebgQ09FZ
dZ6ikR2ySdQB6n5IvRz5oGkkqPDLYyWjl6Od36IyzS2QtBMcMA65afViSRC+hL5z
YYQ5IxJvQsqerKoGueJ2ywyAxth7C0E5Te64BBqdYZ6XTeAhL9iNUm9uUCqxwj2i
CAHdXYXH3lg4CuGBlFaW1JyiWeUT/CM0rK0vt30Gui1wM443Z+vyvLyDjzZ/rYwM
xQIDAQAB
-----END PUBLIC KEY-----
"""


class DualTest(IntegrationTest):
    """Bob's token is beside the custodian's."""

    required = "create-access-key"

    def setUp(self) -> None:
        super().setUp()
        self.bob = self.new_token("bob")
        self.bob_pem = self.make_approver(self.bob)
        if self.required:
            self.set_policy(self.bob_pem, "--require", self.required)

    @property
    def ledger(self) -> Path:
        return self.directory / "state/hsmiam/ledger.jsonl"

    def records(self, event: str | None = None) -> list[dict[str, Any]]:
        records = [json.loads(line) for line in self.ledger.read_bytes().splitlines()]
        return [one for one in records if event in (None, one["event"])]

    def make_approver(self, token: softhsm.Token) -> Path:
        run = self.hsmiam("provision-token", "--approver-key", "--token", token.uri())
        (pair,) = run.json["KeyPairs"]
        self.assertEqual((pair["Purpose"], pair["Algorithm"]), ("approver", "EC-P256"))
        return self.write(f"{token.label}.pem", run.json["PublicKey"])

    def set_policy(self, approvers: Path, *arguments: str, expect: int = OK) -> Run:
        return self.hsmiam("audit", "policy", "--approvers", str(approvers), *arguments,
                           "--token", self.token.uri(), expect=expect)  # fmt: skip

    def approve(self, number: int, token: softhsm.Token, *arguments: str, expect: int = OK) -> Run:
        return self.hsmiam("approve", str(number), "--yes", "--approver", token.uri(), *arguments,
                           expect=expect)  # fmt: skip

    def ask(self, *arguments: str) -> int:
        """Ask for a key for which an approval is missing; the request's number."""
        run = self.issue(*(arguments or ("--user-name", USER)), expect=CONFIGURATION)
        number = int(self.records("request")[-1]["sequence"])
        self.assertIn(f"`hsmiam approve {number} --approver URI", run.sentence)
        self.assertEqual(self.iam.requests("CreateAccessKey"), self.sent)
        return number

    sent: list[Any] = []

    def assert_intact(self) -> None:
        self.assertEqual(self.hsmiam("audit", "verify").json["Verdict"], "intact")


class AheadOfTimeTest(DualTest):
    def test_create(self) -> None:
        number = self.ask()
        self.assertEqual(self.ask(), number)  # which waits
        run = self.approve(number, self.bob)
        self.assertEqual(run.json, {"Request": number, "Approvals": 1, "Needed": 1})
        self.assertIn("create-access-key for alice, account ", run.err)
        self.assertIn("token=bob", run.err)
        self.assertNotIn("sig", self.records()[-1])
        self.hsmiam("audit", "verify", expect=GENERAL)
        self.hsmiam("audit", "verify", "--allow-unsigned")
        self.issue_for(USER)
        self.assertEqual(self.records("intent")[-1]["request"], number)
        self.assertEqual(self.records("countersign")[-1]["first_pending"],
                         self.records("approval")[-1]["sequence"])  # fmt: skip
        self.assert_intact()
        self.sent = self.iam.requests("CreateAccessKey")
        self.assertGreater(self.ask(), number)  # it served once
        self.approve(number, self.bob, expect=CONFIGURATION)

    def test_what_openssl_says(self) -> None:
        number = self.ask()
        self.approve(number, self.bob)
        line = self.ledger.read_bytes().splitlines()[number - 1]
        request, approval = json.loads(line), self.records()[-1]
        statement = self.write(
            "statement",
            f"hsmiam approval\nrequest {hashlib.sha256(line).hexdigest()}\n"
            f"account {request['account']}\nexpires {request['expires']}\n"
            f"token {approval['token_serial']}\n",
        )
        signature = self.directory / "signature"
        signature.write_bytes(base64.b64decode(approval["approval"]))
        subprocess.run(
            ["openssl", "dgst", "-sha256", "-verify", str(self.bob_pem),
             "-signature", str(signature), str(statement)],
            check=True, capture_output=True,
        )  # fmt: skip

    def test_refusals(self) -> None:
        """By whom and for what an approval is none."""
        number = self.ask()
        for answer, code in (("n", INTERRUPTED), ("y", OK)):
            terminal = self.on_terminal("approve", str(number), "--approver", self.bob.uri())
            self.assertIn(f"Request {number}, written by", terminal.read_until("Approve it?"))
            terminal.type(f"{answer}\n")
            self.assertEqual(terminal.finish(), code, terminal.shown)
            self.assertEqual(len(self.records("approval")), int(code == OK))
        self.issue_for(USER)
        self.sent = self.iam.requests("CreateAccessKey")
        number = self.ask()
        self.hsmiam("provision-token", "--approver-key", "--token", self.token.uri())
        run = self.approve(number, self.token, expect=CONFIGURATION)
        self.assertIn("is about that very token", run.sentence)
        carol = self.new_token("carol")
        run = self.approve(number, carol, expect=CONFIGURATION)
        self.assertIn("`hsmiam provision-token --approver-key` makes it", run.sentence)
        self.make_approver(carol)
        run = self.approve(number, carol, expect=CONFIGURATION)
        self.assertIn("is no approver of the policy in force", run.sentence)
        run = self.approve(2, self.bob, expect=CONFIGURATION)
        self.assertIn("is no request that waits", run.sentence)
        self.approve(number, self.bob)
        run = self.approve(number, self.bob, expect=CONFIGURATION)
        self.assertIn("has approved request", run.sentence)
        self.assertGreater(self.ask("--user-name", "bob"), number)
        for words in ((), ("x",), ("0",), ("7", "8")):
            self.hsmiam("approve", *words, "--yes", "--approver", self.bob.uri(), expect=USAGE)
        self.hsmiam("approve", "7", "--yes", expect=USAGE)
        self.hsmiam("approve", "7", "--approver", self.bob.uri(), expect=USAGE)
        run = self.issue("--user-name", USER, "--approval-expires", "1m", expect=USAGE)
        self.assertIn("5 minutes to 30 days", run.sentence)

    def test_spoilt(self) -> None:
        """What an approval does not cover is found, line by line."""
        number = self.ask()
        self.approve(number, self.bob)
        lines = self.ledger.read_bytes().splitlines(keepends=True)
        record = json.loads(lines[-1])
        for name, value in (("approval", self.records("request")[0]["sig"]),
                            ("token_serial", "other")):  # fmt: skip
            text = json.dumps(record | {name: value}, separators=(",", ":"))
            self.ledger.write_bytes(b"".join(lines[:-1]) + text.encode() + b"\n")
            run = self.hsmiam("audit", "verify", "--allow-unsigned", expect=GENERAL)
            self.assertEqual(run.json["BadLine"], len(lines))
            self.assertIn("the approver did not sign that", run.sentence)
            self.issue("--user-name", USER, expect=CONFIGURATION)
            self.assertEqual(self.iam.requests("CreateAccessKey"), [])

    def test_batch(self) -> None:
        users = str(self.write("users", "alice\nbob\n"))
        words = ["batch-create-access-key", *self.iam_arguments(), "--user-names", users]
        run = self.hsmiam(*words, expect=None)
        self.assertNotEqual(run.code, OK)
        self.assertIn("in a batch they are given on this terminal", run.sentence + run.out)
        self.assertIn('"Code": "ApprovalRequired"', run.out)
        self.assertEqual(self.records("request"), [])
        run = self.hsmiam(*words, "--approver", self.bob.uri())
        self.assertEqual(run.err.count("It is approved by the key"), 1, run.err)
        self.assertEqual(len({one["request"] for one in self.records("intent")}), 2)
        words = ["rotate-access-key", *self.iam_arguments(), "--user-names", users, "--proofs", "1"]
        run = self.hsmiam(*words, expect=None)
        self.assertIn('"Code": "ApprovalRequired"', run.out)
        self.hsmiam(*words, "--delete-old", "--approver", self.bob.uri())
        self.assertEqual(len({one["request"] for one in self.records("intent")}), 4)
        self.assert_intact()


class TerminalTest(DualTest):
    required = "delete,update,import,export"

    def test_each(self) -> None:
        bob = ("--approver", self.bob.uri())
        key = self.issue_for(USER)  # which needs no approval
        words = ("--user-name", USER, "--access-key-id", key)
        for command, more in (("update-access-key", ("--status", "Inactive")),
                              ("delete-access-key", ("--yes",))):  # fmt: skip
            arguments = (command, *self.iam_arguments(), *words, *more)
            run = self.hsmiam(*arguments, expect=CONFIGURATION)
            self.assertIn("asks for 1 approval of this", run.sentence)
            run = self.hsmiam(*arguments, *bob)
            self.assertIn(f"access key {key}", run.err)
        self.assertEqual(self.iam.key_ids(USER), [])
        arguments = ("import-access-key", "--access-key-id", "AKIAIMPORTED0EXAMPLE",
                     "--token", self.token.uri())  # fmt: skip
        self.hsmiam(*arguments, stdin="x" * 40, expect=CONFIGURATION)
        self.assertNotIn("AKIAIMPORTED0EXAMPLE", self.token.access_key_ids())
        self.hsmiam(*arguments, *bob, stdin="x" * 40)
        run = self.hsmiam(*arguments, "--approver", self.token.uri(), stdin="x" * 40,
                          expect=CONFIGURATION)  # fmt: skip
        # Rotating deactivates keys.
        words = ("rotate-access-key", *self.iam_arguments(), "--user-name", "bob")
        self.issue_for("bob")
        self.hsmiam(*words, "--delete-old", expect=CONFIGURATION)
        self.hsmiam(*words, "--delete-old", "--exportable", *bob)
        (key,) = self.iam.key_ids("bob")
        self.assert_export(key, *bob)
        self.assert_intact()

    def assert_export(self, key: str, *approvers: str) -> None:
        """An approval is for one recipient."""
        public = self.write("recipient.pem", RECIPIENT)
        words = ("export-access-key", "--token", self.token.uri(), "--access-key-id", key,
                 "--recipient", str(public), "--yes")  # fmt: skip
        run = self.hsmiam(*words, expect=CONFIGURATION)
        self.assertEqual(run.out, "")
        run = self.hsmiam(*words, *approvers)
        self.assertIn(f"recipient with fingerprint {run.json['RecipientFingerprint']}", run.err)
        asked = self.records("request")[-1]["sequence"]
        self.assertEqual(self.records("export")[-1]["request"], asked)

    def test_person(self) -> None:
        """The other PIN is asked for, behind what it is wanted for."""
        key = self.issue_for(USER)
        terminal = self.on_terminal(
            "delete-access-key", *self.iam_arguments(), "--user-name", USER,
            "--access-key-id", key, "--yes", "--approver", "pkcs11:token=bob",
        )  # fmt: skip
        shown = terminal.read_until('PIN for token "bob": ')
        self.assertIn(f"delete for {USER}", shown)
        terminal.type(f"{self.bob.pin}\n")
        self.assertEqual(terminal.finish(), OK, terminal.shown)
        self.assert_intact()


class PolicyTest(DualTest):
    required = ""

    def test_life(self) -> None:
        self.assertEqual(self.hsmiam("audit", "policy").json["Operations"], [])
        carol = self.new_token("carol")
        both = self.write("both.pem", self.bob_pem.read_text() +
                          self.make_approver(carol).read_text())  # fmt: skip
        run = self.set_policy(both, "--require", "create-access-key", "--approvals", "3",
                              expect=USAGE)  # fmt: skip
        self.assertIn("3 approvals cannot be asked of 2", run.sentence)
        self.set_policy(both, "--require", "everything", expect=USAGE)
        audit = self.hsmiam("audit", "export-public-key", "--token", self.token.uri()).out
        run = self.set_policy(self.write("own.pem", audit), "--require", "policy",
                              expect=CONFIGURATION)  # fmt: skip
        self.assertIn("is an audit key of the ledger", run.sentence)
        run = self.set_policy(self.ledger, "--require", "policy", expect=USAGE)
        self.assertIn(f"--approvers {self.ledger}: This is not the public key", run.sentence)
        policy = self.set_policy(both, "--require", "create-access-key", "--approvals", "2").json
        self.assertEqual((policy["Operations"], policy["Approvals"], len(policy["Approvers"])),
                         (["create-access-key"], 2, 2))  # fmt: skip
        # Two different ones are needed, and the policy stays until they lift it.
        number = self.ask()
        self.approve(number, self.bob)
        self.assertEqual(self.ask(), number)
        self.approve(number, carol)
        self.issue_for(USER)
        lift = ("audit", "policy", "--none", "--token", self.token.uri())
        run = self.hsmiam(*lift, expect=CONFIGURATION)
        self.assertIn("asks for 2 approvals of this policy", run.sentence)
        run = self.hsmiam(*lift, "--approver", self.bob.uri(), expect=CONFIGURATION)
        self.assertIn("asks for 1 more approval of this policy", run.sentence)
        self.assertIn("lifting the one in force", run.err)
        self.hsmiam(*lift, "--approver", carol.uri())
        self.issue_for(USER)
        self.assert_intact()
        for event in ("policy", "request", "approval"):
            self.assertTrue(self.hsmiam("audit", "show", "--event", event).json["Records"])


if __name__ == "__main__":
    unittest.main()
