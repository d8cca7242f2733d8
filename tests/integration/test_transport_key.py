"""Route `rsa-oaep`: one RSA operation brings a key for the session in, and AES all values."""

from __future__ import annotations

import re
import unittest

from harness import IntegrationTest
from spy import Spy


def find(pattern: str, call: str) -> str:
    found = re.search(pattern, call)
    assert found, call
    return found.group(1)


class TransportKeyTest(IntegrationTest):
    with_root = False

    def test_calls(self) -> None:
        spy = Spy(self.directory / "spy.log", self.token.tool_module)
        self.searcher.allow(spy.log)
        # On one thread, for the spy's log does not keep several apart.
        run = self.hsmiam(
            "import-access-key", "--token", self.token.uri(module="spy"),
            "--access-key-id", self.iam.root_id, stdin=self.iam.root_secret, env=spy.environment,
        )  # fmt: skip
        self.assertEqual(run.json["AccessKey"]["ImportRoute"], "rsa-oaep")
        self.assert_held(self.iam.root_id, self.iam.root_secret)

        done = [call for call in spy.calls("C_UnwrapKey") if "CKR_OK" in call]
        self.assertEqual(len(done), 3)
        mechanisms = [find(r"pMechanism->type = *(\S+)", call) for call in done]
        self.assertEqual(mechanisms.count("CKM_RSA_PKCS_OAEP"), 1)
        self.assertEqual(mechanisms[0], "CKM_RSA_PKCS_OAEP")
        self.assertRegex(done[0], r"CKA_KEY_TYPE +CKK_AES")
        key = find(r"hKey = (0x[0-9a-f]+)", done[0])
        for call in done[1:]:
            self.assertEqual(find(r"hUnwrappingKey = (0x[0-9a-f]+)", call), key)

        last = spy.calls("C_DestroyObject")[-1]
        self.assertEqual(find(r"hObject = (0x[0-9a-f]+)", last), key)
        self.assertIn("CKR_OK", last)


if __name__ == "__main__":
    unittest.main()
