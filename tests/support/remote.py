"""A token on another host, as far as the tool can tell: SoftHSM behind `p11-kit server`.

The tool loads p11-kit's client module, which sends each PKCS#11 call through a Unix socket to the
server. Another host's socket comes through ssh; here a wire that listens stands between the two.
"""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from pathlib import Path

import softhsm
from token_base import AnyToken

CLIENT = next(
    Path("/usr/lib").glob("*/pkcs11/p11-kit-client.so"), Path("p11-kit-client.so")
)


class Wire:
    """Listens on one socket, passes everything on to another, and keeps what passed."""

    def __init__(self, here: Path, there: Path) -> None:
        self._there = there
        self._passed: list[bytearray] = []
        self._sockets: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(here))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def forget(self) -> None:
        self._passed.clear()

    def passed(self) -> bytes:
        """What passed, direction by direction and connection by connection."""
        return b"\0".join(bytes(stream) for stream in self._passed)

    def close(self) -> None:
        if self._listener.fileno() < 0:
            return
        self._listener.shutdown(socket.SHUT_RDWR)
        for each in (self._listener, *self._sockets):
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(str(self._there))
            self._sockets += [near, far]
            for source, target in ((near, far), (far, near)):
                stream = bytearray()
                self._passed.append(stream)
                threading.Thread(
                    target=self._pass, args=(source, target, stream), daemon=True
                ).start()

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket, stream: bytearray) -> None:
        try:
            while data := source.recv(65536):
                stream += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Token(AnyToken):
    """A SoftHSM token, looked at on its own host, used from here."""

    kind = "remote"
    model = softhsm.Token.model
    takes_short_keys = softhsm.Token.takes_short_keys
    module = CLIENT
    tool_module = softhsm.MODULE

    def __init__(self, far: softhsm.Token) -> None:
        super().__init__(far.directory, far.label, far.pin)
        self._far = far
        server_socket = far.directory / "server"
        self._client_socket = far.directory / "client"
        self._server = subprocess.Popen(
            ["p11-kit", "server", "--foreground", "--name", str(server_socket),
             "--provider", str(softhsm.MODULE), "pkcs11:"],
            env=far.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while not server_socket.exists():
            assert self._server.poll() is None and time.monotonic() < deadline, "no p11-kit server"
            time.sleep(0.005)
        self.wire = Wire(self._client_socket, server_socket)

    @classmethod
    def create(cls, directory: Path, label: str = "custody") -> Token:
        return cls(softhsm.Token.create(directory, label))

    @classmethod
    def copy(cls, original: AnyToken, directory: Path) -> Token:
        assert isinstance(original, softhsm.Token)
        return cls(softhsm.Token.copy(original, directory))

    @classmethod
    def template_kind(cls) -> type[AnyToken]:
        return softhsm.Token

    @property
    def environment(self) -> dict[str, str]:
        return {"P11_KIT_SERVER_ADDRESS": f"unix:path={self._client_socket}"}

    @property
    def tool_environment(self) -> dict[str, str]:
        return self._far.environment

    def provision(self, hsmiam: str) -> None:
        """On its own host: p11-kit 0.24 cannot send CKA_UNWRAP_TEMPLATE."""
        self._far.provision(hsmiam)

    def close(self) -> None:
        self.wire.close()
        self._server.terminate()
        self._server.wait(60)
