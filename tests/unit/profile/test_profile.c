/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles as programs read them; what the tool makes of them is tested with it. */
#include "hsmiam.h"
#include "support/cmocka_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/hsmiam-test-XXXXXX";
static hsmiam_error *error;
static hsmiam_profile *profile;

static hsmiam_status load(const char *name, const char *text, size_t size)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    hsmiam_profile_free(&profile);
    return hsmiam_profile_new(path, name, &profile, error);
}

#define LOAD(name, text) load(name, text, strlen(text))

static void reads_pairs(void **state)
{
    (void)state;
    assert_int_equal(LOAD(NULL,
                          "\xef\xbb\xbf[default]\r\n a : 1 \r\n; c = 2\n\t# d = 3\n[x]\na = 4\n"
                          "[ default]\na = 5\n[profile default]\nb=6;7\nempty =\nb2 = 8"),
                     HSMIAM_OK);
    assert_string_equal(hsmiam_profile_get(profile, "a"), "1");
    assert_string_equal(hsmiam_profile_get(profile, "b"), "6;7");
    assert_string_equal(hsmiam_profile_get(profile, "b2"), "8");
    assert_null(hsmiam_profile_get(profile, "empty"));
    assert_null(hsmiam_profile_get(profile, "c"));
    assert_null(hsmiam_profile_get(profile, "d"));
}

static void takes_the_last(void **state)
{
    (void)state;
    assert_int_equal(LOAD("p q", "[profile \"p q\"]\na=1\na=2\n[profile 'p q' ]\nb=\n  3\n"),
                     HSMIAM_OK);
    assert_string_equal(hsmiam_profile_get(profile, "a"), "2");
    assert_string_equal(hsmiam_profile_get(profile, "b"), "3");
}

static void knows_services(void **state)
{
    static const char text[] = "[services t]\niam =\n  endpoint_url = https://t\n"
                               "[services s]\nsts =\n  endpoint_url = https://sts\n"
                               "iam =\n  endpoint_urls = x\n  endpoint_url=https://s\n"
                               "[profile p]\nservices = s\n  [not a section\n[default]\nx=1\n";

    (void)state;
    assert_int_equal(LOAD("p", text), HSMIAM_OK);
    assert_null(hsmiam_profile_get_of_service(profile, "iam", "endpoint_url"));
    assert_int_equal(LOAD("p", "[services s]\nsts =\n endpoint_url = https://sts\niam =\n"
                               " endpoint_urls = x\n endpoint_url=https://s\n[profile p]\n"
                               "services = s\n"),
                     HSMIAM_OK);
    assert_string_equal(hsmiam_profile_get_of_service(profile, "iam", "endpoint_url"), "https://s");
    assert_null(hsmiam_profile_get_of_service(profile, "s3", "endpoint_url"));
    assert_int_equal(LOAD(NULL, text), HSMIAM_OK);
    assert_null(hsmiam_profile_get_of_service(profile, "iam", "endpoint_url"));
}

static void refuses(void **state)
{
    static const char nul[] = "[default]\na = 1\0\nb = 2\n";

    (void)state;
    assert_int_equal(LOAD("q", "[profile p]\n"), HSMIAM_ERR_CONFIG);
    assert_string_equal(hsmiam_error_get_message(error),
                        "The config profile (q) could not be found");
    assert_int_equal(LOAD(NULL, "[default\n"), HSMIAM_ERR_CONFIG);
    assert_int_equal(LOAD(NULL, "[default]\n\nsEcReT\n"), HSMIAM_ERR_CONFIG);
    assert_non_null(strstr(hsmiam_error_get_message(error), "line 3"));
    assert_null(strstr(hsmiam_error_get_message(error), "sEcReT"));
    assert_null(profile);
    assert_int_equal(load(NULL, nul, sizeof nul - 1), HSMIAM_OK);
    assert_null(hsmiam_profile_get(profile, "b"));
}

static void needs_no_file(void **state)
{
    (void)state;
    hsmiam_profile_free(&profile);
    assert_int_equal(hsmiam_profile_new("/tmp/hsmiam-no-such/file", NULL, &profile, error),
                     HSMIAM_OK);
    assert_null(hsmiam_profile_get(profile, "a"));
    assert_null(hsmiam_profile_get_of_service(profile, "iam", "endpoint_url"));
    hsmiam_profile_free(&profile);
    assert_int_equal(hsmiam_profile_new("/tmp/hsmiam-no-such/file", "p", &profile, error),
                     HSMIAM_ERR_CONFIG);
}

static void reads_from_a_pipe(void **state)
{
    int ends[2];
    char name[32];

    (void)state;
    hsmiam_profile_free(&profile);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "[default]\na=1\n", 14), 14);
    (void)close(ends[1]);
    (void)snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    assert_int_equal(hsmiam_profile_new(name, NULL, &profile, error), HSMIAM_OK);
    assert_string_equal(hsmiam_profile_get(profile, "a"), "1");
    (void)close(ends[0]);
}

static void finds_places(void **state)
{
    char *found = NULL;

    (void)state;
    setenv("HOME", "/home/h", 1);
    setenv("AWS_CONFIG_FILE", "", 1);
    setenv("XDG_STATE_HOME", "relative", 1);
    found = hsmiam_path_make_config();
    assert_string_equal(found, "/home/h/.aws/config");
    free(found);
    found = hsmiam_path_make_ledger();
    assert_string_equal(found, "/home/h/.local/state/hsmiam/ledger.jsonl");
    free(found);
    setenv("AWS_CONFIG_FILE", "~/c", 1);
    setenv("XDG_STATE_HOME", "/s", 1);
    found = hsmiam_path_make_config();
    assert_string_equal(found, "/home/h/c");
    free(found);
    found = hsmiam_path_make_ledger();
    assert_string_equal(found, "/s/hsmiam/ledger.jsonl");
    free(found);
}

static int set_up(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    error = hsmiam_error_new();
    return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
    (void)state;
    hsmiam_profile_free(&profile);
    hsmiam_error_free(&error);
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_pairs),    cmocka_unit_test(takes_the_last),
        cmocka_unit_test(knows_services), cmocka_unit_test(refuses),
        cmocka_unit_test(needs_no_file),  cmocka_unit_test(reads_from_a_pipe),
        cmocka_unit_test(finds_places),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
