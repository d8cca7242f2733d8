"""`rotate-access-key --user-names`: the keys of many users, several at a time."""

from __future__ import annotations

import re
import signal
import unittest
from typing import Any

from batch_test import BatchTest
from harness import GENERAL, INTERRUPTED, SECONDS, USAGE, Run


class RotateUsersTest(BatchTest):
    count = 6

    def setUp(self) -> None:
        super().setUp()
        self.batch(self.users)
        self.old = {user: self.iam.key_ids(user)[0] for user in self.users}

    def arguments(self, users: list[str], *more: str) -> list[str]:
        path = self.write("users", "".join(f"{user}\n" for user in users))
        return ["rotate-access-key", *self.iam_arguments(), "--user-names", str(path),
                "--proofs", "1", *more]  # fmt: skip

    def rotate(self, users: list[str], *more: str, **options: Any) -> Run:
        return self.hsmiam(*self.arguments(users, *more), **options)

    def assert_rotated(self, deleted: bool = False) -> None:
        """Each user has one active key, a new one that is held; the old one is what it must be."""
        for user in self.users:
            states = {key["AccessKeyId"]: key["Status"] for key in self.iam.keys_of(user)}
            self.assertEqual(states.pop(self.old[user], None), None if deleted else "Inactive")
            self.assertEqual(list(states.values()), ["Active"], user)
            self.assert_held(next(iter(states)))
        self.assertEqual(self.hsmiam("audit", "verify").json["Verdict"], "intact")

    def test_each(self) -> None:
        """The credential's own user is none of them."""
        run = self.rotate([*self.users, "root-admin"], expect=GENERAL)
        lines = self.lines(run.out)
        error = lines.pop("root-admin")["Error"]
        self.assertEqual(error["Code"], "InvalidParameter")
        self.assertIn("with --root", error["Message"])
        self.assertEqual(set(lines), set(self.users))
        for user, line in lines.items():
            self.assertEqual((line["PreviousAccessKeyId"], line["PreviousStatus"]),
                             (self.old[user], "Inactive"))  # fmt: skip
            self.assertIn(line["AccessKeyId"], self.iam.key_ids(user))
        self.assertEqual(self.iam.key_ids("root-admin"), [self.iam.root_id])
        self.assert_rotated()
        since = re.findall("--resume --since ([0-9TZ:-]+)", run.sentence)
        run = self.rotate(self.users, "--resume", "--since", since[0])
        self.assertIn(f"0 of {self.count} users done, {self.count} were rotated before", run.err)
        run = self.rotate(self.users, "--resume", "--since", since[0], "--delete-old")
        states = {line["PreviousStatus"] for line in self.lines(run.out).values()}
        self.assertEqual(states, {"Deleted"})
        self.assert_rotated(deleted=True)

    def test_stopped_and_resumed(self) -> None:
        """By a signal and in the middle; nobody gets a third key, and all are rotated once."""
        since = self.hsmiam("audit", "show").json["Records"][-1]["Time"]
        for number in (signal.SIGKILL, signal.SIGINT):
            self.iam.endpoint.log.clear()
            self.iam.misbehave("stall", "UpdateAccessKey", times=-1, seconds=SECONDS)
            process = self.start(*self.arguments(self.users, "--resume", "--since", since,
                                                 "--max-concurrency", "2"))  # fmt: skip
            # No thread is at work in the token: SoftHSM, killed while it writes, leaves an object in
            # pieces. What the first run left, the second one settles before all else, one by one.
            waiting = 2 if number == signal.SIGKILL else 1
            self.assertTrue(self.iam.wait("UpdateAccessKey", waiting))
            process.send_signal(number)
            self.iam.endpoint.rules.clear()
            self.iam.endpoint.gate.release()
            process.communicate(timeout=SECONDS)
            code = INTERRUPTED if number == signal.SIGINT else -number
            self.assertEqual(process.returncode, code)
            self.iam.set_clock(self.iam.endpoint.clock.offset_seconds + 420)
        self.rotate(self.users, "--resume", "--since", since)
        self.assert_rotated()

    def test_what_belongs_together(self) -> None:
        for words in (["--resume"], ["--since", "2026-11-24"]):
            self.assertIn("not allowed without", self.rotate(self.users, *words, expect=USAGE).err)
        self.rotate(self.users, "--root", expect=USAGE)


if __name__ == "__main__":
    unittest.main()
