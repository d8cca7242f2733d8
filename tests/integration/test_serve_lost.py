"""serve over a token that is pulled out: what there is is served until it expires, then nothing."""

from __future__ import annotations

import os
import unittest

from serving import ServingTest

REMOVED = "0x32"
# Once, and it comes back after a while; then for good.
ORDERS = ("C_Sign:3", "C_OpenSession:2", "C_OpenSession:3", "C_Sign:5+", "C_OpenSession:5+")


class LostTest(ServingTest):
    def test_token_is_pulled_out(self) -> None:
        """Its route is in-token: each request to STS is signed by the token."""
        self.iam.set_clock(-898)  # the credentials are good for two seconds
        uri = self.token.key_uri(self.iam.root_id)
        self.environment |= {
            "TROUBLE_MODULE": os.environ["HSMIAM_KRYOPTIC"],
            "TROUBLE": ",".join(f"{order}:{REMOVED}" for order in ORDERS),
        }
        troubled = uri.replace(os.environ["HSMIAM_KRYOPTIC"], os.environ["HSMIAM_TROUBLE_MODULE"])
        self.assertNotEqual(troubled, uri)
        process = self.serve("--duration-seconds", "900", "--credential", troubled)
        self.wait_until(lambda: len(self.iam.requests("AssumeRole")) == 3, "not opened again")
        self.wait_until(lambda: self.ask()[0] == 200, "not served")
        self.wait_until(lambda: self.ask()[0] == 503, "credentials that have expired")
        said = self.stop(process)
        self.assertIn("could not be opened again", said)
        self.assertIn("hsmiam: warning: There are new credentials again.", said)
        self.assertEqual(len(self.iam.requests("AssumeRole")), 3)


if __name__ == "__main__":
    unittest.main()
