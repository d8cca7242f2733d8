"""The life of a key after its making: listed as botocore lists it, switched off, deleted."""

from __future__ import annotations

import base64
import csv
import json
import unittest
from typing import Any

import botocore.session
from botocore.config import Config

from harness import GENERAL, INTERRUPTED, OK, REFUSED, USAGE, IntegrationTest, Run
from local_iam import Settings

LIST = "AccessKeyMetadata"
FINDING = 1


def as_aws(keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What IAM itself tells of each key."""
    names = ("UserName", "AccessKeyId", "Status", "CreateDate")
    return [{name: key[name] for name in names if name in key} for key in keys]


class LifecycleTest(IntegrationTest):
    iam_options = {"settings": Settings(keys_per_user=7), "plain": True}

    def run_on_iam(self, *arguments: str, expect: int = OK, **options: Any) -> Run:
        return self.hsmiam(*arguments, *self.iam_arguments(), expect=expect, **options)

    def client(self) -> Any:
        return botocore.session.Session().create_client(
            "iam", endpoint_url=self.iam.url, region_name="us-east-1",
            aws_access_key_id=self.iam.root_id, aws_secret_access_key=self.iam.root_secret,
            config=Config(parameter_validation=False),
        )  # fmt: skip

    def aws_list(self, **paging: Any) -> dict[str, Any]:
        """The list by botocore, as the AWS CLI asks for it."""
        pages = self.client().get_paginator("list_access_keys")
        result = pages.paginate(UserName="alice", PaginationConfig=paging).build_full_result()
        for key in result[LIST]:
            key["CreateDate"] = key["CreateDate"].isoformat()
        return dict(result)

    def records(self, key: str) -> list[dict[str, Any]]:
        run = self.hsmiam("audit", "show", "--access-key-id", key)
        return [record for record in run.json["Records"] if record.get("AccessKeyId") == key]

    def ours(self, *arguments: str, **options: Any) -> dict[str, Any]:
        run = self.run_on_iam("list-access-keys", "--user-name", "alice", *arguments, **options)
        return dict(run.json)


class ListTest(LifecycleTest):
    def setUp(self) -> None:
        super().setUp()
        self.held = self.issue_for("alice")
        for _ in range(4):
            self.iam.act("CreateAccessKey", UserName="alice")

    def test_pages_are_those_of_aws(self) -> None:
        for limit, size in ((None, None), (3, 2), (4, 2), (5, None), (9, 3), (0, None), (2, 1000)):
            paging = {"MaxItems": limit, "PageSize": size}
            words = [] if limit is None else ["--max-items", str(limit)]
            words += [] if size is None else ["--page-size", str(size)]
            with self.subTest(paging):
                theirs = self.aws_list(**paging)
                mine = self.ours("--no-last-used", *words)
                self.assertEqual(as_aws(mine[LIST]), theirs[LIST])
                self.assertEqual(mine.get("NextToken"), theirs.get("NextToken"))
                if "NextToken" in theirs:
                    rest = self.aws_list(StartingToken=theirs["NextToken"], PageSize=2)
                    more = self.ours("--starting-token", mine["NextToken"], "--page-size", "2")
                    self.assertEqual(as_aws(more[LIST]), rest[LIST])

    def test_what_only_we_know(self) -> None:
        keys = {key["AccessKeyId"]: key for key in self.ours()[LIST]}
        held = keys.pop(self.held)
        encoded = "".join(f"%{byte:02X}" for byte in self.held.encode())
        self.assertIn(f";id={encoded};object=alice;", held["SecretAccessKeyUri"])
        self.assertEqual((held["InToken"], held["AgeDays"]), (True, 0))
        self.assertNotIn("LastUsedDate", held)
        self.assertEqual((held["LastUsedService"], held["LastUsedRegion"]), ("N/A", "N/A"))
        self.assertEqual([key["InToken"] for key in keys.values()], [False] * 4)
        self.assertNotIn("SecretAccessKeyUri", next(iter(keys.values())))
        self.assertEqual(len(self.iam.requests("GetAccessKeyLastUsed")), 5)
        self.assertNotIn("LastUsedService", self.ours("--no-last-used")[LIST][0])
        self.assertEqual(len(self.iam.requests("GetAccessKeyLastUsed")), 5)

    def test_one_page(self) -> None:
        page = self.ours("--no-paginate", "--max-items", "2", "--no-last-used")
        self.assertEqual((len(page[LIST]), page["IsTruncated"]), (2, True))
        words = json.dumps({"UserName": "alice", "Marker": page["Marker"], "MaxItems": 3})
        rest = self.run_on_iam("list-access-keys", "--cli-input-json", words).json
        self.assertEqual((len(rest[LIST]), rest["IsTruncated"]), (3, False))
        self.assertNotIn("Marker", rest)
        for word in ("--page-size", "--starting-token"):
            run = self.run_on_iam("list-access-keys", "--no-paginate", word, "2", expect=USAGE)
            self.assertIn(f"--no-paginate along with pagination arguments: {word}", run.sentence)

    def test_text(self) -> None:
        run = self.run_on_iam("list-access-keys", "--user-name", "alice", "--max-items", "1",
                              "--output", "text", "--no-last-used")  # fmt: skip
        first, second = run.out.splitlines()
        self.assertEqual(first.split("\t")[0:2], ["ACCESSKEYMETADATA", self.held])
        name, token = second.split("\t")
        self.assertEqual((name, json.loads(base64.b64decode(token))),
                         ("NEXTTOKEN", {"Marker": None, "boto_truncate_amount": 1}))  # fmt: skip

    def test_own_keys(self) -> None:
        key = self.run_on_iam("list-access-keys").json[LIST]
        self.assertEqual([(k["UserName"], k["InToken"]) for k in key], [("root-admin", True)])
        self.assertEqual((key[0]["LastUsedService"], key[0]["LastUsedRegion"]),
                         ("iam", "us-east-1"))  # fmt: skip

    def test_age(self) -> None:
        self.assertEqual([key["TooOld"] for key in self.ours("--max-age", "90d")[LIST]],
                         [False] * 5)  # fmt: skip
        self.iam.set_clock(91 * 86400)
        self.iam.act("CreateAccessKey", UserName="alice")
        keys = self.ours("--max-age", "90d", expect=FINDING)[LIST]
        self.assertEqual([key["TooOld"] for key in keys], [True] * 5 + [False])
        self.assertEqual(keys[0]["AgeDays"], 91)

    def test_refusals(self) -> None:
        for words, message in (
            (["--page-size", "0"], "Invalid value for parameter MaxItems, value: 0, valid min"),
            (["--page-size", "1001"], "parameter MaxItems, value: 1001, valid max value: 1000"),
            (["--max-age", "90"], "argument --max-age: expected a number with a unit"),
            (["--max-age", "d"], "argument --max-age: expected a number with a unit"),
            (["--user-name", ""], "Invalid length for parameter UserName"),
        ):
            with self.subTest(words):
                run = self.run_on_iam("list-access-keys", *words, expect=USAGE)
                self.assertIn(message, run.sentence)
        run = self.run_on_iam("list-access-keys", "--user-name", "nobody", expect=REFUSED)
        self.assertIn("(NoSuchEntity) when calling the ListAccessKeys operation", run.sentence)
        run = self.run_on_iam("list-access-keys", "--starting-token", "x", expect=REFUSED)
        self.assertIn("(ValidationError) when calling the ListAccessKeys", run.sentence)

    def test_last_used(self) -> None:
        run = self.run_on_iam("get-access-key-last-used", "--access-key-id", self.iam.root_id)
        theirs = self.client().get_access_key_last_used(AccessKeyId=self.iam.root_id)
        use = theirs["AccessKeyLastUsed"]
        self.assertEqual(run.json["UserName"], theirs["UserName"])
        self.assertEqual(run.json["InToken"], True)
        self.assertEqual(
            {**run.json["AccessKeyLastUsed"], "LastUsedDate": ""}, {**use, "LastUsedDate": ""}
        )
        run = self.run_on_iam("get-access-key-last-used", "--access-key-id", self.held,
                              "--output", "text")  # fmt: skip
        self.assertIn("ACCESSKEYLASTUSED\tN/A\tN/A\n", run.out)
        run = self.run_on_iam("get-access-key-last-used", expect=USAGE)
        self.assertIn("the following arguments are required: --access-key-id", run.sentence)
        run = self.run_on_iam("get-access-key-last-used", "--access-key-id", "A" * 20,
                              expect=REFUSED)  # fmt: skip
        self.assertIn("(AccessDenied) when calling the GetAccessKeyLastUsed", run.sentence)


class InventoryTest(LifecycleTest):
    def inventory(self, *arguments: str, expect: int = OK) -> dict[str, dict[str, Any]]:
        run = self.run_on_iam("list-access-keys", "--all-users", *arguments, expect=expect)
        return {key["AccessKeyId"]: key for key in run.json[LIST]}

    def test_who_has_what(self) -> None:
        for number in range(45):
            self.iam.act("CreateUser", UserName=f"user-{number}")
        held = self.issue_for("alice")
        self.iam.act("CreateAccessKey", UserName="user-44")
        (seen,) = self.iam.key_ids("user-44")
        gone = self.issue_for("bob")
        self.iam.act("DeleteAccessKey", UserName="bob", AccessKeyId=gone)
        keys = self.inventory()
        self.assertEqual(set(keys), {held, seen, gone, self.iam.root_id})
        sides = {key: (facts["InIam"], facts["InToken"]) for key, facts in keys.items()}
        self.assertEqual(sides, {held: (True, True), self.iam.root_id: (True, True),
                                 seen: (True, False), gone: (False, True)})  # fmt: skip
        self.assertEqual(len(self.iam.requests("ListUsers")), 2)
        self.assertEqual({len(facts) for facts in keys.values()}, {19})

        key = keys[held]
        self.assertEqual((key["UserName"], key["Status"], key["Origin"], key["Exportable"]),
                         ("alice", "Active", "issued", False))  # fmt: skip
        self.assertEqual((key["TokenLabel"], key["TokenSerial"]),
                         (self.token.label, self.token.serial))  # fmt: skip
        record = self.records(held)[-1]
        self.assertEqual(key["MadeBy"], record["Operator"])
        self.assertEqual(key["ProvenDate"], record["Time"].replace("Z", "+00:00"))
        self.assertEqual(keys[self.iam.root_id]["Origin"], "imported")
        self.assertEqual(keys[self.iam.root_id]["LastUsedService"], "iam")
        self.assertEqual((keys[gone]["Status"], keys[gone]["Origin"]), (None, "issued"))
        self.assertEqual((keys[seen]["TokenLabel"], keys[seen]["Exportable"]), (None, None))

    def test_forms(self) -> None:
        held = self.issue_for("alice")
        out = {
            form: self.run_on_iam("list-access-keys", "--all-users", "--output", form).out
            for form in ("json", "yaml", "text", "table", "csv")
        }
        for text in out.values():
            self.assertIn(held, text)
            self.assertIn(self.iam.root_id, text)
        rows = list(csv.DictReader(out["csv"].splitlines()))
        keys = json.loads(out["json"])[LIST]
        self.assertEqual([row["AccessKeyId"] for row in rows], [k["AccessKeyId"] for k in keys])
        self.assertEqual(list(rows[0]), list(keys[0]))
        self.assertEqual([line.split("\t")[0] for line in out["text"].splitlines()],
                         ["ACCESSKEYMETADATA"] * 2)  # fmt: skip
        self.environment["COLUMNS"] = "80"
        run = self.run_on_iam("list-access-keys", "--all-users", "--output", "table")
        self.assertRegex(run.out, rf"AccessKeyId +\| {held}\n")

    def test_ledger_that_does_not_verify(self) -> None:
        held = self.issue_for("alice")
        ledger = self.directory / "state" / "hsmiam" / "ledger.jsonl"
        ledger.write_bytes(ledger.read_bytes().replace(b':"alice"', b':"bobby"'))
        run = self.run_on_iam("list-access-keys", "--all-users")
        self.assertIn("Of what the ledger says about keys nothing is shown", run.err)
        self.assertIsNone({k["AccessKeyId"]: k for k in run.json[LIST]}[held]["MadeBy"])
        ledger.unlink()
        run = self.run_on_iam("list-access-keys", "--all-users")
        self.assertEqual(run.err, "")
        self.assertFalse(ledger.exists())

    def test_options(self) -> None:
        self.iam.set_clock(91 * 86400)
        keys = self.inventory("--max-age", "90d", "--no-last-used", expect=FINDING)
        self.assertEqual([key["TooOld"] for key in keys.values()], [True])
        self.assertEqual(self.iam.requests("GetAccessKeyLastUsed"), [])
        for words in (["--user-name", "alice"], ["--max-items", "1"], ["--no-paginate"]):
            run = self.run_on_iam("list-access-keys", "--all-users", *words, expect=USAGE)
            self.assertIn("argument --all-users: not allowed with argument", run.sentence)
        self.iam.deny("root-admin:ListUsers")
        run = self.run_on_iam("list-access-keys", "--all-users", expect=REFUSED)
        self.assertIn("(AccessDenied) when calling the ListUsers operation", run.sentence)


class UpdateTest(LifecycleTest):
    def update(self, key: str, status: str, *arguments: str, expect: int = OK) -> Run:
        return self.run_on_iam("update-access-key", "--access-key-id", key, "--status", status,
                               *arguments, expect=expect)  # fmt: skip

    def test_status(self) -> None:
        key = self.issue_for("alice")
        for status in ("Inactive", "Active"):
            run = self.update(key, status, "--user-name", "alice")
            self.assertEqual((run.out, run.err), ("", ""))
            self.assertEqual([k["Status"] for k in self.iam.keys_of("alice")], [status])
        self.assertEqual(
            [(r["Event"], r.get("Status"), r.get("Result")) for r in self.records(key)[-4:]],
            [("update", "Inactive", None), ("outcome", None, "done"),
             ("update", "Active", None), ("outcome", None, "done")],
        )  # fmt: skip
        self.hsmiam("audit", "verify", "--token", self.token.uri())
        self.assert_held(key)

    def test_refused(self) -> None:
        run = self.update("A" * 20, "Active", "--user-name", "alice", expect=REFUSED)
        self.assertIn("(NoSuchEntity) when calling the UpdateAccessKey operation", run.sentence)
        self.assertEqual([r.get("Code") for r in self.records("A" * 20)], [None, "NoSuchEntity"])
        self.update(self.iam.root_id, "active", expect=USAGE)
        words = json.dumps({"AccessKeyId": self.iam.root_id, "Status": "active"})
        run = self.run_on_iam("update-access-key", "--cli-input-json", words, expect=USAGE)
        self.assertIn("Invalid value for parameter Status", run.sentence)


class DeleteTest(LifecycleTest):
    def delete(self, key: str, *arguments: str, expect: int = OK) -> Run:
        return self.run_on_iam("delete-access-key", "--access-key-id", key, *arguments,
                               expect=expect)  # fmt: skip

    def test_both_sides(self) -> None:
        key = self.issue_for("alice")
        run = self.delete(key, "--user-name", "alice", "--yes")
        self.assertEqual((run.out, run.err), ("", ""))
        self.assertEqual(self.iam.key_ids("alice"), [])
        self.assertEqual(self.token.access_key_ids(), [self.iam.root_id])
        self.assertEqual(
            [(r["Event"], r.get("Result")) for r in self.records(key)[-3:]],
            [("delete", None), ("outcome", "undestroyed"), ("outcome", "deleted")],
        )
        self.hsmiam("audit", "verify", "--token", self.token.uri())

    def test_a_key_that_the_token_does_not_hold(self) -> None:
        self.iam.act("CreateAccessKey", UserName="alice")
        (key,) = self.iam.key_ids("alice")
        self.delete(key, "--user-name", "alice", "--yes")
        self.assertEqual(self.iam.key_ids("alice"), [])
        self.assertEqual([r.get("Result") for r in self.records(key)], [None, "deleted"])

    def test_another_users_key_stays(self) -> None:
        key = self.issue_for("alice")
        for words in ([], ["--user-name", "bob"]):
            run = self.delete(key, *words, "--yes", expect=REFUSED)
            self.assertIn("(NoSuchEntity) when calling the DeleteAccessKey operation", run.sentence)
        self.assert_held(key)
        self.assertEqual(self.iam.key_ids("alice"), [key])

    def test_asks(self) -> None:
        key = self.issue_for("alice")
        run = self.delete(key, "--user-name", "alice", expect=USAGE)
        self.assertIn("required where there is no terminal to ask on: --yes", run.sentence)
        words = ["delete-access-key", "--access-key-id", key, "--user-name", "alice"]
        for answer, code in (("n", INTERRUPTED), ("", INTERRUPTED), ("y", OK)):
            self.assertEqual(self.iam.key_ids("alice"), [key])
            terminal = self.on_terminal(*words, *self.iam_arguments())
            terminal.read_until(f"Delete access key {key} of user alice at IAM, and its secret")
            terminal.type(f"{answer}\n")
            self.assertEqual(terminal.finish(), code)
        self.assertEqual(self.iam.key_ids("alice"), [])

    def test_interrupted_while_it_asks(self) -> None:
        """Nothing was sent, and nothing is said of an outcome that is waited for."""
        key = self.issue_for("alice")
        words = ["delete-access-key", "--access-key-id", key, "--user-name", "alice"]
        terminal = self.on_terminal(*words, *self.iam_arguments())
        terminal.read_until("[y/N]")
        terminal.type("\x03")
        said = terminal.read_until("Nothing was deleted.")
        self.assertEqual(terminal.finish(), INTERRUPTED)
        self.assertNotIn("outcome", said)
        self.assertEqual(self.iam.key_ids("alice"), [key])

    def test_the_credential_itself(self) -> None:
        terminal = self.on_terminal("delete-access-key", "--access-key-id", self.iam.root_id,
                                    *self.iam_arguments())  # fmt: skip
        terminal.read_until("This key is the credential that signs")
        terminal.type("yes\n")
        self.assertEqual(terminal.finish(), OK)
        self.assertEqual(self.token.access_key_ids(), [])
        last = self.records(self.iam.root_id)[-1]
        self.assertEqual((last["Result"], last["UserName"]), ("deleted", "root-admin"))

    def test_lost_answer(self) -> None:
        """IAM deleted the key, and nobody heard of it: recover destroys the object, in its time."""
        key = self.issue_for("alice")
        self.environment["AWS_MAX_ATTEMPTS"] = "1"
        self.iam.misbehave("cut", "DeleteAccessKey")
        run = self.delete(key, "--user-name", "alice", "--yes", expect=GENERAL)
        self.assertIn("Whether IAM executed it is not known", run.sentence)
        self.assertEqual(self.iam.key_ids("alice"), [])
        self.run_on_iam("recover", expect=GENERAL)
        self.assert_held(key)
        self.iam.set_clock(1200)
        (found,) = self.run_on_iam("recover").json["InterruptedRuns"]
        self.assertEqual((found["Result"], found["AccessKeyId"]), ("deleted", key))
        self.assertEqual(self.token.access_key_ids(), [self.iam.root_id])

    def test_wrong_user_and_a_lost_answer(self) -> None:
        """The second answer is that there is no such key: of bob, and alice's stays."""
        key = self.issue_for("alice")
        self.iam.misbehave("cut", "DeleteAccessKey")
        run = self.delete(key, "--user-name", "bob", "--yes", expect=GENERAL)
        self.assertIn("exists: it is of user alice", run.sentence)
        self.iam.set_clock(1200)
        (found,) = self.run_on_iam("recover").json["InterruptedRuns"]
        self.assertEqual((found["Result"], found["AccessKeyId"]), ("not-executed", key))
        self.assert_held(key)

    def test_leftover(self) -> None:
        """Of a key that was deleted by other means, the secret is destroyed: on demand alone."""
        key = self.issue_for("alice")
        self.iam.act("DeleteAccessKey", UserName="alice", AccessKeyId=key)
        run = self.delete(key, "--user-name", "alice", "--yes", expect=REFUSED)
        self.assertIn("a short while ago", run.sentence)
        self.iam.set_clock(1200)
        words = ["delete-access-key", "--access-key-id", key, "--user-name", "alice"]
        for answer, code in (("n", REFUSED), ("y", OK)):
            self.assert_held(key)
            terminal = self.on_terminal(*words, *self.iam_arguments())
            terminal.read_until("Delete access key")
            terminal.type("y\n")
            terminal.read_until("IAM knows no such key any more")
            terminal.type(f"{answer}\n")
            self.assertEqual(terminal.finish(), code)
        self.assertEqual(self.token.access_key_ids(), [self.iam.root_id])
        last = self.records(key)[-1]
        self.assertEqual((last["Result"], last["Code"]), ("deleted", "NoSuchEntity"))
        self.hsmiam("audit", "verify", "--token", self.token.uri())

    def test_killed_between(self) -> None:
        key = self.issue_for("alice")
        self.iam.misbehave("stall", "DeleteAccessKey", seconds=20)
        process = self.start("delete-access-key", "--access-key-id", key, "--user-name", "alice",
                             "--yes", *self.iam_arguments())  # fmt: skip
        self.assertTrue(self.iam.wait("DeleteAccessKey"))
        process.kill()
        process.wait()
        self.iam.set_clock(1200)
        (found,) = self.run_on_iam("recover").json["InterruptedRuns"]
        self.assertEqual((found["Result"], found["AccessKeyId"]), ("deleted", key))
        self.assertEqual(self.token.access_key_ids(), [self.iam.root_id])
        self.hsmiam("audit", "verify", "--token", self.token.uri())

    def test_lost_refusal(self) -> None:
        """Another user was named than the key's, and nobody heard that IAM refused."""
        key = self.issue_for("alice")
        self.environment["AWS_MAX_ATTEMPTS"] = "1"
        self.iam.misbehave("cut", "DeleteAccessKey")
        self.delete(key, "--user-name", "bob", "--yes", expect=GENERAL)
        self.iam.set_clock(1200)
        (found,) = self.run_on_iam("recover").json["InterruptedRuns"]
        self.assertEqual(found["Result"], "not-executed")
        self.assert_held(key)

    def test_another_token_than_the_credentials(self) -> None:
        other = self.new_token("vault")
        words = ["--token", other.uri()]
        self.hsmiam("provision-token", *words, "--ledger", str(self.directory / "vault.jsonl"))
        key = self.issue_for("alice", *words)
        run = self.run_on_iam("list-access-keys", "--all-users", *words)
        tokens = {k["AccessKeyId"]: k["TokenLabel"] for k in run.json[LIST]}
        self.assertEqual(tokens, {key: "vault", self.iam.root_id: self.token.label})
        self.delete(key, "--user-name", "alice", "--yes", *words)
        self.assertEqual(other.access_key_ids(), [])

        words = ["--token", self.token.uri(), *words]
        key = self.issue_for("alice", *words)
        run = self.run_on_iam("list-access-keys", "--all-users", *words)
        (facts,) = (k for k in run.json[LIST] if k["AccessKeyId"] == key)
        self.assertEqual((facts["TokenSerial"], facts["ReplicaSerials"]),
                         (self.token.serial, other.serial))  # fmt: skip
        self.delete(key, "--user-name", "alice", "--yes", *words)
        self.assertEqual(other.access_key_ids(), [])
        self.assertEqual(self.token.access_key_ids(), [self.iam.root_id])

    def test_request_that_never_arrived(self) -> None:
        """IAM still has the key: it stays, on both sides."""
        key = self.issue_for("alice")
        self.environment["AWS_MAX_ATTEMPTS"] = "1"
        self.iam.misbehave("error", "DeleteAccessKey")
        self.delete(key, "--user-name", "alice", "--yes", expect=GENERAL)
        self.iam.set_clock(1200)
        (found,) = self.run_on_iam("recover").json["InterruptedRuns"]
        self.assertEqual((found["Result"], found["AccessKeyId"]), ("not-executed", key))
        self.assertEqual(self.iam.key_ids("alice"), [key])
        self.assert_held(key)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
