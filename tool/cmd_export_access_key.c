/* SPDX-License-Identifier: Apache-2.0 */
#include "approver.h"
#include "commands.h"
#include "output.h"
#include "paths.h"
#include "prompt.h"
#include "session.h"
#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char command_name[] = "export-access-key";

/* As the library names them; those who read the output know them by these names too. */
static const char *const algorithm_choices[] = {"auto",
                                                "RSAES_OAEP_SHA_256",
                                                "RSAES_OAEP_SHA_1",
                                                "RSA_AES_KEY_WRAP_SHA_256",
                                                "RSA_AES_KEY_WRAP_SHA_1",
                                                NULL};

static const tool_option options[] = {
    {.name = "--access-key-id",
     .kind = TOOL_OPTION_VALUE,
     .value = "ID",
     .help = "The id of the access key. Default: the one that the token's URI names."},
    {.name = "--recipient",
     .kind = TOOL_OPTION_VALUE,
     .value = "FILE",
     .help = "The file with the recipient's certificate or public key, PEM, RSA of 2048 to 4096 "
             "bits. Required."},
    {.name = "--recipient-fingerprint",
     .kind = TOOL_OPTION_VALUE,
     .value = "HEX",
     .group = "confirm",
     .help = "The SHA-256 of the recipient's public key (SubjectPublicKeyInfo) in hex, as the "
             "recipient told it; nothing is asked then, and nothing is done if it is another."},
    {.name = "--yes",
     .kind = TOOL_OPTION_FLAG,
     .group = "confirm",
     .help = "Do not ask, whoever's key the file holds."},
    {.name = "--algorithm",
     .kind = TOOL_OPTION_VALUE,
     .choices = algorithm_choices,
     .help = "How the key is wrapped. Default: auto, the first of RSAES_OAEP_SHA_256 and "
             "RSAES_OAEP_SHA_1 that the token does."},
    {.name = "--allow-expired",
     .kind = TOOL_OPTION_FLAG,
     .help = "Take a certificate that has expired, or is not valid yet."},
    TOOL_APPROVER_OPTIONS,
    {.name = NULL},
};

/* What the command works on. */
typedef struct tool_export {
    const tool_arguments *arguments;
    tool_session session;
    hsmiam_recipient *recipient;
    char *key_uri;
} tool_export;

/* Hex digits, in either case, with or without colons between them. */
static bool is_same_fingerprint(const char *given, const char *fingerprint)
{
    for (; *given; given++) {
        if (*given == ':')
            continue;
        if (tolower((unsigned char)*given) != *fingerprint)
            return false;
        fingerprint++;
    }
    return *fingerprint == '\0';
}

static hsmiam_status load_recipient(tool_export *run, tool_error *error)
{
    const char *path = tool_arguments_get(run->arguments, "--recipient");
    bool allow_expired = tool_arguments_get(run->arguments, "--allow-expired") != NULL;
    char *pem = NULL;
    hsmiam_status status = tool_file_load("--recipient", path, &pem, error);

    if (status == HSMIAM_OK &&
        hsmiam_recipient_new(pem, strlen(pem), allow_expired, &run->recipient,
                             run->session.error) != HSMIAM_OK)
        status = tool_session_fail(&run->session, error);
    free(pem);
    return status;
}

/* The key that is named by its id, else by the URI of the token. */
static hsmiam_status name_key(tool_export *run, const char *token_uri, tool_error *error)
{
    const char *id = tool_arguments_get(run->arguments, "--access-key-id");

    if (!id) {
        run->key_uri = strdup(token_uri);
    } else {
        if (hsmiam_access_key_id_check(id, run->session.error) != HSMIAM_OK)
            return tool_session_fail(&run->session, error);
        if (asprintf(&run->key_uri, "pkcs11:type=secret-key;id=%s", id) < 0)
            run->key_uri = NULL;
    }
    if (!run->key_uri)
        return tool_error_set_memory(error);
    tool_text_remove_pin(run->key_uri);
    return HSMIAM_OK;
}

/* What is shown before anything is handed out. A certificate's name is whatever its maker wrote, a
 * fingerprint perhaps: it stands in quotes, which within it are escaped, and behind the true one.
 */
static hsmiam_status ask(const tool_export *run, tool_error *error)
{
    const char *id = tool_arguments_get(run->arguments, "--access-key-id");
    const char *subject = hsmiam_recipient_get_subject(run->recipient);
    char *question = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&question, &size);
    bool yes = false;

    if (!stream)
        return tool_error_set_memory(error);
    tool_text_print(
        stream, "The recipient's RSA-%zu key has the fingerprint (SHA-256)\n    %s\n%s%s%s",
        hsmiam_recipient_get_bits(run->recipient), hsmiam_recipient_get_fingerprint(run->recipient),
        *subject ? "The certificate calls them \"" : "", subject, *subject ? "\".\n" : "");
    tool_text_print(stream, "Whoever has its private half can use %s ",
                    id ? "access key" : "the access key of");
    tool_text_write(stream, id ? id : run->key_uri);
    tool_text_print(stream, ". Wrap it for them? [y/N] ");
    if (fclose(stream) != 0) {
        free(question);
        return tool_error_set_memory(error);
    }
    yes = tool_prompt_confirm(question);
    free(question);
    return yes ? HSMIAM_OK : tool_error_set(error, HSMIAM_ERR_CANCELLED, "Nothing was exported.");
}

static hsmiam_status confirm(const tool_export *run, tool_error *error)
{
    const char *given = tool_arguments_get(run->arguments, "--recipient-fingerprint");
    const char *fingerprint = hsmiam_recipient_get_fingerprint(run->recipient);

    if (!given)
        return tool_arguments_get(run->arguments, "--yes") ? HSMIAM_OK : ask(run, error);
    if (is_same_fingerprint(given, fingerprint))
        return HSMIAM_OK;
    return tool_error_set(error, HSMIAM_ERR_ARGUMENT,
                          "The recipient's key in %s has another fingerprint, %s. Nothing was "
                          "exported; ask the recipient which one is right.",
                          tool_arguments_get(run->arguments, "--recipient"), fingerprint);
}

static hsmiam_export_algorithm get_algorithm(const tool_arguments *arguments)
{
    const char *name = tool_arguments_get(arguments, "--algorithm");

    for (int i = HSMIAM_EXPORT_OAEP_SHA_256; name && i <= HSMIAM_EXPORT_AES_KEY_WRAP_SHA_1; i++)
        if (strcmp(name, hsmiam_export_algorithm_get_name((hsmiam_export_algorithm)i)) == 0)
            return (hsmiam_export_algorithm)i;
    return HSMIAM_EXPORT_AUTO;
}

static hsmiam_status print(const tool_context *context, const hsmiam_wrapped_key *wrapped,
                           tool_error *error)
{
    const char *user_name = hsmiam_wrapped_key_get_user_name(wrapped);
    tool_value *result = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    hsmiam_status status = HSMIAM_OK;

    if (result &&
        tool_value_add_string(result, "AccessKeyId",
                              hsmiam_wrapped_key_get_access_key_id(wrapped)) &&
        (!*user_name || tool_value_add_string(result, "UserName", user_name)) &&
        tool_value_add_string(result, "Algorithm", hsmiam_wrapped_key_get_algorithm(wrapped)) &&
        tool_value_add_string(result, "RecipientFingerprint",
                              hsmiam_wrapped_key_get_fingerprint(wrapped)) &&
        tool_value_add_string(result, "WrappedKey", hsmiam_wrapped_key_get_base64(wrapped)))
        status = tool_output_print(result, &context->settings, command_name, error);
    else
        status = tool_error_set_memory(error);
    tool_value_free(&result);
    return status;
}

static hsmiam_status check_arguments(const tool_arguments *arguments, tool_error *error)
{
    bool confirmed = tool_arguments_get(arguments, "--recipient-fingerprint") ||
                     tool_arguments_get(arguments, "--yes");
    hsmiam_status status =
        tool_arguments_exclude(arguments, "--recipient-fingerprint", "--yes", error);

    if (status != HSMIAM_OK)
        return status;
    if (!tool_arguments_get(arguments, "--recipient"))
        return tool_error_set_usage(
            error, "hsmiam: error: the following arguments are required: --recipient");
    if (!confirmed && !tool_prompt_is_possible())
        return tool_error_set_usage(error, "hsmiam: error: one of the arguments "
                                           "--recipient-fingerprint --yes is required where there "
                                           "is no terminal to ask on");
    return HSMIAM_OK;
}

static hsmiam_status run_export(tool_context *context, tool_error *error)
{
    const tool_settings *settings = &context->settings;
    tool_export run = {.arguments = context->arguments};
    hsmiam_wrapped_key *wrapped = NULL;
    hsmiam_status status = check_arguments(context->arguments, error);

    if (status == HSMIAM_OK)
        status = tool_session_start(&run.session, context, error);
    if (status == HSMIAM_OK)
        status = load_recipient(&run, error);
    if (status == HSMIAM_OK)
        status = name_key(&run, settings->token ? settings->token : settings->credential, error);
    if (status == HSMIAM_OK)
        status = confirm(&run, error);
    if (status == HSMIAM_OK &&
        hsmiam_access_key_export(run.session.custody, run.key_uri, run.recipient,
                                 get_algorithm(context->arguments), &wrapped,
                                 run.session.error) != HSMIAM_OK)
        status = tool_session_fail(&run.session, error);
    if (status == HSMIAM_OK)
        status = print(context, wrapped, error);
    hsmiam_wrapped_key_free(&wrapped);
    hsmiam_recipient_free(&run.recipient);
    free(run.key_uri);
    tool_session_clear(&run.session);
    return status;
}

const tool_command tool_export_access_key = {
    .name = command_name,
    .summary = "Hand an exportable access key over, wrapped for a recipient.",
    .description =
        "Lets the token wrap an access key that went in with --exportable under a recipient's RSA "
        "key (C_WrapKey), so that the secret is never on this host, and prints what may be handed "
        "over. The recipient opens an RSAES_OAEP one with openssl, and finds AWS4 and the secret; "
        "or takes it into a token by `import-access-key --wrapped`.\n\n"
        "The recipient's fingerprint is shown and must be confirmed, on the terminal or by "
        "--recipient-fingerprint: compare it with what the recipient says by another way. It "
        "stands in the ledger before the wrapped key is printed. IAM is asked nothing, and the key "
        "stays in the token as well.\n\n"
        "The token is named by --token, or else by the credential's URI.",
    .options = options,
    .asks_nothing = true,
    .run = run_export,
};
