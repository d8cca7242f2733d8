"""Replies that are wrong in one way each: what a parser must refuse, and what it must not.

Every garbling starts from a true reply. `cdata-secret`, `reference-secret` and `comment-secret`
are well-formed XML that says the same; the rest are broken, hostile or not what was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from httpmsg import Reply
from misbehave import Rule

BOMB_DEPTH = 12
NESTING = 20_000


@dataclass
class Garbled:
    """A body, and what its headers say of it; `length_off` is added to the true length."""

    body: bytes
    content_type: str = "text/xml"
    length_off: int = 0


def garble(rule: Rule, reply: Reply, external: str) -> Garbled:
    """Spoil a reply as the rule says; `external` is where an external entity points."""
    how = rule["how"]
    body = reply.body
    if how in _WHOLE:
        return _WHOLE[how](body)
    if how in _ELEMENT:
        pattern = re.compile(rb"<%b>.*?</%b>" % ((rule["element"].encode(),) * 2), re.DOTALL)
        return Garbled(pattern.sub(lambda match: _ELEMENT[how](rule, match.group()), body, count=1))
    if how in _SECRET:
        start, end = reply.secret_span()
        return Garbled(body[:start] + _SECRET[how](rule, body[start:end]) + body[end:])
    return Garbled(_doctype(how, rule["system"] or external, reply))


def _doctype(how: str, system: str, reply: Reply) -> bytes:
    """A document type declaration; entities take the place of the secret."""
    root = re.match(rb"<(\w+)", reply.body)
    name = root.group(1).decode() if root else "Response"
    start, end = reply.secret_span()
    if how == "doctype":
        return b"<!DOCTYPE %b>\n" % name.encode() + reply.body
    if how == "external-entity":
        subset = f'<!ENTITY leak SYSTEM "{system}">'
        reference = b"&leak;"
    else:
        subset = '<!ENTITY a0 "aaaaaaaaaa">\n'
        for level in range(1, BOMB_DEPTH):
            subset += f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">\n'
        reference = b"&a%d;" % (BOMB_DEPTH - 1)
    declaration = f'<?xml version="1.0"?>\n<!DOCTYPE {name} [\n{subset}\n]>\n'.encode()
    return declaration + reply.body[:start] + reference + reply.body[end:]


def _html(body: bytes) -> Garbled:
    page = b"<html><head><title>502</title></head><body><h1>Bad Gateway</h1></body></html>\n"
    return Garbled(page, "text/html")


def _deep(body: bytes) -> Garbled:
    opening, _, rest = body.partition(b">")
    inner = b"<x>" * NESTING + b"</x>" * NESTING
    return Garbled(opening + b">" + inner + rest)


def _wrong_root(body: bytes) -> Garbled:
    return Garbled(re.sub(rb"(</?)\w+Response(?=[ />])", rb"\1ListRolesResponse", body))


def _utf16(body: bytes) -> Garbled:
    text = '<?xml version="1.0" encoding="UTF-16"?>\n' + body.decode()
    return Garbled(text.encode("utf-16"), "text/xml; charset=utf-16")


_WHOLE: dict[str, Callable[[bytes], Garbled]] = {
    "not-xml": lambda body: Garbled(b"everything went well, thank you\n"),
    "truncated": lambda body: Garbled(body[: len(body) * 2 // 3]),
    "wrong-root": _wrong_root,
    "empty": lambda body: Garbled(b""),
    "html": _html,
    "binary": lambda body: Garbled(bytes(range(256)) * 4, "application/octet-stream"),
    "bad-utf8": lambda body: Garbled(body.replace(b"<Status>", b"<Status>\xff\xfe\xc0\x80", 1)),
    "content-length-short": lambda body: Garbled(body, length_off=-(len(body) // 3)),
    "content-length-long": lambda body: Garbled(body, length_off=100),
    "utf-16": _utf16,
    "wrong-namespace": lambda body: Garbled(
        re.sub(rb'xmlns="[^"]*"', b'xmlns="https://example.com/doc/2010-05-08/"', body, count=1)
    ),
    "no-namespace": lambda body: Garbled(re.sub(rb' xmlns="[^"]*"', b"", body, count=1)),
    "deep": _deep,
    "trailing-garbage": lambda body: Garbled(body + b"<More>to come</More>\n"),
}

_ELEMENT: dict[str, Callable[[Rule, bytes], bytes]] = {
    "duplicate-element": lambda rule, element: element + element,
    "missing-element": lambda rule, element: b"",
    "empty-element": lambda rule, element: b"<%b></%b>" % ((rule["element"].encode(),) * 2),
    "replace-element": lambda rule, element: (
        b"<%b>%b</%b>" % (rule["element"].encode(), rule["text"].encode(), rule["element"].encode())
    ),
}

_SECRET: dict[str, Callable[[Rule, bytes], bytes]] = {
    "nested-secret": lambda rule, secret: secret[:10] + b"<b>%b</b>" % secret[10:20] + secret[20:],
    "cdata-secret": lambda rule, secret: b"<![CDATA[%b]]>" % secret,
    "comment-secret": lambda rule, secret: secret[:20] + b"<!-- half -->" + secret[20:],
    "reference-secret": lambda rule, secret: b"".join(b"&#x%x;" % byte for byte in secret),
    "nul-in-secret": lambda rule, secret: secret[:20] + b"\0" + secret[21:],
    "long-secret": lambda rule, secret: (secret * (rule["length"] // 40 + 1))[: rule["length"]],
}
