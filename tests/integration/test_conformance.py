"""A public suite of tests of PKCS#11 modules says the same of a token's module, test by test,
whether ours stands in front of it or not."""

from __future__ import annotations

import os
import shutil
import tempfile
import unittest
from pathlib import Path

import conformance

MODULE = Path(os.environ["HSMIAM_PKCS11_MODULE"])
MEMORY = Path("/dev/shm")  # the suite makes a token for each test


class ConformanceTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = MEMORY if os.access(MEMORY, os.W_OK) else None
        self.directory = Path(tempfile.mkdtemp(prefix="hsmiam-suite-", dir=folder))
        self.addCleanup(shutil.rmtree, self.directory)

    def compare(self, kind: str, passed: int) -> None:
        alone = conformance.make_token(kind, self.directory / "alone")
        behind = conformance.make_token(kind, self.directory / "behind")
        configuration = self.directory / "config"
        configuration.write_text(f"[default]\nhsmiam_token = pkcs11:?module-path={alone.module}\n")
        runs = (
            conformance.Running(alone, alone.module),
            conformance.Running(behind, MODULE, AWS_CONFIG_FILE=str(configuration)),
        )
        said, said_behind = (run.finish() for run in runs)
        self.assertEqual(said_behind, said)
        self.assertGreaterEqual(list(said.values()).count("ok"), passed)

    def test_softhsm(self) -> None:
        self.compare("softhsm", passed=80)

    def test_kryoptic_by_the_interface_of_3_0(self) -> None:
        self.compare("kryoptic", passed=76)


if __name__ == "__main__":
    unittest.main()
