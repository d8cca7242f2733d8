"""serve, started and asked."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from harness import SECONDS, IntegrationTest

ROLE = "arn:aws:iam::123456789012:role/Reader"


class ServingTest(IntegrationTest):
    """A test that starts `serve`, and asks it as programs do."""

    def setUp(self) -> None:
        super().setUp()
        self.token_file = self.directory / "authorization-token"
        self.searcher.allow(self.token_file)

    def arguments(self, *more: str) -> list[str]:
        return ["serve", *self.iam_arguments(), "--role-arn", ROLE, *more]

    def with_file(self, *more: str) -> list[str]:
        return self.arguments("--authorization-token-file", str(self.token_file), *more)

    def serve(self, *more: str) -> subprocess.Popen[bytes]:
        """Start it, and wait until it says where it is."""
        return self.wait_for(self.start(*self.with_file(*more)))

    def wait_for(self, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        assert process.stdout is not None
        lines = [process.stdout.readline().decode().strip() for _ in range(2)]
        self.variables = dict(line.partition("=")[::2] for line in lines if line)
        if len(self.variables) != 2:
            self.fail(f"{process.communicate()}")
        uri = self.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
        self.authority, _, path = uri.removeprefix("http://").partition("/")
        self.path = f"/{path}"
        file = self.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]
        self.authorization = Path(file).read_text().strip()
        return process

    def stop(self, process: subprocess.Popen[bytes]) -> str:
        """SIGTERM is how it ends; what it said."""
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, 0, err)
        return err.decode()

    def get(self, token: str | None, method: str = "GET", path: str = "") -> tuple[int, Any]:
        connection = http.client.HTTPConnection(self.authority, timeout=SECONDS)
        headers = {} if token is None else {"Authorization": token}
        connection.request(method, path or self.path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, json.loads(body) if body else None

    def ask(self) -> tuple[int, Any]:
        return self.get(self.authorization)

    def wait_until(self, true: Any, what: str) -> None:
        limit = time.monotonic() + SECONDS
        while not true():
            self.assertLess(time.monotonic(), limit, what)
            time.sleep(0.05)
