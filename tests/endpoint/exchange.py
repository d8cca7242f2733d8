"""One request, from its arrival to the script that answers it: truth first, then misbehaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import faults
from authenticate import Verdict
from clock import Clock
from httpmsg import Reply, Request
from kinds import COMBINING
from late import LateQueue
from misbehave import Rule, RuleBook
from requestlog import Entry, RequestLog
from service import Call, Service, read_call
from wire import Close, Gate, Script, Send


@dataclass
class Connection:
    """What is remembered of a connection between its requests."""

    entry: Entry
    drop_next: Rule | None = None


@dataclass
class Exchange:
    """An answer: the script, and the log entry to complete once it was played."""

    entry: Entry
    script: Script = field(default_factory=list)
    answered: str = "complete"


class Desk:
    """Where requests are answered; one for the whole endpoint."""

    def __init__(
        self, service: Service, rules: RuleBook, log: RequestLog, late: LateQueue, gate: Gate
    ) -> None:
        self.service = service
        self.rules = rules
        self.log = log
        self.late = late
        self.gate = gate
        self.trap_url = ""

    @property
    def clock(self) -> Clock:
        return self.service.clock

    def handle(self, request: Request, connection: Connection) -> Exchange:
        call = read_call(request)
        verdict = self.service.verify(request, call)
        entry = self.log.request(connection.entry, request, call, verdict)
        if connection.drop_next:
            return self._drop(connection.drop_next, call, verdict, entry)
        about = call.parameters.get("UserName", verdict.caller_name)
        rules = self.rules.take(call.name, about, entry["access_key_id"])
        self.log.update(entry, misbehaviour=[rule.kind for rule in rules])
        main = next((rule for rule in rules if rule.kind not in COMBINING), None)
        combining = {rule.kind: rule for rule in rules if rule is not main}

        reply = self._outcome(call, verdict, main, combining.get("lag"), entry)
        self.log.update(entry, executed=reply.executed, error_code=reply.error_code)
        scene = faults.Scene(
            self.service, call, lambda: self.service.forge(call, verdict), self.trap_url
        )
        if main and main.kind in faults.REPLACEMENTS:
            reply = faults.REPLACEMENTS[main.kind](main, reply, scene)
        if request.wants_close():
            reply.set_header("Connection", "close")
        if "skew" in combining:
            faults.shift_date(combining["skew"], reply, self.clock)
        script = faults.SCRIPTS.get(main.kind) if main else None
        exchange = Exchange(
            entry, script(main, reply, scene) if main and script else faults.plain(reply)
        )
        exchange.answered = _answered(main, exchange.script)
        self.log.update(entry, status=_status(exchange.script))
        self._end(exchange, request, connection, combining.get("drop-idle"))
        return exchange

    def _outcome(
        self, call: Call, verdict: Verdict, main: Rule | None, lag: Rule | None, entry: Entry
    ) -> Reply:
        """Let the operation take effect, as often and as late as the rules say."""
        if main and main.kind == "stall" and main["at"] == "before-execute":
            self.gate.wait(main["seconds"])
        if main and main.kind == "execute-late":
            due = self.clock.now() + timedelta(seconds=main["seconds"])
            self.late.add(due, lambda: self._execute_late(call, verdict, entry))
            return self.service.forge(call, verdict)
        if main and not main.execute:
            return self.service.forge(call, verdict)
        as_of = self.clock.now() - timedelta(seconds=lag["seconds"]) if lag else None
        reply = self.service.perform(call, verdict, as_of)
        if main and main.kind == "duplicate":
            second = self.service.perform(call, verdict, as_of)
            executed = reply.executed + second.executed
            reply = second if main["answer"] == "last" else reply
            reply.executed = executed
        return reply

    def _execute_late(self, call: Call, verdict: Verdict, entry: Entry) -> None:
        reply = self.service.perform(call, verdict)
        self.log.update(entry, executed=reply.executed, error_code=reply.error_code)

    def _drop(self, rule: Rule, call: Call, verdict: Verdict, entry: Entry) -> Exchange:
        """Close a kept-alive connection on a request's arrival, as an idle server does."""
        executed = self.service.perform(call, verdict).executed if rule["execute_next"] else 0
        self.log.update(entry, misbehaviour=["drop-idle"], executed=executed)
        return Exchange(entry, [Close(rule["how"])], "none")

    def _end(
        self, exchange: Exchange, request: Request, connection: Connection, drop: Rule | None
    ) -> None:
        """Decide what becomes of the connection after the reply."""
        if drop and drop["when"] == "next-request":
            connection.drop_next = drop
        elif drop:
            exchange.script.append(Close(drop["how"]))
        if request.wants_close():
            exchange.script.append(Close("close-notify"))


def _answered(main: Rule | None, script: Script) -> str:
    """How much of an answer a script is: complete, partial or none."""
    closes = any(isinstance(step, Close) for step in script)
    if main is None or main.kind == "huge" or not closes:
        return "complete"
    return "partial" if any(isinstance(step, Send) for step in script) else "none"


def _status(script: Script) -> int | None:
    """The status that the client gets to see."""
    first = next((step.data for step in script if isinstance(step, Send)), b"")
    return int(first[9:12]) if first[9:12].isdigit() else None
