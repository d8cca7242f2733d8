/* SPDX-License-Identifier: Apache-2.0 */
/* Which slot holds the token that a URI names. Every attribute of the URI counts. */
#include "token/object.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_MAX 256

typedef struct candidate {
    CK_FUNCTION_LIST *functions;
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
    CK_SLOT_INFO slot_info;
    CK_INFO module_info;
} candidate;

typedef struct slot_search {
    P11KitUri *uri;
    hsmiam_watch *watch; /* NULL: nobody waits for ever */
    candidate found[16];
    size_t count;
    CK_TOKEN_INFO others[8]; /* tokens that do not match */
    size_t other_count;
    size_t blank; /* slots that match, whose token is not initialised */
    size_t empty; /* slots that match, without a token */
    size_t slots; /* that the modules have */
    bool module_named;
    CK_FUNCTION_LIST *failed; /* the first module that did not answer, and to what */
    const char *failed_function;
    CK_RV failure;
} slot_search;

static void ask(const slot_search *search, const char *function)
{
    hsmiam_watch_ask(search->watch, function, NULL);
}

/* For the message of a call that does not come back. */
static void name_module(const slot_search *search, CK_FUNCTION_LIST *functions)
{
    char *filename = search->watch != NULL ? p11_kit_module_get_filename(functions) : NULL;

    hsmiam_watch_ask(search->watch, "C_GetInfo", filename);
    free(filename);
}

/* True if the call succeeded. The first failure is kept: it may be why no token is found. */
static bool succeeded(slot_search *search, CK_FUNCTION_LIST *functions, const char *function,
                      CK_RV rv)
{
    if (rv != CKR_OK && search->failed == NULL) {
        search->failed = functions;
        search->failed_function = function;
        search->failure = rv;
    }
    return rv == CKR_OK;
}

static bool module_matches(slot_search *search, CK_FUNCTION_LIST *functions, CK_INFO *info_out)
{
    const char *wanted = p11_kit_uri_get_module_name(search->uri);

    if (wanted != NULL && p11_kit_uri_get_module_path(search->uri) == NULL) {
        char *name = p11_kit_module_get_name(functions);
        char *filename = p11_kit_module_get_filename(functions);
        bool same = hsmiam_module_has_name(name, filename, wanted);
        free(name);
        free(filename);
        if (!same)
            return false;
    }
    search->module_named = true;
    name_module(search, functions);
    return succeeded(search, functions, "C_GetInfo", functions->C_GetInfo(info_out)) &&
           p11_kit_uri_match_module_info(search->uri, info_out) == 1;
}

static bool slot_matches(slot_search *search, CK_FUNCTION_LIST *functions, CK_SLOT_ID slot,
                         CK_SLOT_INFO *info_out)
{
    CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(search->uri);

    if (wanted != (CK_SLOT_ID)-1 && wanted != slot)
        return false;
    ask(search, "C_GetSlotInfo");
    return succeeded(search, functions, "C_GetSlotInfo",
                     functions->C_GetSlotInfo(slot, info_out)) &&
           p11_kit_uri_match_slot_info(search->uri, info_out) == 1;
}

static void try_slot(slot_search *search, CK_FUNCTION_LIST *functions, const CK_INFO *module_info,
                     CK_SLOT_ID slot)
{
    candidate next = {.functions = functions, .slot = slot, .module_info = *module_info};

    if (!slot_matches(search, functions, slot, &next.slot_info))
        return;
    ask(search, "C_GetTokenInfo");
    CK_RV rv = functions->C_GetTokenInfo(slot, &next.info);
    if (rv == CKR_TOKEN_NOT_PRESENT || rv == CKR_TOKEN_NOT_RECOGNIZED) {
        search->empty++;
        return;
    }
    if (!succeeded(search, functions, "C_GetTokenInfo", rv))
        return;
    /* A token that is not initialised has no label or serial to be matched. */
    if ((next.info.flags & CKF_TOKEN_INITIALIZED) == 0) {
        search->blank++;
        return;
    }
    if (p11_kit_uri_match_token_info(search->uri, &next.info) != 1) {
        if (search->other_count < sizeof search->others / sizeof search->others[0])
            search->others[search->other_count] = next.info;
        search->other_count++;
        return;
    }
    if (search->count < sizeof search->found / sizeof search->found[0])
        search->found[search->count] = next;
    search->count++;
}

static void try_module(slot_search *search, CK_FUNCTION_LIST *functions)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = 0;
    CK_INFO info = {0};

    if (!module_matches(search, functions, &info))
        return;
    ask(search, "C_GetSlotList");
    /* Only a call with NULL shows slots that came or went since (PKCS#11, C_GetSlotList). */
    if (!succeeded(search, functions, "C_GetSlotList",
                   functions->C_GetSlotList(CK_FALSE, NULL, &count)))
        return;
    count = SLOTS_MAX;
    if (!succeeded(search, functions, "C_GetSlotList",
                   functions->C_GetSlotList(CK_FALSE, slots, &count)) ||
        count > SLOTS_MAX)
        return;
    search->slots += count;
    for (CK_ULONG i = 0; i < count; i++)
        try_slot(search, functions, &info, slots[i]);
}

/* What neither knows a user nor can be written to keeps no private key: NSS shows its algorithms as
 * such a token, beside the one with the keys. */
static bool is_without_keys(const CK_TOKEN_INFO *info)
{
    return (info->flags & CKF_LOGIN_REQUIRED) == 0 && (info->flags & CKF_WRITE_PROTECTED) != 0;
}

/* p11-kit's trust store shows the system's certificates as tokens without a single mechanism. They
 * are no HSM, and must not make "pkcs11:" ambiguous. A token that does not answer may be one. */
static void drop_tokens_without_use(slot_search *search)
{
    size_t kept = 0;

    if (search->count > sizeof search->found / sizeof search->found[0])
        return;
    ask(search, "C_GetMechanismList");
    for (size_t i = 0; i < search->count; i++) {
        CK_ULONG mechanisms = 0;
        candidate *next = &search->found[i];
        CK_RV rv = next->functions->C_GetMechanismList(next->slot, NULL, &mechanisms);
        if ((rv != CKR_OK || mechanisms > 0) && !is_without_keys(&next->info))
            search->found[kept++] = *next;
    }
    search->count = kept;
}

static hsmiam_status report_failure(const slot_search *search, const char *described,
                                    hsmiam_error *error)
{
    char buffer[32];
    const char *name = hsmiam_rv_get_name(search->failure, buffer);
    char *module = p11_kit_module_get_filename(search->failed);
    hsmiam_status status =
        hsmiam_error_set(error, HSMIAM_ERR_TOKEN,
                         "No token matches %s; %s of the PKCS#11 module %s failed: %s (%s).",
                         described, search->failed_function, module != NULL ? module : "in use",
                         p11_kit_strerror(search->failure), name);

    hsmiam_error_set_origin(error, HSMIAM_DOMAIN_PKCS11, search->failure, name);
    free(module);
    return status;
}

/* On a line of its own. */
static void append_token(const CK_TOKEN_INFO *info, hsmiam_error *error)
{
    hsmiam_buffer uri;

    hsmiam_buffer_init(&uri, HSMIAM_ERROR_MESSAGE_MAX);
    if (hsmiam_uri_format(info, NULL, 0, &uri, NULL) == HSMIAM_OK)
        hsmiam_error_append_line(error, "%s", hsmiam_buffer_get_string(&uri));
    hsmiam_buffer_clear(&uri);
}

static void append_others(const slot_search *search, hsmiam_error *error)
{
    size_t room = sizeof search->others / sizeof search->others[0];

    if (search->other_count == 0)
        return;
    hsmiam_error_append(error,
                        "%s:", search->other_count == 1 ? "This one is there" : "These are there");
    for (size_t i = 0; i < search->other_count && i < room; i++)
        append_token(&search->others[i], error);
}

/* How to see the tokens that the same search would see. */
static void append_hint(const slot_search *search, hsmiam_error *error)
{
    const char *path = p11_kit_uri_get_module_path(search->uri);

    if (path != NULL && p11_kit_uri_get_vendor_query(search->uri, "x-init-reserved") == NULL)
        hsmiam_error_append(error, "`pkcs11-tool --module %s -L` shows all that its slots hold.",
                            path);
    else if (path == NULL)
        hsmiam_error_append(error, "`p11tool --list-token-urls` shows the tokens that are there.");
}

static hsmiam_status report_none(const slot_search *search, const char *described,
                                 hsmiam_error *error)
{
    const char *module = p11_kit_uri_get_module_name(search->uri);

    if (module != NULL && !search->module_named)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "No PKCS#11 module named \"%s\" is configured; see `p11-kit "
                                "list-modules`, or give module-path.",
                                module);
    if (search->failed != NULL)
        return report_failure(search, described, error);
    if (search->blank > 0)
        (void)hsmiam_error_set(error, HSMIAM_ERR_NOT_FOUND,
                               "No token matches %s; %zu slot%s a token that is not initialised "
                               "yet (`pkcs11-tool --init-token` does it).",
                               described, search->blank, search->blank == 1 ? " holds" : "s hold");
    else if (search->empty > 0)
        (void)hsmiam_error_set(error, HSMIAM_ERR_NOT_FOUND,
                               "No token matches %s; %zu slot%s empty: is the token plugged in?",
                               described, search->empty, search->empty == 1 ? " is" : "s are");
    else if (search->slots == 0)
        (void)hsmiam_error_set(
            error, HSMIAM_ERR_NOT_FOUND,
            "No token matches %s, for there is no slot at all: is the device, or "
            "the server that has it, there and running?",
            described);
    else
        (void)hsmiam_error_set(error, HSMIAM_ERR_NOT_FOUND, "No token matches %s.", described);
    append_others(search, error);
    append_hint(search, error);
    return HSMIAM_ERR_NOT_FOUND;
}

static hsmiam_status report_several(const slot_search *search, const char *described,
                                    hsmiam_error *error)
{
    size_t shown = sizeof search->found / sizeof search->found[0];
    hsmiam_status status =
        hsmiam_error_set(error, HSMIAM_ERR_AMBIGUOUS,
                         "%zu tokens match %s; name one by its serial:", search->count, described);

    if (search->count < shown)
        shown = search->count;
    for (size_t i = 0; i < shown; i++)
        append_token(&search->found[i].info, error);
    return status;
}

hsmiam_status hsmiam_slot_find(hsmiam_token *token, hsmiam_error *error)
{
    slot_search search = {.uri = token->uri, .watch = token->modules.watch};

    for (size_t i = 0; token->modules.list[i] != NULL; i++)
        try_module(&search, token->modules.list[i]);
    if (search.count > 1)
        drop_tokens_without_use(&search);

    if (search.count == 1) {
        token->functions = search.found[0].functions;
        token->slot = search.found[0].slot;
        token->info = search.found[0].info;
        token->slot_info = search.found[0].slot_info;
        token->module_info = search.found[0].module_info;
        token->is_hardware = (token->slot_info.flags & CKF_HW_SLOT) != 0;
        token->form.dropped = hsmiam_hardening_start(&token->info);
        return HSMIAM_OK;
    }
    hsmiam_buffer described;
    hsmiam_buffer_init(&described, HSMIAM_ERROR_MESSAGE_MAX);
    hsmiam_uri_describe(token->uri, &described);
    hsmiam_status status =
        search.count == 0 ? report_none(&search, hsmiam_buffer_get_string(&described), error)
                          : report_several(&search, hsmiam_buffer_get_string(&described), error);
    hsmiam_buffer_clear(&described);
    return status;
}
