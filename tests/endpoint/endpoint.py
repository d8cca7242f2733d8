"""The endpoint as a whole: service, HTTP server, control port and their start and end."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clock import Clock, iso
from control import Control
from exchange import Desk
from late import LateQueue
from misbehave import RuleBook
from requestlog import RequestLog
from server import Door, Server
from service import Permissions, Service, Settings
from store import new_access_key_id, new_secret
from tls import TlsOptions, make_context
from wire import Gate

PARTS = ("state", "log", "rules", "clock", "door")


@dataclass
class Options:
    """How an endpoint is set up; the command line's options, one for one."""

    state_dir: Path
    host: str = "127.0.0.1"
    port: int = 0
    control_port: int = 0
    plain: bool = False
    user: str = "root-admin"
    account_root: bool = False
    access_key_id: str | None = None
    secret_file: Path | None = None
    users: list[str] = field(default_factory=list)
    allow: list[str] = field(default_factory=list)
    deny: list[str] = field(default_factory=list)
    rules: list[Any] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)
    tls: TlsOptions = field(default_factory=TlsOptions)
    idle_timeout: float = 120.0


@dataclass(frozen=True)
class Credential:
    """The access key that exists from the start."""

    access_key_id: str
    secret: str
    secret_file: Path


class Endpoint:
    """A running endpoint. Make it to start it; `stop` ends it and frees its ports."""

    def __init__(self, options: Options) -> None:
        self.options = options
        options.state_dir.mkdir(parents=True, exist_ok=True)
        self.credential = self._credential()
        self.clock = Clock()
        self.service = Service(options.settings, self.clock)
        self.rules = RuleBook()
        self.log = RequestLog(self.clock)
        self.late = LateQueue(self.clock)
        self.gate = Gate()
        self.desk = Desk(self.service, self.rules, self.log, self.late, self.gate)
        self._populate()
        self.rules.add(options.rules)
        context = None if options.plain else make_context(options.state_dir, options.tls)
        self.server = Server(options.host, options.port, self.desk, context, options.idle_timeout)
        self.control = Control(self, options.control_port)
        self.desk.trap_url = f"{self.control.url}/hit"

    @property
    def url(self) -> str:
        scheme = "http" if self.options.plain else "https"
        host = f"[{self.options.host}]" if ":" in self.options.host else self.options.host
        return f"{scheme}://{host}:{self.server.port}"

    def facts(self) -> dict[str, Any]:
        """What a client needs to know; the content of the ready file."""
        options = self.options
        state = options.state_dir.absolute()
        return {
            "endpoint": self.url,
            "ca_bundle": None if options.plain else os.fspath(state / "ca.pem"),
            "access_key_id": self.credential.access_key_id,
            "secret_file": os.fspath(self.credential.secret_file.absolute()),
            "user": None if options.account_root else options.user,
            "account": options.settings.account,
            "region": options.settings.region,
            "control": self.control.url,
            "pid": os.getpid(),
        }

    def reset(self, only: list[str] | None = None) -> list[str]:
        """Put parts, or everything, back to how it was at the start."""
        parts = list(PARTS if only is None else only)
        if not set(parts) <= set(PARTS):
            raise ValueError(f"only may name {', '.join(PARTS)}")
        if "rules" in parts:
            self.rules.clear()
        if "clock" in parts:
            self.late.clear()
            self.clock.set_offset(0)
        if "state" in parts:
            self.late.clear()
            self._populate()
        if "door" in parts:
            self.server.set_door(Door())
        if "log" in parts:
            self.log.clear()
        return parts

    def change_permissions(self, allow: list[str], deny: list[str], reset: bool) -> None:
        """Add to what users may and may not do; `reset` starts from the options' own."""
        entries = [[_entry(text) for text in texts] for texts in (allow, deny)]
        with self.service.lock:
            if reset:
                self.service.permissions = self._permissions()
            self.service.permissions.allowed.update(entries[0])
            self.service.permissions.denied.update(entries[1])

    def stop(self) -> None:
        self.gate.stop()
        self.server.stop()
        self.control.stop()
        self.late.stop()

    def _permissions(self) -> Permissions:
        return Permissions(
            {self.options.user},
            {_entry(text) for text in self.options.allow},
            {_entry(text) for text in self.options.deny},
        )

    def _populate(self) -> None:
        """Users and the first key, as at the start."""
        options, now = self.options, self.clock.now()
        with self.service.lock:
            self.service.clear()
            self.service.permissions = self._permissions()
            store = self.service.store
            owner = store.root
            if not options.account_root:
                owner = store.add_user(options.user, now)
            for name in options.users:
                if not store.has_name(name):
                    store.add_user(name, now)
            first = self.credential
            key = store.add_key(owner, now, first.access_key_id, first.secret)
            # It was there before the beginning, so that no stale listing lacks it.
            key.changes = [(datetime.min.replace(tzinfo=UTC), key.status)]

    def _credential(self) -> Credential:
        """The key given, the one of an earlier start in this directory, or a new one."""
        options = self.options
        if options.access_key_id and options.secret_file:
            secret = options.secret_file.read_text().strip()
            return Credential(options.access_key_id, secret, options.secret_file)
        known = options.state_dir / "credentials.json"
        secret_file = options.state_dir / "secret"
        if known.exists():
            held = json.loads(known.read_text())["AccessKey"]
            return Credential(held["AccessKeyId"], held["SecretAccessKey"], secret_file)
        access_key_id, secret = new_access_key_id(), new_secret()
        held = {
            "UserName": None if options.account_root else options.user,
            "AccessKeyId": access_key_id,
            "Status": "Active",
            "SecretAccessKey": secret,
            "CreateDate": iso(Clock().now()),
        }
        write_private(secret_file, secret)
        write_private(known, json.dumps({"AccessKey": held}, indent=2) + "\n")
        return Credential(access_key_id, secret, secret_file)


def _entry(text: str) -> tuple[str, str]:
    """Read `USER:ACTION`; the service's prefix before the action may be given or not."""
    user, colon, action = text.partition(":")
    if not colon or not user or not action:
        raise ValueError(f"not USER:ACTION: {text}")
    return user, action.removeprefix("iam:")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
