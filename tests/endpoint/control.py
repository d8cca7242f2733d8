"""The control port: plain HTTP and JSON on loopback, for tests only.

GET  /state         account, clock, users with their keys and secrets, deleted keys, rules, door
GET  /log           requests; ?operation=NAME, ?since=NUMBER
GET  /connections   connections, with TLS version, cipher and failed handshakes
GET  /wait          block until ?count=N requests of ?operation=NAME have reached ?state=
                    (arrived, executed, answered), at most ?timeout= seconds
GET  /hits          visits to /hit/NAME, where only a client led astray goes
GET  /misbehave     the rules that are left; POST adds one or a list, DELETE clears
POST /clock         {"offset_seconds": n} or {"advance_seconds": n}
POST /door          {"mode": "open|refuse|close|stall", "times": n}
POST /release       end every stall under way
POST /drop          close every open connection
POST /act           {"operation": NAME, "parameters": {...}} as the account's root user
POST /permissions   {"allow": [...], "deny": [...], "reset": true}, entries "USER:ACTION"
POST /reset         back to the start; {"only": ["state", "log", "rules", "clock", "door"]}
"""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from clock import iso
from kinds import BadRule
from requestlog import Entry
from server import MODES, Door
from store import AccessKey, User

if TYPE_CHECKING:
    from endpoint import Endpoint

Body = dict[str, Any]
Query = dict[str, str]


class BadOrder(ValueError):
    """An order that makes no sense; answered with 400 and the reason."""


def key_facts(key: AccessKey) -> Body:
    return {
        "UserName": key.user.name or None,
        "AccessKeyId": key.access_key_id,
        "SecretAccessKey": key.secret,
        "Status": key.status,
        "CreateDate": iso(key.created),
        "DeleteDate": iso(key.deleted),
        "LastUsedDate": iso(key.last_used),
        "LastUsedService": key.last_service,
        "LastUsedRegion": key.last_region,
    }


def state(endpoint: Endpoint) -> Body:
    """Everything that is held, secrets included."""
    service = endpoint.service
    with service.lock:
        store = service.store

        def user_facts(user: User) -> Body:
            return {
                "UserName": user.name or None,
                "UserId": user.user_id,
                "Arn": user.arn,
                "Path": user.path,
                "CreateDate": iso(user.created),
                "keys": [key_facts(key) for key in store.keys_of(user)],
            }

        facts: Body = {
            "account": store.account,
            "root": user_facts(store.root),
            "users": [user_facts(user) for user in store.users.values()],
            "keys": [key_facts(key) for key in store.keys.values()],
            "deleted_keys": [key_facts(key) for key in store.deleted_keys],
        }
    door = endpoint.server.door()
    return facts | {
        "now": iso(endpoint.clock.now()),
        "offset_seconds": endpoint.clock.offset_seconds,
        "late_executions": endpoint.late.pending(),
        "rules": endpoint.rules.describe(),
        "door": {"mode": door.mode, "times": door.times},
        "hits": endpoint.log.hits(),
    }


def wait(endpoint: Endpoint, query: Query) -> Body:
    operation, count = query.get("operation"), int(query.get("count", "1"))
    wanted = query.get("state", "arrived")
    tests: dict[str, Callable[[Entry], bool]] = {
        "arrived": lambda entry: True,
        "executed": lambda entry: entry["executed"] > 0,
        "answered": lambda entry: entry["answered"] is not None,
    }
    if wanted not in tests:
        raise BadOrder(f"state must be one of {', '.join(tests)}")

    def reached(entries: list[Entry]) -> bool:
        matching = [entry for entry in entries if operation in (None, entry["operation"])]
        return sum(map(tests[wanted], matching)) >= count

    return {"reached": endpoint.log.wait(reached, float(query.get("timeout", "5")))}


def clock(endpoint: Endpoint, body: Body) -> Body:
    if "advance_seconds" in body:
        endpoint.clock.advance(float(body["advance_seconds"]))
    elif "offset_seconds" in body:
        endpoint.clock.set_offset(float(body["offset_seconds"]))
    else:
        raise BadOrder("offset_seconds or advance_seconds is needed")
    return {
        "now": iso(endpoint.clock.now()),
        "offset_seconds": endpoint.clock.offset_seconds,
    }


def door(endpoint: Endpoint, body: Body) -> Body:
    mode, times = body.get("mode", "open"), body.get("times", -1)
    if mode not in MODES or not isinstance(times, int):
        raise BadOrder(f"mode must be one of {', '.join(MODES)}, times a number")
    if mode == "refuse" and times != -1:
        raise BadOrder("refused connections cannot be counted")
    endpoint.server.set_door(Door(mode, times))
    return {"mode": mode, "times": times}


def act(endpoint: Endpoint, body: Body) -> Body:
    parameters = {name: str(value) for name, value in body.get("parameters", {}).items()}
    reply = endpoint.service.act(str(body.get("operation")), parameters)
    found = reply.body.partition(b"<AccessKeyId>")[2].partition(b"<")[0].decode()
    return {
        "status": reply.status,
        "error_code": reply.error_code,
        "access_key_id": found or None,
        "secret_access_key": reply.secret,
        "xml": reply.body.decode(),
    }


def misbehave(endpoint: Endpoint, body: Any) -> Body:
    rules = endpoint.rules.add(body if isinstance(body, list) else [body])
    return {"rules": [rule.describe() for rule in rules]}


def permissions(endpoint: Endpoint, body: Body) -> Body:
    endpoint.change_permissions(
        body.get("allow", []), body.get("deny", []), bool(body.get("reset"))
    )
    return {}


def reset(endpoint: Endpoint, body: Body) -> Body:
    return {"reset": endpoint.reset(body.get("only"))}


def release(endpoint: Endpoint, body: Body) -> Body:
    return {"released": endpoint.gate.release()}


def drop(endpoint: Endpoint, body: Body) -> Body:
    endpoint.server.drop_connections()
    return {}


def requests(endpoint: Endpoint, query: Query) -> Body:
    found = endpoint.log.requests(query.get("operation"), int(query.get("since", "0")))
    return {"requests": found}


GETS: dict[str, Callable[[Any, Query], Body]] = {
    "/state": lambda endpoint, query: state(endpoint),
    "/log": requests,
    "/connections": lambda endpoint, query: {"connections": endpoint.log.connections()},
    "/wait": wait,
    "/hits": lambda endpoint, query: {"hits": endpoint.log.hits()},
    "/misbehave": lambda endpoint, query: {"rules": endpoint.rules.describe()},
}
POSTS: dict[str, Callable[[Any, Any], Body]] = {
    "/misbehave": misbehave,
    "/clock": clock,
    "/door": door,
    "/release": release,
    "/drop": drop,
    "/act": act,
    "/permissions": permissions,
    "/reset": reset,
}


class _Server(ThreadingHTTPServer):
    """HTTPServer looks its own name up when it binds, which can take seconds; not here."""

    daemon_threads = True
    endpoint: Endpoint

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together, when the request is done
    server: _Server

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: requests here are not the ones a test is about."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path.startswith("/hit/"):
            self._hit(parts.path)
            return
        query = dict(parse_qsl(parts.query))
        self._answer(GETS.get(parts.path), lambda: query)

    def do_POST(self) -> None:
        if self.path.startswith("/hit/"):
            self._hit(self.path)
            return
        self._answer(POSTS.get(self.path), self._json)

    def do_DELETE(self) -> None:
        def clear(endpoint: Endpoint, body: Any) -> Body:
            endpoint.rules.clear()
            return {"rules": []}

        self._answer(clear if self.path == "/misbehave" else None, self._json)

    def _hit(self, path: str) -> None:
        self._read()
        name = path.removeprefix("/hit/")
        self._write(200, {"hits": self.server.endpoint.log.hit(name)})

    def _answer(self, action: Callable[[Any, Any], Body] | None, given: Callable[[], Any]) -> None:
        try:
            argument = given()
            if action is None:
                self._write(404, {"error": f"nothing at {self.path}"})
            else:
                self._write(200, action(self.server.endpoint, argument))
        except (BadRule, BadOrder, ValueError, AttributeError, TypeError) as problem:
            self._write(400, {"error": str(problem)})

    def _read(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _json(self) -> Any:
        return json.loads(self._read() or b"{}")

    def _write(self, status: int, body: Body) -> None:
        data = (json.dumps(body, indent=2) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Control:
    """The control server, in threads of its own."""

    def __init__(self, endpoint: Endpoint, port: int) -> None:
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.endpoint = endpoint
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
