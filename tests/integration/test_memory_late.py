"""That a call of the token that nobody waits for any more leaves no trace in memory, once it has
come back."""

from __future__ import annotations

import os
import unittest

from memory import TALLY
from memory_test import TAP, MemoryTest

TROUBLE_MODULE = os.environ["HSMIAM_TROUBLE_MODULE"]


def tearDownModule() -> None:
    print(f"\n{TALLY}", flush=True)


class LateTest(MemoryTest):
    def setUp(self) -> None:
        super().setUp()
        self.environment |= {"TROUBLE_MODULE": TAP, "TOKEN_TIMEOUT": "1"}

    def uri(self, access_key_id: str | None = None) -> str:
        """The token behind trouble, which is behind the tap."""
        return super().uri(access_key_id).replace(TAP, TROUBLE_MODULE)

    def be_late(self, order: str) -> None:
        self.environment["TROUBLE"] = order
        # What the call reads, until it is back, is in secret memory and is what it is about.
        steps = self.program("create:alice", "wait:3", "close", "finish", underway=("signal 1",))
        self.assertNotEqual(steps[0], 0)
        self.assertEqual(len(self.iam.requests("CreateAccessKey")), 1)

    def test_unwrapping(self) -> None:
        """Three go before the secret: for the transport key and the rehearsal, one being refused."""
        self.be_late("C_UnwrapKey:4:sleep")

    def test_creating(self) -> None:
        """The rehearsal's value goes before the secret."""
        self.environment["CREATE_OBJECT"] = "yes"
        self.be_late("C_CreateObject:2:sleep")

    def test_login(self) -> None:
        self.environment["TROUBLE"] = "C_Login:1:sleep"
        steps = self.program("create:alice", "wait:3", "finish", underway=("signal 1",))
        self.assertNotEqual(steps[0], 0)


if __name__ == "__main__":
    unittest.main()
