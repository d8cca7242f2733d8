"""Looks for secrets in all memory of a process: see memory_scan.c.

A secret counts as found by any 8 bytes in a row, in any of its disguises; 16 and more are told
apart from that in what is reported. Every scan also looks for a control, which is in the memory of
the process without harm and must be found.
"""

from __future__ import annotations

import base64
import hmac
import os
import secrets
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256, sha384
from pathlib import Path
from urllib.parse import quote

SCANNER = os.environ["HSMIAM_MEMORY_SCAN"]
CONTROL = "HSMIAM_TEST_CONTROL"
SHORT, LONG = 8, 16


@dataclass
class Tally:
    """What all scans of a program came to."""

    scans: int = 0
    copies: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        return f"{self.scans} scans, {self.copies} copies ({self.bytes >> 20} MiB looked through)"


TALLY = Tally()


def _swapped(data: bytes, size: int) -> Iterator[bytes]:
    """The data with the bytes of each word in reverse, wherever the first word begins."""
    for start in range(size):
        words = [data[at : at + size] for at in range(start, len(data) - size + 1, size)]
        yield b"".join(word[::-1] for word in words)


def disguises(secret: bytes) -> Iterator[tuple[str, float, bytes]]:
    """Names of disguises, how many bytes each has for one of the secret, and what it looks like."""
    padded = [("raw", secret)]
    padded += [
        (f"xor{pad:02x}", bytes(byte ^ pad for byte in secret)) for pad in (0x36, 0x5C)
    ]  # fmt: skip
    for name, data in padded:
        yield name, 1, data
        for size in (4, 8):
            for shift, words in enumerate(_swapped(data, size)):
                yield f"{name}-swapped{size * 8}+{shift}", 1, words
        yield f"{name}-reversed", 1, data[::-1]
    yield "utf-16le", 2, b"".join(bytes([byte, 0]) for byte in secret)
    yield "utf-16be", 2, b"".join(bytes([0, byte]) for byte in secret)
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + secret).rstrip(b"=")
        yield f"base64+{shift}", 4 / 3, text[(0, 2, 3)[shift] : -1]
    for name, text in (("hex", secret.hex()), ("HEX", secret.hex().upper())):
        yield name, 2, text.encode()
    try:
        text = quote(secret.decode(), safe="")
    except UnicodeDecodeError:
        return
    if text.encode() != secret:
        yield "percent", 1, text.encode()
        yield "percent-lower", 1, text.lower().encode()


@lru_cache(maxsize=4096)
def needle_lines(name: str, secret: bytes) -> str:
    """What tells the scanner of a secret."""
    # One that names its form is looked for as it is.
    forms = [(name.rpartition("-")[2], 1, secret)] if name.endswith("=") else disguises(secret)
    return "".join(
        f"needle {name}:{disguise} {round(SHORT * growth)} {data[:500].hex()}\n"
        for disguise, growth, data in forms
        if len(data) >= SHORT * growth
    )


@dataclass
class Found:
    """A run of bytes of a secret in memory."""

    name: str
    start: int
    size: int
    place: str
    mapping: tuple[int, int] = (0, 0)
    flags: tuple[str, ...] = ()

    @property
    def address(self) -> int:
        return int(self.place.rpartition("+")[2], 16)

    @property
    def is_in_secret_memory(self) -> bool:
        """Whether it is where memory is locked, in no core dump, and wiped in a forked child."""
        return {"lo", "dd", "wf"} <= set(self.flags)

    def begins_secret_memory(self, of_one_page: bool) -> bool:
        """Whether it begins a mapping of that kind."""
        begin, end = self.mapping
        return (
            self.address == begin
            and (not of_one_page or end - begin == os.sysconf("SC_PAGESIZE"))
            and self.is_in_secret_memory
        )

    def is_part_of(self, other: Found) -> bool:
        """Whether the same bytes were found by another disguise of the same secret already."""
        return (
            other.name.partition(":")[0] == self.name.partition(":")[0]
            and other.place.rpartition("+")[0] == self.place.rpartition("+")[0]
            and other.size > self.size
            and other.address <= self.address
            and self.address + self.size <= other.address + other.size
        )

    def __str__(self) -> str:
        kind = "copy" if self.size >= LONG else "piece"
        return f"{kind} of {self.name}: {self.size} bytes from {self.start} at {self.place}"


def read_report(lines: Iterator[str]) -> tuple[list[Found], int]:
    """The findings of one scan, up to the line that ends it, and how much it looked through."""
    found = []
    for line in lines:
        word, *rest = line.split()
        if word == "scanned":
            scanned, mapped = map(int, rest)
            assert scanned == mapped, f"{scanned} of {mapped} bytes could be read"
            return found, scanned
        assert word == "found", line
        name, start, size, place, begin, end, flags = rest
        mapping = int(begin, 16), int(end, 16)
        found.append(
            Found(name, int(start), int(size), place, mapping, tuple(flags.split(",")))
        )
    raise AssertionError("the scanner ended too soon")


def judge(found: list[Found], scanned: int, control: str) -> list[Found]:
    """Counts a scan, sees that its control was found, and returns what should not have been."""
    controls = [one for one in found if one.name.startswith("control:")]
    assert any(one.size == len(control) for one in controls), "the scan does not find its control"
    rest = [
        one
        for one in found
        if one not in controls and not any(one.is_part_of(other) for other in found)
    ]
    TALLY.scans += 1
    TALLY.copies += len(rest)
    TALLY.bytes += scanned
    return rest


class Watch:
    """A program on the run, with stops at which its memory is looked through.

    `needles` is asked at each stop for the secrets to look for: what is known by then.
    """

    def __init__(
        self,
        command: list[str],
        environment: dict[str, str],
        needles: Callable[[str], dict[str, bytes]],
        stdin: bytes = b"",
        **options: object,
    ) -> None:
        self.control = secrets.token_urlsafe(30)
        self._needles = needles
        self._named: set[str] = set()
        ours, theirs = socket.socketpair()
        self._channel = ours.makefile("rw")
        ours.close()
        with theirs:
            self.process = subprocess.Popen(  # type: ignore[call-overload]
                [SCANNER, "run", str(theirs.fileno()), *command],
                env=environment | {CONTROL: self.control},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()], start_new_session=True, **options,
            )  # fmt: skip
        self.process.stdin.write(stdin)
        self.process.stdin.close()

    def stops(self) -> Iterator[tuple[str, list[Found]]]:
        """Where the program stopped, and the secrets in its memory there; at the end its code."""
        for line in self._channel:
            _, why, *rest = line.split()
            if why == "end":
                yield f"end {rest[0]}", []
                break
            yield why, self._scan(why)
            self._say("go\n")
        self._channel.close()

    def finish(self) -> tuple[str, str]:
        """What the program printed."""
        with self.process:
            out = self.process.stdout.read().decode()
            err = self.process.stderr.read().decode()
        return out, err

    def _scan(self, why: str) -> list[Found]:
        wanted = self._needles(why) | {"control": self.control.encode()}
        new = {needle_lines(name, secret) for name, secret in wanted.items()} - self._named
        self._named |= new
        self._say("".join(new) + "scan\n")
        return judge(*read_report(self._channel), self.control)

    def _say(self, text: str) -> None:
        self._channel.write(text)
        self._channel.flush()


def search_file(path: Path, wanted: dict[str, bytes], control: str) -> list[Found]:
    """The secrets in a core file."""
    lines = [
        needle_lines(name, secret)
        for name, secret in (wanted | {"control": control.encode()}).items()
    ]
    done = subprocess.run(
        [SCANNER, "file", str(path)], input="".join(lines), text=True, capture_output=True,
        check=True, timeout=60,
    )  # fmt: skip
    return judge(*read_report(iter(done.stdout.splitlines())), control)


def access_key(name: str, secret: str, scopes: list[tuple[str, str, str]]) -> dict[str, bytes]:
    """A secret, and what Signature Version 4 derives from it for (date, region, service)."""
    wanted = {name: b"AWS4" + secret.encode()}
    for scope in scopes:
        key = b"AWS4" + secret.encode()
        for number, part in enumerate((*scope, "aws4_request"), 1):
            key = hmac.digest(key, part.encode(), "sha256")
            wanted[f"{name}-key{number}-{'-'.join(scope)}"] = key
    return wanted


def _expand(secret: bytes, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label of TLS 1.3 with an empty context, for at most one block."""
    info = size.to_bytes(2) + bytes([6 + len(label)]) + b"tls13 " + label + b"\0\1"
    digest = sha256 if len(secret) == 32 else sha384
    return hmac.new(secret, info, digest).digest()[:size]


def tls_secrets(key_log: Path) -> dict[str, bytes]:
    """What a server's key log holds, and of TLS 1.3 the keys and vectors of its records."""
    wanted = {}
    for number, line in enumerate(key_log.read_text().splitlines()):
        kind, _, value = line.partition(" ")
        if kind.startswith("#"):
            continue
        secret = bytes.fromhex(value.split()[1])
        wanted[f"tls{number}-{kind}"] = secret
        if "TRAFFIC" in kind:
            for size in (16, 32):
                wanted[f"tls{number}-{kind}-key{size}"] = _expand(secret, b"key", size)
            wanted[f"tls{number}-{kind}-iv"] = _expand(secret, b"iv", 12)
    return wanted
