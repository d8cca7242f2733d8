/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an access key exists no more. That IAM has none of that id for a user says little: the
 * user may be the wrong one. */
#include "custody/change.h"

#include <string.h>
#include <strings.h>

#include "custody/settle.h"

/* The state of one look. */
typedef struct look {
    hsmiam_client *client;
    const hsmiam_holdings *holdings;
    const char *user_name; /* NULL: not known */
    const char *id;
    hsmiam_error *why;
} look;

static bool has_code(const look *run, const char *code)
{
    return strcmp(hsmiam_error_get_code_name(run->why), code) == 0;
}

static hsmiam_presence say_unclear(const look *run)
{
    (void)hsmiam_error_set(run->why, HSMIAM_ERR_UNSETTLED,
                           "Whether access key %s exists cannot be told: %s", run->id,
                           hsmiam_error_get_message(run->why));
    return HSMIAM_PRESENCE_UNCLEAR;
}

/* What the token has it under is the user that it was issued for, or its id if nobody said. */
static hsmiam_presence compare_labels(const look *run)
{
    for (size_t i = 0; run->user_name != NULL && i < run->holdings->count; i++) {
        const hsmiam_held_key *key = hsmiam_holdings_find(run->holdings, i, run->id);

        if (key == NULL || strcasecmp(key->label, run->user_name) == 0 ||
            strcmp(key->label, run->id) == 0)
            continue;
        (void)hsmiam_error_set(run->why, HSMIAM_ERR_UNSETTLED,
                               "Token \"%s\" has access key %s as one of %s, not of %s.",
                               hsmiam_token_get_label(run->holdings->of[i].token), run->id,
                               key->label, run->user_name);
        return HSMIAM_PRESENCE_UNCLEAR;
    }
    return HSMIAM_PRESENCE_GONE;
}

/* IAM refuses an id that is not the account's; who may not ask is refused likewise. */
static hsmiam_presence ask_usage(const look *run)
{
    hsmiam_key_usage usage = {.user_name = ""};

    hsmiam_status status =
        hsmiam_client_get_key_usage(run->client, run->id, false, &usage, run->why);
    if (status == HSMIAM_OK) {
        (void)hsmiam_error_set(run->why, HSMIAM_ERR_UNSETTLED, "Access key %s exists: it is %s%s.",
                               run->id, usage.user_name[0] != '\0' ? "of user " : "the root user's",
                               usage.user_name);
        return HSMIAM_PRESENCE_EXISTS;
    }
    return status == HSMIAM_ERR_SERVICE &&
                   (has_code(run, "AccessDenied") || has_code(run, "NoSuchEntity"))
               ? HSMIAM_PRESENCE_GONE
               : say_unclear(run);
}

/* Of an account that is not this one, only the key itself knows. */
static hsmiam_presence sign_by_it(const look *run, hsmiam_token *token)
{
    hsmiam_caller caller = {.account = ""};

    hsmiam_error_clear(run->why);
    switch (hsmiam_ask_as_key(run->client, token, run->id, &caller, run->why)) {
    case HSMIAM_KEY_UNKNOWN:
    case HSMIAM_KEY_UNUSABLE:
        return HSMIAM_PRESENCE_GONE;
    case HSMIAM_KEY_TAKEN:
    case HSMIAM_KEY_WRONG:
        (void)hsmiam_error_set(run->why, HSMIAM_ERR_UNSETTLED,
                               "Access key %s exists: AWS knows what is signed with it%s%s.",
                               run->id, caller.arn[0] != '\0' ? ", as " : "", caller.arn);
        return HSMIAM_PRESENCE_EXISTS;
    default:
        return say_unclear(run);
    }
}

hsmiam_presence hsmiam_presence_ask(hsmiam_client *client, const hsmiam_holdings *holdings,
                                    const char *user_name, const char *id, hsmiam_error *why)
{
    const look run = {
        .client = client, .holdings = holdings, .user_name = user_name, .id = id, .why = why};
    hsmiam_presence presence = ask_usage(&run);

    for (size_t i = 0; presence == HSMIAM_PRESENCE_GONE && i < holdings->count; i++)
        if (holdings->of[i].count > 0)
            presence = sign_by_it(&run, holdings->of[i].token);
    if (presence == HSMIAM_PRESENCE_GONE)
        presence = compare_labels(&run);
    if (presence == HSMIAM_PRESENCE_GONE)
        hsmiam_error_clear(why);
    return presence;
}
