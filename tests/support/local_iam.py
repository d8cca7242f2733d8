"""The local IAM of tests/endpoint, running in this process, as the tests see it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "endpoint"))

import control  # noqa: E402
from endpoint import Endpoint, Options  # noqa: E402
from server import Door  # noqa: E402
from service import Settings  # noqa: E402, F401
from tls import TlsOptions  # noqa: E402

Json = dict[str, Any]

PATIENCE = 60  # seconds that only a test which fails takes


class LocalIam:
    """An endpoint with users, keys and orders; `stop` frees its ports and ends its threads.

    All of one program have the same certificates, unless they are told which to have.
    """

    def __init__(self, directory: Path, **options: Any) -> None:
        options.setdefault("tls", TlsOptions(shared=True))
        self.directory = directory
        self.endpoint = Endpoint(Options(state_dir=directory, **options))
        self.url = self.endpoint.url
        self.ca_bundle = directory / "ca.pem"
        self.root_id = self.endpoint.credential.access_key_id
        self.root_secret = self.endpoint.credential.secret

    def stop(self) -> None:
        self.endpoint.stop()

    def state(self) -> Json:
        return control.state(self.endpoint)

    def secrets(self) -> dict[str, str]:
        """All secrets ever handed out, by access key id."""
        state = self.state()
        known = {self.root_id: self.root_secret}
        for key in [*state["keys"], *state["deleted_keys"]]:
            known[key["AccessKeyId"]] = key["SecretAccessKey"]
        return known

    def keys_of(self, name: str | None) -> list[Json]:
        """The keys that a user has now; None is the account's root user."""
        state = self.state()
        return next(
            user["keys"] for user in [state["root"], *state["users"]] if user["UserName"] == name
        )

    def key_ids(self, name: str | None) -> list[str]:
        return [key["AccessKeyId"] for key in self.keys_of(name)]

    def deleted_ids(self) -> list[str]:
        return [key["AccessKeyId"] for key in self.state()["deleted_keys"]]

    def requests(self, operation: str | None = None) -> list[Json]:
        """The log of requests, of one operation or of all."""
        return self.endpoint.log.requests(operation)

    def connections(self) -> list[Json]:
        return self.endpoint.log.connections()

    def wait(self, operation: str, count: int = 1) -> bool:
        """Whether so many requests of an operation arrive in time, and are answered or stall: what
        they do at IAM before that is done."""
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            sent = [entry["answered"] is not None for entry in self.requests(operation)]
            if len(sent) >= count and sent.count(True) + self.endpoint.gate.waiting() >= count:
                return True
            time.sleep(0.005)
        return False

    def release(self) -> None:
        """Let an answer that stalls, or is about to, go on."""
        limit = time.monotonic() + PATIENCE
        while not self.endpoint.gate.release():
            assert time.monotonic() < limit, "nothing stalls"
            time.sleep(0.005)

    def misbehave(self, kind: str, operation: str = "CreateAccessKey", **fields: Any) -> None:
        self.endpoint.rules.add([{"kind": kind, "operation": operation, **fields}])

    def allow(self, *entries: str) -> None:
        self.endpoint.change_permissions(list(entries), [], False)

    def deny(self, *entries: str) -> None:
        self.endpoint.change_permissions([], list(entries), False)

    def act(self, operation: str, **parameters: str) -> Json:
        """An operation in the account's own name, past all permissions."""
        done = control.act(self.endpoint, {"operation": operation, "parameters": parameters})
        assert done["status"] == 200, done["xml"]
        return done

    def demand_mfa(self) -> None:
        """From now on IAM takes sessions only that were begun by MFA."""
        self.endpoint.service.permissions.needs_mfa = True

    def end_sessions(self) -> None:
        """From now on a session ends with the key that it was asked for by."""
        self.endpoint.service.permissions.ends_sessions = True

    def sessions(self) -> list[tuple[str, str, str]]:
        """All temporary credentials: id, secret, session token."""
        service = self.endpoint.service
        with service.lock:
            found = service.store.sessions.values()
            return [(each.access_key_id, each.secret, each.token) for each in found]

    def use(self, access_key_id: str) -> None:
        """As if somebody had signed a request with that key."""
        service = self.endpoint.service
        with service.lock:
            service.store.keys[access_key_id].last_used = self.endpoint.clock.now()

    def set_clock(self, offset_seconds: float) -> None:
        self.endpoint.clock.set_offset(offset_seconds)

    def set_door(self, mode: str) -> None:
        """What befalls new connections: open, refuse, close or stall."""
        self.endpoint.server.set_door(Door(mode, -1))
