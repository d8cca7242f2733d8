/* SPDX-License-Identifier: Apache-2.0 */
/* What was freed as it was is overwritten, wherever the allocator has put it. */
#include "support/cmocka_tests.h"

#include "base/freed.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCKS 8
#define MARK   "left by somebody"

/* How often the mark is in a piece of memory that may be nobody's. */
static unsigned count_marks(uintptr_t from, size_t size)
{
    char *copy = calloc(1, size);
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    unsigned count = 0;

    assert_non_null(copy);
    assert_true(memory >= 0);
    ssize_t got = pread(memory, copy, size, (off_t)from);
    close(memory);
    for (ssize_t i = 0; i + (ssize_t)strlen(MARK) <= got; i++)
        count += memcmp(copy + i, MARK, strlen(MARK)) == 0;
    free(copy);
    return count;
}

static void test_freed_blocks(void **state)
{
    static const size_t sizes[] = {40, 200, 1000, 1500, 4096, 16385, 40000};
    char *blocks[BLOCKS];
    uintptr_t places[BLOCKS];

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned left = 0;

        for (size_t j = 0; j < BLOCKS; j++) {
            blocks[j] = malloc(sizes[i]);
            assert_non_null(blocks[j]);
            places[j] = (uintptr_t)blocks[j];
            for (size_t at = 0; at + sizeof MARK <= sizes[i]; at += sizeof MARK)
                memcpy(blocks[j] + at, MARK, sizeof MARK);
        }
        /* Neighbours become one: those behind come first. */
        for (size_t j = BLOCKS; j > 0; j--)
            if (j % 3 != 0)
                free(blocks[j - 1]);
        hsmiam_freed_wipe();
        for (size_t j = 0; j < BLOCKS; j++)
            if ((j + 1) % 3 != 0)
                left += count_marks(places[j], sizes[i]);
        for (size_t j = 0; j < BLOCKS; j++)
            if ((j + 1) % 3 == 0)
                free(blocks[j]);
        /* Where another malloc() stands in for libc's, a sanitizer's, there is nothing to wipe. */
        if (mallinfo2().arena > 0 && left > 0)
            fail_msg("%u marks left of blocks of %zu bytes", left, sizes[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_freed_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
