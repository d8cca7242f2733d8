"""NSS's softoken: the ways of its parameter string to it."""

from __future__ import annotations

import unittest
from pathlib import Path

from harness import CONFIGURATION, IntegrationTest, Run
from nss import SOFTOKEN
from unprivileged import OTHER_USER


class NssTest(IntegrationTest):
    with_root = False

    def provision(self, uri: str, expect: int = 0, **options: object) -> Run:
        return self.hsmiam("provision-token", "--token", uri, expect=expect, **options)

    def other_query(self, query: str) -> str:
        """The token's URI with another query, but for the PIN's source."""
        return f"pkcs11:token=custody?{query}&pin-source=file:{self.token.pin_file}"


class WordsTest(NssTest):
    def test_folder_and_name(self) -> None:
        where = f"module-path={SOFTOKEN.parent}&module-name=softokn3"
        self.provision(self.other_query(f"{where}&{self.token.query}"))

    def test_only_token_with_keys(self) -> None:
        """Softoken shows one more, of algorithms only, which does not make it ambiguous."""
        self.provision(self.token.uri().replace("token=custody", ""))

    def test_none(self) -> None:
        run = self.provision(self.other_query(f"module-path={SOFTOKEN}"), CONFIGURATION)
        self.assertIn("cannot be used", run.sentence)

    def test_wrong(self) -> None:
        query = f"module-path={SOFTOKEN}&x-init-reserved=configdir='sql:/nowhere'"
        self.provision(self.other_query(query), CONFIGURATION)

    def test_without_a_module(self) -> None:
        run = self.provision(self.other_query(self.token.query), CONFIGURATION)
        self.assertIn("has x-init-reserved without module-path", run.sentence)

    def test_two_databases_at_once(self) -> None:
        """A process can give a module words once."""
        self.import_root()
        other = self.token.uri().replace("custody", "other").replace("database", "elsewhere")
        run = self.issue("--user-name", "alice", "--token", other, expect=CONFIGURATION)
        self.assertIn("with another x-init-reserved already", run.sentence)
        self.assertEqual(self.iam.key_ids("alice"), [])


class ConfigurationTest(NssTest):
    """p11-kit's configuration, as the README shows it; it knows no user's own one for root."""

    def test_module_of_ones_own(self) -> None:
        folder = Path(self.environment["XDG_CONFIG_HOME"]) / "pkcs11/modules"
        folder.mkdir(parents=True)
        (folder / "nss.module").write_text(
            f"module: {SOFTOKEN}\nx-init-reserved: {self.token.words}\n"  # type: ignore[attr-defined]
        )
        # p11-kit unloads the module, and with it go the pointers to what NSS keeps for good.
        sanitizer = f"{self.environment.get('ASAN_OPTIONS', '')}:detect_leaks=0"
        for path in (self.directory, *self.directory.rglob("*")):
            path.chmod(0o777)
        for query in ("module-name=nss", "library-manufacturer=Mozilla%20Foundation"):
            with self.subTest(query):
                path = "pkcs11:token=custody" + (
                    f";{query}?" if query.startswith("library") else f"?{query}&"
                )
                self.provision(
                    f"{path}pin-source=file:{self.token.pin_file}",
                    env={"ASAN_OPTIONS": sanitizer}, **OTHER_USER,
                )  # fmt: skip


if __name__ == "__main__":
    unittest.main()
