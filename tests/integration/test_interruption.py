"""Signals: before the request leaves nothing is made, after that no key is lost."""

from __future__ import annotations

import json
import signal
import time
import unittest
from collections.abc import Callable

from harness import GENERAL, INTERRUPTED, OK, IntegrationTest, Run

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Less than the tool's own time-outs, and than what the server stalls: an end in time is no chance.
PATIENCE = 45
STALL = 120


class InterruptionTest(IntegrationTest):
    def interrupt(
        self, number: signal.Signals, ready: Callable[[], bool], *arguments: str,
        release: bool = False,
    ) -> Run:  # fmt: skip
        """Start the main job, send a signal once `ready` returns, and see it end, if need be by the
        answer that stalled."""
        words = ["create-access-key", *self.iam_arguments(), "--user-name", "alice", *arguments]
        process = self.start(*words)
        self.assertTrue(ready())
        process.send_signal(number)
        if release:
            self.iam.release()
        out, err = process.communicate(timeout=PATIENCE)
        run = Run(words, process.returncode, out.decode(), err.decode())
        self.assert_secrecy(run)
        return run

    def connected(self) -> bool:
        """Whether somebody connects in time."""
        deadline = time.monotonic() + PATIENCE
        while not self.iam.connections() and time.monotonic() < deadline:
            time.sleep(0.01)
        return bool(self.iam.connections())

    def assert_nothing_was_made(self, run: Run) -> None:
        self.assertEqual(run.code, INTERRUPTED, run)
        self.assertEqual(run.out, "")
        self.assertEqual(self.iam.requests("CreateAccessKey"), [])
        self.assertEqual(self.token.access_key_ids(), [self.iam.root_id])

    def test_while_connecting(self) -> None:
        self.iam.set_door("stall")
        for number in SIGNALS:
            with self.subTest(number.name):
                self.iam.endpoint.log.clear()
                self.assert_nothing_was_made(self.interrupt(number, self.connected))

    def test_while_listing(self) -> None:
        self.iam.misbehave("stall", "ListAccessKeys", seconds=STALL)
        run = self.interrupt(signal.SIGINT, lambda: self.iam.wait("ListAccessKeys"))
        self.assert_nothing_was_made(run)
        self.assertEqual(self.iam.endpoint.gate.release(), 1)

    def test_once_the_request_has_left(self) -> None:
        """The reply is waited for, the key taken in, and the exit code still says 130."""
        for number, user in zip(SIGNALS, ("alice", "alice", "bob"), strict=True):
            with self.subTest(number.name):
                self.iam.endpoint.log.clear()
                self.iam.misbehave("stall", seconds=STALL)
                run = self.interrupt(
                    number, lambda: self.iam.wait("CreateAccessKey"), "--user-name", user,
                    release=True,
                )  # fmt: skip
                self.assertEqual(run.code, INTERRUPTED, run)
                self.assertIn("hsmiam: stopping. If the request has left already", run.err)
                self.assert_held(json.loads(run.out)["AccessKey"]["AccessKeyId"])
                self.assertEqual(len(self.iam.requests("CreateAccessKey")), 1)

    def test_answer_that_is_lost_after_the_signal(self) -> None:
        """What IAM made meanwhile is looked for, named, and deleted once nothing else can appear."""
        for number in SIGNALS:
            with self.subTest(number.name):
                self.iam.endpoint.reset()
                self.iam.misbehave("stall", seconds=STALL)
                run = self.interrupt(
                    number, lambda: self.iam.wait("CreateAccessKey"), "--cli-read-timeout", "3"
                )
                self.assertEqual(self.iam.endpoint.gate.release(), 1)
                self.assertIn(run.code, (INTERRUPTED, GENERAL), run)
                self.assertEqual(run.out, "")
                (access_key_id,) = self.iam.key_ids("alice")
                self.assertIn("Whether IAM made a key for alice is not known (record ", run.sentence)
                self.assertIn(f"{access_key_id} may be the one that was made", run.sentence)
                self.assertIn("Run `hsmiam recover --wait`.", run.sentence)
                self.assert_sent_once()
                self.iam.set_clock(600)
                self.hsmiam("recover", *self.iam_arguments())
                self.iam.set_clock(0)
                self.assertEqual(self.iam.deleted_ids(), [access_key_id])
                self.assertEqual(self.token.access_key_ids(), [self.iam.root_id])

    def test_while_the_pin_is_asked_for(self) -> None:
        credential = self.token.key_uri(self.iam.root_id, query="")
        for how in ("control-C", "SIGTERM"):
            with self.subTest(how):
                terminal = self.on_terminal(
                    "create-access-key", *self.iam_arguments(credential=credential)
                )
                terminal.read_until('PIN for token "custody": ')
                terminal.type(self.token.pin[:6])
                if how == "control-C":
                    terminal.type("\x03")
                else:
                    terminal.process.send_signal(signal.SIGTERM)
                self.assertEqual(terminal.finish(), INTERRUPTED, terminal.shown)
                self.assertTrue(terminal.is_restored())
                self.assertNotIn(self.token.pin[:6], terminal.shown)
        self.assertEqual(self.iam.requests(), [])

    def test_suspended_at_the_prompt(self) -> None:
        """The shell gets its terminal back as it was, and the question comes again."""
        credential = self.token.key_uri(self.iam.root_id, query="")
        terminal = self.on_terminal(
            "create-access-key", *self.iam_arguments(credential=credential), "--user-name", "bob"
        )
        terminal.read_until("PIN for token")
        terminal.process.send_signal(signal.SIGTSTP)
        deadline = time.monotonic() + PATIENCE
        while not terminal.is_restored() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertTrue(terminal.is_restored())
        terminal.shown = ""
        terminal.process.send_signal(signal.SIGCONT)
        terminal.read_until("PIN for token")
        self.assertFalse(terminal.echoes())
        terminal.type(f"{self.token.pin}\n")
        self.assertEqual(terminal.finish(), OK, terminal.shown)
        self.assert_held(self.iam.key_ids("bob")[0])

    def test_ignored_by_the_parent(self) -> None:
        """As under nohup: what was ignored stays so."""
        process = self.start(
            "create-access-key", *self.iam_arguments(), "--user-name", "alice",
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        )  # fmt: skip
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, OK)


if __name__ == "__main__":
    unittest.main()
