"""The runs that are made to fail, and how a worker makes one of them fail."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from fault_bed import KILLED, OTHER_USER, USER, Bed, Outcome, Snapshot
from fault_points import Point, Recording, call_points, service_points

ISSUE = ("create-access-key", "--user-name", USER)
ROTATE = ("rotate-access-key", "--user-name", USER, "--delete-old", "--proofs", "1", "--proof-timeout", "5")


@dataclass(frozen=True)
class Scenario:
    """A run: what comes before it, its words, and which of its failures are tried."""

    name: str
    words: tuple[str, ...]
    prepare: Callable[[Bed, Recording], None]
    #: Of the points at which it is killed, one in so many; and of the other failures of calls.
    kills: int = 1
    errors: int = 1
    #: What is wrong already, so that another part of the product runs.
    trouble: Callable[[Recording], str] = field(default=lambda issue: "")
    #: The request after which the service's failures begin, for those before say nothing new.
    after: str = ""
    #: The user's old key may be deactivated or deleted, once a new one is held.
    retires: bool = False
    #: Another administrator's key for the same user, made in the same minutes, was not used yet.
    rival: bool = False


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
        Scenario("rival", ISSUE, _nothing, rival=True),
        Scenario("undo", ISSUE, _nothing, errors=2, trouble=_refusing_token),
        Scenario("recover-orphan", ("recover",), _orphan, kills=2, errors=9),
        Scenario("recover-unproven", ("recover",), _unproven, kills=2, errors=9),
        Scenario(
            "rotate", ROTATE, _nothing, kills=15, errors=50, after="CreateAccessKey", retires=True
        ),
    )
}


#: IAM made our key, and the answer is lost, or tells little. Where IAM made none, another's that
#: nobody used is what a late execution would leave, and is taken for it (README).
RIVALS = {
    ("CreateAccessKey:1", way)
    for way in (
        "cut:before-headers:fin", "cut:in-secret:rst", "cut:before-end:fin", "error:500:executed",
        "stall:before-headers", "garble:not-xml", "garble:other-user",
    )
}  # fmt: skip


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
        calls = call_points(name, recording, everything, recording.failed_after)
        kills = [point for point in calls if point.is_kill]
        errors = [point for point in calls if not point.is_kill]
        found = [
            *kills[:: 1 if everything else scenario.kills],
            *errors[:: 1 if everything else scenario.errors],
            *service_points(name, recording, request),
        ]
        if scenario.rival and not everything:
            last = f"C_UnwrapKey:{recording.last('C_UnwrapKey')}"
            found = [
                point
                for point in found
                if (point.place, point.way) in RIVALS or (point.place == last and point.is_kill)
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
            self.bed.meddle(OTHER_USER)
            if scenario.rival:
                outcome.problems += self.bed.settle_rival(self.bed.meddle(USER))
            elif not scenario.retires:
                self.bed.meddle(USER, used=True)
            if scenario.retires and zlib.crc32(point.name.encode()) % 2:
                outcome.problems += self._repeat(scenario)
            if recovers and not scenario.rival:
                outcome.problems += self.bed.settle(
                    point, early="late" in point.way, meddles=not scenario.retires
                )
            if point.way.startswith("duplicate"):
                twin = self.bed.find_twin()
                if twin:
                    self.bed.foreign.add(twin)
                else:
                    outcome.problems.append("a key of two is not named")
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
