"""Programs that load PKCS#11 modules themselves, or by p11-kit, load ours: several at once too."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from softhsm import MODULE as BEHIND
from softhsm import Token
from unprivileged import OTHER_USER

MODULE = Path(os.environ["HSMIAM_PKCS11_MODULE"])
PROXY = next(Path("/usr/lib").glob("*/p11-kit-proxy.so"), Path("p11-kit-proxy.so"))


class HostsTest(unittest.TestCase):
    """As a user who is not root: p11-kit ignores root's own configuration."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="hsmiam-hosts-"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.token = Token.create(self.directory)
        self.modules = self.directory / ".config/pkcs11/modules"
        self.modules.mkdir(parents=True)
        (self.modules.parent / "pkcs11.conf").write_text("user-config: only\n")
        shutil.copy(MODULE, self.directory)
        self.profiles = self.directory / "config"
        self.profiles.write_text("[default]\nhsmiam_token = " + self.token.uri() + "\n")

    def add_instance(self, name: str, token: str) -> Path:
        """A copy of the module, with its profile, that p11-kit is told of."""
        copy = shutil.copy(MODULE, self.directory / f"hsmiam-pkcs11-{name}.so")
        with self.profiles.open("a") as file:
            file.write(f"[profile {name}]\nhsmiam_token = {token}\n")
            file.write(f"hsmiam_log_file = {self.directory}/{name}.log\n")
        (self.modules / f"{name}.module").write_text(f"module: {copy}\n")
        return Path(copy)

    def run_as_user(self, *words: str, expect: int = 0) -> str:
        for root, _, files in os.walk(self.directory):
            for name in (root, *(os.path.join(root, name) for name in files)):
                os.chown(name, OTHER_USER.get("user", -1), OTHER_USER.get("group", -1))
        done = subprocess.run(
            words, env={"PATH": os.environ["PATH"], "HOME": str(self.directory),
                        "AWS_CONFIG_FILE": str(self.profiles), **self.token.environment},
            capture_output=True, text=True, timeout=60, check=False, **OTHER_USER,
        )  # fmt: skip
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_pkcs11_tool_says_the_same(self) -> None:
        def run_tests(module: Path) -> str:
            said = self.run_as_user(
                "pkcs11-tool", "--module", str(module), "--token-label", self.token.label,
                "--login", "--pin", self.token.pin, "--test", expect=1,
            )  # fmt: skip
            return re.sub(r"Using slot .*\n", "", said)

        self.run_as_user(
            "pkcs11-tool", "--module", str(BEHIND), "--token-label", self.token.label, "--login",
            "--pin", self.token.pin, "--keypairgen", "--key-type", "RSA:1024", "--usage-sign",
        )  # fmt: skip
        # It ends where SoftHSM's OAEP does not take its parameters.
        said = run_tests(BEHIND)
        self.assertIn("SHA1-RSA-PKCS: OK", said)
        self.assertEqual(run_tests(self.directory / MODULE.name), said)

    def test_several_in_p11_kit(self) -> None:
        uri = f"pkcs11:token={self.token.label}?module-path={BEHIND}"
        self.add_instance("one", uri)
        self.add_instance("two", uri)
        (self.modules / "softhsm.module").write_text(f"module: {BEHIND}\n")
        said = self.run_as_user("p11-kit", "list-modules")
        self.assertEqual(said.count(f"token: {self.token.label}"), 3, said)
        proxied = self.run_as_user("pkcs11-tool", "--module", str(PROXY), "--list-slots")
        self.assertEqual(len(re.findall(rf": {self.token.label}\n", proxied)), 3, proxied)
        self.run_as_user(
            "p11tool", "--provider", str(self.directory / "hsmiam-pkcs11-two.so"), "--login",
            "--set-pin", self.token.pin, "--generate-privkey", "ecdsa", "--curve", "secp256r1",
            "--label", "mine", self.token.uri().partition("?")[0],
        )  # fmt: skip
        self.assertIn("mine", [thing.label for thing in self.token.objects()])

    def test_one_that_is_not_configured_disturbs_nobody(self) -> None:
        self.add_instance("lost", "pkcs11:token=without-a-module")
        self.add_instance("right", f"pkcs11:?module-path={BEHIND}")
        said = self.run_as_user("p11tool", "--list-tokens")
        self.assertEqual(said.count(f"Label: {self.token.label}"), 1, said)
        log = (self.directory / "lost.log").read_text()
        self.assertRegex(log, r"^20\S+Z hsmiam-pkcs11-lost\[\d+\]: .* give it module-path")

    def test_the_sentence_goes_to_standard_error(self) -> None:
        self.profiles.write_text("[profile other]\n")
        said = self.run_as_user(
            "pkcs11-tool", "--module", str(self.directory / MODULE.name), "--list-slots", expect=1
        )
        sentence = "hsmiam-pkcs11: No token is configured: the profile default has neither hsmiam_token"
        self.assertEqual(said.count(sentence), 1, said)

    def test_the_log_file_that_cannot_be_written(self) -> None:
        """The sentence is not lost, and whoever looks for it learns why it is elsewhere."""
        for path, why in (("/nowhere/log", "No such file"), ("/dev/full", "No space left")):
            self.profiles.write_text(f"[default]\nhsmiam_log_file = {path}\nmax_attempts = x\n")
            said = self.run_as_user(
                "pkcs11-tool", "--module", str(self.directory / MODULE.name), "--list-slots", expect=1
            )
            self.assertIn(f"hsmiam-pkcs11: The log file {path} cannot be written: {why}", said)
            self.assertIn('max_attempts is "x"', said)


if __name__ == "__main__":
    unittest.main()
