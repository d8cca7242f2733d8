"""SoftHSM tokens in directories of their own."""

from __future__ import annotations

import shutil
from pathlib import Path

from token_base import SO_PIN, SPY, AnyToken, Thing, new_pin

__all__ = ["DISTURBED", "MODULE", "SO_PIN", "SPY", "Thing", "Token"]

PROJECT = Path(__file__).resolve().parents[2]
MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")

# What a run may end with, before anything was done, while another process's login rewrites the
# token's file.
DISTURBED = rb"No token matches|C_Login failed: .*CKR_GENERAL_ERROR|has no user PIN yet"


class Token(AnyToken):
    """A token below `directory`; its configuration file is `directory`/softhsm2.conf."""

    kind = "softhsm"
    model = "SoftHSM%20v2"
    takes_short_keys = False
    public_is_writable = True
    configured = True
    can_be_spoilt = True
    module = MODULE

    def __init__(self, directory: Path, label: str, pin: str) -> None:
        super().__init__(directory, label, pin)
        self.configuration = directory / "softhsm2.conf"
        self.objects_directory = directory / "tokens"

    @classmethod
    def create(cls, directory: Path, label: str = "custody") -> Token:
        """Make an empty token, or one more in a directory that has some."""
        token = cls(directory, label, new_pin())
        token.objects_directory.mkdir(parents=True, exist_ok=True)
        token._write_configuration()
        token._tool(
            ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", token.pin],
            ["--so-pin", SO_PIN],
        )
        token._write_pin_file()
        return token

    @classmethod
    def copy(cls, original: Token, directory: Path) -> Token:
        """A copy with a PIN of its own."""
        token = cls(directory, original.label, original.pin)
        shutil.copytree(original.objects_directory, token.objects_directory)
        token._write_configuration()
        pin = new_pin()
        token.pkcs11_tool("--login", "--change-pin", "--new-pin", pin)
        token.pin = pin
        token._write_pin_file()
        return token

    @property
    def environment(self) -> dict[str, str]:
        return {"SOFTHSM2_CONF": str(self.configuration), "PATH": "/usr/bin:/bin"}

    def _write_configuration(self) -> None:
        template = (PROJECT / "softhsm-config/softhsm2.conf.in").read_text()
        text = template.replace("@TOKEN_DIRECTORY@", str(self.objects_directory))
        self.configuration.write_text(text)
