"""The runs that are made to fail, and how a worker makes one of them fail."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from fault_bed import KILLED, USER, Bed, Outcome, Snapshot
from fault_points import Point, Recording, call_points, service_points

ISSUE = ("create-access-key", "--user-name", USER)
ROTATE = ("rotate-access-key", "--user-name", USER, "--delete-old", "--proofs", "1", "--proof-timeout", "5")


@dataclass(frozen=True)
class Scenario:
    """A run: what comes before it, its words, and which of its failures are tried."""

    name: str
    words: tuple[str, ...]
    prepare: Callable[[Bed, Recording], None]
    kills_only: bool = False
    #: What is wrong already, so that another part of the product runs.
    trouble: Callable[[Recording], str] = field(default=lambda issue: "")
    #: The request after which the service's failures begin, for those before say nothing new.
    after: str = ""
    #: Of the calls, one in so many.
    every: int = 1
    #: The user's old key may be deactivated or deleted, once a new one is held.
    retires: bool = False


def _nothing(bed: Bed, issue: Recording) -> None:
    """The run starts from the pristine state."""


def _kill(bed: Bed, order: str) -> None:
    code, _, _ = bed.run_faulty(Point("", "", "", (("TROUBLE", order),)), *ISSUE)
    assert code == KILLED, bed.transcript
    bed.pass_time()


def _orphan(bed: Bed, issue: Recording) -> None:
    """IAM made a key, and the process died before the token had it."""
    _kill(bed, f"C_UnwrapKey:{issue.last('C_UnwrapKey')}:kill")


def _unproven(bed: Bed, issue: Recording) -> None:
    """The token has the key, and the process died before that was recorded."""
    _kill(bed, f"C_UnwrapKey:{issue.last('C_UnwrapKey')}:latekill")


def _refusing_token(issue: Recording) -> str:
    """The token takes no key in once there is one: it is full."""
    return f"C_UnwrapKey:{issue.last('C_UnwrapKey')}+:0x31"


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("issue", ISSUE, _nothing),
        Scenario("undo", ISSUE, _nothing, True, _refusing_token),
        Scenario("recover-orphan", ("recover",), _orphan, True),
        Scenario("recover-unproven", ("recover",), _unproven, True),
        Scenario(
            "rotate", ROTATE, _nothing, True, after="CreateAccessKey", every=15, retires=True
        ),
    )
}


class Stage:
    """A worker's bed, with the state that each scenario begins with."""

    def __init__(self, bed: Bed) -> None:
        self.bed = bed
        self._snapshots: dict[str, Snapshot] = {}
        self._troubles: dict[str, str] = {}
        bed.restore(bed.pristine)
        code, self.issue, _ = bed.run_faulty(None, *ISSUE, record=True)
        assert code == 0, bed.transcript

    def points(self, scenario: Scenario, everything: bool = False) -> list[Point]:
        """Record the run and make the points of what was recorded."""
        self._set(scenario)
        name, trouble = scenario.name, self._troubles[scenario.name]
        base = Point(name, "", "", (("TROUBLE", trouble),)) if trouble else None
        _, recording, _ = self.bed.run_faulty(base, *scenario.words, record=True)
        request = 0
        if trouble:  # up to there it is the run of "issue"
            request = len(os.path.commonprefix([recording.operations, self.issue.operations]))
        if scenario.after:
            request = recording.operations.index(scenario.after) + 1
        calls = call_points(
            name, recording, scenario.kills_only, everything, recording.failed_after
        )
        found = [
            *calls[:: 1 if everything else scenario.every],
            *service_points(name, recording, request),
        ]
        return [self._with_trouble(point, trouble) for point in found]

    def suffer(self, point: Point, recovers: bool = True) -> Outcome:
        """One failure, what makes up for it, and what remains to be said."""
        scenario = SCENARIOS[point.scenario]
        self._set(scenario)
        outcome = Outcome(point.name)
        code, _, outcome.reached = self.bed.run_faulty(point, *scenario.words)
        if code is None:
            outcome.problems.append("the run does not end")
        snapshot = self.bed.pristine
        if outcome.reached and not self.bed.is_untouched(snapshot):
            self.bed.meddle()
            if scenario.retires and zlib.crc32(point.name.encode()) % 2:
                outcome.problems += self._repeat(scenario)
            if recovers:
                outcome.problems += self.bed.settle(point, early="late" in point.way)
            issued = code if scenario.words == ISSUE else None
            self.bed.judge(snapshot, outcome, issued, scenario.retires)
        outcome.transcript = "".join(self.bed.transcript)
        return outcome

    def _repeat(self, scenario: Scenario) -> list[str]:
        """The same command goes on, minutes later, where the run was stopped."""
        self.bed.iam.endpoint.rules.clear()
        self.bed.pass_time()
        code = self.bed.run(*scenario.words)
        return [] if code == 0 else [f"the same command ends with {code}"]

    def forget(self) -> Outcome:
        """A run that goes well, and a token that has forgotten the key when one looks."""
        outcome = Outcome("control")
        self._set(SCENARIOS["issue"])
        code = self.bed.run(*ISSUE)
        self.bed.lose_objects(self.bed.pristine)
        self.bed.judge(self.bed.pristine, outcome, code)
        return outcome

    def _set(self, scenario: Scenario) -> None:
        """Put everything to where the scenario begins; the first time, get there."""
        if scenario.name in self._snapshots:
            self.bed.restore(self._snapshots[scenario.name])
            return
        self.bed.restore(self.bed.pristine)
        scenario.prepare(self.bed, self.issue)
        self._troubles[scenario.name] = scenario.trouble(self.issue)
        self._snapshots[scenario.name] = self.bed.take_snapshot(scenario.name)
        self.bed.restore(self._snapshots[scenario.name])

    @staticmethod
    def _with_trouble(point: Point, trouble: str) -> Point:
        """The point's own order, and that which the scenario begins with."""
        if not trouble:
            return point
        environment = dict(point.environment)
        orders = [order for order in (environment.get("TROUBLE"), trouble) if order]
        environment["TROUBLE"] = ",".join(reversed(orders))
        return replace(point, environment=tuple(environment.items()))
