"""That what uses a key leaves no trace in memory: temporary credentials and the sessions that sign
with them, the endpoint that serves them, signed requests, and a key on its way to another token.

Temporary credentials are secrets, and so are their session tokens, and the authorization token of
the endpoint. What is printed by a protocol is in secret memory, once, when it is about to be.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import secrets
import signal
import socket
import struct
import threading
import time
import unittest
from collections.abc import Callable
from pathlib import Path

import cryptoki
import keyrings
from harness import CONFIGURATION, GENERAL, HSMIAM, OK, REFUSED, SECONDS
from memory import TALLY, Found, Watch
from memory_test import IMPORTED, MemoryTest, is_just, without

DEVICE = "arn:aws:iam::123456789012:mfa/custodian"
ROLE = "arn:aws:iam::123456789012:role/Reader"
MOVED = "AKIAMOVED00000000000"


def tearDownModule() -> None:
    print(f"\n{TALLY}", flush=True)


def without_kept(found: list[Found], kept: dict[str, int]) -> list[Found]:
    """Leaves out secrets, given by their names and sizes, that are in secret memory, as a whole and
    once; each of them must be, which is the control of all this."""
    for name, size in kept.items():
        there = [one for one in found if one.name == f"{name}:raw" and is_just(one, size)]
        assert len(there) == 1 and there[0].is_in_secret_memory, f"{name}: {there} of {found}"
        TALLY.copies -= 1
        found = [one for one in found if one not in there]
    return found


class UseTest(MemoryTest):
    def words(self, command: str, *more: str) -> list[str]:
        credential = self.uri(self.iam.root_id)
        return [HSMIAM, command, *self.iam_arguments(credential=credential), *more]

    def kept_session(self) -> dict[str, int]:
        """The sizes of the newest session's secrets."""
        access_key_id, secret, token = self.iam.sessions()[-1]
        return {access_key_id: len(secret), f"{access_key_id}-token": len(token)}

    def assert_unsaid(self, text: str) -> None:
        """No secret, of a session neither, in what was said."""
        for access_key_id, secret, token in self.iam.sessions():
            self.searcher.add_access_key(f"secret of {access_key_id}", secret)
            self.searcher.add(f"token of {access_key_id}", token)
        self.assertEqual(self.searcher.search(text.encode()), [], text)


class CredentialsTest(UseTest):
    """Where credentials are printed, that line alone has them, and at the end nothing has."""

    def without_cache(self, why: str, found: list[Found]) -> list[Found]:
        found = super().without_cache(why, found)
        return without_kept(found, self.kept_session()) if why == "write" else found

    def ask(self, *more: str, expect: int = OK, stops: tuple[str, ...] = ("write",)) -> str:
        return self.watch(self.words("credential-process", *more), expect, list(stops))

    def test_session_of_the_user(self) -> None:
        printed, _, said = self.ask("--debug", stops=("error", "write")).partition("\n")
        told = json.loads(printed)
        ((_, *session),) = self.iam.sessions()
        self.assertEqual([told["SecretAccessKey"], told["SessionToken"]], session)
        self.assertIn("< HTTP/1.1 200", said)
        self.assert_unsaid(said)

    def test_kept_in_the_keyring(self) -> None:
        """The second run takes them from there."""
        role = ("--role-arn", ROLE, "--role-session-name", self.directory.name)
        words = (*role, "--cache", "keyring")
        if not keyrings.has_keyrings():
            self.ask(*words, expect=CONFIGURATION, stops=("error",))
            return
        self.addCleanup(keyrings.forget, self.directory.name)
        self.assertEqual(self.ask(*words), self.ask(*words))
        self.assertEqual(len(self.iam.sessions()), 1)

    def test_refusal_that_tells_them(self) -> None:
        self.iam.misbehave("secret-in-error", "AssumeRole", status=400)
        said = self.ask("--role-arn", ROLE, "--debug", expect=REFUSED, stops=("error",))
        self.assertIn("with <left out>", said)
        self.assert_unsaid(said)

    def test_answer_that_is_not_taken(self) -> None:
        self.iam.misbehave("garble", "AssumeRole", how="comment-secret")
        said = self.ask("--role-arn", ROLE, "--debug", expect=GENERAL, stops=("error",))
        self.assertIn("markup inside of SecretAccessKey", said)
        self.assert_unsaid(said)


class SessionTest(UseTest):
    """Sessions that sign: their secrets are in the token."""

    def mfa(self, code: str) -> tuple[str, ...]:
        return ("--mfa-serial", DEVICE, "--token-code", code)

    def without_cache(self, why: str, found: list[Found]) -> list[Found]:
        """A session's signing key is kept as that of the access key, and beside it its token."""
        found = super().without_cache(why, found)
        if why == "exit":
            return found
        for access_key_id, _, token in self.iam.sessions():
            names = {f"{access_key_id}-key4": 32, f"{access_key_id}-token:": len(token)}
            found = without(found, names)
        return found

    def test_mfa(self) -> None:
        said = self.watch(self.words("get-caller-identity", "--debug", *self.mfa("000001")), OK,
                          ["error", "write"])  # fmt: skip
        self.assertIn("X-Amz-Security-Token: <left out>", said)
        self.assert_unsaid(said)

    def test_signed_requests(self) -> None:
        url = ("--region", "us-east-1", "--service", "sts", "--url", "https://sts.amazonaws.com/")
        credential = ("--credential", self.uri(self.iam.root_id))
        said = self.watch([HSMIAM, "sign-request", *credential, *url], OK, ["write"])
        self.assertRegex(said, r"Signature=[0-9a-f]{64}")
        # The URL that is printed then has the token in it.
        words = self.words("sign-request", *url, "--presign", *self.mfa("000001"))
        said = self.watch(words, OK, ["write"], underway=("write 1",))
        self.assertIn("&X-Amz-Security-Token=", said)

    def test_library(self) -> None:
        steps = ("credentials", f"credentials:{ROLE}", "mfa:000001", "identity", "sign", "close",
                 "finish")  # fmt: skip
        self.assertEqual(self.program(*steps), [0] * len(steps))
        self.assertEqual(len(self.iam.sessions()), 3)


class MoveTest(UseTest):
    """A key that is wrapped in its token, and unwrapped in a token."""

    def test_tool(self) -> None:
        self.import_key("--exportable")
        file = self.directory / "wrapping.pem"
        token = ("--token", self.uri())
        self.hsmiam("provision-token", *token, "--export-wrapping-key", str(file))
        wrapped = self.watch(
            [HSMIAM, "export-access-key", *token, "--access-key-id", IMPORTED,
             "--recipient", str(file), "--yes", "--debug"], OK, ["error", "write"],
        )  # fmt: skip
        with cryptoki.session(self.token) as session:
            session.destroy(session.find(IMPORTED))
        path = self.write("wrapped.json", wrapped.partition("\n}\n")[0] + "\n}\n")
        said = self.watch([HSMIAM, "import-access-key", *token, "--wrapped", str(path)], OK,
                          ["write", "error"])  # fmt: skip
        self.assertIn('"ImportRoute": "wrapped"', said)

    def test_library(self) -> None:
        self.environment["EXPORTABLE"] = "yes"
        secret = self.imported[IMPORTED] = secrets.token_urlsafe(30)
        steps = (f"import:{IMPORTED}", f"export:{IMPORTED}", f"move:{MOVED}", "finish")
        self.assertEqual(self.program(*steps, stdin=secret.encode()), [0] * len(steps))


class ServeTest(UseTest):
    """Between requests, the endpoint has its token and the credentials in secret memory, once."""

    def setUp(self) -> None:
        super().setUp()
        self.token_file = self.directory / "authorization-token"
        self.searcher.allow(self.token_file)
        self.authorization = ""

    def needles(self, why: str, is_tool: bool = True) -> dict[str, bytes]:
        if self.token_file.exists():
            self.authorization = self.token_file.read_text()
            self.searcher.add("authorization token", self.authorization)
        token = {"authorization": self.authorization.encode()} if self.authorization else {}
        return super().needles(why, is_tool) | token

    def start_serving(self) -> None:
        words = self.words("serve", "--role-arn", ROLE, "--debug", "--duration-seconds", "900",
                           "--authorization-token-file", str(self.token_file))  # fmt: skip
        self.watched = Watch(words, self.environment, self.needles, cwd=self.directory)
        self.stops = self.watched.stops()
        self.wrong: list[str] = []
        self.address: tuple[str, int] | None = None  # it is told when it goes on
        scanner = self.watched.process.pid
        self.look("error", dict)  # the first line of --debug, when there is nothing yet
        self.pid = int(Path(f"/proc/{scanner}/task/{scanner}/children").read_text())
        self.look("write", self.kept)

    def read_variables(self) -> None:
        assert self.watched.process.stdout
        lines = [self.watched.process.stdout.readline().decode() for _ in range(2)]
        host, self.path = re.findall(r"http://([^/]+)(/.*)", lines[0])[0]
        self.address = (host.partition(":")[0], int(host.partition(":")[2]))

    def kept_token(self) -> dict[str, int]:
        return {"authorization": len(self.authorization)}

    def kept(self) -> dict[str, int]:
        return self.kept_session() | self.kept_token()

    def look(self, where: str, kept: Callable[[], dict[str, int]], after: str = "start") -> None:
        """See what there is in memory where it stops next, and what is kept there."""
        why, found = next(self.stops)
        self.assertEqual(why, where)
        found = without_kept(self.without_cache(why, found), kept())
        self.wrong += [f"after {after}: {one}" for one in found]

    def go_on(self, act: Callable[[], None], kept: Callable[[], dict[str, int]],
              end: int = signal.SIGSTOP) -> None:  # fmt: skip
        """Let it run, do something with it meanwhile, and look when that is done."""

        def work() -> None:
            try:
                if not self.address:
                    self.read_variables()
                act()
            except Exception as problem:  # noqa: BLE001
                self.wrong.append(f"{act.__name__}: {problem!r}")
            os.kill(self.pid, end)

        thread = threading.Thread(target=work)
        thread.start()
        self.look("exit" if end == signal.SIGTERM else "signal", kept, act.__name__)
        thread.join()

    def end(self, act: Callable[[], None]) -> str:
        """End it; what it said."""
        self.go_on(act, dict, signal.SIGTERM)
        self.wrong += [] if next(self.stops)[0] == "end 0" else ["its exit code"]
        said = "".join(self.watched.finish())
        self.assertEqual(self.wrong, [], "\n".join(["", *self.wrong, said]))
        self.assert_unsaid(said)
        return said

    def ask(self, token: str | None) -> int:
        """One request. The connection of the one before it is cleared away by then."""
        connection = http.client.HTTPConnection(*self.address, timeout=SECONDS)
        connection.request("GET", self.path, headers={"Authorization": token} if token else {})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def be_cut(self, request: str) -> None:
        """A client that is gone before it has its answer, and resets the connection."""
        with socket.create_connection(self.address, timeout=SECONDS) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(request.encode())

    def test_between_requests(self) -> None:
        def refuse() -> None:
            for token in (None, "0" * 64, "x"):
                assert self.ask(token) == 401

        def answer() -> None:
            assert (self.ask(self.authorization), self.ask(None)) == (200, 401)

        def cut() -> None:
            head = f"GET {self.path} HTTP/1.1\r\nHost: x\r\nAuthorization: {self.authorization}"
            for rest in ("", "\r\n", "\r\n\r\n"):
                self.be_cut(head + rest)
            assert [self.ask(None), self.ask(None)] == [401, 401]

        def look_from_outside() -> None:
            self.wrong += self.searcher.search(Path(f"/proc/{self.pid}/cmdline").read_bytes())
            with contextlib.suppress(PermissionError):  # it is for root
                self.wrong += self.searcher.search(Path(f"/proc/{self.pid}/environ").read_bytes())

        self.start_serving()
        for act in (refuse, answer, cut):
            self.go_on(act, self.kept)
        self.end(look_from_outside)
        self.assertFalse(self.token_file.exists())

    def test_expired(self) -> None:
        """When there are no new ones, those that there were are wiped."""

        def wait() -> None:
            limit = time.monotonic() + SECONDS
            while self.ask(self.authorization) != 503:
                assert time.monotonic() < limit
                time.sleep(0.05)
            assert self.ask(None) == 401

        self.iam.set_clock(-899)
        self.start_serving()
        self.iam.act("UpdateAccessKey", UserName="root-admin", AccessKeyId=self.iam.root_id,
                     Status="Inactive")  # fmt: skip
        self.go_on(wait, self.kept_token)
        self.end(lambda: None)
        self.assertEqual(len(self.iam.sessions()), 1)


if __name__ == "__main__":
    unittest.main()
