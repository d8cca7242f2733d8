/* SPDX-License-Identifier: Apache-2.0 */
/* Credential scopes in text: alone, and in a string to sign. */
#include "support/cmocka_tests.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sigv4/scope.h"

#define HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define TOO_LONG                                                                                   \
    "20261124/us-east-1/a123456789012345678901234567890123456789012345678901234567890123456789"

static void reads_a_scope_with_or_without_its_end(void **state)
{
    static const char *const texts[] = {"20261124/us-east-1/iam/aws4_request",
                                        "20261124/us-east-1/iam"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        hsmiam_scope scope = {.date = ""};
        assert_true(hsmiam_scope_parse(texts[i], strlen(texts[i]), &scope));
        assert_string_equal(scope.date, "20261124");
        assert_string_equal(scope.region, "us-east-1");
        assert_string_equal(scope.service, "iam");
    }
}

static void takes_nothing_else_for_a_scope(void **state)
{
    static const char *const texts[] = {
        "",
        "/",
        "20261124",
        "20261124/us-east-1",
        "20261124/us-east-1/",
        "20261124//iam",
        "2026112/us-east-1/iam",
        "202611244/us-east-1/iam",
        "2026112x/us-east-1/iam",
        "20261124/US-EAST-1/iam",
        "20261124/us east/iam",
        "20261124/us-east-1/iam/",
        "20261124/us-east-1/iam/aws4_reques",
        "20261124/us-east-1/iam/aws4_requests",
        "20261124/us-east-1/iam/aws4_request/",
        "20261124/us-east-1/iam/aws4_request/aws4_request",
        TOO_LONG,
    };
    hsmiam_scope scope;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(hsmiam_scope_parse(texts[i], strlen(texts[i]), &scope));
    /* What is not in its size does not count. */
    assert_false(hsmiam_scope_parse("20261124/us-east-1/iam", 19, &scope));
    assert_false(hsmiam_scope_parse("20261124/us-east-1/i\0m", 22, &scope));
    assert_false(hsmiam_scope_parse(NULL, 0, &scope));
}

/* The longest scope is taken; of a size that is none, nothing is read. */
static void reads_no_more_than_a_scope(void **state)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char longest[256];
    hsmiam_scope scope = {.date = ""};

    (void)state;
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "20261124/", 9);
    longest[9 + 64] = '/';
    memcpy(longest + 9 + 64 + 1 + 64, "/aws4_request", 14);
    assert_true(hsmiam_scope_parse(longest, strlen(longest), &scope));
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    memset(pages, '1', page);
    assert_false(hsmiam_scope_parse(pages, (size_t)-1, &scope));
    assert_int_equal(munmap(pages, 2 * page), 0);
}

static void finds_the_scope_of_a_string_to_sign(void **state)
{
    static const struct {
        const char *text;
        bool found;
    } cases[] = {
        {"AWS4-HMAC-SHA256\n20261124T120000Z\n20261124/eu-west-1/s3/aws4_request\n" HASH, true},
        {"AWS4-HMAC-SHA256-PAYLOAD\n20261124T120000Z\n20261124/eu-west-1/s3/aws4_request\n" HASH
         "\n" HASH "\n" HASH,
         true},
        /* Of SigV4A, it has no region. */
        {"AWS4-ECDSA-P256-SHA256\n20261124T120000Z\n20261124/s3/aws4_request\n" HASH, false},
        {"AWS4-HMAC-SHA256\n20261124T120000Z\n20261124/eu-west-1/s3\n" HASH, false},
        {"AWS4-HMAC-SHA256\n20261124T120000Z\n20261124/eu-west-1/s3/aws4_request", false},
        {"AWS4-HMAC-SHA256\n20261124/eu-west-1/s3/aws4_request\n" HASH, false},
        {"20261124/eu-west-1/s3/aws4_request\n\n\n", false},
        {"\n\n\n", false},
        {"\n\n", false},
        {"\n", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hsmiam_scope scope = {.date = ""};
        assert_int_equal(hsmiam_scope_find(cases[i].text, strlen(cases[i].text), &scope),
                         cases[i].found);
        assert_string_equal(scope.region, cases[i].found ? "eu-west-1" : "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_scope_with_or_without_its_end),
        cmocka_unit_test(reads_no_more_than_a_scope),
        cmocka_unit_test(takes_nothing_else_for_a_scope),
        cmocka_unit_test(finds_the_scope_of_a_string_to_sign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
