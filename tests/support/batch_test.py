"""Batches over the test's own IAM, and what must hold whatever became of them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from harness import IntegrationTest, Run


class BatchTest(IntegrationTest):
    count = 12

    def setUp(self) -> None:
        self.users = [f"user{number}" for number in range(self.count)]
        self.iam_options = {"users": self.users}
        super().setUp()

    def words(self, path: Path, *arguments: str) -> list[str]:
        return ["batch-create-access-key", *self.iam_arguments(), "--user-names", str(path),
                *arguments]  # fmt: skip

    def batch(self, users: list[str], *arguments: str, **options: Any) -> Run:
        path = self.write("users", "".join(f"{user}\n" for user in users))
        return self.hsmiam(*self.words(path, *arguments), **options)

    def lines(self, out: str) -> dict[str, dict[str, Any]]:
        """What was printed, by user; each once."""
        found = [json.loads(line) for line in out.splitlines()]
        by_user = {line["UserName"]: line for line in found}
        self.assertEqual(len(by_user), len(found))
        return by_user

    def assert_whole(self, users: list[str]) -> None:
        """Each user has one key, the token holds these and no others, and the ledger is right."""
        listed = {user: self.iam.key_ids(user) for user in users}
        self.assertEqual({user: len(ids) for user, ids in listed.items()}, dict.fromkeys(users, 1))
        held = sorted(key for key in self.token.access_key_ids() if key != self.iam.root_id)
        self.assertEqual(sorted(itertools.chain.from_iterable(listed.values())), held)
        self.assertEqual(self.hsmiam("audit", "verify").json["Verdict"], "intact")
