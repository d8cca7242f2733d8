"""Runs whose memory is looked through at every stop, and the secrets that must not be there."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import memory
import primitives
from harness import HSMIAM, OK, IntegrationTest
from local_iam import LocalIam
from memory import TALLY, Found, Watch
from tls import TlsOptions
from tokens import KIND
from unprivileged import OTHER_USER, make_writable_by, reachable_program

PROGRAM = reachable_program(os.environ["HSMIAM_MEMORY_USER"])
TAP = reachable_program(os.environ["HSMIAM_TAP"])
RANDOM_TAP = reachable_program(os.environ["HSMIAM_RANDOM_TAP"])
IMPORTED = "AKIAIMPORTED00000000"


def is_just(one: Found, size: int) -> bool:
    """Whether it is so many bytes, and no more but what zeros beside them may be taken for."""
    return size <= one.size < size + 4


def without(found: list[Found], allowed: dict[str, int], one_page: bool = True) -> list[Found]:
    """Leaves out secrets, given by the start of their names and their sizes, each of which is as a
    whole in secret memory of its own, and in one place only."""
    for name, size in allowed.items():
        kept = [one for one in found if one.name.startswith(name)
                and one.name.endswith(":raw") and is_just(one, size)]  # fmt: skip
        if len({one.place for one in kept}) == 1 and kept[0].begins_secret_memory(one_page):
            TALLY.copies -= len(kept)
            found = [one for one in found if one not in kept]
    return found


class MemoryTest(IntegrationTest):
    """A test whose token is behind a tap, and whose IAM logs the secrets of its connections."""

    def setUp(self) -> None:
        super().setUp()
        self.tap = self.directory / "tap"
        self.random = self.directory / "random"
        self.searcher.allow(self.tap)
        self.searcher.allow(self.random)
        self.environment |= {"HSMIAM_TAP_MODULE": str(self.token.module), "HSMIAM_TAP_FILE": str(self.tap),
                             "HSMIAM_TAP_RANDOM": str(self.random), "LD_PRELOAD": RANDOM_TAP}  # fmt: skip
        self.imported: dict[str, str] = {}
        self.runs = 0
        self.user: dict[str, Any] = {}

    def new_iam(self, **options: Any) -> LocalIam:
        self.key_log = self.directory / "key-log"
        self.searcher.allow(self.key_log)
        tls = TlsOptions(key_log=self.key_log, **options.pop("tls", {}))
        return super().new_iam(tls=tls, **options)

    def serve(self, **tls: Any) -> None:
        """Take another IAM for the test's own, with the same first credential and authority."""
        before = self.iam
        before.stop()
        self.iam = LocalIam(
            before.directory, users=["alice", "bob"], tls=TlsOptions(key_log=self.key_log, **tls)
        )
        self.addCleanup(self.iam.stop)

    def uri(self, access_key_id: str | None = None) -> str:
        """The token, or a key in it, behind the tap."""
        query = "" if "PIN_FILE" in self.environment else None
        uri = (self.token.key_uri(access_key_id, query=query) if access_key_id
               else self.token.uri(query=query))  # fmt: skip
        return uri.replace(str(self.token.module), TAP)

    # What is looked for -----------------------------------------------------------------------

    def needles(self, why: str, is_tool: bool = True) -> dict[str, bytes]:
        """Every secret there is by now. Of TLS, what the tool must not leave when it ends."""
        now = datetime.now(UTC)
        days = {(now - timedelta(minutes=past)).strftime("%Y%m%d") for past in (0, 5)}
        scopes = [(day, "us-east-1", service) for day in days for service in ("iam", "sts")]
        wanted = {"pin": self.token.pin.encode()}
        sessions = {session: secret for session, secret, _ in self.iam.sessions()}
        for access_key_id, secret in (self.iam.secrets() | self.imported | sessions).items():
            name = "root" if access_key_id == self.iam.root_id else access_key_id
            wanted |= memory.access_key(name, secret, scopes)
        for name, key in list(wanted.items()):
            if name != "pin":
                wanted |= {f"{name}-{state}=": value
                           for state, value in primitives.hmac_states(key).items()}  # fmt: skip
        wanted |= {f"{session}-token": token.encode() for session, _, token in self.iam.sessions()}
        for number, key in enumerate(self.transport_keys()):
            wanted[f"transport{number}"] = primitives.aes256_schedule(key)
        # p11-kit frees the messages that it sent as they are: hsmiam.h says so.
        if self.tap.exists() and (is_tool or KIND.kind != "remote"):
            data, at = self.tap.read_bytes(), 0
            while at < len(data):
                start = at + 8
                end = start + int.from_bytes(data[at:start], sys.byteorder)
                wanted[f"wrapped-at-{at}"], at = data[start:end], end
        if why == "exit" and is_tool and self.key_log.exists():
            wanted |= memory.tls_secrets(self.key_log)
        return wanted

    def transport_keys(self) -> list[bytes]:
        data = self.random.read_bytes() if self.random.exists() else b""
        return [data[at : at + 32] for at in range(0, len(data), 32)]

    def without_cache(self, why: str, found: list[Found]) -> list[Found]:
        """Leaves out what an open token and a signer in use keep in secret memory, once: the
        signing key and the key that wraps; and, at a line that is
        written on the way, the secret that is about to be imported."""
        if why == "exit":
            return found
        if why == "error":
            imported = {f"{name}:": len(secret) for name, secret in self.imported.items()}
            found = without(found, imported, one_page=False)
        # A custody keeps its transport key; and NSS, in whose session it is, keeps its value too.
        if KIND.kind.startswith("nss"):
            theirs = [one for one in found if one.name.startswith("transport") and is_just(one, 32)
                      and one.name.endswith(":raw") and not one.begins_secret_memory(True)]  # fmt: skip
            TALLY.copies -= len(theirs)
            found = [one for one in found if one not in theirs]
        transport = {f"transport{number}:": 32 for number in range(len(self.transport_keys()))}
        return without(found, {"root-key4": 32} | transport)

    # Runs ------------------------------------------------------------------------------------

    def watch(self, command: list[str], expect: int, stops: list[str], stdin: bytes = b"",
              during: Callable[[Watch], None] | None = None,
              underway: tuple[str, ...] = ()) -> str:  # fmt: skip
        """Run a command that stops as expected, and has no secret in memory where it does, but for
        where another thread is just taking it in."""
        is_tool = command[0] == HSMIAM
        for log in (self.tap, self.random, self.key_log):
            log.write_bytes(b"")
        run = Watch(command, self.environment, lambda why: self.needles(why, is_tool), stdin,
                    cwd=self.directory, **self.user)  # fmt: skip
        if during:
            during(run)
        seen, wrong = [], []
        for why, found in run.stops():
            seen.append(why)
            left = self.without_cache(why, found)
            if f"{why} {len(seen)}" in underway:
                TALLY.copies -= len(left)
            else:
                wrong += [f"at {why} {len(seen)}: {one}" for one in left]
        printed = "".join(run.finish())
        self.assertEqual(seen, [*stops, "exit", f"end {expect}"], printed)
        self.assertEqual(wrong, [], "\n".join(["", *wrong, printed]))
        return printed

    def create(self, *arguments: str, expect: int = OK, **options: Any) -> str:
        """Issue a key by the tool; the account is as it was at the start, and nothing on record:
        what an earlier run left open would hold up this one."""
        self.iam.endpoint.reset(["state", "log"])
        self.runs += 1
        ledger = self.directory / "state" / f"ledger-{self.runs}.jsonl"
        self.environment["HSMIAM_LEDGER"] = str(ledger)
        words = self.iam_arguments(credential=self.uri(self.iam.root_id))
        stalls = any(rule["kind"] == "stall" for rule in self.iam.endpoint.rules.describe())
        command = [HSMIAM, "create-access-key", *words, "--user-name", "alice",
                   "--cli-read-timeout", "1" if stalls else "30", *arguments]  # fmt: skip
        stops = ["error"] * (expect != OK or "--debug" in arguments) + ["write"] * (expect == OK)
        printed = self.watch(command, expect, stops, **options)
        self.assertEqual(len(self.iam.requests("CreateAccessKey")), 1, printed)
        return printed

    def import_key(self, *arguments: str, **options: Any) -> str:
        secret = self.imported[IMPORTED] = secrets.token_urlsafe(30)
        command = [HSMIAM, "import-access-key", "--access-key-id", IMPORTED,
                   "--token", self.uri(), *arguments]  # fmt: skip
        stops = ["error"] * ("--debug" in arguments) + ["write"]
        return self.watch(command, OK, stops, secret.encode(), **options)

    def program(self, *steps: str, stdin: bytes = b"", **options: Any) -> list[int]:
        """Take the steps by a program over the library; what status each came to."""
        command = [PROGRAM, self.uri(self.iam.root_id), self.iam.url, str(self.iam.ca_bundle),
                   *steps]  # fmt: skip
        printed = self.watch(command, OK, ["signal"] * len(steps) + ["write"], stdin,
                             **options)  # fmt: skip
        return [int(line.split()[1]) for line in printed.splitlines()[: len(steps)]]

    def become_other_user(self) -> None:
        """From now on commands run as somebody who is not root, and the test's files are theirs."""
        self.user = OTHER_USER
        make_writable_by(OTHER_USER, self.directory)

    def configure_openssl(self, **settings: str) -> None:
        """What OpenSSL in the client does by default."""
        lines = "\n".join(f"{name} = {value}" for name, value in settings.items())
        path: Path = self.write(
            "openssl.cnf",
            "openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\nsystem_default = tls\n"
            f"[tls]\n{lines}\n",
        )
        self.environment["OPENSSL_CONF"] = str(path)
