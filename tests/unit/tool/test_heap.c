/* SPDX-License-Identifier: Apache-2.0 */
/* The tool's malloc(), under other names, for a test must not depend on what it tests. */
#include "support/cmocka_tests.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define malloc             heap_malloc
#define calloc             heap_calloc
#define realloc            heap_realloc
#define free               heap_free
#define posix_memalign     heap_posix_memalign
#define memalign           heap_memalign
#define aligned_alloc      heap_aligned_alloc
#define valloc             heap_valloc
#define pvalloc            heap_pvalloc
#define malloc_usable_size heap_usable_size

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *memory, size_t size);
void free(void *memory);
int posix_memalign(void **memory_out, size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
void *valloc(size_t size);
void *pvalloc(size_t size);
size_t malloc_usable_size(void *memory);

#include "heap.c"

#define MARK  0xa5
#define ROUND 20000

static bool is_filled(const void *memory, size_t size, uint8_t byte)
{
    const uint8_t *bytes = memory;

    for (size_t i = 0; i < size; i++)
        if (bytes[i] != byte)
            return false;
    return true;
}

/* Every size gets what it asked for, aligned, zero, and apart from its neighbour. */
static void test_sizes(void **state)
{
    (void)state;
    for (size_t size = 0; size < 70000; size += size < 2100 ? 1 : 997) {
        uint8_t *one = malloc(size);
        uint8_t *other = malloc(size);

        assert_non_null(one);
        assert_ptr_not_equal(one, other);
        assert_int_equal((uintptr_t)one % 16, 0);
        assert_true(is_filled(one, size, 0));
        memset(one, MARK, size);
        assert_true(is_filled(other, size, 0));
        assert_int_equal(malloc_usable_size(one), size);
        free(one);
        /* Of what is freed a link remains in the header, which is before the block. */
        assert_true(is_filled(one, size, 0));
        free(other);
    }
}

static void test_room_of_classes(void **state)
{
    size_t block = 0;

    (void)state;
    for (size_t size = 1; size < ((size_t)1 << 24); size += size / 7 + 1) {
        size_t number = find_class(size, &block);
        header head = {.size = 0, .number = (uint32_t)number + 1, .shift = 0};

        assert_true(number < CLASSES);
        assert_true(block >= size);
        assert_true(size < 16 || block <= size + size / 4 + 16);
        assert_int_equal(get_room(&head), block - sizeof(header));
    }
}

static void test_growing(void **state)
{
    uint8_t *first = realloc(NULL, 100);

    (void)state;
    memset(first, MARK, 100);
    uint8_t *second = realloc(first, 5000);
    assert_true(second != first);
    assert_true(is_filled(first, 100, 0)); /* the old place */
    assert_true(is_filled(second, 100, MARK));
    memset(second, MARK, 5000);
    assert_ptr_equal(realloc(second, 3000), second);
    assert_true(is_filled(second + 3000, 2000, 0));
    assert_ptr_equal(realloc(second, 5000), second);
    uint8_t *third = realloc(second, 10);
    assert_true(is_filled(second, 5000, 0));
    assert_true(is_filled(third, 10, MARK));
    assert_null(realloc(third, 0));
    assert_true(is_filled(third, 10, 0));
}

static void test_alignment(void **state)
{
    void *memory = NULL;

    (void)state;
    for (size_t alignment = 8; alignment <= 65536; alignment *= 2) {
        assert_int_equal(posix_memalign(&memory, alignment, 300), 0);
        assert_int_equal((uintptr_t)memory % alignment, 0);
        memset(memory, MARK, 300);
        memory = realloc(memory, 4000);
        assert_true(is_filled(memory, 300, MARK));
        free(memory);
        free(memalign(alignment, 1));
    }
    assert_int_equal(posix_memalign(&memory, 24, 1), EINVAL);
    assert_int_equal((uintptr_t)valloc(1) % 4096, 0);
    assert_int_equal(malloc_usable_size(pvalloc(1)), 4096);
    assert_non_null(aligned_alloc(64, 128));
}

static void test_too_much(void **state)
{
    (void)state;
    errno = 0;
    assert_null(calloc(SIZE_MAX / 2, 3));
    assert_int_equal(errno, ENOMEM);
    errno = 0;
    assert_null(malloc((size_t)1 << 40));
    assert_int_equal(errno, ENOMEM);
    errno = 0;
    assert_int_equal(posix_memalign(&(void *){NULL}, (size_t)1 << 40, 1), ENOMEM);
    assert_int_equal(errno, 0);
    free(NULL);
}

static void test_facts(void **state)
{
    size_t before = tool_heap.used;

    (void)state;
    assert_true(tool_heap.present);
    assert_true(tool_heap.lockable > 0);
    void *memory = malloc(3 << 20);
    assert_true(tool_heap.used >= before + (3 << 20));
    free(memory);
    assert_ptr_equal(malloc(3 << 20), memory);
}

static void *use(void *context)
{
    unsigned seed = (unsigned)(uintptr_t)context;
    uint8_t *blocks[64] = {NULL};

    for (int i = 0; i < ROUND; i++) {
        size_t at = (size_t)rand_r(&seed) % 64;
        size_t size = (size_t)rand_r(&seed) % 3000;

        if (blocks[at] && (blocks[at][0] != (uint8_t)at || !is_filled(blocks[at] + 1, 7, 0)))
            return context;
        free(blocks[at]);
        blocks[at] = malloc(size + 8);
        if (!blocks[at] || !is_filled(blocks[at], size + 8, 0))
            return context;
        blocks[at][0] = (uint8_t)at;
    }
    for (size_t i = 0; i < 64; i++)
        free(blocks[i]);
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, (void *)(i + 1)), 0);
    for (size_t i = 0; i < 4; i++) {
        void *problem = NULL;

        assert_int_equal(pthread_join(threads[i], &problem), 0);
        assert_null(problem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),    cmocka_unit_test(test_room_of_classes),
        cmocka_unit_test(test_growing),  cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_too_much), cmocka_unit_test(test_facts),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
