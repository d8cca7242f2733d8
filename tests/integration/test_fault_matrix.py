"""Whatever fails, and whenever the process is killed: no key is lost, and none is left behind.

Every call that the tool makes on the ledger, the token and the network while it issues a key (and of
those that it makes while it replaces one, some), and
everything that IAM can do wrong, fails in every way it can, one run each; then `recover` runs until
nothing is open, and what IAM, the token and the ledger say is compared (fault_bed.py).

    HSMIAM_BIN=... HSMIAM_FAULT_SHIM=... HSMIAM_TROUBLE_MODULE=... PYTHONPATH=tests/support \
        python3 -B tests/integration/test_fault_matrix.py [--list] [--only PATTERN] [--verbose]

`--only` takes the name of a point, or a pattern of names (`issue/C_UnwrapKey:*`).
"""

from __future__ import annotations

import argparse
import fnmatch
import functools
import multiprocessing
import os
import sys
import time
import traceback
from pathlib import Path

import fault_bed
from fault_bed import Bed, Outcome, Tools
from fault_points import Point, order_problems
from fault_scenarios import SCENARIOS, Stage

TOOLS = Tools(
    hsmiam=os.environ["HSMIAM_BIN"],
    shim=os.environ["HSMIAM_FAULT_SHIM"],
    module=os.environ["HSMIAM_TROUBLE_MODULE"],
)
# Those that time out on purpose sleep for a second; the cores have other work meanwhile.
WORKERS = min(os.cpu_count() or 1, 8) + 1

_folders: tuple[Path, Path]


def _start_worker(seed: Path, directory: Path) -> None:
    global _folders
    _folders = (seed, directory)


@functools.cache
def _stage() -> Stage:
    """The worker's own."""
    seed, directory = _folders
    return Stage(Bed(TOOLS, seed, directory / f"worker-{os.getpid()}"))


def _points_of(task: tuple[str, bool]) -> list[Point]:
    scenario, everything = task
    return _stage().points(SCENARIOS[scenario], everything)


def _suffer(task: tuple[Point, bool]) -> Outcome:
    """One point, in a worker. What missed its call, by the network's timing, gets another chance."""
    point, recovers = task
    outcome = Outcome(point.name)
    try:
        for steps in (0, 0, 1, 3, 7, 15, 31):
            outcome = _stage().suffer(point.earlier(steps), recovers)
            if outcome.reached:
                break
    except Exception:
        outcome.problems.append(traceback.format_exc())
    outcome.name = point.name
    return outcome


def _check_order(_: None) -> Outcome:
    """What was synced when, in a run that goes well."""
    return Outcome("issue/order", problems=order_problems(_stage().issue))


def _forget(_: None) -> Outcome:
    """What the matrix says of a token that loses a key."""
    return _stage().forget()


class Matrix:
    """All points, carried out by workers that have a bed each."""

    def __init__(self, directory: Path, workers: int) -> None:
        seed = fault_bed.make_seed(TOOLS, directory)
        context = multiprocessing.get_context("fork")
        self.pool = context.Pool(workers, _start_worker, (seed, directory))

    def points(self, everything: bool) -> list[Point]:
        tasks = [(scenario, everything) for scenario in SCENARIOS]
        found = self.pool.map(_points_of, tasks, chunksize=1)
        return [point for points in found for point in points]

    def run(self, points: list[Point], recovers: bool = True) -> list[Outcome]:
        tasks = [(point, recovers) for point in points]
        return list(self.pool.imap_unordered(_suffer, tasks, chunksize=1))

    def check_order(self) -> Outcome:
        return self.pool.map(_check_order, [None])[0]

    def forget(self) -> Outcome:
        return self.pool.map(_forget, [None])[0]

    def close(self) -> None:
        self.pool.terminate()
        self.pool.join()


def report(outcomes: list[Outcome], verbose: bool) -> bool:
    """Say what came of it; true if every point is settled."""
    counted = [outcome for outcome in outcomes if outcome.reached]
    for outcome in counted:
        if not outcome.settled or verbose:
            print(outcome)
            if not outcome.settled:
                print(f"    again: --only '{outcome.name}'")
            if verbose:
                print("    " + outcome.transcript.replace("\n", "\n    "))
    settled = sum(outcome.settled for outcome in counted)
    lost = sum(len(outcome.lost) for outcome in counted)
    orphaned = sum(len(outcome.orphaned) for outcome in counted)
    missed = [outcome.name for outcome in outcomes if not outcome.reached]
    if missed:
        print(f"not reached: {', '.join(sorted(missed))}")
    print(f"{len(counted)} points, {settled} settled, {lost} lost, {orphaned} orphaned")
    return settled == len(outcomes)


def control(matrix: Matrix, points: list[Point]) -> bool:
    """The matrix can fail: without `recover` keys stay behind, and a token can forget one."""
    killed = [
        point
        for point in points
        if (point.scenario, point.way) == ("issue", "kill") and point.place.startswith("C_Unwrap")
    ]
    orphaned = sum(len(outcome.orphaned) for outcome in matrix.run(killed, recovers=False))
    lost = len(matrix.forget().lost)
    print(f"control: {orphaned} orphaned without recover, {lost} lost by a token that forgets")
    return orphaned > 0 and lost > 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--list", action="store_true", help="name the points and end")
    parser.add_argument("--all", action="store_true", help="also those that say the same again")
    parser.add_argument("--only", metavar="PATTERN", help="the points of these names")
    parser.add_argument("--verbose", action="store_true", help="show what each run printed")
    parser.add_argument("--workers", type=int, default=WORKERS, metavar="N", help="(%(default)s)")
    arguments = parser.parse_args()
    began = time.monotonic()
    with fault_bed.fast_directory() as directory:
        matrix = Matrix(directory, arguments.workers)
        try:
            points = matrix.points(arguments.all)
            chosen = [
                point
                for point in points
                if arguments.only in (None, point.name)
                or fnmatch.fnmatchcase(point.name, arguments.only)
            ]
            if arguments.list:
                print("\n".join(point.name for point in chosen))
                return 0
            if not chosen:
                print(f"no point is named {arguments.only}")
                return 2
            outcomes = matrix.run(chosen)
            if arguments.only is None:
                outcomes.append(matrix.check_order())
            right = report(outcomes, arguments.verbose)
            if arguments.only is None:
                right = control(matrix, points) and right
        finally:
            matrix.close()
    print(f"{time.monotonic() - began:.0f} s, {arguments.workers} workers")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
