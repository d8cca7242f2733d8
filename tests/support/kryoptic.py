"""Tokens of Kryoptic, each a database in a directory of its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from token_base import SO_PIN, AnyToken, new_pin


class Token(AnyToken):
    """A token below `directory`, whose configuration file is `directory`/kryoptic.conf."""

    kind = "kryoptic"
    model = "v1"
    sigv4_route = "in-token"

    def __init__(self, directory: Path, label: str, pin: str) -> None:
        super().__init__(directory, label, pin)
        self.configuration = directory / "kryoptic.conf"
        self.database = directory / "token.sql"

    @classmethod
    def create(cls, directory: Path, label: str = "custody") -> Token:
        token = cls(directory, label, new_pin())
        directory.mkdir(parents=True, exist_ok=True)
        token._write_configuration()
        token.pkcs11_tool_anywhere(
            "--init-token", "--slot", "1", "--label", label, "--so-pin", SO_PIN
        )
        token.pkcs11_tool_anywhere(
            "--slot", "1", "--login", "--login-type", "so", "--so-pin", SO_PIN,
            "--init-pin", "--new-pin", token.pin,
        )  # fmt: skip
        token._write_pin_file()
        return token

    @classmethod
    def copy(cls, original: Token, directory: Path) -> Token:
        token = cls(directory, original.label, original.pin)
        directory.mkdir(parents=True, exist_ok=True)
        shutil.copy(original.database, token.database)
        token._write_configuration()
        token.set_pin(new_pin())
        return token

    @property
    def module(self) -> Path:
        return Path(os.environ["HSMIAM_KRYOPTIC"])

    @property
    def environment(self) -> dict[str, str]:
        return {"KRYOPTIC_CONF": str(self.configuration)}

    def _write_configuration(self) -> None:
        self.configuration.write_text(
            '[[slots]]\nslot = 1\ndbtype = "sqlite"\n' f'dbargs = "{self.database}"\n'
        )
