/* SPDX-License-Identifier: Apache-2.0 */
/* export-access-key, import-access-key --wrapped and provision-token --export-wrapping-key over a
 * fake of the library. */
#include "check.h"
#include "run_tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID          "AKIAIOSFODNN7EXAMPLE"
#define TOKEN       "pkcs11:token=t;object=Bob?pin-value=sEcReT"
#define FINGERPRINT "aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44"
#define COLONS                                                                                     \
    "AA:11:BB:22:CC:33:DD:44:EE:55:FF:66:AA:11:BB:22:CC:33:DD:44:EE:55:FF:66:AA:11:BB:22:CC:33:"   \
    "DD:44"

static char path[] = "/tmp/hsmiam-test-XXXXXX";
static run_result result;

static int prepare(void **state)
{
    (void)state;
    fake = (fake_state){0};
    unsetenv("HSMIAM_CREDENTIAL");
    unsetenv("HSMIAM_TOKEN");
    return 0;
}

/* Whatever happened: nothing is left open, and no PIN was shown. */
static int check(void **state)
{
    (void)state;
    assert_int_equal(result.fake.live, 0);
    assert_lacks(result.out, "sEcReT");
    assert_lacks(result.err, "sEcReT");
    return 0;
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void prints_what_is_handed_over(void **state)
{
    (void)state;
    write_file("-----BEGIN PUBLIC KEY-----");
    RUN(&result, "export-access-key", "--token", TOKEN, "--access-key-id", ID, "--recipient", path,
        "--yes");
    assert_int_equal(result.code, 0);
    assert_string_equal(result.out, "{\n    \"AccessKeyId\": \"" ID "\",\n"
                                    "    \"UserName\": \"Bob\",\n"
                                    "    \"Algorithm\": \"RSAES_OAEP_SHA_1\",\n"
                                    "    \"RecipientFingerprint\": \"" FINGERPRINT "\",\n"
                                    "    \"WrappedKey\": \"V3JhcHBlZA==\"\n}\n");
    assert_string_equal(result.fake.exported, "pkcs11:type=secret-key;id=" ID);
    assert_int_equal(result.fake.algorithm, HSMIAM_EXPORT_AUTO);
    fake.no_user_name = true;
    RUN(&result, "export-access-key", "--token", TOKEN, "--recipient", path,
        "--recipient-fingerprint", COLONS, "--algorithm", "RSA_AES_KEY_WRAP_SHA_1");
    assert_int_equal(result.code, 0);
    assert_lacks(result.out, "UserName");
    assert_contains(result.fake.exported, "object=Bob");
    assert_int_equal(result.fake.algorithm, HSMIAM_EXPORT_AES_KEY_WRAP_SHA_1);
}

/* What can be asked for is what the library then does. */
static void wraps_by_each_algorithm(void **state)
{
    static const char *const names[] = {"auto", "RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1",
                                        "RSA_AES_KEY_WRAP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1"};

    (void)state;
    write_file("-----BEGIN PUBLIC KEY-----");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        RUN(&result, "export-access-key", "--token", TOKEN, "--recipient", path, "--yes",
            "--algorithm", names[i]);
        assert_int_equal(result.code, 0);
        assert_int_equal(result.fake.algorithm, i);
    }
}

/* Without a terminal, somebody must have said so. */
static void wants_a_confirmation(void **state)
{
    (void)state;
    write_file("-----BEGIN CERTIFICATE-----");
    RUN(&result, "export-access-key", "--token", TOKEN, "--recipient", path);
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "--recipient-fingerprint --yes is required where there is no");
    RUN(&result, "export-access-key", "--token", TOKEN, "--recipient", path, "--yes",
        "--recipient-fingerprint", FINGERPRINT);
    assert_int_equal(result.code, 252);
    static const char longer[] = FINGERPRINT "00";
    static const char later[] = "zz" FINGERPRINT;
    static const char *const others[] = {"", "aa11", longer, later};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        RUN(&result, "export-access-key", "--token", TOKEN, "--recipient", path,
            "--recipient-fingerprint", others[i]);
        assert_int_equal(result.code, 252);
        assert_contains(result.err, "has another fingerprint, " FINGERPRINT ". Nothing was");
        assert_string_equal(result.fake.exported, "");
    }
}

static void refuses_words_and_files(void **state)
{
    (void)state;
    RUN(&result, "export-access-key", "--token", TOKEN, "--yes");
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "are required: --recipient");
    RUN(&result, "export-access-key", "--token", TOKEN, "--yes", "--recipient", "/not/there");
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "/not/there");
    write_file("expired");
    RUN(&result, "export-access-key", "--token", TOKEN, "--yes", "--recipient", path);
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "has expired");
    RUN(&result, "export-access-key", "--token", TOKEN, "--yes", "--recipient", path,
        "--access-key-id", "short", "--allow-expired");
    assert_int_equal(result.code, 252);
    fake.fail_at = FAKE_EXPORT;
    fake.status = HSMIAM_ERR_UNSUPPORTED;
    fake.message = "was not put into token";
    RUN(&result, "export-access-key", "--token", TOKEN, "--yes", "--recipient", path,
        "--allow-expired");
    assert_int_equal(result.code, 253);
    assert_contains(result.err, "was not put into token");
    assert_string_equal(result.out, "");
}

static void takes_in_what_was_handed_over(void **state)
{
    (void)state;
    write_file("{\"AccessKeyId\": \"" ID "\", \"UserName\": \"Bob\", \"Algorithm\": \"A\",\n"
               "\"RecipientFingerprint\": \"F\", \"WrappedKey\": \"W\"}");
    RUN(&result, "import-access-key", "--token", TOKEN, "--wrapped", path, "--exportable");
    assert_int_equal(result.code, 0);
    assert_string_equal(result.fake.exported, "W");
    assert_string_equal(result.fake.user_name, "Bob");
    assert_true(result.fake.exportable);
    assert_contains(result.out, "\"AccessKeyId\": \"" ID "\"");
    assert_contains(result.err, "hsmiam get-caller-identity --credential 'pkcs11:token=label;");
    static const char *const others[] = {"--access-key-id", "--csv", "--secret-fd"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        RUN(&result, "import-access-key", "--token", TOKEN, "--wrapped", path, others[i], "3");
        assert_int_equal(result.code, 252);
    }
}

static void refuses_other_files(void **state)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"", "is not JSON, as `hsmiam export-access-key` prints it"},
        {"[]", "does not hold what"},
        {"{\"AccessKeyId\": 1}", "member \"AccessKeyId\" that is not known, or no string"},
        {"{\"Secret\": \"x\"}", "member \"Secret\" that is not known"},
        {"{\"AccessKeyId\": \"" ID "\"}", "lacks a member"},
        {"{\"UserName\": \"Bob\", \"UserName\": \"Eve\"}", "is not JSON"},
        {"{\"UserName\": \"Bob\"} {}", "is not JSON"},
        {"{\"UserName\": \"Bob\"", "is not JSON"},
        {"{\"UserName\": null}", "member \"UserName\" that is not known, or no string"},
        {"{\"UserName\": \"Bob\\u0000\"}", "is not JSON"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_file(cases[i].text);
        RUN(&result, "import-access-key", "--token", TOKEN, "--wrapped", path);
        assert_int_equal(result.code, 252);
        assert_contains(result.err, cases[i].message);
        assert_lacks(result.err, "sEcReT");
        assert_string_equal(result.fake.exported, "");
    }
}

/* What no export prints is not even read to its end. */
static void refuses_a_large_file(void **state)
{
    static char text[65538];

    (void)state;
    memset(text, ' ', sizeof text - 1);
    text[0] = '{';
    text[sizeof text - 2] = '}';
    write_file(text);
    RUN(&result, "import-access-key", "--token", TOKEN, "--wrapped", path);
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "65536");
    RUN(&result, "export-access-key", "--token", TOKEN, "--yes", "--recipient", path);
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "65536");
}

static void writes_the_public_half(void **state)
{
    struct stat about;

    (void)state;
    assert_int_equal(unlink(path), 0);
    RUN(&result, "provision-token", "--token", TOKEN, "--export-wrapping-key", path);
    assert_int_equal(result.code, 0);
    assert_contains(result.out, "\"Fingerprint\": \"" FINGERPRINT "\"");
    assert_false(result.fake.exportable);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_size, 27);
    RUN(&result, "provision-token", "--token", TOKEN, "--export-wrapping-key", path,
        "--exportable");
    assert_int_equal(result.code, 255);
    assert_contains(result.err, "Name a file that does not exist yet");
    assert_true(result.fake.exportable);
    RUN(&result, "provision-token", "--token", TOKEN, "--exportable");
    assert_int_equal(result.code, 252);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(prints_what_is_handed_over, prepare, check),
        cmocka_unit_test_setup_teardown(wraps_by_each_algorithm, prepare, check),
        cmocka_unit_test_setup_teardown(wants_a_confirmation, prepare, check),
        cmocka_unit_test_setup_teardown(refuses_words_and_files, prepare, check),
        cmocka_unit_test_setup_teardown(takes_in_what_was_handed_over, prepare, check),
        cmocka_unit_test_setup_teardown(refuses_other_files, prepare, check),
        cmocka_unit_test_setup_teardown(refuses_a_large_file, prepare, check),
        cmocka_unit_test_setup_teardown(writes_the_public_half, prepare, check),
    };
    int fd = mkstemp(path);

    if (fd < 0 || close(fd) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return failed;
}
