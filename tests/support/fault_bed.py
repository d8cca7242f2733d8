"""Where runs are made to fail: a token, a ledger and an IAM that are put back before each run.

What is checked afterwards does not depend on the failure: once `recover` says that nothing is left
open, each key that was made is either in the token, and is the one that IAM handed out, or gone
from IAM; nobody else's key was touched; and the ledger verifies.
"""

from __future__ import annotations

import copy
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cryptoki
import softhsm
from fault_points import Point, Recording, parse_log
from local_iam import LocalIam
from service import Settings
from store import Store

USER = "alice"
OTHER_USER = "bob"
VALIDITY_AND_MORE = 600.0
STEP = 5.0
SECONDS = 20
LABEL = "custody"


@dataclass(frozen=True)
class Tools:
    """The programs of a build."""

    hsmiam: str
    shim: str
    module: str


@dataclass
class Outcome:
    """What became of a point."""

    name: str
    reached: bool = True
    lost: list[str] = field(default_factory=list)
    orphaned: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    transcript: str = ""

    @property
    def settled(self) -> bool:
        return not (self.lost or self.orphaned or self.problems)

    def __str__(self) -> str:
        parts = [f"lost {key}" for key in self.lost]
        parts += [f"orphaned {key}" for key in self.orphaned]
        return f"{self.name}: {'; '.join([*parts, *self.problems]) or 'settled'}"


@dataclass
class Snapshot:
    """Files, and the IAM's account, as they are put back."""

    directory: Path
    store: Store
    offset: float

    @property
    def status(self) -> dict[str, str]:
        return {name: key.status for name, key in self.store.keys.items()}


class Bed:
    """One worker's token, ledger and IAM. `seed` is a provisioned token that is copied."""

    def __init__(self, tools: Tools, seed: Path, directory: Path) -> None:
        self.tools = tools
        self.directory = directory
        directory.mkdir()
        for name in ("home", "state", "iam"):
            (directory / name).mkdir()
        shutil.copytree(seed, directory / "hsm")
        pin = (seed / f"{LABEL}.pin").read_text().strip()
        self.token = softhsm.Token(directory / "hsm", LABEL, pin)
        self.token._write_configuration()
        self.ledger = directory / "state" / "ledger.jsonl"
        secret_file = seed.parent / "root.secret"
        self.iam = LocalIam(
            directory / "iam",
            users=[USER, OTHER_USER],
            access_key_id=(seed.parent / "root.id").read_text(),
            secret_file=secret_file,
            settings=Settings(keys_per_user=8),
        )
        self.transcript: list[str] = []
        self.foreign: set[str] = set()
        self._begin()

    def _begin(self) -> None:
        """Keys of others, and of ours: what there is before a run."""
        for user in (USER, OTHER_USER):
            self.iam.act("CreateAccessKey", UserName=user)
        done = self.run("create-access-key", "--user-name", OTHER_USER)
        assert done == 0, self.transcript
        self.pristine = self.take_snapshot("pristine")

    @property
    def _files(self) -> dict[str, Path]:
        """The classes of files. What the token itself is, SoftHSM has in one of its own."""
        directory = self.token.objects_directory
        return {
            "ledger": self.directory / "state",
            "slot": next(directory.glob("*/token.object")),
            "token": directory,
        }

    # State -----------------------------------------------------------------------------------

    def take_snapshot(self, name: str) -> Snapshot:
        kept = self.directory / name
        for part in ("state", "hsm"):
            shutil.copytree(self.directory / part, kept / part)
        endpoint = self.iam.endpoint
        with endpoint.service.lock:
            store = copy.deepcopy(endpoint.service.store)
        return Snapshot(kept, store, endpoint.clock.offset_seconds)

    def restore(self, snapshot: Snapshot) -> None:
        for part in ("state", "hsm"):
            shutil.rmtree(self.directory / part)
            shutil.copytree(snapshot.directory / part, self.directory / part)
        endpoint = self.iam.endpoint
        endpoint.gate.release()
        endpoint.reset()
        with endpoint.service.lock:
            endpoint.service.store = copy.deepcopy(snapshot.store)
        endpoint.clock.set_offset(snapshot.offset)
        self.transcript = []
        self.foreign = set()

    # Runs ------------------------------------------------------------------------------------

    def run(self, command: str, *arguments: str, env: dict[str, str] | None = None) -> int | None:
        """Run the tool; its exit code, negative for a signal, None if it does not end."""
        module = self.tools.module if env is not None else str(softhsm.MODULE)
        place = f"?module-path={module}&pin-source=file:{self.token.pin_file}"
        token = self.token.uri().partition("?")[0]
        globals_ = ["--ledger", str(self.ledger)]
        if command != "audit":
            globals_ += [
                "--credential", f"{token};id={self.iam.root_id};type=secret-key{place}",
                "--endpoint-url", self.iam.url, "--ca-bundle", str(self.iam.ca_bundle),
                "--cli-read-timeout", "1", "--cli-connect-timeout", "1",
            ]  # fmt: skip
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.directory / "home"),
            "SOFTHSM2_CONF": str(self.token.configuration),
            "TROUBLE_MODULE": str(softhsm.MODULE),
            "AWS_MAX_ATTEMPTS": "2",
            **(env or {}),
        }
        process = subprocess.Popen(
            [self.tools.hsmiam, command, *arguments, *globals_],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment, cwd=self.directory, text=True, errors="replace",
        )  # fmt: skip
        try:
            out, err = process.communicate(timeout=SECONDS)
            code: int | None = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            code = None
        self.transcript.append(f"$ hsmiam {command} {' '.join(arguments)}\n{out}{err}-> {code}\n")
        return code

    def run_faulty(
        self, point: Point | None, *words: str, record: bool = False
    ) -> tuple[int | None, Recording, bool]:
        """A run under the shims: its code, what it did, and whether the failure took place.

        Unless it is recorded, what it did is only what failed, and no shim is there for nothing:
        each call that is looked at costs more than the call.
        """
        log = self.directory / "calls.log"
        log.write_text("")
        environment = {
            "TROUBLE_LOG": str(log),
            **({} if record else {"TROUBLE_LOG_BRIEF": "1", "FAULT_LOG_BRIEF": "1"}),
            **dict(point.environment if point else ()),
        }
        if record or "FAULT" in environment:
            environment |= {
                "LD_PRELOAD": self.tools.shim,
                "FAULT_PATHS": ":".join(f"{name}={path}" for name, path in self._files.items()),
                "FAULT_LOG": str(log),
            }
        if point:
            self.iam.endpoint.rules.add(list(point.rules))
            self.iam.set_door(point.door)
        impatience = ("--token-timeout", "1") if point and point.way == "hang" else ()
        code = self.run(*words, *impatience, env=environment)
        recording = parse_log(log.read_text())
        recording.operations = [entry["operation"] for entry in self.iam.requests()]
        reached = point is not None and self._took_place(point, code, recording)
        self.iam.set_door("open")
        self.iam.endpoint.gate.release()
        self._wait_for_answers()
        return code, recording, reached

    def _wait_for_answers(self) -> None:
        """What IAM has begun it ends before its clock is moved: else it would be done too late."""
        deadline = time.monotonic() + 5
        while any(entry["answered"] is None for entry in self.iam.requests()):
            assert time.monotonic() < deadline, self.iam.requests()
            time.sleep(0.005)

    def _took_place(self, point: Point, code: int | None, recording: Recording) -> bool:
        if point.way in ("kill", "latekill"):
            return code == KILLED
        if point.rules:
            left = self.iam.endpoint.rules.describe()
            return all(rule["served"] > 0 or rule["kind"] == "lag" for rule in left)
        if point.door != "open":
            return True
        return point.place.partition(":")[0] in recording.failures

    # Judgement -------------------------------------------------------------------------------

    def meddle(self, user: str, used: bool = False) -> str:
        """Meanwhile another administrator makes a key, and perhaps somebody uses it."""
        made = str(self.iam.act("CreateAccessKey", UserName=user)["access_key_id"])
        self.foreign.add(made)
        if used:
            self.iam.use(made)
        return made

    def pass_time(self) -> None:
        """Move IAM's clock past the end of any signature, in steps: late executions have a date."""
        for _ in range(int(VALIDITY_AND_MORE / STEP)):
            self.iam.endpoint.clock.advance(STEP)

    def settle(self, point: Point, early: bool, meddles: bool) -> list[str]:
        """Recover until nothing is open, minutes later each time; what is wrong with that.

        `early`: also at once, when it is too early to say that anything did not happen. `meddles`:
        another administrator makes a key for the same user after the window.
        """
        code: int | None = None
        lagging = [rule for rule in point.rules if rule["kind"] == "lag"]
        self.iam.endpoint.rules.clear()
        self.iam.endpoint.rules.add(lagging)
        if early:
            self.run("recover")
        for attempt in range(3):
            self.pass_time()
            if meddles and attempt == 0:
                self.meddle(USER)
            code = self.run("recover")
            self.iam.endpoint.rules.clear()
            if code == 0:
                return []
        return [f"recover ends with {code}"]

    def settle_rival(self, rival: str) -> list[str]:
        """Somebody else made a key for the same user, and nobody used it yet: where it cannot be told
        from ours, both are named, and a person deletes ours and closes the intent."""
        problems = []
        self.iam.endpoint.rules.clear()
        self.run("recover")
        self.pass_time()
        if self.run("recover") == 0:
            return []
        for name in self._alive() - self._held({})[0] - {rival}:
            if name not in self.transcript[-1] or rival not in self.transcript[-1]:
                problems.append(f"{name} and {rival} are not named")
            self.iam.act("DeleteAccessKey", UserName=USER, AccessKeyId=name)
        (intent,) = set(re.findall(r'"Intent": (\d+)', self.transcript[-1]))
        if self.run("recover") == 0:
            problems.append("the intent is closed by itself")
        self.run("recover", "--close", intent, "--reason", "It was looked after.", "--yes")
        code = self.run("recover")
        return problems if code == 0 else [*problems, f"recover ends with {code}"]

    def _alive(self) -> set[str]:
        """The user's keys that were made in the run or after it."""
        return set(self.iam.key_ids(USER)) - set(self.pristine.store.keys)

    def find_twin(self) -> str | None:
        """IAM executed a request twice: the key that nobody holds, and that the list says so of."""
        twins = self._alive() - self._held({})[0] - self.foreign
        self.run("list-access-keys", "--user-name", USER)
        listed, _ = json.JSONDecoder().raw_decode(self.transcript[-1].partition("\n")[2])
        named = {key["AccessKeyId"] for key in listed["AccessKeyMetadata"] if not key["InToken"]}
        return next(iter(twins)) if len(twins) == 1 and twins <= named else None

    def judge(
        self, snapshot: Snapshot, outcome: Outcome, code: int | None, retires: bool = False
    ) -> None:
        """Compare IAM, token and ledger; `code` is that of the run that was made to fail. With
        `retires`, the user's keys of before may be replaced by one that the token holds."""
        store = self.iam.endpoint.service.store
        before = set(snapshot.store.keys)
        gone = (before | self.foreign) - set(store.keys)
        touched = {name for name in before - gone if store.keys[name].status != snapshot.status[name]}
        made = {
            key.access_key_id: key
            for key in [*store.keys.values(), *store.deleted_keys]
            if key.access_key_id not in before | self.foreign
        }
        alive = set(made) & set(store.keys)
        held, wrong = self._held({name: key.secret for name, key in made.items()})
        new = held - before
        if retires:
            replaced = {name for name in before if snapshot.store.keys[name].user.name == USER}
            if (gone | touched) & replaced and not alive & held:
                outcome.lost.append("the old key, before there was a new one")
            if len(alive) > 1:
                outcome.problems.append(f"{len(alive)} new keys are left")
            gone, touched = gone - replaced, touched - replaced
        outcome.orphaned += sorted(alive - held)
        outcome.lost += [f"{key} (another secret)" for key in wrong]
        outcome.lost += sorted((before & self._ours) - held)
        if code == 0 and not alive & held:
            outcome.lost.append("the key that was reported")
        for name in sorted(new - alive):
            outcome.problems.append(f"the token holds {name}, which IAM does not know")
        for name in sorted(gone | touched):
            outcome.problems.append(f"{name}, which was there or is another's, was touched")
        if self.run("audit", "verify") != 0:
            outcome.problems.append("the ledger does not verify")

    @property
    def _ours(self) -> set[str]:
        """The keys that the token held before."""
        if not hasattr(self, "_held_before"):
            self._held_before = self._held({})[0]
        return self._held_before

    def _held(self, known: dict[str, str]) -> tuple[set[str], list[str]]:
        """The ids of the access keys in the token, and those that are not what IAM handed out."""
        held, wrong = set(), []
        with cryptoki.session(self.token) as session:
            for handle in session.secret_keys():
                name = _id_of(session, handle)
                if not name:
                    continue
                held.add(name)
                if name in known and not self._proves(session, handle, known[name]):
                    wrong.append(name)
        return held, wrong

    def _proves(self, session: cryptoki.Session, handle: Any, secret: str) -> bool:
        data = secrets.token_bytes(32)
        try:
            mac = session.sign(handle, cryptoki.CKM_SHA256_HMAC, data)
        except cryptoki.Refused:  # an object that SoftHSM has made half of
            return False
        return mac == self.token.expected_hmac(b"AWS4" + secret.encode(), data)

    def is_untouched(self, snapshot: Snapshot) -> bool:
        """Nothing was asked of IAM that changes anything, and no record or object is another."""
        if any(not entry["operation"].startswith(("List", "Get")) for entry in self.iam.requests()):
            return False
        if self.iam.endpoint.late.pending():
            return False
        return _contents(self.directory) == _contents(snapshot.directory)

    def lose_objects(self, snapshot: Snapshot) -> None:
        """What a power cut does to a software token whose files were not synced."""
        shutil.rmtree(self.directory / "hsm")
        shutil.copytree(snapshot.directory / "hsm", self.directory / "hsm")


# At each login SoftHSM writes the former anew, and the latter at whatever it does.
_NOT_OBJECTS = ("token.object", "generation")


def _contents(directory: Path) -> dict[str, bytes]:
    """The ledger's files that say anything, and the token's objects, by their paths."""
    found = {}
    for path in [*(directory / "state").rglob("*"), *(directory / "hsm" / "tokens").rglob("*")]:
        if path.is_file() and path.name not in _NOT_OBJECTS and path.stat().st_size > 0:
            found[str(path.relative_to(directory))] = path.read_bytes()
    return found


def _id_of(session: cryptoki.Session, handle: Any) -> str:
    """"" for an object that SoftHSM had just begun to make when it was killed: it is no key."""
    try:
        return session.read(handle, cryptoki.CKA_ID).decode()
    except cryptoki.Refused:
        return ""


def make_seed(tools: Tools, directory: Path) -> Path:
    """A provisioned token that holds a root credential, to be copied by every bed."""
    token = softhsm.Token.create(directory / "seed", LABEL)
    token.provision(tools.hsmiam)
    access_key_id = f"AKIA{secrets.token_hex(8).upper()}"
    secret = secrets.token_urlsafe(30)
    (directory / "root.id").write_text(access_key_id)
    (directory / "root.secret").write_text(secret)
    subprocess.run(
        [
            tools.hsmiam, "import-access-key", "--access-key-id", access_key_id,
            "--user-name", "root-admin", "--token", token.uri(),
            "--ledger", str(directory / "seed.jsonl"),
        ],
        input=secret, text=True, check=True, capture_output=True,
        env={**token.environment, "HOME": str(directory)},
    )  # fmt: skip
    return directory / "seed"


@contextmanager
def fast_directory() -> Iterator[Path]:
    """A folder in memory where there is such a file system."""
    memory = Path("/dev/shm")
    usable = memory.is_dir() and os.access(memory, os.W_OK)
    path = Path(tempfile.mkdtemp(prefix="hsmiam-faults-", dir=memory if usable else None))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


KILLED = -signal.SIGKILL
