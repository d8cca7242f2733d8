"""A public suite of tests of PKCS#11 modules (conformance_suite), run over a fresh token."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from kryoptic import Token as KryopticToken
from softhsm import Token as SoftHsmToken
from token_base import AnyToken

SUITE = Path(__file__).resolve().parents[2] / "build/conformance"
PROGRAMS = ("basic", "allowed_mechanisms", "wycheproof")

# The suite knows them by name, for what each does not do.
KINDS: dict[str, type[AnyToken]] = {"softhsm": SoftHsmToken, "kryoptic": KryopticToken}

# It makes the token anew for each test, by a PIN of its own.
SUITE_SO_PIN = "abcdef654321"


def make_token(kind: str, directory: Path) -> AnyToken:
    """A token whose security officer has the suite's PIN."""
    token = KINDS[kind].create(directory)
    token.pkcs11_tool(
        "--login", "--login-type", "so", "--so-pin", "security-officer", "--change-pin",
        "--new-pin", SUITE_SO_PIN,
    )  # fmt: skip
    return token


class Running:
    """The suite's programs at their work, over a module that reaches the token."""

    def __init__(self, token: AnyToken, module: Path, **variables: str) -> None:
        environment = os.environ | token.environment | variables
        environment |= {"TEST_PKCS11_MODULE": str(module), "TEST_PRETEND_LIBRARY": token.kind}
        script = " ; ".join(f'"{SUITE / name}" --test-threads=1' for name in PROGRAMS)
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", script], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def finish(self) -> dict[str, str]:
        """What each test came to: "ok", "FAILED" or "ignored"."""
        said, _ = self._process.communicate(timeout=100)
        found = re.findall(r"^test (\w+) \.\.\. .*?(ok|FAILED|ignored)\b", said, re.M | re.S)
        return dict(found)
