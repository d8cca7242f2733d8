"""Counts the calls that the tool makes to a token, by OpenSC's spy module."""

from __future__ import annotations

import re
from pathlib import Path

from softhsm import MODULE


class Spy:
    """A log of PKCS#11 calls; name the module `SPY` in the URI and add `environment` to the run.

    The log holds PINs, for the spy shows everything: it is no file that a search may read.
    """

    def __init__(self, log: Path, module: Path = MODULE) -> None:
        self.log = log
        self.environment = {"PKCS11SPY": str(module), "PKCS11SPY_OUTPUT": str(log)}

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def calls(self, function: str) -> list[str]:
        """What was logged of each call of a function."""
        parts = re.split(r"(?m)^\d+: (C_\w+)$", self.text())
        names, texts = parts[1::2], parts[2::2]
        return [text for name, text in zip(names, texts, strict=True) if name == function]

    def data(self) -> bytes:
        """All bytes that crossed the interface, as the log's hexadecimal dumps have them."""
        dumps = re.findall(r"(?m)^    [0-9A-F]{8}  ((?:[0-9A-F]{2} +)+)", self.text())
        return bytes.fromhex("".join(dumps))
