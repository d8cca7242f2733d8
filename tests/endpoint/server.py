"""The HTTP/1.1 server: connections, TLS handshakes, keep-alive, one thread a connection.

Not built on http.server, which tidies targets and headers before one sees them and writes a
reply in several pieces. Handshakes run in the connection's thread, so that a client that stalls
holds up nobody. `Door` says what happens to new connections.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from dataclasses import dataclass

from exchange import Connection, Desk
from httpmsg import BODY_LIMIT, HEAD_LIMIT, BadRequest, Reply, Request, body_length, parse_head
from wire import close_connection, play

MODES = ("open", "refuse", "close", "stall")
POLL_SECONDS = 0.1


@dataclass
class Door:
    """What befalls a new connection: served, refused, closed at once, or left without a word.

    `times` counts the connections that get this treatment, -1 all; then the door is open again.
    Refusing has no count: a refused connection never reaches the server.
    """

    mode: str = "open"
    times: int = -1


class Reader:
    """Reads requests from a connection and keeps what belongs to the next one."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = b""

    def request(self) -> Request | None:
        """The next request, None when the client closed between requests."""
        while b"\r\n\r\n" not in self._buffer:
            if len(self._buffer) > HEAD_LIMIT:
                raise BadRequest("request head too large", 431)
            if not self._more():
                if self._buffer.strip():
                    raise ConnectionError("closed inside a request head")
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        request = parse_head(head)
        length = body_length(request)
        if (request.value("expect") or "").lower() == "100-continue":
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return request.with_body(self._chunks() if length is None else self._exactly(length))

    def _more(self) -> bool:
        data = self._sock.recv(64 * 1024)
        self._buffer += data
        return bool(data)

    def _exactly(self, length: int) -> bytes:
        while len(self._buffer) < length:
            if not self._more():
                raise ConnectionError("closed inside a request body")
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return body

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            if len(self._buffer) > HEAD_LIMIT or not self._more():
                raise ConnectionError("closed inside a chunk")
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _chunks(self) -> bytes:
        body = b""
        while True:
            try:
                size = int(self._line().partition(b";")[0], 16)
            except ValueError:
                raise BadRequest("malformed chunk") from None
            if size < 0 or len(body) + size > BODY_LIMIT:
                raise BadRequest("body too large", 413)
            if size == 0:
                while self._line():
                    pass
                return body
            body += self._exactly(size)
            self._line()


class Server:
    """Accepts connections and answers them at the desk."""

    def __init__(
        self,
        host: str,
        port: int,
        desk: Desk,
        context: ssl.SSLContext | None,
        idle_timeout: float,
    ) -> None:
        self._desk = desk
        self._context = context
        self._idle_timeout = idle_timeout
        self._family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._address = (host, port)
        self._lock = threading.Condition()
        self._door = Door()
        self._stopping = False
        self._open: set[socket.socket] = set()
        # Bound but never listening: it keeps the port ours while connections are refused.
        self._placeholder = self._bound()
        self._address = self._placeholder.getsockname()[:2]
        self._listener: socket.socket | None = self._listening()
        self._thread = threading.Thread(target=self._accept_loop, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._address[1]

    def set_door(self, door: Door) -> None:
        """Change what befalls new connections; in force when this returns."""
        with self._lock:
            self._door = door
            if door.mode == "refuse":
                self._close_listener()
            elif door.mode != "refuse" and not self._listener:
                self._listener = self._listening()
            self._lock.notify_all()

    def door(self) -> Door:
        with self._lock:
            return Door(self._door.mode, self._door.times)

    def drop_connections(self) -> None:
        """Close every open connection."""
        with self._lock:
            for sock in list(self._open):
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        with self._lock:
            self._stopping = True
            self._close_listener()
            self._lock.notify_all()
        self._placeholder.close()
        self.drop_connections()
        self._thread.join()

    def _bound(self) -> socket.socket:
        sock = socket.socket(self._family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(self._address)
        return sock

    def _listening(self) -> socket.socket:
        sock = self._bound()
        sock.listen(128)
        sock.settimeout(POLL_SECONDS)
        return sock

    def _close_listener(self) -> None:
        if self._listener:
            with contextlib.suppress(OSError):
                # Ends a running accept, which closing alone would leave listening for a while.
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def _accept_loop(self) -> None:
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._listener or self._stopping)
                listener = self._listener
            if listener is None:
                return
            try:
                sock, peer = listener.accept()
            except OSError:
                continue
            door = self._admit()
            if door.mode == "close":
                close_connection(sock, "fin")
                continue
            handler = self._stall if door.mode == "stall" else self._serve
            threading.Thread(target=handler, args=(sock, peer), daemon=True).start()

    def _admit(self) -> Door:
        with self._lock:
            door = Door(self._door.mode, self._door.times)
            if self._door.times > 0:
                self._door.times -= 1
            if self._door.times == 0:
                self._door = Door()
            return door

    def _stall(self, sock: socket.socket, peer: tuple[str, int]) -> None:
        """Hold a connection without a word until the client gives up."""
        entry = self._desk.log.connection(f"{peer[0]}:{peer[1]}")
        self._desk.log.update(entry, handshake_error="stalled on order")
        self._remember(sock)
        try:
            while sock.recv(64 * 1024):
                pass
        except OSError:
            pass
        finally:
            self._forget(sock)
            sock.close()

    def _serve(self, sock: socket.socket, peer: tuple[str, int]) -> None:
        entry = self._desk.log.connection(f"{peer[0]}:{peer[1]}")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(self._idle_timeout)
        self._remember(sock)
        try:
            if self._context:
                sock = self._handshake(sock, self._context)
                cipher = (sock.cipher() or ("", "", 0))[0]
                self._desk.log.update(entry, tls_version=sock.version(), cipher=cipher)
            self._converse(sock, Connection(entry))
        except (OSError, ssl.SSLError) as error:
            if self._context and not entry["tls_version"]:
                self._desk.log.update(entry, handshake_error=str(error))
        finally:
            self._forget(sock)
            sock.close()

    def _handshake(self, sock: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
        wrapped = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        # wrap_socket takes the descriptor over; the plain socket object is an empty shell now.
        self._forget(sock)
        self._remember(wrapped)
        try:
            wrapped.do_handshake()
        except (OSError, ssl.SSLError):
            self._forget(wrapped)
            wrapped.close()
            raise
        return wrapped

    def _converse(self, sock: socket.socket, connection: Connection) -> None:
        reader = Reader(sock)
        while True:
            try:
                request = reader.request()
            except BadRequest as problem:
                self._desk.log.update(connection.entry, bad_request=str(problem))
                self._reject(sock, problem)
                return
            if request is None:
                return
            exchange = self._desk.handle(request, connection)
            answered = "broken"
            try:
                still_open = play(exchange.script, sock, self._desk.gate)
                answered = exchange.answered
            finally:
                self._desk.log.update(exchange.entry, answered=answered)
            if not still_open:
                return

    @staticmethod
    def _reject(sock: socket.socket, problem: BadRequest) -> None:
        """Answer what could not be read; where the next request begins is not known then."""
        headers = [("Content-Type", "text/plain"), ("Connection", "close")]
        sock.sendall(Reply(problem.status, headers, f"{problem}\n".encode()).wire())
        close_connection(sock, "close-notify")

    def _remember(self, sock: socket.socket) -> None:
        with self._lock:
            self._open.add(sock)
            stopping = self._stopping
        if stopping:
            sock.close()

    def _forget(self, sock: socket.socket) -> None:
        with self._lock:
            self._open.discard(sock)
