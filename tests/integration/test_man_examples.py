"""The examples of the man pages, run as they stand there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import unittest
from pathlib import Path

from harness import HSMIAM, SECONDS, IntegrationTest, Run

PAGES = Path(os.environ["HSMIAM_DOCS"]) / "man1"

# A page and lines of its examples, in the order in which somebody would need them. `AKIA...` is the
# key of Bob.
EXAMPLES = [
    ("hsmiam", "hsmiam provision-token"),
    ("get-caller-identity", "hsmiam get-caller-identity"),
    ("create-access-key", "hsmiam create-access-key --user-name Bob"),
    ("create-access-key", "hsmiam create-access-key --user-name Branch --exportable"),
    ("batch-create-access-key",
     "hsmiam batch-create-access-key --user-names users.txt > keys.jsonl"),
    ("batch-create-access-key",
     "hsmiam batch-create-access-key --user-names users.txt --resume >> keys.jsonl"),
    ("list-access-keys", "hsmiam list-access-keys --user-name Bob --output table"),
    ("list-access-keys", "hsmiam list-access-keys --all-users --output csv > keys.csv"),
    ("get-access-key-last-used", "hsmiam get-access-key-last-used --access-key-id AKIA..."),
    ("sign-request",
     "hsmiam sign-request --region us-east-1 --service s3 \\\n"
     "    --url https://bucket.s3.amazonaws.com/key --presign --expires-in 600"),
    ("audit", "hsmiam audit export-public-key > audit.pem"),
    ("audit", "hsmiam audit verify --public-key audit.pem --checkpoint kept-elsewhere.json"),
    ("audit", "hsmiam audit show --user-name Bob --since 2026-11-24 --output table"),
    ("audit", "hsmiam audit policy"),
    ("recover", "hsmiam recover --dry-run"),
    ("recover", "hsmiam recover"),
    ("update-access-key",
     "hsmiam update-access-key --user-name Bob --access-key-id AKIA... --status Inactive"),
    ("delete-access-key",
     "hsmiam delete-access-key --user-name Bob --access-key-id AKIA... --yes"),
]  # fmt: skip


def examples(page: Path) -> str:
    """What stands under EXAMPLES, as it is typed."""
    text = page.read_text().partition('.SH "EXAMPLES"\n')[2]
    blocks = re.findall(r"(?ms)^\.EX\n(.*?)^\.EE$", text)
    typed = {r"\e": "\\", r"\-": "-", r"\&": "", r"\(aq": "'", r"\(dq": '"', r"\(ti": "~"}
    return re.sub(r"\\(\(..|.)", lambda mark: typed[mark[0]], "\n".join(blocks))


class ManExamplesTest(IntegrationTest):
    """One token, one IAM, one ledger, from the first example to the last."""

    iam_options = {"users": ["Bob", "Branch", "Carol", "Dave"]}

    def shell(self, line: str, **more: str) -> Run:
        programs = self.directory / "bin"
        programs.mkdir(exist_ok=True)
        if not (programs / "hsmiam").exists():
            (programs / "hsmiam").symlink_to(HSMIAM)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line], cwd=self.directory, capture_output=True,
            env=self.environment | more | {"PATH": f"{programs}:/usr/bin:/bin"},
            text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        run = Run([line], done.returncode, done.stdout, done.stderr)
        self.assert_secrecy(run)
        self.assertEqual(run.code, 0, run)
        return run

    def test_examples(self) -> None:
        self.write("users.txt", "Carol\nDave\n")
        settings = {
            "HSMIAM_TOKEN": self.token.uri(),
            "HSMIAM_CREDENTIAL": self.token.key_uri(self.iam.root_id),
            "AWS_ENDPOINT_URL": self.iam.url,
            "AWS_CA_BUNDLE": str(self.iam.ca_bundle),
            "AWS_REGION": "us-east-1",
        }
        key = ""
        for name, line in EXAMPLES:
            page = PAGES / ("hsmiam.1" if name == "hsmiam" else f"hsmiam-{name}.1")
            self.assertRegex(examples(page), rf"(?m)^{re.escape(line)}( +#.*)?$", name)
            if "kept-elsewhere" in line:
                self.shell("hsmiam audit checkpoint > kept-elsewhere.json", **settings)
            run = self.shell(line.replace("AKIA...", key), **settings)
            if line.endswith("--user-name Bob"):
                key = run.json["AccessKey"]["AccessKeyId"]
        lines = (self.directory / "keys.jsonl").read_text().splitlines()
        self.assertEqual({json.loads(each)["UserName"] for each in lines}, {"Carol", "Dave"})


if __name__ == "__main__":
    unittest.main()
