"""`rotate-access-key`: a user's key, and the credential itself, whatever stops it on the way."""

import os
import signal
import unittest
from pathlib import Path
from typing import Any

from harness import CONFIGURATION, GENERAL, INTERRUPTED, REFUSED, SECONDS, USAGE, IntegrationTest, Run

USER = "alice"
ISSUER = "root-admin"


class RotateTest(IntegrationTest):
    def rotate(self, *arguments: str, expect: int | None = 0, credential: str = "", **more: Any) -> Run:
        named = {"credential": credential} if credential else {}
        return self.hsmiam(
            "rotate-access-key", *self.iam_arguments(**named), "--proofs", "1", *arguments,
            expect=expect, **more,
        )  # fmt: skip

    def recover(self, credential: str = "", expect: int = 0) -> Run:
        named = {"credential": credential} if credential else {}
        return self.hsmiam("recover", *self.iam_arguments(**named), expect=expect)

    def statuses(self, user: str | None = USER) -> dict[str, str]:
        return {key["AccessKeyId"]: key["Status"] for key in self.iam.keys_of(user)}

    def steps(self) -> list[str]:
        """What the ledger has of rotations, in their order."""
        records = self.hsmiam("audit", "show").json["Records"]
        return [
            record.get("Step", "begun") for record in records if record["Event"].startswith("rotation")
        ]

    def assert_intact(self) -> None:
        self.assertEqual(self.hsmiam("audit", "verify").json["Verdict"], "intact")

    def assert_signs(self, uri: str) -> None:
        """A command that talks to IAM by that credential alone."""
        arguments = ["--endpoint-url", self.iam.url, "--ca-bundle", str(self.iam.ca_bundle)]
        run = self.hsmiam("create-access-key", "--user-name", "bob", "--credential", uri, *arguments)
        self.iam.act("DeleteAccessKey", UserName="bob", AccessKeyId=run.json["AccessKey"]["AccessKeyId"])


class UserTest(RotateTest):
    def test_a_user(self) -> None:
        old = self.issue_for(USER)
        self.iam.endpoint.log.clear()
        run = self.rotate("--user-name", USER, "--proofs", "2")
        new = run.json["AccessKey"]["AccessKeyId"]
        self.assertEqual(run.json["AccessKey"]["UserName"], USER)
        self.assertIn("SecretAccessKeyUri", run.json["AccessKey"])
        self.assertNotIn("CredentialUri", run.json)
        self.assertEqual(
            (run.json["PreviousAccessKeyId"], run.json["PreviousStatus"]), (old, "Inactive")
        )
        self.assertEqual(self.statuses(), {old: "Inactive", new: "Active"})
        self.assert_held(new)
        by_new = [
            entry["operation"] for entry in self.iam.requests() if entry["access_key_id"] == new
        ]
        self.assertEqual(by_new, ["GetCallerIdentity"] * 2)
        self.assertEqual(self.steps(), ["begun", "proven", "deactivated"])

        # The place is taken; what takes it is named and stays.
        run = self.rotate("--user-name", USER, expect=GENERAL)
        self.assertIn(f"the inactive key {old}", run.sentence)
        self.assertEqual(len(self.statuses()), 2)

        # A later run deletes it, and does nothing else.
        run = self.rotate("--user-name", USER, "--delete-old")
        self.assertEqual(run.json["AccessKey"]["AccessKeyId"], new)
        self.assertEqual(
            (run.json["PreviousAccessKeyId"], run.json["PreviousStatus"]), (old, "Deleted")
        )
        self.assertEqual(self.statuses(), {new: "Active"})
        self.assertNotIn(old, self.token.access_key_ids())

        # All at once.
        run = self.rotate("--user-name", USER, "--delete-old")
        newest = run.json["AccessKey"]["AccessKeyId"]
        self.assertEqual(self.statuses(), {newest: "Active"})
        self.assertEqual(sorted(self.token.access_key_ids()), sorted([newest, self.iam.root_id]))
        self.assert_intact()

    def test_what_is_refused(self) -> None:
        run = self.rotate("--user-name", USER, expect=CONFIGURATION)
        self.assertIn("no active access key of alice", run.sentence)
        both = [self.issue_for(USER), self.issue_for(USER)]
        run = self.rotate("--user-name", USER, expect=GENERAL)
        for access_key_id in both:
            self.assertIn(access_key_id, run.sentence)
        self.rotate("--user-name", "nobody", expect=REFUSED)
        self.rotate("--user-name", USER, "--root", expect=USAGE)
        self.rotate(expect=USAGE)
        self.rotate("--user-name", USER, "--update-profile", expect=USAGE)
        self.assertEqual(self.statuses(), dict.fromkeys(both, "Active"))

        # An inactive key, of which the token has nothing, makes place on request.
        self.iam.act("UpdateAccessKey", UserName=USER, AccessKeyId=both[0], Status="Inactive")
        run = self.rotate("--user-name", USER, "--delete-inactive")
        new = run.json["AccessKey"]["AccessKeyId"]
        self.assertEqual(self.statuses(), {both[1]: "Inactive", new: "Active"})
        self.assertEqual(
            self.steps(), ["begun", "clearing", "cleared", "proven", "deactivated"]
        )

    def test_without_the_right_to_deactivate(self) -> None:
        old = self.issue_for(USER)
        self.iam.deny(f"{ISSUER}:UpdateAccessKey")
        run = self.rotate("--user-name", USER, expect=REFUSED)
        self.assertIn(f"replaces {old} once this is run again", run.sentence)
        self.assertEqual(set(self.statuses().values()), {"Active"})
        self.iam.endpoint.change_permissions([], [], True)
        run = self.rotate("--user-name", USER)
        self.assertEqual(sorted(self.statuses().values()), ["Active", "Inactive"])
        self.assertEqual(self.statuses()[old], "Inactive")
        self.assertEqual(len(self.iam.requests("CreateAccessKey")), 2)

    def test_a_key_that_is_not_known_at_once(self) -> None:
        """IAM takes its time: then, and only then, the old key is deactivated."""
        old = self.issue_for(USER)
        self.iam.endpoint.log.clear()
        self.iam.misbehave("error", "GetCallerIdentity", status=403, code="InvalidClientTokenId", skip=1, times=1)
        self.rotate("--user-name", USER)
        self.assertEqual(self.statuses()[old], "Inactive")
        self.assertEqual(len(self.iam.requests("GetCallerIdentity")), 3)


class InterruptedTest(RotateTest):
    def kill_in(self, operation: str, *arguments: str, number: int = signal.SIGKILL, **stall: Any) -> None:
        self.iam.endpoint.log.clear()
        self.iam.misbehave("stall", operation, seconds=60, **stall)
        process = self.start("rotate-access-key", *self.iam_arguments(), "--proofs", "1", *arguments)
        self.assertTrue(self.iam.wait(operation, stall.get("skip", 0) + 1))
        process.send_signal(number)
        process.wait(SECONDS)
        self.iam.endpoint.gate.release()
        self.iam.endpoint.rules.clear()

    def test_same_command_again(self) -> None:
        """Wherever it is killed, it ends as if it had not been: one old key, one new one."""
        for operation, stall in (
            ("CreateAccessKey", {"at": "in-secret"}),
            ("CreateAccessKey", {"at": "before-execute", "execute": False}),
            ("UpdateAccessKey", {"at": "before-execute", "execute": False}),
            ("UpdateAccessKey", {"at": "before-headers"}),
            ("DeleteAccessKey", {"at": "before-headers"}),
        ):
            with self.subTest(operation, **stall):
                self.iam.set_clock(0)
                for access_key_id in self.iam.key_ids(USER):
                    self.iam.act("DeleteAccessKey", UserName=USER, AccessKeyId=access_key_id)
                old = self.issue_for(USER)
                self.kill_in(operation, "--user-name", USER, "--delete-old", **stall)
                if operation == "CreateAccessKey":
                    self.assertEqual(self.statuses()[old], "Active")
                    self.iam.set_clock(600)
                self.rotate("--user-name", USER, "--delete-old")
                (new,) = self.statuses()
                self.assertEqual(self.statuses(), {new: "Active"})
                self.assertNotEqual(new, old)
                self.assert_held(new)
                self.assertNotIn(old, self.token.access_key_ids())
        self.assert_intact()

    def test_recover(self) -> None:
        """`recover` brings to an end what has a new key, and gives up what has none."""
        old = self.issue_for(USER)
        self.kill_in("UpdateAccessKey", "--user-name", USER, at="before-execute", execute=False)
        self.assertEqual(self.statuses()[old], "Active")
        (run,) = self.recover().json["InterruptedRuns"]
        self.assertEqual((run["State"], run["Result"]), ("settled", "rotated"))
        self.assertEqual(self.statuses()[old], "Inactive")
        self.assertEqual(self.recover().json["InterruptedRuns"], [])
        self.rotate("--user-name", USER, "--delete-old")

        self.kill_in("CreateAccessKey", "--user-name", USER, at="in-secret")
        self.iam.set_clock(600)
        runs = self.recover().json["InterruptedRuns"]
        self.assertEqual([run["Result"] for run in runs], ["deleted", "abandoned"])
        self.assertEqual(list(self.statuses().values()), ["Active"])
        self.assert_intact()


class RootTest(RotateTest):
    def config(self, text: str) -> Path:
        path = self.directory / "home" / ".aws" / "config"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def test_the_credential(self) -> None:
        old = self.iam.root_id
        run = self.rotate("--root")
        new = run.json["AccessKey"]["AccessKeyId"]
        self.assertEqual(self.statuses(ISSUER), {old: "Inactive", new: "Active"})
        self.assertEqual(
            [entry["access_key_id"] for entry in self.iam.requests("UpdateAccessKey")], [new]
        )
        uri = run.json["CredentialUri"]
        self.assertIn(uri, run.err)
        self.assertIn("pin-source=", uri)
        self.assert_signs(uri)

        # The old one is of no use any more, and told so.
        run = self.rotate("--root", expect=CONFIGURATION)
        self.assertIn(f"{old}, which signs, was replaced by {new}", run.sentence)
        run = self.rotate("--root", "--delete-old")
        self.assertEqual(self.statuses(ISSUER), {new: "Active"})
        self.assertNotIn(old, self.token.access_key_ids())
        self.assert_signs(uri)

    def test_by_its_label(self) -> None:
        """Two keys of one label are two: the ledger tells which one signs."""
        base, _, query = self.token.uri().partition("?")
        by_label = f"{base};object={ISSUER};type=secret-key?{query}"
        self.iam.misbehave("error", "UpdateAccessKey", status=403, code="AccessDenied", times=1)
        self.rotate("--root", credential=by_label, expect=REFUSED)
        run = self.rotate("--root", credential=by_label)
        new = run.json["AccessKey"]["AccessKeyId"]
        self.assertEqual(self.statuses(ISSUER), {self.iam.root_id: "Inactive", new: "Active"})
        self.assertEqual(len(self.iam.requests("CreateAccessKey")), 1)
        self.assert_signs(run.json["CredentialUri"])
        run = self.rotate("--root", "--delete-old", credential=run.json["CredentialUri"])
        self.assert_signs(by_label)

    def test_interrupted(self) -> None:
        """The old key is inactive already, and what names it still brings the rotation to its end."""
        self.iam.misbehave("cut", "UpdateAccessKey", at="before-headers", times=-1)
        self.rotate("--root", expect=GENERAL)
        self.iam.endpoint.rules.clear()
        self.assertEqual(sorted(self.statuses(ISSUER).values()), ["Active", "Inactive"])
        (run,) = self.recover().json["InterruptedRuns"]
        self.assertEqual((run["State"], run["Result"]), ("settled", "rotated"))
        self.assertEqual(self.statuses(ISSUER)[self.iam.root_id], "Inactive")
        self.assert_intact()

    def test_profile(self) -> None:
        token, _, query = self.token.key_uri(self.iam.root_id).partition("?")
        place = self.directory / "elsewhere"
        place.mkdir()
        text = (
            "# ours\n[default]\nregion = us-east-1\n\n"
            "[profile custody]\n# the credential\nhsmiam_credential = {}\noutput = json\n"
            "[profile other]\nhsmiam_credential = pkcs11:token=other\n"
        )
        path = self.config("")
        path.unlink()
        path.symlink_to(place / "config")
        path.write_text(text.format(f"{token}?{query}"))
        os.chmod(place / "config", 0o640)
        arguments = ["--endpoint-url", self.iam.url, "--ca-bundle", str(self.iam.ca_bundle)]
        run = self.hsmiam("rotate-access-key", "--root", "--proofs", "1", "--update-profile",
                          "--profile", "nobodys", *arguments, expect=CONFIGURATION)  # fmt: skip
        run = self.hsmiam("rotate-access-key", "--root", "--proofs", "1", "--update-profile",
                          "--profile", "custody", *arguments)  # fmt: skip
        self.assertEqual(run.err, "")
        self.assertTrue(path.is_symlink())
        self.assertEqual((place / "config").stat().st_mode & 0o7777, 0o640)
        self.assertEqual(path.read_text(), text.format(run.json["CredentialUri"]))
        self.assertEqual([entry.name for entry in place.iterdir()], ["config"])
        self.hsmiam("create-access-key", "--user-name", "bob", "--profile", "custody", *arguments)

    def test_ctrl_c(self) -> None:
        """While IAM does not know the key, one may stop; the same command goes on."""
        self.iam.misbehave("error", "GetCallerIdentity", status=403, code="InvalidClientTokenId", skip=1, times=-1)
        process = self.start("rotate-access-key", "--root", *self.iam_arguments())
        self.assertTrue(self.iam.wait("GetCallerIdentity", 2))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, INTERRUPTED, err)
        self.assertIn(b"once this is run again", b" ".join(err.split()))
        self.iam.endpoint.rules.clear()
        self.rotate("--root")
        self.assertEqual(sorted(self.statuses(ISSUER).values()), ["Active", "Inactive"])


class AccountTest(RotateTest):
    """The account's root user, who has no name, and whose keys have a label of their own."""

    iam_options = {"account_root": True}

    def test_the_root_user(self) -> None:
        run = self.rotate("--root")
        new = run.json["AccessKey"]["AccessKeyId"]
        self.assertNotIn("UserName", run.json["AccessKey"])
        self.assertEqual(self.statuses(None), {self.iam.root_id: "Inactive", new: "Active"})
        self.assert_signs(run.json["CredentialUri"])
        self.rotate("--root", "--delete-old", credential=run.json["CredentialUri"])
        self.assertEqual(self.statuses(None), {new: "Active"})
        self.assertEqual(self.token.access_key(new).label, "<root_account>")
        self.assertNotIn(self.iam.root_id, self.token.access_key_ids())

    def test_interrupted(self) -> None:
        """What goes on by the root user's key only: IAM answers any other's about its own user."""
        admin = self.token.key_uri(self.issue_for(USER))
        self.iam.allow(f"{USER}:*")
        self.iam.endpoint.log.clear()
        self.iam.misbehave("error", "UpdateAccessKey", status=503, code="ServiceUnavailable", times=-1)
        self.rotate("--root", expect=None)
        self.iam.endpoint.rules.clear()
        (run,) = self.recover(admin, expect=GENERAL).json["InterruptedRuns"]
        self.assertIn(f"is {USER}'s; name one of the root user's by --credential", run["Reason"])
        self.assertEqual(list(self.statuses(None).values()), ["Active", "Active"])
        (run,) = self.recover().json["InterruptedRuns"]
        self.assertEqual((run["State"], run["Result"]), ("settled", "rotated"))
        self.assertEqual(sorted(self.statuses(None).values()), ["Active", "Inactive"])
        self.assertEqual(len(self.iam.requests("CreateAccessKey")), 1)


if __name__ == "__main__":
    unittest.main()
