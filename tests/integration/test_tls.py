"""Whom the tool talks to: certificates, protocol versions, plain text."""

from __future__ import annotations

import unittest

from harness import CONFIGURATION, GENERAL, OK, IntegrationTest, Run
from local_iam import LocalIam
from tls import TlsOptions

BAD_CERTIFICATES = ("wrong-host", "expired", "not-yet-valid", "self-signed", "other-ca")


class TlsTest(IntegrationTest):
    def ask(
        self, iam: LocalIam, *arguments: str, expect: int = GENERAL,
        settings: dict[str, str] | None = None,
    ) -> Run:  # fmt: skip
        """Issue a key at another IAM that knows the same credential."""
        iam.endpoint.credential = self.iam.endpoint.credential
        iam.endpoint.reset(["state"])
        return self.hsmiam(
            "create-access-key", *self.iam_arguments(iam, **(settings or {})),
            "--user-name", "alice", *arguments, expect=expect,
        )  # fmt: skip

    def refuse(self, iam: LocalIam, message: str, *arguments: str, **more: str) -> None:
        run = self.ask(iam, *arguments, settings=more)
        self.assertIn(message, run.sentence)
        self.assertEqual(iam.requests(), [], "something was sent")


class CertificateTest(TlsTest):
    def test_bad_ones(self) -> None:
        for certificate in BAD_CERTIFICATES:
            with self.subTest(certificate):
                iam = self.new_iam(tls=TlsOptions(certificate=certificate))
                self.refuse(iam, f"SSL validation failed for {iam.url}")

    def test_unknown_authority(self) -> None:
        """The system's authorities, without a bundle; another one's, with that."""
        words = self.iam_arguments()
        place = words.index("--ca-bundle")
        run = self.hsmiam(
            "create-access-key", *words[:place], *words[place + 2:], expect=GENERAL
        )  # fmt: skip
        self.assertIn("SSL validation failed for", run.sentence)
        other = self.new_iam(tls=TlsOptions())
        self.refuse(self.iam, "SSL validation failed for", ca_bundle=str(other.ca_bundle))

    def test_bundle_that_is_none(self) -> None:
        bundle = self.write("none.pem", "nothing that looks like a certificate\n")
        run = self.issue("--user-name", "alice", "--ca-bundle", str(bundle), expect=CONFIGURATION)
        self.assertIn("cannot be read", run.sentence)
        self.assertEqual(self.iam.requests(), [])

    def test_not_verified_on_loopback(self) -> None:
        for certificate in BAD_CERTIFICATES:
            with self.subTest(certificate):
                iam = self.new_iam(tls=TlsOptions(certificate=certificate))
                self.ask(iam, "--no-verify-ssl", expect=OK)

    def test_by_name(self) -> None:
        url = self.iam.url.replace("127.0.0.1", "localhost")
        self.issue("--user-name", "alice", "--endpoint-url", url)
        request = self.iam.requests("CreateAccessKey")[0]
        self.assertIn(["Host", url.removeprefix("https://")], request["headers"])


class VersionTest(TlsTest):
    def test_old_ones_are_refused(self) -> None:
        for version in ("1.0", "1.1"):
            with self.subTest(version):
                iam = self.new_iam(tls=TlsOptions(minimum=version, maximum=version))
                self.refuse(iam, "SSL validation failed for")
                self.refuse(iam, "SSL validation failed for", "--no-verify-ssl")

    def test_new_ones_are_used(self) -> None:
        for version in ("1.2", "1.3"):
            with self.subTest(version):
                iam = self.new_iam(tls=TlsOptions(minimum=version, maximum=version))
                self.ask(iam, expect=OK)
                self.assertEqual(iam.requests()[-1]["tls_version"], f"TLSv{version}")

    def test_null_cipher(self) -> None:
        iam = self.new_iam(tls=TlsOptions(maximum="1.2", ciphers="eNULL:@SECLEVEL=0"))
        self.refuse(iam, "SSL validation failed for")


class PlainTest(TlsTest):
    def test_loopback(self) -> None:
        iam = self.new_iam(plain=True)
        run = self.ask(iam, expect=OK)
        self.assert_held(
            run.json["AccessKey"]["AccessKeyId"],
            iam.secrets()[run.json["AccessKey"]["AccessKeyId"]],
        )

    def test_plain_text_at_the_door_of_tls(self) -> None:
        url = self.iam.url.replace("https:", "http:")
        run = self.issue("--user-name", "alice", "--endpoint-url", url, expect=GENERAL)
        self.assertRegex(run.sentence, "Connection was closed|not an answer of IAM|not XML")
        self.assertEqual(self.iam.requests(), [])

    def test_tls_at_the_door_of_plain_text(self) -> None:
        """The server takes the handshake for the beginning of a request, and waits for the rest."""
        iam = self.new_iam(plain=True)
        url = iam.url.replace("http:", "https:")
        self.refuse(iam, f'Connect timeout on endpoint URL: "{url}', "--cli-connect-timeout", "1",
                    endpoint_url=url)  # fmt: skip


class KeyLogTest(TlsTest):
    def test_session_keys_are_not_logged(self) -> None:
        """Who has them reads the secret in a captured reply."""
        log = self.directory / "session-keys"
        self.issue("--user-name", "alice", env={"SSLKEYLOGFILE": str(log)})
        self.assertFalse(log.exists() and log.read_text())


if __name__ == "__main__":
    # The old versions of TLS that the endpoint offers here are deprecated, which is the point.
    unittest.main(warnings="ignore")
