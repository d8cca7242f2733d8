/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"
#include "key_facts.h"
#include "output.h"
#include "paging.h"
#include "session.h"
#include "signals.h"
#include "stream.h"

#include <stdlib.h>
#include <string.h>

static const char command_name[] = "list-access-keys";
static const char list_name[] = "AccessKeyMetadata";

static const tool_member members[] = {
    {.name = "UserName",
     .option = "--user-name",
     .type = TOOL_VALUE_STRING,
     .min_length = 1,
     .check = hsmiam_user_name_check,
     .help = "The name of the user."},
    TOOL_PAGING_MEMBERS,
    {.name = NULL},
};

static const tool_schema schema = {members};

static const tool_option options[] = {
    {.name = "--user-name",
     .kind = TOOL_OPTION_VALUE,
     .value = "NAME",
     .help = "The name of the IAM user. Default: the user of the key that signs."},
    {.name = "--all-users",
     .kind = TOOL_OPTION_FLAG,
     .help =
         "List the keys of all users of the account, and those that the token holds and no user "
         "has, with all that is known of each. As a table it is shown when all is there, "
         "otherwise key by key."},
    {.name = "--no-last-used",
     .kind = TOOL_OPTION_FLAG,
     .help = "Do not ask IAM when each key was last used, which takes a request for each."},
    {.name = "--max-age",
     .kind = TOOL_OPTION_VALUE,
     .value = "DURATION",
     .help = "Mark the keys that are older, in TooOld, and exit with 1 if there are any. A number "
             "with a unit of s, m, h, d or w, as 90d."},
    TOOL_PAGING_OPTIONS,
    TOOL_INPUT_OPTIONS,
    {.name = NULL},
};

/* A listing under way. */
typedef struct tool_listing {
    tool_context *context;
    tool_session session;
    tool_paging paging;
    tool_key_view view;
    const char *user_name;
    tool_value *root;
    tool_value *list;
    char page_start[HSMIAM_MARKER_SIZE]; /* the marker of the page that is being taken */
    unsigned of_page;                    /* items of it so far, shown ones or not */
    bool is_cut;                         /* there was more than is wanted */
    bool failed;                         /* no memory */
    tool_stream stream;                  /* of all users' keys */
} tool_listing;

static void take(void *context, const hsmiam_key_facts *facts)
{
    tool_listing *listing = context;
    tool_paging *paging = &listing->paging;
    tool_value *object = NULL;

    if (listing->is_cut)
        return;
    if (paging->limited && paging->left == 0 && paging->skip == 0) {
        listing->is_cut = true;
        return;
    }
    listing->of_page++;
    if (paging->skip > 0) {
        paging->skip--;
        return;
    }
    paging->left--;
    object = tool_value_add_object(listing->list, NULL);
    if (!object || !tool_key_facts_describe(object, facts, &listing->view))
        listing->failed = true;
    listing->context->finding |= tool_key_facts_is_too_old(facts, &listing->view);
}

/* The AWS CLI's text output names the token in a line of its own. */
static bool add_token(tool_listing *listing, const char *marker, unsigned shown)
{
    char *token = tool_paging_make_token(marker, shown);
    bool is_text = listing->context->settings.output == TOOL_OUTPUT_TEXT;
    tool_value *parent =
        is_text ? tool_value_add_object(listing->root, "NextToken") : listing->root;
    bool done = token && parent && tool_value_add_string(parent, "NextToken", token);

    free(token);
    return done;
}

static bool add_page_end(tool_listing *listing)
{
    const char *marker = listing->paging.marker;

    return tool_value_add(listing->root, "IsTruncated", TOOL_VALUE_BOOLEAN,
                          *marker ? "true" : "false") &&
           (!*marker || tool_value_add_string(listing->root, "Marker", marker));
}

/* Page by page, until there are no more or enough. */
static hsmiam_status gather(tool_listing *listing, tool_error *error)
{
    tool_session *session = &listing->session;
    tool_paging *paging = &listing->paging;
    bool with_use = !tool_arguments_get(listing->context->arguments, "--no-last-used");
    bool more = true;
    bool done = true;

    while (more) {
        listing->of_page = 0;
        memcpy(listing->page_start, paging->marker, sizeof listing->page_start);
        if (hsmiam_access_key_list(session->client, session->custody, listing->user_name,
                                   paging->page_size, with_use, paging->marker, take, listing,
                                   session->error) != HSMIAM_OK)
            return tool_session_fail(session, error);
        paging->skip = 0;
        more = *paging->marker && !listing->is_cut && !paging->one_page &&
               !(paging->limited && paging->left == 0);
    }
    if (paging->one_page)
        done = add_page_end(listing);
    else if (listing->is_cut)
        done = add_token(listing, listing->page_start, listing->of_page);
    else if (*paging->marker)
        done = add_token(listing, paging->marker, 0);
    return done && !listing->failed ? HSMIAM_OK : tool_error_set_memory(error);
}

static hsmiam_status list(tool_listing *listing, tool_error *error)
{
    tool_context *context = listing->context;
    hsmiam_status status = HSMIAM_OK;

    listing->root = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    listing->list = listing->root ? tool_value_add_list(listing->root, list_name) : NULL;
    if (!listing->list)
        return tool_error_set_memory(error);
    if (tool_arguments_get(context->arguments, "--generate-cli-skeleton")) {
        take(listing, &tool_key_facts_sample);
    } else {
        tool_signals_install(TOOL_SIGNALS_ONCE);
        status = tool_session_start_client(&listing->session, context, error);
        if (status == HSMIAM_OK)
            status = tool_session_ask_pins(&listing->session, error);
        if (status == HSMIAM_OK)
            status = gather(listing, error);
    }
    if (status == HSMIAM_OK && listing->failed)
        status = tool_error_set_memory(error);
    if (status == HSMIAM_OK)
        status = tool_output_print(listing->root, &context->settings, command_name, error);
    return status;
}

/* ------------------------------------------------------------------------------- all the users */

static void take_any(void *context, const hsmiam_key_facts *facts)
{
    tool_listing *listing = context;
    tool_value *object = tool_value_new(TOOL_VALUE_OBJECT, NULL);

    if (object && !tool_key_facts_describe(object, facts, &listing->view))
        tool_value_free(&object);
    tool_stream_add(&listing->stream, &object);
    listing->context->finding |= tool_key_facts_is_too_old(facts, &listing->view);
}

static hsmiam_status list_all(tool_listing *listing, tool_error *error)
{
    tool_context *context = listing->context;
    tool_session *session = &listing->session;
    bool with_use = !tool_arguments_get(context->arguments, "--no-last-used");
    hsmiam_status status = HSMIAM_OK;

    listing->view.complete = true;
    listing->stream =
        (tool_stream){.settings = &context->settings, .name = list_name, .title = command_name};
    if (tool_arguments_get(context->arguments, "--generate-cli-skeleton")) {
        take_any(listing, &tool_key_facts_sample);
        return tool_stream_end(&listing->stream, error);
    }
    tool_signals_install(TOOL_SIGNALS_ONCE);
    status = tool_session_start_client(session, context, error);
    if (status == HSMIAM_OK)
        status = tool_session_ask_pins(session, error);
    if (status == HSMIAM_OK &&
        hsmiam_access_key_inventory(session->client, session->custody, with_use, take_any, listing,
                                    session->error) != HSMIAM_OK)
        status = tool_session_fail(session, error);
    return status == HSMIAM_OK ? tool_stream_end(&listing->stream, error) : status;
}

/* An inventory is whole, or none. */
static hsmiam_status check_alone(const tool_context *context, const tool_value *input,
                                 tool_error *error)
{
    static const char *const others[] = {"--user-name", "--max-items", "--starting-token",
                                         "--page-size", "--no-paginate"};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        hsmiam_status status =
            tool_arguments_exclude(context->arguments, others[i], "--all-users", error);
        if (status != HSMIAM_OK)
            return status;
    }
    return input->first ? tool_error_set_usage(error, "hsmiam: error: argument --all-users: the "
                                                      "input names parameters that go with one "
                                                      "user's list only")
                        : HSMIAM_OK;
}

static hsmiam_status run(tool_context *context, tool_error *error)
{
    tool_listing listing = {.context = context};
    tool_value *input = NULL;
    hsmiam_status status = HSMIAM_OK;

    if (tool_input_print_skeleton(context->arguments, &schema))
        return tool_output_close(error);
    status = tool_input_gather(context->arguments, &schema, &input, error);
    if (status == HSMIAM_OK)
        status = tool_key_view_read(context->arguments, &listing.view, error);
    if (status == HSMIAM_OK && tool_arguments_get(context->arguments, "--all-users")) {
        status = check_alone(context, input, error);
        if (status == HSMIAM_OK)
            status = list_all(&listing, error);
        goto out;
    }
    if (status == HSMIAM_OK)
        status = tool_paging_start(&listing.paging, context->arguments, input, error);
    if (status == HSMIAM_OK) {
        listing.user_name = tool_input_get_text(input, "UserName");
        status = list(&listing, error);
    }
out:
    tool_stream_clear(&listing.stream);
    tool_value_free(&listing.root);
    tool_value_free(&input);
    tool_session_clear(&listing.session);
    return status;
}

const tool_command tool_list_access_keys = {
    .name = command_name,
    .summary = "List access keys, and whether the token holds them.",
    .description =
        "Lists the access keys of a user as `aws iam list-access-keys` does. What is not IAM's to "
        "know stands beside it: InToken tells whether the token holds the secret, and "
        "SecretAccessKeyUri where.\n\n"
        "With --all-users it is the inventory of the account: InIam and InToken tell which side "
        "has a key, TokenLabel and TokenSerial where its secret is, Exportable whether it can be "
        "taken out, and by the ledger, if that verifies, Origin, MadeBy and MadeDate who issued or "
        "imported it when, and ProvenDate when the token was last shown to hold it. A key that is "
        "in the token and not InIam was deleted at IAM, or is another account's; the keys of the "
        "account's root user are listed if the credential is one of them. With --output csv it "
        "goes into a spreadsheet: a cell that would be taken for a formula gets an apostrophe.\n\n"
        "With --max-age, the exit code is 1 if a key is older.",
    .options = options,
    .takes_tokens = true,
    .run = run,
};
