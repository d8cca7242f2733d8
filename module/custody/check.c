/* SPDX-License-Identifier: Apache-2.0 */
/* A check of the token: what it is, what it does, and whether the main job can run. */
#include "custody/check.h"

#include "base/sealed.h"

#include <stdio.h>
#include <string.h>

#define VERDICT_MAX 2304
#define CHECK_ID    "CHECK00000000000"

hsmiam_key_spec hsmiam_check_get_spec(void)
{
    return (hsmiam_key_spec){

        .id = CHECK_ID, .label = HSMIAM_CHECK_LABEL, .created = time(NULL)};
}

/* What could not be destroyed at once may be now. */
static hsmiam_status clean_up(hsmiam_check *check, hsmiam_error *error)
{
    hsmiam_check_drop(check->token, check->secret);
    hsmiam_check_drop(check->token, check->aes);
    hsmiam_check_drop(check->token, check->rsa);
    hsmiam_check_drop(check->token, check->ec);
    hsmiam_token_end_transport(check->token);
    hsmiam_check_clean_up(check->token);
    return hsmiam_check_tell_leftovers(check->token, check->before, &check->report, error);
}

static hsmiam_status do_nothing(void *context, hsmiam_error *error)
{
    (void)context;
    (void)error;
    return HSMIAM_OK;
}

/* An issue works on two threads at once, with their locked stacks; that must not show only when a
 * key is asked for. */
static hsmiam_status try_threads(hsmiam_error *error)
{
    hsmiam_sealed *beside = NULL;
    hsmiam_status status = hsmiam_sealed_start(do_nothing, NULL, error, &beside);

    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_sealed_run(do_nothing, NULL, error);
    hsmiam_status other = hsmiam_sealed_join(&beside);
    return status == HSMIAM_OK ? other : status;
}

/* The custody's own rehearsal decides; all else is told beside it. */
static hsmiam_status look_and_try(hsmiam_check *check, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_check_count_objects(check->token, check->before, error);

    if (status == HSMIAM_OK)
        status = hsmiam_custody_prepare(check->custody, error);
    if (status == HSMIAM_OK)
        status = try_threads(error);
    check->ready = status == HSMIAM_OK;
    hsmiam_check_keep_form(check->token);
    hsmiam_check_tell_capacity(check->token, &check->report);
    hsmiam_check_try_routes(check);
    hsmiam_check_restore_form(check->token);
    hsmiam_check_try_mechanisms(check);
    hsmiam_check_try_key_types(check);
    hsmiam_check_tell_sigv4(check);
    check->misses_key = hsmiam_check_tell_keys(check->token, !check->oaep_works && check->aes_works,
                                               &check->report);
    hsmiam_check_measure(check);
    hsmiam_check_restore_form(check->token);
    hsmiam_status left = clean_up(check, status == HSMIAM_OK ? error : NULL);
    return status == HSMIAM_OK ? left : status;
}

/* The route that works but for its key, and goes before the one that is taken, if any; NULL. */
static const char *find_better_route(const hsmiam_check *check)
{
    hsmiam_import_route taken = check->custody->route;

    if (check->custody->wanted != HSMIAM_ROUTE_AUTO ||
        (taken != HSMIAM_ROUTE_AUTO && taken != HSMIAM_ROUTE_CREATE_OBJECT))
        return NULL;
    if (check->oaep_works)
        return hsmiam_custody_name_route(HSMIAM_ROUTE_RSA_OAEP);
    return check->aes_works ? hsmiam_custody_name_route(HSMIAM_ROUTE_AES_KWP) : NULL;
}

/* A verdict is one line. */
static void join_lines(char *text)
{
    for (char *at = text; (at = strchr(at, '\n')) != NULL;)
        *at = ' ';
}

static void tell_verdict(const hsmiam_check *check, hsmiam_status status, const hsmiam_error *error)
{
    const char *better = find_better_route(check);
    const char *message = hsmiam_error_get_message(error);
    char text[VERDICT_MAX];
    int size = 0;

    if (status == HSMIAM_OK)
        size = snprintf(text, sizeof text,
                        "Ready: access keys go in by route %s, and serve SigV4 by route %s.",
                        hsmiam_custody_get_import_route(check->custody),
                        hsmiam_custody_get_sigv4_route(check->custody));
    else
        size = snprintf(text, sizeof text, "Not ready: %s", message);
    join_lines(text);
    if (better != NULL && check->misses_key && size > 0 && (size_t)size < sizeof text)
        (void)snprintf(text + size, sizeof text - (size_t)size,
                       " `hsmiam provision-token` opens the %sroute %s.",
                       status == HSMIAM_OK ? "better " : "", better);
    hsmiam_check_tell(
        &check->report,
        (hsmiam_fact){.topic = HSMIAM_FACT_VERDICT,
                      .name = "Ready",
                      .found = status == HSMIAM_OK ? HSMIAM_FINDING_YES : HSMIAM_FINDING_NO,
                      .value = text,
                      .number = -1});
}

hsmiam_status hsmiam_custody_check(hsmiam_custody *custody, hsmiam_fact_fn report, void *context,
                                   hsmiam_error *error)
{
    hsmiam_check check = {.custody = custody,
                          .token = custody->token,
                          .report = {report, context},
                          .error = hsmiam_error_new(),
                          .opening = -1,
                          .generation = -1};
    hsmiam_error *own = NULL;
    bool was_open = *hsmiam_token_get_uri(custody->token) != '\0';

    if (error == NULL) /* the verdict repeats what it says */
        error = own = hsmiam_error_new();
    hsmiam_status status = check.error != NULL && error != NULL
                               ? hsmiam_custody_new_random(&check.value, error)
                               : hsmiam_error_set_memory(error, "the check");
    if (status != HSMIAM_OK)
        goto out;
    int64_t start = hsmiam_time_get_monotonic();
    status = hsmiam_token_open(check.token, error);
    if (status == HSMIAM_OK && !was_open)
        check.opening = hsmiam_time_get_monotonic() - start;
    hsmiam_check_tell_token(check.token, &check.report);
    if (status == HSMIAM_OK)
        status = look_and_try(&check, error);
out:
    tell_verdict(&check, status, error);
    hsmiam_secret_free(&check.value);
    hsmiam_error_free(&check.error);
    hsmiam_error_free(&own);
    return status;
}
