"""The kinds of misbehaviour, in one table: what each does and the fields its rules have.

The command line's help is printed from it, and rules are checked against it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

CLOSINGS = ("fin", "rst", "close-notify")
PLACES = ("before-headers", "in-headers", "after-headers", "in-secret", "before-end")
GARBLINGS = (
    "not-xml", "truncated", "wrong-root", "duplicate-element", "missing-element",
    "empty-element", "replace-element", "empty", "html", "binary", "bad-utf8", "nul-in-secret",
    "content-length-short", "content-length-long", "doctype", "entity-bomb", "external-entity",
    "utf-16", "wrong-namespace", "no-namespace", "nested-secret", "cdata-secret",
    "comment-secret", "reference-secret", "long-secret", "deep", "trailing-garbage",
)  # fmt: skip

MISFRAMINGS = (
    "length-zero", "length-huge", "status-103", "status-204", "status-304", "version",
    "no-headers", "lost-empty-line", "header-cut", "encoded", "chunk-size", "later-chunk-size",
    "secret-in-header", "secret-in-trailer",
)  # fmt: skip


class BadRule(ValueError):
    """An order that cannot be carried out; said at once rather than ignored."""


@dataclass(frozen=True)
class Field:
    """A field of a rule: its default, and either the values allowed or the types."""

    default: Any
    values: tuple[str, ...] = ()
    types: tuple[type, ...] = ()

    def check(self, name: str, value: Any) -> None:
        if self.values and value not in self.values:
            raise BadRule(f"{name} must be one of {', '.join(self.values)}")
        # In Python a bool is an int; here it is one only where the field says so.
        if self.types and type(value) not in self.types:
            expected = " or ".join(kind.__name__ for kind in self.types)
            raise BadRule(f"{name} must be {expected}")


@dataclass(frozen=True)
class Kind:
    """A kind of misbehaviour: whether the operation takes effect by default, and its fields.

    `execute` is None where the kind leaves no choice; `says` is for the command line's help.
    """

    says: str
    execute: bool | None
    fields: dict[str, Field] = field(default_factory=dict)


def _number(default: float) -> Field:
    return Field(default, types=(int, float))


def _whole(default: int) -> Field:
    return Field(default, types=(int,))


def _text(default: str) -> Field:
    return Field(default, types=(str,))


def _flag(default: bool | None) -> Field:
    return Field(default, types=(bool,))


_NONE = type(None)
_MAYBE_TEXT = Field(None, types=(str, _NONE))
_HOW = Field("fin", CLOSINGS)

KINDS: dict[str, Kind] = {
    "stall": Kind(
        "wait at a place of the reply, then go on; with execute false, close instead of "
        "going on. POST /release ends the wait",
        True,
        {"seconds": _number(5), "at": Field("before-headers", ("before-execute", *PLACES))},
    ),
    "cut": Kind(
        "close the connection at a place of the reply, or after `byte` bytes of its body",
        True,
        {
            "at": Field("before-headers", PLACES),
            "byte": Field(None, types=(int, _NONE)),
            "how": _HOW,
        },
    ),
    "drop-idle": Kind(
        "close the kept-alive connection after this reply without saying so, or when its "
        "next request has arrived, unanswered",
        None,
        {
            "when": Field("after-reply", ("after-reply", "next-request")),
            "how": _HOW,
            "execute_next": _flag(False),
        },
    ),
    "garble": Kind(
        "spoil the body. `element` is for the *-element ways, `text` for replace-element, "
        "`length` for long-secret, `system` for external-entity (default: a place under "
        "/hit/)",
        True,
        {
            "how": Field("not-xml", GARBLINGS),
            "element": _text("SecretAccessKey"),
            "text": _text(""),
            "length": _whole(100_000),
            "system": _MAYBE_TEXT,
        },
    ),
    "misframe": Kind(
        "send the body where it does not belong or is not looked for: behind a head that says "
        "there is none, in a coding that nobody takes, as a header, in no known version of HTTP; "
        "secret-in-header and secret-in-trailer: the true reply, and its secret once more. "
        "`size`: as for split",
        True,
        {"how": Field("length-zero", MISFRAMINGS), "size": _whole(0)},
    ),
    "huge": Kind(
        "pad the reply to `bytes` bytes: a comment in the body, one header, or many headers",
        True,
        {
            "bytes": _whole(1 << 20),
            "where": Field("body", ("body", "header", "headers")),
            "framing": Field("content-length", ("content-length", "chunked", "close")),
        },
    ),
    "redirect": Kind(
        "send elsewhere (default: to a place under /hit/)",
        False,
        {"status": _whole(302), "location": _MAYBE_TEXT},
    ),
    "throttle": Kind(
        "refuse with Throttling, or with ServiceUnavailable if the status is 503; "
        "`retry_after` seconds or a date",
        False,
        {
            "status": _whole(400),
            "code": _MAYBE_TEXT,
            "message": _text("Rate exceeded"),
            "retry_after": Field(None, types=(int, float, str, _NONE)),
        },
    ),
    "error": Kind(
        "refuse with any status, code and sentence, or with a `body` of its own",
        False,
        {
            "status": _whole(500),
            "code": _text("InternalFailure"),
            "message": _text("The request processing has failed."),
            "type": _MAYBE_TEXT,
            "body": _MAYBE_TEXT,
            "content_type": _MAYBE_TEXT,
            "headers": Field({}, types=(dict,)),
        },
    ),
    "skew": Kind(
        'move the Date header by seconds, or set it to `date` ("": leave it out)',
        None,
        {"seconds": _number(0), "date": _MAYBE_TEXT},
    ),
    "answer-twice": Kind(
        "send two replies at once; the second one carries another, forged secret, or is the same",
        True,
        {"second": Field("forged", ("forged", "same"))},
    ),
    "duplicate": Kind(
        "execute the operation twice and answer with the first or the last outcome",
        None,
        {"answer": Field("first", ("first", "last"))},
    ),
    "execute-late": Kind(
        "answer nothing, close after `hold` seconds, and execute when the server's clock is"
        " `seconds` further",
        None,
        {"seconds": _number(5), "hold": _number(0), "how": _HOW},
    ),
    "lag": Kind(
        "list keys as they were some seconds ago on the server's clock",
        None,
        {"seconds": _number(5)},
    ),
    "split": Kind(
        "a true reply in writes of `size` bytes (0: one), `seconds` apart, the headers too "
        "if so told, in chunks of `chunk` bytes if that is not 0",
        True,
        {
            "size": _whole(1),
            "seconds": _number(0),
            "headers": _flag(False),
            "chunk": _whole(0),
        },
    ),
    "secret-in-error": Kind(
        "answer with an error whose sentence tells the secret just made",
        True,
        {
            "status": _whole(500),
            "code": _text("ServiceFailure"),
            "message": _text("Could not store {access_key_id} with {secret}"),
        },
    ),
}
COMBINING = ("skew", "lag", "drop-idle")
COMMON = {
    "kind": Field(None, tuple(KINDS)),
    "operation": _text("*"),
    "user": _MAYBE_TEXT,
    "access_key_id": _MAYBE_TEXT,
    "times": _whole(1),
    "skip": _whole(0),
    "execute": _flag(None),
}
