"""Trouble with tokens: none, several, other ones than meant, and one that takes nothing more."""

from __future__ import annotations

import re
import secrets
import unittest

from harness import CONFIGURATION, GENERAL, USAGE, IntegrationTest, Run
from softhsm import MODULE, SO_PIN
from unprivileged import OTHER_USER, make_read_only, make_writable


class ChoiceTest(IntegrationTest):
    """The token and the key that a URI means. Nothing may reach IAM if it means none."""

    def refuse(self, uri: str, message: str, expect: int = CONFIGURATION) -> Run:
        run = self.issue("--user-name", "alice", "--credential", uri, expect=expect)
        self.assertIn(message, run.sentence)
        self.assertEqual(self.iam.requests(), [])
        return run

    def generic_secret(self, label: str, access_key_id: str, *more: str) -> None:
        """Put a secret key into the token that is not one of ours."""
        self.token.pkcs11_tool(
            "--login", "--keygen", "--key-type", "GENERIC:64", "--label", label,
            "--id", access_key_id.encode().hex(), *more,
        )  # fmt: skip

    def test_every_attribute_of_a_token_counts(self) -> None:
        token = self.token
        right = f"pkcs11:id={self.iam.root_id};token={token.label}"
        query = f"?module-path={MODULE}&pin-source=file:{token.pin_file}"
        for attribute, good, bad in (
            ("serial", token.serial, "0123456789abcdef"),
            ("manufacturer", "SoftHSM%20project", "SoftHSM"),
            ("model", "SoftHSM%20v2", "SoftHSM%20v3"),
            ("slot-id", str(int(token.serial[-8:], 16) & 0x7FFFFFFF), "7"),
            ("library-manufacturer", "SoftHSM", "Somebody"),
            ("library-description", "Implementation%20of%20PKCS11", "Else"),
        ):
            with self.subTest(attribute):
                self.refuse(f"{right};{attribute}={bad}{query}", "No token matches pkcs11:")
                uri = f"{right};{attribute}={good}{query}"
                self.hsmiam("provision-token", "--token", uri)

    def test_no_such_token(self) -> None:
        run = self.refuse(
            f"pkcs11:token=lost?module-path={MODULE}", "No token matches pkcs11:token=lost;"
        )
        self.assertIn("1 slot holds a token that is not initialised yet", run.sentence)
        self.refuse("pkcs11:token=lost", "No token matches pkcs11:token=lost")

    def test_no_configuration(self) -> None:
        self.environment["SOFTHSM2_CONF"] = "/nowhere/softhsm2.conf"
        self.issue("--user-name", "alice", expect=CONFIGURATION)

    def test_modules(self) -> None:
        query = f"pin-source=file:{self.token.pin_file}"
        uri = f"pkcs11:id={self.iam.root_id}?{query}"
        for name, module, message in (
            ("not there", "module-path=/nowhere.so", '"/nowhere.so" cannot be loaded'),
            ("no library", f"module-path={self.token.pin_file}", "cannot be loaded"),
            ("no module", "module-path=/lib/x86_64-linux-gnu/libc.so.6", "is no PKCS#11 module"),
            ("folder", f"module-path={MODULE.parent}", "is a folder; give module-path"),
            ("name", "module-name=luna", 'No PKCS#11 module named "luna" is configured'),
        ):
            with self.subTest(name):
                self.refuse(f"{uri}&{module}", message)
        for module in (f"module-path={MODULE.parent}&module-name=softhsm2", "module-name=SoftHSM2"):
            with self.subTest(module):
                self.hsmiam("provision-token", "--token", f"{uri}&{module}")

    def test_two_tokens(self) -> None:
        other = self.new_token("custody")
        uri = f"pkcs11:token=custody?module-path={MODULE}"
        run = self.refuse(uri, "2 tokens match pkcs11:token=custody; name one by its serial:")
        found = re.findall(r"pkcs11:\S*;serial=(\w+)", run.sentence)
        self.assertEqual(len(set(found)), 2)
        self.assertNotIn(other.pin, run.err)

    def test_token_without_user_pin(self) -> None:
        self.token.pkcs11_tool_anywhere(
            "--init-token", "--slot-index", "1", "--label", "virgin", "--so-pin", SO_PIN
        )
        self.refuse(
            f"pkcs11:token=virgin?module-path={MODULE}&pin-value=1234",
            'Token "virgin" has no user PIN yet; its security officer can set one',
        )

    def test_no_such_key(self) -> None:
        for path in (
            ";id=AKIANOTTHERE01234567", ";object=nobody", f";object=nobody;id={self.iam.root_id}"
        ):  # fmt: skip
            with self.subTest(path):
                self.refuse(self.token.uri(path), "holds no access key that matches pkcs11:")

    def test_two_keys(self) -> None:
        first = self.issue_for("alice")
        self.iam.endpoint.log.clear()
        run = self.refuse(
            self.token.uri(), '2 access keys of token "custody" match; name one by its id:'
        )
        for access_key_id in (first, self.iam.root_id):
            encoded = "".join(f"%{byte:02X}" for byte in access_key_id.encode())
            self.assertIn(f";id={encoded};", run.sentence)

    def test_two_keys_of_one_label(self) -> None:
        self.issue("--user-name", "alice")
        self.issue("--user-name", "alice")
        self.iam.endpoint.log.clear()
        self.refuse(self.token.uri(";object=alice"), "2 access keys")

    def test_two_keys_of_one_id(self) -> None:
        self.generic_secret("another", self.iam.root_id)
        self.refuse(self.token.key_uri(self.iam.root_id), "2 access keys")

    def test_not_an_access_key(self) -> None:
        self.generic_secret("backup", "not a key id")
        self.refuse(
            self.token.uri(";object=backup"),
            "a secret key does, but its CKA_ID is not an access key id",
        )
        self.refuse(self.token.uri(";object=hsmiam-wrapping-key;type=private"), "another type")
        self.refuse(self.token.uri(";object=hsmiam-wrapping-key"), "holds no access key")
        self.refuse(self.token.uri(";type=password"), "not known here", USAGE)

    def test_others_do_not_disturb(self) -> None:
        self.generic_secret("backup", "not a key id")
        self.issue("--user-name", "alice", "--credential", self.token.uri())


class FullTokenTest(IntegrationTest):
    """The token fails when IAM has already made the key. SoftHSM is no help before."""

    def issue_in_vain(self) -> Run:
        """A run in which the token's directory cannot be written to."""
        make_read_only(self.token.objects_directory, self.directory)
        return self.issue("--user-name", "alice", expect=GENERAL, **OTHER_USER)

    def check_deleted(self, run: Run) -> None:
        """Both facts are said, and both are true."""
        self.assertEqual(run.out, "")
        self.assertEqual(self.iam.key_ids("alice"), [])
        gone = self.iam.deleted_ids()
        self.assertEqual(len(gone), 1)
        self.assertIn('Token "custody"', run.sentence)
        self.assertIn(f"Access key {gone[0]} was deleted at IAM again.", run.sentence)
        self.assertEqual(self.token.access_key_ids(), [self.iam.root_id])
        self.assertEqual(len(self.iam.requests("CreateAccessKey")), 1)

    def test_read_only(self) -> None:
        run = self.issue_in_vain()
        self.assertIn("C_UnwrapKey failed", run.sentence)
        self.check_deleted(run)

    def test_next_try_works(self) -> None:
        self.issue_in_vain()
        make_writable(self.token.objects_directory)
        self.assert_held(self.issue_for("alice"))

    def test_deletion_is_repeated(self) -> None:
        for kind in ("throttle", "cut"):
            with self.subTest(kind):
                self.iam.endpoint.reset()
                self.iam.misbehave(kind, "DeleteAccessKey")
                self.check_deleted(self.issue_in_vain())
                self.assertEqual(len(self.iam.requests("DeleteAccessKey")), 2)

    def still_there(self, run: Run, reason: str) -> None:
        access_key_id = self.iam.key_ids("alice")[0]
        self.assertIn(f"Access key {access_key_id} exists at IAM and could not be deleted "
                      f"({reason}", run.sentence)  # fmt: skip
        self.assertIn(
            f"Delete it: aws iam delete-access-key --access-key-id {access_key_id} "
            "--user-name alice",
            run.sentence,
        )

    def test_may_not_delete(self) -> None:
        self.iam.deny("root-admin:DeleteAccessKey")
        self.still_there(self.issue_in_vain(), "AccessDenied: User: arn:aws:iam::")

    def test_deletion_fails_and_fails(self) -> None:
        self.iam.misbehave("error", "DeleteAccessKey", status=503, times=-1)
        self.still_there(self.issue_in_vain(), "InternalFailure")
        self.assertEqual(len(self.iam.requests("DeleteAccessKey")), 3)

    def test_import(self) -> None:
        access_key_id = f"AKIA{secrets.token_hex(8).upper()}"
        make_read_only(self.token.objects_directory, self.directory)
        run = self.hsmiam(
            "import-access-key", "--token", self.token.uri(), "--access-key-id", access_key_id,
            stdin=self.iam.root_secret, expect=GENERAL, **OTHER_USER,
        )  # fmt: skip
        self.assertIn('Token "custody": C_UnwrapKey failed', run.sentence)


class OverlapTest(IntegrationTest):
    """The key that IAM answers with is not a new one, or not the one that was asked for."""

    def test_answer_that_names_the_credential(self) -> None:
        self.iam.misbehave(
            "garble", how="replace-element", element="AccessKeyId", text=self.iam.root_id
        )
        run = self.issue("--user-name", "alice", expect=GENERAL)
        self.assertIn("names a key that is not new", run.sentence)
        self.assertIn("it was not touched", run.sentence)
        self.assertIn(self.iam.root_id, self.iam.key_ids("root-admin"))
        self.assert_held(self.iam.root_id)

    def test_answer_that_names_an_older_key(self) -> None:
        older = self.issue_for("alice")
        self.iam.misbehave("garble", how="replace-element", element="AccessKeyId", text=older)
        run = self.issue("--user-name", "alice", expect=GENERAL)
        self.assertIn("it was not touched", run.sentence)
        self.assertIn(older, self.iam.key_ids("alice"))
        self.assert_held(older)

    def test_token_that_holds_the_id(self) -> None:
        """Somebody's object has the very id: it stays, and the new key is given up."""
        access_key_id = "AKIAALREADYINTHETOKEN"
        self.hsmiam(
            "import-access-key", "--token", self.token.uri(), "--access-key-id", access_key_id,
            stdin=self.iam.root_secret,
        )  # fmt: skip
        self.iam.misbehave("garble", how="replace-element", element="AccessKeyId",
                           text=access_key_id)  # fmt: skip
        run = self.issue("--user-name", "alice", expect=GENERAL)
        self.assertIn(f"already holds a key with the id {access_key_id}", run.sentence)
        self.assertIn(access_key_id, self.token.access_key_ids())

    def test_answer_for_another_user(self) -> None:
        self.iam.misbehave("garble", how="replace-element", element="UserName", text="bob")
        run = self.issue("--user-name", "alice", expect=GENERAL)
        self.assertIn('is for user "bob", not "alice"', run.sentence)
        self.assertEqual(self.token.access_key_ids(), [self.iam.root_id])


if __name__ == "__main__":
    unittest.main()
