"""Keys issued at moto, and requests to it signed, by programs over our PKCS#11 module."""

from __future__ import annotations

import hmac
import logging
import secrets
import unittest

from moto_iam import MotoIamTest  # before what imports moto

import boto3
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from module_user import CKR_ACTION_PROHIBITED, CKR_MECHANISM_PARAM_INVALID, ModuleTest

SECONDS = 30


class ModuleSigV4Auth(SigV4Auth):
    """botocore's signer, but that a PyKCS11 program computes the signature."""

    def __init__(self, test: ModuleMotoTest, access_key_id: str) -> None:
        super().__init__(Credentials(access_key_id, "unknown"), "iam", "us-east-1")
        self.test = test

    def signature(self, string_to_sign: str, request: AWSRequest) -> str:
        scope = self.credential_scope(request)
        key = self.credentials.access_key
        by_scope, by_text = self.test.pykcs11(
            ["sign", key, scope, string_to_sign], ["sign", key, None, string_to_sign]
        )
        self.test.assertEqual(by_scope, by_text)
        self.test.texts.append((string_to_sign, by_scope))
        return str(by_scope)


class ModuleMotoTest(ModuleTest, MotoIamTest):
    def setUp(self) -> None:
        super().setUp()
        self.texts: list[tuple[str, str]] = []

    def module_environment(self, **more: str) -> dict[str, str]:
        credential = self.token.key_uri(self.key_id)
        values = {"HSMIAM_CREDENTIAL": credential, "AWS_ENDPOINT_URL": self.url, "AWS_CA_BUNDLE": ""}
        return super().module_environment(**(values | more))

    def assert_issued(self, access_key_id: str) -> None:
        """The token holds what moto made."""
        data = secrets.token_bytes(100)
        known = b"AWS4" + self.known_secrets()[access_key_id].encode()
        self.assertEqual(
            self.token.hmac(access_key_id, data), hmac.digest(known, data, "sha256")
        )

    def send(self, access_key_id: str, action: str) -> requests.Response:
        """A request of the key's own user, whose signature the module computes."""
        form = f"Action={action}&Version=2010-05-08"
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        request = AWSRequest("POST", f"{self.url}/", headers=kind, data=form)
        ModuleSigV4Auth(self, access_key_id).add_auth(request)
        return requests.post(
            f"{self.url}/", headers=dict(request.headers), data=form, timeout=SECONDS
        )

    def test_issue_and_sign(self) -> None:
        run = self.keygen("--label", "carol")
        self.assertEqual(run.code, 0, run)
        (first,) = self.backend.users["carol"].access_keys
        self.assertIn(first.access_key_id.encode().hex(), run.out)
        self.assert_issued(first.access_key_id)
        (second, _), unknown = self.pykcs11(["issue", "carol", {}], ["issue", "nobody", {}])
        self.assertEqual(unknown, CKR_MECHANISM_PARAM_INVALID)
        self.assert_issued(second)

        answer = self.send(self.key_id, "ListAccessKeys")
        self.assertEqual(answer.status_code, 200, answer.text)
        self.assertIn(self.key_id, answer.text)
        (text, signature), *_ = self.texts
        theirs = SigV4Auth(Credentials(self.key_id, self.secret), "iam", "us-east-1")
        request = AWSRequest("POST", f"{self.url}/")
        request.context["timestamp"] = text.splitlines()[1]
        self.assertEqual(theirs.signature(text, request), signature)
        # moto knows the new key too, and that its user may do nothing.
        answer = self.send(second, "ListAccessKeys")
        self.assertIn("AccessDenied", answer.text)

        client = boto3.client(
            "iam", endpoint_url=self.url, region_name="us-east-1",
            aws_access_key_id=self.key_id, aws_secret_access_key=self.secret,
        )  # fmt: skip
        listed = client.list_access_keys(UserName="carol")["AccessKeyMetadata"]
        self.assertEqual({key["AccessKeyId"] for key in listed}, {first.access_key_id, second})
        self.backend.delete_user_policy("administrator", "issue-keys")
        self.assertEqual(self.pykcs11(["issue", "carol", {}]), [CKR_ACTION_PROHIBITED])
        self.assert_ledger()


if __name__ == "__main__":
    logging.getLogger("werkzeug").disabled = True
    unittest.main()
