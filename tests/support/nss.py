"""Tokens of NSS's softoken, each a database in a directory of its own.

NSS is told where its database is by a parameter string in C_Initialize. The tool gives it by
x-init-reserved in the URI; other programs cannot, and load `nss_module.c` in its place.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.parse import quote

import cryptoki
from token_base import AnyToken, new_pin

SOFTOKEN = next(Path("/usr/lib").glob("*/libsoftokn3.so"), Path("libsoftokn3.so"))

#: NSS hashes a PIN 10,000 times for each thing that it reads, and times its disk at each start.
QUICK = {"NSS_MAX_MP_PBE_ITERATION_COUNT": "100", "NSS_SDB_USE_CACHE": "no"}


class Token(AnyToken):
    """A token whose database is in `directory`/database."""

    kind = "nss"
    model = "NSS%203"
    limits_mechanisms = False
    forbids_copies = False
    remembers_local = False
    module = SOFTOKEN

    #: The parameter that names the token.
    label_parameter = "dbTokenDescription"
    #: The variable that names the module for other programs.
    module_variable = "HSMIAM_NSS_MODULE"

    def __init__(self, directory: Path, label: str, pin: str) -> None:
        super().__init__(directory, label, pin)
        self.database = directory / "database"

    @classmethod
    def create(cls, directory: Path, label: str = "custody") -> Token:
        token = cls(directory, label, new_pin())
        token.database.mkdir(parents=True)
        cryptoki.set_first_pin(token, so_pin="")
        token._write_pin_file()
        return token

    @classmethod
    def copy(cls, original: Token, directory: Path) -> Token:
        token = cls(directory, original.label, original.pin)
        shutil.copytree(original.database, token.database)
        token.set_pin(new_pin())
        return token

    @property
    def words(self) -> str:
        """NSS's parameter string."""
        return (
            f"configdir='sql:{self.database}' certPrefix='' keyPrefix='' secmod='secmod.db' "
            f"{self.label_parameter}='{self.label}'"
        )

    @property
    def query(self) -> str:
        return "x-init-reserved=" + quote(self.words, safe="/:='")

    @property
    def tool_module(self) -> Path:
        return Path(os.environ[self.module_variable])

    @property
    def environment(self) -> dict[str, str]:
        return {"HSMIAM_TEST_NSS": self.words, **QUICK}


class FipsToken(Token):
    """The token that NSS shows by FC_GetFunctionList: no secret enters it in plaintext."""

    kind = "nss-fips"
    routes = ("rsa-oaep",)
    public_is_seen = False
    label_parameter = "FIPSTokenDescription"
    module_variable = "HSMIAM_NSS_FIPS_MODULE"

    @property
    def module(self) -> Path:  # type: ignore[override]
        """Softoken itself has this face under another name than PKCS#11's only."""
        return self.tool_module
