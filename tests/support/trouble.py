"""The main job on SoftHSM, through a module that makes trouble on order.

Whatever happens: one clear sentence, the right exit code, and no key of IAM's that nobody knows of.
"""

from __future__ import annotations

import collections
import os
import re
from pathlib import Path

from harness import OK, Run
from misfortune import DELETED, USER, MisfortuneTest
from softhsm import MODULE

TROUBLE_MODULE = os.environ["HSMIAM_TROUBLE_MODULE"]

#: What the audit key cannot sign any more is told, and is no reason to fail.
PENDING = "the record is left pending"

Point = tuple[str, int]


class TroubleTest(MisfortuneTest):
    def setUp(self) -> None:
        super().setUp()
        self.environment["TROUBLE_MODULE"] = str(MODULE)
        self.module = f"module-path={TROUBLE_MODULE}&pin-source=file:{self.token.pin_file}"
        self.uri = self.token.key_uri(self.iam.root_id).partition("?")[0] + f"?{self.module}"
        self.first_objects = self.objects()
        self.first_secrets = self.searcher.names

    def objects(self) -> set[Path]:
        """The files of the token's objects."""
        return set(self.token.objects_directory.rglob("*.*"))

    def start_over(self) -> None:
        """A fresh account, and the token as it was: what earlier runs put there makes each later one
        slower, and was looked through after its own."""
        self.iam.endpoint.reset()
        for path in self.objects() - self.first_objects:
            path.unlink()
        self.searcher.forget_all_but(self.first_secrets)

    def run_troubled(self, *orders: str, expect: int | None = OK, options: tuple[str, ...] = (),
                     env: dict[str, str] | None = None) -> Run:  # fmt: skip
        """The main job on a fresh account, with trouble on order."""
        self.start_over()
        self.use_new_ledger()
        run = self.issue(
            "--user-name", USER, "--credential", self.uri, *options,
            expect=expect, env={"TROUBLE": ",".join(orders)} | (env or {}),
        )  # fmt: skip
        self.assert_settled(run)
        if run.code != OK:
            self.assertNotEqual(run.sentence, "", run)
            told = re.sub(rf"(?m)^hsmiam: warning: .*{PENDING}.*\n", "", run.err)
            self.assertEqual(told.strip().count("\n\n"), 0, run)
        return run

    def assert_settled(self, run: Run) -> None:
        """No key at IAM that the token does not hold and nobody is told of, and the reverse."""
        self.assertLessEqual(len(self.iam.requests("CreateAccessKey")), 1, run)
        held = self.token.access_key_ids()
        for access_key_id in self.iam.key_ids(USER):
            if run.code == OK:
                self.assert_held(access_key_id)
            else:
                self.assertIn(access_key_id, run.sentence)
        for access_key_id in self.iam.deleted_ids():
            self.assertIn(f"{access_key_id} {DELETED}", run.sentence)
            if access_key_id in held:
                self.assertRegex(
                    run.sentence,
                    f"The object {access_key_id} could not be destroyed|"
                    f"holds an object {access_key_id} now is not known",
                )
        if run.code != OK:
            self.assertEqual(run.out, "")

    def points(self, *options: str) -> list[Point]:
        """Every call that the main job makes: the function, and which of its calls it is."""
        log = self.directory / "calls"
        self.run_troubled(env={"TROUBLE_LOG": str(log)}, options=options)
        names = log.read_text().split()
        log.unlink()
        seen: collections.Counter[str] = collections.Counter()
        found = []
        for name in names:
            seen[name] += 1
            found.append((name, seen[name]))
        return found

    def last(self, name: str, *options: str) -> int:
        """Which call of a function is the last one: that after the request, if there is one.

        Behind it, the audit key signs the outcome.
        """
        calls = [call for function, call in self.points(*options) if function == name]
        return max(calls) - (name in ("C_SignInit", "C_Sign"))

    def assert_nothing_made(self, run: Run) -> None:
        self.assertEqual(self.iam.requests("CreateAccessKey"), [], run)
