"""Certificates made on the spot with the `openssl` command, and the server's TLS context.

Certificates are valid from yesterday, so that a client whose clock a test set back still takes
them. The CA is kept in the state directory and used again by the next start there; the server's
certificate is new each time, unless the servers of one program share all that.
"""

from __future__ import annotations

import os
import ssl
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

CERTIFICATES = ("good", "wrong-host", "expired", "not-yet-valid", "self-signed", "other-ca")
VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
_CONFIG = """
[ca]
default_ca = local
[local]
database = {directory}/index.txt
new_certs_dir = {directory}
rand_serial = yes
default_md = sha256
policy = any_name
unique_subject = no
[any_name]
commonName = supplied
[req]
distinguished_name = from_command
[from_command]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""


@dataclass(frozen=True)
class TlsOptions:
    """What the server offers. `certificate` is one of CERTIFICATES; `key_log` is a file to which
    the secrets of each connection go, as SSLKEYLOGFILE's do; `shared`: with the same CA and
    certificate as the other servers of this program, for `openssl` takes its time."""

    certificate: str = "good"
    minimum: str = "1.2"
    maximum: str = "1.3"
    ciphers: str | None = None
    key_log: Path | None = None
    shared: bool = False


class Authority:
    """A certificate authority of one directory's `openssl ca` files."""

    def __init__(self, work: Path, certificate: Path, key: Path, names: str) -> None:
        self._work = work
        self._config = work / "openssl.cnf"
        self._config.write_text(_CONFIG.format(directory=work, names=names))
        (work / "index.txt").touch()
        self.certificate = certificate
        self.key = key

    def create(self) -> None:
        """Make the authority's own key and certificate."""
        request = self._request("hsmiam test CA", self.key)
        self._sign(request, self.certificate, "authority", ["-selfsign"], 0, 3650)

    def issue(
        self, certificate: Path, key: Path, first_day: float, last_day: float, own: bool = False
    ) -> None:
        """Issue a server's certificate for a span of days around now; `own`: by its own key."""
        request = self._request("hsmiam test endpoint", key)
        signer = ["-selfsign"] if own else ["-cert", str(self.certificate)]
        signing_key = key if own else self.key
        self._sign(request, certificate, "server", signer, first_day, last_day, signing_key)

    def _request(self, name: str, key: Path) -> Path:
        request = self._work / f"{key.stem}.csr"
        self._openssl(
            ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
            ["-keyout", str(key), "-out", str(request), "-subj", f"/CN={name}"],
        )
        key.chmod(0o600)
        return request

    def _sign(
        self,
        request: Path,
        certificate: Path,
        extensions: str,
        signer: list[str],
        first_day: float,
        last_day: float,
        signing_key: Path | None = None,
    ) -> None:
        yesterday = datetime.now(UTC) - timedelta(days=1)
        first, last = (
            (yesterday + timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")
            for days in (first_day, last_day)
        )
        self._openssl(
            ["ca", "-batch", "-notext", "-in", str(request), "-out", str(certificate), *signer],
            ["-keyfile", str(signing_key or self.key), "-extensions", extensions],
            ["-startdate", first, "-enddate", last],
        )

    def _openssl(self, command: list[str], *options: list[str]) -> None:
        arguments = ["openssl", command[0], "-config", str(self._config), *command[1:]]
        for more in options:
            arguments += more
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"openssl {command[0]} failed:\n{done.stderr}")


FILES = ("ca.pem", "ca-key.pem", "server.pem", "server-key.pem")
_shared: dict[str, dict[str, bytes]] = {}


def make_context(state: Path, options: TlsOptions) -> ssl.SSLContext:
    """Make what certificates are needed and the context that serves them.

    Leaves FILES in the state directory.
    """
    if not options.shared:
        _make_certificates(state, options.certificate)
    elif options.certificate not in _shared:
        _make_certificates(state, options.certificate)
        _shared[options.certificate] = {name: (state / name).read_bytes() for name in FILES}
    else:
        for name, content in _shared[options.certificate].items():
            (state / name).touch(mode=0o600)
            (state / name).write_bytes(content)
    return _context(state / "server.pem", state / "server-key.pem", options)


def _make_certificates(state: Path, kind: str) -> None:
    names = "DNS:localhost,IP:127.0.0.1,IP:::1"
    if kind == "wrong-host":
        names = "DNS:iam.example.com"
    # Days are counted from yesterday: day 1 is now.
    first, last = {"expired": (-1.0, 0.9), "not-yet-valid": (2.0, 29.0)}.get(kind, (0.0, 29.0))
    with tempfile.TemporaryDirectory(prefix="endpoint-ca-") as directory:
        work = Path(directory)
        authority = Authority(work, state / "ca.pem", state / "ca-key.pem", names)
        if not (authority.certificate.exists() and authority.key.exists()):
            authority.create()
        if kind == "other-ca":
            authority = Authority(work, work / "other.pem", work / "other-key.pem", names)
            authority.create()
        own = kind == "self-signed"
        authority.issue(state / "server.pem", state / "server-key.pem", first, last, own)


def _context(certificate: Path, key: Path, options: TlsOptions) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.fspath(certificate), os.fspath(key))
    context.set_alpn_protocols(["http/1.1"])
    if options.minimum in ("1.0", "1.1"):
        # OpenSSL 3 signs no handshake of these versions at its default security level.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    if options.ciphers:
        context.set_ciphers(options.ciphers)
    context.minimum_version = VERSIONS[options.minimum]
    context.maximum_version = VERSIONS[options.maximum]
    if options.key_log:
        context.keylog_filename = os.fspath(options.key_log)
    return context
