"""`export-access-key` and what takes it in: openssl alone, and another token."""

from __future__ import annotations

import base64
import functools
import json
import re
import secrets
import subprocess
import unittest
from pathlib import Path
from typing import Any

import cryptoki
import softhsm
from harness import CONFIGURATION, GENERAL, INTERRUPTED, USAGE, IntegrationTest, Run
from token_base import AnyToken
from tokens import KIND, where

MEMBERS = ["AccessKeyId", "UserName", "Algorithm", "RecipientFingerprint", "WrappedKey"]
DATE = "X-Amz-Date: 20150830T123600Z"
#: SoftHSM encrypts by OAEP with SHA-1 only.
HASH = "SHA_1" if KIND.kind == "softhsm" else "SHA_256"


@functools.cache
def new_key(bits: int = 2048) -> str:
    """An RSA key of the recipient's."""
    return openssl("genrsa", str(bits)).decode()


def openssl(*arguments: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class ExportTest(IntegrationTest):
    with_root = False

    def setUp(self) -> None:
        super().setUp()
        self.key_id, self.secret = self.iam.root_id, self.iam.root_secret

    def take(self, *arguments: str) -> None:
        self.hsmiam(
            "import-access-key", "--token", self.token.uri(), "--access-key-id", self.key_id,
            "--user-name", "alice", *arguments, stdin=self.secret,
        )  # fmt: skip

    def export(self, recipient: Path, *arguments: str, **options: Any) -> Run:
        return self.hsmiam(
            "export-access-key", "--token", self.token.uri(), "--access-key-id", self.key_id,
            "--recipient", str(recipient), *(arguments or ["--yes"]), **options,
        )  # fmt: skip

    def new_recipient(self) -> tuple[Path, Path, str]:
        """A private key, the public one, and its fingerprint."""
        private = self.write("recipient.key", new_key(), secret=True)
        public = self.write(
            "recipient.pem", openssl("pkey", "-in", str(private), "-pubout").decode()
        )
        der = openssl("pkey", "-in", str(private), "-pubout", "-outform", "DER")
        return private, public, openssl("dgst", "-sha256", "-r", stdin=der).decode()[:64]

    def signature(self, token: AnyToken, env: dict[str, str] | None = None) -> str:
        run = self.hsmiam(
            "sign-request", "--credential", token.key_uri(self.key_id), "--region", "us-east-1",
            "--service", "iam", "--url", "https://iam.amazonaws.com/", "--header", DATE, env=env,
        )  # fmt: skip
        found = re.search(r"Signature=(\w+)", run.out)
        assert found, run
        return found.group(1)

    def records(self, event: str) -> list[dict[str, Any]]:
        ledger = self.directory / "state/hsmiam/ledger.jsonl"
        records = [json.loads(line) for line in ledger.read_text().splitlines()]
        return [record for record in records if record["event"] == event]


def decrypt(private: Path, run: Run) -> bytes:
    """As the README has it."""
    digest = run.json["Algorithm"].removeprefix("RSAES_OAEP_").replace("_", "").lower()
    return openssl(
        "pkeyutl", "-decrypt", "-inkey", str(private), "-pkeyopt", "rsa_padding_mode:oaep",
        "-pkeyopt", f"rsa_oaep_md:{digest}", stdin=base64.b64decode(run.json["WrappedKey"]),
    )  # fmt: skip


class OpenTest(ExportTest):
    """One method, for each kind of token: what it does is done with what it did before."""

    def test_opened_and_moved(self) -> None:
        self.take("--exportable")
        with cryptoki.session(self.token) as session:
            key = session.find(self.key_id)
            self.assertIn("extractable", session.flags(key))
            with self.assertRaises(cryptoki.Refused):
                session.read(key, cryptoki.CKA_VALUE)
        record = self.records("import")[-1]
        self.assertEqual(record["exportable"], "yes")
        self.assertNotIn("wrapping_key", record)
        exportable = self.records("provision")[-1:] or [record]
        self.assertEqual(
            record["exportable_wrapping_key"], exportable[0]["exportable_wrapping_key"]
        )

        private, public, fingerprint = self.new_recipient()
        run = self.export(public, "--recipient-fingerprint", fingerprint.upper())
        self.assertEqual(list(run.json), MEMBERS)
        self.assertEqual(run.json["Algorithm"], f"RSAES_OAEP_{HASH}")
        self.assertEqual(run.json["RecipientFingerprint"], fingerprint)
        self.assertEqual(run.json["UserName"], "alice")
        self.assertTrue(decrypt(private, run) == b"AWS4" + self.secret.encode())
        record = self.records("export")[-1]
        self.assertEqual(record["recipient"], fingerprint)
        self.assertEqual(record["access_key_id"], self.key_id)
        self.assertEqual(record["algorithm"], f"rsaes-oaep-{HASH.lower().replace('_', '-')}")

        self.move()

    def move(self) -> None:
        """Out of the token and into it again: in between, no token has the key."""
        before = self.signature(self.token)
        file = self.directory / "wrapping.pem"
        self.hsmiam(
            "provision-token", "--token", self.token.uri(), "--export-wrapping-key", str(file)
        )
        wrapped = self.write("wrapped.json", self.export(file).out)
        with cryptoki.session(self.token) as session:
            session.destroy(session.find(self.key_id))
        run = self.hsmiam(
            "import-access-key", "--token", self.token.uri(), "--wrapped", str(wrapped)
        )
        self.assertEqual(run.json["AccessKey"]["ImportRoute"], "wrapped")
        self.assertIn("hsmiam get-caller-identity --credential 'pkcs11:", run.err)
        caller = self.hsmiam("get-caller-identity", *self.iam_arguments())
        self.assertIn("user/root-admin", caller.out)
        self.assertEqual(self.signature(self.token), before)
        self.assert_guarded(self.key_id)
        self.assertEqual(self.records("import")[-1]["route"], "wrapped")
        self.hsmiam("audit", "verify")


@where(KIND.kind == "softhsm")
class MoveTest(ExportTest):
    def new_place(self) -> softhsm.Token:
        """Another token with keys of its own, as on another host."""
        token = softhsm.Token.create(self.directory / "other", "other")
        self.searcher.add("PIN of other", token.pin)
        self.searcher.allow(token.pin_file)
        self.place = token.environment | {"HSMIAM_LEDGER": str(self.directory / "other.jsonl")}
        return token

    def test_another_token(self) -> None:
        self.take("--exportable")
        other = self.new_place()
        file = self.directory / "other.pem"
        arguments = ("provision-token", "--token", other.uri(), "--export-wrapping-key", str(file))
        told = self.hsmiam(*arguments, env=self.place).json["ExportedWrappingKey"]
        self.assertEqual(told["File"], str(file))
        run = self.hsmiam(*arguments, env=self.place, expect=GENERAL)
        self.assertIn("Name a file that does not exist yet", run.sentence)

        exported = self.export(file, "--recipient-fingerprint", told["Fingerprint"])
        wrapped = self.write("wrapped.json", exported.out)
        take = ("import-access-key", "--token", other.uri(), "--wrapped", str(wrapped))
        run = self.hsmiam(*take, "--exportable", env=self.place, expect=USAGE)
        self.assertIn("whose keys are not exportable", run.sentence)
        here = self.hsmiam(
            "import-access-key", "--token", self.token.uri(), "--wrapped", str(wrapped), expect=USAGE
        )
        self.assertIn("is no wrapping key of token", here.sentence)
        self.spoil(take, exported)
        self.hsmiam(*take, env=self.place)
        self.assertEqual(self.signature(other, self.place), self.signature(self.token))
        run = self.hsmiam(*take, env=self.place, expect=GENERAL)
        self.assertIn("already holds a key with the id", run.sentence)

    def spoil(self, take: tuple[str, ...], exported: Run) -> None:
        """What is damaged on the way leaves nothing in the token."""
        bytes_ = bytearray(base64.b64decode(exported.json["WrappedKey"]))
        bytes_[100] ^= 1
        damaged = exported.json | {"WrappedKey": base64.b64encode(bytes_).decode()}
        file = self.write("damaged.json", json.dumps(damaged))
        run = self.hsmiam(*take[:-1], str(file), env=self.place, expect=None)
        self.assertNotEqual(run.code, 0)
        self.assertIn("was not taken in", run.sentence)

    def test_under_an_aes_key(self) -> None:
        """CKM_RSA_AES_KEY_WRAP, as other HSMs wrap, in two steps."""
        file = self.directory / "wrapping.pem"
        self.hsmiam(
            "provision-token", "--token", self.token.uri(), "--export-wrapping-key", str(file),
            "--exportable",
        )  # fmt: skip
        key = secrets.token_bytes(32)
        first = openssl(
            "pkeyutl", "-encrypt", "-pubin", "-inkey", str(file), "-pkeyopt",
            "rsa_padding_mode:oaep", stdin=key,
        )  # fmt: skip
        second = openssl(
            "enc", "-id-aes256-wrap-pad", "-K", key.hex(), "-iv", "A65959A6",
            stdin=b"AWS4" + self.secret.encode(),
        )  # fmt: skip
        der = openssl("pkey", "-pubin", "-in", str(file), "-outform", "DER")
        wrapped = {
            "AccessKeyId": self.key_id,
            "Algorithm": "RSA_AES_KEY_WRAP_SHA_1",
            "RecipientFingerprint": openssl("dgst", "-sha256", "-r", stdin=der).decode()[:64],
            "WrappedKey": base64.b64encode(first + second).decode(),
        }
        self.hsmiam(
            "import-access-key", "--token", self.token.uri(), "--user-name", "alice",
            "--wrapped", str(self.write("wrapped.json", json.dumps(wrapped))), "--exportable",
        )  # fmt: skip
        self.assert_held(self.key_id, self.secret)
        private, public, _ = self.new_recipient()
        self.assertTrue(decrypt(private, self.export(public)) == b"AWS4" + self.secret.encode())


@where(KIND.kind == "softhsm")
class RefusalTest(ExportTest):
    def test_not_exportable(self) -> None:
        self.take()
        _, public, _ = self.new_recipient()
        run = self.export(public, expect=CONFIGURATION)
        self.assertIn("was not put into token", run.sentence)
        self.assertIn("rotate-access-key --exportable", run.sentence)
        self.assertEqual(self.records("export"), [])

    def test_recipients(self) -> None:
        self.take("--exportable")
        small = new_key(1024).encode()
        elliptic = openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout")
        _, public, _ = self.new_recipient()
        for name, text, message in (
            ("small", openssl("pkey", "-pubout", stdin=small).decode(), "has 1024 bits"),
            ("ec", openssl("pkey", "-pubout", stdin=elliptic).decode(), "only RSA keys"),
            ("none", "no PEM", "neither a certificate nor a public key"),
            ("private", new_key(), "holds a private key"),
        ):
            with self.subTest(name):
                run = self.export(self.write(f"{name}.pem", text), expect=USAGE)
                self.assertIn(message, run.sentence)
        run = self.export(public, "--recipient-fingerprint", "00" * 32, expect=USAGE)
        self.assertIn("has another fingerprint", run.sentence)
        self.export(public, "--algorithm", "RSAES_OAEP_SHA_256", "--yes", expect=CONFIGURATION)
        self.export(public, "--algorithm", "RSA_AES_KEY_WRAP_SHA_1", "--yes", expect=CONFIGURATION)
        self.assertEqual(self.records("export"), [])

    def test_certificate_on_a_terminal(self) -> None:
        self.take("--exportable")
        key, _, fingerprint = self.new_recipient()
        made = openssl(
            "req", "-x509", "-key", str(key), "-subj", '/CN=Branch HSM". SHA-256 00', "-days", "1"
        ).decode()
        certificate = self.write("certificate.pem", made)
        by_uri = ("--token", self.token.key_uri(self.key_id))
        by_id = ("--token", self.token.uri(), "--access-key-id", self.key_id)
        for answer, code, key_of in (("n", INTERRUPTED, by_uri), ("y", 0, by_id)):
            recipient = ("--recipient", str(certificate))
            terminal = self.on_terminal("export-access-key", *key_of, *recipient)
            shown = terminal.read_until("Wrap it for them?")
            self.assertIn(self.key_id, shown)
            named = 'calls them "CN=Branch HSM\\". SHA-256 00".'
            self.assertIn(named, shown)  # in its quotes, and behind the fingerprint
            self.assertIn(fingerprint, shown.partition(named)[0])
            terminal.type(answer + "\n")
            self.assertEqual(terminal.finish(), code, terminal.shown)
            self.assertEqual(len(self.records("export")), 1 if answer == "y" else 0)
        table = self.hsmiam("audit", "show", "--event", "export", "--output", "table")
        self.assertIn(fingerprint, table.out)


if __name__ == "__main__":
    unittest.main()
