/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECRET_LIMIT_MAX ((size_t)1 << 20)

struct hsmiam_secret {
    uint8_t *mapping; /* guard page, `pages` bytes, guard page */
    uint8_t *data;    /* NULL until it can be written to */
    size_t page;
    size_t pages;
    size_t limit;
    size_t size;
};

void hsmiam_wipe(void *data, size_t size)
{
    if (size > 0)
        explicit_bzero(data, size);
}

static hsmiam_status map(hsmiam_secret *secret, hsmiam_error *error)
{
    secret->page = (size_t)sysconf(_SC_PAGESIZE);
    secret->pages = (secret->limit + secret->page - 1) / secret->page * secret->page;

    uint8_t *mapping =
        mmap(NULL, secret->pages + 2 * secret->page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED)
        return hsmiam_error_set_errno(error, HSMIAM_ERR_MEMORY, errno,
                                      "Cannot map %zu bytes for a secret", secret->pages);
    secret->mapping = mapping;
    if (mprotect(mapping + secret->page, secret->pages, PROT_READ | PROT_WRITE) != 0)
        return hsmiam_error_set_errno(error, HSMIAM_ERR_MEMORY, errno,
                                      "Cannot put guard pages around %zu bytes for a secret",
                                      secret->pages);
    secret->data = mapping + secret->page;
    return HSMIAM_OK;
}

static hsmiam_status protect(hsmiam_secret *secret, hsmiam_error *error)
{
    if (mlock(secret->data, secret->pages) != 0)
        return hsmiam_error_set_unlocked(error, errno, secret->pages,
                                         "a secret, which might be swapped to disk");
    if (madvise(secret->data, secret->pages, MADV_DONTDUMP) != 0 ||
        madvise(secret->data, secret->pages, MADV_WIPEONFORK) != 0)
        return hsmiam_error_set_errno(error, HSMIAM_ERR_MEMORY, errno,
                                      "Cannot keep %zu bytes of memory for a secret out of core "
                                      "dumps and forked processes",
                                      secret->pages);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_secret_new(size_t limit, hsmiam_secret **secret_out, hsmiam_error *error)
{
    if (limit == 0 || limit > SECRET_LIMIT_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "A secret of %zu bytes is not allowed.",
                                limit);

    hsmiam_secret *secret = calloc(1, sizeof *secret);
    if (secret == NULL)
        return hsmiam_error_set_memory(error, "a secret");
    secret->limit = limit;

    hsmiam_status status = map(secret, error);
    if (status != HSMIAM_OK)
        goto out;
    status = protect(secret, error);
    if (status != HSMIAM_OK)
        goto out;
    *secret_out = secret;
    secret = NULL;
out:
    hsmiam_secret_free(&secret);
    return status;
}

void hsmiam_secret_free(hsmiam_secret **secret)
{
    if (secret == NULL || *secret == NULL)
        return;
    if ((*secret)->data != NULL)
        hsmiam_wipe((*secret)->data, (*secret)->pages);
    /* This unlocks as well. */
    if ((*secret)->mapping != NULL)
        (void)munmap((*secret)->mapping, (*secret)->pages + 2 * (*secret)->page);
    free(*secret);
    *secret = NULL;
}

void hsmiam_secret_clear(hsmiam_secret *secret)
{
    hsmiam_wipe(secret->data, secret->pages);
    secret->size = 0;
}

bool hsmiam_secret_append(hsmiam_secret *secret, const void *data, size_t size)
{
    if (size > secret->limit - secret->size)
        return false;
    if (size > 0)
        memcpy(secret->data + secret->size, data, size);
    secret->size += size;
    return true;
}

uint8_t *hsmiam_secret_get_room(hsmiam_secret *secret, size_t *size_out)
{
    *size_out = secret->limit - secret->size;
    return secret->data + secret->size;
}

void hsmiam_secret_grow(hsmiam_secret *secret, size_t size)
{
    size_t room = secret->limit - secret->size;
    secret->size += size < room ? size : room;
}

void hsmiam_secret_truncate(hsmiam_secret *secret, size_t size)
{
    if (size >= secret->size)
        return;
    hsmiam_wipe(secret->data + size, secret->size - size);
    secret->size = size;
}

uint8_t *hsmiam_secret_get_data(const hsmiam_secret *secret)
{
    return secret->data;
}

size_t hsmiam_secret_get_size(const hsmiam_secret *secret)
{
    return secret->size;
}
