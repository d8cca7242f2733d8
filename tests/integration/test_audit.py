"""The ledger: what is on record, what `audit` makes of it, and what other tools make of it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import resource
import signal
import stat
import subprocess
import unittest
from pathlib import Path
from typing import Any

from harness import CONFIGURATION, GENERAL, HSMIAM, OK, REFUSED, USAGE, IntegrationTest, Run
from softhsm import DISTURBED
from unprivileged import AS_ROOT

ZEROS = "0" * 64


class AuditTest(IntegrationTest):
    @property
    def ledger(self) -> Path:
        return self.directory / "state/hsmiam/ledger.jsonl"

    def lines(self) -> list[bytes]:
        return self.ledger.read_bytes().splitlines()

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines()]

    def events(self) -> list[str]:
        return [record["event"] for record in self.records()]

    def public_key(self) -> Path:
        run = self.hsmiam("audit", "export-public-key", "--token", self.token.uri())
        return self.write("audit.pem", run.out)

    def verify(self, *arguments: str, expect: int = OK) -> Run:
        return self.hsmiam("audit", "verify", *arguments, expect=expect)

    def assert_intact(self, *arguments: str) -> dict[str, Any]:
        verdict = dict(self.verify(*arguments).json)
        self.assertEqual(verdict["Verdict"], "intact")
        return verdict

    def assert_bad(self, line: int, what: str, *arguments: str) -> None:
        run = self.verify(*arguments, expect=GENERAL)
        self.assertIn(f"line {line}: {what}: ", run.sentence)
        self.assertEqual((run.json["Verdict"], run.json["BadLine"]), (what, line))


class RecordTest(AuditTest):
    def test_import(self) -> None:
        self.assertEqual(self.events(), ["audit-key", "import"])
        record = self.records()[1]
        self.assertEqual(record["access_key_id"], self.iam.root_id)
        self.assertEqual(record["user_name"], "root-admin")
        self.assertEqual(record["route"], "rsa-oaep")
        self.assertEqual(record["token_serial"], self.token.serial)
        self.assertEqual(list(record)[-1], "sig")

    def test_issue(self) -> None:
        access_key_id = self.issue_for("alice")
        intent, outcome = self.records()[2:]
        self.assertEqual(intent["event"], "intent")
        self.assertEqual(intent["keys_before"], [])
        self.assertEqual(intent["credential_id"], self.iam.root_id)
        self.assertEqual(intent["partition"], "aws")
        self.assertTrue(self.iam.url.rstrip("/") in intent["endpoint"])
        sent = self.iam.requests("CreateAccessKey")[0]
        compact = intent["request_time"].replace("-", "").replace(":", "")
        self.assertIn(compact, json.dumps(sent))
        self.assertIn("iam_time", intent)
        self.assertEqual(outcome["event"], "outcome")
        self.assertEqual(outcome["intent"], intent["sequence"])
        self.assertEqual(outcome["result"], "held")
        self.assertEqual(outcome["access_key_id"], access_key_id)
        self.assertTrue(outcome["request_id"])
        self.issue_for("alice")
        self.assertEqual(self.records()[4]["keys_before"], [access_key_id])
        self.assert_intact()

    def test_refusal(self) -> None:
        self.issue("--user-name", "nobody", expect=REFUSED)
        outcome = self.records()[-1]
        self.assertEqual((outcome["result"], outcome["code"]), ("refused", "NoSuchEntity"))
        self.assertTrue(outcome["request_id"])
        self.assert_intact()

    def test_iam_that_is_not_there(self) -> None:
        """Nothing was sent: there is no intent."""
        arguments = self.iam_arguments(endpoint_url="https://127.0.0.1:1/")
        self.hsmiam("create-access-key", *arguments, "--user-name", "alice", expect=GENERAL)
        self.assertEqual(self.events(), ["audit-key", "import"])

    def test_provisioning(self) -> None:
        run = self.hsmiam("provision-token", "--token", self.token.uri())
        pairs = {pair["Purpose"]: pair["Fingerprint"] for pair in run.json["KeyPairs"]}
        record = self.records()[-1]
        self.assertEqual(record["event"], "provision")
        self.assertEqual(record["wrapping_key"], pairs["wrapping"])
        self.assertEqual(record["exportable_wrapping_key"], pairs["wrapping-exportable"])
        self.assertEqual(record["audit_key"], pairs["audit"])

    def test_modes(self) -> None:
        self.assertEqual(stat.S_IMODE(self.ledger.stat().st_mode) & ~0o640, 0)
        self.assertEqual(stat.S_IMODE(self.ledger.parent.stat().st_mode), 0o700)

    def test_places(self) -> None:
        """Flag beats environment beats profile."""
        config = self.write("aws-config", "[default]\nhsmiam_ledger = ~/by-profile.jsonl\n")
        env = {"AWS_CONFIG_FILE": str(config)}
        for expected, arguments, more in (
            ("home/by-profile.jsonl", [], {}),
            ("by-environment.jsonl", [], {"HSMIAM_LEDGER": "by-environment.jsonl"}),
            ("by-flag.jsonl", ["--ledger", "by-flag.jsonl"], {"HSMIAM_LEDGER": "x/y"}),
        ):
            with self.subTest(expected):
                self.hsmiam("provision-token", "--token", self.token.uri(), *arguments,
                            env=env | more)  # fmt: skip
                self.assertTrue((self.directory / expected).exists())

    def test_changed_wrapping_key(self) -> None:
        """Somebody with the PIN put another key in its place, and can read what is imported."""
        for kind in ("privkey", "pubkey"):
            self.token.pkcs11_tool("--login", "--delete-object", "--type", kind,
                                   "--label", "hsmiam-wrapping-key")  # fmt: skip
        before = self.ledger.read_bytes()
        run = self.issue("--user-name", "alice", expect=CONFIGURATION)
        self.assertIn("has no wrapping key that works, but the ledger", run.sentence)
        run = self.hsmiam("provision-token", "--token", self.token.uri(), expect=CONFIGURATION)
        self.assertIn("has another wrapping key, but the ledger", run.sentence)
        run = self.issue("--user-name", "alice", expect=CONFIGURATION)
        self.assertIn("has another wrapping key, but the ledger", run.sentence)
        self.assertEqual(self.ledger.read_bytes(), before)
        self.assertEqual(self.iam.requests("CreateAccessKey"), [])
        self.hsmiam("provision-token", "--token", self.token.uri(), "--accept-changed-keys")
        self.issue_for("alice")
        self.assert_intact()


class OpensslTest(AuditTest):
    """What an auditor can do without us."""

    def test_signatures_and_chain(self) -> None:
        self.issue_for("alice")
        key = self.public_key()
        previous = ZEROS
        for number, line in enumerate(self.lines(), 1):
            record = json.loads(line)
            self.assertEqual(record["sequence"], number)
            self.assertEqual(record["previous"], previous)
            previous = hashlib.sha256(line).hexdigest()
            self.assertEqual(self.openssl(key, line), OK)
            self.assertNotEqual(self.openssl(key, line.replace(b'"time":"2', b'"time":"3', 1)), OK)
        fingerprint = subprocess.run(
            ["openssl", "pkey", "-pubin", "-in", str(key), "-outform", "DER"],
            capture_output=True, check=True, timeout=30,
        ).stdout  # fmt: skip
        self.assertEqual(self.records()[0]["audit_key"], hashlib.sha256(fingerprint).hexdigest())

    def openssl(self, key: Path, line: bytes) -> int:
        signed, _, rest = line.rpartition(b',"sig":"')
        signature = self.directory / "line.sig"
        signature.write_bytes(base64.b64decode(rest.removesuffix(b'"}')))
        return subprocess.run(
            ["openssl", "dgst", "-sha256", "-verify", str(key), "-signature", str(signature)],
            input=signed, capture_output=True, check=False, timeout=30,
        ).returncode  # fmt: skip


class VerifyTest(AuditTest):
    def setUp(self) -> None:
        super().setUp()
        for user in ("alice", "bob"):
            self.issue_for(user)

    def test_needs_no_token(self) -> None:
        key = self.public_key()
        self.token.configuration.unlink()
        verdict = self.assert_intact("--public-key", str(key))
        self.assertEqual((verdict["Records"], verdict["TrustedBy"]), (6, "public-key"))
        verdict = self.assert_intact()
        self.assertEqual(verdict["TrustedBy"], "ledger")
        self.assertEqual([finding["Kind"] for finding in verdict["Findings"]], ["Trust"])

    def test_tampering(self) -> None:
        lines = self.lines()
        for what, line, changed in (
            ("changed", 4, [*lines[:3], lines[3].replace(b"alice", b"malic"), *lines[4:]]),
            ("removed", 3, [*lines[:2], *lines[3:]]),
            ("reordered", 3, [*lines[:2], lines[3], lines[2], *lines[4:]]),
            ("added", 5, [*lines[:4], lines[1], *lines[4:]]),
            ("torn", 6, [*lines[:5], lines[5][:-9]]),
        ):
            with self.subTest(what):
                end = b"" if what == "torn" else b"\n"
                self.ledger.write_bytes(b"\n".join(changed) + end)
                self.assert_bad(line, what)

    def test_truncation(self) -> None:
        checkpoint = self.hsmiam("audit", "checkpoint", "--token", self.token.uri()).out
        path = str(self.write("checkpoint", checkpoint))
        self.assert_intact("--checkpoint", path)
        self.issue("--user-name", "nobody", expect=REFUSED)
        self.assert_intact("--checkpoint", path)
        self.ledger.write_bytes(b"\n".join(self.lines()[:4]) + b"\n")
        self.assert_intact()
        self.assert_bad(4, "truncated", "--checkpoint", path)
        other = str(self.write("other", checkpoint.replace('"time":"2', '"time":"3', 1)))
        run = self.verify("--checkpoint", other, expect=USAGE)
        self.assertIn(f"--checkpoint {other}: The checkpoint is not signed by", run.sentence)
        run = self.verify("--checkpoint", str(self.ledger), expect=USAGE)
        self.assertIn(f"--checkpoint {self.ledger}: This is no checkpoint", run.sentence)
        run = self.verify("--public-key", other, expect=USAGE)
        self.assertIn(f"--public-key {other}: This is not the public half", run.sentence)

    def test_another_key(self) -> None:
        other = self.new_token("vault")
        self.hsmiam("provision-token", "--token", other.uri(), "--ledger", "other.jsonl")
        run = self.hsmiam("audit", "export-public-key", "--token", other.uri())
        key = str(self.write("vault.pem", run.out))
        self.assert_bad(1, "forged", "--public-key", key)
        self.assert_intact("--public-key", key, "--public-key", str(self.public_key()))

    def test_torn_line_is_sealed_by_the_next_command(self) -> None:
        self.ledger.write_bytes(self.ledger.read_bytes()[:-40])
        run = self.issue("--user-name", "nobody", expect=REFUSED)
        self.assertIn("bytes that are no record; they stay, under a seal", run.err)
        verdict = self.assert_intact()
        self.assertEqual(verdict["Sealed"], 1)

    def test_no_ledger(self) -> None:
        self.ledger.unlink()
        self.assertIn("cannot be read: No such file", self.verify(expect=GENERAL).sentence)

    def test_forms(self) -> None:
        for form in ("yaml", "text", "table"):
            with self.subTest(form):
                self.assertIn("intact", self.verify("--output", form).out)


class ShowTest(AuditTest):
    def setUp(self) -> None:
        super().setUp()
        self.key_id = self.issue_for("alice")
        self.issue_for("bob")

    def show(self, *arguments: str) -> list[dict[str, Any]]:
        found = self.hsmiam("audit", "show", *arguments).json
        self.assertEqual(list(found), ["Records"])
        return list(found["Records"])

    def test_filters(self) -> None:
        self.assertEqual(len(self.show()), 6)
        self.assertEqual(
            [(one["Event"], one["UserName"]) for one in self.show("--user-name", "bob")],
            [("intent", "bob"), ("outcome", "bob")],
        )
        found = self.show("--access-key-id", self.key_id)
        self.assertEqual([one["Result"] for one in found], ["held"])
        self.assertEqual(len(self.show("--access-key-id", self.iam.root_id)), 5)
        self.assertEqual(len(self.show("--event", "intent")), 2)
        self.assertEqual(self.show("--until", "2020-01-01"), [])
        self.assertEqual(len(self.show("--since", "2020-01-01", "--until", "2120-01-01")), 6)
        now = self.records()[-1]["time"]
        self.assertGreaterEqual(len(self.show("--since", now)), 1)
        self.assertEqual(len(self.show("--until", now)), 6)

    def test_members(self) -> None:
        shown = self.show("--event", "outcome")[0]
        record = next(one for one in self.records() if one["event"] == "outcome")
        self.assertEqual(list(shown.values()), list(record.values()))
        self.assertEqual(shown["AccessKeyId"], self.key_id)

    def test_forms(self) -> None:
        for form in ("yaml", "text", "table"):
            with self.subTest(form):
                out = self.hsmiam("audit", "show", "--output", form).out
                self.assertIn(self.key_id, out)
                self.assertNotIn("\x1b", out)

    def test_refusals(self) -> None:
        run = self.hsmiam("audit", "show", "--event", "nonsense", expect=USAGE)
        self.assertIn("The ledger has no such event. It has: audit-key,", run.sentence)
        for text in ("yesterday", "2026-13-01", "2026-01-01T00:00:00+01:00"):
            self.hsmiam("audit", "show", "--since", text, expect=USAGE)
        self.hsmiam("audit", "show", "--ledger", "not-there", expect=GENERAL)

    def test_nothing_to_show(self) -> None:
        """A script gets nothing, a person is told so."""
        empty = str(self.write("empty.jsonl", ""))
        for form in ("table", "text"):
            run = self.hsmiam("audit", "show", "--output", form, "--ledger", empty)
            self.assertEqual(
                (run.out, run.err), ("", f"hsmiam: the ledger {empty} has no record.\n")
            )
        run = self.hsmiam("audit", "show", "--output", "text", "--user-name", "nobody")
        self.assertIn("has no record of what was asked for", run.err)
        run = self.hsmiam("audit", "show", "--ledger", empty)
        self.assertEqual((run.json, run.err), ({"Records": []}, ""))


class TroubleTest(AuditTest):
    """A ledger that cannot be written to stops the command before IAM is asked for a key."""

    def assert_nothing_was_made(self) -> None:
        self.assertEqual(self.iam.requests("CreateAccessKey"), [])
        self.assertEqual(self.token.access_key_ids(), [self.iam.root_id])

    def test_places_that_cannot_be_written_to(self) -> None:
        """Also by root: no file can be made in /proc, below a file, or where a directory is."""
        plain = self.write("plain", "text")
        for path, reason in (
            ("/proc/hsmiam/ledger.jsonl", "cannot be made"),
            (f"{plain}/ledger.jsonl", "Not a directory"),
            (str(self.directory / "home"), "Is a directory"),
            ("/dev/full", "is not a regular file" if AS_ROOT == [] else "Permission denied"),
        ):
            with self.subTest(path):
                run = self.issue("--user-name", "alice", "--ledger", path, expect=GENERAL)
                self.assertIn(reason, run.sentence)
                self.assert_nothing_was_made()

    def test_full_disk(self) -> None:
        """The kernel refuses to let the file grow, as it does on a full disk."""
        room = self.ledger.stat().st_size

        def limit() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

        run = self.issue("--user-name", "alice", expect=GENERAL, preexec_fn=limit)
        self.assertIn("cannot be written to: File too large", run.sentence)
        self.assert_nothing_was_made()
        self.assert_intact()

    def test_disk_that_becomes_full_within_the_line(self) -> None:
        room = self.ledger.stat().st_size + 100

        def limit() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

        self.issue("--user-name", "alice", expect=GENERAL, preexec_fn=limit)
        self.assert_nothing_was_made()
        self.assert_bad(3, "torn")
        self.issue_for("alice")
        self.assertEqual(self.assert_intact()["Sealed"], 1)

    def test_another_tokens_key(self) -> None:
        other = self.new_token("vault")
        self.hsmiam("provision-token", "--token", other.uri(), "--ledger", "other.jsonl")
        run = self.issue("--user-name", "alice", "--ledger", "other.jsonl", expect=CONFIGURATION)
        self.assertIn("is signed by another audit key", run.sentence)
        self.assert_nothing_was_made()


class ConcurrencyTest(AuditTest):
    """Processes that write at once into one ledger."""

    def run_all(self, commands: list[list[str]]) -> None:
        """Run them at once. Before SoftHSM has found its token, or while it logs in, another
        process's login, which rewrites the token's file, makes it fail at times: nothing was done
        then, and it is repeated."""
        for _ in range(20):
            running = [self.start(*command) for command in commands]
            again = []
            for command, process in zip(commands, running, strict=True):
                _, err = process.communicate(timeout=100)
                if process.returncode != OK:
                    self.assertRegex(err, DISTURBED)
                    again.append(command)
            commands = again
            if not commands:
                return
        self.fail("SoftHSM does not find its token")

    def test_two_and_eight(self) -> None:
        for processes in (2, 8):
            with self.subTest(processes=processes):
                before = len(self.lines())
                self.run_all([["provision-token", "--token", self.token.uri()]] * processes)
                self.assertEqual(len(self.lines()), before + processes)
                self.assert_intact()

    def test_issuing_at_once(self) -> None:
        users = [f"user{i}" for i in range(8)]
        for user in users:
            self.iam.act("CreateUser", UserName=user)
        issue = ["create-access-key", *self.iam_arguments()]
        self.run_all([[*issue, "--user-name", user] for user in users])
        held = [one for one in self.records() if one.get("result") == "held"]
        self.assertEqual({one["user_name"] for one in held}, set(users))
        self.assertEqual({one["access_key_id"] for one in held} | {self.iam.root_id},
                         set(self.token.access_key_ids()))  # fmt: skip
        self.assert_intact()


class UnprovisionedTest(AuditTest):
    provisioned = False

    def test_records_wait_for_an_audit_key(self) -> None:
        self.assertEqual(self.events(), ["import"])
        self.assertNotIn("sig", self.records()[0])
        self.assert_bad(1, "unsigned")
        verdict = self.assert_intact("--allow-unsigned")
        self.assertEqual((verdict["Unsettled"], verdict["Pending"]), (1, 0))
        self.hsmiam("audit", "checkpoint", "--token", self.token.uri(), expect=CONFIGURATION)
        self.hsmiam("provision-token", "--token", self.token.uri())
        self.assertEqual(self.events(), ["import", "audit-key", "countersign", "provision"])
        verdict = self.assert_intact()
        self.assertEqual((verdict["Unsettled"], verdict["Pending"]), (0, 1))


class SyslogTest(AuditTest):
    def test_every_line_goes_to_syslog(self) -> None:
        """The C library sends it to /dev/log, which is put in its place by the trace."""
        trace = self.directory / "trace"
        done = subprocess.run(
            [*AS_ROOT, "strace", "-f", "-s", "4096", "-e", "trace=connect,sendto", "-o", str(trace),
             HSMIAM, "provision-token", "--token", self.token.uri(), "--audit-syslog"],
            env=self.environment | {"LSAN_OPTIONS": "detect_leaks=0",
                                    "ASAN_OPTIONS": "detect_leaks=0"},
            cwd=self.directory, capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertIn("/dev/log", trace.read_text())


if __name__ == "__main__":
    os.umask(0o022)
    unittest.main()
