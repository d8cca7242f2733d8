"""What the tests share: endpoints that end with the test, and a client that signs."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

import sigv4
from clock import basic
from endpoint import Endpoint, Options

VERSIONS = {"GetCallerIdentity": "2011-06-15"}
FORM = "application/x-www-form-urlencoded; charset=utf-8"


def sign(
    access_key_id: str,
    secret: str,
    method: str,
    target: str,
    headers: list[tuple[str, str]],
    body: bytes = b"",
    service: str = "iam",
    region: str = "us-east-1",
    amz_date: str | None = None,
) -> str:
    """The Authorization header of a request all of whose headers are signed."""
    amz_date = amz_date or next(v for k, v in headers if k.lower() == "x-amz-date")
    path, _, query = target.partition("?")
    names = sorted(name.lower() for name, _ in headers)
    canonical = sigv4.canonical_request(
        method,
        sigv4.canonical_path(path, service),
        sigv4.canonical_query(query),
        sigv4.canonical_headers(headers, names),
        names,
        sigv4.sha256_hex(body),
    )
    scope = sigv4.credential_scope(amz_date[:8], region, service)
    key = sigv4.signing_key(secret, amz_date[:8], region, service)
    signature = sigv4.signature(key, sigv4.string_to_sign(amz_date, scope, canonical))
    return (
        f"{sigv4.ALGORITHM} Credential={access_key_id}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )


@dataclass
class Answer:
    """A reply as a client sees it."""

    status: int
    headers: dict[str, str]
    body: bytes

    def text(self, tag: str) -> str | None:
        """The text of the first element of that name, in whatever namespace."""
        return next(iter(self.texts(tag)), None)

    def texts(self, tag: str) -> list[str]:
        root = ElementTree.fromstring(self.body)
        return [item.text or "" for item in root.iter() if item.tag.rpartition("}")[2] == tag]


class Client:
    """Signs and sends Query API calls; keeps its connection as long as the server does."""

    def __init__(self, endpoint: Endpoint, key: tuple[str, str] | None = None) -> None:
        self.endpoint = endpoint
        credential = endpoint.credential
        self.access_key_id, self.secret = key or (credential.access_key_id, credential.secret)
        parts = urlsplit(endpoint.url)
        self.host = parts.netloc
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=str(endpoint.options.state_dir / "ca.pem"))
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            self.connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                parts.netloc, context=context, timeout=5
            )
        else:
            self.connection = http.client.HTTPConnection(parts.netloc, timeout=5)

    def close(self) -> None:
        self.connection.close()

    def headers(
        self, action: str, body: bytes, skew: float = 0, **scope: str
    ) -> list[tuple[str, str]]:
        moment = datetime.now(UTC) + timedelta(seconds=skew)
        headers = [
            ("Host", self.host),
            ("Content-Type", FORM),
            ("X-Amz-Date", basic(moment)),
        ]
        scope.setdefault("service", "sts" if action == "GetCallerIdentity" else "iam")
        authorization = sign(self.access_key_id, self.secret, "POST", "/", headers, body, **scope)
        return [*headers, ("Authorization", authorization), ("Content-Length", str(len(body)))]

    @staticmethod
    def form(action: str, parameters: dict[str, str]) -> bytes:
        version = VERSIONS.get(action, "2010-05-08")
        return urlencode({"Action": action, "Version": version, **parameters}).encode()

    def call(self, action: str, scope: dict[str, Any] | None = None, **parameters: str) -> Answer:
        body = self.form(action, parameters)
        return self.send(self.headers(action, body, **(scope or {})), body)

    def send(
        self,
        headers: list[tuple[str, str]],
        body: bytes,
        method: str = "POST",
        target: str = "/",
    ) -> Answer:
        self.connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            self.connection.putheader(name, value)
        self.connection.endheaders(body)
        response = self.connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())

    def raw_request(self, action: str, **parameters: str) -> bytes:
        """The bytes of a signed call."""
        body = self.form(action, parameters)
        lines = [f"{name}: {value}" for name, value in self.headers(action, body)]
        return "\r\n".join(["POST / HTTP/1.1", *lines, "", ""]).encode() + body

    def raw_call(self, action: str, seconds: float = 0.3, **parameters: str) -> bytes:
        """All bytes a plain connection yields until it closes, or is silent for `seconds`."""
        with socket.create_connection((self.endpoint.options.host, self.endpoint.server.port)) as s:
            s.settimeout(seconds)
            s.sendall(self.raw_request(action, **parameters))
            return drain(s)


def drain(sock: socket.socket) -> bytes:
    """Read until the end or a time-out; a reset counts as an end."""
    data = b""
    try:
        while piece := sock.recv(1 << 16):
            data += piece
    except (TimeoutError, ConnectionResetError):
        pass
    return data


class EndpointTest(unittest.TestCase):
    """A test case with an endpoint of its own and its control port."""

    options: ClassVar[dict[str, Any]] = {"plain": True, "users": ["Bob", "Alice"]}
    endpoint: Endpoint

    @classmethod
    def setUpClass(cls) -> None:
        cls.endpoint = cls.start(cls.addClassCleanup, **cls.options)

    @staticmethod
    def start(cleanup: Any, **options: Any) -> Endpoint:
        directory = tempfile.TemporaryDirectory(prefix="endpoint-test-")
        cleanup(directory.cleanup)
        options.setdefault("state_dir", Path(directory.name))
        endpoint = Endpoint(Options(**options))
        cleanup(endpoint.stop)
        return endpoint

    def setUp(self) -> None:
        self.endpoint.reset()
        self.client = self.new_client()

    def new_client(self, key: tuple[str, str] | None = None) -> Client:
        client = Client(self.endpoint, key)
        self.addCleanup(client.close)
        return client

    def order(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """Give an order to, or read from, the control port."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.endpoint.control.url + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return {"refused": error.code, **json.load(error)}

    def misbehave(self, kind: str, **fields: Any) -> None:
        answer = self.order("/misbehave", {"kind": kind, **fields})
        self.assertNotIn("refused", answer, answer)

    def keys_of(self, name: str) -> list[dict[str, Any]]:
        state = self.order("/state")
        return [key for key in state["keys"] if key["UserName"] == name]

    def last_entry(self) -> dict[str, Any]:
        """The last request, once it is answered: the log learns of that after the client does."""
        deadline = time.monotonic() + 30
        while True:
            entry: dict[str, Any] = self.order("/log")["requests"][-1]
            if entry["answered"] is not None or time.monotonic() > deadline:
                return entry
            time.sleep(0.01)

    def assert_error(self, answer: Answer, status: int, code: str, words: str = "") -> None:
        self.assertEqual((answer.status, answer.text("Code")), (status, code), answer.body)
        self.assertIn(words, answer.text("Message") or "")
