"""Every kind of misbehaviour, seen from a client's side of the wire."""

from __future__ import annotations

import http.client
import re
import socket
import threading
import time
import unittest
from collections.abc import Callable
from typing import Any, ClassVar
from xml.etree import ElementTree

import garble
import kinds
from testbed import EndpointTest, drain

BOB: dict[str, Any] = {"UserName": "Bob"}


def split_reply(data: bytes) -> tuple[bytes, bytes]:
    head, _, body = data.partition(b"\r\n\r\n")
    return head, body


class Rules(EndpointTest):
    def statuses(self, count: int, action: str = "ListUsers") -> list[int]:
        return [self.client.call(action).status for _ in range(count)]

    def test_skip_and_times(self) -> None:
        self.misbehave("error", operation="ListUsers", skip=1, times=2)
        self.assertEqual(self.client.call("GetUser").status, 200)
        self.assertEqual(self.statuses(4), [200, 500, 500, 200])
        self.assertEqual(self.order("/misbehave")["rules"], [])

    def test_order_and_clearing(self) -> None:
        self.order("/misbehave", [{"kind": "error", "status": n} for n in (501, 502, 503)])
        self.assertEqual(self.statuses(2), [501, 502])
        self.order("/misbehave", method="DELETE")
        self.assertEqual(self.statuses(1), [200])

    def test_for_ever_and_for_one_user(self) -> None:
        self.misbehave("error", user="Bob", times=-1)
        self.assertEqual(self.statuses(1), [200])
        for _ in range(3):
            self.assertEqual(self.client.call("ListAccessKeys", **BOB).status, 500)

    def test_combination(self) -> None:
        self.misbehave("skew", date="yesterday")
        self.misbehave("error")
        answer = self.client.call("ListUsers")
        self.assertEqual((answer.status, answer.headers["Date"]), (500, "yesterday"))
        self.assertEqual(self.last_entry()["misbehaviour"], ["skew", "error"])


class Wire(EndpointTest):
    def create(self, **rule: Any) -> bytes:
        self.misbehave(operation="CreateAccessKey", **rule)
        return self.client.raw_call("CreateAccessKey", **BOB)

    def secret(self) -> bytes:
        return str(self.keys_of("Bob")[0]["SecretAccessKey"]).encode()

    def test_cut(self) -> None:
        checks: list[tuple[str, Callable[[bytes, bytes], bool]]] = [
            ("before-headers", lambda data, secret: data == b""),
            ("in-headers", lambda data, secret: b"HTTP" in data and b"\r\n\r\n" not in data),
            ("after-headers", lambda data, secret: data.endswith(b"\r\n\r\n")),
            ("in-secret", lambda data, secret: data.endswith(secret[:20])),
            ("before-end", lambda data, secret: data.endswith(b"</CreateAccessKeyResponse>")),
        ]
        for at, check in checks:
            for how in kinds.CLOSINGS:
                with self.subTest(at=at, how=how):
                    self.endpoint.reset()
                    data = self.create(kind="cut", at=at, how=how)
                    self.assertTrue(check(data, self.secret()), data)
                    self.assertEqual(self.last_entry()["executed"], 1)

    def test_cut_at_byte_without_execution(self) -> None:
        _, body = split_reply(self.create(kind="cut", byte=7, execute=False))
        self.assertEqual(body, b"<Create")
        self.assertEqual(self.keys_of("Bob"), [])

    def test_stall(self) -> None:
        for at, before in (("before-headers", b""), ("in-secret", b"<SecretAccessKey>")):
            with self.subTest(at):
                self.endpoint.reset()
                data = self.create(kind="stall", at=at, seconds=30)
                self.assertEqual(len(self.keys_of("Bob")), 1)
                self.assertIn(before, data)
                self.assertNotIn(b"</CreateAccessKeyResponse>", data)
                self.assertEqual(self.order("/release", {})["released"], 1)

    def test_stall_before_execution(self) -> None:
        self.misbehave("stall", at="before-execute", seconds=30)
        answers: list[int] = []
        caller = threading.Thread(
            target=lambda: answers.append(self.client.call("CreateAccessKey", **BOB).status)
        )
        caller.start()
        self.assertTrue(self.order("/wait?operation=CreateAccessKey")["reached"])
        self.assertEqual(self.keys_of("Bob"), [])
        while not self.order("/release", {})["released"]:
            time.sleep(0.01)
        caller.join()
        self.assertEqual((answers, len(self.keys_of("Bob"))), ([200], 1))

    def test_split(self) -> None:
        _, body = split_reply(self.create(kind="split", headers=True))
        self.assertIn(self.secret(), body)
        self.endpoint.reset()
        head, body = split_reply(self.create(kind="split", chunk=16, size=0))
        self.assertIn(b"Transfer-Encoding: chunked", head)
        self.assertNotIn(self.secret(), body)
        self.endpoint.reset()
        self.misbehave("split", chunk=7)
        answer = self.client.call("CreateAccessKey", **BOB)
        self.assertEqual(answer.text("SecretAccessKey"), self.secret().decode())

    def test_answer_twice(self) -> None:
        data = self.create(kind="answer-twice")
        self.assertEqual(data.count(b"HTTP/1.1 200 OK"), 2)
        self.assertEqual(len(set(re.findall(rb"<SecretAccessKey>(.*?)<", data))), 2)
        self.assertEqual(len(self.keys_of("Bob")), 1)

    def test_huge(self) -> None:
        for framing in ("content-length", "chunked", "close"):
            self.misbehave("huge", bytes=300_000, framing=framing)
            answer = self.new_client().call("ListUsers")
            self.assertEqual(len(answer.body), 300_000, framing)
            self.assertIn("Bob", answer.texts("UserName"))
        self.misbehave("huge", bytes=70_000, where="header")
        with self.assertRaises(http.client.LineTooLong):
            self.client.call("ListUsers")
        self.misbehave("huge", bytes=200_000, where="headers")
        with self.assertRaises(http.client.HTTPException):
            self.new_client().call("ListUsers")

    def test_drop_idle(self) -> None:
        client = self.client
        self.misbehave("drop-idle", when="next-request")
        self.assertEqual(client.call("ListUsers").status, 200)
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionResetError)):
            client.call("CreateAccessKey", **BOB)
        self.assertEqual(self.last_entry()["answered"], "none")
        self.assertEqual(self.keys_of("Bob"), [])
        with socket.create_connection(("127.0.0.1", self.endpoint.server.port)) as sock:
            self.misbehave("drop-idle")
            sock.sendall(client.raw_request("ListUsers"))
            self.assertTrue(drain(sock).endswith(b"</ListUsersResponse>\n"))


class Effects(EndpointTest):
    def test_duplicate(self) -> None:
        self.misbehave("duplicate", answer="last")
        answer = self.client.call("CreateAccessKey", **BOB)
        held = [key["AccessKeyId"] for key in self.keys_of("Bob")]
        self.assertEqual((len(held), held[1]), (2, answer.text("AccessKeyId")))
        self.assertEqual(self.last_entry()["executed"], 2)

    def test_execute_late(self) -> None:
        self.misbehave("execute-late", seconds=240)
        self.assertEqual(self.client.raw_call("CreateAccessKey", **BOB), b"")
        self.assertEqual(self.keys_of("Bob"), [])
        self.order("/clock", {"advance_seconds": 239})
        self.assertEqual(self.keys_of("Bob"), [])
        self.order("/clock", {"advance_seconds": 2})
        self.assertEqual(len(self.keys_of("Bob")), 1)
        self.assertEqual(self.last_entry()["executed"], 1)

    def test_execute_late_by_itself(self) -> None:
        self.misbehave("execute-late", seconds=0.05)
        self.client.raw_call("CreateAccessKey", **BOB)
        self.assertTrue(self.order("/wait?state=executed&timeout=5")["reached"])

    def test_lag(self) -> None:
        self.client.call("CreateAccessKey", **BOB)
        self.misbehave("lag", operation="ListAccessKeys", seconds=60, times=2)
        self.assertEqual(self.client.call("ListAccessKeys", **BOB).texts("member"), [])
        self.order("/clock", {"advance_seconds": 61})
        listed = self.client.call("ListAccessKeys", {"skew": 61}, **BOB)
        self.assertEqual(len(listed.texts("AccessKeyId")), 1)
        self.misbehave("lag", operation="ListAccessKeys", seconds=3600)
        own = self.client.call("ListAccessKeys", {"skew": 61})
        self.assertEqual(len(own.texts("AccessKeyId")), 1)

    def test_errors(self) -> None:
        self.misbehave("throttle", retry_after=3)
        answer = self.client.call("CreateAccessKey", **BOB)
        self.assert_error(answer, 400, "Throttling", "Rate exceeded")
        self.assertEqual(answer.headers["Retry-After"], "3")
        self.misbehave("throttle", status=503)
        answer = self.client.call("CreateAccessKey", **BOB)
        self.assert_error(answer, 503, "ServiceUnavailable")
        self.assertEqual(self.keys_of("Bob"), [])
        self.misbehave("error", status=409, code="EntityTemporarilyUnmodifiable", execute=True)
        answer = self.client.call("CreateAccessKey", **BOB)
        self.assert_error(answer, 409, "EntityTemporarilyUnmodifiable")
        self.assertEqual((answer.text("Type"), len(self.keys_of("Bob"))), ("Sender", 1))
        self.misbehave("error", status=502, body="<html/>", content_type="text/html")
        self.assertEqual(self.client.call("GetUser").body, b"<html/>")

    def test_secret_in_error(self) -> None:
        self.misbehave("secret-in-error")
        answer = self.client.call("CreateAccessKey", **BOB)
        self.assert_error(answer, 500, "ServiceFailure", self.keys_of("Bob")[0]["SecretAccessKey"])

    def test_redirect(self) -> None:
        self.misbehave("redirect", status=307)
        answer = self.client.call("CreateAccessKey", **BOB)
        self.assertEqual(answer.status, 307)
        self.assertTrue(answer.headers["Location"].startswith(self.endpoint.control.url))
        self.assertEqual((self.order("/hits")["hits"], self.keys_of("Bob")), ({}, []))
        self.order(answer.headers["Location"].removeprefix(self.endpoint.control.url))
        self.assertEqual(self.order("/hits")["hits"], {"redirect": 1})

    def test_skew(self) -> None:
        self.misbehave("skew", seconds=3600)
        self.misbehave("skew", seconds=0, date="", skip=1)
        moved = self.client.call("ListUsers").headers["Date"]
        self.assertNotIn("Date", self.client.call("ListUsers").headers)
        true = self.client.call("ListUsers").headers["Date"]
        self.assertNotEqual(moved[17:22], true[17:22])


class Garbled(EndpointTest):
    WELL_FORMED: ClassVar[set[str]] = {
        "wrong-root", "duplicate-element", "missing-element", "empty-element", "replace-element",
        "doctype", "utf-16", "wrong-namespace", "no-namespace", "nested-secret", "cdata-secret",
        "comment-secret", "reference-secret", "long-secret", "deep", "html",
    }  # fmt: skip

    def garbled(self, how: str, **fields: Any) -> bytes:
        self.endpoint.reset()
        self.misbehave("garble", how=how, **fields)
        data = self.client.raw_call("CreateAccessKey", 0.05, **BOB)
        self.assertTrue(data.startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertEqual(len(self.keys_of("Bob")), 1)
        return split_reply(data)[1]

    def test_each(self) -> None:
        """Each is as broken as it says: XML that stays well-formed parses, the rest does not."""
        for how in kinds.GARBLINGS:
            if how in ("external-entity", "entity-bomb", "content-length-short",
                       "content-length-long"):  # fmt: skip
                continue
            with self.subTest(how):
                body = self.garbled(how)
                if how in self.WELL_FORMED:
                    ElementTree.fromstring(body)
                else:
                    self.assertRaises(ElementTree.ParseError, ElementTree.fromstring, body)

    def test_misframed(self) -> None:
        """The secret is in each, and no client that keeps to its head finds a body in most."""
        for how in kinds.MISFRAMINGS:
            with self.subTest(how):
                self.endpoint.reset()
                self.misbehave("misframe", how=how)
                data = self.client.raw_call("CreateAccessKey", 0.05, **BOB)
                secret = self.keys_of("Bob")[0]["SecretAccessKey"].encode()
                copies = 2 if how.startswith("secret-in-") else 1
                self.assertEqual(data.count(secret), copies)

    def test_same_secret_otherwise_written(self) -> None:
        for how in ("cdata-secret", "comment-secret", "reference-secret"):
            root = ElementTree.fromstring(self.garbled(how))
            text = next(item.text for item in root.iter() if item.tag.endswith("SecretAccessKey"))
            self.assertEqual(text, self.keys_of("Bob")[0]["SecretAccessKey"])

    def test_entities(self) -> None:
        body = self.garbled("external-entity")
        self.assertIn(f'SYSTEM "{self.endpoint.control.url}/hit/external-entity"'.encode(), body)
        body = self.garbled("external-entity", system="file:///etc/hostname")
        self.assertIn(b'SYSTEM "file:///etc/hostname"', body)
        body = self.garbled("entity-bomb")
        self.assertEqual(body.count(b"<!ENTITY"), garble.BOMB_DEPTH)

    def test_fields(self) -> None:
        body = self.garbled("replace-element", element="UserName", text="Mallory")
        self.assertIn(b"<UserName>Mallory</UserName>", body)
        self.assertRegex(
            self.garbled("long-secret", length=5000), rb"<SecretAccessKey>[^<]{5000}</"
        )
        self.assertEqual(self.garbled("duplicate-element").count(b"<SecretAccessKey>"), 2)

    def test_wrong_length(self) -> None:
        for how in ("content-length-short", "content-length-long"):
            self.endpoint.reset()
            self.misbehave("garble", how=how)
            data = self.client.raw_call("CreateAccessKey", **BOB)
            head, body = split_reply(data)
            said = int(re.search(rb"Content-Length: (\d+)", head).group(1))  # type: ignore[union-attr]
            self.assertEqual(said > len(body), how == "content-length-long")


class OverTls(EndpointTest):
    options: ClassVar[dict[str, Any]] = {"users": ["Bob"]}

    def test_cut_and_split(self) -> None:
        self.misbehave("split", headers=True)
        answer = self.client.call("CreateAccessKey", **BOB)
        self.assertIsNotNone(answer.text("SecretAccessKey"))
        for how in kinds.CLOSINGS:
            self.misbehave("cut", at="in-secret", how=how)
            with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
                self.new_client().call("ListAccessKeys", **BOB)

    def test_stalled_door(self) -> None:
        self.order("/door", {"mode": "stall", "times": 1})
        with socket.create_connection(("127.0.0.1", self.endpoint.server.port)) as sock:
            sock.settimeout(0.1)
            with self.assertRaises(TimeoutError):
                sock.recv(1)
        self.assertEqual(self.new_client().call("ListUsers").status, 200)


if __name__ == "__main__":
    unittest.main()
