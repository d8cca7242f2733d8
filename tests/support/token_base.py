"""What tests need of a token of any kind: its URI, and what is in it, as `pkcs11-tool` says."""

from __future__ import annotations

import hmac
import re
import secrets
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import cryptoki

SPY = next(Path("/usr/lib").glob("*/pkcs11-spy.so"), Path("pkcs11-spy.so"))
SO_PIN = "security-officer"


def new_pin() -> str:
    """A PIN that nothing else contains, with characters that a URI must encode.

    A token in FIPS mode wants characters of three sorts.
    """
    return f"{secrets.token_hex(5)}+%/x{secrets.token_hex(3)}"


def command(arguments: list[str], environment: dict[str, str]) -> str:
    """Run a tool that must succeed, and return what it says."""
    done = subprocess.run(
        arguments, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode != 0:
        raise AssertionError(f"{arguments} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


@dataclass
class Thing:
    """An object in a token as `pkcs11-tool --list-objects` describes it."""

    kind: str
    label: str = ""
    id: bytes = b""
    usage: set[str] = field(default_factory=set)
    access: set[str] = field(default_factory=set)
    mechanisms: set[str] = field(default_factory=set)
    text: str = ""


def _words(text: str) -> set[str]:
    return {word.strip() for word in text.split(",") if word.strip() and word.strip() != "none"}


def parse_objects(listing: str) -> list[Thing]:
    """Objects begin at the margin, their attributes are indented."""
    things: list[Thing] = []
    for line in listing.splitlines():
        if line[:1].strip():
            things.append(Thing(line.partition(";")[0].removesuffix(" Object"), text=line))
            continue
        if not things or ":" not in line:
            continue
        name, _, value = (part.strip() for part in line.partition(":"))
        thing = things[-1]
        thing.text += f"\n{line}"
        if name == "label":
            thing.label = value
        elif name == "ID":
            thing.id = bytes.fromhex(value)
        elif name in ("Usage", "Access"):
            setattr(thing, name.lower(), _words(value))
        elif name == "Allowed mechanisms":
            thing.mechanisms = _words(value)
    return things


class AnyToken:
    """A token whose PIN is in a file. A kind of tokens says where it lives and what it can do."""

    kind: str
    #: How the printed URIs begin.
    model: str
    #: The routes that work, the preferred one first.
    routes: tuple[str, ...] = ("rsa-oaep", "create-object")
    #: Keys keep to CKA_ALLOWED_MECHANISMS.
    limits_mechanisms = True
    #: How keys serve SigV4 by default.
    sigv4_route = "sign"
    #: Keys that may not be copied are not.
    forbids_copies = True
    #: An HMAC takes keys shorter than its output.
    takes_short_keys = True
    #: Whoever is not logged in can put public objects into it,
    public_is_writable = False
    #: or at least sees them.
    public_is_seen = True
    #: It knows which keys were made in it (CKA_LOCAL).
    remembers_local = True
    #: p11-kit's configuration on this machine names the module.
    configured = False
    #: Its files can be made such that the token fails when it is written to.
    can_be_spoilt = False

    def __init__(self, directory: Path, label: str, pin: str) -> None:
        self.directory = directory
        self.label = label
        self.pin = pin
        self.pin_file = directory / f"{label}.pin"

    # What a kind says ------------------------------------------------------------------------

    @classmethod
    def create(cls, directory: Path, label: str = "custody") -> AnyToken:
        """Make an empty token below the directory, with a PIN of its own."""
        raise NotImplementedError

    @classmethod
    def copy(cls, original: AnyToken, directory: Path) -> AnyToken:
        """A copy with a PIN of its own, of a token of the template's kind."""
        raise NotImplementedError

    @classmethod
    def template_kind(cls) -> type[AnyToken]:
        """The kind of tokens that copies are made of."""
        return cls

    @classmethod
    def found(cls, directory: Path, label: str = "custody") -> AnyToken:
        """The token that was made there before."""
        return cls(directory, label, (directory / f"{label}.pin").read_text().strip())

    @property
    def module(self) -> Path:
        """The module that the tool loads."""
        raise NotImplementedError

    @property
    def tool_module(self) -> Path:
        """The module that other programs load."""
        return self.module

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a run of the tool finds the token."""
        raise NotImplementedError

    @property
    def tool_environment(self) -> dict[str, str]:
        """The same for other programs."""
        return self.environment

    @property
    def query(self) -> str:
        """What a URI's query has beside the module's path."""
        return ""

    def provision(self, hsmiam: str) -> None:
        """Make the keys of ours in it."""
        state = {"XDG_STATE_HOME": str(self.directory / "state")}
        command([hsmiam, "provision-token", "--token", self.uri()], self.environment | state)

    def close(self) -> None:
        """Stop what runs for the token."""

    # What is the same for all ----------------------------------------------------------------

    @property
    def serial(self) -> str:
        listing = self._tool(["pkcs11-tool", "--module", str(self.tool_module), "--list-slots"])
        pattern = rf"token label\s*: {re.escape(self.label)}\n(?:  .*\n)*?  serial num\s*: (\w+)"
        found = re.search(pattern, listing)
        assert found, listing
        return found.group(1)

    def uri(self, path: str = "", query: str | None = None, module: str = "path") -> str:
        """Names the token; `path` and `query` add attributes, the PIN's source by default."""
        which = {
            "path": "&".join(part for part in (f"module-path={self.module}", self.query) if part),
            "name": "module-name=softhsm2",
            "spy": f"module-path={SPY}",
        }[module]
        source = f"pin-source=file:{self.pin_file}" if query is None else query
        path = f"pkcs11:token={quote(self.label)}{path}"
        return f"{path}?{'&'.join(part for part in (which, source) if part)}"

    def key_uri(self, access_key_id: str, **more: str) -> str:
        """Names an access key in the token."""
        return self.uri(f";id={access_key_id};type=secret-key", **more)

    def objects(self, login: bool = True) -> list[Thing]:
        return parse_objects(self.pkcs11_tool("--list-objects", *(["--login"] if login else [])))

    def access_key_ids(self) -> list[str]:
        """The ids of the secret keys in the token."""
        with cryptoki.session(self, cryptoki.CKF_READ_ONLY) as session:
            return sorted(
                session.read(key, cryptoki.CKA_ID).decode() for key in session.secret_keys()
            )

    def access_key(self, access_key_id: str) -> Thing:
        """The one object with that id."""
        found = [thing for thing in self.objects() if thing.id == access_key_id.encode()]
        assert len(found) == 1, found
        return found[0]

    def hmac(self, access_key_id: str, data: bytes) -> bytes:
        """HMAC-SHA256 over the data, computed by the token with the key of that id.

        A key that may only derive does it in two steps: the derived key computes the HMAC again.
        """
        with cryptoki.session(self, cryptoki.CKF_READ_ONLY) as session:
            key = session.find(access_key_id)
            if self.sigv4_route == "in-token":
                key = session.derive_hmac(key, data)
            return session.sign(key, cryptoki.CKM_SHA256_HMAC, data)

    def expected_hmac(self, key: bytes, data: bytes) -> bytes:
        """The same on the host."""
        mac = hmac.digest(key, data, "sha256")
        return mac if self.sigv4_route == "sign" else hmac.digest(mac, data, "sha256")

    def pkcs11_tool(self, *arguments: str) -> str:
        """OpenSC's tool on this token; it logs in with the PIN where `--login` asks for it."""
        pin = ["--pin", self.pin] if "--login" in arguments else []
        return self.pkcs11_tool_anywhere("--token-label", self.label, *pin, *arguments)

    def pkcs11_tool_anywhere(self, *arguments: str) -> str:
        """The tool on whatever token the arguments name."""
        return self._tool(["pkcs11-tool", "--module", str(self.tool_module), *arguments])

    def p11tool(self, *arguments: str) -> str:
        """GnuTLS's tool, logged in to this token."""
        return command(
            ["p11tool", "--provider", str(self.tool_module), "--login", "--batch", *arguments],
            self.tool_environment | {"GNUTLS_PIN": self.pin},
        )

    def set_pin(self, pin: str) -> None:
        """Change the PIN, and the file that holds it."""
        self.pkcs11_tool("--login", "--change-pin", "--new-pin", pin)
        self.pin = pin
        self._write_pin_file()

    def _tool(self, *parts: list[str]) -> str:
        return command([word for part in parts for word in part], self.tool_environment)

    def _write_pin_file(self) -> None:
        self.pin_file.write_text(f"{self.pin}\n")
        self.pin_file.chmod(0o600)
