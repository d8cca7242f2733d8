"""`check-token`: what it says of each kind of token, what it sees through, and what it leaves."""

from __future__ import annotations

import os
import unittest
from typing import Any

from harness import CONFIGURATION, GENERAL, OK, USAGE, IntegrationTest, Run
from tokens import KIND, where

SECTIONS = [
    "Verdict", "Ready", "Token", "Login", "Capacity", "ImportRoutes", "SigV4", "Mechanisms",
    "KeyTypes", "Keys", "ToProvision", "Timings", "Leftovers",
]  # fmt: skip
TOKEN = [
    "Label", "Serial", "Manufacturer", "Model", "Firmware", "Hardware", "Kind", "Slot",
    "SlotDescription", "WriteProtected", "Module", "Library", "LibraryVersion", "CryptokiVersion",
    "Uri",
]  # fmt: skip
LOGIN = ["Required", "Pin", "PinPad", "Opened"]
CAPACITY = [
    "SessionsMax", "SessionsOpen", "WritableSessionsMax", "WritableSessionsOpen", "PrivateBytes",
    "PrivateBytesFree", "PublicBytes", "PublicBytesFree", "AccessKeys",
]  # fmt: skip
MECHANISMS = [
    "CKM_GENERIC_SECRET_KEY_GEN", "CKM_AES_KEY_GEN", "CKM_EC_KEY_PAIR_GEN",
    "CKM_RSA_PKCS_KEY_PAIR_GEN", "CKM_SHA256_HMAC", "CKM_RSA_PKCS_OAEP/SHA256",
    "CKM_RSA_PKCS_OAEP/SHA1", "CKM_AES_KEY_WRAP_KWP/0x210B", "CKM_AES_KEY_WRAP_PAD/0x210A",
    "CKM_AES_KEY_WRAP/0x2109", "CKM_SP800_108_FEEDBACK_KDF", "CKM_CONCATENATE_DATA_AND_BASE",
    "CKM_ECDSA",
]  # fmt: skip
OPERATIONS = [
    "open-and-login", "first-import", "import", "hmac", "derive", "ecdsa", "generate-rsa-3072",
]  # fmt: skip
PURPOSES = ["wrapping", "wrapping-exportable", "audit", "wrapping-aes"]

#: What each kind of tokens is seen to do beside that.
DERIVES = KIND.kind in ("nss", "nss-fips", "kryoptic")
ENFORCES = KIND.limits_mechanisms


class CheckTest(IntegrationTest):
    with_root = False

    def things(self) -> list[tuple[str, bytes]]:
        """What is in the token; Kryoptic shows its mechanisms as objects too, without a name."""
        return sorted((thing.text, thing.id) for thing in self.token.objects() if thing.label)

    def check(self, *arguments: str, **options: Any) -> Run:
        """Check the token, which is the same afterwards."""
        before = self.things()
        run = self.hsmiam("check-token", "--token", self.token.uri(), *arguments, **options)
        self.assertEqual(self.things(), before)
        self.assertNotIn("pin-", run.out)
        return run

    def by(self, run: Run, section: str, key: str) -> dict[str, dict[str, Any]]:
        """The objects of a list by one of their members."""
        return {entry[key]: entry for entry in run.json[section]}

    def assert_complete(self, run: Run) -> None:
        """Each member that a script may ask for is there, whatever the token."""
        report = run.json
        self.assertEqual(list(report), SECTIONS)
        for section, members in (("Token", TOKEN), ("Login", LOGIN), ("Capacity", CAPACITY)):
            found = [name for name in report[section] if not name.endswith("Why")]
            self.assertEqual(found, members)
        for section, key, names in (
            ("ImportRoutes", "Route", ["rsa-oaep", "aes-kwp", "create-object"]),
            ("Mechanisms", "Mechanism", MECHANISMS),
            ("KeyTypes", "KeyType", ["CKK_GENERIC_SECRET", "CKK_SHA256_HMAC"]),
            ("Keys", "Purpose", PURPOSES),
            ("Timings", "Operation", OPERATIONS),
        ):
            self.assertEqual([entry[key] for entry in report[section]], names)
        for name in ("Route", "HostKeys", "LeavesOpen", "AllowedMechanismsEnforced"):
            self.assertIn(name, report["SigV4"])
        self.assertEqual(report["Leftovers"], [])


class ProvisionedTest(CheckTest):
    def test_report(self) -> None:
        run = self.check()
        report = run.json
        self.assert_complete(run)
        self.assertEqual(run.err, "")
        self.assertIs(report["Ready"], True)
        self.assertEqual(
            report["Verdict"],
            f"Ready: access keys go in by route {KIND.routes[0]}, and serve SigV4 by route "
            f"{KIND.sigv4_route}.",
        )
        self.assertEqual(report["Token"]["Label"], "custody")
        self.assertEqual(report["Token"]["Serial"], self.token.serial)
        self.assertEqual(report["Token"]["Module"], str(self.token.module))
        self.assertIn(report["Token"]["Kind"], ("software", "hardware"))
        self.assertIs(report["Token"]["WriteProtected"], False)
        self.assertIsInstance(report["Token"]["Slot"], int)
        self.assertEqual(
            report["Login"],
            {"Required": True, "Pin": "in order", "PinPad": False, "Opened": True},
        )
        self.assertEqual(report["Capacity"]["AccessKeys"], 0)

    @where(KIND.kind == "softhsm")
    def test_writes_nothing(self) -> None:
        """No object's file is another one, nor is there one more; a login notes itself."""

        def read() -> dict[str, bytes]:
            return {
                str(path): path.read_bytes()
                for path in self.token.objects_directory.rglob("*.object")
                if path.name != "token.object"
            }

        before = read()
        self.assertEqual(len(before), 6)
        self.hsmiam("check-token", "--token", self.token.uri())
        self.assertEqual(read(), before)

    def test_routes(self) -> None:
        routes = self.by(self.check(), "ImportRoutes", "Route")
        for route in ("rsa-oaep", "create-object"):
            expected = "works" if route in KIND.routes else "does not work"
            self.assertEqual(routes[route]["Result"], expected, routes)
        self.assertEqual(routes["aes-kwp"]["Result"], "untried")
        self.assertIn("`hsmiam provision-token --import-route aes-kwp`", routes["aes-kwp"]["Why"])

    def test_keys(self) -> None:
        provisioned = self.hsmiam("provision-token", "--token", self.token.uri()).json
        run = self.check()
        keys = self.by(run, "Keys", "Purpose")
        self.assertEqual(run.json["ToProvision"], [])
        for pair in provisioned["KeyPairs"]:
            self.assertEqual(keys[pair["Purpose"]]["State"], "right")
            self.assertEqual(keys[pair["Purpose"]]["Fingerprint"], pair["Fingerprint"])
            self.assertEqual("" == keys[pair["Purpose"]]["Why"], KIND.limits_mechanisms)
        self.assertEqual(keys["wrapping-aes"]["State"], "missing")

    def test_mechanisms(self) -> None:
        run = self.check()
        mechanisms = self.by(run, "Mechanisms", "Mechanism")
        works = {name for name, entry in mechanisms.items() if entry["Tried"] == "works"}
        self.assertLessEqual(
            {"CKM_SHA256_HMAC", "CKM_RSA_PKCS_OAEP/SHA1", "CKM_ECDSA", "CKM_EC_KEY_PAIR_GEN",
             "CKM_RSA_PKCS_KEY_PAIR_GEN"}, works,
        )  # fmt: skip
        derivation = mechanisms["CKM_SP800_108_FEEDBACK_KDF"]
        self.assertEqual(derivation["Advertised"], "yes" if DERIVES else "no")
        self.assertEqual(derivation["Tried"], "works" if DERIVES else "does not work")
        for name, entry in mechanisms.items():
            self.assertEqual(entry["Why"] == "", name in works, entry)

    def test_sigv4(self) -> None:
        sigv4 = self.check().json["SigV4"]
        self.assertIs(sigv4["AllowedMechanismsEnforced"], ENFORCES, sigv4)
        self.assertEqual(sigv4["Route"], KIND.sigv4_route)
        self.assertEqual(sigv4["HostKeys"].startswith("None"), KIND.sigv4_route == "in-token")
        if KIND.sigv4_route == "sign":
            why = "--sigv4-route in-token chooses" if DERIVES else "does not derive"
            self.assertIn(why, sigv4["RouteWhy"])

    @where(DERIVES)
    def test_sigv4_by_choice(self) -> None:
        for route in ("sign", "in-token"):
            sigv4 = self.check("--sigv4-route", route).json["SigV4"]
            self.assertEqual(sigv4["Route"], route)
        apart = "take a key apart" in sigv4["LeavesOpen"]
        self.assertEqual(apart, not ENFORCES)

    def test_timings(self) -> None:
        timings = self.by(self.check(), "Timings", "Operation")
        for name in OPERATIONS:
            if name == "derive" and not DERIVES:
                self.assertIsNone(timings[name]["Milliseconds"])
                continue
            self.assertGreater(timings[name]["Milliseconds"], 0, name)
            self.assertLess(timings[name]["Milliseconds"], 60_000, name)

    def test_counts_access_keys(self) -> None:
        self.import_root()
        self.assertEqual(self.check().json["Capacity"]["AccessKeys"], 1)

    def test_forbidden(self) -> None:
        run = self.check("--forbid-plaintext-import")
        routes = self.by(run, "ImportRoutes", "Route")
        self.assertEqual(routes["create-object"]["Result"], "forbidden")
        self.check(
            "--forbid-plaintext-import", "--import-route", "create-object", expect=USAGE
        )

    def test_wrong_pin(self) -> None:
        """As far as it got: what the token says without a login, and the verdict."""
        wrong = self.write("wrong-pin", "not the PIN\n")
        run = self.check("--pin-source", str(wrong), expect=CONFIGURATION)
        report = run.json
        self.assertEqual(list(report), SECTIONS)
        self.assertEqual(report["Token"]["Label"], "custody")
        self.assertIn("serial=", report["Token"]["Uri"])
        self.assertIs(report["Login"]["Opened"], False)
        self.assertNotEqual(report["Login"]["Pin"], "in order")
        self.assertIs(report["Ready"], False)
        self.assertEqual(report["Verdict"], f"Not ready: {run.sentence}")
        self.assertEqual(report["Mechanisms"], [])
        self.assertNotIn("not the PIN", run.out)

    def test_no_token(self) -> None:
        run = self.hsmiam("check-token", "--token", "pkcs11:token=nowhere", expect=CONFIGURATION)
        self.assertIs(run.json["Ready"], False)
        self.assertEqual(run.json["Token"], {})

    def test_other_forms(self) -> None:
        for form in ("table", "yaml", "text"):
            with self.subTest(form):
                out = self.check("--output", form).out
                self.assertIn("Ready: access keys go in by", out)
                self.assertIn("CKM_SP800_108_FEEDBACK_KDF", out)


class EmptyTokenTest(CheckTest):
    provisioned = False

    def test_what_is_to_be_provisioned(self) -> None:
        plaintext = "create-object" in KIND.routes
        run = self.check(expect=OK if plaintext else CONFIGURATION)
        self.assert_complete(run)
        routes = self.by(run, "ImportRoutes", "Route")
        self.assertEqual(routes["rsa-oaep"]["Result"], "untried")
        self.assertIn("`hsmiam provision-token` makes it", routes["rsa-oaep"]["Why"])
        self.assertEqual(
            [key["Purpose"] for key in run.json["ToProvision"]],
            ["wrapping", "wrapping-exportable", "audit"],
        )
        self.assertIs(run.json["Ready"], plaintext)
        if plaintext:
            self.assertIn("opens the better route rsa-oaep", run.json["Verdict"])
        run = self.check("--forbid-plaintext-import", expect=CONFIGURATION)
        self.assertIs(run.json["Ready"], False)
        self.assertIn("is forbidden", run.json["Verdict"])


@where(KIND.kind == "softhsm")
class TroubleTest(CheckTest):
    """A module that lies, fails and hangs, over SoftHSM."""

    def check_in_trouble(self, trouble: str, *arguments: str, **options: Any) -> Run:
        uri = self.token.uri().replace(
            str(self.token.module), os.environ["HSMIAM_TROUBLE_MODULE"]
        )
        before = self.things()
        run = self.hsmiam(
            "check-token", "--token", uri, *arguments,
            env={"TROUBLE_MODULE": str(self.token.module), "TROUBLE": trouble}, **options,
        )  # fmt: skip
        self.assertEqual(self.things(), before)
        return run

    def test_claims_everything(self) -> None:
        run = self.check_in_trouble("C_GetMechanismInfo:1+:all")
        self.assert_complete(run)
        mechanisms = self.by(run, "Mechanisms", "Mechanism")
        self.assertEqual({entry["Advertised"] for entry in mechanisms.values()}, {"yes"})
        for name in (
            "CKM_SP800_108_FEEDBACK_KDF", "CKM_AES_KEY_WRAP_KWP/0x210B",
            "CKM_RSA_PKCS_OAEP/SHA256",
        ):  # fmt: skip
            self.assertEqual(mechanisms[name]["Tried"], "does not work")
        self.assertEqual(run.json["SigV4"]["Route"], "sign")

    def test_claims_nothing(self) -> None:
        run = self.check_in_trouble("C_GetMechanismInfo:1+:none,C_GetMechanismList:1+:none")
        mechanisms = self.by(run, "Mechanisms", "Mechanism")
        self.assertEqual({entry["Advertised"] for entry in mechanisms.values()}, {"no"})
        self.assertEqual(mechanisms["CKM_SHA256_HMAC"]["Tried"], "works")
        self.assertIs(run.json["Ready"], True)

    def test_cannot_unwrap_nor_create(self) -> None:
        run = self.check_in_trouble("C_UnwrapKey:1+:0x70,C_CreateObject:1+:0x70", expect=CONFIGURATION)
        self.assert_complete(run)
        self.assertIs(run.json["Ready"], False)
        self.assertEqual(run.json["Verdict"], f"Not ready: {run.sentence}")
        self.assertIn("CKR_MECHANISM_INVALID", run.json["Verdict"])

    def test_device_fails(self) -> None:
        run = self.check_in_trouble("C_UnwrapKey:1+:0x30", expect=GENERAL)
        self.assertIn("CKR_DEVICE_ERROR", run.json["Verdict"])
        self.assertIs(run.json["Ready"], False)

    def test_leftover_is_told(self) -> None:
        run = self.check_in_trouble("C_DestroyObject:2+:0x6", expect=None)
        self.assertNotEqual(run.json["Leftovers"], [])

    def test_hangs(self) -> None:
        run = self.check_in_trouble(
            "C_CreateObject:1:hang", "--token-timeout", "1", expect=GENERAL
        )
        self.assertIs(run.json["Ready"], False)
        self.assertIn("C_CreateObject has not come back", run.json["Verdict"])
        self.assertEqual(self.by(run, "ImportRoutes", "Route")["rsa-oaep"]["Result"], "works")


if __name__ == "__main__":
    unittest.main()
