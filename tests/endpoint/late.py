"""Executions that happen after their request went unanswered.

Due times are on the server's clock: moving it past a due time executes at once, in the caller's
thread, so that a test sees the effect when its order to move the clock returns.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from clock import Clock

Job = tuple[datetime, Callable[[], object]]


class LateQueue:
    """Jobs waiting for their time; one thread serves those that come due by themselves."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._jobs: list[Job] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        clock.watch(self.run_due)

    def add(self, due: datetime, action: Callable[[], object]) -> None:
        with self._changed:
            self._jobs.append((due, action))
            self._changed.notify_all()

    def pending(self) -> int:
        with self._changed:
            return len(self._jobs)

    def clear(self) -> None:
        with self._changed:
            self._jobs.clear()
            self._changed.notify_all()

    def run_due(self) -> None:
        """Execute, in order, whatever is due."""
        now = self._clock.now()
        with self._changed:
            due = sorted((job for job in self._jobs if job[0] <= now), key=lambda job: job[0])
            self._jobs = [job for job in self._jobs if job[0] > now]
            self._changed.notify_all()
        for _, action in due:
            action()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            with self._changed:
                if self._stopping:
                    return
                self._changed.wait(self._seconds_to_next())
                if self._stopping:
                    return
            self.run_due()

    def _seconds_to_next(self) -> float | None:
        if not self._jobs:
            return None
        due = min(job[0] for job in self._jobs)
        return max(0.0, (due - self._clock.now()).total_seconds())
