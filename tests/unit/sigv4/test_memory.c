/* SPDX-License-Identifier: Apache-2.0 */
/* What signing leaves in the memory of the process: of the derived keys only kSigning, once, in the
 * signer's secret memory, and nothing once the signer is freed. */
#include "support/cmocka_tests.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_token.h"
#include "sigv4/signer.h"

/* Bytes of a key that are searched for: enough to be no accident. */
#define SOUGHT_SIZE 16

/* The keys are kept under a mask, for this program would otherwise hold what it searches for. */
#define MASK 0xA5

/* A sanitizer's shadow memory is huge, and holds no data. */
#define MAPPING_SIZE_MAX ((size_t)256 << 20)

enum { K_DATE, K_REGION, K_SERVICE, K_SIGNING, KEY_COUNT };

/* For 20150830, us-east-1 and iam, from the secret of AWS's signing test suite. */
static const uint8_t masked_keys[KEY_COUNT][SOUGHT_SIZE] = {
    {0xa4, 0x9d, 0x62, 0x03, 0x6e, 0x73, 0xaf, 0x02, 0x82, 0x17, 0x53, 0xf6, 0x00, 0x87, 0xf3,
     0xd1},
    {0x56, 0x98, 0xfd, 0xad, 0xf5, 0xee, 0x56, 0xed, 0xb7, 0x40, 0x5f, 0x7b, 0xc6, 0x95, 0x2e,
     0xe7},
    {0xbc, 0x3b, 0xba, 0xed, 0x63, 0xa7, 0x00, 0x0b, 0xd2, 0x6b, 0x83, 0x01, 0xcc, 0xa3, 0x37,
     0xab},
    {0x61, 0x0a, 0x14, 0x69, 0xf2, 0xd4, 0x7d, 0xd4, 0xd3, 0x9f, 0x9c, 0x9b, 0xe1, 0x12, 0xa6,
     0xf2},
};

/* A key may lie there as it is, under HMAC's two pads, and each of these in words of the host's
 * byte order, as SHA-256 works on them. */
static const uint8_t pads[] = {0x00, 0x36, 0x5c};
static const size_t word_flips[] = {0, 3};

static bool is_key(const uint8_t *bytes, const uint8_t *masked)
{
    for (size_t f = 0; f < sizeof word_flips / sizeof word_flips[0]; f++) {
        uint8_t pad = bytes[0] ^ masked[word_flips[f]] ^ MASK;
        if (pad != pads[0] && pad != pads[1] && pad != pads[2])
            continue;
        size_t i = 1;
        while (i < SOUGHT_SIZE && bytes[i] == (masked[i ^ word_flips[f]] ^ MASK ^ pad))
            i++;
        if (i == SOUGHT_SIZE)
            return true;
    }
    return false;
}

/* Which bytes a key may begin with: few, so that a search looks at the rest rarely. */
static void find_beginnings(bool is_beginning[256])
{
    for (int key = 0; key < KEY_COUNT; key++) {
        for (size_t f = 0; f < sizeof word_flips / sizeof word_flips[0]; f++) {
            for (size_t p = 0; p < sizeof pads / sizeof pads[0]; p++)
                is_beginning[masked_keys[key][word_flips[f]] ^ MASK ^ pads[p]] = true;
        }
    }
}

static void count_in(const uint8_t *bytes, size_t size, unsigned counts[KEY_COUNT])
{
    bool is_beginning[256] = {false};

    /* Most memory was never written to; to know that takes no time. */
    if (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0)
        return;
    find_beginnings(is_beginning);
    for (size_t i = 0; i + SOUGHT_SIZE <= size; i++) {
        for (int key = 0; is_beginning[bytes[i]] && key < KEY_COUNT; key++)
            counts[key] += is_key(bytes + i, masked_keys[key]);
    }
}

/* Counts the keys in all writable memory. */
static void count_keys(unsigned counts[KEY_COUNT])
{
    static uint8_t block[1 << 16];
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "re");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

    assert_non_null(maps);
    assert_true(memory >= 0);
    memset(counts, 0, KEY_COUNT * sizeof counts[0]);
    while (fgets(line, sizeof line, maps) != NULL) {
        char *next = NULL;
        uintptr_t from = strtoul(line, &next, 16);
        uintptr_t to = strtoul(next + 1, &next, 16);
        if (strncmp(next, " rw", 3) != 0 || to - from > MAPPING_SIZE_MAX)
            continue;
        while (to - from >= SOUGHT_SIZE) {
            size_t size = to - from < sizeof block ? to - from : sizeof block;
            ssize_t got = pread(memory, block, size, (off_t)from);
            if (got < SOUGHT_SIZE)
                break;
            if (from + (size_t)got <= (uintptr_t)block || from >= (uintptr_t)block + sizeof block)
                count_in(block, (size_t)got, counts);
            from += (size_t)got - (SOUGHT_SIZE - 1);
        }
    }
    memset(block, 0, sizeof block);
    (void)fclose(maps);
    (void)close(memory);
}

static void finds_what_it_searches_for(void **state)
{
    unsigned counts[KEY_COUNT];
    volatile uint8_t *planted = malloc((size_t)2 * SOUGHT_SIZE);

    (void)state;
    assert_non_null(planted);
    for (size_t i = 0; i < SOUGHT_SIZE; i++) {
        planted[i] = masked_keys[K_DATE][i] ^ MASK;
        planted[SOUGHT_SIZE + i] = masked_keys[K_REGION][i ^ 3] ^ MASK ^ 0x5c;
    }
    count_keys(counts);
    for (size_t i = 0; i < (size_t)2 * SOUGHT_SIZE; i++)
        planted[i] = 0;
    free((void *)planted);
    assert_int_equal(counts[K_DATE], 1);
    assert_int_equal(counts[K_REGION], 1);
    assert_int_equal(counts[K_SERVICE], 0);
    assert_int_equal(counts[K_SIGNING], 0);
}

static void keeps_the_signing_key_only(void **state)
{
    const hsmiam_scope scope = {"20150830", "us-east-1", "iam"};
    struct hsmiam_token token = FAKE_TOKEN_EXAMPLE;
    char signature[HSMIAM_SIGNATURE_SIZE + 1] = "";
    unsigned counts[KEY_COUNT];
    hsmiam_signer *signer = NULL;

    (void)state;
    assert_int_equal(hsmiam_signer_new(&token, NULL, &signer, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_signer_sign(signer, &scope, "x", 1, signature, NULL), HSMIAM_OK);
    count_keys(counts);
    assert_int_equal(counts[K_DATE], 0);
    assert_int_equal(counts[K_REGION], 0);
    assert_int_equal(counts[K_SERVICE], 0);
    assert_int_equal(counts[K_SIGNING], 1);

    hsmiam_signer_free(&signer);
    count_keys(counts);
    for (int key = 0; key < KEY_COUNT; key++)
        assert_int_equal(counts[key], 0);
}

static void drops_the_signing_key_of_another_scope(void **state)
{
    const hsmiam_scope scope = {"20150830", "us-east-1", "iam"};
    const hsmiam_scope other = {"20150830", "us-east-1", "sts"};
    struct hsmiam_token token = FAKE_TOKEN_EXAMPLE;
    char signature[HSMIAM_SIGNATURE_SIZE + 1] = "";
    unsigned counts[KEY_COUNT];
    hsmiam_signer *signer = NULL;

    (void)state;
    assert_int_equal(hsmiam_signer_new(&token, NULL, &signer, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_signer_sign(signer, &scope, "x", 1, signature, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_signer_sign(signer, &other, "x", 1, signature, NULL), HSMIAM_OK);
    count_keys(counts);
    for (int key = 0; key < KEY_COUNT; key++)
        assert_int_equal(counts[key], 0);
    hsmiam_signer_free(&signer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_it_searches_for),
        cmocka_unit_test(keeps_the_signing_key_only),
        cmocka_unit_test(drops_the_signing_key_of_another_scope),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
