/* SPDX-License-Identifier: Apache-2.0 */
/* rotate-access-key over a fake of the library, and the profile that names another credential. */
#include "check.h"
#include "profile_update.h"
#include "run_tool.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_URI    "pkcs11:token=label;object=Bob;type=secret-key"
#define CREDENTIAL "--credential", "pkcs11:token=t;object=root?pin-value=sEcReT"

static char path[] = "/tmp/hsmiam-test-XXXXXX";
static run_result result;
static tool_error error;

static int prepare(void **state)
{
    (void)state;
    fake = (fake_state){0};
    setenv("AWS_CONFIG_FILE", path, 1);
    unsetenv("HSMIAM_CREDENTIAL");
    unsetenv("HSMIAM_TOKEN");
    unsetenv("AWS_PROFILE");
    return 0;
}

/* Whatever happened: nothing is left open, and no PIN was shown. */
static int check(void **state)
{
    (void)state;
    tool_error_clear(&error);
    assert_int_equal(result.fake.live, 0);
    assert_lacks(result.out, "sEcReT");
    assert_lacks(result.err, "sEcReT");
    return 0;
}

static void write_config(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void expect_config(const char *text)
{
    char content[2048] = "";
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    content[fread(content, 1, sizeof content - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    assert_string_equal(content, text);
}

static void prints_both_keys(void **state)
{
    (void)state;
    RUN(&result, "rotate-access-key", "--user-name", "Bob", "--proofs", "5", "--proof-timeout", "9",
        "--delete-inactive", "--credential", "pkcs11:token=t;object=root?pin-value=sEcReT");
    assert_int_equal(result.code, 0);
    assert_contains(result.out, "\"AccessKeyId\": \"AKIAIOSFODNN7EXAMPLE\"");
    assert_contains(result.out, "\"PreviousAccessKeyId\": \"AKIAI44QH8DHBEXAMPLE\"");
    assert_contains(result.out, "\"PreviousStatus\": \"Inactive\"");
    assert_lacks(result.out, "CredentialUri");
    assert_string_equal(result.fake.user_name, "Bob");
    assert_int_equal(result.fake.rotation.proofs, 5);
    assert_int_equal(result.fake.rotation.proof_seconds, 9);
    assert_true(result.fake.rotation.delete_inactive && !result.fake.rotation.delete_old);
}

/* Module and PIN's source stay, a PIN does not. */
static void tells_the_new_credential(void **state)
{
    (void)state;
    fake.rotates_signer = true;
    RUN(&result, "rotate-access-key", "--root", "--delete-old", "--credential",
        "pkcs11:token=t;id=A?module-path=/m.so&pin-value=sEcReT&pin-source=/p");
    assert_int_equal(result.code, 0);
    assert_string_equal(result.fake.user_name, "(null)");
    assert_true(result.fake.rotation.delete_old);
    assert_contains(result.out,
                    "\"CredentialUri\": \"" NEW_URI "?module-path=/m.so&pin-source=/p\"");
    assert_contains(result.err, "name " NEW_URI "?module-path=/m.so&pin-source=/p\n");
}

static void refuses_words(void **state)
{
    (void)state;
    RUN(&result, "rotate-access-key");
    assert_int_equal(result.code, 252);
    RUN(&result, "rotate-access-key", "--user-name", "Bob", "--root");
    assert_int_equal(result.code, 252);
    RUN(&result, "rotate-access-key", "--user-name", "Bob", "--update-profile");
    assert_int_equal(result.code, 252);
    assert_int_equal(result.fake.tokens, 0);
}

static void updates_the_profile(void **state)
{
    (void)state;
    fake.rotates_signer = true;
    write_config("[profile a]\nhsmiam_credential = pkcs11:id=A?pin-value=sEcReT\nregion=r\n");
    RUN(&result, "rotate-access-key", "--root", "--update-profile", "--profile", "a");
    assert_int_equal(result.code, 0);
    assert_string_equal(result.err, "");
    expect_config("[profile a]\nhsmiam_credential = " NEW_URI "?pin-value=sEcReT\nregion=r\n");
    /* What goes over the profile is told. */
    RUN(&result, "rotate-access-key", "--root", "--update-profile", "--profile", "a",
        "--credential", "pkcs11:id=B?pin-source=/b");
    assert_int_equal(result.code, 0);
    assert_contains(result.err, "goes over it");
    expect_config("[profile a]\nhsmiam_credential = " NEW_URI "?pin-source=/b\nregion=r\n");
    /* A profile that is not there is missed before anything is done. */
    RUN(&result, "rotate-access-key", "--root", "--update-profile", "--credential", "pkcs11:id=B");
    assert_int_equal(result.code, 253);
    assert_contains(result.err, "(default), which is to be updated, could not be found");
    assert_int_equal(result.fake.tokens, 0);
}

static void keeps_everything_else(void **state)
{
    static const struct {
        const char *name;
        const char *before;
        const char *after;
    } cases[] = {
        {NULL, "[default]\nhsmiam_credential=pkcs11:a\n",
         "[default]\nhsmiam_credential=pkcs11:new\n"},
        {NULL, "\xef\xbb\xbf[default]\r\nhsmiam_credential = a \r\nx = y\r\n",
         "\xef\xbb\xbf[default]\r\nhsmiam_credential = pkcs11:new \r\nx = y\r\n"},
        {NULL, "[default]\nregion = r\n",
         "[default]\nhsmiam_credential = pkcs11:new\nregion = r\n"},
        {NULL, "[profile default]", "[profile default]\nhsmiam_credential = pkcs11:new\n"},
        {"a", "[profile b]\nhsmiam_credential = b\n[profile \"a\"]\n; c\nhsmiam_credential_x = 1\n",
         "[profile b]\nhsmiam_credential = b\n[profile \"a\"]\nhsmiam_credential = pkcs11:new\n"
         "; c\nhsmiam_credential_x = 1\n"},
        {"a", "[profile a]\nhsmiam_credential : 1\n[profile a]\nhsmiam_credential = 2",
         "[profile a]\nhsmiam_credential : pkcs11:new\n[profile a]\nhsmiam_credential = "
         "pkcs11:new"},
        /* What the reader takes for the value, and for the value of another key. */
        {NULL, "[default]\n region = r\n  r2\n[profile b]\n x = 1\n",
         "[default]\nhsmiam_credential = pkcs11:new\nregion = r\n  r2\n[profile b]\n x = 1\n"},
        {NULL, "[default]\nhsmiam_credential =\r\n  pkcs11:a\n\n  pkcs11:b\nx = y\n",
         "[default]\nhsmiam_credential =pkcs11:new\r\n\nx = y\n"},
        {NULL, "[default]\n hsmiam_credential = a\nx = y\n",
         "[default]\n hsmiam_credential = pkcs11:new\nx = y\n"},
        {NULL, "[default]\nx = y\n hsmiam_credential = a\n",
         "[default]\nhsmiam_credential = pkcs11:new\nx = y\n hsmiam_credential = a\n"},
    };
    struct stat information;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_config(cases[i].before);
        assert_int_equal(chmod(path, 0640), 0);
        assert_int_equal(tool_profile_check_update(path, cases[i].name, &error), HSMIAM_OK);
        expect_config(cases[i].before);
        assert_int_equal(
            tool_profile_set_credential(path, cases[i].name, "pkcs11:new", false, &error),
            HSMIAM_OK);
        expect_config(cases[i].after);
        assert_int_equal(stat(path, &information), 0);
        assert_int_equal(information.st_mode & 07777, 0640);
    }
}

/* An earlier run's users are told by the time when it began; who keeps an old key is not done. */
static void goes_on_with_a_file(void **state)
{
    static const char *const rotated[] = {"alice", "mallory", NULL};
    const char *const since = "2015-08-30T12:36:00Z";

    (void)state;
    fake.held = rotated;
    RUN_WITH(&result, "Bob\nAlice\nMallory\n", "rotate-access-key", "--user-names", "-", "--resume",
             "--since", since, CREDENTIAL);
    assert_int_equal(result.code, 0);
    assert_int_equal(result.fake.rotated_since, 1440938160);
    assert_true(result.fake.rotation.others_only);
    assert_contains(result.out, "{\"UserName\": \"Bob\", ");
    assert_contains(result.out, "\"PreviousStatus\": ");
    assert_contains(result.err, "1 of 3 users done, 2 were rotated before, 0 failed;");
    RUN_WITH(&result, "Bob\nAlice\nMallory\n", "rotate-access-key", "--user-names", "-", "--resume",
             "--since", since, "--delete-old", CREDENTIAL);
    assert_contains(result.err, "2 of 3 users done, 1 were rotated before, 0 failed;");
    RUN_WITH(&result, "Bob\n", "rotate-access-key", "--user-names", "-", "--resume", CREDENTIAL);
    assert_int_equal(result.code, 252);
    RUN(&result, "rotate-access-key", "--user-name", "Bob", "--max-concurrency", "2");
    assert_int_equal(result.code, 252);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(prints_both_keys, prepare, check),
        cmocka_unit_test_setup_teardown(tells_the_new_credential, prepare, check),
        cmocka_unit_test_setup_teardown(refuses_words, prepare, check),
        cmocka_unit_test_setup_teardown(goes_on_with_a_file, prepare, check),
        cmocka_unit_test_setup_teardown(updates_the_profile, prepare, check),
        cmocka_unit_test_setup_teardown(keeps_everything_else, prepare, check),
    };
    int fd = mkstemp(path);

    if (fd < 0 || close(fd) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return failed;
}
