"""SigV4 inside a token that can run its whole chain: NSS softoken, a trace of its calls beside it."""

from __future__ import annotations

import hmac
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from unprivileged import OTHER_USER, reachable_program

HSMIAM = reachable_program(os.environ["HSMIAM_BIN"])
SIGN_MANY = reachable_program(os.environ["HSMIAM_SIGN_MANY"])
MODULE = next(Path("/usr/lib").glob("*/libsoftokn3.so"), Path("libsoftokn3.so"))
# The first of those that sign_many goes through.
SCOPE = "20150830/us-east-0/sts/aws4_request"
TOKEN = "pkcs11:token=NSS%20Certificate%20DB"
SECRET = secrets.token_urlsafe(30)
SECONDS = 120

NAMED = {0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}


def as_printed(data: bytes) -> bytes:
    """Bytes as p11-kit's trace has them. It leaves quotes and backslashes as they are, so that what
    it prints can be looked for, but not be read back."""
    return "".join(
        NAMED.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02X}") for byte in data
    ).encode()


def derived_keys(scope: str) -> list[bytes]:
    """What SigV4 derives from the secret for "date/region/service/aws4_request"."""
    keys = [b"AWS4" + SECRET.encode()]
    for part in scope.split("/"):
        keys.append(hmac.digest(keys[-1], part.encode(), "sha256"))
    return keys[1:]


def find_keys(trace: bytes) -> list[int]:
    """Which of the derived keys are in a trace, as they are or in hexadecimal digits."""
    return [
        number for number, key in enumerate(derived_keys(SCOPE))
        if any(form in trace for form in (key, as_printed(key)))
        or key.hex().encode() in trace.lower()
    ]  # fmt: skip


class NssTest(unittest.TestCase):
    """A token of NSS, by p11-kit's configuration of a user who is not root: root's is ignored."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="hsmiam-nss-"))
        self.addCleanup(shutil.rmtree, self.directory)
        modules = self.directory / ".config/pkcs11/modules"
        (self.directory / "db").mkdir()
        modules.mkdir(parents=True)
        (self.directory / "pin").write_text(secrets.token_hex(6))
        (modules.parent / "pkcs11.conf").write_text("user-config: only\n")
        self.module = modules / "nss.module"
        self.configure(log=False)
        for root, _, files in os.walk(self.directory):
            for name in (root, *(os.path.join(root, name) for name in files)):
                os.chown(name, OTHER_USER.get("user", -1), OTHER_USER.get("group", -1))
        database = f"sql:{self.directory}/db"
        self.run_as_user("certutil", "-N", "-d", database, "-f", str(self.directory / "pin"))
        self.run_as_user(HSMIAM, "provision-token", "--token", self.uri())

    def configure(self, log: bool) -> None:
        self.module.write_text(
            f"module: {MODULE}\n"
            f"x-init-reserved: configdir='sql:{self.directory}/db' certPrefix='' keyPrefix='' "
            "secmod='secmod.db' flags=\n" + ("log-calls: yes\n" if log else "")
        )

    def uri(self, label: str = "") -> str:
        thing = f";object={label}" if label else ""
        return f"{TOKEN}{thing}?pin-source=file:{self.directory}/pin"

    def run_as_user(self, *arguments: str, stdin: str = "") -> tuple[str, bytes]:
        # p11-kit unloads the module, and with it go the pointers to what NSS keeps for good.
        environment = {"HOME": str(self.directory), "PATH": "/usr/bin:/bin",
                       "ASAN_OPTIONS": "detect_leaks=0"}  # fmt: skip
        done = subprocess.run(
            arguments, input=stdin.encode(), capture_output=True, timeout=SECONDS, check=False,
            cwd=self.directory, env=environment, **OTHER_USER,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done)
        return done.stdout.decode(errors="replace"), done.stderr

    def take(self, label: str, *arguments: str) -> str:
        out, _ = self.run_as_user(
            HSMIAM, "import-access-key", "--token", self.uri(), "--access-key-id",
            f"AKIA{secrets.token_hex(8).upper()}", "--user-name", label, *arguments, stdin=SECRET,
        )  # fmt: skip
        return re.search(r'"SigV4Route": "([a-z-]+)"', out)[1]

    def assert_right(self, out: str, route: str, count: int) -> None:
        """Each signature is that of its string to sign."""
        first, *lines = out.splitlines()
        self.assertEqual((first, len(lines)), (route, count))
        for line in lines:
            text, _, signature = line.rpartition(" ")
            key = derived_keys(text.split("|")[2])[-1]
            expected = hmac.digest(key, text.replace("|", "\n").encode(), "sha256").hex()
            self.assertEqual(signature, expected, line)

    def test_signatures(self) -> None:
        # NSS does not enforce CKA_ALLOWED_MECHANISMS: in-token is a choice there.
        self.assertEqual(self.take("by-default"), "sign")
        self.assertEqual(self.take("by-choice", "--sigv4-route", "in-token"), "in-token")
        self.assertEqual(
            self.take("by-aes", "--sigv4-route", "in-token", "--import-route", "create-object"),
            "in-token",
        )
        for label, route in (
            ("by-default", "sign"), ("by-choice", "in-token"), ("by-aes", "in-token"),
        ):  # fmt: skip
            with self.subTest(label):
                out, _ = self.run_as_user(SIGN_MANY, self.uri(label), "600", "6")
                self.assert_right(out, route, 600)

    def test_calls(self) -> None:
        """The first request derives, and each further one of its scope is one operation."""
        self.take("root", "--sigv4-route", "in-token")
        self.configure(log=True)
        traces = {}
        for count in (1, 2, 5):
            out, trace = self.run_as_user(SIGN_MANY, self.uri("root"), str(count), "1")
            self.assert_right(out, "in-token", count)
            traces[count] = trace
            calls = re.findall(rb"^(C_\w+)$", trace, re.MULTILINE)
            self.assertEqual(calls.count(b"C_DeriveKey"), 4)
            self.assertEqual(calls.count(b"C_SignInit"), count)
            self.assertEqual(calls.count(b"C_Sign"), count)
            # Each derived key is gone at the end, the last one with the signer.
            self.assertEqual(calls.count(b"C_DestroyObject"), 4)
        for trace in traces.values():
            self.assertEqual(find_keys(trace), [])

    def test_trace_shows_what_is_given_out(self) -> None:
        """The control: a key that signs gives out kDate, the first one, as C_Sign's result."""
        self.take("root", "--sigv4-route", "sign")
        self.configure(log=True)
        out, trace = self.run_as_user(SIGN_MANY, self.uri("root"), "1", "1")
        self.assert_right(out, "sign", 1)
        self.assertEqual(find_keys(trace), [0])
        result = as_printed(derived_keys(SCOPE)[0])
        self.assertIn(b'\n OUT: pSignature = (32) "' + result + b'"\nC_Sign = CKR_OK\n', trace)


if __name__ == "__main__":
    unittest.main()
