"""The record of every request and connection, which tests read instead of guessing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from authenticate import Verdict
from clock import Clock, iso
from httpmsg import Request
from service import Call

Entry = dict[str, Any]
KEPT = 100_000


class RequestLog:
    """Entries in order of arrival, numbered from 1 and filled in as the request is served."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._requests: list[Entry] = []
        self._connections: list[Entry] = []
        self._hits: dict[str, int] = {}
        self._numbers = {"request": 0, "connection": 0}

    def clear(self) -> None:
        """Forget everything; numbers go on, so that entries before and after differ."""
        with self._changed:
            self._requests.clear()
            self._connections.clear()
            self._hits.clear()

    def connection(self, peer: str) -> Entry:
        with self._changed:
            self._numbers["connection"] += 1
            entry: Entry = {
                "number": self._numbers["connection"],
                "peer": peer,
                "time": iso(self._clock.now()),
                "tls_version": None,
                "cipher": None,
                "handshake_error": None,
                "bad_request": None,
                "requests": 0,
            }
            self._connections.append(entry)
            del self._connections[:-KEPT]
            self._changed.notify_all()
            return entry

    def request(self, connection: Entry, request: Request, call: Call, verdict: Verdict) -> Entry:
        claim = verdict.claim
        with self._changed:
            self._numbers["request"] += 1
            connection["requests"] += 1
            entry: Entry = {
                "number": self._numbers["request"],
                "time": iso(self._clock.now()),
                "unix_time": time.time(),
                "connection": connection["number"],
                "request_on_connection": connection["requests"],
                "tls_version": connection["tls_version"],
                "cipher": connection["cipher"],
                "method": request.method,
                "target": request.target,
                "header_names": [name for name, _ in request.headers],
                "headers": [list(header) for header in request.headers],
                "form": call.parameters,
                "operation": call.name,
                "user": verdict.caller_name,
                "caller_arn": verdict.caller_arn,
                "access_key_id": claim.part(0) if claim else None,
                "service": claim.part(3) if claim else None,
                "region": claim.part(2) if claim else None,
                "signature_valid": verdict.error is None,
                "signature_error": verdict.error and verdict.error.message,
                "canonical_request": verdict.canonical_request,
                "string_to_sign": verdict.string_to_sign,
                "misbehaviour": [],
                "executed": 0,
                "status": None,
                "error_code": None,
                "answered": None,
            }
            self._requests.append(entry)
            del self._requests[:-KEPT]
            self._changed.notify_all()
            return entry

    def update(self, entry: Entry, **values: Any) -> None:
        with self._changed:
            entry.update(values)
            self._changed.notify_all()

    def hit(self, name: str) -> int:
        """Count a visit to one of the places where a client must never go."""
        with self._changed:
            self._hits[name] = self._hits.get(name, 0) + 1
            return self._hits[name]

    def hits(self) -> dict[str, int]:
        with self._changed:
            return dict(self._hits)

    def requests(self, operation: str | None = None, since: int = 0) -> list[Entry]:
        """Copies of the entries numbered above `since`, of one operation or of all."""
        with self._changed:
            return [
                dict(entry)
                for entry in self._requests
                if entry["number"] > since and operation in (None, entry["operation"])
            ]

    def connections(self) -> list[Entry]:
        with self._changed:
            return [dict(entry) for entry in self._connections]

    def wait(self, arrived: Callable[[list[Entry]], bool], timeout: float) -> bool:
        """Wait until the entries satisfy a condition; whether they did in time."""
        with self._changed:
            return self._changed.wait_for(lambda: arrived(self._requests), timeout)
