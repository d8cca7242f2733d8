#!/usr/bin/env python3
"""Shows that a token holds the secret that the local IAM made for a key, and that no file does.

The local IAM tells its secrets on its control port, which a real one never does: only so can the
two sides be compared. The token computes by pkcs11-tool, none of whose code is ours.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request


def secret_of(control: str, access_key_id: str) -> bytes:
    """The secret as IAM knows it."""
    with urllib.request.urlopen(f"{control}/state", timeout=10) as reply:
        state = json.load(reply)
    for key in state["keys"]:
        if key["AccessKeyId"] == access_key_id:
            return key["SecretAccessKey"].encode()
    sys.exit(f"IAM has no access key {access_key_id}")


def hmac_in_token(arguments: argparse.Namespace, data: bytes) -> bytes:
    """HMAC-SHA256 with the key in the token; the PIN is in the environment variable PIN."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "data"), pathlib.Path(folder, "mac")
        source.write_bytes(data)
        subprocess.run(
            ["pkcs11-tool", "--module", arguments.module, "--token-label", arguments.token_label,
             "--login", "--pin", "env:PIN", "--sign", "--mechanism", "SHA256-HMAC",
             "--id", arguments.access_key_id.encode().hex(),
             "--input-file", str(source), "--output-file", str(target)],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return target.read_bytes()


def files_with(folder: str, secret: bytes) -> list[str]:
    """The files below a folder in which the secret stands, plain, in hex or in base64."""
    needles = [secret, secret.hex().encode(), base64.b64encode(secret).rstrip(b"=")]
    return [str(path) for path in pathlib.Path(folder).rglob("*") if path.is_file()
            and any(needle in path.read_bytes() for needle in needles)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--control", required=True, help="URL of the local IAM's control port")
    parser.add_argument("--access-key-id", required=True)
    parser.add_argument("--module", required=True, help="PKCS#11 module")
    parser.add_argument("--token-label", required=True)
    parser.add_argument("--search", required=True, help="folder to search for the secret")
    arguments = parser.parse_args()
    if "PIN" not in os.environ:
        parser.error("the environment variable PIN is not set")

    secret = secret_of(arguments.control, arguments.access_key_id)
    data = os.urandom(32)
    theirs = hmac_in_token(arguments, data)
    ours = hmac.new(b"AWS4" + secret, data, hashlib.sha256).digest()
    found = files_with(arguments.search, secret)
    print(f"HMAC by the token:            {theirs.hex()}")
    print(f"HMAC with the secret of IAM:  {ours.hex()}")
    print(f"Files that hold the secret:   {len(found)} {' '.join(found)}".rstrip())
    return 0 if theirs == ours and not found else 1


if __name__ == "__main__":
    sys.exit(main())
