"""`batch-create-access-key`: many users, several at a time, and nothing is lost whatever happens."""

from __future__ import annotations

import signal
import unittest
from pathlib import Path

from batch_test import BatchTest
from harness import GENERAL, INTERRUPTED, OK, SECONDS, USAGE


class UsersTest(BatchTest):
    def test_a_key_for_each(self) -> None:
        run = self.batch(self.users)
        lines = self.lines(run.out)
        self.assertEqual(set(lines), set(self.users))
        for user, line in lines.items():
            self.assertEqual(
                set(line), {"UserName", "AccessKeyId", "Status", "SecretAccessKeyUri", "CreateDate"}
            )
            self.assertEqual(self.iam.key_ids(user), [line["AccessKeyId"]])
            self.assert_held(line["AccessKeyId"])
        self.assert_whole(self.users)
        self.assertIn(f"hsmiam: {self.count} of {self.count} users done, 0 failed", run.err)
        self.assertNotIn("\r", run.err)
        self.assertGreater(len(self.iam.connections()), 1)

    def test_one_who_does_not_exist(self) -> None:
        run = self.batch([*self.users[:3], "nobody", self.users[3]], expect=GENERAL)
        error = self.lines(run.out)["nobody"]["Error"]
        self.assertEqual(error["Code"], "NoSuchEntity")
        self.assertIn("nobody", error["Message"])
        self.assert_whole(self.users[:4])
        self.iam.act("CreateUser", UserName="nobody")
        run = self.batch([*self.users[:3], "nobody", self.users[3]], "--resume")
        self.assertEqual(set(self.lines(run.out)), {"nobody"})
        self.assertIn("1 of 5 users done, 4 had a key before, 0 failed", run.err)
        self.assert_whole([*self.users[:4], "nobody"])

    def test_names_that_are_none(self) -> None:
        run = self.batch([self.users[0], "a b", self.users[0]], expect=USAGE)
        self.assertIn("line 2: 3 bytes that are no user name", run.sentence)
        self.assertIn("line 3: the user of line 1 once more", run.sentence)
        self.assertEqual((run.out, self.iam.requests()), ("", []))

    def test_from_a_pipe(self) -> None:
        self.hsmiam(*self.words(Path("-")), stdin="".join(f"{user}\r\n" for user in self.users))
        self.assert_whole(self.users)

    def test_throttled(self) -> None:
        """All go slower; nobody's attempts are used up."""
        for skip in (0, 1, 2, 5, 9):
            self.iam.misbehave("throttle", skip=skip, times=1)
        self.iam.misbehave("throttle", "ListAccessKeys", times=3)
        run = self.batch(self.users, env={"AWS_MAX_ATTEMPTS": "1"})
        self.assertEqual(set(self.lines(run.out)), set(self.users))
        self.assert_whole(self.users)

    def test_credential_that_is_refused(self) -> None:
        """What would befall all of them stops the first ones."""
        self.iam.misbehave("error", "*", times=100, status=403, code="InvalidClientTokenId",
                           message="No.")  # fmt: skip
        run = self.batch(self.users, "--max-concurrency", "2", expect=GENERAL)
        self.assertLess(len(run.out.splitlines()), 5)
        self.assertIn("That stopped the whole", run.sentence)
        self.assertRegex(run.err, "failed, [0-9]+ not begun;")
        self.iam.endpoint.reset(["rules"])
        self.batch(self.users, "--resume")
        self.assert_whole(self.users)

    def test_on_a_terminal(self) -> None:
        path = self.write("users", "\n".join(self.users))
        self.iam.misbehave("stall", seconds=0.5)
        terminal = self.on_terminal(*self.words(path))
        terminal.read_until(f"of {self.count} done, 0 failed, ")
        self.assertEqual(terminal.finish(), OK, terminal.shown)


class InterruptionTest(BatchTest):
    def test_signal(self) -> None:
        """What is under way is finished; nothing is begun."""
        for user in self.users:
            self.iam.misbehave("stall", user=user, seconds=5)
        words = self.words(self.write("users", "\n".join(self.users)), "--max-concurrency", "3")
        process = self.start(*words)
        self.assertTrue(self.iam.wait("CreateAccessKey"))
        process.send_signal(signal.SIGINT)
        self.iam.endpoint.rules.clear()
        self.iam.release()
        out, err = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, INTERRUPTED, err)
        done = list(self.lines(out.decode()))
        self.assertIn(len(done), range(1, 7))
        self.assert_whole(done)
        self.assertIn("not begun", err.decode())
        run = self.batch(self.users, "--resume")
        self.assertEqual(set(self.lines(run.out)), set(self.users) - set(done))
        self.assert_whole(self.users)


if __name__ == "__main__":
    unittest.main()
