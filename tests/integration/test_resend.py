"""What is sent again and what is not: one key comes of it, or none that nobody knows of."""

from __future__ import annotations

import re
import threading
import time
import unittest
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from harness import CONFIGURATION, GENERAL, INTERRUPTED, OK, REFUSED, SECONDS, Run
from local_iam import Door
from misfortune import DELETED, LISTED, UNKNOWN, USER, MisfortuneTest
from tls import TlsOptions

ONE = {"AWS_MAX_ATTEMPTS": "1"}


class ResendTest(MisfortuneTest):
    """A run against rules given one by one; how often the request came is each test's own."""

    def create(self, *arguments: str, expect: int | None = OK, env: dict[str, str] | None = None
               ) -> Run:  # fmt: skip
        return self.issue("--user-name", USER, *arguments, expect=expect, env=env)

    def assert_one_key(self, requests: int) -> None:
        """One key was made, the token holds it, and so many requests were sent for it."""
        made = self.iam.key_ids(USER)
        self.assertEqual((len(made), self.iam.deleted_ids()), (1, []))
        self.assert_held(made[0])
        self.assert_requests(requests)

    def assert_requests(self, count: int) -> None:
        """Each of them was signed for itself."""
        sent = self.iam.requests("CreateAccessKey")
        self.assertEqual(len(sent), count)
        self.assertLessEqual(sum(entry["executed"] for entry in sent), 1)


class ThrottlingTest(ResendTest):
    def test_until_it_is_not(self) -> None:
        for times, attempts in ((1, None), (2, None), (3, "4")):
            with self.subTest(times=times):
                self.iam.endpoint.reset()
                self.iam.misbehave("throttle", times=times)
                run = self.create(
                    "--debug", env={"AWS_MAX_ATTEMPTS": attempts} if attempts else None
                )
                self.assert_one_key(times + 1)
                again = re.findall(r"CreateAccessKey is sent again in \d+ ms, .*throttled", run.err)
                self.assertEqual(len(again), times, run)

    def test_and_no_longer(self) -> None:
        for attempts, requests in ((None, 3), ("1", 1), ("2", 2)):
            with self.subTest(attempts=attempts):
                self.iam.endpoint.reset()
                self.iam.misbehave("throttle", times=-1, message="Rate exceeded.")
                run = self.create(
                    expect=REFUSED, env={"AWS_MAX_ATTEMPTS": attempts} if attempts else None
                )
                self.assertEqual(
                    run.sentence,
                    "An error occurred (Throttling) when calling the CreateAccessKey operation: "
                    "Rate exceeded.",
                )
                self.assert_requests(requests)
                self.assertEqual(self.iam.key_ids(USER), [])

    def test_attempts_of_the_profile(self) -> None:
        (self.directory / "home" / ".aws").mkdir()
        (self.directory / "home" / ".aws" / "config").write_text("[default]\nmax_attempts = 2\n")
        self.iam.misbehave("throttle", times=-1)
        self.create(expect=REFUSED)
        self.assert_requests(2)
        run = self.create(expect=CONFIGURATION, env={"AWS_MAX_ATTEMPTS": "many"})
        self.assertIn('"max_attempts": "many" must be a whole number from 1', run.sentence)

    def test_retry_after(self) -> None:
        for value in (2, "2", None):
            with self.subTest(value=value):
                self.iam.endpoint.reset()
                if value is None:  # three seconds by the server's clock, which ours is not
                    value = format_datetime(datetime.now(UTC) + timedelta(seconds=203), usegmt=True)
                    self.iam.misbehave("skew", seconds=200)
                self.iam.misbehave("throttle", retry_after=value)
                began = time.monotonic()
                self.create()
                self.assertGreaterEqual(time.monotonic() - began, 2)
                self.assertLess(time.monotonic() - began, 30)
                self.assert_one_key(2)

    def test_interrupted_while_waiting(self) -> None:
        """Nothing is under way then, and nothing was made."""
        self.iam.misbehave("throttle", retry_after=60)
        process = self.start("create-access-key", *self.iam_arguments(), "--user-name", USER)
        self.assertTrue(self.iam.wait("CreateAccessKey"))
        time.sleep(0.3)
        began = time.monotonic()
        process.send_signal(2)
        process.communicate(timeout=SECONDS)
        self.assertLess(time.monotonic() - began, 30)
        self.assertEqual(process.returncode, INTERRUPTED)
        self.assert_requests(1)
        self.assertEqual(self.iam.key_ids(USER), [])

    def test_before_and_after_the_request(self) -> None:
        """What comes before it and after it is idempotent, and is sent again on any failure."""
        for kind, fields in (
            ("throttle", {}), ("cut", {}), ("error", {"status": 500}), ("stall", {"seconds": 3}),
        ):  # fmt: skip
            with self.subTest(kind):
                self.iam.endpoint.reset()
                self.iam.misbehave(kind, "ListAccessKeys", **fields)
                self.create(*(["--cli-read-timeout", "1"] if kind == "stall" else []))
                self.assert_one_key(1)
                self.assertEqual(len(self.iam.requests("ListAccessKeys")), 2)
                self.iam.endpoint.gate.release()


class ClockTest(ResendTest):
    def test_corrected_once(self) -> None:
        """By the first reply, which is ListAccessKeys'; CreateAccessKey then is signed right."""
        for offset in (600, -600, 86400, -86400):
            with self.subTest(offset=offset):
                self.iam.endpoint.reset()
                self.iam.set_clock(offset)
                run = self.create()
                self.assert_one_key(1)
                self.assertEqual(len(self.iam.requests("ListAccessKeys")), 2)
                where = "behind" if offset > 0 else "ahead of"
                self.assertRegex(
                    run.err, rf"warning: The clock of this machine is \d+ seconds {where} IAM's; "
                )
                self.assertEqual(run.err.count("warning: The clock"), 1)

    def test_corrected_by_the_request_itself(self) -> None:
        """IAM's clock jumps between the list and the request; what is refused makes no key."""
        for code, message in (
            ("SignatureDoesNotMatch", "Signature expired: 20150830T123600Z is now earlier than"),
            ("RequestTimeTooSkewed", "The difference is too large."),
        ):
            with self.subTest(code):
                self.iam.endpoint.reset()
                self.iam.misbehave("skew", seconds=250)
                self.iam.misbehave("error", status=403, code=code, message=message)
                self.create()
                self.assert_one_key(2)

    def test_wrong_all_the_same(self) -> None:
        """The Date of the replies is not the clock that the signatures are held against."""
        for seconds, message in (
            (-3600, "The Date of the answer does not say by how much this machine's clock is "
                    "wrong; set it."),
            (3600, "Signing by IAM's clock, as the Date of its answer tells it, did not help; set "
                   "this machine's clock."),
        ):  # fmt: skip
            with self.subTest(seconds=seconds):
                self.iam.endpoint.reset()
                self.iam.set_clock(3600)
                self.iam.misbehave("skew", "*", seconds=seconds, times=-1)
                run = self.create(expect=REFUSED)
                self.assertIn("(SignatureDoesNotMatch)", run.sentence)
                self.assertTrue(run.sentence.endswith(message), run)
                self.assertEqual(self.iam.key_ids(USER), [])
                self.assert_requests(1 if seconds < 0 else 2)

    def test_with_one_attempt(self) -> None:
        """The list is refused, and the request that follows it knows better."""
        self.iam.set_clock(3600)
        self.create(env=ONE)
        self.assert_one_key(1)


class UnknownTest(ResendTest):
    """What may have been executed is not sent again, however many attempts are granted."""

    def test_sent_once(self) -> None:
        for kind, fields, ending in (
            ("error", {"status": 500}, UNKNOWN),
            ("error", {"status": 500, "execute": True}, LISTED),
            ("error", {"status": 503, "code": "ServiceUnavailable"}, UNKNOWN),
            ("throttle", {"status": 503}, UNKNOWN),  # it says ServiceUnavailable
            ("error", {"status": 502, "body": ""}, UNKNOWN),
            ("stall", {"seconds": 20}, LISTED),
            ("stall", {"seconds": 20, "at": "in-secret"}, DELETED),
            ("stall", {"seconds": 20, "at": "before-execute", "execute": False}, UNKNOWN),
            ("cut", {}, LISTED),
            ("cut", {"at": "before-end"}, DELETED),
            ("execute-late", {"seconds": 600}, UNKNOWN),
            ("garble", {"how": "not-xml"}, LISTED),
        ):
            with self.subTest(kind=kind, **fields):
                self.environment["AWS_MAX_ATTEMPTS"] = "10"
                run = self.suffer(kind, expect=GENERAL, **fields)
                self.assert_ends(run, ending)
                self.assert_requests(1)
                self.iam.endpoint.gate.release()

    def test_throttled_and_then_unknown(self) -> None:
        self.iam.misbehave("throttle")
        self.iam.misbehave("cut")
        run = self.create(expect=GENERAL, env={"AWS_MAX_ATTEMPTS": "10"})
        self.assert_ends(run, LISTED)
        self.assert_requests(2)


class ConnectionTest(ResendTest):
    def test_closed_at_once(self) -> None:
        """The first connections end before the request, in the midst of the handshake."""
        self.iam.endpoint.server.set_door(Door("close", 2))
        self.create()
        self.assert_one_key(1)

    def test_refused_for_a_moment(self) -> None:
        self.iam.set_door("refuse")
        opening = threading.Timer(0.5, self.iam.set_door, ("open",))
        opening.start()
        self.addCleanup(opening.join)
        self.create(env={"AWS_MAX_ATTEMPTS": "100"})
        self.assert_one_key(1)

    def test_wrong_endpoint_is_said_soon(self) -> None:
        self.iam.set_door("refuse")
        began = time.monotonic()
        run = self.create("--debug", expect=GENERAL)
        self.assertLess(time.monotonic() - began, 20)
        self.assertEqual(len(re.findall("ListAccessKeys is sent again", run.err)), 2)
        self.assertEqual(self.iam.requests(), [])

    def test_peer_that_is_not_trusted_is_asked_once(self) -> None:
        other = self.new_iam(tls=TlsOptions())
        run = self.hsmiam(
            "create-access-key", *self.iam_arguments(ca_bundle=str(other.ca_bundle)),
            "--user-name", USER, "--debug", expect=GENERAL,
        )  # fmt: skip
        self.assertIn("SSL validation failed", run.sentence)
        self.assertNotIn("is sent again", run.err)


def load_tests(loader: unittest.TestLoader, *_: Any) -> unittest.TestSuite:
    """The tests of this file, not those of the class that they stand on."""
    suite = unittest.TestSuite()
    for case in (ThrottlingTest, ClockTest, UnknownTest, ConnectionTest):
        suite.addTests(loader.loadTestsFromTestCase(case))
    return suite


if __name__ == "__main__":
    unittest.main()
