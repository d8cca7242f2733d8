/* SPDX-License-Identifier: Apache-2.0 */
#include "approver.h"
#include "commands.h"
#include "csv.h"
#include "made_key.h"
#include "output.h"
#include "prompt.h"
#include "secret_input.h"
#include "session.h"
#include "shred.h"
#include "text.h"
#include "wrapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ID_SHOWN_MAX 32 /* IAM's ids have 20 characters, its secrets 40 */

static const tool_option options[] = {
    {.name = "--access-key-id",
     .kind = TOOL_OPTION_VALUE,
     .value = "ID",
     .help = "The id of the access key (AKIA...). With --csv it may be left out if the file has "
             "one row only."},
    {.name = "--user-name",
     .kind = TOOL_OPTION_VALUE,
     .value = "NAME",
     .help = "The name of the key's IAM user, which becomes the label of the object. Default: "
             "what the CSV file says, or the access key id."},
    {.name = "--secret-fd",
     .kind = TOOL_OPTION_NUMBER,
     .value = "NUMBER",
     .group = "secret",
     .help = "Read the secret access key from this file descriptor. Default: standard input, or "
             "the terminal, without echo, if that is one."},
    {.name = "--csv",
     .kind = TOOL_OPTION_VALUE,
     .value = "FILE",
     .group = "secret",
     .help = "Read the key from the CSV file that the AWS console handed out."},
    {.name = "--wrapped",
     .kind = TOOL_OPTION_VALUE,
     .value = "FILE",
     .group = "secret",
     .help = "Take in what `export-access-key` printed on another host, for a wrapping key of this "
             "token; only the token unwraps it."},
    {.name = "--shred",
     .kind = TOOL_OPTION_FLAG,
     .group = "shred",
     .help = "With --csv: overwrite and delete the file afterwards, unasked. Copies in journals, "
             "snapshots, spare blocks of a flash disk, backups or a browser's cache may remain; "
             "only rotating the key makes them worthless."},
    {.name = "--no-shred",
     .kind = TOOL_OPTION_FLAG,
     .group = "shred",
     .help = "With --csv: leave the file as it is, unasked."},
    TOOL_IMPORT_OPTIONS,
    TOOL_APPROVER_OPTIONS,
    {.name = NULL},
};

/* What is to be imported; the strings borrow from the arguments or from the secret's memory. */
typedef struct tool_import {
    tool_secret memory;
    const char *id;
    const char *user_name;
    const char *secret;
    size_t secret_size;
    int csv_fd; /* the CSV file, -1 if there is none */
} tool_import;

static hsmiam_status check_arguments(const tool_arguments *arguments, tool_error *error)
{
    const char *csv = tool_arguments_get(arguments, "--csv");
    hsmiam_status status = tool_arguments_exclude(arguments, "--secret-fd", "--csv", error);

    if (status == HSMIAM_OK)
        status = tool_arguments_exclude(arguments, "--secret-fd", "--wrapped", error);
    if (status == HSMIAM_OK)
        status = tool_arguments_exclude(arguments, "--csv", "--wrapped", error);
    if (status == HSMIAM_OK)
        status = tool_arguments_exclude(arguments, "--access-key-id", "--wrapped", error);
    if (status == HSMIAM_OK)
        status = tool_arguments_exclude(arguments, "--shred", "--no-shred", error);
    if (status != HSMIAM_OK)
        return status;
    if (!csv && !tool_arguments_get(arguments, "--wrapped") &&
        !tool_arguments_get(arguments, "--access-key-id"))
        return tool_error_set_usage(
            error, "hsmiam: error: the following arguments are required: --access-key-id");
    if (!csv &&
        (tool_arguments_get(arguments, "--shred") || tool_arguments_get(arguments, "--no-shred")))
        return tool_error_set_usage(
            error, "hsmiam: error: arguments --shred and --no-shred go with --csv only");
    return HSMIAM_OK;
}

static hsmiam_status read_csv(const tool_arguments *arguments, tool_import *import,
                              tool_error *error)
{
    const char *path = tool_arguments_get(arguments, "--csv");
    tool_csv_key key = {0};
    hsmiam_status status = HSMIAM_OK;

    import->csv_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (import->csv_fd < 0)
        return tool_error_set(error, HSMIAM_ERR_ARGUMENT, "%s cannot be opened: %s", path,
                              strerror(errno));
    status = tool_secret_read(&import->memory, import->csv_fd, path, error);
    if (status == HSMIAM_OK)
        status = tool_csv_find_key(import->memory.data, import->memory.size, path, import->id, &key,
                                   error);
    if (status != HSMIAM_OK)
        return status;
    import->id = key.access_key_id;
    if (!import->user_name)
        import->user_name = key.user_name;
    import->secret = key.secret;
    import->secret_size = strlen(key.secret);
    return HSMIAM_OK;
}

static hsmiam_status read_secret(const tool_arguments *arguments, tool_import *import,
                                 tool_error *error)
{
    unsigned number = STDIN_FILENO;
    char *question = NULL;
    hsmiam_status status =
        tool_arguments_get_number(arguments, "--secret-fd", INT_MAX, &number, error);

    if (status != HSMIAM_OK)
        return status;
    /* A command that gives the PIN must not inherit the secret's descriptor. */
    if (number > STDERR_FILENO && fcntl((int)number, F_SETFD, FD_CLOEXEC) != 0)
        return tool_error_set(error, HSMIAM_ERR_ARGUMENT, "File descriptor %u cannot be used: %s",
                              number, strerror(errno));
    /* An id that is none may be the secret, given by mistake: it is not shown. */
    bool plausible = strlen(import->id) <= ID_SHOWN_MAX;
    if (asprintf(&question, "Secret access key%s%s: ", plausible ? " of " : "",
                 plausible ? import->id : "") < 0)
        return tool_error_set_memory(error);
    status = tool_secret_ask(&import->memory, (int)number, question, error);
    free(question);
    import->secret = import->memory.data;
    import->secret_size = import->memory.size;
    return status;
}

static hsmiam_status print_imported(const tool_context *context, const hsmiam_access_key *key,
                                    tool_error *error)
{
    const char *id = hsmiam_access_key_get_id(key);
    const char *user_name = hsmiam_access_key_get_user_name(key);
    const char *uri = hsmiam_access_key_get_uri(key);
    tool_value *result = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    tool_value *object = result ? tool_value_add_object(result, "AccessKey") : NULL;
    bool done =
        object && (!*user_name || tool_value_add_string(object, "UserName", user_name)) &&
        tool_value_add_string(object, "AccessKeyId", id) &&
        tool_value_add_string(object, "SecretAccessKeyUri", uri) &&
        tool_made_key_add_replicas(object, key) &&
        tool_value_add_string(object, "ImportRoute", hsmiam_access_key_get_import_route(key)) &&
        tool_value_add_string(object, "SigV4Route", hsmiam_access_key_get_sigv4_route(key));
    hsmiam_status status = HSMIAM_OK;

    if (done)
        status = tool_output_print(result, &context->settings, "import-access-key", error);
    else
        status = tool_error_set_memory(error);
    tool_value_free(&result);
    if (status != HSMIAM_OK)
        status = tool_error_set(error, status,
                                "%s\nThe access key %s is in the token all the "
                                "same: %s",
                                error->message ? error->message : "Not enough memory.", id, uri);
    return status;
}

static void warn(const char *path, const char *sentence)
{
    tool_text_put("hsmiam: warning: ", stderr);
    tool_text_write(stderr, path);
    tool_text_print(stderr, " %s\n", sentence);
}

/* Shreds the CSV file if that is wanted. */
static hsmiam_status settle_csv(const tool_arguments *arguments, const tool_import *import,
                                tool_error *error)
{
    const char *path = tool_arguments_get(arguments, "--csv");
    bool shred = tool_arguments_get(arguments, "--shred") != NULL;
    char *question = NULL;

    if (!shred && !tool_arguments_get(arguments, "--no-shred") && tool_prompt_is_possible()) {
        if (asprintf(&question, "%s\nOverwrite and delete %s? [y/N] ", tool_shred_caveat, path) < 0)
            return tool_error_set_memory(error);
        shred = tool_prompt_confirm(question);
        free(question);
    }
    if (!shred) {
        warn(path, "still holds the secret access key.");
        return HSMIAM_OK;
    }
    if (tool_shred_file(path, import->csv_fd, error) != HSMIAM_OK)
        return tool_error_set(error, HSMIAM_ERR_IO, "%s\nThe access key is in the token.",
                              error->message ? error->message : "Not enough memory.");
    warn(path, "was overwritten and deleted.");
    tool_text_print(stderr, "%s\n", tool_shred_caveat);
    return HSMIAM_OK;
}

static hsmiam_status import_key(tool_context *context, tool_import *import, tool_error *error)
{
    tool_session session = {0};
    hsmiam_access_key *key = NULL;
    hsmiam_status status = tool_session_start(&session, context, error);

    if (status != HSMIAM_OK)
        goto out;
    status = hsmiam_access_key_import(session.custody, import->id, import->user_name,
                                      import->secret, import->secret_size, &key, session.error);
    /* Of what was read nothing is needed any more, and what follows may wait for a person. */
    tool_secret_clear(&import->memory);
    if (status != HSMIAM_OK) {
        status = tool_session_fail(&session, error);
        goto out;
    }
    status = print_imported(context, key, error);
out:
    hsmiam_access_key_free(&key);
    tool_session_clear(&session);
    return status;
}

static hsmiam_status print_wrapped(const tool_context *context, const hsmiam_access_key *key,
                                   tool_error *error)
{
    hsmiam_status status = print_imported(context, key, error);

    tool_text_put("hsmiam: warning: The token has taken in what nobody here has seen. Prove that "
                  "it is the key: hsmiam get-caller-identity --credential '",
                  stderr);
    tool_text_write(stderr, hsmiam_access_key_get_uri(key));
    tool_text_put("'\n", stderr);
    return status;
}

static hsmiam_status run_wrapped(tool_context *context, tool_error *error)
{
    tool_session session = {0};
    hsmiam_wrapped_key *wrapped = NULL;
    hsmiam_access_key *key = NULL;
    hsmiam_status status = tool_session_start(&session, context, error);

    if (status == HSMIAM_OK)
        status = tool_wrapped_key_load(tool_arguments_get(context->arguments, "--wrapped"),
                                       tool_arguments_get(context->arguments, "--user-name"),
                                       &wrapped, session.error, error);
    if (status == HSMIAM_OK && hsmiam_access_key_import_wrapped(session.custody, wrapped, &key,
                                                                session.error) != HSMIAM_OK)
        status = tool_session_fail(&session, error);
    hsmiam_wrapped_key_free(&wrapped);
    if (status == HSMIAM_OK)
        status = print_wrapped(context, key, error);
    hsmiam_access_key_free(&key);
    tool_session_clear(&session);
    return status;
}

static hsmiam_status run_plain(tool_context *context, tool_error *error)
{
    const tool_arguments *arguments = context->arguments;
    tool_import import = {.csv_fd = -1,
                          .id = tool_arguments_get(arguments, "--access-key-id"),
                          .user_name = tool_arguments_get(arguments, "--user-name")};
    bool from_csv = tool_arguments_get(arguments, "--csv") != NULL;
    hsmiam_status status = HSMIAM_OK;

    if (status == HSMIAM_OK)
        status = tool_secret_init(&import.memory, error);
    if (status == HSMIAM_OK && from_csv)
        status = read_csv(arguments, &import, error);
    else if (status == HSMIAM_OK)
        status = read_secret(arguments, &import, error);
    if (status == HSMIAM_OK)
        status = import_key(context, &import, error);
    if (status == HSMIAM_OK && from_csv)
        status = settle_csv(arguments, &import, error);
    tool_secret_clear(&import.memory);
    if (import.csv_fd >= 0)
        close(import.csv_fd);
    return status;
}

static hsmiam_status run(tool_context *context, tool_error *error)
{
    hsmiam_status status = check_arguments(context->arguments, error);

    if (status != HSMIAM_OK)
        return status;
    return tool_arguments_get(context->arguments, "--wrapped") ? run_wrapped(context, error)
                                                               : run_plain(context, error);
}

const tool_command tool_import_access_key = {
    .name = "import-access-key",
    .summary = "Take an existing access key into a token.",
    .description =
        "Takes an access key that exists, such as the first root credential, into the token and "
        "proves that token and host compute the same with it. The secret comes from the terminal "
        "without echo, from standard input, from --secret-fd or from --csv; never from an argument "
        "or the environment. IAM is asked nothing.\n\n"
        "With --wrapped, the key comes from another token, by `export-access-key` there. Here the "
        "host does not see it, and so cannot prove that it is the right one: "
        "`get-caller-identity`, signed with it, does.\n\n"
        "The token is named by --token, or else by the credential's URI.",
    .options = options,
    .takes_tokens = true,
    .hides_values = true,
    .asks_nothing = true,
    .run = run,
};
