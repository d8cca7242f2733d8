"""The endpoint when it behaves: operations, signatures, refusals, control port."""

from __future__ import annotations

import json
import re
import socket
import unittest
from typing import Any, ClassVar

from testbed import Client, EndpointTest

NEVER = "AKIA" + "A" * 16


class Operations(EndpointTest):
    def test_create_access_key(self) -> None:
        answer = self.client.call("CreateAccessKey", UserName="Bob")
        self.assertEqual(answer.status, 200)
        self.assertTrue(
            answer.body.startswith(
                b'<CreateAccessKeyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">\n'
                b"  <CreateAccessKeyResult>\n    <AccessKey>\n      <UserName>Bob</UserName>\n"
            )
        )
        self.assertRegex(answer.text("AccessKeyId") or "", r"\AAKIA[A-Z2-7]{16}\Z")
        self.assertRegex(answer.text("SecretAccessKey") or "", r"\A[A-Za-z0-9+/]{40}\Z")
        self.assertEqual(answer.text("RequestId"), answer.headers["x-amzn-RequestId"])
        self.assertIn("GMT", answer.headers["Date"])
        [held] = self.keys_of("Bob")
        self.assertEqual(held["SecretAccessKey"], answer.text("SecretAccessKey"))

    def test_quota(self) -> None:
        for _ in range(2):
            self.assertEqual(self.client.call("CreateAccessKey", UserName="Bob").status, 200)
        third = self.client.call("CreateAccessKey", UserName="Bob")
        self.assert_error(
            third, 409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2"
        )

    def test_own_keys(self) -> None:
        answer = self.client.call("CreateAccessKey")
        self.assertEqual(answer.text("UserName"), "root-admin")
        listed = self.client.call("ListAccessKeys").texts("AccessKeyId")
        self.assertEqual(
            listed, [self.endpoint.credential.access_key_id, answer.text("AccessKeyId")]
        )

    def test_new_key_signs(self) -> None:
        made = self.client.call("CreateAccessKey", UserName="Bob")
        key = (made.text("AccessKeyId") or "", made.text("SecretAccessKey") or "")
        bob = self.new_client(key)
        used = self.client.call("GetAccessKeyLastUsed", AccessKeyId=key[0])
        self.assertEqual((used.texts("LastUsedDate"), used.text("Region")), ([], "N/A"))
        identity = bob.call("GetCallerIdentity")
        self.assertEqual(identity.text("Arn"), "arn:aws:iam::123456789012:user/Bob")
        used = self.client.call("GetAccessKeyLastUsed", AccessKeyId=key[0])
        self.assertEqual((used.text("UserName"), used.text("ServiceName")), ("Bob", "sts"))
        self.client.call("UpdateAccessKey", UserName="Bob", AccessKeyId=key[0], Status="Inactive")
        self.assert_error(bob.call("GetCallerIdentity"), 403, "InvalidClientTokenId")
        self.client.call("UpdateAccessKey", UserName="Bob", AccessKeyId=key[0], Status="Active")
        self.assertEqual(bob.call("GetCallerIdentity").status, 200)
        deleted = self.client.call("DeleteAccessKey", UserName="Bob", AccessKeyId=key[0])
        self.assertEqual((deleted.status, deleted.texts("DeleteAccessKeyResult")), (200, []))
        self.assert_error(bob.call("GetCallerIdentity"), 403, "InvalidClientTokenId")
        self.assertEqual(self.order("/state")["deleted_keys"][0]["SecretAccessKey"], key[1])

    def test_users_and_pages(self) -> None:
        for name in ("Carol", "Dave"):
            self.assertEqual(self.client.call("CreateUser", UserName=name).status, 200)
        seen: list[str] = []
        marker: dict[str, Any] = {}
        while True:
            page = self.client.call("ListUsers", MaxItems="2", **marker)
            seen += page.texts("UserName")
            if page.text("IsTruncated") == "false":
                break
            marker = {"Marker": page.text("Marker") or ""}
        self.assertEqual(seen, ["Alice", "Bob", "Carol", "Dave", "root-admin"])
        made = self.client.call("CreateUser", UserName="Eve", Path="/x/")
        self.assertTrue((made.text("Arn") or "").endswith(":user/x/Eve"))
        self.assertEqual(self.client.call("ListUsers", PathPrefix="/x/").texts("UserName"), ["Eve"])
        self.assertEqual(self.client.call("DeleteUser", UserName="Eve").status, 200)
        self.assert_error(self.client.call("GetUser", UserName="Eve"), 404, "NoSuchEntity")

    def test_refusals(self) -> None:
        call = self.client.call
        call("CreateAccessKey", UserName="Alice")
        cases: list[tuple[str, dict[str, Any], int, str, str]] = [
            ("CreateAccessKey", {"UserName": "Zoe"}, 404, "NoSuchEntity",
             "The user with name Zoe cannot be found."),
            ("CreateAccessKey", {"UserName": "a b"}, 400, "ValidationError", "+=,.@_-"),
            ("CreateAccessKey", {"UserName": "x" * 129}, 400, "ValidationError",
             "less than or equal to 128"),
            ("DeleteAccessKey", {}, 400, "ValidationError", "Value null at 'accessKeyId'"),
            ("DeleteAccessKey", {"UserName": "Bob", "AccessKeyId": NEVER}, 404, "NoSuchEntity",
             NEVER),
            ("UpdateAccessKey", {"AccessKeyId": NEVER, "Status": "Gone"}, 400, "ValidationError",
             "[Active, Inactive]"),
            ("GetAccessKeyLastUsed", {"AccessKeyId": NEVER}, 403, "AccessDenied", NEVER),
            ("ListUsers", {"MaxItems": "0"}, 400, "ValidationError", "maxItems"),
            ("ListUsers", {"Marker": "nonsense"}, 400, "ValidationError", "Marker"),
            ("CreateUser", {"UserName": "BOB"}, 409, "EntityAlreadyExists", "BOB"),
            ("DeleteUser", {"UserName": "Alice"}, 409, "DeleteConflict", "access keys"),
            ("ListRoles", {}, 400, "InvalidAction", "ListRoles for version 2010-05-08"),
        ]  # fmt: skip
        for action, parameters, status, code, words in cases:
            with self.subTest(action=action, parameters=parameters):
                self.assert_error(call(action, **parameters), status, code, words)

    def test_permissions(self) -> None:
        made = self.client.call("CreateAccessKey", UserName="Bob")
        bob = self.new_client((made.text("AccessKeyId") or "", made.text("SecretAccessKey") or ""))
        words = (
            "User: arn:aws:iam::123456789012:user/Bob is not authorized to perform: "
            "iam:CreateAccessKey on resource: user Alice because no identity-based policy"
        )
        self.assert_error(bob.call("CreateAccessKey", UserName="Alice"), 403, "AccessDenied", words)
        self.order("/permissions", {"allow": ["Bob:iam:CreateAccessKey"]})
        self.assertEqual(bob.call("CreateAccessKey", UserName="Alice").status, 200)
        self.order("/permissions", {"deny": ["*:ListAccessKeys"]})
        denied = self.client.call("ListAccessKeys", UserName="Bob")
        self.assert_error(denied, 403, "AccessDenied", "with an explicit deny")
        self.order("/permissions", {"reset": True})
        self.assertEqual(self.client.call("ListAccessKeys", UserName="Bob").status, 200)


class Signatures(EndpointTest):
    def test_wrong_secret_and_unknown_key(self) -> None:
        identifier = self.endpoint.credential.access_key_id
        wrong = self.new_client((identifier, "x" * 40)).call("ListUsers")
        self.assert_error(wrong, 403, "SignatureDoesNotMatch", "Consult the service documentation")
        self.assertFalse(self.last_entry()["signature_valid"])
        unknown = self.new_client((NEVER, "x" * 40)).call("ListUsers")
        self.assert_error(unknown, 403, "InvalidClientTokenId", "is invalid.")

    def test_scope(self) -> None:
        call = self.client.call
        region = call("ListUsers", {"region": "eu-west-1"})
        self.assert_error(region, 403, "SignatureDoesNotMatch", "scoped to a valid region")
        service = call("ListUsers", {"service": "sts"})
        self.assert_error(service, 403, "SignatureDoesNotMatch", "correct service: 'iam'")
        self.assertEqual(call("GetCallerIdentity", {"region": "eu-west-1"}).status, 200)

    def test_clock(self) -> None:
        self.assertEqual(self.client.call("ListUsers", {"skew": -290}).status, 200)
        old = self.client.call("ListUsers", {"skew": -310})
        self.assert_error(old, 403, "SignatureDoesNotMatch", "Signature expired: ")
        self.order("/clock", {"offset_seconds": -310})
        early = self.client.call("ListUsers")
        self.assert_error(early, 403, "SignatureDoesNotMatch", "Signature not yet current: ")
        self.assertEqual(self.client.call("ListUsers", {"skew": -310}).status, 200)

    def test_tampering(self) -> None:
        body = Client.form("CreateAccessKey", {"UserName": "Bob"})
        headers = self.client.headers("CreateAccessKey", body)
        other = body.replace(b"Bob", b"Eve")
        self.assert_error(self.client.send(headers, other), 403, "SignatureDoesNotMatch")
        for target in ("/x", "/?a=b"):
            answer = self.client.send(headers, body, target=target)
            self.assert_error(answer, 403, "SignatureDoesNotMatch")
        extra = [*headers, ("X-Amz-Meta", "1")]
        self.assert_error(self.client.send(extra, body), 403, "SignatureDoesNotMatch", "x-amz-meta")
        self.assertEqual(self.client.send(headers, body).status, 200)

    def test_incomplete(self) -> None:
        body = Client.form("ListUsers", {})
        headers = dict(self.client.headers("ListUsers", body))
        value = headers["Authorization"]
        for authorization, code, words in (
            (None, "MissingAuthenticationToken", "Request is missing Authentication Token"),
            ("Basic eDp5", "MissingAuthenticationToken", ""),
            (re.sub(r", Signature=.*", "", value), "IncompleteSignature", "'Signature'"),
            (value.replace("Signature=", "Signature"), "IncompleteSignature", "key=value"),
            (value.replace("SHA256", "SHA512"), "IncompleteSignature", "Unsupported AWS"),
            (value.replace("/iam/", "/"), "IncompleteSignature", "exactly 5"),
            (value.replace("host;", ""), "SignatureDoesNotMatch", "'Host'"),
            (value.replace("aws4_request", "aws4"), "SignatureDoesNotMatch", "terminator"),
        ):
            with self.subTest(authorization=authorization):
                sent = {**headers, "Authorization": authorization}
                pairs = [(name, text) for name, text in sent.items() if text is not None]
                self.assert_error(self.client.send(pairs, body), 403, code, words)
        del headers["X-Amz-Date"]
        undated = self.client.send(list(headers.items()), body)
        self.assert_error(undated, 403, "IncompleteSignature", "'X-Amz-Date'")

    def test_other_services(self) -> None:
        """Anything else that is signed well is told what was found."""
        headers = self.client.headers("ListUsers", b"", service="dynamodb", region="eu-west-1")
        answer = self.client.send(headers, b"")
        found = json.loads(answer.body)
        self.assertEqual((found["service"], found["region"]), ("dynamodb", "eu-west-1"))


class RootUser(EndpointTest):
    options: ClassVar[dict[str, Any]] = {"plain": True, "account_root": True, "users": ["Bob"]}

    def test_root_has_no_name(self) -> None:
        made = self.client.call("CreateAccessKey")
        self.assertEqual((made.status, made.texts("UserName")), (200, []))
        identity = self.client.call("GetCallerIdentity")
        self.assertEqual(identity.text("Arn"), "arn:aws:iam::123456789012:root")
        self.assertEqual(self.client.call("CreateAccessKey", UserName="Bob").status, 200)
        self.assert_error(self.client.call("CreateAccessKey"), 409, "LimitExceeded")


class ControlPort(EndpointTest):
    def test_log_and_connections(self) -> None:
        self.client.call("ListUsers")
        self.client.call("ListAccessKeys", UserName="Bob")
        self.order("/wait?operation=ListAccessKeys&state=answered")
        first, second = self.order("/log")["requests"]
        self.assertEqual(first["connection"], second["connection"])
        self.assertEqual(second["request_on_connection"], 2)
        self.assertEqual(second["form"]["UserName"], "Bob")
        self.assertTrue(second["signature_valid"])
        self.assertIn("Authorization", second["header_names"])
        self.assertEqual(self.order(f"/log?since={first['number']}")["requests"], [second])
        self.assertEqual(len(self.order("/connections")["connections"]), 1)

    def test_act_and_wait(self) -> None:
        made = self.order(
            "/act", {"operation": "CreateAccessKey", "parameters": {"UserName": "Bob"}}
        )
        self.assertEqual(
            [key["AccessKeyId"] for key in self.keys_of("Bob")], [made["access_key_id"]]
        )
        self.assertFalse(self.order("/wait?operation=ListUsers&timeout=0.05")["reached"])
        self.client.call("ListUsers")
        self.assertTrue(self.order("/wait?operation=ListUsers&state=answered")["reached"])

    def test_reset(self) -> None:
        self.client.call("CreateAccessKey", UserName="Bob")
        self.order("/clock", {"advance_seconds": 1000})
        self.order("/reset", {"only": ["clock"]})
        self.assertEqual(len(self.keys_of("Bob")), 1)
        self.order("/reset", {})
        self.assertEqual((self.keys_of("Bob"), self.order("/log")["requests"]), ([], []))

    def test_door(self) -> None:
        self.order("/door", {"mode": "refuse"})
        with self.assertRaises(ConnectionRefusedError):
            self.new_client().call("ListUsers")
        self.order("/door", {"mode": "close", "times": 1})
        with self.assertRaises(ConnectionError):
            self.new_client().call("ListUsers")
        self.assertEqual(self.new_client().call("ListUsers").status, 200)

    def test_bad_orders(self) -> None:
        for path, body in (
            ("/misbehave", {"kind": "nonsense"}),
            ("/misbehave", {"kind": "cut", "where": "there"}),
            ("/misbehave", {"kind": "cut", "times": "often"}),
            ("/misbehave", {"kind": "lag", "execute": False}),
            ("/clock", {}),
            ("/door", {"mode": "ajar"}),
            ("/permissions", {"deny": ["Bob"]}),
        ):
            with self.subTest(path=path, body=body):
                self.assertEqual(self.order(path, body)["refused"], 400)
        self.assertEqual(self.order("/nowhere")["refused"], 404)

    def test_bad_requests(self) -> None:
        for data in (
            b"nonsense\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/2\r\na: b\r\n\r\n",
        ):
            with socket.create_connection(("127.0.0.1", self.endpoint.server.port)) as sock:
                sock.sendall(data)
                self.assertTrue(sock.recv(1 << 16).startswith(b"HTTP/1.1 400 "))
        connections = self.order("/connections")["connections"]
        self.assertIn("malformed request line", [item["bad_request"] for item in connections])


if __name__ == "__main__":
    unittest.main()
