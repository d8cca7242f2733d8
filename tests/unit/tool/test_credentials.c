/* SPDX-License-Identifier: Apache-2.0 */
/* credential-process, over a fake of the library. */
#include "check.h"
#include "run_tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ASK "credential-process", "--credential", "pkcs11:token=t;object=root?pin-value=sEcReT"
#define SIGN                                                                                       \
    "sign-request", "--credential", "pkcs11:token=t?pin-value=sEcReT", "--region", "r",            \
        "--service", "s", "--url", "https://h/"

static run_result result;

static int prepare(void **state)
{
    (void)state;
    fake = (fake_state){0};
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
    unsetenv("HSMIAM_CREDENTIAL");
    return 0;
}

static int check(void **state)
{
    (void)state;
    assert_int_equal(result.fake.live, 0);
    assert_lacks(result.err, "sEcReT");
    assert_lacks(result.err, "a\"b");
    return 0;
}

static void prints_what_an_sdk_reads(void **state)
{
    (void)state;
    RUN(&result, ASK);
    assert_int_equal(result.code, 0);
    assert_string_equal(result.out,
                        "{\"Version\": 1, \"AccessKeyId\": \"ASIAIOSFODNN7EXAMPLE\", "
                        "\"SecretAccessKey\": \"a\\\"b\\\\c/+=\", \"SessionToken\": \"token\", "
                        "\"Expiration\": \"2015-08-30T12:36:00Z\"}\n");
    assert_string_equal(result.fake.body, "-|-|-|-|0|-|-");
}

static void asks_for_what_it_is_told(void **state)
{
    (void)state;
    RUN(&result, ASK, "--role-arn", "r", "--role-session-name", "n", "--external-id", "e",
        "--policy", "p", "--duration-seconds", "900", "--serial-number", "s", "--token-code", "1");
    assert_int_equal(result.code, 0);
    assert_string_equal(result.fake.body, "r|n|e|p|900|s|1");
}

/* As the AWS CLI takes it. */
static void takes_a_policy_of_a_file(void **state)
{
    char name[] = "/tmp/policyXXXXXX";
    char parameter[64] = "";
    int fd = mkstemp(name);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "{}", 2), 2);
    assert_int_equal(close(fd), 0);
    (void)snprintf(parameter, sizeof parameter, "file://%s", name);
    RUN(&result, ASK, "--role-arn", "r", "--policy", parameter);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(result.code, 0);
    assert_string_equal(result.fake.body, "r|-|-|{}|0|-|-");
    RUN(&result, ASK, "--role-arn", "r", "--policy", parameter);
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "Error parsing parameter '--policy': Unable to load paramfile");
}

static void refuses_what_does_not_go_together(void **state)
{
    static const char *const words[][2] = {
        {"--role-session-name", "n"}, {"--external-id", "e"},         {"--policy", "p"},
        {"--token-code", "1"},        {"--duration-seconds", "soon"}, {"--cache", "file"}};

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        RUN(&result, ASK, words[i][0], words[i][1]);
        assert_int_equal(result.code, 252);
        assert_contains(result.err, words[i][0]);
        assert_string_equal(result.out, "");
    }
    RUN(&result, ASK, "--serial-number", "s");
    assert_int_equal(result.code, 253);
    assert_contains(result.err, "there is no terminal to ask for it; give --token-code.");
}

static void begins_a_session_by_mfa(void **state)
{
    (void)state;
    RUN(&result, "get-caller-identity", "--credential", "pkcs11:token=t?pin-value=sEcReT",
        "--mfa-serial", "s", "--token-code", "123456");
    assert_int_equal(result.code, 0);
    assert_string_equal(result.fake.mfa, "s|123456");
    RUN(&result, ASK, "--mfa-serial", "s", "--token-code", "123456", "--role-arn", "r");
    assert_string_equal(result.fake.mfa, "s|123456");
    assert_string_equal(result.fake.body, "r|-|-|-|0|-|-");
    RUN(&result, ASK, "--mfa-serial", "s", "--token-code", "123456");
    assert_int_equal(result.code, 252);
    RUN(&result, "get-caller-identity", "--credential", "pkcs11:token=t?pin-value=sEcReT",
        "--token-code", "1");
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "Give --mfa-serial too");
    RUN(&result, SIGN, "--mfa-serial", "s", "--token-code", "123456");
    assert_int_equal(result.code, 0);
    assert_string_equal(result.fake.mfa, "s|123456");
    RUN(&result, SIGN, "--presign", "--mfa-serial", "s", "--expires-in", "43201");
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "ends after 43200 seconds, and the URL with it");
    fake.fail_at = FAKE_MFA;
    fake.status = HSMIAM_ERR_NETWORK;
    fake.message = "no way there";
    RUN(&result, "get-caller-identity", "--credential", "pkcs11:token=t?pin-value=sEcReT",
        "--mfa-serial", "s", "--token-code", "123456");
    assert_int_equal(result.code, 255);
    assert_contains(result.err, "no way there");
}

/* What signs nothing says so, before it opens anything; all else takes it. */
static void takes_mfa_where_it_signs(void **state)
{
    static const char *const silent[][2] = {
        {"approve", NULL},           {"audit", "add-key"},
        {"audit", "checkpoint"},     {"audit", "export-public-key"},
        {"audit", "policy"},         {"audit", "show"},
        {"audit", "verify"},         {"check-token", NULL},
        {"export-access-key", NULL}, {"import-access-key", NULL},
        {"provision-token", NULL},
    };
    static const char *const signing[] = {"batch-create-access-key",
                                          "create-access-key",
                                          "credential-process",
                                          "delete-access-key",
                                          "list-access-keys",
                                          "get-access-key-last-used",
                                          "recover",
                                          "get-caller-identity",
                                          "rotate-access-key",
                                          "serve",
                                          "sign-request",
                                          "update-access-key"};

    (void)state;
    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++)
        for (int j = 0; j < 2; j++) {
            const char *name = j ? "--token-code" : "--mfa-serial";

            RUN(&result, name, "1", silent[i][0], silent[i][1]);
            assert_int_equal(result.code, 252);
            assert_contains(result.err, name);
            assert_contains(result.err, "signs no request, so MFA changes nothing here");
        }
    for (size_t i = 0; i < sizeof signing / sizeof signing[0]; i++) {
        RUN(&result, signing[i], "--token-code", "1");
        assert_int_equal(result.code, 252);
        assert_contains(result.err,
                        strcmp(signing[i], "credential-process") == 0
                            ? "of which device? Give --serial-number or --mfa-serial too"
                            : "of which device? Give --mfa-serial too");
    }
}

static void tells_failures(void **state)
{
    (void)state;
    fake.fail_at = FAKE_CREDENTIALS;
    fake.status = HSMIAM_ERR_NETWORK;
    fake.message = "no way there";
    RUN(&result, ASK);
    assert_int_equal(result.code, 255);
    assert_contains(result.err, "no way there");
    assert_string_equal(result.out, "");
    fake.fail_at = FAKE_NOWHERE;
    RUN_TO(&result, "/dev/full", ASK);
    assert_int_equal(result.code, 255);
    assert_contains(result.err, "Standard output: No space left on device");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(prints_what_an_sdk_reads, prepare, check),
        cmocka_unit_test_setup_teardown(asks_for_what_it_is_told, prepare, check),
        cmocka_unit_test_setup_teardown(takes_a_policy_of_a_file, prepare, check),
        cmocka_unit_test_setup_teardown(refuses_what_does_not_go_together, prepare, check),
        cmocka_unit_test_setup_teardown(begins_a_session_by_mfa, prepare, check),
        cmocka_unit_test_setup_teardown(takes_mfa_where_it_signs, prepare, check),
        cmocka_unit_test_setup_teardown(tells_failures, prepare, check),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
