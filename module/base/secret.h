/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secret memory: the one type that may hold a secret access key, a derived key, a PIN or a part of
 * a reply that holds one. Each secret has pages of its own: locked (never swapped), left out of
 * core dumps, empty in a forked child, between guard pages, wiped when cleared.
 */
#ifndef HSMIAM_BASE_SECRET_H
#define HSMIAM_BASE_SECRET_H

#include "base/error.h"

typedef struct hsmiam_secret hsmiam_secret;

/* Makes an empty secret that can hold `limit` bytes, at most 1 MiB. MEMORY if the pages cannot be
 * had or cannot be locked (RLIMIT_MEMLOCK). */
hsmiam_status hsmiam_secret_new(size_t limit, hsmiam_secret **secret_out,
                                hsmiam_error *error) HSMIAM_MUST_USE;

/* Wipes and frees. */
void hsmiam_secret_free(hsmiam_secret **secret);

/* Wipes the content; the secret is then empty and can be filled again. */
void hsmiam_secret_clear(hsmiam_secret *secret);

/* Appends bytes. false, and nothing is changed, if they do not fit. */
bool hsmiam_secret_append(hsmiam_secret *secret, const void *data, size_t size) HSMIAM_MUST_USE;

/* For a producer that writes in place: the bytes behind the content, and how many there are. */
uint8_t *hsmiam_secret_get_room(hsmiam_secret *secret, size_t *size_out);

/* Counts `size` bytes that were written into the room as content. */
void hsmiam_secret_grow(hsmiam_secret *secret, size_t size);

/* Shortens the content to `size` bytes and wipes what was behind them. */
void hsmiam_secret_truncate(hsmiam_secret *secret, size_t size);

/* The content and its size; borrowed until the secret is changed or freed. */
uint8_t *hsmiam_secret_get_data(const hsmiam_secret *secret);
size_t hsmiam_secret_get_size(const hsmiam_secret *secret);

/* Overwrites memory in a way that the compiler cannot leave out. */
void hsmiam_wipe(void *data, size_t size);

#endif
