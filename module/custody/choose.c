/* SPDX-License-Identifier: Apache-2.0 */
/* Which way a secret goes into the token, and how it serves there: found out by rehearsal. */
#include "custody/custody.h"

#include "base/sealed.h"

#include <stdio.h>
#include <string.h>

#define REASON_MAX 1024

/* In the order of preference. */
static const struct {
    hsmiam_import_route route;
    const char *name;
    const char *caveat; /* when it is taken for want of a better one */
} routes[] = {
    {HSMIAM_ROUTE_RSA_OAEP, "rsa-oaep", ""},
    {HSMIAM_ROUTE_AES_KWP, "aes-kwp", "the plaintext crosses the PKCS#11 API once, as data"},
    {HSMIAM_ROUTE_CREATE_OBJECT, "create-object", "the plaintext crosses the PKCS#11 API"},
};

#define ROUTES (sizeof routes / sizeof routes[0])

const char *hsmiam_custody_name_route(hsmiam_import_route route)
{
    for (size_t i = 0; i < ROUTES; i++)
        if (routes[i].route == route)
            return routes[i].name;
    return "";
}

const char *hsmiam_custody_get_import_route(const hsmiam_custody *custody)
{
    return hsmiam_custody_name_route(custody->route);
}

const char *hsmiam_custody_get_sigv4_route(const hsmiam_custody *custody)
{
    static const char *const names[] = {[HSMIAM_SIGV4_AUTO] = "",
                                        [HSMIAM_SIGV4_SIGN] = "sign",
                                        [HSMIAM_SIGV4_IN_TOKEN] = "in-token"};

    return names[custody->sigv4];
}

/* Whether keys are to derive in the token: by default only where the token holds them to that. */
static hsmiam_status choose_sigv4(hsmiam_custody *custody, bool *in_token_out, hsmiam_error *error)
{
    const char *label = hsmiam_token_get_label(custody->token);
    bool insists = custody->sigv4_wanted == HSMIAM_SIGV4_IN_TOKEN;
    hsmiam_in_token found = HSMIAM_IN_TOKEN_UNKNOWN;

    *in_token_out = false;
    if (custody->sigv4_wanted == HSMIAM_SIGV4_SIGN)
        return HSMIAM_OK;
    hsmiam_status status = hsmiam_token_probe_in_token(custody->token, insists, &found, error);
    if (status != HSMIAM_OK)
        return status;
    if (insists && found == HSMIAM_IN_TOKEN_NO)
        return hsmiam_error_set(error, HSMIAM_ERR_UNSUPPORTED,
                                "Token \"%s\" cannot derive SigV4's keys in itself: it lacks "
                                "CKM_SP800_108_FEEDBACK_KDF. Choose the SigV4 route sign.",
                                label);
    if (insists && found == HSMIAM_IN_TOKEN_UNLIMITED)
        hsmiam_log_write(&custody->log, HSMIAM_LOG_NOTICE,
                         "Token \"%s\" does not enforce CKA_ALLOWED_MECHANISMS: whoever has its "
                         "PIN can take a key of SigV4 route in-token apart.",
                         label);
    *in_token_out = insists || found == HSMIAM_IN_TOKEN_LIMITED;
    return HSMIAM_OK;
}

/* Rehearses one route. A key that is to derive although nobody asked for it may sign instead. */
static hsmiam_status try_route_once(hsmiam_custody *custody, hsmiam_import_route route,
                                    bool in_token, hsmiam_verdict *verdict_out, hsmiam_error *error)
{
    hsmiam_status status =
        hsmiam_token_prepare_route(custody->token, route, custody->exportable, error);

    if (status != HSMIAM_OK) {
        *verdict_out =
            status == HSMIAM_ERR_NOT_FOUND ? HSMIAM_VERDICT_CANNOT : HSMIAM_VERDICT_FAILED;
        return status;
    }
    if (route == HSMIAM_ROUTE_RSA_OAEP)
        status = hsmiam_token_start_transport(custody->token, error);
    if (status == HSMIAM_OK)
        status = hsmiam_custody_rehearse(custody, route, in_token, error);
    if (status != HSMIAM_OK && in_token && custody->sigv4_wanted == HSMIAM_SIGV4_AUTO &&
        hsmiam_token_judge(status, error) != HSMIAM_VERDICT_FAILED) {
        hsmiam_log_write(&custody->log, HSMIAM_LOG_DEBUG,
                         "SigV4 route in-token does not work by import route %s: %s",
                         hsmiam_custody_name_route(route), hsmiam_error_get_message(error));
        hsmiam_error_clear(error);
        in_token = false;
        status = hsmiam_custody_rehearse(custody, route, in_token, error);
    }
    *verdict_out = hsmiam_token_judge(status, error);
    if (status == HSMIAM_OK) {
        custody->route = route;
        custody->sigv4 = in_token ? HSMIAM_SIGV4_IN_TOKEN : HSMIAM_SIGV4_SIGN;
        hsmiam_log_write(&custody->log, HSMIAM_LOG_DEBUG,
                         "Rehearsed route %s in token \"%s\"; keys serve SigV4 by route %s.",
                         hsmiam_custody_get_import_route(custody),
                         hsmiam_token_get_label(custody->token),
                         hsmiam_custody_get_sigv4_route(custody));
    }
    return status;
}

/* A rehearsal goes with the session that it lives in, and is begun again once if that is lost. A
 * loss says nothing of the route. */
static hsmiam_status try_route(hsmiam_custody *custody, hsmiam_import_route route, bool in_token,
                               hsmiam_verdict *verdict_out, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;
    bool lost = true;

    for (int attempt = 0; lost && attempt < 2; attempt++) {
        unsigned before = hsmiam_token_count_losses(custody->token);
        hsmiam_error_clear(error);
        status = try_route_once(custody, route, in_token, verdict_out, error);
        lost = status != HSMIAM_OK && hsmiam_token_count_losses(custody->token) != before;
    }
    if (lost)
        *verdict_out = HSMIAM_VERDICT_FAILED;
    return status;
}

/* Trouble that may pass, or that must be looked at first (two wrapping keys, one that allows too
 * much), is no reason to go a weaker way: only that the token does not do it. */
static hsmiam_status try_routes(hsmiam_custody *custody, bool in_token, hsmiam_verdict *verdict_out,
                                hsmiam_error *error)
{
    char reason[REASON_MAX] = ""; /* why the best one does not work */
    hsmiam_status status = HSMIAM_ERR_UNSUPPORTED;

    for (size_t i = 0; i < ROUTES; i++) {
        if (routes[i].route == HSMIAM_ROUTE_CREATE_OBJECT && custody->forbid_plaintext)
            return hsmiam_error_set(error, HSMIAM_ERR_UNSUPPORTED,
                                    "Route %s does not work (%s) Route create-object, by which the "
                                    "plaintext crosses the PKCS#11 API, is forbidden.",
                                    routes[0].name, reason);
        status = try_route(custody, routes[i].route, in_token, verdict_out, error);
        if (status == HSMIAM_OK) {
            if (i > 0)
                hsmiam_log_write(&custody->log, HSMIAM_LOG_NOTICE,
                                 "Route %s does not work (%s) Route %s is taken: %s.",
                                 routes[0].name, reason, routes[i].name, routes[i].caveat);
            return HSMIAM_OK;
        }
        if (*verdict_out == HSMIAM_VERDICT_FAILED)
            return status;
        hsmiam_log_write(&custody->log, HSMIAM_LOG_DEBUG, "Route %s does not work: %s",
                         routes[i].name, hsmiam_error_get_message(error));
        if (i == 0)
            (void)snprintf(reason, sizeof reason, "%s", hsmiam_error_get_message(error));
    }
    hsmiam_log_write(&custody->log, HSMIAM_LOG_NOTICE,
                     "Route %s does not work (%s) Nor does any other.", routes[0].name, reason);
    return status;
}

/* On a sealed thread: a rehearsal's values may be random, but the transport key stays in use. */
static hsmiam_status choose(void *context, hsmiam_error *error)
{
    hsmiam_custody *custody = context;
    hsmiam_verdict verdict = HSMIAM_VERDICT_FAILED;
    bool in_token = false;

    if (custody->wanted == HSMIAM_ROUTE_CREATE_OBJECT && custody->forbid_plaintext)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "Import route create-object is wanted, and forbidden: by it the "
                                "plaintext crosses the PKCS#11 API.");
    hsmiam_status status = choose_sigv4(custody, &in_token, error);
    if (status != HSMIAM_OK)
        return status;
    status = custody->wanted != HSMIAM_ROUTE_AUTO
                 ? try_route(custody, custody->wanted, in_token, &verdict, error)
                 : try_routes(custody, in_token, &verdict, error);
    /* CUSTODY tells of a key that IAM made; here nothing was at stake yet. TOKEN tells of trouble
     * with it; that it does not do what is wanted is none. */
    if (status == HSMIAM_ERR_CUSTODY ||
        (status == HSMIAM_ERR_TOKEN && verdict != HSMIAM_VERDICT_FAILED)) {
        status = HSMIAM_ERR_UNSUPPORTED;
        error->status = status;
    }
    return status;
}

/* A ledger that cannot be written to, or that knows another wrapping key, stops everything here.
 * Where the wrapping key is not used because the caller wants it so, the one on record stays there.
 */
static hsmiam_status check_ledger(hsmiam_custody *custody, hsmiam_error *error)
{
    const char *serial = hsmiam_token_get_serial(custody->token);
    bool exportable = custody->exportable;
    char *found = custody->wrapping_key;

    if (custody->ledger == NULL || custody->ledger_checked)
        return HSMIAM_OK;
    hsmiam_status status = hsmiam_ledger_open(custody->ledger, error);
    if (status != HSMIAM_OK)
        return status;
    found[0] = '\0';
    if (custody->wanted != HSMIAM_ROUTE_AUTO && custody->wanted != HSMIAM_ROUTE_RSA_OAEP)
        return hsmiam_ledger_find_wrapping_key(custody->ledger, serial, exportable, found, error);
    status = hsmiam_token_get_wrapping_fingerprint(custody->token, exportable, found, error);
    if (status == HSMIAM_ERR_NOT_FOUND) {
        hsmiam_error_clear(error);
        status = HSMIAM_OK;
    }
    if (status == HSMIAM_OK)
        status = hsmiam_ledger_check_wrapping_key(custody->ledger, custody->token, exportable,
                                                  found, error);
    custody->ledger_checked = status == HSMIAM_OK;
    return status;
}

hsmiam_status hsmiam_custody_prepare(hsmiam_custody *custody, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_token_open(custody->token, error);
    hsmiam_error *own = NULL;

    if (status != HSMIAM_OK)
        return status;
    /* What a failure means is read from the record, whether the caller wants it or not. */
    if (error == NULL)
        error = own = hsmiam_error_new();
    if (custody->route == HSMIAM_ROUTE_AUTO)
        status = hsmiam_sealed_run(choose, custody, error);
    if (status == HSMIAM_OK) {
        hsmiam_error_clear(error);
        status = check_ledger(custody, error);
    }
    if (status == HSMIAM_OK)
        status = hsmiam_custody_prepare_replicas(custody, error);
    hsmiam_error_free(&own);
    return status;
}
