"""Several tokens: a key goes into each of them, or into none, whatever stops it on the way."""

import os
import shutil
import tempfile
import unittest
from pathlib import Path
from typing import Any

import softhsm
from harness import CONFIGURATION, GENERAL, HSMIAM, USAGE, IntegrationTest, Run

USER = "alice"
OVER = 900  # seconds: no request of before can be executed any more
TROUBLE_MODULE = os.environ["HSMIAM_TROUBLE_MODULE"]


class ReplicasTest(IntegrationTest):
    @classmethod
    def setUpClass(cls) -> None:
        """The second token, which is copied: to make its keys takes a while."""
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="hsmiam-second-")
        cls.addClassCleanup(folder.cleanup)
        cls.seed = softhsm.Token.create(Path(folder.name), "second")
        cls.seed.provision(HSMIAM)

    def setUp(self) -> None:
        super().setUp()
        directory = self.directory / "hsm"
        shutil.copytree(self.seed.objects_directory, directory / "tokens", dirs_exist_ok=True)
        self.second = softhsm.Token(directory, "second", self.seed.pin)
        self.second._write_pin_file()
        self.searcher.add("PIN of second", self.second.pin)
        self.searcher.allow(self.second.pin_file)

    @property
    def ledger(self) -> Any:
        return self.directory / "state" / "hsmiam" / "ledger.jsonl"

    @property
    def both(self) -> list[str]:
        return ["--token", self.token.uri(), "--token", self.second.uri()]

    def issue_to_both(self, *arguments: str, expect: int | None = 0) -> Run:
        return self.issue("--user-name", USER, *self.both, *arguments, expect=expect)

    def assert_in(self, *tokens: softhsm.Token) -> None:
        """The user's keys are in these tokens, and no others are anywhere."""
        listed = self.iam.key_ids(USER)
        for token in (self.token, self.second):
            held = [key for key in token.access_key_ids() if key != self.iam.root_id]
            self.assertEqual(sorted(held), sorted(listed) if token in tokens else [])
        self.assertEqual(self.hsmiam("audit", "verify").json["Verdict"], "intact")

    def test_issue(self) -> None:
        key = self.issue_to_both().json["AccessKey"]
        (replica,) = key["ReplicaUris"]
        self.assertIn("token=custody", key["SecretAccessKeyUri"])
        self.assertIn("token=second", replica)
        self.assert_in(self.token, self.second)
        secret = self.iam.secrets()[key["AccessKeyId"]]
        for token in (self.token, self.second):
            expected = token.expected_hmac(b"AWS4" + secret.encode(), b"data")
            self.assertEqual(token.hmac(key["AccessKeyId"], b"data"), expected)
            by_key = self.iam_arguments(credential=token.key_uri(key["AccessKeyId"]))
            self.assertIn(f"user/{USER}", self.hsmiam("get-caller-identity", *by_key).out)
        records = self.hsmiam("audit", "show", "--event", "outcome").json["Records"]
        self.assertEqual(len(records[-1]["ReplicaSerials"]), 1)
        self.assertNotEqual(records[-1]["ReplicaSerials"], [records[-1]["TokenSerial"]])
        run = self.issue("--user-name", "bob")
        self.assertNotIn("ReplicaUris", run.json["AccessKey"])

    def test_environment(self) -> None:
        self.environment["HSMIAM_TOKEN"] = f"{self.token.uri()} {self.second.uri()}"
        self.issue("--user-name", USER)
        self.assert_in(self.token, self.second)
        self.hsmiam("recover", *self.iam_arguments())

    def test_batch(self) -> None:
        users = self.write("users", "alice\nbob\n")
        run = self.hsmiam(
            "batch-create-access-key", "--user-names", str(users), *self.iam_arguments(), *self.both
        )
        self.assertEqual(run.out.count('"ReplicaUris"'), 2)
        for user in ("alice", "bob"):
            (key,) = self.iam.key_ids(user)
            self.assertIn(key, self.token.access_key_ids())
            self.assertIn(key, self.second.access_key_ids())

    def test_import(self) -> None:
        made = self.iam.act("CreateAccessKey", UserName=USER)
        secret = self.iam.secrets()[str(made["access_key_id"])]
        self.hsmiam(
            "import-access-key", "--access-key-id", str(made["access_key_id"]), *self.both,
            stdin=secret,
        )  # fmt: skip
        self.assert_in(self.token, self.second)

    def test_rotation(self) -> None:
        self.issue_to_both()
        self.hsmiam(
            "rotate-access-key", "--user-name", USER, "--proofs", "1", "--delete-old",
            *self.iam_arguments(), *self.both,
        )  # fmt: skip
        self.assertEqual(len(self.iam.key_ids(USER)), 1)
        self.assert_in(self.token, self.second)

    def test_a_token_that_cannot(self) -> None:
        """Before anything is asked for, all of them rehearse."""
        run = self.issue_to_both("--token", self.second.uri(), expect=USAGE)
        self.assertIn("is named twice", run.sentence)
        run = self.issue_to_both(
            "--token", self.second.uri().replace("second", "nobodys"), expect=CONFIGURATION
        )
        self.assertEqual(self.iam.requests("CreateAccessKey"), [])
        run = self.hsmiam("check-token", *self.both, expect=USAGE)
        self.assertIn("works with one token", run.sentence)

    def trouble(self, user: str, expect: int, **orders: str) -> Run:
        """An issue to both, through a module that makes trouble on order."""
        words = [
            word.replace(f"module-path={softhsm.MODULE}", f"module-path={TROUBLE_MODULE}")
            for word in [*self.iam_arguments(), *self.both]
        ]
        return self.hsmiam(
            "create-access-key", "--user-name", user, *words, expect=expect,
            env={"TROUBLE_MODULE": str(softhsm.MODULE), **orders},
        )  # fmt: skip

    def test_a_token_that_is_full(self) -> None:
        """The second one does not take it in: the first gives it back, and IAM deletes it."""
        log = self.directory / "calls"
        self.trouble("bob", 0, TROUBLE_LOG=str(log))
        last = log.read_text().split().count("C_UnwrapKey")
        run = self.trouble(USER, GENERAL, TROUBLE=f"C_UnwrapKey:{last}+:0x31")
        (key,) = self.iam.deleted_ids()
        self.assertIn(f"{key} was deleted at IAM again", run.sentence)
        self.assertIn('Token "second"', run.sentence)
        self.assertEqual(self.iam.key_ids(USER), [])
        for token in (self.token, self.second):
            self.assertNotIn(key, token.access_key_ids())
        self.assertEqual(self.hsmiam("recover", *self.iam_arguments()).json["InterruptedRuns"], [])

    def test_a_key_that_one_has(self) -> None:
        made = self.iam.act("CreateAccessKey", UserName="bob")
        clash = str(made["access_key_id"])
        self.hsmiam(
            "import-access-key", "--access-key-id", clash, "--token", self.second.uri(),
            "--ledger", str(self.directory / "others.jsonl"), stdin=self.iam.secrets()[clash],
        )  # fmt: skip
        run = self.hsmiam(
            "import-access-key", "--access-key-id", clash, *self.both,
            stdin=self.iam.secrets()[clash], expect=GENERAL,
        )  # fmt: skip
        self.assertIn("already holds", run.sentence)
        self.assertNotIn(clash, self.token.access_key_ids())
        self.assertIn(clash, self.second.access_key_ids())

    def test_killed_between(self) -> None:
        """In one and not in the other: it can serve nobody for sure, and is deleted."""
        self.issue_to_both()
        (key,) = self.iam.key_ids(USER)
        lines = self.ledger.read_text().splitlines(keepends=True)
        self.assertIn('"event":"outcome"', lines[-1])
        self.ledger.write_text("".join(lines[:-1]))
        self.second.pkcs11_tool(
            "--login", "--delete-object", "--type", "secrkey", "--id", key.encode().hex()
        )
        run = self.hsmiam("recover", *self.iam_arguments(), expect=GENERAL)
        (left,) = run.json["InterruptedRuns"]
        self.assertIn("name all of them", left["Reason"])
        self.assertEqual(self.iam.key_ids(USER), [key])
        self.iam.set_clock(OVER)
        run = self.hsmiam("recover", *self.iam_arguments(), *self.both)
        (done,) = run.json["InterruptedRuns"]
        self.assertEqual((done["Result"], done["AccessKeyId"]), ("deleted", key))
        self.assertEqual(self.iam.key_ids(USER), [])
        self.assert_in()

    def test_killed_before_the_outcome(self) -> None:
        """In both: it is proven, and held."""
        self.issue_to_both()
        lines = self.ledger.read_text().splitlines(keepends=True)
        self.ledger.write_text("".join(lines[:-1]))
        self.iam.set_clock(OVER)
        run = self.hsmiam("recover", *self.iam_arguments(), *self.both)
        (done,) = run.json["InterruptedRuns"]
        self.assertEqual(done["Result"], "held")
        self.assert_in(self.token, self.second)


if __name__ == "__main__":
    unittest.main()
