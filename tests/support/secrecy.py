"""Looks for secrets in everything that a run left behind.

A secret can hide behind an encoding or in parts, so what is looked for is not only the secret
itself: see `disguises`. Files that a test wrote on purpose (a PIN file, a CSV) are named as such;
SoftHSM's own files are searched too, for what is in them must be encrypted.
"""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

PART = 16


def _base64_cores(data: bytes) -> list[bytes]:
    """What base64 makes of the data wherever it begins in a longer text: three alignments."""
    cores = []
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + data).rstrip(b"=")
        # The first and last digits also depend on the neighbours.
        cores.append(encoded[(0, 2, 3)[shift] : len(encoded) - 1])
    return cores


def disguises(secret: bytes) -> set[bytes]:
    """The secret, its usual encodings, and its parts where it is long enough to be cut."""
    found = {secret, quote(secret, safe="").encode(), quote(secret, safe="").lower().encode()}
    found |= {secret.hex().encode(), secret.hex().upper().encode(), secret.hex(":").encode()}
    found |= {secret.hex(" ").encode(), secret.hex(" ").upper().encode()}
    found |= set(_base64_cores(secret))
    found.add(secret.replace(b"/", b"\\/"))
    found |= {b"".join(b"\\x%02x" % byte for byte in secret)}
    if len(secret) >= 2 * PART:
        starts = range(0, len(secret) - PART + 1, 4)
        found |= {secret[at : at + PART] for at in starts}
    return found


def derived_keys(secret: str, service: str = "iam", region: str = "us-east-1") -> list[bytes]:
    """The keys that Signature Version 4 derives from a secret today: as good as it for a day."""
    key = b"AWS4" + secret.encode()
    keys = []
    for part in (datetime.now(UTC).strftime("%Y%m%d"), region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
        keys.append(key)
    return keys


class Searcher:
    """A set of named secrets, looked for in texts and below a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._patterns: dict[str, set[bytes]] = {}
        self._allowed: set[Path] = set()
        #: The secrets that were looked for in a file, and what it was like then.
        self._searched: dict[Path, tuple[tuple[int, ...], set[str]]] = {}

    def add(self, name: str, secret: str | bytes) -> None:
        patterns = disguises(secret.encode() if isinstance(secret, str) else secret)
        if self._patterns.get(name, patterns) != patterns:
            self._searched.clear()
        self._patterns[name] = patterns

    def add_access_key(self, name: str, secret: str) -> None:
        """Adds a secret access key and what is derived from it."""
        if name in self._patterns:
            return
        self.add(name, secret)
        for number, key in enumerate(derived_keys(secret), 1):
            self.add(f"key {number} derived from {name}", key)

    @property
    def names(self) -> set[str]:
        """Of the secrets that are looked for."""
        return set(self._patterns)

    def forget_all_but(self, names: set[str]) -> None:
        """No longer looks for secrets of which nothing can come any more."""
        self._patterns = {name: self._patterns[name] for name in names}
        for path, (like, known) in self._searched.items():
            self._searched[path] = (like, known & names)

    def allow(self, path: Path) -> None:
        """Leaves out a file, or all below a directory, into which a test itself put secrets."""
        self._allowed.add(path)

    def search(self, data: bytes, known: set[str] | None = None) -> list[str]:
        """The names of the secrets that are found, but for `known` ones."""
        return [
            name
            for name, patterns in self._patterns.items()
            if name not in (known or ()) and any(pattern in data for pattern in patterns)
        ]

    def search_files(self) -> list[str]:
        """Secrets in the content and in the names of files.

        A file in which nothing was found, and that nobody wrote to since, is looked through for
        the secrets that are new only.
        """
        found = []
        for path in self._files():
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue
            like = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            before, known = self._searched.get(path, ((), set()))
            if before != like:
                known = set()
            if known >= self._patterns.keys():
                continue
            data = os.fsencode(path) + b"\0"
            if path.is_file() and not path.is_symlink():
                try:
                    data += path.read_bytes()
                except FileNotFoundError:
                    continue
            here = self.search(data, known)
            if not here:
                self._searched[path] = (like, set(self._patterns))
            found += [f"{name} in {path}" for name in here]
        return found

    def _files(self) -> Iterable[Path]:
        for root, directories, files in os.walk(self._directory):
            here = Path(root)
            directories[:] = [name for name in directories if here / name not in self._allowed]
            yield from (here / name for name in files if here / name not in self._allowed)
