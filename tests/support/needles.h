/* SPDX-License-Identifier: Apache-2.0 */
/* What a scan looks for, and how it is found: any run of so many bytes of any needle. */
#ifndef HSMIAM_TESTS_SUPPORT_NEEDLES_H
#define HSMIAM_TESTS_SUPPORT_NEEDLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEEDLE_WINDOW 8

/* One disguise of one secret. */
typedef struct needle {
    char name[128];
    size_t shortest; /* a run of fewer bytes is no finding; at least NEEDLE_WINDOW */
    size_t size;
    uint8_t data[512];
} needle;

typedef struct needles needles;

/* A run of bytes that a needle has too. */
typedef struct finding {
    const needle *needle;
    size_t in_needle; /* where the run begins */
    size_t in_data;
    size_t size;
} finding;

typedef void (*finding_fn)(void *context, const finding *found);

needles *needles_new(void);
void needles_free(needles *set);

/* Adds a needle; false if there is no memory. */
bool needles_add(needles *set, const needle *added);

/* Reports every run in the data, the longest at each place. */
void needles_search(const needles *set, const uint8_t *data, size_t size, finding_fn report,
                    void *context);

#endif
