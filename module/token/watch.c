/* SPDX-License-Identifier: Apache-2.0 */
#include "token/watch.h"

#include <stdio.h>

#define SECOND 1000000000LL

/* Unloading a module is a courtesy: nobody waits for minutes for it. */
#define CLOSING_MAX (10 * SECOND)

void hsmiam_watch_init(hsmiam_watch *watch)
{
    (void)pthread_mutex_init(&watch->lock, NULL);
}

void hsmiam_watch_clear(hsmiam_watch *watch)
{
    (void)pthread_mutex_destroy(&watch->lock);
}

void hsmiam_watch_ask(hsmiam_watch *watch, const char *function, const char *module)
{
    if (watch == NULL)
        return;
    (void)pthread_mutex_lock(&watch->lock);
    watch->asked = function;
    if (module != NULL)
        (void)snprintf(watch->module, sizeof watch->module, "%s", module);
    (void)pthread_mutex_unlock(&watch->lock);
}

int64_t hsmiam_watch_get_allowance(hsmiam_watch *watch, unsigned factor)
{
    int64_t limit = (int64_t)watch->seconds * SECOND;
    int64_t spent = atomic_load(&watch->spent);

    if (atomic_load(&watch->closing))
        return limit < CLOSING_MAX ? limit : CLOSING_MAX;
    return limit > spent ? (limit - spent) * (int64_t)factor : 0;
}

void hsmiam_watch_count(hsmiam_watch *watch, unsigned factor, int64_t nanoseconds)
{
    (void)atomic_fetch_add(&watch->spent, nanoseconds / (int64_t)factor);
}

void hsmiam_watch_give_up(hsmiam_watch *watch, const char *function, unsigned factor,
                          int64_t nanoseconds)
{
    (void)pthread_mutex_lock(&watch->lock);
    const char *name = function != NULL ? function : watch->asked;
    (void)pthread_mutex_unlock(&watch->lock);
    atomic_store(&watch->waited, nanoseconds);
    atomic_store(&watch->factor, factor);
    atomic_store(&watch->silent, name);
}

void hsmiam_watch_renew(hsmiam_watch *watch)
{
    atomic_store(&watch->spent, 0);
}

/* "Token "custody"", or the module that was asked for it. */
static void name_silent(hsmiam_watch *watch, const char *label, char *to, size_t size)
{
    (void)pthread_mutex_lock(&watch->lock);
    if (*label != '\0')
        (void)snprintf(to, size, "Token \"%s\"", label);
    else
        (void)snprintf(to, size, "The PKCS#11 module%s%s", *watch->module != '\0' ? " " : "",
                       watch->module);
    (void)pthread_mutex_unlock(&watch->lock);
}

hsmiam_status hsmiam_watch_set_error(hsmiam_watch *watch, const char *label, hsmiam_error *error)
{
    char name[HSMIAM_WATCH_MODULE_MAX + 32];
    const char *function = atomic_load(&watch->silent);
    double waited = (double)atomic_load(&watch->waited) / (double)SECOND;
    bool is_longer = atomic_load(&watch->factor) > 1;

    name_silent(watch, label, name, sizeof name);
    if (waited > 0)
        return hsmiam_error_set(
            error, HSMIAM_ERR_TOKEN,
            "%s does not answer: %s has not come back for %.1f s, and all calls "
            "together may take %u s (--token-timeout%s).",
            name, function, waited, watch->seconds, is_longer ? "; ten times that here" : "");
    return hsmiam_error_set(error, HSMIAM_ERR_TOKEN,
                            "%s is too slow: before %s was called, the %u s were over that all "
                            "calls together may take (--token-timeout).",
                            name, function, watch->seconds);
}
