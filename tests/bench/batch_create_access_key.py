#!/usr/bin/env python3
"""How many keys a second `hsmiam batch-create-access-key` makes, and what memory it takes.

It runs for few users and for many, each time with a new token of NSS's softoken and a new ledger,
against a canned HTTPS server that answers at once. What differs between the two is what the users
cost in memory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/support"))

import nss  # noqa: E402

ROOT_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def start_server(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    server = subprocess.Popen([sys.executable, TOP / "tests/bench/canned_server.py", folder])
    while not (folder / "ready").exists():
        if server.poll() is not None:
            raise SystemExit("The canned server ended before it was ready.")
        time.sleep(0.05)
    return server, f"https://127.0.0.1:{(folder / 'port').read_text()}"


def run(hsmiam: str, folder: Path, url: str, users: int, *options: str) -> tuple[float, int]:
    """Seconds, and the most memory in KiB."""
    place = folder / f"for-{users}"
    place.mkdir()
    token = nss.Token.create(place / "hsm")
    environment = {"PATH": os.environ["PATH"], "HOME": str(place)} | token.environment
    token.provision(hsmiam)
    subprocess.run([hsmiam, "import-access-key", "--token", token.uri(), "--access-key-id", ROOT_ID,
                    "--user-name", "root"], input=SECRET.encode(), env=environment, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    names = place / "users"
    names.write_text("".join(f"user{number}\n" for number in range(users)))
    began = time.perf_counter()
    process = subprocess.Popen(
        [hsmiam, "batch-create-access-key", "--user-names", names, "--credential",
         token.key_uri(ROOT_ID), "--endpoint-url", url, "--ca-bundle", folder / "ca.pem", *options],
        env=environment, stdout=(place / "lines").open("wb"))  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"hsmiam ended with {process.returncode}.")
    seconds = time.perf_counter() - began
    token.close()
    return seconds, usage.ru_maxrss


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hsmiam", default=str(TOP / "build/release/tool/hsmiam"))
    parser.add_argument("--few", type=int, default=100)
    parser.add_argument("--many", type=int, default=10000)
    parser.add_argument("--max-concurrency", help="for hsmiam")
    parser.add_argument("--folder", default="/dev/shm", help="where tokens and ledgers lie (tmpfs)")
    arguments = parser.parse_args()
    # What gives NSS its parameters stands beside, in a build with tests.
    build = Path(arguments.hsmiam).resolve().parents[1]
    os.environ.setdefault("HSMIAM_NSS_MODULE", str(build / "tests/integration/libnss_module.so"))
    options = ["--max-concurrency", arguments.max_concurrency] if arguments.max_concurrency else []
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        server, url = start_server(Path(name))
        try:
            for users in (arguments.few, arguments.many):
                seconds, peak = run(arguments.hsmiam, Path(name), url, users, *options)
                print(f"{users:6} users  {seconds:8.1f} s  {users / seconds:6.1f} keys/s  "
                      f"{peak:7} KiB", flush=True)  # fmt: skip
        finally:
            server.terminate()
            server.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
