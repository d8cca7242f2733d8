"""Replies that are wrong, hostile or odd: what is taken, what is refused, and what is said."""

from __future__ import annotations

import unittest
from typing import Any

from harness import OK, REFUSED
from misfortune import DELETED, LISTED, UNKNOWN, MisfortuneTest


class GarbledTest(MisfortuneTest):
    def refuse(self, ending: str, message: str, **fields: Any) -> None:
        run = self.suffer("garble", **fields)
        self.assertIn(message, run.sentence)
        self.assert_ends(run, ending)

    def test_replies_that_name_no_key(self) -> None:
        for how, message in (
            ("not-xml", "is not XML in UTF-8"),
            ("wrong-root", "is the XML of something else"),
            ("empty", "is cut off"),
            ("html", "is the XML of something else"),
            ("binary", "is not XML in UTF-8"),
            ("doctype", "has a document type, which is not allowed"),
            ("entity-bomb", "has a document type, which is not allowed"),
            ("external-entity", "has a document type, which is not allowed"),
            ("utf-16", "is not XML in UTF-8"),
            ("wrong-namespace", "is the XML of something else"),
            ("deep", "is longer than 65536 bytes"),
        ):
            with self.subTest(how):
                self.refuse(LISTED, message, how=how)

    def test_replies_that_name_the_key(self) -> None:
        for how, message in (
            ("truncated", "is cut off"),
            ("bad-utf8", "is not well-formed XML"),
            ("nul-in-secret", "is not XML in UTF-8"),
            ("content-length-short", "is cut off"),
            ("content-length-long", "Connection was closed"),
            ("nested-secret", "has an element inside of SecretAccessKey"),
            ("comment-secret", "has markup inside of SecretAccessKey"),
            ("long-secret", "is longer than 65536 bytes"),
            ("trailing-garbage", "is not well-formed XML"),
        ):
            with self.subTest(how):
                self.refuse(DELETED, message, how=how)

    def test_elements_that_come_twice(self) -> None:
        for element in (
            "SecretAccessKey", "AccessKeyId", "UserName", "Status", "CreateDate", "AccessKey"
        ):  # fmt: skip
            with self.subTest(element):
                self.refuse(DELETED, f"has {element} twice", how="duplicate-element",
                            element=element)  # fmt: skip

    def test_elements_that_are_missing_or_empty(self) -> None:
        for element, ending in (
            ("SecretAccessKey", DELETED), ("Status", DELETED), ("CreateDate", DELETED),
            ("AccessKeyId", LISTED),
        ):  # fmt: skip
            with self.subTest(element):
                self.refuse(ending, f"lacks {element}", how="missing-element", element=element)
                self.refuse(ending, f"has {element} of 0 bytes", how="empty-element",
                            element=element)  # fmt: skip

    def test_elements_of_wrong_form(self) -> None:
        for element, text, ending in (
            ("SecretAccessKey", "too-short", DELETED),
            ("SecretAccessKey", "x" * 129, DELETED),
            ("SecretAccessKey", "with a blank in its midst, as no secret has", DELETED),
            ("SecretAccessKey", "with-an-ümlaut-in-its-midst-as-no-secret-has", DELETED),
            ("AccessKeyId", "AKIA", LISTED),
            ("AccessKeyId", "A" * 129, LISTED),
            ("AccessKeyId", "AKIA 2345 6789 0123 4567", LISTED),
            ("AccessKeyId", "AKIA;rm -rf /home/custodian", LISTED),
            ("UserName", "x" * 129, DELETED),
            ("UserName", "ali ce", DELETED),
            ("Status", "x" * 17, DELETED),
            ("CreateDate", "the day before yesterday", DELETED),
            ("CreateDate", "2026-13-45T00:00:00Z", DELETED),
        ):
            with self.subTest(element=element, text=text[:20]):
                self.refuse(ending, f"has {element}", how="replace-element", element=element,
                            text=text)  # fmt: skip

    def test_name_of_somebody_else(self) -> None:
        """The name that was asked for is the one under which the key is deleted."""
        self.refuse(DELETED, 'is for user "carol", not "alice"', how="replace-element",
                    element="UserName", text="carol")  # fmt: skip

    def test_replies_that_say_the_same_in_other_ways(self) -> None:
        for how in ("no-namespace", "cdata-secret", "reference-secret"):
            with self.subTest(how):
                self.suffer("garble", how=how, expect=OK)

    def test_elements_that_may_be_missing(self) -> None:
        for element in ("UserName", "RequestId", "ResponseMetadata"):
            with self.subTest(element):
                self.suffer("garble", how="missing-element", element=element, expect=OK)
                access_key_id = self.iam.key_ids("alice")[0]
                self.assertEqual(self.token.access_key(access_key_id).label, "alice")

    def test_status_is_passed_on(self) -> None:
        run = self.suffer("garble", how="replace-element", element="Status", text="Inactive",
                          expect=OK)  # fmt: skip
        self.assertEqual(run.json["AccessKey"]["Status"], "Inactive")


class SizeTest(MisfortuneTest):
    def test_huge_bodies(self) -> None:
        for size in (70_000, 3_000_000):
            for framing in ("content-length", "chunked", "close"):
                with self.subTest(size=size, framing=framing):
                    run = self.suffer("huge", bytes=size, framing=framing)
                    self.assertIn("is longer than 65536 bytes", run.sentence)
                    self.assert_ends(run, LISTED)

    def test_huge_headers(self) -> None:
        for where, size in (("headers", 70_000), ("headers", 3_000_000), ("header", 70_000)):
            with self.subTest(where=where, size=size):
                run = self.suffer("huge", bytes=size, where=where)
                self.assertIn("has more than 65536 bytes of headers", run.sentence)
                self.assert_ends(run, LISTED)

    def test_header_that_is_longer_than_libcurl_takes(self) -> None:
        self.assert_ends(self.suffer("huge", bytes=3_000_000, where="header"), LISTED)

    def test_large_but_not_too_large(self) -> None:
        self.suffer("huge", bytes=4_000, expect=OK)

    def test_small_pieces(self) -> None:
        for fields in ({}, {"headers": True}, {"chunk": 1}, {"chunk": 7, "size": 3}):
            with self.subTest(**fields):
                self.suffer("split", expect=OK, **fields)


class OddTest(MisfortuneTest):
    def test_redirects_are_not_followed(self) -> None:
        for status in (301, 302, 303, 307, 308):
            with self.subTest(status=status):
                run = self.suffer("redirect", status=status)
                self.assertIn(
                    f"The answer to CreateAccessKey is a redirect (HTTP status {status}), which "
                    "is not followed; check the endpoint.",
                    run.sentence,
                )
                self.assert_ends(run, UNKNOWN)

    def test_redirects_elsewhere(self) -> None:
        other = self.new_iam()
        for location in (other.url, "http://127.0.0.1:1/", "file:///etc/passwd", "/again"):
            with self.subTest(location):
                self.suffer("redirect", location=location)
                self.assertEqual(other.connections(), [])

    def test_two_answers_to_one_request(self) -> None:
        """The second belongs to no request, and must not be taken for the next one's answer."""
        for second in ("forged", "same"):
            with self.subTest(second):
                self.suffer("answer-twice", second=second, expect=OK)
                self.suffer("answer-twice", "ListAccessKeys", second=second, expect=OK)

    def test_clock_of_the_reply(self) -> None:
        for fields in ({"seconds": 7200}, {"seconds": -7200}, {"date": ""}, {"date": "nonsense"}):
            with self.subTest(**fields):
                self.suffer("skew", expect=OK, **fields)

    def test_list_that_lags(self) -> None:
        self.suffer("lag", "ListAccessKeys", seconds=60, expect=OK)


class SpokenSecretTest(MisfortuneTest):
    """A service that says in an error what it must not: we do not pass it on.

    Whether the secret is in what was printed or logged, the harness looks after every run.
    """

    def test_failure_that_quotes_the_secret(self) -> None:
        for status in (500, 503):
            with self.subTest(status=status):
                self.assert_ends(self.suffer("secret-in-error", status=status), LISTED)

    def test_refusal_that_quotes_the_secret(self) -> None:
        self.suffer("secret-in-error", status=400, expect=REFUSED)

    def test_debug_output(self) -> None:
        for message in ("{secret}", "key={secret};", "{secret}{secret}"):
            with self.subTest(message):
                self.suffer("secret-in-error", "CreateAccessKey", "--debug", message=message)

    def test_control_characters(self) -> None:
        """What comes from outside plays no tricks with a terminal."""
        run = self.suffer("error", expect=REFUSED, status=400, message="a\u009b31mb\u007fc\u0085d")
        self.assertTrue(run.sentence.endswith(": a31mbcd"), repr(run.sentence))
        run = self.suffer("error", status=400, message="a\x1b[31mb")
        self.assertNotIn("\x1b", run.err)


if __name__ == "__main__":
    unittest.main()
