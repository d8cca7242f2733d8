/* SPDX-License-Identifier: Apache-2.0 */
/* What the token does of what it says, tried with random values. */
#include "custody/check.h"

/* Takes the value in as the trial says, proves it, and lets go of it again. */
static hsmiam_status try_form(hsmiam_check *check, const hsmiam_import_trial *trial)
{
    hsmiam_object object = 0;

    hsmiam_error_clear(check->error);
    hsmiam_status status =
        hsmiam_token_import_trial(check->token, trial, check->value, &object, check->error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_custody_prove(check->token, object, false, check->value, check->error);
    hsmiam_check_drop(check->token, object);
    return status;
}

static void tell_mechanism(hsmiam_check *check, hsmiam_check_mechanism which, const char *variant,
                           hsmiam_status status)
{
    hsmiam_check_tell_mechanism(check->token, which, variant, status, check->error, &check->report);
}

/* Routes ---------------------------------------------------------------------------------------*/

static void tell_route(const hsmiam_check *check, hsmiam_import_route route, hsmiam_finding found,
                       const char *why)
{
    hsmiam_check_tell(&check->report, (hsmiam_fact){.topic = HSMIAM_FACT_ROUTE,
                                                    .name = hsmiam_custody_name_route(route),
                                                    .found = found,
                                                    .number = -1,
                                                    .why = why});
}

static void try_route(hsmiam_check *check, hsmiam_import_route route)
{
    hsmiam_finding found = HSMIAM_FINDING_YES;

    hsmiam_error_clear(check->error);
    hsmiam_status status = hsmiam_token_prepare_route(check->token, route, false, check->error);
    if (status == HSMIAM_ERR_NOT_FOUND) {
        tell_route(check, route, HSMIAM_FINDING_UNTRIED, hsmiam_error_get_message(check->error));
        return;
    }
    if (status == HSMIAM_OK)
        status = hsmiam_custody_rehearse(check->custody, route, false, check->error);
    if (status != HSMIAM_OK)
        found = HSMIAM_FINDING_NO;
    tell_route(check, route, found,
               status == HSMIAM_OK ? "" : hsmiam_error_get_message(check->error));
}

void hsmiam_check_try_routes(hsmiam_check *check)
{
    static const hsmiam_import_route routes[] = {HSMIAM_ROUTE_RSA_OAEP, HSMIAM_ROUTE_AES_KWP,
                                                 HSMIAM_ROUTE_CREATE_OBJECT};

    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (routes[i] == HSMIAM_ROUTE_CREATE_OBJECT && check->custody->forbid_plaintext)
            tell_route(check, routes[i], HSMIAM_FINDING_FORBIDDEN,
                       "By it the plaintext crosses the PKCS#11 API, which is forbidden here.");
        else if (check->ready && check->custody->route == routes[i])
            tell_route(check, routes[i], HSMIAM_FINDING_YES, "It is the one that is taken.");
        else
            try_route(check, routes[i]);
    }
}

/* Mechanisms -----------------------------------------------------------------------------------*/

/* What a mechanism would be tried with. */
static hsmiam_status report_missing(hsmiam_check *check, const char *what)
{
    return hsmiam_error_set(check->error, HSMIAM_ERR_NOT_FOUND,
                            "There is no %s to try it with: none could be made.", what);
}

static void try_generation(hsmiam_check *check)
{
    hsmiam_token *token = check->token;
    int64_t start = 0;

    hsmiam_error_clear(check->error);
    hsmiam_status status = hsmiam_check_make_secret(token, false, &check->secret, check->error);
    tell_mechanism(check, HSMIAM_CHECK_GENERATE_SECRET, NULL, status);

    hsmiam_error_clear(check->error);
    status = hsmiam_check_make_aes(token, &check->aes, check->error);
    tell_mechanism(check, HSMIAM_CHECK_GENERATE_AES, NULL, status);

    hsmiam_error_clear(check->error);
    status = hsmiam_check_make_ec(token, &check->ec, check->error);
    tell_mechanism(check, HSMIAM_CHECK_GENERATE_EC, NULL, status);

    hsmiam_error_clear(check->error);
    start = hsmiam_time_get_monotonic();
    status = hsmiam_check_make_rsa(token, &check->rsa, check->error);
    check->generation = status == HSMIAM_OK ? hsmiam_time_get_monotonic() - start : -1;
    tell_mechanism(check, HSMIAM_CHECK_GENERATE_RSA, NULL, status);
}

/* A route that works was proven by HMACs of token and host. Without one there is nothing to compare
 * the token's with. */
static void try_hmac(hsmiam_check *check)
{
    hsmiam_secret *mac = NULL;
    hsmiam_status status = HSMIAM_OK;

    hsmiam_error_clear(check->error);
    if (check->ready)
        goto out;
    if (check->secret == 0) {
        status = report_missing(check, "secret key");
        goto out;
    }
    status = hsmiam_secret_new(HSMIAM_HMAC_SIZE, &mac, check->error);
    if (status == HSMIAM_OK)
        status = hsmiam_token_hmac(check->token, check->secret, "", 0, mac, check->error);
    if (status == HSMIAM_OK)
        status = hsmiam_error_set(check->error, HSMIAM_ERR_NOT_FOUND, "%s",
                                  "It gives a result, but no key could be taken in to compare "
                                  "that with.");
out:
    tell_mechanism(check, HSMIAM_CHECK_HMAC, NULL, status);
    hsmiam_secret_free(&mac);
}

static void try_oaep(hsmiam_check *check)
{
    const hsmiam_key_spec spec = hsmiam_check_get_spec();
    hsmiam_import_trial trial = {.route = HSMIAM_ROUTE_RSA_OAEP, .spec = &spec, .key = check->rsa};
    const char *name = NULL;

    for (size_t i = 0; (name = hsmiam_import_get_hash_name(i)) != NULL; i++) {
        trial.mechanism = i;
        /* Without a key pair of the check's own, by the wrapping key. */
        hsmiam_status status = try_form(check, &trial);
        check->oaep_works = check->oaep_works || status == HSMIAM_OK;
        tell_mechanism(check, HSMIAM_CHECK_OAEP, name, status);
    }
}

static void try_key_wraps(hsmiam_check *check)
{
    /* In the order of hsmiam_key_wraps. */
    static const struct {
        hsmiam_check_mechanism which;
        const char *number;
    } wraps[] = {{HSMIAM_CHECK_KEY_WRAP_KWP, "0x210B"},
                 {HSMIAM_CHECK_KEY_WRAP_PAD, "0x210A"},
                 {HSMIAM_CHECK_KEY_WRAP, "0x2109"}};
    const hsmiam_key_spec spec = hsmiam_check_get_spec();
    hsmiam_import_trial trial = {.route = HSMIAM_ROUTE_AES_KWP, .spec = &spec, .key = check->aes};

    for (size_t i = 0; i < sizeof wraps / sizeof wraps[0]; i++) {
        trial.mechanism = i;
        hsmiam_status status = try_form(check, &trial);
        check->aes_works = check->aes_works || status == HSMIAM_OK;
        tell_mechanism(check, wraps[i].which, wraps[i].number, status);
    }
}

static void try_derivation(hsmiam_check *check)
{
    hsmiam_object derived = 0;

    hsmiam_error_clear(check->error);
    hsmiam_status status =
        hsmiam_check_probe_in_token(check->token, &check->in_token, check->error);
    if (status != HSMIAM_OK)
        check->in_token = HSMIAM_IN_TOKEN_UNKNOWN;
    else if (check->in_token == HSMIAM_IN_TOKEN_NO)
        status = hsmiam_error_set(check->error, HSMIAM_ERR_UNSUPPORTED, "%s",
                                  "The token derives no key by it.");
    tell_mechanism(check, HSMIAM_CHECK_FEEDBACK_KDF, NULL, status);

    hsmiam_error_clear(check->error);
    status = check->secret == 0 ? report_missing(check, "secret key")
                                : hsmiam_token_derive_prefixed(check->token, check->secret,
                                                               HSMIAM_KEY_VALUE_PREFIX, true,
                                                               &derived, check->error);
    hsmiam_check_drop(check->token, derived);
    tell_mechanism(check, HSMIAM_CHECK_CONCATENATE, NULL, status);
}

static void try_ecdsa(hsmiam_check *check)
{
    hsmiam_error_clear(check->error);
    hsmiam_status status = check->ec == 0
                               ? report_missing(check, "EC key pair")
                               : hsmiam_check_sign(check->token, check->ec, true, check->error);
    tell_mechanism(check, HSMIAM_CHECK_ECDSA, NULL, status);
}

void hsmiam_check_try_mechanisms(hsmiam_check *check)
{
    try_generation(check);
    try_hmac(check);
    try_oaep(check);
    try_key_wraps(check);
    try_derivation(check);
    try_ecdsa(check);
}

/* Key types ------------------------------------------------------------------------------------*/

void hsmiam_check_try_key_types(hsmiam_check *check)
{
    const hsmiam_key_spec spec = hsmiam_check_get_spec();
    hsmiam_import_trial trial = {
        .route = check->custody->route, .spec = &spec, .pins_key_type = true};
    const char *name = NULL;

    for (size_t i = 0; (name = hsmiam_import_get_key_type_name(i)) != NULL; i++) {
        hsmiam_finding found = HSMIAM_FINDING_UNTRIED;
        trial.key_type = i;
        hsmiam_error_clear(check->error);
        if (!check->ready)
            (void)hsmiam_error_set(check->error, HSMIAM_ERR_NOT_FOUND, "No import route works.");
        else
            found = try_form(check, &trial) == HSMIAM_OK ? HSMIAM_FINDING_YES : HSMIAM_FINDING_NO;
        hsmiam_check_tell(&check->report,
                          (hsmiam_fact){.topic = HSMIAM_FACT_KEY_TYPE,
                                        .name = name,
                                        .found = found,
                                        .number = -1,
                                        .why = found == HSMIAM_FINDING_YES
                                                   ? ""
                                                   : hsmiam_error_get_message(check->error)});
    }
}
