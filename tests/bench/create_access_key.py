#!/usr/bin/env python3
"""How long one `hsmiam create-access-key` takes beside `curl --aws-sigv4`, as whole processes.

The two run in turn against the same canned HTTPS server, and the ratio is taken pair by pair, so
that it holds when the machine's speed drifts. curl has the secret in its hands and posts once; ours
opens the token, rehearses, lists, posts, stores and proves.

Also, for how long the secret is on the host: from its arrival until all that held it is wiped.
"""

import argparse
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
MODULE = "/usr/lib/softhsm/libsofthsm2.so"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


class Bench:
    """A provisioned token, kept as it was before every run, and a canned server."""

    def __init__(self, hsmiam: str, work: pathlib.Path) -> None:
        self.hsmiam = hsmiam
        self.work = work
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(work), "HSMIAM": hsmiam}
        self.provision()
        self.server = subprocess.Popen(
            [sys.executable, str(TOP / "tests/bench/canned_server.py"), str(work)])
        while not (work / "ready").exists():
            if self.server.poll() is not None:
                raise SystemExit("The canned server ended before it was ready.")
            time.sleep(0.05)
        self.url = f"https://127.0.0.1:{(work / 'port').read_text()}"
        self.certificate = str(work / "ca.pem")

    def provision(self) -> None:
        token = self.work / "token"
        subprocess.run([str(TOP / "softhsm-config/provision-softhsm"), str(token), "bench"],
                       env=self.environment, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        self.environment["SOFTHSM2_CONF"] = str(token / "softhsm2.conf")
        self.uri = f"pkcs11:token=bench;%s?module-path={MODULE}&pin-source=file:{token}/pin"
        subprocess.run([self.hsmiam, "import-access-key", "--token", self.uri.replace("%s", ""),
                        "--access-key-id", "AKIAIOSFODNN7EXAMPLE", "--user-name", "root"],
                       input=SECRET.encode(), env=self.environment, check=True,
                       stdout=subprocess.DEVNULL)
        shutil.copytree(token / "tokens", self.work / "pristine")

    def restore(self) -> None:
        """A token grows with every key, and SoftHSM reads all of it."""
        shutil.rmtree(self.work / "token/tokens")
        shutil.copytree(self.work / "pristine", self.work / "token/tokens")

    def ours(self) -> list[str]:
        return [self.hsmiam, "create-access-key", "--user-name", "Bob", "--endpoint-url", self.url,
                "--ca-bundle", self.certificate, "--credential",
                self.uri.replace("%s", "object=root")]

    def curl(self) -> list[str]:
        return ["curl", "--silent", "--fail", "--cacert", self.certificate, "--aws-sigv4",
                "aws:amz:us-east-1:iam", "--user", f"AKIAIOSFODNN7EXAMPLE:{SECRET}", "--data",
                "Action=CreateAccessKey&Version=2010-05-08&UserName=Bob", f"{self.url}/"]

    def time(self, command: list[str]) -> float:
        began = time.perf_counter()
        subprocess.run(command, env=self.environment, check=True, stdout=subprocess.DEVNULL)
        return (time.perf_counter() - began) * 1000

    def expose(self) -> float:
        """Milliseconds that the secret was on the host, by what --debug says."""
        done = subprocess.run([*self.ours(), "--debug"], env=self.environment, check=True,
                              capture_output=True, text=True)
        said = re.search(r"The secret was on this host for (\d+) microseconds", done.stderr)
        if not said:
            raise SystemExit("--debug does not say how long the secret was on the host.")
        return int(said.group(1)) / 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hsmiam", default=str(TOP / "build/release/tool/hsmiam"))
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--folder", default="/dev/shm", help="where the token lies (tmpfs)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        bench = Bench(arguments.hsmiam, pathlib.Path(folder))
        try:
            pairs = []
            exposures = []
            for number in range(arguments.pairs + 2):
                bench.restore()
                pair = bench.time(bench.ours()), bench.time(bench.curl())
                if number >= 2:  # the first two warm caches up
                    pairs.append(pair)
                    bench.restore()
                    exposures.append(bench.expose())
        finally:
            bench.server.terminate()
            bench.server.wait()
    for name, values in (("hsmiam ms", [a for a, _ in pairs]), ("curl ms", [b for _, b in pairs]),
                         ("ratio", [a / b for a, b in pairs]), ("secret ms", exposures)):
        print(f"{name:10} median {statistics.median(values):7.2f}   "
              f"min {min(values):7.2f}   max {max(values):7.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
