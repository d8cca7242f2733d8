"""Random requests of every sort that there is, signed by botocore, the signer of the AWS CLI."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from unittest import mock
from urllib.parse import quote

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

S3 = ("s3", "s3-outposts", "s3-object-lambda")
SERVICES = ("iam", "sts", "ec2", "dynamodb", "execute-api", "lambda", "es", "a-b.c_d9")
REGIONS = ("us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1", "local")
METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "M-SEARCH")
HOSTS = ("iam.amazonaws.com", "B.s3.eu-west-3.AMAZONAWS.com", "127.0.0.1", "[::1]", "h_1")
PORTS = ("", "", ":443", ":80", ":8443", ":1")

UNRESERVED = "AZaz09-._~"
# What a path may hold as it is beside them (RFC 3986, 3.3).
RESERVED = "!$&'()*+,;=:@"
LETTERS = [*UNRESERVED, *" !\"#$%&'()*+,/:;<=>?@[\\]^`{|}", "\t", "\n", "\x7f", "é", "漢", "😀"]
WORDS = ["", ".", "..", "...", "%2e", "%2E%2e", "%2f", "%25", "%00", "%c3%a9", "~", "a", "b"]
HEADERS = [
    "Content-Type", "content-length", "X-Amz-Target", "x-amz-meta-a", "X-AMZ-META-A", "X-a-B",
    "Range", "if-match", "x-", "x.y", "!#$%&'*+-.^_`|~", "Cookie", "Accept", "X-Amz-Acl",
    # Those are left unsigned.
    "Connection", "Expect", "User-Agent", "TE", "X-Amzn-Trace-Id", "transfer-encoding",
]  # fmt: skip
BLANKS = [" ", "  ", "\t", " \t ", "     "]
PARTS = ["a", "B", "1,2", "=", '"quoted  text"', ";", "é", "a:b", "%20", "漢"]


@dataclass
class Request:
    service: str
    region: str
    method: str
    url: str  # as the library is given it
    plain_url: str  # as botocore is, with the parameters beside it
    parameters: list[tuple[str, str]]
    when: int
    expires: int  # 0: not presigned
    body: bytes
    headers: list[tuple[str, str]] = field(default_factory=list)

    def line(self) -> str:
        """For the program."""
        fields = [self.method, self.url, self.service, self.region, str(self.when)]
        words = [word.encode() for word in (*fields, str(self.expires))] + [self.body]
        words += [f"{name}:{value}".encode() for name, value in self.headers]
        return "\t".join(word.hex() for word in words)


class Maker:
    """Makes requests of every sort that there is."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def some(self, things: list[str] | str, most: int) -> list[str]:
        return self.random.choices(things, k=self.random.randint(0, most))

    def text(self, most: int) -> str:
        return "".join(self.some(LETTERS, most))

    def loosely_encoded(self, text: str) -> str:
        """In one of the many encodings that a query may have: also of what needs none, and in
        lower case."""
        parts = []
        for byte in text.encode():
            encoded = f"%{byte:02{self.random.choice('xX')}}"
            plain = chr(byte) if chr(byte) in UNRESERVED + "!$'()*,;:@/?+" else encoded
            parts.append(self.random.choice((plain, encoded)))
        return "".join(parts)

    def path(self, service: str) -> str:
        if service in S3:
            words = [quote(self.text(6), safe="~") for _ in range(self.random.randint(0, 5))]
            words += self.some(["", ".", ".."], 3)
        else:
            words = self.some(WORDS, 6) + [
                "".join(self.some([*UNRESERVED, *RESERVED, "%C3", "%a9", "%20"], 6))
                for _ in range(self.random.randint(0, 3))
            ]
        self.random.shuffle(words)
        if words or service in S3:
            return "/" + "/".join(words) + self.random.choice(("", "/"))
        return ""

    def parameters(self) -> list[tuple[str, str]]:
        """Some of them twice, with another value or the same; some empty, as names are too."""
        names = [self.text(4), "a", "A", "", "X-Amz-Meta", self.text(1)]
        values = ["", self.text(12), "1", "10"]
        count = self.random.choice((0, 0, 1, 3, 9))
        return [(self.random.choice(names), self.random.choice(values)) for _ in range(count)]

    def query(self, parameters: list[tuple[str, str]]) -> str:
        return "&".join(
            self.loosely_encoded(name)
            + ("=" if value or not name else self.random.choice(("", "=")))
            + self.loosely_encoded(value)
            for name, value in parameters
        )  # fmt: skip

    def header_value(self) -> str:
        words = self.some(PARTS, 4)
        blank = self.random.choice(["", *BLANKS])
        return blank + self.random.choice(BLANKS).join(words) + blank

    def headers(self, service: str) -> list[tuple[str, str]]:
        made = [(name, self.header_value()) for name in self.some(HEADERS, 8)]
        if self.random.random() < 0.1:
            made.append(("host", self.random.choice(("other.example", "Other.Example:8443"))))
        if service not in S3 and self.random.random() < 0.1:
            made.append(("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD"))
        return made

    def body(self) -> bytes:
        return self.random.randbytes(self.random.choice((0, 0, 1, 55, 64, 1000)))

    def request(self) -> Request:
        service = self.random.choice(SERVICES + S3)
        host = self.random.choice(HOSTS) + self.random.choice(PORTS)
        plain = self.random.choice(("https://", "http://")) + host + self.path(service)
        parameters = self.parameters()
        expires = self.random.choice((0, 0, 0, self.random.randint(1, 604800)))
        if expires:
            parameters = list(dict(parameters).items())
        url = plain + (f"?{self.query(parameters)}" if parameters else "")
        if parameters and (expires or self.random.random() < 0.5):
            # As the AWS CLI does it: in the URL, well encoded.
            plain += "?" + "&".join(
                f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in parameters
            )
            url, parameters = plain, []
        return Request(
            service, self.random.choice(REGIONS), self.random.choice(METHODS), url, plain,
            parameters, self.random.randrange(253402300800), expires,
            b"" if expires else self.body(), self.headers(service),
        )  # fmt: skip


def sign_by_botocore(request: Request, credentials: Credentials) -> tuple[str, str]:
    """The Authorization header, or the signature of the presigned URL; the canonical request."""
    given = AWSRequest(
        request.method, request.plain_url, data=request.body, params=request.parameters
    )
    for name, value in request.headers:
        given.headers[name] = value
    words = (credentials, request.service, request.region)
    if request.expires:
        presigns = (botocore.auth.SigV4QueryAuth, botocore.auth.S3SigV4QueryAuth)
        signer = presigns[request.service in S3](*words, expires=request.expires)
    else:
        signs = (botocore.auth.SigV4Auth, botocore.auth.S3SigV4Auth)
        signer = signs[request.service in S3](*words)
    now = datetime.fromtimestamp(request.when, UTC).replace(tzinfo=None)
    with mock.patch("botocore.auth.get_current_datetime", lambda: now):
        signer.add_auth(given)
    if request.expires:
        presigned, _, signature = given.url.rpartition("&X-Amz-Signature=")
        given.url = presigned
        return signature, signer.canonical_request(given)
    header = given.headers["Authorization"]
    del given.headers["Authorization"]
    return header, signer.canonical_request(given)
