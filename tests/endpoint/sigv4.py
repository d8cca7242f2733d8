"""AWS Signature Version 4, from the specification: pure functions, one a stage.

Written for verification and independently of the project's own signer: a mistake would have to
be made twice to go unseen. Text is Latin-1 `str` (one character a wire byte).

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from urllib.parse import quote, unquote_to_bytes

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

Headers = Iterable[tuple[str, str]]


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def uri_encode(data: bytes, keep_slash: bool = False) -> str:
    """RFC 3986 encoding: everything but unreserved characters, in upper-case hexadecimal."""
    return quote(data, safe="/" if keep_slash else "")


def normalize_path(path: str) -> str:
    """Resolve `.` and `..`, drop empty segments, keep a trailing slash."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment not in ("", "."):
            kept.append(segment)
    trailing = "/" if path.endswith("/") and kept else ""
    return "/" + "/".join(kept) + trailing


def canonical_path(path: str, service: str) -> str:
    """The canonical URI of a path as sent.

    S3 keeps the path as it is and encodes each name once; every other service normalizes it and
    encodes what was sent, which the client already encoded, once more.
    """
    if service == "s3":
        return uri_encode(unquote_to_bytes(path.encode("latin-1")), keep_slash=True) or "/"
    return uri_encode(normalize_path(path).encode("latin-1"), keep_slash=True)


def canonical_query(query: str, without: str | None = None) -> str:
    """The canonical query string: names and values encoded anew, sorted after encoding.

    `without` names a parameter to leave out (X-Amz-Signature, when it travels in the query).
    A plus sign is a plus sign.
    """
    pairs = []
    for item in filter(None, query.split("&")):
        name, _, value = item.partition("=")
        encoded = tuple(
            uri_encode(unquote_to_bytes(part.encode("latin-1"))) for part in (name, value)
        )
        if encoded[0] != without:
            pairs.append(encoded)
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def canonical_headers(headers: Headers, signed: Iterable[str]) -> str:
    """The canonical headers: sorted, values trimmed, inner blanks folded, repeats joined."""
    lines = []
    for name in sorted(signed):
        values = [
            re.sub(" +", " ", value.strip(" \t")) for key, value in headers if key.lower() == name
        ]
        lines.append(f"{name}:{','.join(values)}\n")
    return "".join(lines)


def canonical_request(
    method: str, path: str, query: str, headers: str, signed: Iterable[str], payload_hash: str
) -> str:
    """Join the canonical parts; each must already be canonical."""
    names = ";".join(sorted(signed))
    return "\n".join((method, path, query, headers, names, payload_hash))


def credential_scope(date: str, region: str, service: str) -> str:
    return f"{date}/{region}/{service}/{TERMINATOR}"


def string_to_sign(amz_date: str, scope: str, canonical: str) -> str:
    return "\n".join((ALGORITHM, amz_date, scope, sha256_hex(canonical.encode("latin-1"))))


def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The four chained HMACs that bind a secret to a day, a region and a service."""
    key = b"AWS4" + secret.encode()
    for part in (date, region, service, TERMINATOR):
        key = hmac.digest(key, part.encode("latin-1"), "sha256")
    return key


def signature(key: bytes, to_sign: str) -> str:
    return hmac.digest(key, to_sign.encode("latin-1"), "sha256").hex()
