/* SPDX-License-Identifier: Apache-2.0 */
/* import-access-key as a whole, over a fake of the library. */
#include "check.h"
#include "run_tool.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TOKEN "--token", "pkcs11:token=t?pin-source=/p"

static run_result result;
static char path[] = "/tmp/hsmiam-test-XXXXXX";

static int prepare(void **state)
{
    (void)state;
    fake = (fake_state){0};
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
    unsetenv("HSMIAM_TOKEN");
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

static void write_csv(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void reads_standard_input(void **state)
{
    (void)state;
    RUN_WITH(&result, "sEcReT/+\n", "import-access-key", "--access-key-id", "AKIA1", "--user-name",
             "root-issuer", TOKEN);
    assert_int_equal(result.code, 0);
    assert_string_equal(result.fake.access_key_id, "AKIA1");
    assert_string_equal(result.fake.user_name, "root-issuer");
    assert_string_equal(result.fake.secret, "sEcReT/+");
    assert_string_equal(result.out, "{\n    \"AccessKey\": {\n"
                                    "        \"UserName\": \"root-issuer\",\n"
                                    "        \"AccessKeyId\": \"AKIA1\",\n"
                                    "        \"SecretAccessKeyUri\": "
                                    "\"pkcs11:token=label;object=Bob;type=secret-key\",\n"
                                    "        \"ImportRoute\": \"rsa-oaep\",\n"
                                    "        \"SigV4Route\": \"sign\"\n    }\n}\n");
    RUN_WITH(&result, "sEcReT", "import-access-key", "--access-key-id", "AKIA1", TOKEN);
    assert_int_equal(result.code, 0);
    assert_string_equal(result.fake.user_name, "(null)");
    assert_lacks(result.out, "UserName");
}

static void reads_a_descriptor(void **state)
{
    char number[16];
    int fd = open(path, O_RDWR);

    (void)state;
    write_csv("sEcReT\n");
    (void)snprintf(number, sizeof number, "%d", fd);
    RUN(&result, "import-access-key", "--access-key-id", "AKIA1", "--secret-fd", number, TOKEN);
    close(fd);
    assert_int_equal(result.code, 0);
    assert_string_equal(result.fake.secret, "sEcReT");
    RUN(&result, "import-access-key", "--access-key-id", "AKIA1", "--secret-fd", "987", TOKEN);
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "File descriptor 987 cannot be used: Bad file descriptor");
}

static void reads_csv(void **state)
{
    (void)state;
    write_csv("User name,Access key ID,Secret access key\r\nBob,AKIA1,sEcReT1\r\n"
              "Eve,AKIA2,sEcReT2\r\n");
    RUN(&result, "import-access-key", "--csv", path, "--access-key-id", "AKIA2", TOKEN);
    assert_int_equal(result.code, 0);
    assert_string_equal(result.fake.user_name, "Eve");
    assert_string_equal(result.fake.secret, "sEcReT2");
    assert_contains(result.err, "still holds the secret access key.");
    assert_int_equal(access(path, F_OK), 0);
    RUN(&result, "import-access-key", "--csv", path, TOKEN);
    assert_int_equal(result.code, 252);
    RUN(&result, "import-access-key", "--csv", path, "--access-key-id", "AKIA1", "--user-name", "X",
        "--no-shred", TOKEN);
    assert_string_equal(result.fake.user_name, "X");
    assert_int_equal(access(path, F_OK), 0);
    RUN(&result, "import-access-key", "--csv", "/nonexistent.csv", TOKEN);
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "/nonexistent.csv cannot be opened: No such file");
}

static void shreds_after_success_only(void **state)
{
    (void)state;
    write_csv("Access key ID,Secret access key\nAKIA1,sEcReT1\n");
    fake.fail_at = FAKE_IMPORT;
    fake.status = HSMIAM_ERR_EXISTS;
    RUN(&result, "import-access-key", "--csv", path, "--shred", TOKEN);
    assert_int_equal(result.code, 255);
    assert_int_equal(access(path, F_OK), 0);
    fake.fail_at = FAKE_NOWHERE;
    RUN(&result, "import-access-key", "--csv", path, "--shred", TOKEN);
    assert_int_equal(result.code, 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_contains(result.err, "only rotating the key");
    write_csv("");
}

static void says_when_it_cannot_shred(void **state)
{
    char other[64];

    (void)state;
    write_csv("Access key ID,Secret access key\nAKIA1,sEcReT1\n");
    (void)snprintf(other, sizeof other, "%s.csv", path);
    assert_int_equal(symlink(path, other), 0);
    RUN(&result, "import-access-key", "--csv", other, "--shred", TOKEN);
    assert_int_equal(unlink(other), 0);
    assert_int_equal(result.code, 255);
    assert_contains(result.out, "\"AKIA1\"");
    assert_contains(result.err, "was left as it is: it is a symbolic link.");
    assert_contains(result.err, "The access key is in the token.");
}

static void loses_no_result_to_a_full_disk(void **state)
{
    (void)state;
    write_csv("Access key ID,Secret access key\nAKIA1,sEcReT1\n");
    RUN_TO(&result, "/dev/full", "import-access-key", "--csv", path, "--no-shred", TOKEN);
    assert_int_equal(result.code, 255);
    assert_contains(result.err, "The access key AKIA1 is in the token all the same: pkcs11:");
}

static void checks_its_arguments(void **state)
{
    (void)state;
    RUN(&result, "import-access-key", TOKEN);
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "the following arguments are required: --access-key-id");
    RUN(&result, "import-access-key", "--csv", path, "--secret-fd", "0", TOKEN);
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "argument --csv: not allowed with argument --secret-fd");
    RUN(&result, "import-access-key", "--csv", path, "--shred", "--no-shred", TOKEN);
    assert_int_equal(result.code, 252);
    RUN(&result, "import-access-key", "--access-key-id", "AKIA1", "--shred", TOKEN);
    assert_int_equal(result.code, 252);
    RUN(&result, "import-access-key", "--access-key-id", "AKIA1", TOKEN);
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "The secret access key is empty");
    RUN(&result, "import-access-key", "--access-key-id", "AKIA1", "--secret=sEcReT", "sEcReT");
    assert_int_equal(result.code, 252);
}

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare, check)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_standard_input),
        TEST(reads_a_descriptor),
        TEST(reads_csv),
        TEST(shreds_after_success_only),
        TEST(says_when_it_cannot_shred),
        TEST(loses_no_result_to_a_full_disk),
        TEST(checks_its_arguments),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
