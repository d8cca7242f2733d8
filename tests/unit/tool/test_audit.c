/* SPDX-License-Identifier: Apache-2.0 */
/* `audit` and its operations, over a fake of the library. */
#include "check.h"
#include "run_tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TOKEN "--token", "pkcs11:token=t?pin-value=sEcReT"

static run_result result;
static char key_path[] = "/tmp/hsmiam-key-XXXXXX";

static int prepare(void **state)
{
    (void)state;
    fake = (fake_state){.records = 2};
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
    setenv("XDG_STATE_HOME", "/var/state", 1);
    unsetenv("HSMIAM_LEDGER");
    return 0;
}

static int check(void **state)
{
    (void)state;
    assert_int_equal(result.fake.live, 0);
    assert_lacks(result.out, "sEcReT");
    assert_lacks(result.err, "sEcReT");
    return 0;
}

static int write_key(void **state)
{
    int fd = mkstemp(key_path);

    (void)state;
    return fd < 0 || write(fd, "PEM", 3) != 3 || close(fd) != 0;
}

static int remove_key(void **state)
{
    (void)state;
    return unlink(key_path);
}

static void shows_records(void **state)
{
    (void)state;
    RUN(&result, "audit", "show", "--user-name", "Bob", "--since", "2026-11-24", "--until",
        "2026-11-24");
    assert_int_equal(result.code, 0);
    assert_string_equal(
        result.out, "{\n    \"Records\": [\n        {\n            \"Sequence\": 7,\n"
                    "            \"Event\": \"intent\",\n            \"KeysBefore\": [\n"
                    "                \"AKIAONE\",\n                \"AKIATWO\"\n            ],\n"
                    "            \"UserName\": \"Al\\u001bice\"\n        },\n        {\n"
                    "            \"Sequence\": 7,\n            \"Event\": \"intent\",\n"
                    "            \"KeysBefore\": [\n                \"AKIAONE\",\n"
                    "                \"AKIATWO\"\n            ],\n"
                    "            \"UserName\": \"Bob\"\n        }\n    ]\n}\n");
    assert_string_equal(result.fake.user_name, "Bob");
    assert_int_equal(result.fake.since, 1795478400);
    assert_int_equal(result.fake.until, 1795478400 + 86399);
    assert_string_equal(result.fake.ledger, "/var/state/hsmiam/ledger.jsonl");
    assert_int_equal(result.fake.tokens, 0);
    RUN(&result, "audit", "show", "--since", "2026-11-24T07:39:10Z", "--output", "table");
    assert_int_equal(result.fake.since, 1795505950);
    assert_int_equal(result.fake.until, -1);
    assert_contains(result.out, "Al\\x1bice");
}

static void shows_no_records(void **state)
{
    (void)state;
    fake.records = 0;
    RUN(&result, "audit", "show");
    assert_string_equal(result.out, "{\n    \"Records\": []\n}\n");
    fake.fail_at = FAKE_LEDGER;
    fake.status = HSMIAM_ERR_IO;
    RUN(&result, "audit", "show");
    assert_int_equal(result.code, 255);
    assert_string_equal(result.out, "");
}

static void refuses_wrong_times(void **state)
{
    static const char *const wrong[] = {"", "now", "2026-11-24T", "2026-11-24T07:39:10", "2026-11"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        RUN(&result, "audit", "show", "--until", wrong[i]);
        assert_int_equal(result.code, 252);
        assert_contains(result.err, "argument --until: expected a time in UTC");
    }
}

static void verifies(void **state)
{
    (void)state;
    RUN(&result, "audit", "verify", "--public-key", key_path, "--public-key", key_path,
        "--checkpoint", key_path, "--allow-unsigned", "--ledger", "l.jsonl");
    assert_int_equal(result.code, 0);
    assert_contains(result.out, "\"Verdict\": \"intact\"");
    assert_contains(result.out, "\"Kind\": \"Sealed\"");
    assert_lacks(result.out, "BadLine");
    assert_string_equal(result.fake.public_keys, "PEM|PEM|");
    assert_string_equal(result.fake.checkpoint, "PEM");
    assert_true(result.fake.allow_unsigned);
    assert_string_equal(result.fake.ledger, "l.jsonl");
    RUN(&result, "audit", "verify", "--public-key", "/nonexistent");
    assert_int_equal(result.code, 252);
}

static void tells_what_is_wrong(void **state)
{
    (void)state;
    fake.fail_at = FAKE_LEDGER;
    fake.status = HSMIAM_ERR_LEDGER;
    RUN(&result, "audit", "verify");
    assert_int_equal(result.code, 255);
    assert_contains(result.out, "\"Verdict\": \"changed\",\n    \"BadLine\": 3,");
    assert_contains(result.err, "It failed on order.");
    RUN_TO(&result, "/dev/full", "audit", "verify");
    assert_int_equal(result.code, 255);
    assert_contains(result.err, "It failed on order.");
    fake.status = HSMIAM_ERR_IO;
    RUN(&result, "audit", "verify");
    assert_string_equal(result.out, "");
}

static void refuses_too_many_keys(void **state)
{
    const char *words[2 + 17 + 1] = {"audit", "verify"};

    (void)state;
    for (size_t i = 0; i < 17; i++)
        words[2 + i] = "--public-key=key";
    run_tool(&result, NULL, words);
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "argument --public-key: given more than 16 times");
}

static void asks_the_token(void **state)
{
    (void)state;
    RUN(&result, "audit", "export-public-key", TOKEN);
    assert_string_equal(result.out, "a public key\n");
    RUN(&result, "audit", "checkpoint", TOKEN, "--output", "yaml");
    assert_string_equal(result.out, "a checkpoint\n");
    assert_false(result.fake.mirrored);
    RUN(&result, "audit", "checkpoint", TOKEN, "--audit-syslog");
    assert_true(result.fake.mirrored);
    RUN(&result, "audit", "add-key", TOKEN, "--public-key", key_path);
    assert_int_equal(result.code, 0);
    assert_string_equal(result.fake.public_keys, "PEM");
    RUN(&result, "audit", "add-key", TOKEN);
    assert_int_equal(result.code, 252);
    RUN(&result, "audit", "checkpoint");
    assert_int_equal(result.code, 253);
}

static void other_commands_have_a_ledger(void **state)
{
    (void)state;
    RUN(&result, "create-access-key", "--credential", "pkcs11:object=x?pin-value=sEcReT");
    assert_true(result.fake.has_ledger);
    RUN(&result, "provision-token", TOKEN, "--accept-changed-keys");
    assert_int_equal(result.code, 0);
    assert_true(result.fake.accepts_changed_keys);
    setenv("XDG_STATE_HOME", "relative", 1);
    setenv("HOME", "/home/me", 1);
    RUN(&result, "audit", "verify");
    assert_string_equal(result.fake.ledger, "/home/me/.local/state/hsmiam/ledger.jsonl");
    setenv("HSMIAM_LEDGER", "~/mine", 1);
    RUN(&result, "audit", "verify");
    assert_string_equal(result.fake.ledger, "/home/me/mine");
}

#define one_test(test) cmocka_unit_test_setup_teardown(test, prepare, check)

int main(void)
{
    const struct CMUnitTest tests[] = {
        one_test(shows_records),       one_test(shows_no_records),
        one_test(refuses_wrong_times), one_test(verifies),
        one_test(tells_what_is_wrong), one_test(refuses_too_many_keys),
        one_test(asks_the_token),      one_test(other_commands_have_a_ledger),
    };

    return cmocka_run_group_tests(tests, write_key, remove_key);
}
