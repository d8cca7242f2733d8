"""`recover`: what interrupted runs left open is settled, and nothing of anybody else's is touched."""

import itertools
import re
import signal
import subprocess
import unittest
from typing import Any

from local_iam import Settings
from harness import GENERAL, INTERRUPTED, SECONDS, USAGE, IntegrationTest, Run
from softhsm import DISTURBED

SIGNATURE_SECONDS = 300
OVER = SIGNATURE_SECONDS + 60 + 180 + 60
USER = "alice"


class RecoverTest(IntegrationTest):
    def recover(self, *arguments: str, expect: int | None = 0, **iam: Any) -> Run:
        return self.hsmiam("recover", *self.iam_arguments(**iam), *arguments, expect=expect)

    def runs(self, run: Run) -> list[dict[str, Any]]:
        return list(run.json["InterruptedRuns"])

    def kill_in(self, operation: str = "CreateAccessKey", user: str = USER, number: int = signal.SIGKILL,
                **stall: Any) -> subprocess.Popen[bytes]:  # fmt: skip
        """Start an issue, and kill it while an answer of IAM stalls."""
        self.iam.endpoint.log.clear()
        self.iam.misbehave("stall", operation, seconds=60, **stall)
        process = self.start("create-access-key", *self.iam_arguments(), "--user-name", user)
        self.assertTrue(self.iam.wait(operation))
        process.send_signal(number)
        process.wait(SECONDS)
        self.iam.endpoint.gate.release()
        return process

    def assert_whole(self) -> None:
        """What IAM has of the users, the token has, and the ledger is right."""
        listed = self.iam.key_ids("alice") + self.iam.key_ids("bob")
        held = [key for key in self.token.access_key_ids() if key != self.iam.root_id]
        self.assertEqual(sorted(listed), sorted(held))
        self.assertEqual(self.hsmiam("audit", "verify").json["Verdict"], "intact")


class KilledTest(RecoverTest):
    def test_nothing_to_do(self) -> None:
        self.issue_for(USER)
        self.iam.endpoint.log.clear()
        self.assertEqual(self.recover().json, {"InterruptedRuns": []})
        self.assertEqual(self.iam.requests(), [])

    def test_before_the_request(self) -> None:
        """There is no intent: nothing is open."""
        self.kill_in("ListAccessKeys")
        self.assertEqual(self.recover().json, {"InterruptedRuns": []})
        self.issue_for(USER)
        self.assert_whole()

    def test_after_the_request(self) -> None:
        for at in ("before-headers", "in-headers", "in-secret", "before-end"):
            with self.subTest(at):
                self.kill_in(at=at)
                (orphan,) = self.iam.key_ids(USER)
                run = self.issue("--user-name", USER, expect=GENERAL)
                self.assertIn("is not settled: no key was asked for", run.sentence)
                (left,) = self.runs(self.recover(expect=GENERAL))
                self.assertIn("may be the one that was made", left["Reason"])
                self.assertEqual(left["Candidates"], [orphan])
                self.iam.set_clock(OVER)
                (would,) = self.runs(self.recover("--dry-run", expect=GENERAL))
                self.assertEqual((would["AccessKeyId"], would["Result"]), (orphan, "deleted"))
                self.assertEqual(self.iam.key_ids(USER), [orphan])
                (done,) = self.runs(self.recover())
                self.assertEqual(
                    (done["State"], done["Result"], done["AccessKeyId"], done["UserName"]),
                    ("settled", "deleted", orphan, USER),
                )
                self.assert_whole()
                self.iam.set_clock(0)
        self.issue_for(USER)
        self.assert_whole()

    def test_request_that_was_not_executed(self) -> None:
        self.kill_in(at="before-execute", execute=False)
        (run,) = self.runs(self.recover(expect=GENERAL))
        self.assertEqual(run["State"], "open")
        self.assertIn("it may still execute the request", run["Reason"])
        self.assertGreater(run["ComeBackIn"], SIGNATURE_SECONDS)
        self.iam.set_clock(OVER)
        (run,) = self.runs(self.recover())
        self.assertEqual((run["State"], run["Result"]), ("settled", "not-executed"))
        self.iam.set_clock(0)
        self.issue_for(USER)
        self.assert_whole()

    def test_request_that_is_executed_late(self) -> None:
        self.iam.misbehave("execute-late", seconds=200)
        run = self.issue("--user-name", USER, expect=GENERAL)
        self.assertIn("hsmiam recover", run.sentence)
        (run,) = self.runs(self.recover(expect=GENERAL))
        self.assertEqual(run["State"], "open")
        self.iam.set_clock(201)
        (orphan,) = self.iam.key_ids(USER)
        self.assertEqual(self.runs(self.recover(expect=GENERAL))[0]["State"], "open")
        self.iam.set_clock(OVER)
        (run,) = self.runs(self.recover())
        self.assertEqual((run["Result"], run["AccessKeyId"]), ("deleted", orphan))
        self.assert_whole()

    def test_key_in_the_token(self) -> None:
        """The outcome is missing, as if the process had died just before it."""
        access_key_id = self.issue_for(USER)
        ledger = self.directory / "state" / "hsmiam" / "ledger.jsonl"
        lines = ledger.read_text().splitlines(keepends=True)
        self.assertIn('"event":"outcome"', lines[-1])
        ledger.write_text("".join(lines[:-1]))
        self.assertEqual(self.runs(self.recover(expect=GENERAL))[0]["State"], "open")
        self.iam.set_clock(OVER)
        (run,) = self.runs(self.recover())
        self.assertEqual((run["Result"], run["AccessKeyId"]), ("held", access_key_id))
        self.assert_held(access_key_id)
        self.assert_whole()

    def test_wait(self) -> None:
        self.kill_in(at="before-execute", execute=False)
        process = self.start("recover", *self.iam_arguments(), "--wait")
        self.assertTrue(self.iam.wait("ListAccessKeys", 2))
        self.iam.set_clock(OVER)
        out, _ = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, 0)
        self.assertIn(b"not-executed", out)

    def test_all_forms(self) -> None:
        self.kill_in(at="before-execute", execute=False)
        for form in ("json", "yaml", "text", "table"):
            with self.subTest(form):
                run = self.recover("--output", form, expect=GENERAL)
                self.assertIn("it may still execute the request", " ".join(run.out.split()))
                self.assertIn("1 interrupted runs are left open.", run.sentence)


class SignalTest(RecoverTest):
    def test_second_control_c(self) -> None:
        self.iam.misbehave("stall", seconds=60)
        process = self.start("create-access-key", *self.iam_arguments(), "--user-name", USER)
        self.assertTrue(self.iam.wait("CreateAccessKey"))
        process.send_signal(signal.SIGINT)
        self.assertRaises(subprocess.TimeoutExpired, process.wait, 1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=SECONDS)
        self.iam.endpoint.gate.release()
        self.assertEqual(process.returncode, INTERRUPTED)
        self.assertIn(b"run `hsmiam recover`", err)
        self.assertEqual(len(self.iam.key_ids(USER)), 1)
        self.iam.set_clock(OVER)
        (run,) = self.runs(self.recover())
        self.assertEqual(run["Result"], "deleted")
        self.assert_whole()


class OthersTest(RecoverTest):
    def make_elsewhere(self) -> str:
        """Another administrator makes a key with another tool."""
        self.iam.act("CreateAccessKey", UserName=USER)
        return self.iam.key_ids(USER)[-1]

    def test_key_of_another_administrator(self) -> None:
        """Beside ours it cannot be told which is whose, and none is touched."""
        self.kill_in()
        theirs = self.make_elsewhere()
        both = self.iam.key_ids(USER)
        for _ in range(2):
            (run,) = self.runs(self.recover(expect=GENERAL))
            self.assertEqual(run["State"], "open")
            self.assertEqual(sorted(run["Candidates"]), sorted(both))
            self.assertEqual(self.iam.key_ids(USER), both)
            self.iam.set_clock(OVER)
        (ours,) = [key for key in both if key != theirs]
        self.iam.act("DeleteAccessKey", UserName=USER, AccessKeyId=ours)
        (run,) = self.runs(self.recover(expect=GENERAL))
        self.assertIn("There were several candidates", run["Reason"])
        self.assertEqual(self.iam.key_ids(USER), [theirs])
        self.close(run["Intent"])
        self.assertEqual(self.iam.key_ids(USER), [theirs])

    def test_key_that_another_administrator_uses(self) -> None:
        """What is used is nobody's orphan; ours is deleted beside it."""
        self.kill_in()
        (ours,) = self.iam.key_ids(USER)
        theirs = self.make_elsewhere()
        self.iam.use(theirs)
        self.iam.set_clock(OVER)
        (run,) = self.runs(self.recover())
        self.assertEqual((run["Result"], run["AccessKeyId"]), ("deleted", ours))
        self.assertEqual(self.iam.key_ids(USER), [theirs])

    def close(self, intent: int, reason: str = "The security team looked after it.") -> None:
        closed = self.hsmiam(
            "recover", *self.iam_arguments(), "--close", str(intent), "--reason", reason, "--yes"
        )
        (run,) = self.runs(closed)
        self.assertEqual((run["Intent"], run["Result"]), (intent, "closed"))
        self.assertEqual(self.recover().json, {"InterruptedRuns": []})
        (record,) = self.hsmiam("audit", "show", "--event", "closing").json["Records"]
        self.assertEqual((record["Intent"], record["Reason"]), (intent, reason))
        self.assertEqual(self.hsmiam("audit", "verify").json["Verdict"], "intact")

    def test_key_of_another_administrator_before(self) -> None:
        theirs = self.make_elsewhere()
        self.kill_in()
        self.iam.set_clock(OVER)
        self.recover()
        self.assertEqual(self.iam.key_ids(USER), [theirs])

    def test_another_account(self) -> None:
        self.kill_in()
        other = self.new_iam(users=["alice"], settings=Settings(account="210987654321"))
        self.hsmiam(
            "import-access-key", "--access-key-id", other.root_id, "--token", self.token.uri(),
            stdin=other.root_secret,
        )  # fmt: skip
        self.searcher.add_access_key("the other root", other.root_secret)
        other.set_clock(OVER)
        run = self.hsmiam(
            "recover", "--credential", self.token.key_uri(other.root_id),
            "--endpoint-url", other.url, "--ca-bundle", str(other.ca_bundle), expect=GENERAL,
        )  # fmt: skip
        (left,) = self.runs(run)
        self.assertEqual(left["State"], "open")
        self.assertIn(f"hsmiam recover --close {left['Intent']}", left["Reason"])
        self.assertEqual(other.requests("DeleteAccessKey"), [])
        self.assertEqual(len(self.iam.key_ids(USER)), 1)
        self.iam.set_clock(OVER)
        self.recover()
        self.assert_whole_but(other.root_id)

    def assert_whole_but(self, access_key_id: str) -> None:
        self.assertEqual(self.iam.key_ids(USER), [])
        self.assertIn(access_key_id, self.token.access_key_ids())

    def test_without_the_rights(self) -> None:
        """Issuing works all the same, and says what it cannot promise."""
        self.iam.deny("root-admin:ListAccessKeys", "root-admin:DeleteAccessKey")
        run = self.issue("--user-name", USER)
        self.assertIn("may not call ListAccessKeys", run.err)
        self.kill_in(user="bob")
        (left,) = self.runs(self.recover(expect=GENERAL))
        self.assertIn("IAM does not list the user's keys", left["Reason"])
        self.iam.endpoint.change_permissions([], [], True)
        (left,) = self.runs(self.recover(expect=GENERAL))
        self.assertEqual(left.get("Candidates"), self.iam.key_ids("bob"), left)

    def test_closing_needs_a_word(self) -> None:
        """Without a terminal it is not asked for, and so not done unless told."""
        self.kill_in()
        for extra, said in (
            (["--reason", "gone"], "--yes closes it unasked"),
            (["--yes"], "needs --reason"),
            (["--yes", "--reason", "gone", "--dry-run"], "not allowed with"),
        ):
            run = self.recover("--close", "2", *extra, expect=USAGE)
            self.assertIn(said, run.err)
        run = self.recover("--close", "1", "--reason", "gone", "--yes", expect=USAGE)
        self.assertIn("no open intent of number 1", run.err)
        self.assertEqual(len(self.runs(self.recover(expect=GENERAL))), 1)

    def test_without_sts(self) -> None:
        """Every open intent is told, with its reason, whatever cannot be reached."""
        self.kill_in()
        self.iam.set_door("refuse")
        run = self.recover(expect=GENERAL)
        (left,) = self.runs(run)
        self.assertEqual(left["State"], "open")
        self.assertIn("IAM does not list the user's keys", left["Reason"])


class TogetherTest(RecoverTest):
    def issue_at_once(self, count: int, users: list[str]) -> list[int]:
        """Before SoftHSM has found its token, or while it logs in, another process's login, which
        rewrites the token's file, makes it fail at times: nothing was done then, and it is
        repeated."""
        names = [user for user, _ in zip(itertools.cycle(users), range(count))]
        codes: list[int] = []
        for _ in range(20):
            processes = [
                self.start("create-access-key", *self.iam_arguments(), "--user-name", user)
                for user in names
            ]
            ends = [(process.communicate(timeout=SECONDS), process.returncode) for process in processes]
            again = []
            for user, ((_, err), code) in zip(names, ends, strict=True):
                if re.search(DISTURBED, err):
                    again.append(user)
                    continue
                self.assertIn(code, (0, 254), err.decode())
                codes.append(code)
            names = again
            if not names:
                return codes
        self.fail("SoftHSM does not find its token")

    def test_two_for_one_user(self) -> None:
        self.assertEqual(self.issue_at_once(2, [USER]), [0, 0])
        self.assertEqual(len(self.iam.key_ids(USER)), 2)
        self.assert_whole()
        self.assertEqual(self.recover().json, {"InterruptedRuns": []})

    def test_eight(self) -> None:
        """Two keys a user, and no more: the others are refused, and nothing is left open."""
        codes = self.issue_at_once(8, ["alice", "bob"])
        self.assertEqual(sorted(codes), [0] * 4 + [254] * 4)
        self.assert_whole()
        self.assertEqual(self.recover().json, {"InterruptedRuns": []})

    def test_process_that_lives(self) -> None:
        self.iam.misbehave("stall", seconds=60)
        process = self.start("create-access-key", *self.iam_arguments(), "--user-name", USER)
        self.assertTrue(self.iam.wait("CreateAccessKey"))
        (run,) = self.runs(self.recover(expect=GENERAL))
        self.assertEqual(run["State"], "in-progress")
        self.iam.endpoint.gate.release()
        self.assertEqual(process.wait(SECONDS), 0)
        self.assertEqual(self.recover().json, {"InterruptedRuns": []})
        self.assert_whole()


if __name__ == "__main__":
    unittest.main()
