"""Every option, valid and not, every exit code, and what is said where."""

from __future__ import annotations

import os
import re
import unittest
from typing import Any

from harness import (
    CONFIGURATION, GENERAL, INTERRUPTED, OK, REFUSED, USAGE, IntegrationTest, Run,
)  # fmt: skip

SAMPLE = ["create-access-key", "--generate-cli-skeleton", "output"]
ESCAPE = "\x1b["
GLOBALS = [
    "--credential", "--token", "--pin-source", "--ledger", "--audit-syslog",
    "--allow-final-try", "--token-timeout", "--mfa-serial", "--token-code",
    "--require-locked-memory", "--profile", "--region", "--endpoint-url", "--output", "--ca-bundle", "--no-verify-ssl", "--cli-connect-timeout",
    "--cli-read-timeout", "--debug", "--color", "--version", "--no-paginate", "--no-cli-pager",
    "--cli-binary-format", "--query", "--no-sign-request", "--cli-auto-prompt",
]  # fmt: skip
APPROVERS = ["--approver", "--approval-expires"]
OPERATIONS = {
    "show": ["--user-name", "--access-key-id", "--since", "--until", "--event"],
    "verify": ["--public-key", "--checkpoint", "--allow-unsigned"],
    "checkpoint": [],
    "export-public-key": [],
    "add-key": ["--public-key"],
    "policy": ["--require", "--approvers", "--approvals", "--none", *APPROVERS],
}
COMMANDS = {
    "approve": ["--approver", "--yes", "--public-key"],
    "create-access-key": [
        "--user-name", "--cli-input-json", "--cli-input-yaml", "--generate-cli-skeleton",
        "--import-route", "--forbid-plaintext-import", "--exportable", "--sigv4-route",
        *APPROVERS,
    ],
    "import-access-key": [
        "--access-key-id", "--user-name", "--secret-fd", "--csv", "--wrapped", "--shred",
        "--no-shred", "--import-route", "--forbid-plaintext-import", "--exportable",
        "--sigv4-route", *APPROVERS,
    ],
    "export-access-key": [
        "--access-key-id", "--recipient", "--recipient-fingerprint", "--yes", "--algorithm",
        "--allow-expired", *APPROVERS,
    ],
    "delete-access-key": [
        "--user-name", "--access-key-id", "--yes", "--cli-input-json", "--cli-input-yaml",
        "--generate-cli-skeleton", *APPROVERS,
    ],
    "update-access-key": [
        "--user-name", "--access-key-id", "--status", "--cli-input-json", "--cli-input-yaml",
        "--generate-cli-skeleton", *APPROVERS,
    ],
    "get-access-key-last-used": [
        "--access-key-id", "--cli-input-json", "--cli-input-yaml", "--generate-cli-skeleton",
    ],
    "list-access-keys": [
        "--user-name", "--all-users", "--no-last-used", "--max-age", "--max-items", "--starting-token",
        "--page-size", "--cli-input-json", "--cli-input-yaml", "--generate-cli-skeleton",
    ],
    "provision-token": [
        "--import-route", "--sigv4-route", "--approver-key", "--accept-changed-keys",
        "--export-wrapping-key", "--exportable",
    ],
    "credential-process": [
        "--role-arn", "--role-session-name", "--duration-seconds", "--external-id", "--policy",
        "--serial-number", "--cache", "--allow-terminal",
    ],
    "serve": [
        "--role-arn", "--role-session-name", "--duration-seconds", "--external-id", "--policy",
        "--port", "--authorization-token-file", "--authorization-token-credential",
    ],
    "recover": ["--dry-run", "--wait", "--close", "--reason", "--yes"],
}  # fmt: skip


class CommandLineTest(IntegrationTest):
    """What is decided before any token is opened."""

    provisioned = False
    with_root = False


class ParseTest(CommandLineTest):
    def test_globals_that_are_taken(self) -> None:
        for words in (
            ["--no-paginate"],
            ["--no-cli-pager"],
            ["--cli-binary-format", "base64"],
            ["--cli-binary-format", "raw-in-base64-out"],
            ["--color", "auto"],
            ["--cli-connect-timeout", "0"],
            ["--cli-read-timeout=86400"],
            ["--region", "eu-central-1"],
            ["--output", "json"],
            ["--debug"],
            ["--allow-final-try"],
            ["--no-verify-ssl"],
            ["--user-name", "alice"],
            ["--user-name=alice"],
            ["--import-route", "auto"],
        ):
            with self.subTest(" ".join(words)):
                plain = self.hsmiam(*SAMPLE)
                self.assertEqual(self.hsmiam(*SAMPLE, *words).out, plain.out)

    def test_globals_before_the_command(self) -> None:
        out = self.hsmiam("--output", "text", *SAMPLE).out
        self.assertEqual(self.hsmiam(*SAMPLE, "--output=text").out, out)

    def test_last_of_several_counts(self) -> None:
        run = self.hsmiam(*SAMPLE, "--output", "text", "--output", "json")
        self.assertEqual(run.out[0], "{")

    def test_refused(self) -> None:
        """Words, and what the message must say. None of these gets as far as a token."""
        for words, message in (
            ([], "the following arguments are required: command"),
            (["create-key"], "argument command: Invalid choice, valid choices are:"),
            (["--output", "json"], "the following arguments are required: command"),
            ([*SAMPLE, "alice"], "Unknown options: alice"),
            ([*SAMPLE, "--user", "alice"], "Unknown options: --user, alice"),
            ([*SAMPLE, "--shred"], "Unknown options: --shred"),
            ([*SAMPLE, "-v"], "Unknown options: -v"),
            ([*SAMPLE, "--output", "xml"], "argument --output: Invalid choice"),
            ([*SAMPLE, "--output", "JSON"], "argument --output: Invalid choice"),
            ([*SAMPLE, "--output", "yaml-stream"], "argument --output: Invalid choice"),
            ([*SAMPLE, "--color", "always"], "argument --color: Invalid choice"),
            ([*SAMPLE, "--import-route", "x"], "argument --import-route: Invalid choice"),
            ([*SAMPLE, "--cli-read-timeout", "soon"], "expected a whole number"),
            ([*SAMPLE, "--cli-read-timeout", "1.5"], "expected a whole number"),
            ([*SAMPLE, "--cli-read-timeout", "-1"], "expected a whole number"),
            ([*SAMPLE, "--cli-read-timeout="], "expected a whole number"),
            ([*SAMPLE, "--cli-read-timeout", "86401"], "at most 86400"),
            ([*SAMPLE, "--cli-connect-timeout", "9999999999"], "expected a whole number"),
            ([*SAMPLE, "--no-verify-ssl=yes"], "argument --no-verify-ssl: takes no value"),
            ([*SAMPLE, "--profile"], "argument --profile: expected one argument"),
            ([*SAMPLE, "--region", "--debug"], "argument --region: expected one argument"),
            ([*SAMPLE[:2], "yaml"], "argument --generate-cli-skeleton: Invalid choice"),
            ([*SAMPLE, "--query", "AccessKey"], "| jq .AccessKey"),
            ([*SAMPLE, "--query"], "| jq .AccessKey"),
            ([*SAMPLE, "--no-sign-request"], "IAM answers signed requests only"),
            ([*SAMPLE, "--cli-auto-prompt"], "asks for nothing but PINs and secrets"),
        ):
            with self.subTest(" ".join(words)):
                run = self.hsmiam(*words, expect=USAGE)
                self.assertIn(message, " ".join(run.err.split()))
                self.assertIn("usage: hsmiam [options] <command> [parameters]", run.err)
                self.assertEqual(run.out, "")

    def test_user_names_are_checked_before_anything_is_opened(self) -> None:
        for name, message in (
            ("", "Invalid length for parameter UserName, value: 0, valid min length: 1"),
            ("x" * 129, "valid max length: 128"),
            ("two words", "character 4 of 9"),
            ("a/b", "character 2 of 3"),
            ("müller", "character 2 of"),
            ("a\nb", "character 2 of 3"),
        ):
            with self.subTest(name[:10]):
                run = self.issue("--user-name", name, expect=USAGE)
                self.assertTrue(run.sentence.startswith("Parameter validation failed:"), run)
                self.assertIn(message, run.sentence)
        self.assertEqual(self.iam.connections(), [])


class HelpTest(CommandLineTest):
    def test_help_names_every_option(self) -> None:
        whole = self.hsmiam("help").out
        for command, options in COMMANDS.items():
            with self.subTest(command):
                self.assertRegex(whole, rf"(?m)^    {command}  ")
                text = self.hsmiam(command, "help").out
                listed = re.findall(r"(?m)^    (--[\w-]+) \(\w+\)$", text)
                self.assertEqual(listed, [*options, *GLOBALS])
        self.assertEqual(re.findall(r"(?m)^    (--[\w-]+) \(\w+\)$", whole), GLOBALS)

    def test_operations(self) -> None:
        group = self.hsmiam("audit", "help").out
        for operation, options in OPERATIONS.items():
            with self.subTest(operation):
                self.assertRegex(group, rf"(?m)^    {operation}  ")
                text = self.hsmiam("audit", operation, "help").out
                self.assertIn(f"NAME\n    audit {operation} - ", text)
                listed = re.findall(r"(?m)^    (--[\w-]+) \(\w+\)$", text)
                self.assertEqual(listed, [*options, *GLOBALS])

    def test_group_needs_an_operation(self) -> None:
        run = self.hsmiam("audit", expect=USAGE)
        self.assertIn("the following arguments are required: operation", run.sentence)
        run = self.hsmiam("audit", "shred", expect=USAGE)
        self.assertIn("argument operation: Invalid choice", run.err)

    def test_ways_to_ask(self) -> None:
        self.assertEqual(self.hsmiam("--help").out, self.hsmiam("help").out)
        text = self.hsmiam("create-access-key", "help").out
        self.assertEqual(self.hsmiam("create-access-key", "--help").out, text)
        self.assertEqual(self.hsmiam(*SAMPLE, "--help", "--nonsense").out, text)

    def test_lines_fit_a_terminal(self) -> None:
        for words in (["help"], *([command, "help"] for command in COMMANDS)):
            longest = max(self.hsmiam(*words).out.splitlines(), key=len)
            self.assertLessEqual(len(longest), 100, longest)

    def test_version(self) -> None:
        self.assertRegex(self.hsmiam("--version").out, r"^hsmiam/\d+\.\d+\.\d+ Linux/\S+ \S+\n$")


class ColorTest(CommandLineTest):
    TABLE = [*SAMPLE, "--output", "table"]

    def on_a_terminal(self, *words: str, **variables: str) -> str:
        self.environment |= {"TERM": "xterm"} | variables
        terminal = self.on_terminal(*self.TABLE, *words)
        self.assertEqual(terminal.finish(), OK, terminal.shown)
        return terminal.shown

    def test_terminal_decides(self) -> None:
        self.assertIn(ESCAPE, self.on_a_terminal())
        self.assertIn(ESCAPE, self.on_a_terminal("--color", "auto"))
        self.assertNotIn(ESCAPE, self.hsmiam(*self.TABLE).out)

    def test_flag_decides(self) -> None:
        self.assertNotIn(ESCAPE, self.on_a_terminal("--color", "off"))
        self.assertIn(ESCAPE, self.hsmiam(*self.TABLE, "--color", "on").out)

    def test_no_color(self) -> None:
        self.assertIn(ESCAPE, self.on_a_terminal("--color", "on", NO_COLOR="1"))
        self.assertNotIn(ESCAPE, self.on_a_terminal(NO_COLOR="1"))

    def test_only_tables_have_colour(self) -> None:
        for output in ("json", "yaml", "text"):
            self.assertNotIn(ESCAPE, self.hsmiam(*SAMPLE, "--output", output, "--color=on").out)


class ExitCodeTest(IntegrationTest):
    def check(self, run: Run, message: str) -> None:
        self.assertIn(message, run.sentence)
        self.assertEqual(run.out, "")
        self.assertEqual(self.iam.requests("CreateAccessKey"), [])
        self.assertEqual(self.iam.key_ids("alice"), [])

    def test_success(self) -> None:
        self.assertEqual(self.issue("--user-name", "alice").err, "")

    def test_usage(self) -> None:
        for words, message in (
            (["--region", "not a region"], "Invalid region"),
            (["--region", "-x"], "expected one argument"),
            (["--endpoint-url", "127.0.0.1:1"], "scheme is missing"),
            (["--endpoint-url", "ftp://127.0.0.1"], "neither http nor https"),
            (["--endpoint-url", "https://"], "endpoint URL"),
            (["--endpoint-url", "https://me:pw@127.0.0.1"], "may not have a user name"),
            (["--endpoint-url", "https://127.0.0.1/?a=b"], "may not have a query"),
            (["--credential", "alice"], 'begins with "pkcs11:"'),
            (["--credential", "pkcs11:token=a;nonsense=b"], "is not known here"),
            (["--credential", "pkcs11:token=%GG"], "malformed"),
            (["--credential", "pkcs11:" + "x" * 5000], "bytes long; at most 4095"),
            (["--token", ""], 'begins with "pkcs11:"'),
        ):
            with self.subTest(" ".join(words)[:60]):
                self.check(self.issue("--user-name", "alice", *words, expect=USAGE), message)

    def test_configuration(self) -> None:
        elsewhere = "https://iam.invalid"
        for words, message in (
            (["--profile", "nowhere"], "The config profile (nowhere) could not be found"),
            (["--endpoint-url", "http://iam.invalid"], "plain http is for the loopback"),
            (["--endpoint-url", "http://127.0.0.1.example.com"], "plain http is for the loopback"),
            (["--endpoint-url", elsewhere, "--no-verify-ssl"], "may stay unverified only"),
            (["--ca-bundle", "nowhere.pem"], 'Cannot read the CA bundle "nowhere.pem"'),
            (["--ca-bundle", "/"], 'The CA bundle "/" is not a file'),
            (["--credential", "pkcs11:token=nowhere"], "No token matches pkcs11:token=nowhere"),
            (["--credential", "pkcs11:?module-path=/nowhere.so"], '"/nowhere.so" cannot be loaded'),
            (["--credential", "pkcs11:?module-name=nowhere"], 'No PKCS#11 module named "nowhere"'),
        ):
            with self.subTest(" ".join(words)):
                run = self.issue("--user-name", "alice", *words, expect=CONFIGURATION)
                self.check(run, message)

    def test_no_credential(self) -> None:
        run = self.hsmiam("create-access-key", expect=CONFIGURATION)
        self.check(run, "Unable to locate credentials. Name the key in the token by --credential")

    def test_refused_by_the_service(self) -> None:
        run = self.issue("--user-name", "nobody", expect=REFUSED)
        self.assertIn("An error occurred (NoSuchEntity) when calling", run.sentence)

    def test_anything_else(self) -> None:
        self.iam.set_door("refuse")
        run = self.issue("--user-name", "alice", expect=GENERAL)
        self.check(run, f'Could not connect to the endpoint URL: "{self.iam.url}')

    def test_interrupted(self) -> None:
        terminal = self.on_terminal("provision-token", "--token", self.token.uri(query=""))
        terminal.read_until("PIN for token")
        terminal.type("\x03")
        self.assertEqual(terminal.finish(), INTERRUPTED)


class LostOutputTest(IntegrationTest):
    """A key was made, and what was to be said about it cannot be said where it belongs."""

    def check(self, **options: Any) -> None:
        run = self.issue("--user-name", "alice", expect=GENERAL, **options)
        access_key_id = self.iam.key_ids("alice")[0]
        self.assertIn("could not be written to standard output", run.sentence)
        self.assertIn(f"The access key {access_key_id} was made all the same", run.sentence)
        self.assertIn("pkcs11:", run.sentence)
        self.assert_held(access_key_id)

    def test_full(self) -> None:
        with open("/dev/full", "wb") as full:
            self.check(stdout=full)

    def test_closed(self) -> None:
        self.check(preexec_fn=lambda: os.close(1))

    def test_nobody_reads(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        self.addCleanup(os.close, writer)
        self.check(stdout=writer)

    def test_all_three_closed(self) -> None:
        """Nothing that is opened later may get the number of a standard descriptor."""
        self.issue(
            "--user-name", "alice", expect=GENERAL, stdin=None,
            preexec_fn=lambda: os.closerange(0, 3),
        )  # fmt: skip
        self.assert_held(self.iam.key_ids("alice")[0])

    def test_sample_and_help(self) -> None:
        for words in (SAMPLE, ["help"], ["--version"], ["create-access-key", "help"]):
            with self.subTest(" ".join(words)), open("/dev/full", "wb") as full:
                self.hsmiam(*words, expect=GENERAL, stdout=full)


if __name__ == "__main__":
    unittest.main()
