#!/usr/bin/env python3
"""An IAM and an STS on this machine that verify signatures, and misbehave on order.

They speak the Query APIs 2010-05-08 and 2011-06-15 over HTTPS, keep everything in memory, and
take orders on a second, plain HTTP port. Its address is the ready file's `control`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import textwrap
import threading
from pathlib import Path

import control
import kinds
import misbehave
from endpoint import Endpoint, Options
from service import Settings
from tls import CERTIFICATES, VERSIONS, TlsOptions


def rules_help() -> str:
    """The kinds of misbehaviour with their fields and defaults, from the one table."""
    lines = [misbehave.__doc__ or "", "kinds of misbehaviour and their fields (default):"]

    def add(text: str, indent: int) -> None:
        lines.extend(
            textwrap.wrap(
                text,
                96,
                initial_indent=" " * indent,
                subsequent_indent=" " * (indent + 4),
                break_on_hyphens=False,
            )
        )

    for name, kind in kinds.KINDS.items():
        lines.append("")
        add(f"{name}: {kind.says}", 2)
        if kind.execute is not None:
            add(f"execute ({json.dumps(kind.execute)})", 8)
        for field, item in kind.fields.items():
            values = f": {', '.join(item.values)}" if item.values else ""
            add(f"{field} ({json.dumps(item.default)}){values}", 8)
    return "\n".join(lines)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="serve.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"control port:\n{(control.__doc__ or '').partition(chr(10))[2]}\n{rules_help()}",
    )
    _place_options(made)
    _account_options(made)
    _tls_options(made)
    return made


def _place_options(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group("where and how long")
    group.add_argument(
        "--state-dir", type=Path, required=True, metavar="DIR",
        help="directory for certificates and the first credential; made if missing",
    )  # fmt: skip
    group.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    group.add_argument("--port", type=int, default=0, help="port; 0 takes a free one (0)")
    group.add_argument("--control-port", type=int, default=0, help="control port, likewise (0)")
    group.add_argument(
        "--ready-file", type=Path, metavar="FILE",
        help="write, once requests are served, a JSON object with endpoint, ca_bundle, "
        "access_key_id, secret_file, control, pid and more; removed at the end. "
        "Without it the object goes to standard output",
    )  # fmt: skip
    group.add_argument(
        "--exit-with-stdin", action="store_true", help="end when standard input is closed"
    )
    group.add_argument(
        "--idle-timeout", type=float, default=120.0, metavar="SECONDS",
        help="close a connection without requests after this time (%(default)s)",
    )  # fmt: skip


def _account_options(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group("the account")
    group.add_argument(
        "--user", default="root-admin", metavar="NAME",
        help="user of the first credential, who may do everything (%(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--account-root", action="store_true",
        help="the first credential belongs to the account's root user instead",
    )  # fmt: skip
    group.add_argument(
        "--root-user-name", default="", metavar="ALIAS",
        help="UserName in replies about the root user; left out by default",
    )  # fmt: skip
    group.add_argument("--access-key-id", metavar="ID", help="id of the first credential")
    group.add_argument(
        "--secret-file", type=Path, metavar="FILE",
        help="its secret. Without these two a credential is made, kept in DIR/credentials.json "
        "and DIR/secret (mode 0600), and used again by the next start in DIR",
    )  # fmt: skip
    group.add_argument("--users", default="", metavar="A,B", help="users without keys to make")
    group.add_argument(
        "--allow", action="append", default=[], metavar="USER:ACTION",
        help="let a user do something; either may be *; repeatable. Other users than --user may "
        "do nothing by themselves but ask STS who they are",
    )  # fmt: skip
    group.add_argument(
        "--deny", "--allow-deny", dest="deny", action="append", default=[],
        metavar="USER:ACTION", help="refuse a user something, whatever else allows it; repeatable",
    )  # fmt: skip
    group.add_argument("--account", default="123456789012", help="account number (%(default)s)")
    group.add_argument("--partition", default="aws", help="partition in ARNs (%(default)s)")
    group.add_argument(
        "--region", default="us-east-1", help="region that IAM's scope must have (%(default)s)"
    )
    group.add_argument("--sts-region", help="region that STS's scope must have (any)")
    group.add_argument(
        "--keys-per-user", type=int, default=2, metavar="N", help="quota of keys (%(default)s)"
    )
    group.add_argument(
        "--misbehave", action="append", default=[], metavar="JSON",
        help="a rule to begin with, as for the control port's /misbehave; repeatable",
    )  # fmt: skip


def _tls_options(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group("TLS")
    group.add_argument("--plain", action="store_true", help="plain HTTP, no TLS")
    group.add_argument(
        "--certificate", choices=CERTIFICATES, default="good",
        help="what the server shows; ca.pem is the good CA's in every case (%(default)s)",
    )  # fmt: skip
    versions = list(VERSIONS)
    group.add_argument("--tls-min", choices=versions, default="1.2", help="(%(default)s)")
    group.add_argument("--tls-max", choices=versions, default="1.3", help="(%(default)s)")
    group.add_argument("--ciphers", metavar="LIST", help="OpenSSL cipher list, up to TLS 1.2")


def options_of(arguments: argparse.Namespace, made: argparse.ArgumentParser) -> Options:
    """Turn parsed arguments into options, or complain as a command line does."""
    if bool(arguments.access_key_id) != bool(arguments.secret_file):
        made.error("--access-key-id and --secret-file go together")
    try:
        rules = [json.loads(text) for text in arguments.misbehave]
    except ValueError as problem:
        made.error(f"--misbehave: {problem}")
    return Options(
        state_dir=arguments.state_dir,
        host=arguments.host,
        port=arguments.port,
        control_port=arguments.control_port,
        plain=arguments.plain,
        user=arguments.user,
        account_root=arguments.account_root,
        access_key_id=arguments.access_key_id,
        secret_file=arguments.secret_file,
        users=[name for name in arguments.users.split(",") if name],
        allow=arguments.allow,
        deny=arguments.deny,
        rules=rules,
        settings=Settings(
            account=arguments.account,
            partition=arguments.partition,
            region=arguments.region,
            sts_region=arguments.sts_region,
            keys_per_user=arguments.keys_per_user,
            root_user_name=arguments.root_user_name,
        ),
        tls=TlsOptions(
            arguments.certificate, arguments.tls_min, arguments.tls_max, arguments.ciphers
        ),
        idle_timeout=arguments.idle_timeout,
    )


def announce(endpoint: Endpoint, ready_file: Path | None) -> None:
    """Tell that requests are served. A reader of the file sees all of it or none."""
    text = json.dumps(endpoint.facts(), indent=2) + "\n"
    if ready_file is None:
        print(text, end="", flush=True)
        return
    partial = ready_file.with_name(f".{ready_file.name}.{os.getpid()}")
    partial.write_text(text)
    partial.replace(ready_file)


def end_with_stdin(end: threading.Event) -> None:
    def watch() -> None:
        with contextlib.suppress(OSError):
            while sys.stdin and os.read(0, 4096):
                pass
        end.set()

    threading.Thread(target=watch, daemon=True).start()


def main() -> int:
    made = parser()
    arguments = made.parse_args()
    options = options_of(arguments, made)
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    if arguments.ready_file:
        arguments.ready_file.unlink(missing_ok=True)
    try:
        endpoint = Endpoint(options)
    except (OSError, RuntimeError, ValueError) as problem:
        print(f"serve.py: {problem}", file=sys.stderr)
        return 1
    try:
        announce(endpoint, arguments.ready_file)
        if arguments.exit_with_stdin:
            end_with_stdin(end)
        end.wait()
    finally:
        if arguments.ready_file:
            arguments.ready_file.unlink(missing_ok=True)
        endpoint.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
