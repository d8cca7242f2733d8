"""Where PINs come from, and that a PIN is tried once."""

from __future__ import annotations

import unittest

from harness import CONFIGURATION, OK, USAGE, IntegrationTest, Run
from spy import Spy


class PinTest(IntegrationTest):
    with_root = False

    def log_in(self, source: str | None = None, expect: int = OK, **variables: str) -> Run:
        """A command that needs a PIN, its source given by flag."""
        words = [] if source is None else ["--pin-source", source]
        return self.hsmiam(
            "provision-token", "--token", self.token.uri(query=""), *words, expect=expect,
            env=variables,
        )  # fmt: skip

    def refuse(self, source: str, message: str, expect: int = CONFIGURATION) -> None:
        run = self.log_in(source, expect)
        self.assertIn(message, run.sentence)

    def spy(self) -> Spy:
        spy = Spy(self.directory / "spy.log", self.token.tool_module)
        self.searcher.allow(spy.log)
        return spy


class SourceTest(PinTest):
    def test_files(self) -> None:
        path = self.token.pin_file
        for source in (str(path), f"file:{path}", f"file://{path}", f"file://localhost{path}"):
            with self.subTest(source):
                self.log_in(source)
        self.log_in(f"./{path.relative_to(self.directory)}")

    def test_line_ends(self) -> None:
        for ending in ("", "\n", "\r\n"):
            with self.subTest(ending=ending):
                self.log_in(str(self.write("pin", self.token.pin + ending, secret=True)))

    def test_files_that_give_no_pin(self) -> None:
        for name, content, message in (
            ("empty", "", "gives an empty PIN"),
            ("line-end", "\n", "gives an empty PIN"),
            ("two-lines", "1234\n5678\n", "with a line end or a NUL byte in it"),
            ("nul", "12\x0034", "with a line end or a NUL byte in it"),
            ("long", "1" * 256, "255 bytes"),
            ("longer", "1" * 10_000, "255 bytes"),
        ):
            with self.subTest(name):
                self.refuse(str(self.write(name, content)), message)

    def test_files_that_cannot_be_read(self) -> None:
        self.refuse("/nowhere/pin", 'The PIN source "/nowhere/pin" cannot be opened', CONFIGURATION)
        self.refuse(str(self.directory), "cannot be read", CONFIGURATION)
        self.refuse("file://another.host/pin", "is not a file of this host", USAGE)

    def test_command(self) -> None:
        self.log_in(f"|cat {self.token.pin_file}")
        self.log_in(f"|while read -r line; do echo \"$line\"; done < '{self.token.pin_file}'")

    def test_command_that_gives_no_pin(self) -> None:
        self.refuse("|exit 3", "The PIN command failed with exit code 3.")
        self.refuse("|no-such-command-anywhere", "The PIN command failed with exit code 127.")
        self.refuse("|kill -9 $$", "The PIN command was ended by signal 9.")
        self.refuse("|true", "The PIN command gives an empty PIN.")
        self.refuse("|yes 1", "The PIN command gives a PIN that is too long")

    def test_output_of_a_command_that_fails_is_not_tried(self) -> None:
        spy = self.spy()
        self.hsmiam(
            "provision-token", "--token", self.token.uri(query="", module="spy"),
            "--pin-source", f"|cat {self.token.pin_file}; false",
            env=spy.environment, expect=CONFIGURATION,
        )  # fmt: skip
        self.assertEqual(spy.calls("C_Login"), [])

    def test_command_gets_no_input(self) -> None:
        """The secret on standard input is for the tool."""
        uri = self.token.uri(query="")
        self.hsmiam(
            "import-access-key", "--token", uri, "--access-key-id", self.iam.root_id,
            "--pin-source", f"|cat > got; cat {self.token.pin_file}", stdin=self.iam.root_secret,
        )  # fmt: skip
        self.assertEqual((self.directory / "got").read_text(), "")
        self.assert_held(self.iam.root_id)

    def test_systemd_credential(self) -> None:
        folder = str(self.token.pin_file.parent)
        name = self.token.pin_file.name
        self.log_in(f"systemd:{name}", CREDENTIALS_DIRECTORY=folder)
        self.log_in(name, CREDENTIALS_DIRECTORY=folder)

    def test_no_systemd_credential(self) -> None:
        folder = str(self.token.pin_file.parent)
        run = self.log_in("systemd:nothing", CONFIGURATION, CREDENTIALS_DIRECTORY=folder)
        self.assertIn("taken as a systemd credential, cannot be opened", run.sentence)
        run = self.log_in("systemd:../etc/passwd", USAGE, CREDENTIALS_DIRECTORY=folder)
        self.assertIn("does not name a systemd credential", run.sentence)
        self.log_in("systemd:", USAGE, CREDENTIALS_DIRECTORY=folder)

    def test_pin_given_instead_of_its_source(self) -> None:
        """A frequent mistake; the message must not make it worse."""
        pin = self.token.pin.replace("/", "-")
        self.searcher.add("PIN by mistake", pin)
        run = self.log_in(pin, CONFIGURATION)
        self.assertIn("is no path, so a systemd credential is meant", run.sentence)

    def test_none(self) -> None:
        run = self.log_in(None, CONFIGURATION)
        self.assertIn("There is no terminal to ask for the PIN on. Name its source", run.sentence)

    def test_flag_goes_over_the_uri(self) -> None:
        uri = self.token.uri(query="pin-source=file:/nowhere")
        self.hsmiam(
            "provision-token", "--token", uri, "--pin-source", str(self.token.pin_file)
        )

    def test_other_characters(self) -> None:
        for pin in ("ümläut-pin", " spaces inside ", "%41;?&=", "x" * 255):
            with self.subTest(pin[:10]):
                self.token.set_pin(pin)
                if len(pin) < 100:
                    self.searcher.add("another PIN", pin)
                self.log_in(str(self.token.pin_file))


class TwoNamesTest(PinTest):
    """HSMIAM_TOKEN and HSMIAM_CREDENTIAL name the same token, as in the README."""

    with_root = True

    def test_pin_is_asked_for_once(self) -> None:
        token = self.token.uri(f";serial={self.token.serial}", query="")
        self.environment["HSMIAM_TOKEN"] = token
        for way in ("flag", "variable"):
            for attribute in (";object=root-admin", f";id={self.iam.root_id};type=secret-key"):
                with self.subTest(way=way, attribute=attribute):
                    self.check(self.token.uri(attribute, query=""), way)

    def check(self, credential: str, way: str) -> None:
        self.iam.endpoint.reset()
        words = self.iam_arguments(credential=credential)
        self.environment.pop("HSMIAM_CREDENTIAL", None)
        if way == "variable":
            at = words.index("--credential")
            del words[at : at + 2]
            self.environment["HSMIAM_CREDENTIAL"] = credential
        terminal = self.on_terminal("create-access-key", *words, "--user-name", "alice")
        terminal.read_until('PIN for token "custody": ')
        terminal.type(f"{self.token.pin}\n")
        self.assertEqual(terminal.finish(), OK, terminal.shown)
        self.assertEqual(terminal.shown.count("PIN for token"), 1, terminal.shown)
        (access_key_id,) = self.iam.key_ids("alice")
        self.assert_held(access_key_id)


class OnceTest(PinTest):
    """The counter of a token is not to be spent."""

    def setUp(self) -> None:
        super().setUp()
        self.wrong = self.write("wrong-pin", "wrong-pin")

    def spied(self, query: str) -> str:
        return self.token.key_uri(self.iam.root_id, query=query, module="spy")

    def logins(self, *words: str, expect: int = CONFIGURATION) -> int:
        spy = self.spy()
        spy.log.unlink(missing_ok=True)
        self.hsmiam(*words, env=spy.environment, expect=expect, stdin=self.iam.root_secret)
        return len(spy.calls("C_Login"))

    def test_wrong_pin(self) -> None:
        uri = self.spied(f"pin-source=file:{self.wrong}")
        for words in (
            ["provision-token", "--token", uri],
            ["import-access-key", "--token", uri, "--access-key-id", self.iam.root_id],
            ["create-access-key", *self.iam_arguments(credential=uri)],
        ):
            with self.subTest(words[0]):
                self.assertEqual(self.logins(*words), 1)

    def test_wrong_pin_under_two_names_of_a_token(self) -> None:
        uri = self.spied(f"pin-source=file:{self.wrong}")
        other = uri.replace("pkcs11:token=custody;", f"pkcs11:serial={self.token.serial};")
        words = ["create-access-key", *self.iam_arguments(credential=uri), "--token", other]
        self.assertEqual(self.logins(*words), 1)

    def test_wrong_pin_typed(self) -> None:
        spy = self.spy()
        self.environment |= spy.environment
        terminal = self.on_terminal("provision-token", "--token", self.spied(""))
        terminal.read_until("PIN for token")
        terminal.type("1234\n")
        self.assertEqual(terminal.finish(), CONFIGURATION)
        self.assertIn("is wrong (4 bytes); it was tried once", " ".join(terminal.shown.split()))
        self.assertEqual(len(spy.calls("C_Login")), 1)

    def test_right_pin(self) -> None:
        self.import_root()
        words = ["create-access-key", *self.iam_arguments(credential=self.spied(
            f"pin-source=file:{self.token.pin_file}"))]  # fmt: skip
        self.assertEqual(self.logins(*words, expect=OK), 1)

    def test_nothing_reaches_iam_with_a_wrong_pin(self) -> None:
        uri = self.token.key_uri(self.iam.root_id, query=f"pin-source=file:{self.wrong}")
        self.hsmiam(
            "create-access-key", *self.iam_arguments(credential=uri), expect=CONFIGURATION
        )
        self.assertEqual(self.iam.requests(), [])


if __name__ == "__main__":
    unittest.main()
