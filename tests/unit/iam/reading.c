/* SPDX-License-Identifier: Apache-2.0 */
#include "reading.h"

#include "base/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define must(expression)                                                                           \
    do {                                                                                           \
        if ((expression) != HSMIAM_OK)                                                             \
            abort();                                                                               \
    } while (0)

/* A piece has memory of its own, so that reading past its end is noticed. */
static void feed(hsmiam_response *response, const char *data, size_t size)
{
    char *piece = malloc(size > 0 ? size : 1);

    if (piece == NULL)
        abort();
    if (size > 0)
        memcpy(piece, data, size);
    hsmiam_response_feed(response, piece, size);
    free(piece);
}

void reading_read(test_reading *reading, const char *operation, const char *answer, size_t size,
                  size_t split, size_t piece)
{
    hsmiam_response *response = NULL;
    hsmiam_secret *secret = NULL;
    hsmiam_error error = {.status = HSMIAM_OK};

    memset(reading, 0, sizeof *reading);
    must(hsmiam_secret_new(sizeof reading->secret - 1, &secret, NULL));
    must(hsmiam_response_new(operation, &reading->reply, secret, &response, NULL));
    feed(response, answer, split);
    for (size_t done = split; done < size;) {
        size_t next = piece > 0 && piece < size - done ? piece : size - done;
        feed(response, answer + done, next);
        done += next;
    }
    reading->status = hsmiam_response_finish(response, &error);
    (void)snprintf(reading->message, sizeof reading->message, "%s", error.message);
    memcpy(reading->secret, hsmiam_secret_get_data(secret), hsmiam_secret_get_size(secret));
    hsmiam_response_free(&response);
    hsmiam_secret_free(&secret);
}

void reading_read_whole(test_reading *reading, const char *operation, const char *answer)
{
    reading_read(reading, operation, answer, strlen(answer), 0, 0);
}
