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
LEFT = 2560 * KIB


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
        self.assertIn("may lock 1024 KiB of memory, beside 2560 KiB for secrets, and needs", run.sentence)
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

    def test_refuses_whatever_opens_a_token(self) -> None:
        for command in ("check-token", "provision-token"):
            run = self.hsmiam(
                command, "--token", self.token.uri(), "--require-locked-memory",
                expect=CONFIGURATION, preexec_fn=limit(LEFT + 512 * KIB), **OTHER_USER,
            )  # fmt: skip
            self.assertIn("by `ulimit -l 8192`, or LimitMEMLOCK=8192K in a systemd unit", run.err)
            self.assertNotIn("warning", run.err)

    def test_the_time_limit_gives_way_to_secrets(self) -> None:
        """Of a little, those who work on secrets have theirs; nothing fails for the guard."""
        run = self.create(1280 * KIB)
        self.assertRegex(
            run.err, r"warning: --token-timeout is not kept to, .*: Cannot lock \d+ KiB of memory for"
        )
        run = self.create(1280 * KIB, "--token-timeout", "0")
        self.assertNotIn("--token-timeout", run.err)

    def test_a_secret_is_always_locked(self) -> None:
        """What is not enough for two threads is enough for one, and the check must not say so."""
        for size in (64, 1024):
            run = self.create(size * KIB, "--token-timeout", "0", expect=255)
            self.assertRegex(
                run.err.strip(),
                rf"^Cannot lock \d+ KiB of memory .*: this process may lock {size} KiB in all\. "
                "Allow it 8192, by `ulimit -l 8192`, or LimitMEMLOCK=8192K in a systemd unit\.$",
            )
            self.assertEqual(self.iam.requests("CreateAccessKey"), [])
            run = self.hsmiam(
                "check-token", "--token", self.token.uri(), expect=255,
                preexec_fn=limit(size * KIB), **OTHER_USER,
            )  # fmt: skip
            self.assertIn("Cannot lock", run.sentence)
            self.assertNotIn('"Ready": true', run.out)


if __name__ == "__main__":
    unittest.main()
