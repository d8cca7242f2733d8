"""Connections that stall, break or are refused. The request to make a key is sent once."""

from __future__ import annotations

import time
import unittest

from harness import GENERAL, OK, REFUSED, Run
from misfortune import DELETED, LISTED, NOTHING_MADE, UNKNOWN, MisfortuneTest

CLOSED = "Connection was closed before we received a valid response from endpoint URL"
CLOSINGS = ("fin", "rst", "close-notify")


class CutTest(MisfortuneTest):
    def test_every_place_and_way(self) -> None:
        """Once the id of the key is known, the key is deleted; before that it is named."""
        for place, ending in (
            ("before-headers", LISTED),
            ("in-headers", LISTED),
            ("after-headers", LISTED),
            ("in-secret", DELETED),
            ("before-end", DELETED),
        ):
            for how in CLOSINGS:
                with self.subTest(place=place, how=how):
                    run = self.suffer("cut", at=place, how=how)
                    self.assert_ends(run, ending)
                    self.assertRegex(run.sentence, f"{CLOSED}|is cut off")

    def test_every_hundredth_byte(self) -> None:
        for byte in range(0, 500, 50):
            with self.subTest(byte=byte):
                self.suffer("cut", byte=byte)

    def test_nothing_was_executed(self) -> None:
        self.assert_ends(self.suffer("cut", execute=False), UNKNOWN)

    def test_executed_later(self) -> None:
        """What the list does not show yet, the message warns of."""
        self.assert_ends(self.suffer("execute-late", seconds=600), UNKNOWN)

    def test_without_the_right_to_list(self) -> None:
        self.iam.endpoint.options.deny.append("root-admin:ListAccessKeys")
        self.iam.endpoint.reset()
        self.iam.misbehave("cut")
        run = self.issue("--user-name", "alice", expect=GENERAL)
        self.assertIn("IAM does not list", run.sentence)
        self.assertEqual(len(self.iam.requests("CreateAccessKey")), 1)

    def test_list_that_fails_afterwards(self) -> None:
        self.iam.misbehave("cut")
        self.iam.misbehave("cut", "ListAccessKeys", skip=1, times=-1)
        run = self.issue("--user-name", "alice", expect=GENERAL)
        self.assertIn("IAM does not list", run.sentence)

    def test_somebody_else_makes_a_key_meanwhile(self) -> None:
        """Two candidates: both are named, none is touched."""
        self.iam.misbehave("stall", seconds=120)
        process = self.start(
            "create-access-key", *self.iam_arguments(), "--user-name", "alice",
            "--cli-read-timeout", "1",
        )  # fmt: skip
        self.assertTrue(self.iam.wait("CreateAccessKey"))
        self.iam.act("CreateAccessKey", UserName="alice")
        out, err = process.communicate(timeout=60)
        run = Run([], process.returncode, out.decode(), err.decode())
        self.assert_secrecy(run)
        self.assertEqual(run.code, GENERAL)
        keys = self.iam.key_ids("alice")
        self.assertEqual(len(keys), 2)
        for access_key_id in keys:
            self.assertIn(access_key_id, run.sentence)


class StallTest(MisfortuneTest):
    def test_every_place(self) -> None:
        for place, ending in (
            ("before-execute", UNKNOWN),
            ("before-headers", LISTED),
            ("in-headers", LISTED),
            ("after-headers", LISTED),
            ("in-secret", DELETED),
            ("before-end", DELETED),
        ):
            with self.subTest(place):
                execute = place != "before-execute"
                run = self.suffer("stall", at=place, seconds=120, execute=execute)
                # The tool has ended, and the server stalls still.
                self.assertEqual(self.iam.endpoint.gate.release(), 1)
                self.assert_ends(run, ending)
                self.assertIn(f'Read timeout on endpoint URL: "{self.iam.url}', run.sentence)

    def test_slow_is_not_stalled(self) -> None:
        """The time-out is for the next byte, not for the whole."""
        began = time.monotonic()
        self.suffer(
            "split", "CreateAccessKey", "--cli-read-timeout", "2", size=40, seconds=0.15, headers=True,
            expect=OK,
        )  # fmt: skip
        self.assertGreater(time.monotonic() - began, 2)

    def test_longer_patience(self) -> None:
        for seconds in ("0", "10"):
            with self.subTest(seconds):
                self.suffer("stall", "CreateAccessKey", "--cli-read-timeout", seconds,
                            seconds=1.5, expect=OK)  # fmt: skip

    def test_connecting(self) -> None:
        self.iam.set_door("stall")
        began = time.monotonic()
        run = self.issue("--user-name", "alice", "--cli-connect-timeout", "1", expect=GENERAL)
        self.assertIn(f'Connect timeout on endpoint URL: "{self.iam.url}', run.sentence)
        self.assertLess(time.monotonic() - began, 30)  # without the option it is 60


class ConnectionTest(MisfortuneTest):
    def test_refused_and_closed_at_once(self) -> None:
        for mode in ("refuse", "close"):
            with self.subTest(mode):
                self.iam.set_door(mode)
                run = self.issue("--user-name", "alice", expect=GENERAL)
                self.assertRegex(
                    run.sentence, "Could not connect to the endpoint URL|SSL validation failed"
                )
                self.assertEqual(self.iam.requests(), [])

    def test_idle_connection_that_closes_between_requests(self) -> None:
        """The next request goes over a new one, or is lost if it left before the close was seen."""
        for how in CLOSINGS:
            with self.subTest(how):
                run = self.suffer("drop-idle", "ListAccessKeys", how=how, expect=None)
                if run.code == OK:
                    self.assertEqual(len(self.iam.requests("CreateAccessKey")), 1)
                else:
                    self.assertEqual(run.code, GENERAL)
                    self.assert_ends(run, UNKNOWN)

    def test_idle_connection_that_closes_on_the_request(self) -> None:
        """libcurl by itself sends a request again that got no answer on a reused connection."""
        for how in CLOSINGS:
            for executed in (True, False):
                with self.subTest(how=how, executed=executed):
                    run = self.suffer(
                        "drop-idle", "ListAccessKeys", when="next-request", how=how,
                        execute_next=executed,
                    )  # fmt: skip
                    self.assert_ends(run, LISTED if executed else UNKNOWN)
                    self.assertEqual(len(self.iam.requests("CreateAccessKey")), 1)

    def test_connection_that_closes_after_the_reply(self) -> None:
        for how in CLOSINGS:
            with self.subTest(how):
                self.suffer("drop-idle", how=how, expect=OK)


class ListTest(MisfortuneTest):
    """ListAccessKeys comes first: if that goes wrong, nothing was made, and this is said."""

    def test_nothing_is_made(self) -> None:
        for kind, fields in (
            ("cut", {}),
            ("cut", {"at": "after-headers"}),
            ("stall", {"seconds": 20}),
            ("garble", {"how": "not-xml"}),
            ("garble", {"how": "truncated"}),
            ("garble", {"how": "entity-bomb"}),
            ("garble", {"how": "missing-element", "element": "ListAccessKeysResult"}),
            ("huge", {}),
            ("error", {"status": 500}),
            ("error", {"status": 502, "body": "<html></html>"}),
            ("redirect", {}),
        ):
            with self.subTest(kind=kind, **fields):
                run = self.suffer(kind, "ListAccessKeys", times=-1, **fields)
                self.assert_ends(run, NOTHING_MADE)
                self.assertEqual(self.iam.requests("CreateAccessKey"), [])
                self.iam.endpoint.gate.release()

    def test_refusals_let_the_request_speak_for_itself(self) -> None:
        for fields in (
            {"status": 400, "code": "Throttling"}, {"status": 403, "code": "Whatever"},
        ):  # fmt: skip
            with self.subTest(**fields):
                self.suffer("error", "ListAccessKeys", expect=OK, **fields)


class ServiceFailureTest(MisfortuneTest):
    """5xx tells nothing of what was executed, 4xx does."""

    def test_refusals(self) -> None:
        self.environment["AWS_MAX_ATTEMPTS"] = "1"
        for kind, fields, code in (
            ("throttle", {}, "Throttling"),
            ("throttle", {"status": 429}, "Throttling"),
            ("throttle", {"status": 503, "code": "RequestLimitExceeded"}, "RequestLimitExceeded"),
            ("error", {"status": 400, "code": "ValidationError"}, "ValidationError"),
            ("error", {"status": 403, "code": "InvalidClientTokenId"}, "InvalidClientTokenId"),
            ("error", {"status": 409, "code": "EntityTemporarilyUnmodifiable"},
             "EntityTemporarilyUnmodifiable"),
        ):  # fmt: skip
            with self.subTest(kind=kind, **fields):
                run = self.suffer(kind, expect=REFUSED, message="Not now.", **fields)
                self.assertEqual(
                    run.sentence,
                    f"An error occurred ({code}) when calling the CreateAccessKey operation: "
                    "Not now.",
                )

    def test_failures(self) -> None:
        for fields, message in (
            ({"status": 500}, "IAM failed in CreateAccessKey with HTTP status 500"),
            ({"status": 503}, "IAM failed in CreateAccessKey with HTTP status 503"),
            ({"status": 502, "body": "<html><body>Bad gateway</body></html>"}, "HTTP status 502"),
            ({"status": 504, "body": ""}, "HTTP status 504"),
            ({"status": 200}, "HTTP status 200, and yet is an error"),
        ):
            for execute, ending in ((False, UNKNOWN), (True, LISTED)):
                with self.subTest(execute=execute, **fields):
                    run = self.suffer("error", execute=execute, **fields)
                    self.assertIn(message, run.sentence)
                    self.assert_ends(run, ending)

    def test_answers_of_something_else(self) -> None:
        for status in (404, 407, 418):
            with self.subTest(status=status):
                run = self.suffer("error", status=status, body="nothing here")
                self.assertIn(f"HTTP status {status} and is not an answer of IAM; check the "
                              "endpoint and the proxy", run.sentence)  # fmt: skip


if __name__ == "__main__":
    unittest.main()
