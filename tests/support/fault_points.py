"""The points at which a run can fail, and every way in which it can: all from tables.

A run of the tool that goes well is recorded first: which system calls it makes on the ledger, the
token's files and the network (fault_shim.c), which functions of the token it calls
(trouble_module.c), and what it asks IAM for (the local endpoint). From what was recorded the points
are made, so that a call that is new in the product joins by itself.
"""

from __future__ import annotations

import collections
import errno
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import local_iam  # noqa: F401, where the endpoint's modules are
from kinds import GARBLINGS, PLACES

Rules = tuple[dict[str, Any], ...]
Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Point:
    """One failure of one run; `name` is what `--only` takes."""

    scenario: str
    place: str
    way: str
    environment: tuple[tuple[str, str], ...] = ()
    rules: Rules = ()
    door: str = "open"

    @property
    def name(self) -> str:
        return f"{self.scenario}/{self.place}/{self.way}"

    @property
    def is_kill(self) -> bool:
        return self.way in ("kill", "latekill", "tear")

    def earlier(self, steps: int) -> Point:
        """So many calls before this one, of its kind on the network: how often a socket is polled
        and read is the network's affair, and the last calls of one run may be missing in another."""
        call, _, number = self.place.rpartition(":")
        if not call.endswith(":net"):
            return self
        place = f"{call}:{max(1, int(number) - steps)}"
        environment = dict(self.environment)
        environment["FAULT"] = place + environment["FAULT"].removeprefix(self.place)
        return replace(self, place=place, environment=tuple(environment.items()))


@dataclass(frozen=True)
class Event:
    """A call that was recorded: of the shim, with its class of files, or a function of the token."""

    call: str
    place: str = ""
    creates: bool = False

    @property
    def is_function(self) -> bool:
        return self.place == ""

    @property
    def changes(self) -> bool:
        """Whether the world is another one afterwards; locks end with the process."""
        return self.creates or self.call not in READING


@dataclass
class Recording:
    """What a run did, in this order, and the operations that IAM was asked for."""

    events: list[Event] = field(default_factory=list)
    operations: list[str] = field(default_factory=list)
    #: The calls of the token, or of the shim, in which a failure took place.
    failures: set[str] = field(default_factory=set)
    #: How many calls there were before the first one.
    failed_after: int = 0

    def last(self, function: str) -> int:
        """Which call of a function is the last one."""
        return sum(event == Event(function) for event in self.events)


def parse_log(text: str) -> Recording:
    """Read the log that both shims write."""
    recording = Recording()
    for line in text.splitlines():
        words = line.split()
        if words == ["!"]:
            recording.failed_after = recording.failed_after or len(recording.events)
            recording.failures.add(recording.events[-1].call)
        else:
            recording.events.append(Event(words[0], words[1] if len(words) > 1 else "", len(words) > 2))
    return recording


def numbered(things: Iterable[Thing], key: Callable[[Thing], object]) -> list[tuple[Thing, int]]:
    """Each with its number, from 1, among those with the same key."""
    seen: collections.Counter[object] = collections.Counter()
    found = []
    for thing in things:
        seen[key(thing)] += 1
        found.append((thing, seen[key(thing)]))
    return found


# System calls ----------------------------------------------------------------------------------

# Before and after such a call the world is the same: it is killed once.
READING = {
    "open", "openat", "fstat", "newfstatat", "stat", "lstat", "access", "faccessat", "getdents64",
    "read", "readv", "pread64", "flock", "fcntl", "close", "socket", "getsockopt", "setsockopt",
    "poll", "ppoll", "recvfrom", "recvmsg",
    "C_Initialize", "C_Finalize", "C_GetInfo", "C_GetSlotList", "C_GetSlotInfo", "C_GetTokenInfo",
    "C_GetMechanismList", "C_GetMechanismInfo", "C_OpenSession", "C_CloseSession",
    "C_GetSessionInfo", "C_Login", "C_GetAttributeValue", "C_FindObjectsInit", "C_FindObjects",
    "C_FindObjectsFinal", "C_SignInit", "C_Sign", "C_GenerateRandom",
}  # fmt: skip
_WRITES = ("ENOSPC", "EIO", "EINTR", "short", "tear", "lateEIO")
_SYNCS = ("EIO", "ENOSPC", "lateEIO")
_SENDS = ("ECONNRESET", "EPIPE", "short", "tear", "lateECONNRESET")
_RECEIPTS = ("ECONNRESET", "ETIMEDOUT", "short")
_LOCKS = ("ENOLCK", "EINTR")
WAYS: dict[str, tuple[str, ...]] = {
    "open": ("EACCES", "EMFILE"), "openat": ("EACCES", "EMFILE", "ENOSPC"),
    "read": ("EIO", "EINTR"), "readv": ("EIO",), "pread64": ("EIO",),
    "write": _WRITES, "writev": _WRITES, "pwrite64": _WRITES,
    "fsync": _SYNCS, "fdatasync": _SYNCS, "syncfs": _SYNCS, "sync": (),
    "flock": _LOCKS, "fcntl": _LOCKS,
    "ftruncate": ("EIO", "lateEIO"), "fallocate": ("ENOSPC",),
    "rename": ("EACCES", "lateEIO"), "renameat": ("EACCES", "lateEIO"),
    "renameat2": ("EACCES", "lateEIO"), "unlink": ("EACCES",), "unlinkat": ("EACCES",),
    "mkdir": ("EACCES", "ENOSPC"), "mkdirat": ("EACCES", "ENOSPC"),
    "close": ("lateEIO",), "socket": ("EMFILE", "ENOBUFS"), "setsockopt": ("ENOPROTOOPT",),
    "connect": ("ECONNREFUSED", "ENETUNREACH", "ETIMEDOUT"),
    "sendto": _SENDS, "sendmsg": _SENDS, "recvfrom": _RECEIPTS, "recvmsg": _RECEIPTS,
    "poll": ("ENOMEM", "EINTR"), "ppoll": ("ENOMEM", "EINTR"),
}  # fmt: skip


def _order(way: str) -> str:
    """A way in the shim's words: it knows errno by numbers."""
    late, name = ("late", way[4:]) if way.startswith("lateE") else ("", way)
    return f"{late}{getattr(errno, name)}" if name.startswith("E") else way


def _system_point(scenario: str, event: Event, number: int, way: str) -> Point:
    place = f"{event.call}:{event.place}:{number}"
    return Point(scenario, place, way, (("FAULT", f"{place}:{_order(way)}"),))


def _system_ways(event: Event) -> tuple[str, ...]:
    return (*WAYS.get(event.call, ("EIO",)), "kill", *(["latekill"] if event.changes else []))


# Functions of the token ------------------------------------------------------------------------

_REFUSALS = {
    "CKR_DEVICE_ERROR": "0x30", "CKR_SESSION_HANDLE_INVALID": "0xB3", "CKR_DEVICE_MEMORY": "0x31",
    "lateCKR_DEVICE_ERROR": "late0x30", "lateCKR_SESSION_HANDLE_INVALID": "late0xB3",
}  # fmt: skip


# A token that does not answer is given up after a second (`--token-timeout`).
_HANGING = {"C_Login", "C_Sign", "C_UnwrapKey", "C_CreateObject", "C_DestroyObject"}


def _token_ways(event: Event) -> tuple[str, ...]:
    hang = ("hang",) if event.call in _HANGING else ()
    return (*_REFUSALS, "gone", *hang, "kill", "latekill")


def _token_point(scenario: str, event: Event, number: int, way: str, sessions: int) -> Point:
    """`sessions`: how many the run opens; a token that is gone opens no more."""
    order = f"{event.call}:{number}:{_REFUSALS.get(way, way)}"
    if way == "gone":
        first = number if event.call == "C_OpenSession" else sessions + 1
        order = f"{event.call}:{number}+:0x32,C_OpenSession:{first}+:0x32"
    return Point(scenario, f"{event.call}:{number}", way, (("TROUBLE", order),))


# What is tried ---------------------------------------------------------------------------------

_NEVER_LEFT_OUT = ("kill", "latekill", "tear", "gone", "hang")


class _Sieve:
    """Leaves out what says the same again.

    Between two changes of the world, to be killed at one point is to be killed at any. While one
    function of the token runs, that one of its files cannot be read is the same news each time, and
    which error says so is left to turns. Nothing of the ledger, the network or what changes the
    world is left out.
    """

    def __init__(self) -> None:
        self._function = 0
        self._epoch = 0
        self._seen: set[object] = set()
        self._turn = 0

    def pick(self, event: Event, ways: tuple[str, ...]) -> tuple[str, ...]:
        self._function += event.is_function
        picked = ways
        if event.is_function or event.place in ("slot", "token"):
            errors = [way for way in ways if way not in _NEVER_LEFT_OUT]
            rest = [way for way in ways if way in _NEVER_LEFT_OUT]
            if not event.changes:
                rest = [way for way in rest if way in ("gone", "hang")]
                rest += self._once(("kill",), self._epoch)
                if not event.is_function:
                    errors = self._once(errors, self._function, event.call)
            if not event.is_function or not event.changes:
                self._turn += 1
                errors = errors[self._turn % len(errors) :][:1] if errors else []
            picked = (*errors, *rest)
        self._epoch += event.changes
        return picked

    def _once(self, ways: Iterable[str], *key: object) -> list[str]:
        if (key, *ways) in self._seen:
            return []
        self._seen.add((key, *ways))
        return list(ways)


def call_points(
    scenario: str, recording: Recording, everything: bool, begin: int = 0
) -> list[Point]:
    """Failures of what was recorded, from the event of that number on.

    One thing is left out: at each login SoftHSM truncates the file that the token itself is in, and
    writes it anew. A process that is killed between, whichever it is, leaves no token at all.
    """
    sieve = _Sieve()
    found = []
    sessions = recording.last("C_OpenSession")
    events = numbered(recording.events, key=lambda event: (event.call, event.place))
    for event, number in events[begin:]:
        ways = _token_ways(event) if event.is_function else _system_ways(event)
        if event.place == "slot" and event.changes:
            continue
        for way in ways if everything else sieve.pick(event, ways):
            if event.is_function:
                found.append(_token_point(scenario, event, number, way, sessions))
            else:
                found.append(_system_point(scenario, event, number, way))
    return found


def order_problems(recording: Recording) -> list[str]:
    """What a kill does not show, for the kernel keeps what was written: what a power cut would."""
    found = []
    events = [(event.call, event.place) for event in recording.events]
    changes = [event.place in ("slot", "token") and event.changes for event in recording.events]
    syncs = [call in ("sync", "syncfs") for call, _ in events]
    written = [at for at, event in enumerate(events) if event == ("write", "ledger")]
    for at in written:
        rest = [event for event in events[at + 1 :] if event[1] in ("ledger", "net")]
        if rest[:1] != [("fdatasync", "ledger")]:
            found.append("a record is not synced before what comes next")
    last = written[-1] if written else 0
    changed = max((at for at in range(last) if changes[at]), default=0)
    if not any(syncs[changed:last]):
        found.append("the token's files are not synced before the outcome is recorded")
    return found


# What IAM does ---------------------------------------------------------------------------------

_MAIN = "CreateAccessKey"


def _cuts(places: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    return {
        f"cut:{place}:{how}": {"kind": "cut", "at": place, "how": how}
        for place in places
        for how in ("fin", "rst")
    }


def _stalls(places: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    return {f"stall:{place}": {"kind": "stall", "at": place, "seconds": 1.6} for place in places}


def _error(status: int, code: str, execute: bool = False) -> dict[str, Any]:
    return {"kind": "error", "status": status, "code": code, "execute": execute}


_EVERY_OPERATION: dict[str, dict[str, Any]] = {
    **_cuts(("before-headers", "in-headers", "before-end")),
    **_stalls(("before-headers",)),
    "throttle": {"kind": "throttle"},
    "error:500": _error(500, "InternalFailure"),
    "error:503:executed": _error(503, "ServiceUnavailable", True),
    "error:AccessDenied": _error(403, "AccessDenied"),
    "garble:not-xml": {"kind": "garble", "how": "not-xml"},
    "drop-idle": {"kind": "drop-idle"},
    "drop-idle:next": {"kind": "drop-idle", "when": "next-request"},
    "drop-idle:next:executed": {
        "kind": "drop-idle", "when": "next-request", "execute_next": True,
    },
    "skew:ahead": {"kind": "skew", "seconds": 1200},
    "skew:behind": {"kind": "skew", "seconds": -1200},
    "no-date": {"kind": "skew", "date": ""},
    "execute-late:60": {"kind": "execute-late", "seconds": 60},
}  # fmt: skip
_MAIN_OPERATION: dict[str, dict[str, Any]] = {
    **_EVERY_OPERATION,
    **_cuts(PLACES),
    **{f"cut:byte-{byte}": {"kind": "cut", "byte": byte} for byte in range(0, 700, 50)},
    **_stalls(("before-execute", *PLACES)),
    "stall:never-executed": {
        "kind": "stall", "at": "before-execute", "seconds": 1.6, "execute": False,
    },
    **{f"garble:{how}": {"kind": "garble", "how": how} for how in GARBLINGS},
    "garble:no-id": {"kind": "garble", "how": "missing-element", "element": "AccessKeyId"},
    "garble:no-user": {"kind": "garble", "how": "missing-element", "element": "UserName"},
    "garble:other-user": {
        "kind": "garble", "how": "replace-element", "element": "UserName", "text": "bob",
    },
    "huge": {"kind": "huge", "bytes": 4 << 20},
    "huge:headers": {"kind": "huge", "where": "headers"},
    "redirect": {"kind": "redirect"},
    "redirect:executed": {"kind": "redirect", "execute": True},
    "throttle:503": {"kind": "throttle", "status": 503},
    "throttle:retry-after": {"kind": "throttle", "retry_after": 1},
    "error:500:executed": _error(500, "ServiceFailure", True),
    "error:LimitExceeded": _error(409, "LimitExceeded"),
    "error:NoSuchEntity": _error(404, "NoSuchEntity"),
    "error:RequestExpired": _error(400, "RequestExpired"),
    "secret-in-error": {"kind": "secret-in-error"},
    "duplicate:first": {"kind": "duplicate", "answer": "first"},
    "duplicate:last": {"kind": "duplicate", "answer": "last"},
    "answer-twice": {"kind": "answer-twice"},
    "answer-twice:same": {"kind": "answer-twice", "second": "same"},
    "execute-late:280": {"kind": "execute-late", "seconds": 280},
    "split": {"kind": "split", "size": 7},
    "split:chunks": {"kind": "split", "size": 0, "chunk": 11},
}  # fmt: skip

# The request is executed, or will be, its answer is lost, and the lists do not show it for a while.
_LAGGING = {
    "cut:before-headers:fin", "cut:in-secret:rst", "error:500:executed", "stall:in-secret",
    "execute-late:60",
}  # fmt: skip


def service_points(scenario: str, recording: Recording, begin: int = 0) -> list[Point]:
    """Everything that IAM can do wrong to each of the requests, from that number on.

    It is let down, but not lied to: what says that a request was refused was not executed.
    """
    found = []
    for operation, number in numbered(recording.operations, key=str)[begin:]:
        table = _MAIN_OPERATION if operation == _MAIN else _EVERY_OPERATION
        for way, rule in table.items():
            rules = [{**rule, "operation": operation, "skip": number - 1}]
            found.append(Point(scenario, f"{operation}:{number}", way, rules=tuple(rules)))
            if operation == _MAIN and way in _LAGGING:
                rules.append({
                    "kind": "lag", "seconds": 120, "operation": "ListAccessKeys", "times": -1,
                })  # fmt: skip
                found.append(
                    Point(scenario, f"{operation}:{number}", f"{way}+lag", rules=tuple(rules))
                )
    for door in ("refuse", "close", "stall"):
        found.append(Point(scenario, "connection", door, door=door))
    return found
