"""What test_memory.py holds over SoftHSM, over tokens of other kinds, in short."""

from __future__ import annotations

import secrets
import unittest

from memory import TALLY
from memory_test import IMPORTED, MemoryTest
from tokens import KIND


def tearDownModule() -> None:
    print(f"\n{TALLY}", flush=True)


class TokensTest(MemoryTest):
    def test_tool(self) -> None:
        for route in KIND.routes:
            with self.subTest(route):
                self.create("--import-route", route)

    def test_tool_that_imports(self) -> None:
        """Also a key that derives in the token, where it can."""
        self.import_key("--sigv4-route", KIND.sigv4_route)

    def test_library(self) -> None:
        self.assertEqual(self.program("create:alice", "close", "finish"), [0, 0, 0])

    def test_library_that_imports(self) -> None:
        secret = self.imported[IMPORTED] = secrets.token_urlsafe(30)
        steps = self.program(f"import:{IMPORTED}", "sign", "finish", stdin=secret.encode())
        self.assertEqual(steps, [0, 0, 0])


if __name__ == "__main__":
    unittest.main()
