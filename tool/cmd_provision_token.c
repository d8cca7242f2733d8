/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"
#include "output.h"
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const tool_option options[] = {
    {.name = "--import-route",
     .kind = TOOL_OPTION_VALUE,
     .choices = tool_route_choices,
     .help = "Make sure of this way into the token; aes-kwp makes the AES key that it takes even "
             "if rsa-oaep works."},
    TOOL_SIGV4_ROUTE_OPTION,
    {.name = "--approver-key",
     .kind = TOOL_OPTION_FLAG,
     .help = "Make an approver's key pair in the token, and nothing else: EC P-256, which signs "
             "approvals. Its public half is printed, for `audit policy`."},
    {.name = "--accept-changed-keys",
     .kind = TOOL_OPTION_FLAG,
     .help =
         "Put key pairs on record that are not those which the ledger has of this token, and an "
         "audit key that no other one introduced. For when you know who changed them."},
    {.name = "--export-wrapping-key",
     .kind = TOOL_OPTION_VALUE,
     .value = "FILE",
     .help = "Write the public half of the wrapping key into this new file, PEM, for a custodian "
             "who exports keys to this token by `export-access-key --recipient`."},
    {.name = "--exportable",
     .kind = TOOL_OPTION_FLAG,
     .help = "With --export-wrapping-key: that of the other wrapping key, under which keys go in "
             "that may be exported again."},
    {.name = NULL},
};

/* What the callback puts together. */
typedef struct tool_report {
    tool_value *pairs;
    bool failed;
} tool_report;

static void add_pair(void *context, const hsmiam_provisioned *pair)
{
    tool_report *report = context;
    tool_value *object = tool_value_add_object(report->pairs, NULL);

    if (!object || !tool_value_add_string(object, "Purpose", pair->purpose) ||
        !tool_value_add_string(object, "Label", pair->label) ||
        !tool_value_add_string(object, "Algorithm", pair->algorithm) ||
        !tool_value_add_string(object, "State", pair->created ? "Created" : "Exists") ||
        (*pair->fingerprint && !tool_value_add_string(object, "Fingerprint", pair->fingerprint)) ||
        !tool_value_add_string(object, "Uri", pair->uri))
        report->failed = true;
}

static bool add_token(tool_value *result, const hsmiam_token *token)
{
    tool_value *object = tool_value_add_object(result, "Token");

    return object && tool_value_add_string(object, "Label", hsmiam_token_get_label(token)) &&
           tool_value_add_string(object, "Serial", hsmiam_token_get_serial(token)) &&
           tool_value_add_string(object, "Uri", hsmiam_token_get_uri(token));
}

/* What is to be written, and what came of it. */
typedef struct tool_public_half {
    const char *path;
    tool_value *result;
    hsmiam_status status;
    tool_error *error;
} tool_public_half;

/* A file that is there already may be what somebody works with. */
static void write_public_half(void *context, const char *pem, const char *fingerprint)
{
    tool_public_half *half = context;
    int fd = open(half->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    size_t size = strlen(pem);
    tool_value *object = NULL;

    if (fd < 0) {
        half->status = tool_error_set(half->error, HSMIAM_ERR_IO,
                                      "%s cannot be made: %s. Name a file that does not exist yet.",
                                      half->path, strerror(errno));
        return;
    }
    bool written = write(fd, pem, size) == (ssize_t)size && fsync(fd) == 0;
    if (close(fd) != 0 || !written) {
        half->status = tool_error_set(half->error, HSMIAM_ERR_IO, "%s cannot be written: %s",
                                      half->path, strerror(errno));
        (void)unlink(half->path);
        return;
    }
    object = tool_value_add_object(half->result, "ExportedWrappingKey");
    if (!object || !tool_value_add_string(object, "File", half->path) ||
        !tool_value_add_string(object, "Fingerprint", fingerprint))
        half->status = tool_error_set_memory(half->error);
}

static hsmiam_status export_public_half(tool_session *session, const tool_arguments *arguments,
                                        tool_value *result, tool_error *error)
{
    bool exportable = tool_arguments_get(arguments, "--exportable") != NULL;
    tool_public_half half = {.path = tool_arguments_get(arguments, "--export-wrapping-key"),
                             .result = result,
                             .status = HSMIAM_OK,
                             .error = error};

    if (!half.path)
        return HSMIAM_OK;
    if (hsmiam_token_export_wrapping_key(session->token, exportable, write_public_half, &half,
                                         session->error) != HSMIAM_OK)
        return tool_session_fail(session, error);
    return half.status;
}

/* Rehearses the route that was asked for, so that what the token cannot do shows now. */
static hsmiam_status add_routes(tool_session *session, tool_value *result, tool_error *error)
{
    hsmiam_custody *custody = session->custody;

    if (hsmiam_custody_prepare(custody, session->error) != HSMIAM_OK)
        return tool_session_fail(session, error);
    if (!tool_value_add_string(result, "ImportRoute", hsmiam_custody_get_import_route(custody)) ||
        !tool_value_add_string(result, "SigV4Route", hsmiam_custody_get_sigv4_route(custody)))
        return tool_error_set_memory(error);
    return HSMIAM_OK;
}

static void add_public_key(void *context, const char *pem)
{
    tool_value **result = context;

    if (!tool_value_add_string(*result, "PublicKey", pem))
        *result = NULL;
}

/* The second custodian's token has this one key, and needs no ledger for it. */
static hsmiam_status provision_approver(tool_session *session, const tool_context *context,
                                        tool_error *error)
{
    tool_value *result = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    tool_value *filled = result;
    tool_report report = {.pairs = result ? tool_value_add_list(result, "KeyPairs") : NULL};
    hsmiam_status status = HSMIAM_OK;

    if (report.pairs && (hsmiam_token_provision_approver(session->token, add_pair, &report,
                                                         session->error) != HSMIAM_OK ||
                         hsmiam_token_export_approver_key(session->token, add_public_key, &filled,
                                                          session->error) != HSMIAM_OK))
        status = tool_session_fail(session, error);
    else if (!report.pairs || report.failed || !filled || !add_token(result, session->token))
        status = tool_error_set_memory(error);
    else
        status = tool_output_print(result, &context->settings, "provision-token", error);
    tool_value_free(&result);
    return status;
}

static hsmiam_status check(const tool_arguments *arguments, tool_error *error)
{
    static const char *const others[] = {"--import-route", "--sigv4-route", "--accept-changed-keys",
                                         "--export-wrapping-key"};
    hsmiam_status status = HSMIAM_OK;

    for (size_t i = 0; status == HSMIAM_OK && i < sizeof others / sizeof others[0]; i++)
        status = tool_arguments_exclude(arguments, "--approver-key", others[i], error);
    if (status == HSMIAM_OK && tool_arguments_get(arguments, "--exportable") &&
        !tool_arguments_get(arguments, "--export-wrapping-key"))
        status = tool_error_set_usage(error, "hsmiam: error: argument --exportable: not allowed "
                                             "without argument --export-wrapping-key");
    return status;
}

static hsmiam_status run(tool_context *context, tool_error *error)
{
    tool_session session = {0};
    tool_value *result = NULL;
    tool_report report = {0};
    const char *route = tool_arguments_get(context->arguments, "--import-route");
    hsmiam_status status = check(context->arguments, error);

    if (status == HSMIAM_OK)
        status = tool_session_start(&session, context, error);
    if (status != HSMIAM_OK)
        goto out;
    if (tool_arguments_get(context->arguments, "--approver-key")) {
        status = provision_approver(&session, context, error);
        goto out;
    }
    result = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    report.pairs = result ? tool_value_add_list(result, "KeyPairs") : NULL;
    if (!report.pairs) {
        status = tool_error_set_memory(error);
        goto out;
    }
    hsmiam_token_set_wants_aes_key(session.token, route && strcmp(route, "aes-kwp") == 0);
    if (tool_arguments_get(context->arguments, "--accept-changed-keys"))
        hsmiam_ledger_set_accept_changed_keys(session.ledger, true);
    status = hsmiam_ledger_provision_token(session.ledger, add_pair, &report, session.error);
    if (status != HSMIAM_OK) {
        status = tool_session_fail(&session, error);
        goto out;
    }
    if (report.failed || !add_token(result, session.token)) {
        status = tool_error_set_memory(error);
        goto out;
    }
    if (route || tool_arguments_get(context->arguments, "--sigv4-route"))
        status = add_routes(&session, result, error);
    if (status == HSMIAM_OK)
        status = export_public_half(&session, context->arguments, result, error);
    if (status == HSMIAM_OK)
        status = tool_output_print(result, &context->settings, "provision-token", error);
out:
    tool_value_free(&result);
    tool_session_clear(&session);
    return status;
}

const tool_command tool_provision_token = {
    .name = "provision-token",
    .summary = "Make the key pairs that a token needs.",
    .description =
        "Makes, where they are missing, the key pairs that hsmiam needs in the token: RSA-3072 for "
        "taking keys in (wrapping), a second one for keys that are issued as exportable, and EC "
        "P-256 for signing the ledger (audit). Private halves never leave the token. What exists "
        "is checked and left as it is, so the command may be repeated. Where RSA-OAEP does not "
        "work, an AES key is made too, if the token can unwrap by it. With "
        "--import-route or --sigv4-route, the command tells how keys will go in and serve, and "
        "fails if that way does not work. The ledger gets the key pairs' fingerprints; a wrapping "
        "key that is not the one on record is refused.\n\n"
        "The token is named by --token, or else by the credential's URI.",
    .options = options,
    .asks_nothing = true,
    .run = run,
};
