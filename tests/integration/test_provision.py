"""`provision-token`: what it makes, what it leaves alone, and what it refuses to work with."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import unittest
from typing import Any

from harness import CONFIGURATION, GENERAL, USAGE, IntegrationTest, Run
from token_base import Thing
from tokens import KIND, where
from unprivileged import OTHER_USER, make_read_only

PAIRS = {
    "wrapping": ("hsmiam-wrapping-key", "RSA-3072"),
    "wrapping-exportable": ("hsmiam-wrapping-key-exportable", "RSA-3072"),
    "audit": ("hsmiam-audit-key", "EC-P256"),
}


def from_pem(text: str) -> bytes:
    """The bytes between the lines of dashes."""
    return base64.b64decode(text.partition("KEY-----")[2].partition("-----END")[0])


class ProvisionTest(IntegrationTest):
    with_root = False

    def provision(self, *arguments: str, **options: Any) -> Run:
        return self.hsmiam("provision-token", "--token", self.token.uri(), *arguments, **options)

    def halves(self, label: str) -> tuple[Thing, Thing]:
        """The private and the public half of a pair, of which there is one each."""
        things = [thing for thing in self.token.objects() if thing.label == label]
        private = [thing for thing in things if thing.kind.startswith("Private Key")]
        public = [thing for thing in things if thing.kind.startswith("Public Key")]
        self.assertEqual((len(private), len(public)), (1, 1), things)
        return private[0], public[0]

    def plant_public_key(self, label: str) -> None:
        """Put a public key of one's own into the token: not everywhere does it take a PIN."""
        key, public = self.directory / "planted.pem", self.directory / "planted.der"
        os.system(f"openssl genrsa -out {key} 2048 2>/dev/null")
        os.system(f"openssl rsa -in {key} -pubout -outform DER -out {public} 2>/dev/null")
        login = [] if self.token.public_is_writable else ["--login"]
        self.token.pkcs11_tool(
            *login, "--write-object", str(public), "--type", "pubkey", "--label", label,
            "--id", "99",
        )  # fmt: skip


class EmptyTokenTest(ProvisionTest):
    """On a token without any key pair, each of these takes the seconds that RSA-3072 takes."""

    provisioned = False

    def test_makes_three_pairs_once(self) -> None:
        first = self.provision().json
        pairs = {pair["Purpose"]: pair for pair in first["KeyPairs"]}
        self.assertEqual(
            {name: (pair["Label"], pair["Algorithm"]) for name, pair in pairs.items()}, PAIRS
        )
        self.assertEqual({pair["State"] for pair in pairs.values()}, {"Created"})
        self.assertEqual(first["Token"]["Label"], "custody")
        self.assertEqual(first["Token"]["Serial"], self.token.serial)

        again = self.provision().json
        for pair in first["KeyPairs"]:
            pair["State"] = "Exists"
        self.assertEqual(again, first)

    def test_pair_that_allows_more_is_refused(self) -> None:
        self.token.pkcs11_tool(
            "--login", "--keypairgen", "--key-type", "rsa:2048", "--label", "hsmiam-wrapping-key",
            "--id", "01", "--usage-decrypt",
        )  # fmt: skip
        run = self.provision(expect=CONFIGURATION)
        self.assertRegex(run.sentence, r'private key "hsmiam-wrapping-key" has CKA_\w+ (true|false)')
        self.assertNotIn("hsmiam-audit-key", [thing.label for thing in self.token.objects()])

    @where(KIND.can_be_spoilt)
    def test_read_only_token(self) -> None:
        """SoftHSM does not say that it cannot write; it fails."""
        make_read_only(self.token.objects_directory, self.directory)
        run = self.provision(expect=GENERAL, **OTHER_USER)
        self.assertIn('Token "custody": C_GenerateKeyPair failed', run.sentence)
        self.assertEqual(self.token.objects(), [])


class ProvisionedTokenTest(ProvisionTest):
    def test_private_halves_do_one_thing(self) -> None:
        uses = {
            "hsmiam-wrapping-key": ({"unwrap"}, {"RSA-PKCS-OAEP"}),
            "hsmiam-wrapping-key-exportable": ({"unwrap"}, {"RSA-PKCS-OAEP"}),
            "hsmiam-audit-key": ({"sign"}, {"ECDSA"}),
        }
        guarded = {"sensitive", "always sensitive", "never extractable"}
        if self.token.remembers_local:
            guarded.add("local")
        for label, (usage, mechanisms) in uses.items():
            with self.subTest(label):
                private, public = self.halves(label)
                self.assertEqual(private.usage, usage)
                self.assertEqual(private.access, guarded)
                if self.token.limits_mechanisms:
                    self.assertEqual(private.mechanisms, mechanisms)
                self.assertLessEqual(public.usage - {"derive"}, {"verify"})

    @where(KIND.public_is_seen)
    def test_public_halves_are_seen_without_login(self) -> None:
        seen = {thing.label for thing in self.token.objects(login=False) if thing.label}
        self.assertEqual(seen, {label for label, _ in PAIRS.values()})

    def test_fingerprint_is_of_the_public_key(self) -> None:
        for pair in self.provision().json["KeyPairs"]:
            with self.subTest(pair["Purpose"]):
                key = self.token.p11tool("--export", f"pkcs11:object={pair['Label']};type=public")
                digest = hashlib.sha256(from_pem(key)).hexdigest()
                self.assertEqual(pair["Fingerprint"], digest)

    def test_uri_names_the_private_half(self) -> None:
        for pair in self.provision().json["KeyPairs"]:
            self.assertRegex(pair["Uri"], rf"^pkcs11:model={self.token.model};.*;token=custody;")
            self.assertIn(f";object={pair['Label']};type=private", pair["Uri"])
            self.assertNotIn("?", pair["Uri"])

    def test_planted_public_key_changes_nothing(self) -> None:
        before = self.provision().json
        self.plant_public_key("hsmiam-wrapping-key")
        self.assertEqual(self.provision().json, before)

    def test_two_pairs_of_one_purpose(self) -> None:
        self.token.pkcs11_tool(
            "--login", "--keypairgen", "--key-type", "rsa:2048", "--label", "hsmiam-wrapping-key",
            "--id", "01",
        )  # fmt: skip
        run = self.provision(expect=CONFIGURATION)
        self.assertIn('has 2 private keys "hsmiam-wrapping-key"', run.sentence)

    def test_wrong_pin(self) -> None:
        wrong = self.write("wrong-pin", "not the PIN\n")
        run = self.provision("--pin-source", str(wrong), expect=CONFIGURATION)
        self.assertIn(
            'The PIN for token "custody" is wrong (11 bytes); it was tried once. It came from the '
            f"file {wrong}; correct it there.", run.sentence,
        )  # fmt: skip
        self.assertNotIn("not the PIN", run.err)

    def test_ways_to_name_the_token(self) -> None:
        expected = self.provision().out
        for name, arguments, environment in (
            ("environment", [], {"HSMIAM_TOKEN": self.token.uri()}),
            ("credential", ["--credential", self.token.uri()], {}),
            ("credential in the environment", [], {"HSMIAM_CREDENTIAL": self.token.uri()}),
            *([("module name", ["--token", self.token.uri(module="name")], {})]
              if self.token.configured else []),
            ("serial", ["--token", self.token.uri(f";serial={self.token.serial}")], {}),
        ):
            with self.subTest(name):
                run = self.hsmiam("provision-token", *arguments, env=environment)
                self.assertEqual(run.out, expected)

    def test_no_token_is_named(self) -> None:
        run = self.hsmiam("provision-token", expect=CONFIGURATION)
        self.assertIn("Unable to locate a token. Name it by --token", run.sentence)


class OutputTest(ProvisionTest):
    def test_yaml(self) -> None:
        lines = self.provision("--output", "yaml").out.splitlines()
        self.assertEqual(lines[:4], [
            "KeyPairs:", "- Purpose: wrapping", "  Label: hsmiam-wrapping-key",
            "  Algorithm: RSA-3072",
        ])  # fmt: skip
        self.assertIn("Token:", lines)
        self.assertIn("  Label: custody", lines)

    def test_text(self) -> None:
        """A line for each object, its fields in the order of their names, parted by tabs."""
        pairs = self.provision().json["KeyPairs"]
        lines = self.provision("--output", "text").out.splitlines()
        self.assertEqual(len(lines), 4)
        for pair, line in zip(pairs, lines[:3], strict=True):
            self.assertEqual(line.split("\t"), ["KEYPAIRS", *(pair[key] for key in sorted(pair))])
        self.assertEqual(lines[3].split("\t")[:2], ["TOKEN", "custody"])

    def test_table(self) -> None:
        out = self.provision("--output", "table").out
        for label, _ in PAIRS.values():
            self.assertIn(label, out)
        self.assertTrue(re.search(r"Algorithm\s+\|\s+Fingerprint", out), out)
        self.assertNotIn("\x1b", out)

    def test_no_other(self) -> None:
        self.provision("--output", "xml", expect=USAGE)


if __name__ == "__main__":
    unittest.main()
