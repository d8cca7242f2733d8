/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"
#include "output.h"
#include "session.h"
#include "text.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#define NAME_MAX_SIZE 64

static const char list_name[] = "Records";

static const tool_option options[] = {
    {.name = "--user-name",
     .kind = TOOL_OPTION_VALUE,
     .value = "NAME",
     .help = "Show what concerns this IAM user."},
    {.name = "--access-key-id",
     .kind = TOOL_OPTION_VALUE,
     .value = "ID",
     .help = "Show what concerns this access key, or was signed for by it."},
    {.name = "--since",
     .kind = TOOL_OPTION_VALUE,
     .value = "TIME",
     .help = "Show what was done then or later: UTC, as 2026-11-24 or 2026-11-24T07:39:10Z."},
    {.name = "--until",
     .kind = TOOL_OPTION_VALUE,
     .value = "TIME",
     .help = "Show what was done by then; of a date, the whole day counts."},
    {.name = "--event",
     .kind = TOOL_OPTION_VALUE,
     .value = "EVENT",
     .help = "Show records of one kind, such as intent or outcome."},
    {.name = NULL},
};

/* What a table has room for. */
static const char *const columns[] = {"sequence",  "time",          "event",  "operator",
                                      "user_name", "access_key_id", "result", NULL};

/* Where the result of anything else stands: the step of a rotation, whom a key was handed to. */
static const char *get_column(const hsmiam_ledger_record *record, const char *name)
{
    const char *value = hsmiam_ledger_record_get_text(record, name);

    if (!value && strcmp(name, "result") == 0)
        value = hsmiam_ledger_record_get_text(record, "step");
    if (!value && strcmp(name, "result") == 0)
        value = hsmiam_ledger_record_get_text(record, "recipient");
    return value ? value : "";
}

/* Records on their way to the output. */
typedef struct tool_show {
    bool as_table;
    bool as_stream;
    tool_value *root;
    tool_value *list; /* of all of them; empty if they are streamed */
    size_t count;
    bool failed;
} tool_show;

/* "access_key_id" becomes "AccessKeyId". */
static void to_title(const char *name, char title[NAME_MAX_SIZE])
{
    size_t length = 0;
    bool start = true;

    for (; *name && length < NAME_MAX_SIZE - 1; name++) {
        if (*name != '_')
            title[length++] = (char)(start ? toupper((unsigned char)*name) : *name);
        start = *name == '_';
    }
    title[length] = 0;
}

static bool add_members(tool_value *object, const hsmiam_ledger_record *record)
{
    const char *name = NULL;
    const char *value = NULL;
    hsmiam_member_kind kind = HSMIAM_MEMBER_STRING;

    for (size_t i = 0; hsmiam_ledger_record_get_member(record, i, &name, &value, &kind); i++) {
        char title[NAME_MAX_SIZE];
        bool done = false;

        to_title(name, title);
        if (kind == HSMIAM_MEMBER_LIST)
            done = tool_value_add_words(object, title, value);
        else if (kind == HSMIAM_MEMBER_NUMBER)
            done = tool_value_add(object, title, TOOL_VALUE_INTEGER, value) != NULL;
        else
            done = tool_value_add_string(object, title, value);
        if (!done)
            return false;
    }
    return true;
}

static bool add_columns(tool_value *object, const hsmiam_ledger_record *record)
{
    for (size_t i = 0; columns[i]; i++) {
        char title[NAME_MAX_SIZE];

        to_title(columns[i], title);
        if (!tool_value_add_string(object, title, get_column(record, columns[i])))
            return false;
    }
    return true;
}

/* Nothing is printed before it is known that the ledger can be read. */
static void stream(const tool_show *show, const tool_value *object)
{
    if (show->count == 0)
        tool_output_begin_list(list_name);
    tool_output_add_object(object, show->count);
}

static bool take_record(void *context, const hsmiam_ledger_record *record)
{
    tool_show *show = context;
    tool_value *object = show->as_stream ? tool_value_new(TOOL_VALUE_OBJECT, NULL)
                                         : tool_value_add_object(show->list, NULL);

    if (!object || !(show->as_table ? add_columns(object, record) : add_members(object, record)))
        show->failed = true;
    else if (show->as_stream)
        stream(show, object);
    show->count++;
    if (show->as_stream)
        tool_value_free(&object);
    return !show->failed && !ferror(stdout);
}

static hsmiam_status get_filter(const tool_arguments *arguments, hsmiam_ledger_filter *filter_out,
                                tool_error *error)
{
    hsmiam_status status =
        tool_arguments_get_time(arguments, "--since", false, &filter_out->since, error);

    if (status == HSMIAM_OK)
        status = tool_arguments_get_time(arguments, "--until", true, &filter_out->until, error);
    filter_out->user_name = tool_arguments_get(arguments, "--user-name");
    filter_out->access_key_id = tool_arguments_get(arguments, "--access-key-id");
    filter_out->event = tool_arguments_get(arguments, "--event");
    return status;
}

/* A table or a text of nothing is empty, as for scripts it must be; a person is told why. */
static void tell_none(const tool_show *show, const tool_context *context,
                      const hsmiam_ledger_filter *filter)
{
    bool all = !filter->user_name && !filter->access_key_id && !filter->event &&
               filter->since < 0 && filter->until < 0;

    if (show->count == 0 && (show->as_table || context->settings.output == TOOL_OUTPUT_TEXT))
        tool_text_print(stderr, "hsmiam: the ledger %s has no record%s.\n",
                        context->settings.ledger, all ? "" : " of what was asked for");
}

static hsmiam_status print_records(tool_show *show, tool_session *session,
                                   const tool_context *context, const hsmiam_ledger_filter *filter,
                                   tool_error *error)
{
    show->root = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    show->list = show->root ? tool_value_add_list(show->root, list_name) : NULL;
    if (!show->list)
        return tool_error_set_memory(error);
    if (hsmiam_ledger_read(session->ledger, filter, take_record, show, session->error) != HSMIAM_OK)
        return tool_session_fail(session, error);
    if (show->failed)
        return tool_error_set_memory(error);
    if (show->as_stream && show->count > 0)
        return tool_output_end_list(show->count, error);
    tell_none(show, context, filter);
    return tool_output_print(show->root, &context->settings, "audit show", error);
}

static hsmiam_status run(tool_context *context, tool_error *error)
{
    tool_session session = {0};
    hsmiam_ledger_filter filter = {.since = -1, .until = -1};
    tool_show show = {.as_table = context->settings.output == TOOL_OUTPUT_TABLE,
                      .as_stream = context->settings.output == TOOL_OUTPUT_JSON};
    hsmiam_status status = get_filter(context->arguments, &filter, error);

    if (status == HSMIAM_OK)
        status = tool_session_start_ledger(&session, context, error);
    if (status == HSMIAM_OK)
        status = print_records(&show, &session, context, &filter, error);
    tool_value_free(&show.root);
    tool_session_clear(&session);
    return status;
}

const tool_command tool_audit_show = {
    .name = "show",
    .summary = "Show the records of the ledger.",
    .description = "Shows the records that have all of what is asked for, unverified: whether they "
                   "are what was written, `audit verify` tells. A table has the most important "
                   "members only. Needs no token.",
    .options = options,
    .asks_nothing = true,
    .run = run,
};
