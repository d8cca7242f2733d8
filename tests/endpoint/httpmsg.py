"""HTTP requests and replies as they are on the wire.

Signatures cover the raw bytes of path, query and headers, and misbehaviour needs the raw bytes
of a reply, so neither goes through a library that tidies them. Text read from the wire is kept
as Latin-1 `str`: one character a byte, nothing lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from http.client import responses

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 1024 * 1024
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class BadRequest(Exception):
    """The bytes received are not a request this server can read; `status` is the answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Request:
    """A request. `target` is raw; header names keep their case, values lose outer blanks."""

    method: str
    target: str
    version: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    @property
    def path(self) -> str:
        return self._origin_form().partition("?")[0]

    @property
    def query(self) -> str:
        return self._origin_form().partition("?")[2]

    def values(self, name: str) -> list[str]:
        """All values of a header, in the order they were sent."""
        return [value for key, value in self.headers if key.lower() == name]

    def value(self, name: str) -> str | None:
        """The first value of a header, or None."""
        found = self.values(name)
        return found[0] if found else None

    def wants_close(self) -> bool:
        tokens = [
            token.strip().lower()
            for value in self.values("connection")
            for token in value.split(",")
        ]
        return "close" in tokens or (self.version == "HTTP/1.0" and "keep-alive" not in tokens)

    def with_body(self, body: bytes) -> Request:
        return replace(self, body=body)

    def _origin_form(self) -> str:
        """The target without the scheme and authority that a proxy request carries."""
        match = re.match(r"[Hh][Tt][Tt][Pp][Ss]?://[^/?]*", self.target)
        return self.target[match.end() :] if match else self.target


def parse_head(data: bytes) -> Request:
    """Read a request line and headers, without the blank line that ends them."""
    lines = data.decode("latin-1").split("\r\n")
    method, _, rest = lines[0].partition(" ")
    target, _, version = rest.rpartition(" ")
    if not _TOKEN.fullmatch(method) or not target or version not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest("malformed request line")
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name):
            raise BadRequest("malformed header line")
        headers.append((name, value.strip(" \t")))
    request = Request(method, target, version, tuple(headers))
    if version == "HTTP/1.1" and len(request.values("host")) != 1:
        raise BadRequest("exactly one Host header is needed")
    return request


def body_length(request: Request) -> int | None:
    """The length of the body that follows, None if it is chunked."""
    encodings, lengths = request.values("transfer-encoding"), request.values("content-length")
    if encodings:
        if lengths or [value.lower() for value in encodings] != ["chunked"]:
            raise BadRequest("unsupported message framing")
        return None
    if not lengths:
        return 0
    if len(set(lengths)) != 1 or not re.fullmatch(r"[0-9]{1,12}", lengths[0]):
        raise BadRequest("malformed Content-Length")
    if int(lengths[0]) > BODY_LIMIT:
        raise BadRequest("body too large", 413)
    return int(lengths[0])


@dataclass
class Reply:
    """A reply before it is framed; `secret` is the secret access key its body carries, if any.

    `executed` counts how often the operation behind it took effect, for the request log.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    secret: str | None = None
    error_code: str | None = None
    executed: int = 0
    extra: list[tuple[str, str]] = field(default_factory=list)

    def set_header(self, name: str, value: str | None) -> None:
        """Replace a header, or remove it when the value is None."""
        self.headers = [(key, old) for key, old in self.headers if key.lower() != name.lower()]
        if value is not None:
            self.headers.append((name, value))

    def head(self, length: int | None = -1) -> bytes:
        """Status line and headers; `length` None leaves Content-Length out, -1 is the true one."""
        lines = [f"HTTP/1.1 {self.status} {responses.get(self.status, 'Unknown')}"]
        headers = list(self.headers)
        if length is not None:
            headers.insert(2, ("Content-Length", str(len(self.body) if length < 0 else length)))
        lines += [f"{name}: {value}" for name, value in headers + self.extra]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def wire(self) -> bytes:
        """The whole reply; header and body leave in one write."""
        return self.head() + self.body

    def secret_span(self) -> tuple[int, int]:
        """Where the secret stands in the body; the longest text if it carries none."""
        if self.secret:
            start = self.body.find(self.secret.encode())
            if start >= 0:
                return start, start + len(self.secret)
        texts = [match.span(1) for match in re.finditer(rb">([^<>]+)</", self.body)]
        middle = len(self.body) // 2
        return max(texts, key=lambda span: span[1] - span[0], default=(middle, middle))


def chunked(data: bytes, size: int) -> bytes:
    """The chunked transfer coding of `data`, in chunks of `size` bytes, with its end."""
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
