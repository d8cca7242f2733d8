"""From a rule and a true reply to the script that is played to the client.

A rule either puts another reply in the true one's place, or changes how a reply is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from clock import Clock, http_date
from errors import ServiceError
from garble import garble
from httpmsg import Reply, chunked
from misbehave import Rule
from service import Call, Service
from wire import Close, Fill, Pause, Script, Send


@dataclass(frozen=True)
class Scene:
    """What a fault may need besides the rule: the service, the call, and forbidden places."""

    service: Service
    call: Call
    forge: Callable[[], Reply]
    trap_url: str


def position(place: str, reply: Reply) -> int:
    """The offset of a place in the reply's bytes."""
    head = len(reply.head())
    start, end = reply.secret_span()
    return {
        "before-headers": 0,
        "in-headers": head // 2,
        "after-headers": head,
        "in-secret": head + (start + end) // 2,
        "before-end": len(reply.wire()) - 1,
    }[place]


def plain(reply: Reply) -> Script:
    return [Send(reply.wire())]


def stall(rule: Rule, reply: Reply, scene: Scene) -> Script:
    """A pause somewhere in the reply; what was never executed is never answered either."""
    if rule["at"] == "before-execute":
        return plain(reply) if rule.execute else [Close()]
    at, data = position(rule["at"], reply), reply.wire()
    first: Script = [Send(data[:at])] if at else []
    return [*first, Pause(rule["seconds"]), Send(data[at:]) if rule.execute else Close()]


def cut(rule: Rule, reply: Reply, scene: Scene) -> Script:
    at = position(rule["at"], reply)
    if rule["byte"] is not None:
        at = len(reply.head()) + rule["byte"]
    data = reply.wire()[:at]
    return [*([Send(data)] if data else []), Close(rule["how"])]


def garbled(rule: Rule, reply: Reply, scene: Scene) -> Script:
    result = garble(rule, reply, f"{scene.trap_url}/external-entity")
    reply.body = result.body
    reply.set_header("Content-Type", result.content_type)
    script: Script = [Send(reply.head(len(result.body) + result.length_off) + result.body)]
    return [*script, Close()] if result.length_off > 0 else script


def misframe(rule: Rule, reply: Reply, scene: Scene) -> Script:
    """The body in spite of its head. Most of it ends the connection, as nothing can follow."""
    body, secret = reply.body, (reply.secret or "").encode()
    lines = reply.head(None).split(b"\r\n")[1:-2]

    def sent(*more: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
        return b"\r\n".join([status, *lines, *more, b"", b""])

    length = b"Content-Length: %d" % len(body)
    coding = b"Transfer-Encoding: chunked"
    data = {
        "length-zero": sent(b"Content-Length: 0") + body,
        "length-huge": sent(b"Content-Length: 99999999999999999999") + body,
        "status-103": sent(status=b"HTTP/1.1 103 Early Hints") + body,
        "status-204": sent(status=b"HTTP/1.1 204 No Content") + body,
        "status-304": sent(length, status=b"HTTP/1.1 304 Not Modified") + body,
        "version": sent(length, status=b"HTTP/4.0 200 OK") + body,
        "no-headers": body,
        "lost-empty-line": sent(length)[:-2] + body + b"\r\n\r\n",
        "header-cut": sent(length)[:-2] + b"X-Secret: " + secret,
        "encoded": sent(b"Transfer-Encoding: gzip, chunked") + body,
        "chunk-size": sent(coding) + b"zz\r\n" + body,
        "later-chunk-size": sent(coding) + b"1\r\n<\r\nzz\r\n" + body,
        "secret-in-header": sent(length, b"X-Secret: " + secret) + body,
        "secret-in-trailer": sent(coding) + chunked(body, len(body))[:-2]
        + b"X-Secret: " + secret + b"\r\n\r\n",
    }[rule["how"]]  # fmt: skip
    sending = Send(data, rule["size"])
    return [sending] if rule["how"].startswith("secret-in-") else [sending, Close()]


def huge(rule: Rule, reply: Reply, scene: Scene) -> Script:
    """A reply of many bytes that a parser without limits would take: they are a comment."""
    size, framing = rule["bytes"], rule["framing"]
    if rule["where"] == "header":
        reply.extra.append(("X-Padding", "x" * size))
        return plain(reply)
    if rule["where"] == "headers":
        reply.extra += [(f"X-Padding-{n}", "x" * 1000) for n in range(size // 1000 + 1)]
        return plain(reply)
    opening, _, rest = reply.body.partition(b">")
    before, after = opening + b"><!--", b"-->" + rest
    filler = max(0, size - len(before) - len(after))
    if framing == "chunked":
        reply.set_header("Transfer-Encoding", "chunked")
        start = b"%x\r\n%b\r\n" % (len(before), before)
        return [
            Send(reply.head(None) + start),
            Fill(filler, chunked=True),
            Send(chunked(after, len(after))),
        ]
    if framing == "close":
        reply.set_header("Connection", "close")
        return [Send(reply.head(None) + before), Fill(filler), Send(after), Close("close-notify")]
    total = len(before) + filler + len(after)
    return [Send(reply.head(total) + before), Fill(filler), Send(after)]


def answer_twice(rule: Rule, reply: Reply, scene: Scene) -> Script:
    second = reply if rule["second"] == "same" else scene.forge()
    return [Send(reply.wire() + second.wire())]


def execute_late(rule: Rule, reply: Reply, scene: Scene) -> Script:
    return [*([Pause(rule["hold"])] if rule["hold"] else []), Close(rule["how"])]


def split(rule: Rule, reply: Reply, scene: Scene) -> Script:
    """A true reply in many writes, and in many chunks if `chunk` is not 0."""
    head, body = reply.head(), reply.body
    if rule["chunk"] > 0:
        reply.set_header("Transfer-Encoding", "chunked")
        head, body = reply.head(None), chunked(reply.body, rule["chunk"])
    if rule["headers"]:
        return [Send(head + body, rule["size"], rule["seconds"])]
    return [Send(head), Send(body, rule["size"], rule["seconds"])]


def redirect(rule: Rule, reply: Reply, scene: Scene) -> Reply:
    answer = scene.service.refuse(ServiceError("Redirect", "Moved", rule["status"]), scene.call)
    answer.set_header("Location", rule["location"] or f"{scene.trap_url}/redirect")
    return answer


def throttle(rule: Rule, reply: Reply, scene: Scene) -> Reply:
    status = rule["status"]
    code = rule["code"] or ("ServiceUnavailable" if status == 503 else "Throttling")
    fault = "Receiver" if status >= 500 else "Sender"
    answer = scene.service.refuse(ServiceError(code, rule["message"], status, fault), scene.call)
    if rule["retry_after"] is not None:
        answer.set_header("Retry-After", str(rule["retry_after"]))
    return answer


def error(rule: Rule, reply: Reply, scene: Scene) -> Reply:
    status = rule["status"]
    fault = rule["type"] or ("Receiver" if status >= 500 else "Sender")
    answer = scene.service.refuse(
        ServiceError(rule["code"], rule["message"], status, fault), scene.call
    )
    if rule["body"] is not None:
        answer.body = rule["body"].encode()
    if rule["content_type"] is not None:
        answer.set_header("Content-Type", rule["content_type"])
    for name, value in rule["headers"].items():
        answer.set_header(name, str(value))
    return answer


def secret_in_error(rule: Rule, reply: Reply, scene: Scene) -> Reply:
    """An error whose sentence tells what it must not, as services have been seen to do."""
    text = rule["message"].replace("{secret}", reply.secret or "")
    found = reply.body.partition(b"<AccessKeyId>")[2].partition(b"<")[0].decode()
    status = rule["status"]
    fault = "Receiver" if status >= 500 else "Sender"
    refusal = ServiceError(rule["code"], text.replace("{access_key_id}", found), status, fault)
    return scene.service.refuse(refusal, scene.call)


REPLACEMENTS: dict[str, Callable[[Rule, Reply, Scene], Reply]] = {
    "redirect": redirect,
    "throttle": throttle,
    "error": error,
    "secret-in-error": secret_in_error,
}
SCRIPTS: dict[str, Callable[[Rule, Reply, Scene], Script]] = {
    "stall": stall,
    "cut": cut,
    "garble": garbled,
    "misframe": misframe,
    "huge": huge,
    "answer-twice": answer_twice,
    "execute-late": execute_late,
    "split": split,
}


def shift_date(rule: Rule, reply: Reply, clock: Clock) -> None:
    """Apply a `skew` rule: another Date, a literal one, or none."""
    if rule["date"] is not None:
        reply.set_header("Date", rule["date"] or None)
    else:
        reply.set_header("Date", http_date(clock.now() + timedelta(seconds=rule["seconds"])))
