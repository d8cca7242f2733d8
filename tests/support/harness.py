"""What every integration test stands on: a token, an IAM, a home and a run of the tool, all new.

Each test method gets directories of its own, a copy of a provisioned token with a PIN of its own and a local IAM of its own, and after every run of the tool everything that it printed or
left in a file is searched for PINs, secrets and derived keys.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cryptoki
from local_iam import LocalIam
from secrecy import Searcher
import softhsm
from terminal import Terminal
from token_base import AnyToken
from tokens import KIND, provisioned_token
from unprivileged import make_writable, reachable_program

# What of the machine's a client in the test itself would heed.
for variable in [name for name in os.environ if name.lower().endswith("_proxy") or name[:4] == "AWS_"]:
    del os.environ[variable]

HSMIAM = reachable_program(os.environ["HSMIAM_BIN"])
SECONDS = 120  # that only a test which fails takes

OK = 0
INTERRUPTED = 130
USAGE = 252
CONFIGURATION = 253
REFUSED = 254
GENERAL = 255


@dataclass
class Run:
    """A run of the tool: what it was given and what came of it."""

    arguments: list[str]
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """The error message: the last paragraph on standard error, its lines joined."""
        return " ".join(self.err.strip().split("\n\n")[-1].split())

    def __str__(self) -> str:
        return f"{self.arguments}\nexit code {self.code}\n{self.out}\n{self.err}"


class IntegrationTest(unittest.TestCase):
    """A test with a home, a token and an IAM of its own.

    Subclasses say what they need: `iam_options` go to the endpoint, `with_root` puts the IAM's
    first credential into the token, `provisioned` makes the token one that can take keys in.
    """

    iam_options: dict[str, Any] = {}
    provisioned = True
    with_root = True
    maxDiff = None

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="hsmiam-test-"))
        self.addCleanup(self._remove)
        for name in ("home", "state", "config", "data", "cache", "tmp"):
            (self.directory / name).mkdir()
        self.searcher = Searcher(self.directory)
        self.token = self.new_token()
        self.iam = self.new_iam(**self.iam_options)
        self.environment = self._clean_environment() | self.token.environment
        if self.with_root:
            self.import_root()

    def tearDown(self) -> None:
        """Runs on a terminal or in the background are searched at the end."""
        self.assert_secrecy(Run([], OK, "", ""))

    # What a test is made of -----------------------------------------------------------------

    def new_token(self, label: str = "custody") -> AnyToken:
        """The test's token; one more is SoftHSM's, beside it or behind another module."""
        directory = self.directory / "hsm"
        if directory.exists():
            token: AnyToken = softhsm.Token.create(directory, label)
            self.environment |= token.environment
        elif self.provisioned:
            token = KIND.copy(provisioned_token(HSMIAM), directory)
        else:
            token = KIND.create(directory, label)
        self.addCleanup(token.close)
        self.searcher.add(f"PIN of {label}", token.pin)
        self.searcher.allow(token.pin_file)
        return token

    def new_iam(self, **options: Any) -> LocalIam:
        """An IAM; the test's own has the users alice and bob."""
        options.setdefault("users", ["alice", "bob"])
        directory = Path(tempfile.mkdtemp(prefix="iam-", dir=self.directory))
        self.searcher.allow(directory)
        iam = LocalIam(directory, **options)
        self.addCleanup(iam.stop)
        return iam

    def import_root(self) -> None:
        """Take the IAM's first credential into the token."""
        self.hsmiam(
            "import-access-key", "--access-key-id", self.iam.root_id,
            "--user-name", "root-admin", "--token", self.token.uri(),
            stdin=self.iam.root_secret,
        )  # fmt: skip

    def write(self, name: str, text: str, secret: bool = False) -> Path:
        """Write a file of the test's own; `secret` ones are not searched."""
        path = self.directory / name
        path.write_text(text)
        if secret:
            self.searcher.allow(path)
        return path

    # Runs ------------------------------------------------------------------------------------

    def hsmiam(
        self,
        *arguments: str,
        expect: int | None = OK,
        stdin: str | bytes | None = "",
        env: dict[str, str] | None = None,
        **options: Any,
    ) -> Run:
        """Run the tool, check its exit code (None: any), and search what it left for secrets."""
        given = stdin.encode() if isinstance(stdin, str) else stdin
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        done = subprocess.run(
            [HSMIAM, *arguments],
            input=given,
            env=self.environment | (env or {}),
            cwd=self.directory,
            start_new_session=True,
            timeout=SECONDS,
            check=False,
            **options,
        )
        out, err = ((data or b"").decode(errors="replace") for data in (done.stdout, done.stderr))
        run = Run(list(arguments), done.returncode, out, err)
        self.assert_secrecy(run)
        if expect is not None:
            self.assertEqual(run.code, expect, run)
        return run

    def iam_arguments(self, iam: LocalIam | None = None, **more: str) -> list[str]:
        """The globals of a command that talks to IAM with the root credential."""
        iam = iam or self.iam
        values = {
            "credential": self.token.key_uri(self.iam.root_id),
            "endpoint_url": iam.url,
            "ca_bundle": str(iam.ca_bundle),
        } | more
        if iam.endpoint.options.plain:
            values.pop("ca_bundle")
        return [
            word
            for name, value in values.items()
            for word in (f"--{name.replace('_', '-')}", value)
        ]

    def issue(self, *arguments: str, expect: int | None = OK, **options: Any) -> Run:
        """Run `create-access-key` against the test's IAM."""
        return self.hsmiam(
            "create-access-key", *self.iam_arguments(), *arguments, expect=expect, **options
        )

    def issue_for(self, user: str, *arguments: str) -> str:
        """Issue a key for a user, and return its id."""
        run = self.issue("--user-name", user, *arguments)
        return str(run.json["AccessKey"]["AccessKeyId"])

    def on_terminal(self, *arguments: str, **options: Any) -> Terminal:
        """Start the tool on a terminal; the test types and looks."""
        terminal = Terminal([HSMIAM, *arguments], self.environment, cwd=self.directory, **options)
        self.addCleanup(terminal.close)
        return terminal

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start the tool and leave it running; it ends with the test."""
        process = subprocess.Popen(
            [HSMIAM, *arguments],
            env=self.environment,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **options,
        )

        def end() -> None:
            if process.poll() is None:
                process.kill()
            process.communicate()

        self.addCleanup(end)
        return process

    # Assertions ------------------------------------------------------------------------------

    def assert_secrecy(self, run: Run) -> None:
        """No secret in what a run printed, nor in any file of the test."""
        for access_key_id, secret in self.iam.secrets().items():
            self.searcher.add_access_key(f"secret of {access_key_id}", secret)
        printed = self.searcher.search(f"{run.out}\0{run.err}".encode())
        self.assertEqual(printed, [], f"printed by {run}")
        self.assertEqual(self.searcher.search_files(), [], run)

    def assert_held(self, access_key_id: str, secret: str | None = None) -> None:
        """The token holds the key, and it is the one whose secret IAM handed out."""
        self.assertIn(access_key_id, self.token.access_key_ids())
        data = secrets.token_bytes(64)
        secret = secret or self.iam.secrets()[access_key_id]
        expected = self.token.expected_hmac(b"AWS4" + secret.encode(), data)
        self.assertEqual(self.token.hmac(access_key_id, data), expected)

    def assert_guarded(self, access_key_id: str) -> None:
        """The key can serve SigV4 and nothing else, and nothing can make it laxer."""
        signs = self.token.sigv4_route == "sign"
        with cryptoki.session(self.token) as session:
            key = session.find(access_key_id)
            use = "sign" if signs else "derive"
            self.assertEqual(session.flags(key), {"token", "private", "sensitive", use})
            with self.assertRaises(cryptoki.Refused) as refusal:
                session.read(key, cryptoki.CKA_VALUE)
            self.assertEqual(refusal.exception.code, cryptoki.CKR_ATTRIBUTE_SENSITIVE)
            for flag, value in (
                ("sensitive", False), ("extractable", True), ("derive" if signs else "sign", True),
            ):  # fmt: skip
                self.assertRaises(cryptoki.Refused, session.set_flag, key, flag, value)
            if self.token.forbids_copies:
                self.assertRaises(cryptoki.Refused, session.copy, key)
            if self.token.limits_mechanisms:
                only = cryptoki.CKM_SHA256_HMAC if signs else cryptoki.CKM_SP800_108_FEEDBACK_KDF
                allowed = only.to_bytes(8, sys.byteorder)
                self.assertEqual(session.read(key, cryptoki.CKA_ALLOWED_MECHANISMS), allowed)
                for mechanism in (cryptoki.CKM_SHA512_HMAC, cryptoki.CKM_SHA_1_HMAC):
                    self.assertRaises(cryptoki.Refused, session.start_signing, key, mechanism)

    def assert_sent_once(self) -> None:
        """CreateAccessKey, which is not idempotent, reached the server no more than once."""
        self.assertLessEqual(len(self.iam.requests("CreateAccessKey")), 1)

    # The rest --------------------------------------------------------------------------------

    def _remove(self) -> None:
        """Remove everything, also what a test took the right to write from."""
        make_writable(self.directory)
        shutil.rmtree(self.directory)

    def _clean_environment(self) -> dict[str, str]:
        """No AWS_*, HSMIAM_*, *_PROXY or SSL_CERT_* of the machine; what sanitizers read stays."""
        kept = ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "LD_LIBRARY_PATH")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        return environment | {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(self.directory / "home"),
            "TMPDIR": str(self.directory / "tmp"),
            "XDG_STATE_HOME": str(self.directory / "state"),
            "XDG_CONFIG_HOME": str(self.directory / "config"),
            "XDG_DATA_HOME": str(self.directory / "data"),
            "XDG_CACHE_HOME": str(self.directory / "cache"),
        }
