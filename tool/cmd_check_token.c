/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"
#include "output.h"
#include "session.h"

#include <inttypes.h>
#include <stdlib.h>

static const tool_option options[] = {
    TOOL_IMPORT_OPTIONS,
    {.name = NULL},
};

/* How the facts of a topic are shown: as members of an object, or as objects of a list. */
typedef struct tool_section {
    hsmiam_fact_topic topic;
    bool is_list;
    const char *name;
    bool (*add)(tool_value *section, const hsmiam_fact *fact);
} tool_section;

/* What the callback puts together. */
typedef struct tool_check {
    tool_value *result;
    bool failed; /* there was no memory */
} tool_check;

static const char *say(hsmiam_finding finding)
{
    switch (finding) {
    case HSMIAM_FINDING_YES:
        return "yes";
    case HSMIAM_FINDING_NO:
        return "no";
    case HSMIAM_FINDING_FORBIDDEN:
        return "forbidden";
    case HSMIAM_FINDING_UNTRIED:
        return "untried";
    default:
        return "";
    }
}

static const char *say_works(hsmiam_finding finding)
{
    switch (finding) {
    case HSMIAM_FINDING_YES:
        return "works";
    case HSMIAM_FINDING_NO:
        return "does not work";
    default:
        return say(finding);
    }
}

static const char *say_state(hsmiam_finding finding)
{
    switch (finding) {
    case HSMIAM_FINDING_YES:
        return "right";
    case HSMIAM_FINDING_NO:
        return "wrong";
    default:
        return "missing";
    }
}

static bool add_number(tool_value *object, const char *name, int64_t number)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%" PRId64, number);
    return tool_value_add(object, name, number < 0 ? TOOL_VALUE_NULL : TOOL_VALUE_INTEGER,
                          number < 0 ? NULL : text) != NULL;
}

/* In words, or as whatever says it without words. */
static bool add_value(tool_value *section, const hsmiam_fact *fact)
{
    bool yes = fact->found == HSMIAM_FINDING_YES;

    if (*fact->value || (fact->found == HSMIAM_FINDING_NONE && fact->number < 0))
        return tool_value_add_string(section, fact->name, fact->value);
    if (yes || fact->found == HSMIAM_FINDING_NO)
        return tool_value_add(section, fact->name, TOOL_VALUE_BOOLEAN, yes ? "true" : "false") !=
               NULL;
    return add_number(section, fact->name, fact->number);
}

/* The reason of a value that has one. */
static bool add_reason(tool_value *section, const hsmiam_fact *fact)
{
    char *name = NULL;
    bool done = !*fact->why;

    if (!done && asprintf(&name, "%sWhy", fact->name) >= 0) {
        done = tool_value_add_string(section, name, fact->why);
        free(name);
    }
    return done;
}

static bool add_explained(tool_value *section, const hsmiam_fact *fact)
{
    return add_value(section, fact) && add_reason(section, fact);
}

static bool add_count(tool_value *section, const hsmiam_fact *fact)
{
    return add_number(section, fact->name, fact->number) && add_reason(section, fact);
}

static bool add_route(tool_value *object, const hsmiam_fact *fact)
{
    return tool_value_add_string(object, "Route", fact->name) &&
           tool_value_add_string(object, "Result", say_works(fact->found)) &&
           tool_value_add_string(object, "Why", fact->why);
}

static bool add_mechanism(tool_value *object, const hsmiam_fact *fact)
{
    return tool_value_add_string(object, "Mechanism", fact->name) &&
           tool_value_add_string(object, "Advertised", say(fact->told)) &&
           tool_value_add_string(object, "Tried", say_works(fact->found)) &&
           tool_value_add_string(object, "Why", fact->why);
}

static bool add_key_type(tool_value *object, const hsmiam_fact *fact)
{
    return tool_value_add_string(object, "KeyType", fact->name) &&
           tool_value_add_string(object, "Result", say_works(fact->found)) &&
           tool_value_add_string(object, "Why", fact->why);
}

static bool add_key(tool_value *object, const hsmiam_fact *fact)
{
    return tool_value_add_string(object, "Purpose", fact->name) &&
           tool_value_add_string(object, "State", say_state(fact->found)) &&
           tool_value_add_string(object, "Fingerprint", fact->value) &&
           tool_value_add_string(object, "Why", fact->why);
}

static bool add_timing(tool_value *object, const hsmiam_fact *fact)
{
    char text[48];

    (void)snprintf(text, sizeof text, "%.3f", (double)fact->number / 1e6);
    return tool_value_add_string(object, "Operation", fact->name) &&
           tool_value_add(object, "Milliseconds",
                          fact->number < 0 ? TOOL_VALUE_NULL : TOOL_VALUE_FLOAT,
                          fact->number < 0 ? NULL : text) &&
           tool_value_add_string(object, "Why", fact->why);
}

static bool add_missing(tool_value *object, const hsmiam_fact *fact)
{
    return tool_value_add_string(object, "Purpose", fact->name) &&
           tool_value_add_string(object, "Algorithm", fact->value);
}

static bool add_leftover(tool_value *object, const hsmiam_fact *fact)
{
    return tool_value_add_string(object, "Object", fact->name) &&
           tool_value_add_string(object, "Why", fact->why);
}

/* In the order in which they are shown; all are there, though some may be empty. */
static const tool_section sections[] = {
    {HSMIAM_FACT_TOKEN, false, "Token", add_value},
    {HSMIAM_FACT_LOGIN, false, "Login", add_value},
    {HSMIAM_FACT_CAPACITY, false, "Capacity", add_count},
    {HSMIAM_FACT_ROUTE, true, "ImportRoutes", add_route},
    {HSMIAM_FACT_SIGV4, false, "SigV4", add_explained},
    {HSMIAM_FACT_MECHANISM, true, "Mechanisms", add_mechanism},
    {HSMIAM_FACT_KEY_TYPE, true, "KeyTypes", add_key_type},
    {HSMIAM_FACT_KEY, true, "Keys", add_key},
    {HSMIAM_FACT_PROVISION, true, "ToProvision", add_missing},
    {HSMIAM_FACT_TIMING, true, "Timings", add_timing},
    {HSMIAM_FACT_LEFTOVER, true, "Leftovers", add_leftover},
};

#define SECTIONS (sizeof sections / sizeof sections[0])

/* The verdict stands first, and is known last. */
static bool add_verdict(tool_check *check, const hsmiam_fact *fact)
{
    bool ready = fact->found == HSMIAM_FINDING_YES;
    tool_value *result = tool_value_new(TOOL_VALUE_OBJECT, NULL);

    if (!result || !tool_value_add_string(result, "Verdict", fact->value) ||
        !tool_value_add(result, "Ready", TOOL_VALUE_BOOLEAN, ready ? "true" : "false")) {
        tool_value_free(&result);
        return false;
    }
    result->last->next = check->result->first;
    result->last = check->result->last;
    check->result->first = check->result->last = NULL;
    tool_value_free(&check->result);
    check->result = result;
    return true;
}

static void add_fact(void *context, const hsmiam_fact *fact)
{
    tool_check *check = context;
    tool_value *section = check->result->first;
    bool done = true;

    for (size_t i = 0; i < SECTIONS; i++, section = section->next) {
        if (sections[i].topic != fact->topic)
            continue;
        tool_value *to = sections[i].is_list ? tool_value_add_object(section, NULL) : section;
        done = to && sections[i].add(to, fact);
        break;
    }
    if (fact->topic == HSMIAM_FACT_VERDICT)
        done = add_verdict(check, fact);
    check->failed = check->failed || !done;
}

static bool add_sections(tool_check *check)
{
    bool done = (check->result = tool_value_new(TOOL_VALUE_OBJECT, NULL)) != NULL;

    for (size_t i = 0; done && i < SECTIONS; i++)
        done = sections[i].is_list ? tool_value_add_list(check->result, sections[i].name) != NULL
                                   : tool_value_add_object(check->result, sections[i].name) != NULL;
    return done;
}

/* The report is printed whatever the verdict, which is the status. */
static hsmiam_status run(tool_context *context, tool_error *error)
{
    tool_session session = {0};
    tool_check check = {0};
    tool_error print_error = {0};
    hsmiam_status printed = HSMIAM_OK;
    hsmiam_status status = tool_session_start(&session, context, error);

    if (status != HSMIAM_OK)
        goto out;
    if (!add_sections(&check)) {
        status = tool_error_set_memory(error);
        goto out;
    }
    status = hsmiam_custody_check(session.custody, add_fact, &check, session.error);
    if (status != HSMIAM_OK)
        status = tool_session_fail(&session, error);
    printed = check.failed ? tool_error_set_memory(&print_error)
                           : tool_output_print(check.result, &context->settings, "check-token",
                                               &print_error);
    if (status == HSMIAM_OK && printed != HSMIAM_OK)
        status = tool_error_set(error, printed, "%s",
                                print_error.message ? print_error.message : "Not enough memory.");
out:
    tool_error_clear(&print_error);
    tool_value_free(&check.result);
    tool_session_clear(&session);
    return status;
}

const tool_command tool_check_token = {
    .name = "check-token",
    .summary = "Say what a token can do, and which routes will be taken.",
    .description =
        "Asks the token what it is and does, tries it with random values, and says how access keys "
        "would go in and serve, with the options that are given; which keys would be on the host "
        "meanwhile; whether the keys of provision-token are there and right; how long each "
        "operation takes; and a verdict. Nothing is written to the token, and nothing is left in "
        "it. It takes as long as the token takes to make an RSA key pair.\n\n"
        "The exit code is 0 only if the token can take access keys in. The report is printed in "
        "any case, as far as it got.\n\n"
        "The token is named by --token, or else by the credential's URI.",
    .options = options,
    .asks_nothing = true,
    .run = run,
};
