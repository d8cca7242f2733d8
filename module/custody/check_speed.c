/* SPDX-License-Identifier: Apache-2.0 */
/* How long the token takes for what the main job asks of it. */
#include "custody/check.h"

#include <stdlib.h>

#define TIMES 5

/* One operation; what it makes is destroyed outside of the time. */
typedef hsmiam_status (*operation)(hsmiam_check *check, hsmiam_object held,
                                   hsmiam_object *made_out);

static hsmiam_status import(hsmiam_check *check, hsmiam_object held, hsmiam_object *made_out)
{
    const hsmiam_key_spec spec = hsmiam_check_get_spec();

    (void)held;
    return hsmiam_token_import_key(check->token, check->custody->route, &spec, check->value,
                                   made_out, check->error);
}

static hsmiam_status compute_hmac(hsmiam_check *check, hsmiam_object held, hsmiam_object *made_out)
{
    hsmiam_secret *mac = NULL;
    hsmiam_status status = hsmiam_secret_new(HSMIAM_HMAC_SIZE, &mac, check->error);

    (void)made_out;
    if (status == HSMIAM_OK)
        status = hsmiam_token_hmac(check->token, held, "20150830", 8, mac, check->error);
    hsmiam_secret_free(&mac);
    return status;
}

static hsmiam_status derive(hsmiam_check *check, hsmiam_object held, hsmiam_object *made_out)
{
    (void)held;
    return hsmiam_token_derive_hmac(check->token, check->secret, "20150830", 8, false, made_out,
                                    check->error);
}

static hsmiam_status sign(hsmiam_check *check, hsmiam_object held, hsmiam_object *made_out)
{
    (void)held;
    (void)made_out;
    return hsmiam_check_sign(check->token, check->ec, false, check->error);
}

static int compare(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one;
    int64_t b = *(const int64_t *)other;

    return (a > b) - (a < b);
}

static void tell_time(const hsmiam_check *check, const char *name, int64_t time, const char *why)
{
    hsmiam_check_tell(&check->report, (hsmiam_fact){.topic = HSMIAM_FACT_TIMING,
                                                    .name = name,
                                                    .found = time >= 0 ? HSMIAM_FINDING_YES
                                                                       : HSMIAM_FINDING_UNTRIED,
                                                    .number = time,
                                                    .why = why});
}

static void measure(hsmiam_check *check, const char *name, operation run, hsmiam_object held)
{
    int64_t times[TIMES] = {0};

    for (size_t i = 0; i < TIMES; i++) {
        hsmiam_object made = 0;
        int64_t start = hsmiam_time_get_monotonic();
        hsmiam_status status = run(check, held, &made);
        times[i] = hsmiam_time_get_monotonic() - start;
        hsmiam_check_drop(check->token, made);
        if (status != HSMIAM_OK) {
            tell_time(check, name, -1, hsmiam_error_get_message(check->error));
            return;
        }
    }
    qsort(times, TIMES, sizeof times[0], compare);
    tell_time(check, name, times[TIMES / 2], "The median of five.");
}

static void tell_once(const hsmiam_check *check, const char *name, int64_t time, const char *why)
{
    tell_time(check, name, time, time >= 0 ? "Measured once." : why);
}

/* The first import by rsa-oaep lets the token unwrap the session's transport key by RSA; those that
 * come after it are spared that. */
static void measure_import(hsmiam_check *check)
{
    hsmiam_object made = 0;

    hsmiam_token_end_transport(check->token);
    int64_t start = hsmiam_time_get_monotonic();
    hsmiam_status status = import(check, 0, &made);
    int64_t time = hsmiam_time_get_monotonic() - start;
    hsmiam_check_drop(check->token, made);
    tell_time(check, "first-import", status == HSMIAM_OK ? time : -1,
              status == HSMIAM_OK ? "Measured once, with what the session's first one costs: by "
                                    "route rsa-oaep, an RSA operation."
                                  : hsmiam_error_get_message(check->error));
    measure(check, "import", import, 0);
}

void hsmiam_check_measure(hsmiam_check *check)
{
    hsmiam_object held = 0;

    hsmiam_error_clear(check->error);
    tell_once(check, "open-and-login", check->opening, "The token was open already.");
    if (check->ready) {
        measure_import(check);
        if (import(check, 0, &held) == HSMIAM_OK) {
            measure(check, "hmac", compute_hmac, held);
            hsmiam_check_drop(check->token, held);
        } else {
            tell_time(check, "hmac", -1, hsmiam_error_get_message(check->error));
        }
    } else {
        static const char *const untimed[] = {"first-import", "import", "hmac"};
        for (size_t i = 0; i < sizeof untimed / sizeof untimed[0]; i++)
            tell_time(check, untimed[i], -1,
                      "Keys cannot be taken in as it is wanted; the verdict says why.");
    }
    hsmiam_error_clear(check->error);
    if (check->secret != 0 && check->in_token > HSMIAM_IN_TOKEN_NO)
        measure(check, "derive", derive, 0);
    else
        tell_time(check, "derive", -1, "The token derives no keys.");
    if (check->ec != 0)
        measure(check, "ecdsa", sign, 0);
    else
        tell_time(check, "ecdsa", -1, "The token made no EC key pair.");
    tell_once(check, "generate-rsa-3072", check->generation, "The token made no RSA key pair.");
}
