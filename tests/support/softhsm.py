"""SoftHSM tokens in directories of their own, and what `pkcs11-tool` says of them."""

from __future__ import annotations

import atexit
import functools
import re
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

PROJECT = Path(__file__).resolve().parents[2]
MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
SPY = next(Path("/usr/lib").glob("*/pkcs11-spy.so"), Path("pkcs11-spy.so"))
SO_PIN = "security-officer"


def new_pin() -> str:
    """A PIN that nothing else contains, with characters that a URI must encode."""
    return f"{secrets.token_hex(5)}+%/{secrets.token_hex(3)}"


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


class Token:
    """A token below `directory`; its configuration file is `directory`/softhsm2.conf."""

    def __init__(self, directory: Path, label: str, pin: str) -> None:
        self.directory = directory
        self.label = label
        self.pin = pin
        self.configuration = directory / "softhsm2.conf"
        self.objects_directory = directory / "tokens"
        self.pin_file = directory / f"{label}.pin"

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

    @property
    def serial(self) -> str:
        listing = self._tool(["pkcs11-tool", "--module", str(MODULE), "--list-slots"])
        pattern = rf"token label\s*: {re.escape(self.label)}\n(?:  .*\n)*?  serial num\s*: (\w+)"
        found = re.search(pattern, listing)
        assert found, listing
        return found.group(1)

    def uri(self, path: str = "", query: str | None = None, module: str = "path") -> str:
        """Names the token; `path` and `query` add attributes, the PIN's source by default."""
        which = {
            "path": f"module-path={MODULE}",
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
        return sorted(
            thing.id.decode() for thing in self.objects() if thing.kind.startswith("Secret Key")
        )

    def access_key(self, access_key_id: str) -> Thing:
        """The one object with that id."""
        found = [thing for thing in self.objects() if thing.id == access_key_id.encode()]
        assert len(found) == 1, found
        return found[0]

    def hmac(self, access_key_id: str, data: bytes) -> bytes:
        """HMAC-SHA256 over the data, computed by the token with the key of that id."""
        with tempfile.TemporaryDirectory() as directory:
            given, made = Path(directory) / "data", Path(directory) / "mac"
            given.write_bytes(data)
            self.pkcs11_tool(
                "--login", "--sign", "--mechanism", "SHA256-HMAC",
                "--id", access_key_id.encode().hex(),
                "--input-file", str(given), "--output-file", str(made),
            )  # fmt: skip
            return made.read_bytes()

    def pkcs11_tool(self, *arguments: str) -> str:
        """OpenSC's tool on this token; it logs in with the PIN where `--login` asks for it."""
        pin = ["--pin", self.pin] if "--login" in arguments else []
        return self.pkcs11_tool_anywhere("--token-label", self.label, *pin, *arguments)

    def pkcs11_tool_anywhere(self, *arguments: str) -> str:
        """The tool on whatever token the arguments name."""
        return self._tool(["pkcs11-tool", "--module", str(MODULE), *arguments])

    def set_pin(self, pin: str) -> None:
        """Change the PIN, and the file that holds it."""
        self.pkcs11_tool("--login", "--change-pin", "--new-pin", pin)
        self.pin = pin
        self._write_pin_file()

    def _tool(self, *parts: list[str]) -> str:
        return command([word for part in parts for word in part], self.environment)

    def _write_configuration(self) -> None:
        template = (PROJECT / "softhsm-config/softhsm2.conf.in").read_text()
        text = template.replace("@TOKEN_DIRECTORY@", str(self.objects_directory))
        self.configuration.write_text(text)

    def _write_pin_file(self) -> None:
        self.pin_file.write_text(f"{self.pin}\n")
        self.pin_file.chmod(0o600)


@functools.cache
def provisioned_token(hsmiam: str) -> Token:
    """A token that `hsmiam provision-token` made ready, once for a program: it takes seconds."""
    directory = tempfile.TemporaryDirectory(prefix="hsmiam-template-")
    atexit.register(directory.cleanup)
    token = Token.create(Path(directory.name))
    command([hsmiam, "provision-token", "--token", token.uri()], token.environment)
    return token
