/* SPDX-License-Identifier: Apache-2.0 */
#include "approver.h"
#include "batch.h"
#include "commands.h"
#include "made_key.h"
#include "output.h"
#include "paths.h"
#include "profile_update.h"
#include "rotate_users.h"
#include "session.h"
#include "signals.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define PROOFS_MAX  1000
#define SECONDS_MAX 86400

static const char command_name[] = "rotate-access-key";

static const tool_option options[] = {
    {.name = "--user-name",
     .kind = TOOL_OPTION_VALUE,
     .value = "NAME",
     .group = "whose",
     .help = "The IAM user whose key is rotated."},
    {.name = "--root",
     .kind = TOOL_OPTION_FLAG,
     .group = "whose",
     .help = "Rotate the credential itself, the key that --credential names: afterwards the new "
             "one, which no person ever saw, signs."},
    {TOOL_BATCH_USERS, .group = "whose"},
    {.name = "--delete-old",
     .kind = TOOL_OPTION_FLAG,
     .help = "Delete the old key once it is deactivated, at IAM and in the token. If an earlier "
             "rotation left its old key inactive, delete that one, and rotate nothing."},
    {.name = "--delete-inactive",
     .kind = TOOL_OPTION_FLAG,
     .help = "Delete an inactive key first that takes the place of the new one: IAM lets a user "
             "have two."},
    {.name = "--update-profile",
     .kind = TOOL_OPTION_FLAG,
     .help = "With --root: let hsmiam_credential in the profile name the new key."},
    {.name = "--proofs",
     .kind = TOOL_OPTION_NUMBER,
     .value = "NUMBER",
     .help = "How often in a row IAM must know the new key before the old one is deactivated. "
             "Default: 3."},
    {.name = "--proof-timeout",
     .kind = TOOL_OPTION_NUMBER,
     .value = "SECONDS",
     .help = "The longest time to wait for that, in seconds. Default: 120."},
    {TOOL_BATCH_CONCURRENCY},
    {.name = "--resume",
     .kind = TOOL_OPTION_FLAG,
     .help = "With --user-names: go on with a file that an earlier run did not finish: bring what "
             "that run began to its end, as recover does, and pass over the users whose rotation "
             "the ledger shows as finished --since then."},
    {.name = "--since",
     .kind = TOOL_OPTION_VALUE,
     .value = "TIME",
     .help = "With --resume: when the first run of the file began, in UTC, as "
             "2026-11-24T07:39:10Z. A run that does not finish names it."},
    TOOL_IMPORT_OPTIONS,
    TOOL_APPROVER_OPTIONS,
    {.name = NULL},
};

/* Options that one user has no use for. */
static const char *const of_many[] = {"--max-concurrency", "--resume", "--since"};

static hsmiam_status get_options(const tool_context *context, hsmiam_rotation_options *to,
                                 tool_error *error)
{
    const tool_arguments *arguments = context->arguments;
    const char *user_name = tool_arguments_get(arguments, "--user-name");
    bool root = tool_arguments_get(arguments, "--root") != NULL;
    bool many = tool_arguments_get(arguments, "--user-names") != NULL;
    hsmiam_status status = tool_arguments_exclude(arguments, "--user-name", "--root", error);

    if (status == HSMIAM_OK)
        status = tool_arguments_exclude(arguments, "--user-name", "--user-names", error);
    if (status == HSMIAM_OK)
        status = tool_arguments_exclude(arguments, "--root", "--user-names", error);
    if (status != HSMIAM_OK)
        return status;
    if (!user_name && !root && !many)
        return tool_error_set_usage(error, "hsmiam: error: one of the arguments --user-name --root "
                                           "--user-names is required");
    for (size_t i = 0; !many && i < sizeof of_many / sizeof of_many[0]; i++)
        if (tool_arguments_get(arguments, of_many[i]))
            return tool_error_set_usage(error,
                                        "hsmiam: error: argument %s: not allowed without argument "
                                        "--user-names",
                                        of_many[i]);
    if (!root && tool_arguments_get(arguments, "--update-profile"))
        return tool_error_set_usage(error,
                                    "hsmiam: error: argument --update-profile: not allowed without "
                                    "argument --root");
    *to = (hsmiam_rotation_options){
        .user_name = user_name,
        .others_only = many,
        .delete_old = tool_arguments_get(arguments, "--delete-old") != NULL,
        .delete_inactive = tool_arguments_get(arguments, "--delete-inactive") != NULL};
    status = tool_arguments_get_number(arguments, "--proofs", PROOFS_MAX, &to->proofs, error);
    if (status == HSMIAM_OK)
        status = tool_arguments_get_number(arguments, "--proof-timeout", SECONDS_MAX,
                                           &to->proof_seconds, error);
    return status;
}

/* Where the credential is named at present, and what stands behind the '?' of the URIs. */
typedef struct tool_place {
    char *config; /* the path of the configuration file */
    char *of_credential;
    char *of_token;  /* NULL: the credential's token takes the new key */
    bool in_profile; /* neither a flag nor the environment names the credential */
} tool_place;

/* A copy of a URI's query, without a PIN. */
static char *copy_query(const char *uri)
{
    const char *query = strchr(uri, '?');
    char *copy = strdup(query ? query + 1 : "");

    if (copy)
        tool_text_remove_pin(copy);
    return copy;
}

static hsmiam_status find_place(const tool_context *context, tool_place *place, tool_error *error)
{
    const tool_settings *settings = &context->settings;
    const char *credential = settings->credential ? settings->credential : "";

    place->in_profile = settings->credential != NULL &&
                        settings->credential == settings->profile.values[TOOL_PROFILE_CREDENTIAL];
    place->config = hsmiam_path_make_config();
    place->of_credential = copy_query(credential);
    place->of_token = settings->token ? copy_query(settings->token) : NULL;
    if (!place->config || !place->of_credential || (settings->token && !place->of_token))
        return tool_error_set_memory(error);
    if (!tool_arguments_get(context->arguments, "--update-profile"))
        return HSMIAM_OK;
    return tool_profile_check_update(place->config, settings->profile_name, error);
}

/* The token that --token names may be the credential's all the same. */
static void compare_tokens(tool_place *place, const tool_session *session)
{
    if (place->of_token && strcmp(hsmiam_token_get_serial(session->token),
                                  hsmiam_token_get_serial(session->credential_token)) == 0) {
        free(place->of_token);
        place->of_token = NULL;
    }
}

/* The URI that names the new key from now on: module and PIN's source are as they were, but for a
 * PIN that the URI had in itself. NULL if there is no memory. */
static char *make_credential(const tool_place *place, const char *key_uri)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    const char *part = place->of_token ? place->of_token : place->of_credential;
    char separator = '?';

    if (!stream)
        return NULL;
    tool_text_put(key_uri, stream);
    while (*part) {
        size_t length = strcspn(part, "&");

        if (length > 0 && strncmp(part, "pin-value=", 10) != 0) {
            tool_text_print(stream, "%c%.*s", separator, (int)length, part);
            separator = '&';
        }
        part += length + (part[length] == '&');
    }
    if (fclose(stream) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* What a person must do lest the next command sign with the old key. */
static void advise(const tool_place *place, bool updated, const char *credential)
{
    if (updated && place->in_profile)
        return;
    tool_text_put("hsmiam: warning: The old credential does not sign any more. ", stderr);
    if (updated)
        tool_text_put("The profile names the new one, but --credential or HSMIAM_CREDENTIAL goes "
                      "over it: let it name ",
                      stderr);
    else
        tool_text_put("Let --credential, HSMIAM_CREDENTIAL or hsmiam_credential in the profile "
                      "name ",
                      stderr);
    tool_text_write(stderr, credential);
    tool_text_put_char('\n', stderr);
}

static hsmiam_status update_profile(const tool_context *context, const tool_place *place,
                                    const char *credential, tool_error *error)
{
    hsmiam_status status =
        tool_profile_set_credential(place->config, context->settings.profile_name, credential,
                                    place->in_profile && !place->of_token, error);

    if (status == HSMIAM_OK)
        return status;
    return tool_error_set(error, status,
                          "%s\nThe credential was rotated all the same; from now on it is %s",
                          error->message ? error->message : "Not enough memory.", credential);
}

/* Tells what was done. `credential` is NULL where it stays. */
static hsmiam_status print(const tool_context *context, const hsmiam_rotation *rotation,
                           const char *credential, tool_error *error)
{
    const hsmiam_access_key *key = hsmiam_rotation_get_key(rotation);
    const char *id = hsmiam_rotation_get_previous_id(rotation);
    const char *state = hsmiam_rotation_get_previous_status(rotation);
    tool_value *result = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    tool_made_key facts = {.id = ""};
    hsmiam_status status = HSMIAM_OK;

    if (key)
        tool_made_key_take(&facts, key);
    if (!result || (key && !tool_made_key_add(result, &facts)) ||
        !tool_value_add_string(result, "PreviousAccessKeyId", id) ||
        !tool_value_add_string(result, "PreviousStatus", state) ||
        (credential && !tool_value_add_string(result, "CredentialUri", credential)))
        status = tool_error_set_memory(error);
    else
        status = tool_output_print(result, &context->settings, command_name, error);
    tool_value_free(&result);
    if (status == HSMIAM_OK)
        return status;
    return tool_error_set(error, HSMIAM_ERR_IO,
                          "%s\nThe access key %s was replaced all the same%s%s, and is %s.",
                          error->message ? error->message : "Not enough memory.", id,
                          key ? " by " : "", key ? facts.uri : "", state);
}

/* What was done is told, and where it concerns the credential, what is left to be done. */
static hsmiam_status conclude(const tool_context *context, const tool_place *place,
                              const hsmiam_rotation *rotation, tool_error *error)
{
    const hsmiam_access_key *key = hsmiam_rotation_get_key(rotation);
    bool update = tool_arguments_get(context->arguments, "--update-profile") != NULL;
    char *credential = NULL;
    hsmiam_status status = HSMIAM_OK;

    if (!key || !hsmiam_rotation_is_of_signer(rotation))
        return print(context, rotation, NULL, error);
    credential = make_credential(place, hsmiam_access_key_get_uri(key));
    if (!credential)
        return tool_error_set_memory(error);
    if (update)
        status = update_profile(context, place, credential, error);
    if (status == HSMIAM_OK)
        advise(place, update, credential);
    if (status == HSMIAM_OK)
        status = print(context, rotation, credential, error);
    free(credential);
    return status;
}

static hsmiam_status rotate(tool_context *context, const hsmiam_rotation_options *wanted,
                            tool_place *place, tool_error *error)
{
    tool_session session = {0};
    hsmiam_rotation *rotation = NULL;
    hsmiam_status status = HSMIAM_OK;

    tool_signals_install(TOOL_SIGNALS_HOLD);
    status = tool_session_start_client(&session, context, error);
    if (status == HSMIAM_OK)
        status = tool_session_ask_pins(&session, error);
    if (status != HSMIAM_OK)
        goto out;
    status =
        hsmiam_access_key_rotate(session.client, session.custody, wanted, &rotation, session.error);
    compare_tokens(place, &session);
    if (status != HSMIAM_OK)
        status = tool_session_fail(&session, error);
    else
        status = conclude(context, place, rotation, error);
out:
    hsmiam_rotation_free(&rotation);
    tool_session_clear(&session);
    return status;
}

static hsmiam_status run(tool_context *context, tool_error *error)
{
    hsmiam_rotation_options wanted = {.user_name = NULL};
    tool_place place = {.config = NULL};
    hsmiam_status status = get_options(context, &wanted, error);

    if (status == HSMIAM_OK && wanted.others_only)
        return tool_rotate_users(context, &wanted, error);
    if (status == HSMIAM_OK)
        status = find_place(context, &place, error);
    if (status == HSMIAM_OK)
        status = rotate(context, &wanted, &place, error);
    free(place.config);
    free(place.of_credential);
    free(place.of_token);
    return status;
}

const tool_command tool_rotate_access_key = {
    .name = command_name,
    .summary = "Replace an access key by a new one that goes straight into a token.",
    .description =
        "Issues a new access key for the user, as create-access-key does, lets the token sign with "
        "it until IAM has known it several times in a row, and then deactivates the old key: by "
        "the credential, or with --root, where the credential itself is replaced, by the new key. "
        "The old key is deleted with --delete-old only, at once or in a later run.\n\n"
        "A user may have two keys. Where both are active nothing is done, for which of them is in "
        "use cannot be told; an inactive one is named, and deleted with --delete-inactive only.\n\n"
        "Every step goes on record. What was interrupted goes on when the same command is run "
        "again, or `hsmiam recover`: no third key is made, and no key is deactivated before "
        "another one was seen to work.\n\n"
        "With --user-names, the keys of all users of a file are rotated, several at a time. A line "
        "of JSON is printed for each as soon as it is done: UserName, AccessKeyId and the like of "
        "the new key, PreviousAccessKeyId and PreviousStatus; or UserName and Error, with Code and "
        "Message. The credential's own user is refused. A signal stops each rotation between two "
        "steps. The exit code is 0 if all were rotated, 130 after a signal, and 255 otherwise.",
    .options = options,
    .takes_tokens = true,
    .run = run,
};
