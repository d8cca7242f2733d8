"""`--cli-input-json`, `--cli-input-yaml` and `--generate-cli-skeleton`."""

from __future__ import annotations

import json
import unittest
from typing import Any

from harness import USAGE, IntegrationTest, Run

COMMAND = "create-access-key"
SKELETON = '{\n    "UserName": ""\n}\n'
YAML_SKELETON = "UserName: ''  # The name of the IAM user that the new key will belong to.\n"


class SkeletonTest(IntegrationTest):
    provisioned = False
    with_root = False

    def skeleton(self, *arguments: str, **options: Any) -> Run:
        return self.hsmiam(COMMAND, "--generate-cli-skeleton", *arguments, **options)

    def test_byte_for_byte(self) -> None:
        self.assertEqual(self.skeleton().out, SKELETON)
        self.assertEqual(self.skeleton("input").out, SKELETON)
        self.assertEqual(self.skeleton("yaml-input").out, YAML_SKELETON)
        self.assertEqual(self.skeleton("--user-name", "alice").out, SKELETON)

    def test_depend_on_nothing(self) -> None:
        """Not on a token, credentials, a region, nor on settings that are wrong."""
        wrong = {
            "AWS_PROFILE": "nowhere", "AWS_DEFAULT_OUTPUT": "xml", "SOFTHSM2_CONF": "/nowhere",
            "HOME": "/nowhere", "AWS_REGION": "not a region", "HSMIAM_CREDENTIAL": "nonsense",
        }  # fmt: skip
        self.assertEqual(self.skeleton("input", env=wrong).out, SKELETON)
        self.assertEqual(self.skeleton("yaml-input", env=wrong).out, YAML_SKELETON)

    def test_output(self) -> None:
        sample = self.skeleton("output").json
        self.assertEqual(sample, {
            "AccessKey": {
                "UserName": "UserName", "AccessKeyId": "AccessKeyId", "Status": "Status",
                "SecretAccessKeyUri": "SecretAccessKeyUri",
                "CreateDate": "1970-01-01T00:00:00+00:00",
            }
        })  # fmt: skip
        self.assertEqual(
            self.skeleton("output", "--output", "text").out,
            "ACCESSKEY\tAccessKeyId\t1970-01-01T00:00:00+00:00\tSecretAccessKeyUri\tStatus\t"
            "UserName\n",
        )

    def test_output_checks_the_input(self) -> None:
        self.skeleton("output", "--user-name", "not a name", expect=USAGE)
        self.skeleton("output", "--cli-input-json", '{"UserNam": "x"}', expect=USAGE)

    def test_sends_nothing(self) -> None:
        for kind in ("input", "yaml-input", "output"):
            self.issue("--generate-cli-skeleton", kind)
        self.assertEqual(self.iam.connections(), [])

    def test_skeleton_is_input_that_lacks_a_value(self) -> None:
        run = self.hsmiam(
            COMMAND, "--generate-cli-skeleton", "output", "--cli-input-json", SKELETON, expect=USAGE
        )
        self.assertIn("value: 0, valid min length: 1", run.sentence)


class InputTest(IntegrationTest):
    """Input that is right, and arrives."""

    def issued_for(self, *arguments: str, **options: Any) -> str:
        return str(self.issue(*arguments, **options).json["AccessKey"]["UserName"])

    def test_text(self) -> None:
        for option, text in (
            ("--cli-input-json", '{"UserName": "alice"}'),
            ("--cli-input-yaml", "UserName: alice"),
        ):
            with self.subTest(option):
                self.assertEqual(self.issued_for(option, text), "alice")

    def test_file(self) -> None:
        path = self.write("input.json", '{"UserName": "bob"}')
        self.assertEqual(self.issued_for("--cli-input-json", f"file://{path}"), "bob")
        path = self.write("home/input.yaml", "UserName: bob  # a comment\n")
        self.assertEqual(self.issued_for("--cli-input-yaml", "file://~/input.yaml"), "bob")

    def test_standard_input(self) -> None:
        self.assertEqual(
            self.issued_for("--cli-input-json", "file:///dev/stdin", stdin='{"UserName":"alice"}'),
            "alice",
        )
        self.assertEqual(
            self.issued_for("--cli-input-yaml", "file:///dev/stdin", stdin="UserName: bob\n"), "bob"
        )

    def test_flag_overrides(self) -> None:
        text = '{"UserName": "alice"}'
        self.assertEqual(
            self.issued_for("--cli-input-json", text, "--user-name", "bob"), "bob"
        )

    def test_empty_object_means_the_signer(self) -> None:
        self.assertEqual(self.issued_for("--cli-input-json", "{}"), "root-admin")
        self.assertNotIn("UserName", self.iam.requests("CreateAccessKey")[0]["form"])

    def test_name_by_file(self) -> None:
        """As in the AWS CLI, any value can come from a file."""
        path = self.write("name", "alice")
        self.assertEqual(self.issued_for("--user-name", f"file://{path}"), "alice")


class CheckTest(IntegrationTest):
    """Input that is taken or refused before anything is opened."""

    provisioned = False
    with_root = False

    def check(self, option: str, text: str, expect: int, *more: str, **options: Any) -> Run:
        words = [COMMAND, "--generate-cli-skeleton", "output", option, text, *more]
        return self.hsmiam(*words, expect=expect, **options)

    def test_yaml_strings(self) -> None:
        for text in (
            "UserName: yes", "UserName: 'null'", 'UserName: "123"', "{UserName: alice}",
            "---\nUserName: alice\n...\n", "UserName: >-\n  alice\n", "UserName: a=b,c@d",
            "UserName: 0x1G", "UserName: '2020-01-01'", "# nothing\nUserName: alice",
        ):  # fmt: skip
            with self.subTest(text):
                self.check("--cli-input-yaml", text, 0)

    def test_members(self) -> None:
        """The message names the member, and where it was."""
        path = self.write("wrong.json", '{"UserNme": "alice"}')
        run = self.check("--cli-input-json", f"file://{path}", USAGE)
        self.assertIn('Unknown parameter in input: "UserNme", must be one of: UserName', run.err)
        self.assertIn(f"--cli-input-json file://{path}", run.err)
        run = self.check("--cli-input-yaml", "UserName: alice\nusername: bob", USAGE)
        self.assertIn('Unknown parameter in input: "username"', run.err)

    def test_types(self) -> None:
        for option, text, value, kind in (
            ("--cli-input-json", '{"UserName": 5}', "5", "int"),
            ("--cli-input-json", '{"UserName": 5.5}', "5.5", "float"),
            ("--cli-input-json", '{"UserName": true}', "True", "bool"),
            ("--cli-input-json", '{"UserName": null}', "None", "NoneType"),
            ("--cli-input-json", '{"UserName": ["a", 1]}', "['a', 1]", "list"),
            ("--cli-input-json", '{"UserName": {"a": "b"}}', "{'a': 'b'}", "dict"),
            ("--cli-input-yaml", "UserName: 5", "5", "int"),
            ("--cli-input-yaml", "UserName: 1e5", "1e5", "float"),
            ("--cli-input-yaml", "UserName: true", "True", "bool"),
            ("--cli-input-yaml", "UserName: ~", "None", "NoneType"),
            ("--cli-input-yaml", "UserName: 2020-01-01", "2020-01-01", "datetime.date"),
            ("--cli-input-yaml", "UserName: [a]", "['a']", "list"),
        ):
            with self.subTest(text):
                run = self.check(option, text, USAGE)
                self.assertIn(
                    f"Invalid type for parameter UserName, value: {value}, "
                    f"type: <class '{kind}'>, valid types: <class 'str'>",
                    run.err,
                )

    def test_malformed(self) -> None:
        for option, text, message in (
            ("--cli-input-json", "", "Invalid JSON"),
            ("--cli-input-json", "{", "Invalid JSON"),
            ("--cli-input-json", '{"UserName": "a",}', "Invalid JSON"),
            ("--cli-input-json", '{"UserName": "a"} x', "Invalid JSON"),
            ("--cli-input-json", '{"UserName": "a", "UserName": "b"}', "duplicate object key"),
            ("--cli-input-json", '{"UserName": "\\ud800"}', "Invalid JSON"),
            ("--cli-input-json", '{"UserName": "a\\u0000b"}', "Invalid JSON"),
            ("--cli-input-json", '["alice"]', "expecting map, received <class 'list'>"),
            ("--cli-input-json", '"alice"', "expecting map, received <class 'str'>"),
            ("--cli-input-json", "[" * 60_000, "Invalid JSON"),
            ("--cli-input-json", '{"a":' * 40 + "1" + "}" * 40, "nested deeper than"),
            ("--cli-input-yaml", "", "expecting map, received <class 'NoneType'>"),
            ("--cli-input-yaml", "alice", "expecting map, received <class 'str'>"),
            ("--cli-input-yaml", "UserName: [", "Invalid YAML"),
            ("--cli-input-yaml", "UserName: a\nUserName: b", "duplicate key: line 2 column 1"),
            ("--cli-input-yaml", "UserName: &x a", "anchors are not taken"),
            ("--cli-input-yaml", "UserName: *x", "aliases are not taken"),
            ("--cli-input-yaml", "UserName: !!str a", "tags are not taken"),
            ("--cli-input-yaml", "UserName: a\n---\nUserName: b", "more than one document"),
            ("--cli-input-yaml", "? [a]\n: b", "a key must be a scalar"),
            ("--cli-input-yaml", "\tUserName: a", "Invalid YAML"),
            ("--cli-input-yaml", "a: " + "[" * 100, "nested too deep"),
        ):
            with self.subTest(option=option, text=text[:30]):
                self.assertIn(message, self.check(option, text, USAGE).err)

    def test_place_of_the_mistake(self) -> None:
        path = self.write("wrong.json", '{\n  "UserName": alice\n}\n')
        run = self.check("--cli-input-json", f"file://{path}", USAGE)
        self.assertRegex(run.sentence, r"line 2 column \d+ .* in file://.*wrong\.json")

    def test_files_that_cannot_be_read(self) -> None:
        self.write("large.json", json.dumps({"UserName": "x" * 2_000_000}))
        self.write("nul.json", '{"UserName": "a\0b"}')
        for name, message in (
            ("nowhere.json", "[Errno 2] No such file or directory"),
            ("home", "[Errno 21] Is a directory"),
            ("large.json", "longer than"),
            ("nul.json", "holds a NUL byte, and is no text such as JSON or PEM"),
        ):
            with self.subTest(name):
                run = self.check("--cli-input-json", f"file://{self.directory / name}", USAGE)
                self.assertIn(message, run.sentence)

    def test_both(self) -> None:
        run = self.check("--cli-input-json", "{}", USAGE, "--cli-input-yaml", "{}")
        self.assertIn("Only one --cli-input- parameter may be specified.", run.sentence)

    def test_flag_names_itself(self) -> None:
        run = self.check("--cli-input-json", "{}", USAGE, "--user-name", "a b")
        self.assertIn("Given by: --user-name", run.err)


if __name__ == "__main__":
    unittest.main()
