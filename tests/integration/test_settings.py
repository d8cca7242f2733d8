"""Where settings come from: flag beats environment beats profile."""

from __future__ import annotations

import unittest
from typing import Any

from harness import CONFIGURATION, GENERAL, OK, USAGE, IntegrationTest, Run
from local_iam import LocalIam
from proxy import Proxy


class SettingsTest(IntegrationTest):
    def configure(self, text: str, name: str = "home/.aws/config") -> None:
        path = self.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def create(self, *arguments: str, **options: Any) -> Run:
        """The command with nothing but what the test says."""
        return self.hsmiam("create-access-key", "--user-name", "alice", *arguments, **options)

    @property
    def credential(self) -> str:
        return self.token.key_uri(self.iam.root_id)

    def asked(self, *iams: LocalIam) -> list[bool]:
        """Which of them got requests since the last time this was called."""
        answer = [bool(iam.connections()) for iam in iams]
        for iam in iams:
            iam.endpoint.reset(["log", "state"])
        return answer


class ProfileTest(SettingsTest):
    def profile(self, **more: str) -> str:
        """Lines of a profile that is all a command needs."""
        values = {
            "hsmiam_credential": self.credential,
            "endpoint_url": self.iam.url,
            "ca_bundle": str(self.iam.ca_bundle),
        } | more
        return "".join(f"{name} = {value}\n" for name, value in values.items())

    def test_default_profile_is_enough(self) -> None:
        self.configure(f"[default]\n{self.profile(output='text')}")
        self.assertTrue(self.create().out.startswith("ACCESSKEY\tAKIA"))

    def test_ways_to_choose_a_profile(self) -> None:
        self.configure(
            "[default]\noutput = yaml\n"
            f"[profile by-flag]\n{self.profile(output='json')}"
            f"[profile 'by variable']\n{self.profile(output='text')}"
            f"[profile by-other-variable]\n{self.profile(output='table')}"
        )
        variables = {"AWS_PROFILE": "by variable", "AWS_DEFAULT_PROFILE": "by-other-variable"}
        self.assertEqual(self.create("--profile", "by-flag", env=variables).out[0], "{")
        self.assertEqual(self.create(env=variables).out[:9], "ACCESSKEY")
        self.asked(self.iam)
        del variables["AWS_PROFILE"]
        self.assertIn(" | ", self.create(env=variables).out)

    def test_other_file(self) -> None:
        self.configure("[default]\noutput = xml\n")
        self.configure(f"[default]\n{self.profile(output='text')}", "elsewhere")
        path = str(self.directory / "elsewhere")
        self.assertEqual(self.create(env={"AWS_CONFIG_FILE": path}).out[:9], "ACCESSKEY")

    def test_long_uris(self) -> None:
        """A URI has semicolons and ampersands, and can be longer than most lines."""
        padding = f"/{'./' * 900}"
        source = f"pin-source=file:{padding}{str(self.token.pin_file)[1:]}"
        uri = self.token.key_uri(self.iam.root_id, query=source)
        self.assertGreater(len(uri), 1900)
        self.configure(f"[default]\n{self.profile(hsmiam_credential=uri)}")
        self.create()

    def test_tokens_and_pin_sources(self) -> None:
        other = self.new_token("vault")
        self.configure(
            "[default]\n"
            + self.profile(
                hsmiam_credential=self.token.key_uri(self.iam.root_id, query=""),
                hsmiam_pin_source=str(self.token.pin_file),
                hsmiam_token=other.uri(),
            )
        )
        access_key_id = self.create().json["AccessKey"]["AccessKeyId"]
        self.assertEqual(other.access_key_ids(), [access_key_id])

    def test_pin_source_of_the_uri_goes_over_the_profiles(self) -> None:
        self.configure(f"[default]\n{self.profile(hsmiam_pin_source='/nowhere')}")
        self.create()

    def test_services_section(self) -> None:
        other = self.new_iam()
        services = (
            "[services local]\nec2 =\n  endpoint_url = https://ec2.invalid\n"
            f"iam =\n  endpoint_url = {self.iam.url}\n"
            "sts =\n  endpoint_url = https://sts.invalid\n"
        )
        profile = self.profile(services="local", endpoint_url=other.url)
        for text in (f"[default]\n{profile}{services}", f"{services}[default]\n{profile}"):
            with self.subTest(first=text[:9]):
                self.configure(text)
                self.create()
                self.assertEqual(self.asked(self.iam, other), [True, False])

    def test_comments_marks_and_line_ends(self) -> None:
        text = f"\ufeff# a comment\r\n[default]\r\n; another\r\n{self.profile(output='text')}"
        self.configure(text.replace("\n", "\r\n").replace("\r\r", "\r"))
        self.assertEqual(self.create().out[:9], "ACCESSKEY")

    def test_wrong_files(self) -> None:
        for text, message in (
            ("[default]\nnonsense\n", "line 2 is neither a section nor name = value"),
            ("[default]\noutput = xml\n", "Unknown output type: xml"),
            ("[default]\nhsmiam_token = " + "x" * 100_000, "line 2 is longer than"),
            ("[default]\nuse_fips_endpoint = true\nendpoint_url = https://127.0.0.1\n",
             "FIPS and custom endpoint are not supported"),
        ):  # fmt: skip
            with self.subTest(message):
                self.configure(text)
                self.assertIn(message, self.create(expect=CONFIGURATION).sentence)

    def test_unknown_profile(self) -> None:
        self.configure("[profile other]\noutput = json\n[nowhere]\noutput = json\n")
        for options in ({"env": {"AWS_PROFILE": "nowhere"}}, {}):
            words = [] if options else ["--profile", "nowhere"]
            run = self.create(*words, expect=CONFIGURATION, **options)
            self.assertIn("The config profile (nowhere) could not be found", run.sentence)


class EndpointTest(SettingsTest):
    def test_precedence(self) -> None:
        """Each place in turn, from the strongest on, names an IAM of its own."""
        iams = [self.iam, *(self.new_iam() for _ in range(4))]
        bundle = self.write("all.pem", "".join(iam.ca_bundle.read_text() for iam in iams))
        flag, specific, general, services, profile = iams
        for iam in iams[1:]:
            iam.endpoint.credential = self.iam.endpoint.credential
            iam.endpoint.reset(["state"])
        self.configure(
            f"[default]\nservices = s\nendpoint_url = {profile.url}\n"
            f"[services s]\niam =\n    endpoint_url = {services.url}\n"
        )
        base = ["--credential", self.credential, "--ca-bundle", str(bundle)]
        environment = {"AWS_ENDPOINT_URL_IAM": specific.url, "AWS_ENDPOINT_URL": general.url}

        self.create(*base, "--endpoint-url", flag.url, env=environment)
        self.assertEqual(self.asked(*iams), [True, False, False, False, False])
        self.create(*base, env=environment)
        self.assertEqual(self.asked(*iams), [False, True, False, False, False])
        self.create(*base, env=environment | {"AWS_ENDPOINT_URL_IAM": ""})
        self.assertEqual(self.asked(*iams), [False, False, True, False, False])
        self.create(*base)
        self.assertEqual(self.asked(*iams), [False, False, False, True, False])
        self.configure(f"[default]\nendpoint_url = {profile.url}\n")
        self.create(*base)
        self.assertEqual(self.asked(*iams), [False, False, False, False, True])

    def test_credentials_and_bundles(self) -> None:
        wrong = {"hsmiam_credential": "pkcs11:token=profile", "ca_bundle": "/nowhere/profile.pem"}
        self.configure("[default]\n" + "".join(f"{k} = {v}\n" for k, v in wrong.items()))
        environment = {
            "HSMIAM_CREDENTIAL": self.credential,
            "AWS_CA_BUNDLE": str(self.iam.ca_bundle),
            "AWS_ENDPOINT_URL": self.iam.url,
        }
        self.create(env=environment)
        environment |= {"HSMIAM_CREDENTIAL": "pkcs11:token=environment", "AWS_CA_BUNDLE": "/no"}
        right = ["--credential", self.credential, "--ca-bundle", str(self.iam.ca_bundle)]
        self.create(*right, env=environment)
        run = self.create(*right[2:], env=environment, expect=CONFIGURATION)
        self.assertIn("No token matches pkcs11:token=environment", run.sentence)
        run = self.create(*right[:2], env=environment, expect=CONFIGURATION)
        self.assertIn('Cannot read the CA bundle "/no"', run.sentence)

    def test_output(self) -> None:
        words = ["--generate-cli-skeleton", "output"]
        self.configure("[default]\noutput = text\n")
        self.assertEqual(self.create(*words).out[:9], "ACCESSKEY")
        yaml = {"AWS_DEFAULT_OUTPUT": "yaml"}
        self.assertEqual(self.create(*words, env=yaml).out[:11], "AccessKey:\n")
        self.assertEqual(self.create(*words, "--output", "json", env=yaml).out[0], "{")
        run = self.create(*words, env={"AWS_DEFAULT_OUTPUT": "xml"}, expect=CONFIGURATION)
        self.assertIn("Unknown output type: xml", run.sentence)

    def test_pins_of_environment_and_arguments(self) -> None:
        """pin-value is taken from anywhere, and shown nowhere."""
        pin = self.token.pin.replace("%", "%25").replace("+", "%2B").replace("/", "%2F")
        uri = self.token.key_uri(self.iam.root_id, query=f"pin-value={pin}")
        rest = ["--endpoint-url", self.iam.url, "--ca-bundle", str(self.iam.ca_bundle), "--debug"]
        self.create(*rest, "--credential", uri)
        self.create(*rest, env={"HSMIAM_CREDENTIAL": uri})
        self.create("--credential", uri, "--no-such-option", uri, expect=USAGE)
        self.create("--endpoint-url", uri, "--credential", uri, expect=USAGE)


class PartitionTest(SettingsTest):
    """Where requests would go, told by a proxy on the way."""

    def setUp(self) -> None:
        super().setUp()
        self.proxy = Proxy()
        self.addCleanup(self.proxy.stop)

    def host(self, *arguments: str, **variables: str) -> str:
        self.proxy.asked.clear()
        environment = {"HTTPS_PROXY": self.proxy.url, "AWS_MAX_ATTEMPTS": "1"} | variables
        run = self.create("--credential", self.credential, *arguments, env=environment,
                          expect=GENERAL)  # fmt: skip
        self.assertIn("Could not connect to the endpoint URL", run.sentence)
        self.assertEqual(len(self.proxy.asked), 1, self.proxy.asked)
        return self.proxy.asked[0].split()[1].removesuffix(":443")

    def test_regions(self) -> None:
        for region, host in (
            ("us-east-1", "iam.amazonaws.com"),
            ("eu-central-1", "iam.amazonaws.com"),
            ("aws-global", "iam.amazonaws.com"),
            ("cn-northwest-1", "iam.cn-north-1.amazonaws.com.cn"),
            ("us-gov-east-1", "iam.us-gov.amazonaws.com"),
            ("us-iso-west-1", "iam.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", "iam.us-isob-east-1.sc2s.sgov.gov"),
            ("eu-isoe-west-1", "iam.eu-isoe-west-1.cloud.adc-e.uk"),
            ("us-isof-south-1", "iam.us-isof-south-1.csp.hci.ic.gov"),
            ("eusc-de-east-1", "iam.eusc-de-east-1.amazonaws.eu"),
        ):
            with self.subTest(region):
                self.assertEqual(self.host("--region", region), host)

    def test_precedence_of_regions(self) -> None:
        china, government = "iam.cn-north-1.amazonaws.com.cn", "iam.us-gov.amazonaws.com"
        self.configure("[default]\nregion = cn-north-1\n")
        self.assertEqual(self.host(), china)
        self.assertEqual(self.host(AWS_DEFAULT_REGION="us-gov-west-1"), government)
        self.assertEqual(
            self.host(AWS_DEFAULT_REGION="us-gov-west-1", AWS_REGION="cn-north-1"), china
        )
        self.assertEqual(
            self.host("--region", "us-gov-west-1", AWS_REGION="cn-north-1"), government
        )

    def test_fips(self) -> None:
        fips = "iam-fips.amazonaws.com"
        self.assertEqual(self.host(AWS_USE_FIPS_ENDPOINT="true"), fips)
        self.configure("[default]\nuse_fips_endpoint = TRUE\n")
        self.assertEqual(self.host(), fips)
        self.assertEqual(self.host(AWS_USE_FIPS_ENDPOINT="false"), "iam.amazonaws.com")

    def test_configured_endpoints_can_be_ignored(self) -> None:
        self.configure("[default]\nendpoint_url = https://iam.invalid\n")
        self.assertEqual(self.host(), "iam.invalid")
        variables = {
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
            "AWS_ENDPOINT_URL": "https://iam.invalid",
        }
        self.assertEqual(self.host(**variables), "iam.amazonaws.com")
        self.assertEqual(self.host("--endpoint-url", "https://a.invalid", **variables), "a.invalid")

    def test_loopback_needs_no_proxy(self) -> None:
        self.issue("--user-name", "alice", expect=OK, env={
            "HTTPS_PROXY": self.proxy.url, "HTTP_PROXY": self.proxy.url,
            "ALL_PROXY": self.proxy.url,
        })  # fmt: skip
        self.assertEqual(self.proxy.asked, [])


if __name__ == "__main__":
    unittest.main()
