"""IAM's and STS's operations beside the main job, against the local endpoint."""

from __future__ import annotations

import time
import unittest

from operations import OperationsTest


class LocalOperationsTest(OperationsTest):
    def ask(self, *words: str, refusal: str = "") -> list[str]:
        return self.call(
            self.iam.url, str(self.iam.ca_bundle), self.token.key_uri(self.iam.root_id), *words,
            refusal=refusal,
        )  # fmt: skip

    def test_caller(self) -> None:
        account, arn, user_id = self.ask("GetCallerIdentity")
        user = next(u for u in self.iam.state()["users"] if u["UserName"] == "root-admin")
        self.assertEqual((account, arn, user_id), ("123456789012", user["Arn"], user["UserId"]))

    def test_users_of_several_pages(self) -> None:
        for number in range(100):
            self.iam.act("CreateUser", UserName=f"user{number:03}")
        lines = self.ask("ListUsers")
        users = sorted(self.iam.state()["users"], key=lambda user: user["UserName"])
        self.assertEqual(lines[0::3], [user["UserName"] for user in users])
        self.assertEqual(lines[1::3], [user["UserId"] for user in users])
        self.assertEqual(len(self.iam.requests("ListUsers")), 3)

    def test_usage(self) -> None:
        self.iam.act("CreateAccessKey", UserName="alice")
        new = self.iam.key_ids("alice")[0]
        self.assertEqual(self.ask("GetAccessKeyLastUsed", new), ["alice", "-1", "N/A", "N/A"])
        name, date, region, service = self.ask("GetAccessKeyLastUsed", self.iam.root_id)
        self.assertEqual((name, region, service), ("root-admin", "us-east-1", "iam"))
        self.assertLess(abs(int(date) - time.time()), 30)
        self.ask("GetAccessKeyLastUsed", "AKIAIOSFODNN7EXAMPLE", refusal="AccessDenied")

    def test_update_and_delete(self) -> None:
        self.iam.act("CreateAccessKey", UserName="alice")
        key = self.iam.key_ids("alice")[0]
        for status in ("Inactive", "Inactive", "Active"):
            self.ask("UpdateAccessKey", "alice", key, status)
            self.assertEqual(self.iam.keys_of("alice")[0]["Status"], status)
        self.ask("UpdateAccessKey", "bob", key, "Inactive", refusal="NoSuchEntity")
        self.ask("UpdateAccessKey", "alice", key, "Gone", refusal="ValidationError")
        self.ask("DeleteAccessKey", "alice", key)
        self.ask("DeleteAccessKey", "alice", key, refusal="NoSuchEntity")

    def test_misfortunes_are_overcome(self) -> None:
        """All of these are idempotent."""
        self.iam.act("CreateAccessKey", UserName="alice")
        key = self.iam.key_ids("alice")[0]
        for words in (
            ("GetCallerIdentity",), ("ListUsers",), ("GetAccessKeyLastUsed", key),
            ("UpdateAccessKey", "alice", key, "Inactive"), ("DeleteAccessKey", "alice", key),
        ):  # fmt: skip
            with self.subTest(words[0]):
                self.iam.misbehave("cut", words[0])
                self.iam.misbehave("throttle", words[0])
                self.ask(*words)
                self.assertEqual(len(self.iam.requests(words[0])), 3)
        self.assertEqual(self.iam.deleted_ids(), [key])

    def test_clock_is_corrected_for_each_service(self) -> None:
        self.iam.set_clock(-86400)
        for words in (("GetCallerIdentity",), ("ListUsers",)):
            with self.subTest(words[0]):
                self.ask(*words)
                self.assertIn("notice: The clock of this machine is ", self.said)
                self.assertEqual(len(self.iam.requests(words[0])), 2)


if __name__ == "__main__":
    unittest.main()
