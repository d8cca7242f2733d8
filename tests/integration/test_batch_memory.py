"""What memory a batch takes does not depend on how many users there are.

Over NSS: SoftHSM has all objects of the token in memory.
"""

from __future__ import annotations

import os
import subprocess
import unittest

from batch_test import BatchTest
from harness import HSMIAM, OK


class MemoryTest(BatchTest):
    count = 112

    def peak(self, users: list[str]) -> int:
        """The most memory that a run took, in KiB."""
        path = self.write("users", "\n".join(users))
        process = subprocess.Popen(
            [HSMIAM, *self.words(path)], env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.directory,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, OK)
        return usage.ru_maxrss

    def test_few_and_many(self) -> None:
        many = self.peak(self.users[12:])
        few = self.peak(self.users[:12])
        self.assertLess(many, few + 1024)


if __name__ == "__main__":
    unittest.main()
