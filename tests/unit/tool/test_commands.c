/* SPDX-License-Identifier: Apache-2.0 */
/* The commands as a whole, over a fake of the library. */
#include "check.h"
#include "run_tool.h"

#include <signal.h>
#include <stdlib.h>

#define TOKEN      "--token", "pkcs11:token=t?pin-source=/p"
#define CREDENTIAL "--credential", "pkcs11:token=t;object=root?pin-value=sEcReT"

static run_result result;

static int prepare(void **state)
{
    (void)state;
    fake = (fake_state){0};
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
    unsetenv("AWS_MAX_ATTEMPTS");
    unsetenv("HSMIAM_CREDENTIAL");
    unsetenv("HSMIAM_TOKEN");
    unsetenv("AWS_PROFILE");
    return 0;
}

/* Whatever happened: nothing is left open, and no PIN was shown. */
static int check(void **state)
{
    (void)state;
    assert_int_equal(result.fake.live, 0);
    assert_lacks(result.out, "sEcReT");
    assert_lacks(result.err, "sEcReT");
    assert_lacks(result.err, "1234");
    return 0;
}

static void prints_a_key(void **state)
{
    (void)state;
    RUN(&result, "create-access-key", "--user-name", "Bob", CREDENTIAL);
    assert_int_equal(result.code, 0);
    assert_string_equal(result.out,
                        "{\n    \"AccessKey\": {\n        \"UserName\": \"Bob\",\n"
                        "        \"AccessKeyId\": \"AKIAIOSFODNN7EXAMPLE\",\n"
                        "        \"Status\": \"Active\",\n        \"SecretAccessKeyUri\": "
                        "\"pkcs11:token=label;object=Bob;type=secret-key\",\n"
                        "        \"CreateDate\": \"2026-11-24T07:39:10+00:00\"\n    }\n}\n");
    assert_string_equal(result.err, "hsmiam: warning: a notice with pkcs11:?pin-value=\n");
    assert_string_equal(result.fake.user_name, "Bob");
    assert_int_equal(result.fake.tokens, 1);
    assert_string_equal(result.command_line, "hsmiam create-access-key --user-name Bob "
                                             "--credential pkcs11:token=t;object=root?pin-value= ");
    assert_string_equal(result.fake.signer_uri, "pkcs11:token=t;object=root?pin-value=sEcReT");
    RUN(&result, "create-access-key", "--output", "text", CREDENTIAL);
    assert_string_equal(result.out, "ACCESSKEY\tAKIAIOSFODNN7EXAMPLE\t2026-11-24T07:39:10+00:00\t"
                                    "pkcs11:token=label;object=Bob;type=secret-key\tActive\tBob\n");
    assert_string_equal(result.fake.user_name, "(null)");
}

/* Where a command takes keys in, other tokens may take them as well. */
static void takes_several_tokens(void **state)
{
    (void)state;
    RUN_WITH(&result, "sEcReT", "import-access-key", "--access-key-id", "AKIA1", TOKEN, "--token",
             "pkcs11:token=u?pin-value=sEcReT");
    assert_int_equal(result.code, 0);
    assert_int_equal(result.fake.replicas, 1);
    assert_string_equal(result.fake.token_uri[0], "pkcs11:token=t?pin-source=/p");
    assert_string_equal(result.fake.token_uri[1], "pkcs11:token=u?pin-value=sEcReT");
    assert_contains(result.out, "\"ReplicaUris\": [\n            "
                                "\"pkcs11:token=other;object=Bob;type=secret-key\"\n");
    assert_lacks(result.command_line, "sEcReT");
    RUN(&result, "check-token", TOKEN, TOKEN);
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "works with one token");
    assert_int_equal(result.fake.tokens, 0);
}

static void leaves_an_empty_user_name_out(void **state)
{
    (void)state;
    fake.no_user_name = true;
    RUN(&result, "create-access-key", CREDENTIAL);
    assert_int_equal(result.code, 0);
    assert_lacks(result.out, "UserName");
}

static void reads_parameters(void **state)
{
    (void)state;
    RUN_WITH(&result, "{\"UserName\": \"Eve\"}", "create-access-key", "--cli-input-json",
             "file:///dev/stdin", CREDENTIAL);
    assert_int_equal(result.code, 0);
    assert_string_equal(result.fake.user_name, "Eve");
    RUN(&result, "create-access-key", "--user-name", "a/b", CREDENTIAL);
    assert_int_equal(result.code, 252);
    assert_string_equal(result.err, "\nParameter validation failed:\nInvalid value for parameter "
                                    "UserName\nGiven by: --user-name\n");
    assert_int_equal(result.fake.tokens, 0);
}

static void hands_settings_over(void **state)
{
    (void)state;
    setenv("AWS_MAX_ATTEMPTS", "4", 1);
    RUN(&result, "create-access-key", CREDENTIAL, "--region", "cn-north-1", "--endpoint-url",
        "https://localhost", "--ca-bundle", "/ca", "--no-verify-ssl", "--cli-connect-timeout", "5",
        "--cli-read-timeout", "6", "--allow-final-try", "--import-route", "create-object",
        "--pin-source", "/pin", "--token-timeout", "7", "--debug");
    assert_int_equal(result.code, 0);
    assert_int_equal(result.fake.token_timeout, 7);
    assert_string_equal(result.fake.region, "cn-north-1");
    assert_string_equal(result.fake.endpoint, "https://localhost");
    assert_string_equal(result.fake.ca_bundle, "/ca");
    assert_string_equal(result.fake.pin_source[0], "/pin");
    assert_true(result.fake.no_verify && result.fake.allow_final_try);
    assert_int_equal(result.fake.connect_timeout, 5);
    assert_int_equal(result.fake.read_timeout, 6);
    assert_int_equal(result.fake.max_attempts, 4);
    assert_string_equal(result.fake.sts_endpoint, "");
    assert_int_equal(result.fake.route, HSMIAM_ROUTE_CREATE_OBJECT);
    assert_contains(result.err, "hsmiam: debug: a debug line\n");
    assert_contains(result.err, "hsmiam: debug: region: cn-north-1\n");
}

static void hands_routes_over(void **state)
{
    (void)state;
    RUN(&result, "create-access-key", CREDENTIAL);
    assert_int_equal(result.fake.route, HSMIAM_ROUTE_AUTO);
    assert_int_equal(result.fake.sigv4, HSMIAM_SIGV4_AUTO);
    assert_false(result.fake.forbid_plaintext);
    RUN(&result, "create-access-key", CREDENTIAL, "--import-route", "aes-kwp", "--sigv4-route",
        "in-token", "--forbid-plaintext-import");
    assert_int_equal(result.code, 0);
    assert_int_equal(result.fake.route, HSMIAM_ROUTE_AES_KWP);
    assert_int_equal(result.fake.sigv4, HSMIAM_SIGV4_IN_TOKEN);
    assert_true(result.fake.forbid_plaintext);
    RUN(&result, "create-access-key", CREDENTIAL, "--sigv4-route", "sign");
    assert_int_equal(result.fake.sigv4, HSMIAM_SIGV4_SIGN);
    RUN(&result, "create-access-key", CREDENTIAL, "--sigv4-route", "host");
    assert_int_equal(result.code, 252);
}

/* What is forced and forbidden at once is a mistake, and told before anything is opened. */
static void refuses_forbidden_plaintext(void **state)
{
    (void)state;
    RUN(&result, "create-access-key", CREDENTIAL, "--import-route", "create-object",
        "--forbid-plaintext-import");
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "create-object is not allowed");
    assert_string_equal(result.fake.user_name, "");
    RUN_WITH(&result, "sEcReT", "import-access-key", "--access-key-id", "AKIA1", TOKEN,
             "--import-route", "create-object", "--forbid-plaintext-import");
    assert_int_equal(result.code, 252);
    assert_string_equal(result.fake.secret, "");
}

static void provisions_with_routes(void **state)
{
    (void)state;
    RUN(&result, "provision-token", TOKEN);
    assert_int_equal(result.code, 0);
    assert_false(result.fake.wants_aes_key);
    assert_null(strstr(result.out, "SigV4Route"));
    RUN(&result, "provision-token", TOKEN, "--import-route", "aes-kwp");
    assert_int_equal(result.code, 0);
    assert_true(result.fake.wants_aes_key);
    assert_contains(result.out, "\"ImportRoute\": \"rsa-oaep\",\n    \"SigV4Route\": \"in-token\"");
    RUN(&result, "provision-token", TOKEN, "--sigv4-route", "in-token");
    assert_int_equal(result.fake.sigv4, HSMIAM_SIGV4_IN_TOKEN);
    assert_contains(result.out, "SigV4Route");
    fake.fail_at = FAKE_PREPARE;
    fake.status = HSMIAM_ERR_UNSUPPORTED;
    RUN(&result, "provision-token", TOKEN, "--sigv4-route", "in-token");
    assert_int_equal(result.code, 253);
    assert_string_equal(result.out, "");
}

static void opens_two_tokens(void **state)
{
    (void)state;
    RUN(&result, "create-access-key", CREDENTIAL, "--token", "pkcs11:token=u?pin-value=sEcReT2",
        "--pin-source", "/pin");
    assert_int_equal(result.code, 0);
    assert_int_equal(result.fake.tokens, 2);
    assert_string_equal(result.fake.token_uri[1], "pkcs11:token=u?pin-value=sEcReT2");
    assert_string_equal(result.fake.pin_source[0], "/pin");
    /* the other token's PIN is another one */
    assert_string_equal(result.fake.pin_source[1], "");
}

static void needs_a_credential(void **state)
{
    (void)state;
    RUN(&result, "create-access-key");
    assert_int_equal(result.code, 253);
    assert_string_equal(result.err,
                        "\nUnable to locate credentials. Name the key in the token by "
                        "--credential, HSMIAM_CREDENTIAL or hsmiam_credential in the profile.\n");
    RUN(&result, "provision-token");
    assert_int_equal(result.code, 253);
    assert_contains(result.err, "Unable to locate a token.");
    RUN(&result, "create-access-key", CREDENTIAL, "--profile", "nope");
    assert_int_equal(result.code, 253);
    assert_string_equal(result.err, "\nThe config profile (nope) could not be found\n");
}

static void says_what_the_service_says(void **state)
{
    (void)state;
    fake.fail_at = FAKE_CREATE;
    fake.status = HSMIAM_ERR_SERVICE;
    fake.code_name = "LimitExceeded";
    fake.message = "Cannot exceed quota for AccessKeysPerUser: 2";
    RUN(&result, "create-access-key", CREDENTIAL);
    assert_int_equal(result.code, 254);
    assert_contains(result.err, "\nAn error occurred (LimitExceeded) when calling the "
                                "CreateAccessKey operation: Cannot exceed quota for "
                                "AccessKeysPerUser: 2\n");
    assert_string_equal(result.out, "");
}

static void maps_failures(void **state)
{
    static const struct {
        fake_point point;
        hsmiam_status status;
        int code;
    } cases[] = {
        {FAKE_TOKEN_NEW, HSMIAM_ERR_ARGUMENT, 252},
        {FAKE_CLIENT_REGION, HSMIAM_ERR_ARGUMENT, 252},
        {FAKE_CLIENT_ENDPOINT, HSMIAM_ERR_CONFIG, 253},
        {FAKE_CREATE, HSMIAM_ERR_PIN, 253},
        {FAKE_CREATE, HSMIAM_ERR_NOT_FOUND, 253},
        {FAKE_CREATE, HSMIAM_ERR_AMBIGUOUS, 253},
        {FAKE_CREATE, HSMIAM_ERR_NETWORK, 255},
        {FAKE_CREATE, HSMIAM_ERR_CUSTODY, 255},
        {FAKE_CREATE, HSMIAM_ERR_CANCELLED, 130},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fake.fail_at = cases[i].point;
        fake.status = cases[i].status;
        RUN(&result, "create-access-key", CREDENTIAL, "--region", "r", "--endpoint-url", "u");
        assert_int_equal(result.code, cases[i].code);
        assert_contains(result.err, "\nIt failed on order.\n");
        assert_int_equal(result.fake.live, 0);
    }
}

/* No line is longer than a terminal of 80 columns shows. */
static void assert_fits(const char *text)
{
    while (*text) {
        size_t length = strcspn(text, "\n");

        if (length >= 80)
            fail_msg("%zu columns: %.*s", length, (int)length, text);
        text += length + (text[length] == '\n');
    }
}

static void loses_no_key_to_a_full_disk(void **state)
{
    (void)state;
    RUN_TO(&result, "/dev/full", "create-access-key", CREDENTIAL);
    assert_int_equal(result.code, 255);
    assert_contains(result.err, "could not be written to standard output: No space left on device");
    assert_contains(result.err, "AKIAIOSFODNN7EXAMPLE");
    assert_contains(result.err, "pkcs11:token=label;object=Bob;type=secret-key");
    RUN_TO(&result, "/dev/full", "help");
    assert_int_equal(result.code, 255);
    RUN_TO(&result, "/dev/full", "create-access-key", "--generate-cli-skeleton");
    assert_int_equal(result.code, 255);
}

static void waits_for_a_key_when_interrupted(void **state)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

    (void)state;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        fake.raise_signal = signals[i];
        RUN(&result, "create-access-key", CREDENTIAL);
        assert_int_equal(result.code, 130);
        assert_true(result.fake.asked_to_stop);
        assert_contains(result.out, "AKIAIOSFODNN7EXAMPLE");
        assert_contains(result.err, "its outcome is waited for");
    }
}

static void needs_a_terminal_for_a_pin(void **state)
{
    (void)state;
    fake.needs_pin = true;
    RUN(&result, "create-access-key", CREDENTIAL);
    assert_int_equal(result.code, 253);
    assert_string_equal(result.err, "\nThere is no terminal to ask for the PIN on. Name its source "
                                    "by --pin-source, or by pin-source in the URI.\n");
    RUN(&result, "provision-token", "--token", "pkcs11:token=t");
    assert_int_equal(result.code, 253);
    assert_contains(result.err, "--pin-source");
}

static void provisions(void **state)
{
    (void)state;
    RUN(&result, "provision-token", CREDENTIAL, "--output", "text");
    assert_int_equal(result.code, 0);
    assert_string_equal(result.out,
                        "KEYPAIRS\tRSA-3072\t00ff\thsmiam-wrapping\twrapping\tCreated\t"
                        "pkcs11:object=w\n"
                        "KEYPAIRS\tEC-P256\t11ee\thsmiam-audit\taudit\tExists\tpkcs11:object=a\n"
                        "TOKEN\tlabel\t0123\tpkcs11:token=label\n");
    assert_lacks(result.command_line, "sEcReT");
    RUN(&result, "provision-token", CREDENTIAL, "--token", "pkcs11:token=u?pin-source=/p");
    assert_int_equal(result.code, 0);
    assert_int_equal(result.fake.tokens, 1);
    assert_string_equal(result.fake.token_uri[0], "pkcs11:token=u?pin-source=/p");
    fake.fail_at = FAKE_PROVISION;
    fake.status = HSMIAM_ERR_UNSUPPORTED;
    RUN(&result, "provision-token", CREDENTIAL);
    assert_int_equal(result.code, 253);
}

/* The report is printed whatever the verdict; a fact that is not known yet is left out. */
static void checks(void **state)
{
    static const char *const parts[] = {
        "{\n    \"Verdict\": \"In one line.\",\n    \"Ready\": true,\n    \"Token\": {\n",
        "\"AccessKeys\": 3",
        "\"Advertised\": \"yes\",\n            \"Tried\": \"does not work\"",
        "\"Milliseconds\": 1.500",
        "\"ToProvision\": []",
        "\"Object\": \"secret key\"",
    };

    (void)state;
    RUN(&result, "check-token", TOKEN, "--sigv4-route", "sign");
    assert_int_equal(result.code, 0);
    assert_int_equal(result.fake.sigv4, HSMIAM_SIGV4_SIGN);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        assert_contains(result.out, parts[i]);
    assert_lacks(result.out, "New");
    fake.fail_at = FAKE_CHECK;
    fake.status = HSMIAM_ERR_PIN;
    RUN(&result, "check-token", TOKEN);
    assert_int_equal(result.code, 253);
    assert_contains(result.out, "\"Ready\": false");
}

static void prints_skeletons_without_settings(void **state)
{
    (void)state;
    RUN(&result, "create-access-key", "--generate-cli-skeleton", "--profile", "nope");
    assert_int_equal(result.code, 0);
    assert_string_equal(result.out, "{\n    \"UserName\": \"\"\n}\n");
    RUN(&result, "create-access-key", "--generate-cli-skeleton", "yaml-input");
    assert_string_equal(result.out, "UserName: ''  # The name of the IAM user that the new key "
                                    "will belong to.\n");
    RUN(&result, "create-access-key", "--generate-cli-skeleton", "output", "--user-name", "");
    assert_int_equal(result.code, 252);
    RUN(&result, "create-access-key", "--generate-cli-skeleton", "output", "--output", "yaml");
    assert_int_equal(result.code, 0);
    assert_contains(result.out, "  SecretAccessKeyUri: SecretAccessKeyUri\n");
    assert_int_equal(result.fake.tokens, 0);
    RUN(&result, "create-access-key", "--generate-cli-skeleton", "more");
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "argument --generate-cli-skeleton: Invalid choice");
}

static void helps(void **state)
{
    static const char *const commands[] = {"check-token", "create-access-key", "import-access-key",
                                           "provision-token"};

    (void)state;
    RUN(&result, "help");
    assert_fits(result.out);
    assert_int_equal(result.code, 0);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        assert_contains(result.out, commands[i]);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        run_result other = {0};

        RUN(&result, commands[i], "--help");
        RUN(&other, commands[i], "help");
        assert_fits(other.out);
        assert_int_equal(result.code, 0);
        assert_string_equal(result.out, other.out);
        assert_contains(result.out, "--endpoint-url");
    }
    RUN(&result, "--version");
    assert_int_equal(result.code, 0);
    assert_int_equal(strncmp(result.out, "hsmiam/0.1.0 ", 13), 0);
}

static void shows_usage(void **state)
{
    (void)state;
    RUN(&result, "create-access-key", "--bogus");
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "usage: hsmiam [options] <command> [parameters]\n");
    assert_contains(result.err, "\nUnknown options: --bogus\n");
    assert_string_equal(result.out, "");
    RUN(&result, "create-access-key", "--credentail=pkcs11:?pin-value=sEcReT");
    assert_int_equal(result.code, 252);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare, check)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(prints_a_key),
        TEST(takes_several_tokens),
        TEST(leaves_an_empty_user_name_out),
        TEST(reads_parameters),
        TEST(hands_settings_over),
        TEST(hands_routes_over),
        TEST(refuses_forbidden_plaintext),
        TEST(provisions_with_routes),
        TEST(opens_two_tokens),
        TEST(needs_a_credential),
        TEST(says_what_the_service_says),
        TEST(maps_failures),
        TEST(loses_no_key_to_a_full_disk),
        TEST(waits_for_a_key_when_interrupted),
        TEST(needs_a_terminal_for_a_pin),
        TEST(provisions),
        TEST(checks),
        TEST(prints_skeletons_without_settings),
        TEST(helps),
        TEST(shows_usage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
