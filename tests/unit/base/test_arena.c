/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_tests.h"

#include <stdint.h>
#include <string.h>

#include "base/arena.h"

static hsmiam_arena *new_arena(size_t limit)
{
    hsmiam_arena *arena = NULL;

    assert_int_equal(hsmiam_arena_new(limit, &arena, NULL), HSMIAM_OK);
    return arena;
}

static void assert_bytes(const uint8_t *data, size_t size, uint8_t value)
{
    for (size_t i = 0; i < size; i++)
        assert_int_equal(data[i], value);
}

static void test_blocks_are_apart_and_aligned(void **state)
{
    hsmiam_arena *arena = new_arena(4096);
    uint8_t *blocks[16];

    (void)state;
    for (size_t i = 0; i < 16; i++) {
        blocks[i] = hsmiam_arena_allocate(arena, i * 7);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        memset(blocks[i], (int)i, i * 7);
    }
    for (size_t i = 0; i < 16; i++)
        assert_bytes(blocks[i], i * 7, (uint8_t)i);
    hsmiam_arena_free(&arena);
    assert_null(arena);
}

static void test_limit(void **state)
{
    hsmiam_arena *arena = new_arena(1024);

    (void)state;
    assert_null(hsmiam_arena_allocate(arena, SIZE_MAX));
    assert_null(hsmiam_arena_allocate(arena, SIZE_MAX - 40));
    assert_null(hsmiam_arena_allocate(arena, 1024));
    uint8_t *block = hsmiam_arena_allocate(arena, 600);
    assert_non_null(block);
    memset(block, 'x', 600);
    assert_null(hsmiam_arena_reallocate(arena, block, 700));
    assert_bytes(block, 600, 'x'); /* as realloc(), it leaves what it cannot move */
    hsmiam_arena_free(&arena);
}

static void test_what_is_given_back_is_wiped(void **state)
{
    hsmiam_arena *arena = new_arena(4096);
    uint8_t *first = hsmiam_arena_allocate(arena, 64);
    uint8_t *last = hsmiam_arena_allocate(arena, 64);

    (void)state;
    memset(first, 'x', 64);
    memset(last, 'y', 64);
    uint8_t *moved = hsmiam_arena_reallocate(arena, first, 200);
    assert_ptr_not_equal(moved, first);
    assert_bytes(moved, 64, 'x');
    assert_bytes(first, 64, 0);
    hsmiam_arena_release(arena, moved);
    assert_bytes(moved, 64, 0);
    assert_ptr_equal(hsmiam_arena_allocate(arena, 16),
                     moved); /* the last one's room is had again */
    hsmiam_arena_release(arena, last);
    assert_bytes(last, 64, 0);
    hsmiam_arena_release(arena, NULL);
    hsmiam_arena_free(&arena);
}

static void test_smaller_stays(void **state)
{
    hsmiam_arena *arena = new_arena(4096);
    void *block = hsmiam_arena_reallocate(arena, NULL, 64);

    (void)state;
    assert_non_null(block);
    assert_ptr_equal(hsmiam_arena_reallocate(arena, block, 10), block);
    hsmiam_arena_free(&arena);
    hsmiam_arena_free(&arena);
    hsmiam_arena_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_are_apart_and_aligned),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_what_is_given_back_is_wiped),
        cmocka_unit_test(test_smaller_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
