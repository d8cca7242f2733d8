"""The server's clock, which tests move instead of waiting.

Everything the endpoint dates (replies, keys, signature windows, late executions, lagging lists)
reads this one clock, so that five minutes of a signature's validity pass at one order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime


class Clock:
    """Real time plus an offset; those who watch it are told when the offset changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset = timedelta()
        self._watchers: list[Callable[[], None]] = []

    def now(self) -> datetime:
        with self._lock:
            return datetime.now(UTC) + self._offset

    @property
    def offset_seconds(self) -> float:
        with self._lock:
            return self._offset.total_seconds()

    def set_offset(self, seconds: float) -> None:
        with self._lock:
            self._offset = timedelta(seconds=seconds)
        for watcher in list(self._watchers):
            watcher()

    def advance(self, seconds: float) -> None:
        self.set_offset(self.offset_seconds + seconds)

    def watch(self, callback: Callable[[], None]) -> None:
        self._watchers.append(callback)


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in whole seconds, as IAM writes dates in XML; None stays None."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def basic(moment: datetime) -> str:
    """ISO 8601 basic format, as in X-Amz-Date."""
    return moment.strftime("%Y%m%dT%H%M%SZ")


def http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)
