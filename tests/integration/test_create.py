"""`create-access-key`, the main job: signed in the token, sent once, taken into the token."""

from __future__ import annotations

import secrets
import unittest
from datetime import UTC, datetime
from typing import Any

from harness import CONFIGURATION, REFUSED, IntegrationTest
from token_base import AnyToken
from tokens import KIND, where


class CreateTest(IntegrationTest):
    def key(self, *arguments: str, **options: Any) -> dict[str, str]:
        """What is printed about a key that is made."""
        found = self.issue(*arguments, **options).json
        self.assertEqual(list(found), ["AccessKey"])
        return dict(found["AccessKey"])


class MainJobTest(CreateTest):
    def test_output(self) -> None:
        before = datetime.now(UTC).replace(microsecond=0)
        key = self.key("--user-name", "alice")
        self.assertEqual(
            list(key), ["UserName", "AccessKeyId", "Status", "SecretAccessKeyUri", "CreateDate"]
        )
        known = self.iam.keys_of("alice")[0]
        self.assertEqual(key["UserName"], "alice")
        self.assertEqual(key["AccessKeyId"], known["AccessKeyId"])
        self.assertEqual(key["Status"], "Active")
        self.assertRegex(key["CreateDate"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")
        self.assertLessEqual(before, datetime.fromisoformat(key["CreateDate"]))
        uri = key["SecretAccessKeyUri"]
        self.assertEqual(uri[:7], "pkcs11:")
        self.assertIn(";token=custody;", uri)
        self.assertIn(";object=alice;type=secret-key", uri)

    def test_key_is_the_one_that_iam_made(self) -> None:
        access_key_id = self.key("--user-name", "alice")["AccessKeyId"]
        self.assert_held(access_key_id)
        self.assertEqual(self.token.access_key(access_key_id).label, "alice")

    def test_object_is_guarded(self) -> None:
        access_key_id = self.key("--user-name", "alice")["AccessKeyId"]
        self.assert_guarded(access_key_id)
        self.assertEqual(self.token.access_key(access_key_id).access, {"sensitive"})
        seen = self.token.objects(login=False)
        self.assertNotIn(access_key_id.encode(), [thing.id for thing in seen])

    def test_other_tools_find_it_by_the_printed_uri(self) -> None:
        uri = self.key("--user-name", "alice")["SecretAccessKeyUri"]
        listing = self.token.p11tool("--list-all", uri)
        self.assertEqual(listing.count("Object "), 1, listing)
        self.assertIn("Label: alice", listing)
        self.assertIn("Flags: CKA_PRIVATE; CKA_SENSITIVE;", listing)
        self.assertNotIn("CKA_EXTRACTABLE", listing)

    def test_request(self) -> None:
        self.key("--user-name", "bob")
        self.assertEqual(
            [request["operation"] for request in self.iam.requests()],
            ["ListAccessKeys", "GetCallerIdentity", "CreateAccessKey"],
            "whose credential it is, the ledger knows from the first issue on",
        )
        self.iam.endpoint.log.clear()
        self.key("--user-name", "alice")
        listed, created = self.iam.requests()
        self.assertEqual([listed["operation"], created["operation"]],
                         ["ListAccessKeys", "CreateAccessKey"])  # fmt: skip
        self.assertEqual(created["form"], {
            "Action": "CreateAccessKey", "Version": "2010-05-08", "UserName": "alice",
        })  # fmt: skip
        self.assertTrue(created["signature_valid"])
        self.assertEqual(created["access_key_id"], self.iam.root_id)
        self.assertEqual((created["method"], created["target"]), ("POST", "/"))
        self.assertEqual((created["region"], created["service"]), ("us-east-1", "iam"))
        self.assertEqual(len(self.iam.connections()), 1, "one connection serves all")

    def test_without_a_name_the_signer_is_meant(self) -> None:
        key = self.key()
        self.assertEqual(key["UserName"], "root-admin")
        self.assertNotIn("UserName", self.iam.requests("CreateAccessKey")[0]["form"])
        self.assertEqual(self.token.access_key(key["AccessKeyId"]).label, "root-admin")
        self.assert_held(key["AccessKeyId"])

    def test_new_key_issues_in_its_turn(self) -> None:
        first = self.issue_for("alice")
        self.iam.allow("alice:CreateAccessKey", "alice:ListAccessKeys")
        run = self.issue("--user-name", "bob", "--credential", self.token.key_uri(first))
        request = self.iam.requests("CreateAccessKey")[-1]
        self.assertEqual((request["access_key_id"], request["user"]), (first, "alice"))
        self.assert_held(run.json["AccessKey"]["AccessKeyId"])

    def test_many(self) -> None:
        """Each is another secret, with other characters of base64 in other places."""
        for number in range(8):
            name = f"user-{number}"
            self.iam.act("CreateUser", UserName=name)
            self.assert_held(self.issue_for(name))


class RootUserTest(CreateTest):
    """The account's root user, whose keys IAM answers without a name."""

    iam_options = {"account_root": True}

    def test_root_user(self) -> None:
        run = self.issue()
        key = run.json["AccessKey"]
        self.assertNotIn("UserName", key)
        self.assertIn(key["AccessKeyId"], self.iam.key_ids(None))
        self.assertIn("hsmiam: warning: The key belongs to the account's root user.", run.err)
        self.assert_held(key["AccessKeyId"])
        self.assertEqual(self.token.access_key(key["AccessKeyId"]).label, "<root_account>")

    def test_root_user_for_another(self) -> None:
        run = self.issue("--user-name", "alice")
        self.assertEqual(run.json["AccessKey"]["UserName"], "alice")
        self.assertNotIn("warning", run.err)


class UserNameTest(CreateTest):
    name = "Zz09+=,.@-_" + "x" * 117
    iam_options = {"users": [name]}

    def test_longest_name_of_all_characters(self) -> None:
        key = self.key("--user-name", self.name)
        self.assertEqual(key["UserName"], self.name)
        self.assertEqual(self.token.access_key(key["AccessKeyId"]).label, self.name)
        self.assert_held(key["AccessKeyId"])


class FormatTest(CreateTest):
    def test_formats_say_the_same(self) -> None:
        for output in ("yaml", "text", "table"):
            with self.subTest(output):
                name = f"{output}-user"
                self.iam.act("CreateUser", UserName=name)
                out = self.issue("--user-name", name, "--output", output).out
                access_key_id = self.iam.key_ids(name)[0]
                getattr(self, f"check_{output}")(out, name, access_key_id)

    def check_yaml(self, out: str, name: str, access_key_id: str) -> None:
        lines = out.splitlines()
        self.assertEqual(lines[:4], [
            "AccessKey:", f"  UserName: {name}", f"  AccessKeyId: {access_key_id}",
            "  Status: Active",
        ])  # fmt: skip
        self.assertRegex(lines[4], r"^  SecretAccessKeyUri: pkcs11:")
        self.assertRegex(lines[5], r"^  CreateDate: '\d{4}-.*\+00:00'$")

    def check_text(self, out: str, name: str, access_key_id: str) -> None:
        fields = out.rstrip("\n").split("\t")
        self.assertEqual(fields[:2], ["ACCESSKEY", access_key_id])
        self.assertEqual(fields[4:], ["Active", name])

    def check_table(self, out: str, name: str, access_key_id: str) -> None:
        self.assertRegex(out, rf"(?m)^\W*AccessKeyId\s+\|\s+{access_key_id}\W*$")
        self.assertRegex(out, rf"(?m)^\W*UserName\s+\|\s+{name}\W*$")

    def test_ids_that_yaml_could_misread_are_quoted(self) -> None:
        self.iam.act("CreateUser", UserName="1e5")
        self.assertIn("UserName: '1e5'", self.issue("--user-name", "1e5", "--output", "yaml").out)


class PlaceTest(CreateTest):
    """Where the credential is and where the new key goes."""

    def provision_second(self, other: AnyToken) -> None:
        """The ledger has one token's audit key, which must introduce the other's."""
        run = self.hsmiam("provision-token", "--token", other.uri(), expect=CONFIGURATION)
        self.assertIn("is signed by another audit key", run.sentence)
        key = self.hsmiam("audit", "export-public-key", "--token", other.uri()).out
        path = self.write("vault.pem", key)
        self.hsmiam("audit", "add-key", "--public-key", str(path), "--token", self.token.uri())
        self.hsmiam("provision-token", "--token", other.uri())
        self.assertEqual(self.hsmiam("audit", "verify").json["Verdict"], "intact")

    def test_two_tokens(self) -> None:
        other = self.new_token("vault")
        self.provision_second(other)
        access_key_id = self.key("--user-name", "alice", "--token", other.uri())["AccessKeyId"]
        self.assertEqual(other.access_key_ids(), [access_key_id])
        self.assertEqual(self.token.access_key_ids(), [self.iam.root_id])
        data = secrets.token_bytes(32)
        here, self.token = self.token, other
        self.assert_held(access_key_id)
        self.token = here
        self.assertNotEqual(other.hmac(access_key_id, data), here.hmac(self.iam.root_id, data))

    def test_pin_source_is_the_credentials_own(self) -> None:
        """A PIN that was named for one token must not be tried on another."""
        other = self.new_token("vault")
        run = self.issue(
            "--user-name", "alice", "--pin-source", str(self.token.pin_file),
            "--credential", self.token.key_uri(self.iam.root_id, query=""),
            "--token", other.uri(query=f"pin-source=file:{other.pin_file}"),
        )  # fmt: skip
        self.assertEqual(other.access_key_ids(), [run.json["AccessKey"]["AccessKeyId"]])

    @where(KIND.configured)
    def test_modules_named_by_p11_kit(self) -> None:
        uri = self.token.key_uri(self.iam.root_id, module="name")
        self.assert_held(self.key("--user-name", "alice", "--credential", uri)["AccessKeyId"])

    def test_credential_by_label(self) -> None:
        uri = self.token.uri(";object=root-admin")
        self.assert_held(self.key("--user-name", "alice", "--credential", uri)["AccessKeyId"])

    def test_only_key_of_the_token(self) -> None:
        key = self.key("--user-name", "alice", "--credential", self.token.uri())
        self.assert_held(key["AccessKeyId"])

    def test_route(self) -> None:
        for user, route in zip(("alice", "bob"), self.token.routes):
            with self.subTest(route):
                run = self.issue("--user-name", user, "--import-route", route, "--debug")
                self.assertIn(f"Rehearsed route {route}", run.err)
                access_key_id = run.json["AccessKey"]["AccessKeyId"]
                self.assert_held(access_key_id)
                self.assert_guarded(access_key_id)


class ServiceRefusalTest(CreateTest):
    def refuse(self, sentence: str, *arguments: str) -> None:
        before = self.token.access_key_ids()
        run = self.issue(*arguments, expect=REFUSED)
        self.assertEqual(run.out, "")
        self.assertEqual(run.sentence, sentence)
        self.assertEqual(self.token.access_key_ids(), before)

    def test_third_key(self) -> None:
        held = [self.issue_for("alice"), self.issue_for("alice")]
        self.refuse(
            "An error occurred (LimitExceeded) when calling the CreateAccessKey operation: "
            "Cannot exceed quota for AccessKeysPerUser: 2",
            "--user-name", "alice",
        )  # fmt: skip
        self.assertEqual(self.iam.key_ids("alice"), held)
        for access_key_id in held:
            self.assert_held(access_key_id)

    def test_no_such_user(self) -> None:
        self.refuse(
            "An error occurred (NoSuchEntity) when calling the CreateAccessKey operation: "
            "The user with name nobody-here cannot be found.",
            "--user-name", "nobody-here",
        )  # fmt: skip

    def test_may_not_create(self) -> None:
        self.iam.deny("root-admin:CreateAccessKey")
        self.refuse(
            "An error occurred (AccessDenied) when calling the CreateAccessKey operation: User: "
            "arn:aws:iam::123456789012:user/root-admin is not authorized to perform: "
            "iam:CreateAccessKey on resource: user alice with an explicit deny in an "
            "identity-based policy",
            "--user-name", "alice",
        )  # fmt: skip

    def test_may_not_list(self) -> None:
        self.iam.deny("root-admin:ListAccessKeys")
        run = self.issue("--user-name", "alice")
        self.assertIn("hsmiam: warning: The credential may not call ListAccessKeys", run.err)
        self.assert_held(run.json["AccessKey"]["AccessKeyId"])

    def test_secret_that_is_not_the_credentials(self) -> None:
        wrong = f"AKIA{secrets.token_hex(8).upper()}"
        self.hsmiam(
            "import-access-key", "--token", self.token.uri(), "--access-key-id", wrong,
            stdin=secrets.token_urlsafe(30),
        )  # fmt: skip
        self.issue(
            "--user-name", "alice", "--credential", self.token.key_uri(wrong), expect=REFUSED
        )
        self.assertEqual(self.iam.key_ids("alice"), [])

    def test_clock_that_is_wrong(self) -> None:
        """Where the reply does not tell the time, what IAM minds is said, and nothing is made."""
        for offset in (3600, -3600):
            with self.subTest(offset=offset):
                self.iam.set_clock(offset)
                self.iam.misbehave("skew", "*", times=-1, date="")
                run = self.issue("--user-name", "alice", expect=REFUSED)
                self.assertIn("(SignatureDoesNotMatch)", run.sentence)
                self.assertIn("does not say by how much this machine's clock is wrong; set it.",
                              run.sentence)  # fmt: skip
                self.assertEqual(self.iam.key_ids("alice"), [])


if __name__ == "__main__":
    unittest.main()
