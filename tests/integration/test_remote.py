"""A token on another host, through p11-kit's server: what crosses the wire between the two."""

from __future__ import annotations

import unittest

from harness import GENERAL, HSMIAM, IntegrationTest
import remote


class RemoteTest(IntegrationTest):
    token: remote.Token

    def issued(self, user: str, route: str) -> bytes:
        """Issue a key, and return what crossed the wire; the token has it afterwards."""
        self.token.wire.forget()
        access_key_id = self.issue_for(user, "--import-route", route)
        self.assert_held(access_key_id)
        return self.token.wire.passed()

    def found(self, user: str, passed: bytes) -> list[str]:
        """What of the user's new secret, and of the keys derived from it, is in there."""
        (access_key_id,) = self.iam.key_ids(user)
        return [name for name in self.searcher.search(passed) if access_key_id in name]


class WireTest(RemoteTest):
    def test_wrapped_secret_does_not_cross(self) -> None:
        passed = self.issued("alice", "rsa-oaep")
        self.assertGreater(passed.count(b"alice"), 1, "the wire was listened to")
        self.assertGreater(len(passed), 3 * 384, "two wrapped keys and more crossed")
        self.assertEqual(self.found("alice", passed), [])

    def test_plaintext_does(self) -> None:
        """The control: the same search finds it on the route that the warning speaks of."""
        passed = self.issued("bob", "create-object")
        (access_key_id,) = self.iam.key_ids("bob")
        self.assertIn(f"secret of {access_key_id}", self.found("bob", passed))

    def test_pin_crosses(self) -> None:
        """So the wire must be one's own, as the README says."""
        self.issued("alice", "rsa-oaep")
        self.assertIn(self.token.pin.encode(), self.token.wire.passed())


class LostTest(RemoteTest):
    def test_server_that_is_gone(self) -> None:
        self.token.close()
        run = self.issue("--user-name", "alice", expect=None)
        self.assertNotEqual(run.code, 0)
        self.assertIn("No token matches", run.sentence)
        self.assertEqual(self.iam.requests(), [])


class ProvisionTest(RemoteTest):
    provisioned = False
    with_root = False

    def test_is_done_on_the_tokens_own_host(self) -> None:
        run = self.hsmiam("provision-token", "--token", self.token.uri(), expect=GENERAL)
        self.assertIn("C_GenerateKeyPair failed", run.sentence)
        self.assertIn("run provision-token on the token's own host", run.sentence)
        self.assertEqual(self.token.objects(), [])
        self.token.provision(HSMIAM)
        pairs = self.hsmiam("provision-token", "--token", self.token.uri()).json["KeyPairs"]
        self.assertEqual({pair["State"] for pair in pairs}, {"Exists"})


if __name__ == "__main__":
    unittest.main()
