"""The verifier against vectors that AWS published: its signing test suite and its guides."""

from __future__ import annotations

import unittest
from datetime import UTC, datetime

import sigv4
from authenticate import Expectation, authenticate
from httpmsg import Request, parse_head

SUITE_SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SUITE_TIME = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
S3_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
S3_TIME = datetime(2013, 5, 24, tzinfo=UTC)
EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
UNRESERVED = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

# Name, request target, extra headers in order, their signed names, signature.
SUITE = [
    (
        "get-vanilla",
        "/",
        [],
        "",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    (
        "get-vanilla-query-unreserved",
        f"/?{UNRESERVED}={UNRESERVED}",
        [],
        "",
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
    ),
    (
        "get-vanilla-query-order-encoded",
        "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
        [],
        "",
        "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
    ),
    (
        "get-vanilla-utf8-query",
        "/?\u1234=bar",
        [],
        "",
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
    ),
    (
        "get-utf8",
        "/\u1234",
        [],
        "",
        "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
    ),
    (
        "get-space-normalized",
        "/example space/",
        [],
        "",
        "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
    ),
    (
        "get-slashes-normalized",
        "//example//",
        [],
        "",
        "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
    ),
    (
        "get-relative-relative-normalized",
        "/example1/example2/../..",
        [],
        "",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    (
        "get-header-value-trim",
        "/",
        ["My-Header1: value1", 'My-Header2: "a   b   c"'],
        "my-header1;my-header2;",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    (
        "get-header-key-duplicate",
        "/",
        ["My-Header1:value2", "My-Header1:value2", "My-Header1:value1"],
        "my-header1;",
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    ),
]


def request(*lines: str, body: bytes = b"") -> Request:
    return parse_head("\r\n".join(lines).encode()).with_body(body)


def verify(subject: Request, secret: str = SUITE_SECRET, now: datetime = SUITE_TIME) -> str | None:
    """None if the signature holds, else what is wrong."""
    verdict = authenticate(subject, now, lambda _: secret, lambda _: Expectation(None, None))
    return verdict.error.message if verdict.error else None


class SigningSuite(unittest.TestCase):
    def authorization(self, names: str, signature: str, service: str = "service") -> str:
        return (
            f"Authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/{service}/"
            f"aws4_request, SignedHeaders={names}, Signature={signature}"
        )

    def test_header_vectors(self) -> None:
        for name, target, extra, names, signature in SUITE:
            with self.subTest(name):
                subject = request(
                    f"GET {target} HTTP/1.1",
                    "Host:example.amazonaws.com",
                    *extra,
                    self.authorization(f"host;{names}x-amz-date", signature),
                    "X-Amz-Date:20150830T123600Z",
                )
                self.assertIsNone(verify(subject))

    def test_unnormalized_paths(self) -> None:
        """The suite signs these with a service that, like S3, leaves paths as they are."""
        headers = [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")]
        names = ["host", "x-amz-date"]
        scope = sigv4.credential_scope("20150830", "us-east-1", "service")
        key = sigv4.signing_key(SUITE_SECRET, "20150830", "us-east-1", "service")
        for path, signature in (
            ("//example//", "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5"),
            (
                "/example1/example2/../..",
                "dc33e0856fd4baca4d7aa2146c38958283844764f38c74252a333df5e613003b",
            ),
        ):
            canonical = sigv4.canonical_request(
                "GET",
                sigv4.canonical_path(path, "s3"),
                "",
                sigv4.canonical_headers(headers, names),
                names,
                EMPTY_HASH,
            )
            to_sign = sigv4.string_to_sign("20150830T123600Z", scope, canonical)
            self.assertEqual(sigv4.signature(key, to_sign), signature)

    def test_form_body(self) -> None:
        names = "content-length;content-type;host;x-amz-content-sha256;x-amz-date"
        signature = "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"
        lines = (
            "POST / HTTP/1.1",
            "Content-Type:application/x-www-form-urlencoded",
            "Host:example.amazonaws.com",
            "Content-Length:13",
            "x-amz-content-sha256:9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
            self.authorization(names, signature),
            "X-Amz-Date:20150830T123600Z",
        )
        self.assertIsNone(verify(request(*lines, body=b"Param1=value1")))
        self.assertIn("does not match", verify(request(*lines, body=b"Param1=value2")) or "")

    def test_query_vector(self) -> None:
        """Its redundant X-Amz-Date header is left out: unsigned X-Amz-* headers are refused."""
        lines = [
            "GET /?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2F"
            "us-east-1%2Fservice%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders="
            "host&X-Amz-Expires=3600&X-Amz-Signature="
            "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d HTTP/1.1",
            "Host:example.amazonaws.com",
        ]
        self.assertIsNone(verify(request(*lines)))
        refusal = verify(request(*lines, "X-Amz-Date:20150830T123600Z"))
        self.assertIn("x-amz-date", refusal or "")

    def test_iam_example(self) -> None:
        """ListUsers, as the IAM User Guide signs it."""
        key = sigv4.signing_key(SUITE_SECRET, "20150830", "us-east-1", "iam")
        self.assertEqual(
            key.hex(), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
        )
        subject = request(
            "GET /?Action=ListUsers&Version=2010-05-08 HTTP/1.1",
            "Host: iam.amazonaws.com",
            "Content-Type: application/x-www-form-urlencoded; charset=utf-8",
            "X-Amz-Date: 20150830T123600Z",
            self.authorization(
                "content-type;host;x-amz-date",
                "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
                "iam",
            ),
        )
        self.assertIsNone(verify(subject))


class S3Examples(unittest.TestCase):
    """The examples of the S3 API reference: GetObject by header, and presigned."""

    scope = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"

    def test_get_object(self) -> None:
        lines = [
            "GET /test.txt HTTP/1.1",
            "Host: examplebucket.s3.amazonaws.com",
            f"Authorization: AWS4-HMAC-SHA256 Credential={self.scope},"
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature="
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            "Range: bytes=0-9",
            "x-amz-date: 20130524T000000Z",
        ]
        declared = f"x-amz-content-sha256: {EMPTY_HASH}"
        self.assertIsNone(verify(request(*lines, declared), S3_SECRET, S3_TIME))
        wrong = request(*lines, declared, body=b"other")
        self.assertIn("x-amz-content-sha256", verify(wrong, S3_SECRET, S3_TIME) or "")

    def test_presigned(self) -> None:
        subject = request(
            "GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
            f"{self.scope.replace('/', '%2F')}&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
            "&X-Amz-SignedHeaders=host&X-Amz-Signature="
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1",
            "Host: examplebucket.s3.amazonaws.com",
        )
        self.assertIsNone(verify(subject, S3_SECRET, S3_TIME))
        next_day = datetime(2013, 5, 25, 0, 0, 1, tzinfo=UTC)
        self.assertEqual(verify(subject, S3_SECRET, next_day), "Request has expired.")


class Canonicalisation(unittest.TestCase):
    def test_paths(self) -> None:
        for path, normal, kept in (
            ("", "/", "/"),
            ("/a%20b", "/a%2520b", "/a%20b"),
            ("/./a/../b/", "/b/", "/./a/../b/"),
            ("/a+b", "/a%2Bb", "/a%2Bb"),
            ("/%c3%a9", "/%25c3%25a9", "/%C3%A9"),
            ("/../..", "/", "/../.."),
        ):
            with self.subTest(path):
                self.assertEqual(sigv4.canonical_path(path, "iam"), normal)
                self.assertEqual(sigv4.canonical_path(path, "s3"), kept)

    def test_queries(self) -> None:
        for query, canonical in (
            ("b=2&a=1&A=0", "A=0&a=1&b=2"),
            ("a&b=", "a=&b="),
            ("a=x+y&c=%7e%2f", "a=x%2By&c=~%2F"),
            ("a=b=c", "a=b%3Dc"),
            ("a=2&a=10", "a=10&a=2"),
        ):
            self.assertEqual(sigv4.canonical_query(query), canonical)


if __name__ == "__main__":
    unittest.main()
