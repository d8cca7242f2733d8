"""What must hold whatever the network and the service do to a request that makes a key."""

from __future__ import annotations

from typing import Any

from harness import GENERAL, OK, IntegrationTest, Run

USER = "alice"
DELETED = "was deleted at IAM again."
#: What IAM lists, and nothing else explains, is an orphan, if nothing else appears.
LISTED = "may be the one that was made; whether another one appears must be seen"
UNKNOWN = "it may still execute the request in the next minutes; look again"
NOTHING_MADE = "before the request: no access key was made."


class MisfortuneTest(IntegrationTest):
    """Runs the main job against an IAM that was told how to misbehave."""

    ledgers = 0
    first_ledger = b""

    def suffer(self, kind: str, operation: str = "CreateAccessKey", *arguments: str,
               expect: int | None = GENERAL, **fields: Any) -> Run:  # fmt: skip
        """One misfortune on a fresh account; what must hold in every case is checked."""
        self.iam.endpoint.reset()
        self.use_new_ledger()
        self.iam.misbehave(kind, operation, **fields)
        # Only what is to time out does so soon: a busy machine may take a while for an answer.
        patience = "1" if kind == "stall" else "30"
        run = self.issue("--user-name", USER, "--cli-read-timeout", patience, *arguments, expect=expect)
        self.assert_settled(run)
        return run

    def use_new_ledger(self) -> None:
        """One that knows the credential's account; what is open in another holds up nobody."""
        if self.ledgers == 0:
            path = self.directory / "state" / "ledger-of-bob.jsonl"
            self.issue("--user-name", "bob", env={"HSMIAM_LEDGER": str(path)})
            self.first_ledger = path.read_bytes()
            self.iam.endpoint.reset()
        self.ledgers += 1
        path = self.directory / "state" / f"ledger-{self.ledgers}.jsonl"
        path.write_bytes(self.first_ledger)
        self.environment["HSMIAM_LEDGER"] = str(path)

    def assert_settled(self, run: Run) -> None:
        """The request was sent once, nobody was led astray, and no key is lost in silence."""
        sent = self.iam.requests("CreateAccessKey")
        self.assertLessEqual(len(sent), 1, run)
        self.assertEqual(self.iam.state()["hits"], {}, run)
        for access_key_id in self.iam.key_ids(USER):
            if run.code == OK:
                self.assert_held(access_key_id)
            else:
                self.assertIn(access_key_id, run.err)
                self.assertNotIn(access_key_id, self.token.access_key_ids())
        for access_key_id in self.iam.deleted_ids():
            self.assertIn(f"{access_key_id} {DELETED}", run.sentence)
            self.assertNotIn(access_key_id, self.token.access_key_ids())
        if run.code != OK:
            self.assertEqual(run.out, "")

    def assert_ends(self, run: Run, ending: str) -> None:
        """The message tells what became of the key."""
        self.assertIn(ending, run.sentence)
        made, gone = self.iam.key_ids(USER), self.iam.deleted_ids()
        expected = {
            DELETED: (0, 1), LISTED: (1, 0), UNKNOWN: (0, 0), NOTHING_MADE: (0, 0)
        }[ending]  # fmt: skip
        self.assertEqual((len(made), len(gone)), expected, run)
