"""The life of a key after its making: listed as botocore lists it, switched off, deleted."""

from __future__ import annotations

import base64
import json
import unittest
from typing import Any

import botocore.session
from botocore.config import Config

from harness import OK, REFUSED, USAGE, IntegrationTest, Run
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
        self.assertEqual(held["SecretAccessKeyUri"].split(";")[-3],
                         "id=" + "".join(f"%{byte:02X}" for byte in self.held.encode()))  # fmt: skip
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


if __name__ == "__main__":
    unittest.main(warnings="ignore")
