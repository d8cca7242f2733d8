"""Batches that are killed and resumed.

Over NSS, whose database takes an object in whole or not at all; SoftHSM leaves one in pieces.
HSMIAM_BATCH_USERS says how many users, if there are to be more.
"""

from __future__ import annotations

import os
import random
import time
import unittest

from batch_test import BatchTest
from harness import OK, SECONDS

VALIDITY = 420  # seconds, after which IAM can execute a request no more
ROUNDS = 60


class KilledTest(BatchTest):
    count = int(os.environ.get("HSMIAM_BATCH_USERS", "48"))

    def run_and_kill(self, words: list[str], chance: random.Random, is_first: bool) -> int:
        """Start the batch and kill it some requests later, if it has not ended. Its exit code."""
        self.iam.endpoint.log.clear()
        # Of the two that each user takes, the first run gets no more than half, and so is killed.
        most = self.count if is_first else 80 + self.count // 4
        enough = chance.randrange(1, most)
        process = self.start(*words)
        while process.poll() is None and len(self.iam.requests()) < enough:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.01))
        process.kill()
        process.communicate()
        return process.returncode

    def wait_for_quiet(self) -> None:
        """IAM has executed what it had found in time: its clock may not go on in between."""
        quiet = 0
        until = time.monotonic() + SECONDS
        while quiet < 2 and time.monotonic() < until:
            time.sleep(0.02)
            busy = any(request["status"] is None for request in self.iam.requests())
            quiet = 0 if busy else quiet + 1
        self.assertEqual(quiet, 2)

    def test_killed_at_random(self) -> None:
        """Killed again and again and resumed until all is done: one key each, and none besides."""
        words = self.words(self.write("users", "\n".join(self.users)), "--resume")
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        codes = []
        while OK not in codes and len(codes) < ROUNDS:
            codes.append(self.run_and_kill(words, chance, not codes))
            self.wait_for_quiet()
            # What was asked for just now cannot be executed any more: IAM's clock goes on.
            self.iam.set_clock(self.iam.endpoint.clock.offset_seconds + VALIDITY)
        self.assertEqual(codes[-1], OK, f"seed {seed}: {codes}")
        self.assertGreater(len(codes), 1)
        self.assert_whole(self.users)


if __name__ == "__main__":
    unittest.main()
