"""That no answer of IAM's leaves a trace in memory, however it is cut, spoilt or framed: what
test_memory.py holds over good ones."""

from __future__ import annotations

import unittest

from harness import GENERAL, OK
from kinds import MISFRAMINGS
from memory import TALLY
from memory_test import MemoryTest

# What libcurl takes for the whole answer all the same.
UNDERSTOOD = ("length-huge", "secret-in-header", "secret-in-trailer")


def tearDownModule() -> None:
    print(f"\n{TALLY}", flush=True)


class ToolTest(MemoryTest):
    def test_misfortunes(self) -> None:
        for kind, fields in (
            ("cut", {"at": "in-secret"}),
            ("cut", {"at": "in-secret", "how": "rst"}),
            ("cut", {"at": "before-end", "how": "close-notify"}),
            ("stall", {"at": "in-secret", "seconds": 3}),
            ("garble", {"how": "content-length-short"}),
            ("garble", {"how": "duplicate-element"}),
            ("garble", {"how": "comment-secret"}),
            ("garble", {"how": "nul-in-secret"}),
            ("garble", {"how": "wrong-root"}),
            ("secret-in-error", {}),
        ):
            with self.subTest(kind=kind, **fields):
                self.iam.misbehave(kind, **fields)
                self.create(expect=GENERAL)

    def test_odd_answers(self) -> None:
        """That are understood all the same."""
        for kind, fields in (
            ("answer-twice", {"second": "same"}),
            ("garble", {"how": "reference-secret"}),
            ("garble", {"how": "cdata-secret"}),
        ):
            with self.subTest(kind=kind, **fields):
                self.iam.misbehave(kind, **fields)
                self.create()

    def test_misframed(self) -> None:
        for how in MISFRAMINGS:
            with self.subTest(how):
                self.iam.misbehave("misframe", how=how)
                self.create(expect=OK if how in UNDERSTOOD else GENERAL)

    def test_misframed_in_pieces(self) -> None:
        """Of a header, libcurl leaves what it had before it grew, and the heap wipes that."""
        for how in ("secret-in-header", "header-cut", "no-headers"):
            with self.subTest(how):
                self.iam.misbehave("misframe", how=how, size=11)
                self.create(expect=OK if how in UNDERSTOOD else GENERAL)


class LibraryTest(MemoryTest):
    """A program with libc's own malloc()."""

    def test_misfortunes(self) -> None:
        for kind, fields in (
            ("cut", {"at": "in-secret"}),
            ("stall", {"at": "in-secret", "seconds": 3}),
            ("garble", {"how": "content-length-short"}),
            ("garble", {"how": "comment-secret"}),
            ("secret-in-error", {}),
            ("answer-twice", {"second": "same"}),
        ):
            with self.subTest(kind=kind, **fields):
                self.iam.misbehave(kind, **fields)
                self.program("create:alice", "create:bob", "close", "finish")
                self.iam.endpoint.reset()

    def test_misframed(self) -> None:
        for how in MISFRAMINGS:
            with self.subTest(how):
                self.iam.misbehave("misframe", how=how)
                self.program("create:alice", "close", "finish")
                self.iam.endpoint.reset()


if __name__ == "__main__":
    unittest.main()
