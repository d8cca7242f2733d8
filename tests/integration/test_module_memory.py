"""A program over our PKCS#11 module: when a call has returned, no secret is in its memory."""

from __future__ import annotations

import os
import unittest

import memory
import primitives
from harness import OK
from memory import TALLY
from memory_test import MemoryTest
from unprivileged import reachable_program

MODULE = os.environ["HSMIAM_PKCS11_MODULE"]
SCOPE = ("20150830", "us-east-1", "iam")
PROGRAM = reachable_program(os.environ["HSMIAM_MODULE_MEMORY_USER"])


def tearDownModule() -> None:
    print(f"\n{TALLY}", flush=True)


class ModuleMemoryTest(MemoryTest):
    def needles(self, why: str, is_tool: bool = True) -> dict[str, bytes]:
        """What is derived for the program's signatures too. Not the PIN: the program logs in by
        itself, on a thread of its own."""
        wanted = super().needles(why, is_tool)
        del wanted["pin"]
        for access_key_id, secret in self.iam.secrets().items():
            derived = memory.access_key(f"{access_key_id}-signing", secret, [SCOPE])
            for name, key in derived.items():
                wanted |= {name: key} | {f"{name}-{state}=": value
                           for state, value in primitives.hmac_states(key).items()}  # fmt: skip
        return wanted

    def test_issue_and_sign(self) -> None:
        self.environment |= {
            "HSMIAM_CREDENTIAL": self.uri(self.iam.root_id),
            "HSMIAM_TOKEN": self.uri(),
            "AWS_ENDPOINT_URL": self.iam.url,
            "AWS_CA_BUNDLE": str(self.iam.ca_bundle),
            "PIN_FILE": str(self.token.pin_file),
        }
        command = [PROGRAM, MODULE, self.token.label, "alice"]
        printed = self.watch(command, OK, ["signal"] * 3 + ["write"])
        self.assertEqual(printed.split(), ["0", "0", "0"])
        self.assert_held(*self.iam.key_ids("alice"))


if __name__ == "__main__":
    unittest.main()
