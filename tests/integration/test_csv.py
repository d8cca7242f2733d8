"""`import-access-key --csv`: the files that the AWS console hands out, and what becomes of them."""

from __future__ import annotations

import os
import secrets
import unittest
from pathlib import Path
from typing import Any

from harness import GENERAL, OK, USAGE, IntegrationTest, Run

OTHER_ID = "AKIAOTHER0123456789A"
OTHER_SECRET = "other/secret+of+forty+characters/0123456"
CAVEAT = "only rotating the key makes them worthless"


class CsvTest(IntegrationTest):
    with_root = False

    def setUp(self) -> None:
        super().setUp()
        self.key_id, self.secret = self.iam.root_id, self.iam.root_secret
        self.searcher.add_access_key("secret of another key", OTHER_SECRET)

    def csv(self, text: str | bytes, name: str = "accessKeys.csv") -> Path:
        path = self.directory / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        self.searcher.allow(path)
        return path

    def one_key(self) -> Path:
        return self.csv(f"Access key ID,Secret access key\r\n{self.key_id},{self.secret}\r\n")

    def another_key(self) -> Path:
        """A file like that, with an id that the token does not hold yet."""
        self.key_id = f"AKIA{secrets.token_hex(8).upper()}"
        return self.one_key()

    def take(self, path: Path, *arguments: str, **options: Any) -> Run:
        return self.hsmiam(
            "import-access-key", "--token", self.token.uri(), "--csv", str(path), *arguments,
            **options,
        )  # fmt: skip

    def label(self) -> str:
        return self.token.access_key(self.key_id).label


class FormTest(CsvTest):
    def check(self, text: str | bytes, *arguments: str, label: str) -> None:
        self.take(self.csv(text), *arguments)
        self.assert_held(self.key_id)
        self.assertEqual(self.label(), label)

    def test_access_key_file(self) -> None:
        """The console's accessKeys.csv: a byte order mark, CRLF and no name."""
        text = f"\ufeffAccess key ID,Secret access key\r\n{self.key_id},{self.secret}\r\n"
        self.check(text, label=self.key_id)

    def test_without_last_line_end(self) -> None:
        text = f"Access key ID,Secret access key\n{self.key_id},{self.secret}"
        self.check(text, label=self.key_id)

    def test_credentials_file(self) -> None:
        """The console's credentials.csv of a new user, with a name and a link."""
        self.check(
            "User name,Password,Access key ID,Secret access key,Console login link\r\n"
            f"root-admin,,{self.key_id},{self.secret},https://example.com/console\r\n",
            label="root-admin",
        )

    def test_name_by_flag_goes_over_the_file(self) -> None:
        text = f"User name,Access key ID,Secret access key\nin-file,{self.key_id},{self.secret}\n"
        self.check(text, "--user-name", "by-flag", label="by-flag")

    def test_quoted_fields_in_another_order(self) -> None:
        self.check(
            f'"Secret access key","User Name","Access Key Id"\n'
            f'"{self.secret}","root-admin","{self.key_id}"\n',
            label="root-admin",
        )

    def test_row_of_several(self) -> None:
        self.check(
            "User name,Access key ID,Secret access key\n"
            f"other,{OTHER_ID},{OTHER_SECRET}\nroot-admin,{self.key_id},{self.secret}\n\n",
            "--access-key-id", self.key_id, label="root-admin",
        )  # fmt: skip
        self.assertEqual(self.token.access_key_ids(), [self.key_id])


class RefusalTest(CsvTest):
    def refuse(self, text: str | bytes, *arguments: str, words: str) -> None:
        path = self.csv(text)
        run = self.take(path, *arguments, "--shred", expect=USAGE)
        self.assertIn(words, run.sentence)
        self.assertEqual(self.token.access_key_ids(), [])
        self.assertTrue(path.exists(), "what was not taken in must not be shredded")

    def test_several_rows_and_no_id(self) -> None:
        self.refuse(
            f"Access key ID,Secret access key\n{OTHER_ID},{OTHER_SECRET}\n"
            f"{self.key_id},{self.secret}\n",
            words="holds 2 access keys. Choose one by --access-key-id.",
        )

    def test_malformed(self) -> None:
        header, row = "Access key ID,Secret access key", f"{self.key_id},{self.secret}"
        for words, text in (
            ("is empty", ""),
            ("the headers", f"{row}\n"),
            ("the headers", f"Access key ID,Secret\n{row}\n"),
            ("two columns have the same header", f"{header},Access key ID\n{row}\n"),
            ("holds no access key", f"{header}\n"),
            ("is empty", f"{header}\n{self.key_id},\n"),
            ("is empty", f"{header}\n,{self.secret}\n"),
            ("is not closed", f'{header}\n"{row}\n'),
            ("followed by something", f'{header}\n"{self.key_id}"x,{self.secret}\n'),
            ("holds a NUL byte", f"{header}\n{row}\0\n"),
            ("is longer than", f"{header}\n{row}\n" + "x" * 1_000_000),
        ):
            with self.subTest(words=words, start=text[:12]):
                self.refuse(text, words=words)

    def test_id_that_is_not_in_the_file(self) -> None:
        text = f"Access key ID,Secret access key\n{self.key_id},{self.secret}\n"
        self.refuse(text, "--access-key-id", OTHER_ID, words="holds no access key with the id that was given")

    def test_same_id_twice_in_the_file(self) -> None:
        row = f"{self.key_id},{self.secret}\n"
        text = f"Access key ID,Secret access key\n{row}{row}"
        self.refuse(text, "--access-key-id", self.key_id, words="more than once")

    def test_no_file(self) -> None:
        run = self.take(self.directory / "nowhere.csv", expect=USAGE)
        self.assertIn("nowhere.csv cannot be opened: No such file", run.sentence)


class ShredTest(CsvTest):
    def test_by_flag(self) -> None:
        path = self.one_key()
        kept_open = path.open("rb")
        self.addCleanup(kept_open.close)
        run = self.take(path, "--shred")
        self.assertFalse(path.exists())
        self.assertNotIn(self.secret.encode(), kept_open.read())
        self.assertIn("was overwritten and deleted", run.err)
        self.assertIn(CAVEAT, " ".join(run.err.split()))
        self.assert_held(self.key_id)

    def test_not_by_flag(self) -> None:
        for arguments in (["--no-shred"], []):
            with self.subTest(arguments):
                path = self.another_key()
                run = self.take(path, *arguments)
                self.assertIn(self.secret, path.read_text())
                self.assertIn(f"{path} still holds the secret access key", run.err)

    def test_offered_on_a_terminal(self) -> None:
        for answer, kept in (("y", False), ("Yes", False), ("n", True), ("", True)):
            with self.subTest(answer=answer):
                path = self.another_key()
                terminal = self.on_terminal(
                    "import-access-key", "--token", self.token.uri(), "--csv", str(path)
                )
                terminal.read_until("[y/N]")
                self.assertIn(CAVEAT, " ".join(terminal.shown.split()))
                terminal.type(f"{answer}\n")
                self.assertEqual(terminal.finish(), OK, terminal.shown)
                self.assertEqual(path.exists(), kept)
                self.assertNotIn(self.secret, terminal.shown)
                self.assert_held(self.key_id, self.secret)

    def test_not_when_the_key_was_not_taken_in(self) -> None:
        self.take(self.one_key(), "--no-shred")
        run = self.take(self.one_key(), "--shred", expect=GENERAL)
        self.assertIn("already holds a key", run.sentence)
        self.assertTrue(self.one_key().exists())

    def test_file_with_other_names(self) -> None:
        path = self.one_key()
        other = self.directory / "hard-link.csv"
        os.link(path, other)
        self.searcher.allow(other)
        run = self.take(path, "--shred", expect=GENERAL)
        self.assertIn("it has other names (hard links)", run.sentence)
        self.assertIn("The access key is in the token.", run.sentence)
        self.assertIn(self.secret, path.read_text())

    def test_symbolic_link(self) -> None:
        link = self.directory / "link.csv"
        link.symlink_to(self.one_key())
        run = self.take(link, "--shred", expect=GENERAL)
        self.assertIn("it is a symbolic link", run.sentence)
        self.assertIn(self.secret, link.read_text())


if __name__ == "__main__":
    unittest.main()
