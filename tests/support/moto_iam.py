"""moto, an IAM that none of us wrote, with authentication enforced, for a test.

moto lets the first actions pass unsigned, in which an administrator is made; from then on it
demands what IAM demands: a valid signature, and a policy that allows the action.
"""

from __future__ import annotations

import json
import os
from typing import Any

# moto reads this when it is imported.
SETUP_ACTIONS = 3
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = str(SETUP_ACTIONS)

import boto3  # noqa: E402
from moto import settings  # noqa: E402
from moto.core.authorization import ActionAuthenticatorMixin  # noqa: E402
from moto.iam.models import iam_backends  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402

from harness import IntegrationTest, Run  # noqa: E402

ACCOUNT = "123456789012"
ADMINISTRATOR = "administrator"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "iam:CreateAccessKey", "iam:ListAccessKeys", "iam:DeleteAccessKey",
                "iam:UpdateAccessKey", "iam:GetAccessKeyLastUsed", "iam:ListUsers",
                "sts:GetCallerIdentity", "sts:AssumeRole", "s3:*",
            ],  # fmt: skip
            "Resource": "*",
        }
    ],
}


class MotoIamTest(IntegrationTest):
    """A test with moto beside the local IAM, and its administrator's key in the token."""

    with_root = False

    def setUp(self) -> None:
        super().setUp()
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        self.addCleanup(self.server.stop)
        host, port = self.server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        self.backend = iam_backends[ACCOUNT]["aws"]
        self.backend.reset()
        self.backend.create_user("us-east-1", "carol")
        self.make_administrator()

    def make_administrator(self) -> None:
        """The actions that pass unsigned, over the wire; the last of them makes the first key."""
        ActionAuthenticatorMixin.request_count = 0
        settings.INITIAL_NO_AUTH_ACTION_COUNT = SETUP_ACTIONS
        client = self.client("nobody", "nothing")
        client.create_user(UserName=ADMINISTRATOR)
        client.put_user_policy(
            UserName=ADMINISTRATOR, PolicyName="issue-keys", PolicyDocument=json.dumps(POLICY)
        )
        key = client.create_access_key(UserName=ADMINISTRATOR)["AccessKey"]
        self.key_id, self.secret = key["AccessKeyId"], key["SecretAccessKey"]
        self.take(self.key_id, self.secret)

    def client(self, access_key_id: str, secret: str) -> Any:
        return boto3.client(
            "iam", endpoint_url=self.url, region_name="us-east-1",
            aws_access_key_id=access_key_id, aws_secret_access_key=secret,
        )  # fmt: skip

    def take(self, access_key_id: str, secret: str) -> None:
        self.hsmiam(
            "import-access-key", "--token", self.token.uri(), "--access-key-id", access_key_id,
            "--user-name", ADMINISTRATOR, stdin=secret,
        )  # fmt: skip

    def known_secrets(self) -> dict[str, str]:
        """The secrets that moto holds, by access key id."""
        return {
            key.access_key_id: key.secret_access_key
            for user in self.backend.users.values()
            for key in user.access_keys
        }

    def assert_secrecy(self, run: Run) -> None:
        for access_key_id, secret in self.known_secrets().items():
            self.searcher.add_access_key(f"moto's secret of {access_key_id}", secret)
        super().assert_secrecy(run)
