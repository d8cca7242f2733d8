"""The tool's memory, where a user may lock only so much of it."""

from __future__ import annotations

import re
import resource
import unittest
from collections.abc import Callable

from harness import CONFIGURATION, OK, IntegrationTest, Run
from unprivileged import OTHER_USER, make_writable_by

KIB = 1024
#: Of a limit, what the heap leaves to secrets and to the stacks that work on them.
LEFT = 1536 * KIB


def limit(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_MEMLOCK, (size, size))


class LockedMemoryTest(IntegrationTest):
    def setUp(self) -> None:
        super().setUp()
        make_writable_by(OTHER_USER, self.directory)

    def create(self, locked: int, *arguments: str, expect: int = OK) -> Run:
        """Issue a key as somebody who is not root and may lock so many bytes."""
        return self.issue(
            "--user-name", "alice", *arguments, expect=expect, preexec_fn=limit(locked),
            **OTHER_USER,
        )  # fmt: skip

    def test_the_usual_limit_is_enough(self) -> None:
        """8 MiB, on Debian."""
        run = self.create(8 << 20, "--require-locked-memory")
        self.assertEqual(run.err, "")

    def test_says_what_is_not_locked(self) -> None:
        run = self.create(LEFT + 1024 * KIB)
        said = re.search(
            r"(?m)^hsmiam: warning: (\d+) of (\d+) KiB of memory could not be locked", run.err
        )
        assert said, run.err
        unlocked, used = map(int, said.groups())
        self.assertEqual(used - unlocked, 1024)
        self.assertLess(used, 4300)

    def test_refuses_at_once(self) -> None:
        run = self.create(LEFT, "--require-locked-memory", expect=CONFIGURATION)
        self.assertIn("Nothing was done", run.sentence)
        self.assertEqual(self.iam.requests(), [])

    def test_refuses_before_the_request(self) -> None:
        """What the libraries take is known only once they are loaded."""
        run = self.create(LEFT + 1024 * KIB, "--require-locked-memory", expect=CONFIGURATION)
        self.assertIn("may lock 1024 KiB only", run.sentence)
        self.assertEqual(self.iam.requests("CreateAccessKey"), [])
        self.assertEqual(self.token.access_key_ids(), [self.iam.root_id])

    def test_refuses_before_the_import(self) -> None:
        run = self.hsmiam(
            "import-access-key", "--access-key-id", "AKIAIMPORTED00000000", "--token",
            self.token.uri(), "--require-locked-memory", stdin="s" * 40, expect=CONFIGURATION,
            preexec_fn=limit(LEFT), **OTHER_USER,
        )  # fmt: skip
        self.assertIn("Nothing was done", run.sentence)
        self.assertEqual(self.token.access_key_ids(), [self.iam.root_id])

    def test_a_secret_is_always_locked(self) -> None:
        run = self.create(64 * KIB, expect=255)
        self.assertIn("ulimit -l", run.sentence)
        self.assertEqual(self.iam.requests("CreateAccessKey"), [])


if __name__ == "__main__":
    unittest.main()
