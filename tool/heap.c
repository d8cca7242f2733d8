/* SPDX-License-Identifier: Apache-2.0 */
/* The process's malloc(): one piece of memory for all that the tool and its libraries allocate,
 * locked as far as the limit allows, left out of core dumps, and zero wherever it is not in use. A
 * block is wiped when it is freed, shrunk, or moved to grow. It is linked into the executable only,
 * where its symbols go before libc's.
 *
 * Blocks come in classes of sizes and go back to the list of their class. Nothing is given back to
 * the system: a command does not live long. */
#include "heap.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/single_threaded.h>
#include <unistd.h>

#define HEAP_EXPORT __attribute__((visibility("default")))

#define HEAP_SIZE_MAX  ((size_t)4 << 30) /* of addresses; memory is taken as it comes into use */
#define HEAP_SIZE_MIN  ((size_t)64 << 20)
#define GROWTH         ((size_t)256 << 10)
#define ALIGNMENT      16
#define SMALL_MAX      512 /* up to here a class for every multiple of ALIGNMENT */
#define SMALL_CLASSES  (SMALL_MAX / ALIGNMENT)
#define CLASSES        (SMALL_CLASSES + 4 * 24)
#define ALLOCATION_MAX (HEAP_SIZE_MAX / 2)

/* Stands before every block that is in use. */
typedef struct header {
    size_t size;     /* as it was asked for */
    uint32_t number; /* of the class, and one: 0 in a block that is free */
    uint32_t shift;  /* from where the class's block begins to here, a multiple of ALIGNMENT */
} header;

#ifndef MADV_POPULATE_WRITE /* Linux 5.14; without it, pages come as they are touched */
#define MADV_POPULATE_WRITE 23
#endif

typedef struct free_block {
    struct free_block *next;
} free_block;

_Static_assert(sizeof(header) == ALIGNMENT, "what follows a header is aligned");

static struct {
    pthread_mutex_t lock;
    uint8_t *base; /* NULL before the first allocation */
    size_t size;
    size_t used;
    size_t ready; /* how far memory may be touched */
    bool locked;  /* all of it */
    free_block *lists[CLASSES];
} heap = {
    /* Held for some ten nanoseconds: whoever waits looks again before going to sleep. */
    .lock = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP};

/* True if unlock() must follow. */
static bool lock(void)
{
    if (__libc_single_threaded)
        return false;
    (void)pthread_mutex_lock(&heap.lock);
    return true;
}

static void unlock(bool locked)
{
    if (locked)
        (void)pthread_mutex_unlock(&heap.lock);
}

static void lock_before_fork(void)
{
    (void)pthread_mutex_lock(&heap.lock);
}

static void unlock_after_fork(void)
{
    (void)pthread_mutex_unlock(&heap.lock);
}

static __attribute__((constructor)) void watch_forks(void)
{
    (void)pthread_atfork(lock_before_fork, unlock_after_fork, unlock_after_fork);
}

/* Whoever may lock anything locks all of it, to take effect as it comes into use; others lock piece
 * by piece, as much as their limit leaves. */
static void lock_memory(void)
{
    struct rlimit limit = {0};

    heap.locked = mlock2(heap.base, heap.size, MLOCK_ONFAULT) == 0;
    if (heap.locked)
        tool_heap.lockable = heap.size;
    else if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur > TOOL_HEAP_LEFT_TO_SECRETS)
        tool_heap.lockable = (size_t)limit.rlim_cur - TOOL_HEAP_LEFT_TO_SECRETS;
    tool_heap.limited = !heap.locked;
    if (tool_heap.lockable > heap.size)
        tool_heap.lockable = heap.size;
    tool_heap.lockable = tool_heap.lockable / GROWTH * GROWTH;
}

/* Makes more memory fit for use. All of it at once costs less than a fault for each page. */
static bool grow(size_t more)
{
    uint8_t *piece = heap.base + heap.ready;

    if (mprotect(piece, more, PROT_READ | PROT_WRITE) != 0)
        return false;
    if (heap.locked || heap.ready + more > tool_heap.lockable)
        (void)madvise(piece, more, MADV_POPULATE_WRITE);
    else if (mlock(piece, more) != 0)
        tool_heap.lockable = heap.ready;
    heap.ready += more;
    return true;
}

static bool start(void)
{
    for (size_t size = HEAP_SIZE_MAX; size >= HEAP_SIZE_MIN; size /= 2) {
        void *base =
            mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (base == MAP_FAILED)
            continue;
        (void)madvise(base, size, MADV_DONTDUMP);
        heap.base = base;
        heap.size = size;
        lock_memory();
        tool_heap.present = true;
        return true;
    }
    return false;
}

/* Memory that was never used, which is zero. */
static void *take_new(size_t size)
{
    if (heap.base == NULL && !start())
        return NULL;
    if (size > heap.size - heap.used)
        return NULL;
    if (heap.used + size > heap.ready) {
        size_t more = (heap.used + size - heap.ready + GROWTH - 1) / GROWTH * GROWTH;

        if (heap.ready + more > heap.size || !grow(more))
            return NULL;
    }
    void *block = heap.base + heap.used;
    heap.used += size;
    tool_heap.used = heap.used;
    return block;
}

/* The class for a block of so many bytes, and what its blocks have: above the small ones, four
 * classes for every doubling. */
static size_t find_class(size_t size, size_t *block_size_out)
{
    if (size <= SMALL_MAX) {
        size_t number = (size + ALIGNMENT - 1) / ALIGNMENT;

        *block_size_out = number * ALIGNMENT;
        return number - 1;
    }
    unsigned power = 63 - (unsigned)__builtin_clzl(size - 1); /* 2^power < size <= 2^(power + 1) */
    size_t step = (size_t)1 << (power - 2);
    size_t steps = (size - ((size_t)1 << power) + step - 1) / step; /* 1 to 4 */

    *block_size_out = ((size_t)1 << power) + steps * step;
    return SMALL_CLASSES + 4 * (power - 9) + steps - 1;
}

/* A block of a class, all zero. */
static void *take_block(size_t number, size_t size)
{
    bool locked = lock();
    free_block *block = heap.lists[number];

    if (block != NULL) {
        heap.lists[number] = block->next;
        block->next = NULL;
    } else {
        block = take_new(size);
    }
    unlock(locked);
    return block;
}

/* Memory for the caller: zero, and aligned to a power of two. */
static void *allocate(size_t size, size_t alignment)
{
    size_t extra = alignment > ALIGNMENT ? alignment : 0;
    size_t block_size = 0;

    if (size > ALLOCATION_MAX || extra > ALLOCATION_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    size_t number = find_class(sizeof(header) + extra + (size > 0 ? size : 1), &block_size);
    uint8_t *block = take_block(number, block_size);
    if (block == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    uint8_t *memory = block + sizeof(header);
    if (extra > 0)
        memory += (extra - (uintptr_t)memory % extra) % extra;
    header *head = (header *)(void *)(memory - sizeof(header));
    *head = (header){size, (uint32_t)number + 1, (uint32_t)((uint8_t *)head - block)};
    return memory;
}

/* Ends the process if the memory is none that is in use. */
static header *get_header(void *memory)
{
    header *head = (header *)(void *)((uint8_t *)memory - sizeof(header));

    if ((uint8_t *)memory < heap.base || (uint8_t *)memory >= heap.base + heap.used ||
        head->number == 0)
        __builtin_trap();
    return head;
}

/* How many bytes the block that a header stands in has behind the header. */
static size_t get_room(const header *head)
{
    size_t number = head->number - 1;
    size_t block_size = (number + 1) * ALIGNMENT;

    if (number >= SMALL_CLASSES) {
        size_t power = (number - SMALL_CLASSES) / 4 + 9;
        size_t steps = (number - SMALL_CLASSES) % 4 + 1;

        block_size = ((size_t)1 << power) + steps * ((size_t)1 << (power - 2));
    }
    return block_size - head->shift - sizeof(header);
}

HEAP_EXPORT void *malloc(size_t size)
{
    return allocate(size, ALIGNMENT);
}

HEAP_EXPORT void *calloc(size_t count, size_t size)
{
    size_t total = 0;

    if (__builtin_mul_overflow(count, size, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    return allocate(total, ALIGNMENT);
}

HEAP_EXPORT void free(void *memory)
{
    if (memory == NULL)
        return;
    header *head = get_header(memory);
    size_t number = head->number - 1;
    free_block *block = (free_block *)(void *)((uint8_t *)head - head->shift);

    explicit_bzero(memory, head->size);
    *head = (header){0};
    bool locked = lock();
    block->next = heap.lists[number];
    heap.lists[number] = block;
    unlock(locked);
}

HEAP_EXPORT void *realloc(void *memory, size_t size)
{
    if (memory == NULL)
        return allocate(size, ALIGNMENT);
    if (size == 0) {
        free(memory);
        return NULL;
    }
    header *head = get_header(memory);
    size_t room = get_room(head);
    size_t kept = head->size < size ? head->size : size;

    /* What is not in use is zero, so that a block may grow and shrink within its room. */
    if (size <= room && size >= room / 4) {
        explicit_bzero((uint8_t *)memory + kept, head->size - kept);
        head->size = size;
        return memory;
    }
    void *moved = allocate(size, ALIGNMENT);
    if (moved == NULL)
        return NULL;
    memcpy(moved, memory, kept);
    free(memory);
    return moved;
}

HEAP_EXPORT int posix_memalign(void **memory_out, size_t alignment, size_t size)
{
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0)
        return EINVAL;
    int before = errno;
    void *memory = allocate(size, alignment);
    errno = before;
    if (memory == NULL)
        return ENOMEM;
    *memory_out = memory;
    return 0;
}

HEAP_EXPORT void *memalign(size_t alignment, size_t size)
{
    void *memory = NULL;
    int number =
        posix_memalign(&memory, alignment < ALIGNMENT ? (size_t)ALIGNMENT : alignment, size);

    if (number != 0)
        errno = number;
    return memory;
}

HEAP_EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

HEAP_EXPORT void *valloc(size_t size)
{
    return memalign((size_t)sysconf(_SC_PAGESIZE), size);
}

HEAP_EXPORT void *pvalloc(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return memalign(page, size > ALLOCATION_MAX ? size : (size + page - 1) / page * page);
}

HEAP_EXPORT size_t malloc_usable_size(void *memory)
{
    return memory == NULL ? 0 : get_header(memory)->size;
}
