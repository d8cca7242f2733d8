"""The rules of misbehaviour: what a test ordered, and which request it falls on.

A rule is a JSON object: `kind`, `operation` ("*": any), `user` (the UserName asked for, else the
signer's), `access_key_id` (the signer's), `skip` (0), `times` (1; -1: for ever), `execute`, and
the fields of its kind. Every request that a rule matches first counts its `skip` down; after that
the rule falls on `times` requests. `skew`, `lag` and `drop-idle` go together with any other rule;
of the rest one falls on a request, in the order they were given.

`execute` says whether the operation takes effect. What the client gets to see of a reply whose
operation took none is forged: such a key was never made. Requests to services other than IAM and
STS are called VerifyRequest.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from kinds import COMBINING, COMMON, KINDS, BadRule


@dataclass
class Rule:
    """A rule in the queue; `values` are the fields of its kind, defaults filled in."""

    number: int
    kind: str
    operation: str
    user: str | None
    access_key_id: str | None
    times: int
    skip: int
    execute: bool
    values: dict[str, Any]
    served: int = 0

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def matches(self, operation: str, user: str | None, access_key_id: str | None) -> bool:
        return (
            self.operation in ("*", operation)
            and self.user in (None, user)
            and self.access_key_id in (None, access_key_id)
        )

    def describe(self) -> dict[str, Any]:
        shown = {name: getattr(self, name) for name in COMMON} | self.values
        return {"id": self.number, "served": self.served} | shown


def parse_rule(order: Any, number: int) -> Rule:
    """Check an order and fill in its defaults."""
    if not isinstance(order, dict) or order.get("kind") not in KINDS:
        raise BadRule(f"kind must be one of {', '.join(KINDS)}")
    kind = KINDS[order["kind"]]
    known = COMMON | kind.fields
    if kind.execute is None:
        known.pop("execute")
    for name, value in order.items():
        if name not in known:
            raise BadRule(f"{order['kind']} has no field {name}; it has {', '.join(kind.fields)}")
        known[name].check(name, value)
    common = {name: order.get(name, item.default) for name, item in COMMON.items()}
    if common["execute"] is None:
        common["execute"] = kind.execute is not False
    values = {name: order.get(name, item.default) for name, item in kind.fields.items()}
    return Rule(number=number, values=values, **common)


class RuleBook:
    """The queue of rules."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._number = 0

    def add(self, orders: list[Any]) -> list[Rule]:
        """Queue rules, all or none."""
        with self._lock:
            rules = [parse_rule(order, self._number + at) for at, order in enumerate(orders, 1)]
            self._number += len(rules)
            self._rules += rules
            return rules

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def describe(self) -> list[dict[str, Any]]:
        with self._lock:
            return [rule.describe() for rule in self._rules]

    def take(self, operation: str, user: str | None, access_key_id: str | None) -> list[Rule]:
        """The rules that fall on this request, used up accordingly."""
        taken: list[Rule] = []
        with self._lock:
            for rule in self._rules:
                if not rule.matches(operation, user, access_key_id):
                    continue
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                exclusive = rule.kind not in COMBINING
                if exclusive and any(other.kind not in COMBINING for other in taken):
                    continue
                taken.append(rule)
                rule.served += 1
                rule.times -= rule.times > 0
            self._rules = [rule for rule in self._rules if rule.times != 0]
        return taken
