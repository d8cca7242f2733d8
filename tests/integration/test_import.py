"""`import-access-key`: the ways of a secret into the token, and what is refused."""

from __future__ import annotations

import os
import secrets
import signal
import unittest
from typing import Any

from harness import CONFIGURATION, GENERAL, INTERRUPTED, OK, USAGE, IntegrationTest, Run
from tokens import KIND, where

QUESTION = "Secret access key of "


class ImportTest(IntegrationTest):
    with_root = False

    def setUp(self) -> None:
        super().setUp()
        self.key_id, self.secret = self.iam.root_id, self.iam.root_secret

    def take(self, *arguments: str, **options: Any) -> Run:
        options.setdefault("stdin", self.secret)
        return self.hsmiam(
            "import-access-key", "--token", self.token.uri(), "--access-key-id", self.key_id,
            *arguments, **options,
        )  # fmt: skip


class SourceTest(ImportTest):
    def test_standard_input(self) -> None:
        for ending in ("", "\n", "\r\n"):
            with self.subTest(ending=ending):
                self.key_id = f"AKIA{secrets.token_hex(8).upper()}"
                run = self.take("--user-name", "Jane.Doe+1@example.com", stdin=self.secret + ending)
                key = run.json["AccessKey"]
                self.assertEqual(
                    list(key),
                    ["UserName", "AccessKeyId", "SecretAccessKeyUri", "ImportRoute", "SigV4Route"],
                )
                self.assertEqual(key["UserName"], "Jane.Doe+1@example.com")
                self.assertEqual(key["AccessKeyId"], self.key_id)
                self.assertEqual(key["ImportRoute"], "rsa-oaep")
                self.assertEqual(key["SigV4Route"], KIND.sigv4_route)
                self.assert_held(self.key_id, self.secret)

    def test_file_descriptor(self) -> None:
        reader, writer = os.pipe()
        os.write(writer, self.secret.encode() + b"\n")
        os.close(writer)
        self.take("--secret-fd", str(reader), stdin="not this", pass_fds=(reader,))
        os.close(reader)
        self.assert_held(self.key_id)

    def test_file_descriptor_that_is_not_open(self) -> None:
        run = self.take("--secret-fd", "77", expect=USAGE)
        self.assertIn("File descriptor 77 cannot be used", run.sentence)

    def test_the_object(self) -> None:
        self.take("--user-name", "root-admin")
        self.assertEqual(self.token.access_key(self.key_id).label, "root-admin")
        self.assert_guarded(self.key_id)

    def test_without_a_user_name_the_id_is_the_label(self) -> None:
        self.assertNotIn("UserName", self.take().json["AccessKey"])
        self.assertEqual(self.token.access_key(self.key_id).label, self.key_id)

    def test_printed_uri_names_the_key(self) -> None:
        uri = self.take().json["AccessKey"]["SecretAccessKeyUri"]
        self.assertIn(f";id={''.join(f'%{byte:02X}' for byte in self.key_id.encode())};", uri)
        self.assertIn(";type=secret-key", uri)
        self.assertNotIn("?", uri)

    def test_environment_is_no_source(self) -> None:
        run = self.take(stdin="", env={"AWS_SECRET_ACCESS_KEY": self.secret}, expect=USAGE)
        self.assertIn("The secret access key is empty", run.sentence)
        self.assertEqual(self.token.access_key_ids(), [])

    def test_arguments_are_no_source_and_are_not_repeated(self) -> None:
        self.searcher.add_access_key("secret", self.secret)
        for words in (
            [self.secret],
            ["--secret", self.secret],
            [f"--secret={self.secret}"],
            [f"--secret-access-key={self.secret}"],
            ["--secret-access-key", self.secret],
            ["--secret-fd", self.secret],
        ):
            with self.subTest(words[0].partition("=")[0]):
                self.take(*words, stdin="", expect=USAGE)
        self.assertEqual(self.token.access_key_ids(), [])


class TerminalTest(ImportTest):
    def arguments(self) -> list[str]:
        return ["import-access-key", "--token", self.token.uri(), "--access-key-id", self.key_id]

    def test_typed_secret_is_not_shown(self) -> None:
        terminal = self.on_terminal(*self.arguments())
        terminal.read_until(QUESTION + self.key_id)
        self.assertFalse(terminal.echoes())
        terminal.type(self.secret + "\n")
        self.assertEqual(terminal.finish(), OK, terminal.shown)
        self.assertTrue(terminal.is_restored())
        self.assertNotIn(self.secret, terminal.shown)
        self.assert_held(self.key_id)

    def test_interruption_restores_the_terminal(self) -> None:
        for how in ("control-C", "SIGTERM"):
            with self.subTest(how):
                terminal = self.on_terminal(*self.arguments())
                terminal.read_until(QUESTION)
                terminal.type(self.secret[:10])
                if how == "control-C":
                    terminal.type("\x03")
                else:
                    terminal.process.send_signal(signal.SIGTERM)
                self.assertEqual(terminal.finish(), INTERRUPTED, terminal.shown)
                self.assertTrue(terminal.is_restored())
                self.assertNotIn(self.secret[:10], terminal.shown)
        self.assertEqual(self.token.access_key_ids(), [])

    def test_nothing_typed(self) -> None:
        terminal = self.on_terminal(*self.arguments())
        terminal.read_until(QUESTION)
        terminal.type("\n")
        self.assertEqual(terminal.finish(), CONFIGURATION)
        self.assertIn("Nothing was typed.", terminal.shown)

    def test_typed_pin(self) -> None:
        reader, writer = os.pipe()
        os.write(writer, self.secret.encode())
        os.close(writer)
        terminal = self.on_terminal(
            "import-access-key", "--token", self.token.uri(query=""),
            "--access-key-id", self.key_id, "--secret-fd", str(reader), pass_fds=(reader,),
        )  # fmt: skip
        os.close(reader)
        terminal.read_until('PIN for token "custody": ')
        self.assertFalse(terminal.echoes())
        terminal.type(self.token.pin + "\n")
        self.assertEqual(terminal.finish(), OK, terminal.shown)
        self.assertTrue(terminal.is_restored())
        self.assertNotIn(self.token.pin, terminal.shown)
        self.assert_held(self.key_id)


class RefusalTest(ImportTest):
    def test_secrets_of_wrong_form(self) -> None:
        for name, secret in (
            ("empty", ""),
            ("a line end only", "\n"),
            ("too short", "x" * 15),
            ("too long", "x" * 129),
            ("much too long", "x" * 100_000),
            ("two lines", f"{self.secret}\n{self.secret}"),
            ("a tab", self.secret[:20] + "\t" + self.secret[20:]),
            ("not ASCII", self.secret[:20] + "ä" + self.secret[20:]),
            ("a NUL", self.secret[:20] + "\0" + self.secret[20:]),
        ):
            with self.subTest(name):
                self.take(stdin=secret, expect=USAGE)
        self.assertEqual(self.token.access_key_ids(), [])

    def test_lengths_at_the_limits(self) -> None:
        """SoftHSM takes no HMAC key shorter than 32 bytes; four of them are not the secret's."""
        for size in (28, 128):
            with self.subTest(size=size):
                self.key_id = f"AKIA{secrets.token_hex(8).upper()}"
                secret = secrets.token_urlsafe(128)[:size]
                self.take(stdin=secret)
                self.assert_held(self.key_id, secret)

    @where(not KIND.takes_short_keys)
    def test_length_that_the_token_refuses(self) -> None:
        run = self.take(stdin=secrets.token_urlsafe(16)[:16], expect=CONFIGURATION)
        self.assertIn("CKR_KEY_SIZE_RANGE", run.sentence)
        self.assertEqual(self.token.access_key_ids(), [], "an unproven key was left behind")

    def test_ids_of_wrong_form(self) -> None:
        for name, access_key_id in (
            ("empty", ""),
            ("short", "AKIA12345678901"),
            ("long", "A" * 129),
            ("hyphen", "AKIA-23456789012345"),
            ("not ASCII", "AKIÄ23456789012345"),
        ):
            with self.subTest(name):
                self.key_id = access_key_id
                self.take(expect=USAGE)
        self.assertEqual(self.token.access_key_ids(), [])

    def test_user_names_of_wrong_form(self) -> None:
        for name in ("", "x" * 129, "two words", "a/b", "é"):
            with self.subTest(name):
                self.take("--user-name", name, expect=USAGE)
        self.assertEqual(self.token.access_key_ids(), [])

    def test_same_id_twice(self) -> None:
        self.take()
        run = self.take(stdin="another-secret-of-the-same-length-as-aws", expect=GENERAL)
        self.assertIn(f"already holds a key with the id {self.key_id}", run.sentence)
        self.assert_held(self.key_id)

    def test_options_that_do_not_go_together(self) -> None:
        for words in (
            ["--secret-fd", "3", "--csv", "x.csv"],
            ["--csv", "x.csv", "--shred", "--no-shred"],
            ["--shred"],
            ["--no-shred"],
            ["--import-route", "by-hand"],
        ):
            with self.subTest(" ".join(words)):
                run = self.take(*words, expect=USAGE)
                self.assertIn("usage: hsmiam", run.err)

    def test_id_is_required(self) -> None:
        run = self.hsmiam("import-access-key", "--token", self.token.uri(), expect=USAGE)
        self.assertIn("the following arguments are required: --access-key-id", run.sentence)

    def test_wrong_pin(self) -> None:
        wrong = self.write("wrong-pin", "wrong-pin")
        run = self.take("--pin-source", str(wrong), expect=CONFIGURATION)
        self.assertIn("is wrong (9 bytes); it was tried once", run.sentence)


class RouteTest(ImportTest):
    def test_forced(self) -> None:
        for route in (*self.token.routes, "auto"):
            with self.subTest(route):
                self.key_id = f"AKIA{secrets.token_hex(8).upper()}"
                key = self.take("--import-route", route).json["AccessKey"]
                self.assertEqual(key["ImportRoute"], route.replace("auto", self.token.routes[0]))
                self.assert_held(self.key_id, self.secret)
                self.assert_guarded(self.key_id)


    @where("create-object" not in KIND.routes)
    def test_plaintext_is_refused_by_the_token(self) -> None:
        run = self.take("--import-route", "create-object", expect=CONFIGURATION)
        self.assertIn("C_CreateObject failed", run.sentence)
        self.assertIn("(CKR_ATTRIBUTE_VALUE_INVALID)", run.sentence)
        self.assertEqual(self.token.access_key_ids(), [])


class UnprovisionedTest(ImportTest):
    provisioned = False

    @where("create-object" in KIND.routes)
    def test_without_wrapping_key_the_plaintext_crosses_and_this_is_said(self) -> None:
        run = self.take()
        self.assertEqual(run.json["AccessKey"]["ImportRoute"], "create-object")
        self.assertIn("hsmiam: warning: Route rsa-oaep does not work", run.err)
        self.assertIn("the plaintext crosses the PKCS#11 API", run.err)
        self.assert_held(self.key_id)

    @where("create-object" not in KIND.routes)
    def test_without_wrapping_key_there_is_no_route(self) -> None:
        run = self.take(expect=CONFIGURATION)
        self.assertIn("hsmiam: warning: Route rsa-oaep does not work", run.err)
        self.assertEqual(self.token.access_key_ids(), [])

    def test_forced_route_without_wrapping_key(self) -> None:
        run = self.take("--import-route", "rsa-oaep", expect=CONFIGURATION)
        self.assertIn("`hsmiam provision-token` makes it", run.sentence)
        self.assertEqual(self.token.access_key_ids(), [])


if __name__ == "__main__":
    unittest.main()
