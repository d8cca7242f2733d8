/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[HSMIAM_ACT_COUNT] = {
    [HSMIAM_ACT_CREATE] = "create-access-key",
    [HSMIAM_ACT_ROTATE] = "rotate",
    [HSMIAM_ACT_DELETE] = "delete",
    [HSMIAM_ACT_UPDATE] = "update",
    [HSMIAM_ACT_IMPORT] = "import",
    [HSMIAM_ACT_EXPORT] = "export",
    [HSMIAM_ACT_POLICY] = "policy",
};

static const char pem_begin[] = "-----BEGIN PUBLIC KEY-----";

static unsigned bit(hsmiam_act operation)
{
    return 1U << (unsigned)operation;
}

const char *hsmiam_act_get_name(hsmiam_act operation)
{
    return names[operation];
}

hsmiam_act hsmiam_act_find(const char *name, size_t size)
{
    size_t i = 0;

    while (i < HSMIAM_ACT_COUNT && (strlen(names[i]) != size || memcmp(names[i], name, size) != 0))
        i++;
    return (hsmiam_act)i;
}

/* The names follow the bits. */
static void add_operation(hsmiam_policy *policy, hsmiam_act operation)
{
    size_t used = 0;

    policy->operations |= bit(operation);
    for (size_t i = 0; i < HSMIAM_ACT_COUNT; i++)
        if (policy->operations & bit((hsmiam_act)i))
            used += (size_t)snprintf(policy->names + used, sizeof policy->names - used, "%s%s",
                                     used > 0 ? " " : "", names[i]);
}

hsmiam_status hsmiam_policy_new(hsmiam_policy **policy_out, hsmiam_error *error)
{
    *policy_out = calloc(1, sizeof **policy_out);
    return *policy_out != NULL ? HSMIAM_OK : hsmiam_error_set_memory(error, "a policy");
}

void hsmiam_policy_clear(hsmiam_policy *policy)
{
    for (size_t i = 0; i < policy->count; i++)
        hsmiam_public_key_free(&policy->approvers[i]);
    *policy = (hsmiam_policy){.count = 0};
}

hsmiam_status hsmiam_policy_copy(const hsmiam_policy *policy, hsmiam_policy *copy_out,
                                 hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    *copy_out = (hsmiam_policy){.operations = policy->operations, .needed = policy->needed};
    memcpy(copy_out->names, policy->names, sizeof copy_out->names);
    for (size_t i = 0; status == HSMIAM_OK && i < policy->count; i++) {
        status = hsmiam_public_key_new_approver(hsmiam_public_key_get_base64(policy->approvers[i]),
                                                &copy_out->approvers[i], error);
        copy_out->count += status == HSMIAM_OK;
    }
    return status;
}

void hsmiam_policy_free(hsmiam_policy **policy)
{
    if (policy == NULL || *policy == NULL)
        return;
    hsmiam_policy_clear(*policy);
    free(*policy);
    *policy = NULL;
}

hsmiam_status hsmiam_policy_require(hsmiam_policy *policy, const char *operations,
                                    hsmiam_error *error)
{
    static const char separators[] = ", ";

    for (const char *at = operations + strspn(operations, separators); *at != '\0';
         at += strspn(at, separators)) {
        size_t size = strcspn(at, separators);
        hsmiam_act operation = hsmiam_act_find(at, size);
        if (operation == HSMIAM_ACT_COUNT)
            return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                    "There is no operation \"%.*s\" that could need an approval; "
                                    "there are create-access-key, rotate, delete, update, import, "
                                    "export and policy.",
                                    (int)(size < 64 ? size : 64), at);
        add_operation(policy, operation);
        at += size;
    }
    return HSMIAM_OK;
}

static hsmiam_status add_approver(hsmiam_policy *policy, const char *pem, size_t size,
                                  hsmiam_error *error)
{
    hsmiam_public_key *key = NULL;

    if (policy->count == HSMIAM_APPROVERS_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "A policy has %d approvers at most.",
                                HSMIAM_APPROVERS_MAX);
    hsmiam_status status = hsmiam_public_key_new_approver_pem(pem, size, &key, error);
    if (status != HSMIAM_OK)
        return status;
    if (hsmiam_policy_find_approver(policy, hsmiam_public_key_get_fingerprint(key)) <
        policy->count) {
        status = hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "Approver %.16s... is named twice.",
                                  hsmiam_public_key_get_fingerprint(key));
        hsmiam_public_key_free(&key);
        return status;
    }
    policy->approvers[policy->count++] = key;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_policy_add_approvers(hsmiam_policy *policy, const char *pem, size_t size,
                                          hsmiam_error *error)
{
    const char *end = pem + size;
    const char *at = memmem(pem, size, pem_begin, strlen(pem_begin));
    hsmiam_status status = HSMIAM_OK;

    if (at == NULL)
        return add_approver(policy, pem, size, error); /* which says what is wrong with it */
    while (status == HSMIAM_OK && at != NULL) {
        const char *behind = at + strlen(pem_begin);
        const char *next = memmem(behind, (size_t)(end - behind), pem_begin, strlen(pem_begin));
        status = add_approver(policy, at, (size_t)((next != NULL ? next : end) - at), error);
        at = next;
    }
    return status;
}

hsmiam_status hsmiam_policy_set_approvals(hsmiam_policy *policy, unsigned approvals,
                                          hsmiam_error *error)
{
    if (approvals == 0 || approvals > policy->count)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "%u approvals cannot be asked of %zu approvers.", approvals,
                                policy->count);
    policy->needed = approvals;
    return HSMIAM_OK;
}

unsigned hsmiam_policy_get_approvals(const hsmiam_policy *policy)
{
    return policy->needed == 0 && policy->count > 0 ? 1 : policy->needed;
}

const char *hsmiam_policy_get_approver(const hsmiam_policy *policy, size_t index)
{
    return index < policy->count ? hsmiam_public_key_get_fingerprint(policy->approvers[index])
                                 : NULL;
}

const char *hsmiam_policy_get_operations(const hsmiam_policy *policy)
{
    return policy->names;
}

bool hsmiam_policy_needs(const hsmiam_policy *policy, hsmiam_act operation)
{
    unsigned of = bit(operation);

    if (operation == HSMIAM_ACT_ROTATE)
        of |= bit(HSMIAM_ACT_CREATE) | bit(HSMIAM_ACT_DELETE) | bit(HSMIAM_ACT_UPDATE);
    return policy->count > 0 && (operation == HSMIAM_ACT_POLICY || (policy->operations & of) != 0);
}

size_t hsmiam_policy_find_approver(const hsmiam_policy *policy, const char *fingerprint)
{
    size_t i = 0;

    while (i < policy->count &&
           strcmp(hsmiam_public_key_get_fingerprint(policy->approvers[i]), fingerprint) != 0)
        i++;
    return i;
}

static bool read_operations(const char *text, hsmiam_policy *policy)
{
    while (*text != '\0') {
        size_t size = strcspn(text, " ");
        hsmiam_act operation = hsmiam_act_find(text, size);
        if (operation == HSMIAM_ACT_COUNT)
            return false;
        add_operation(policy, operation);
        text += size + (text[size] == ' ');
    }
    return true;
}

static bool read_approvers(const char *text, hsmiam_policy *policy)
{
    char one[HSMIAM_KEY_TEXT_MAX + 1];

    while (*text != '\0') {
        size_t size = strcspn(text, " ");
        if (policy->count == HSMIAM_APPROVERS_MAX || size >= sizeof one)
            return false;
        memcpy(one, text, size);
        one[size] = '\0';
        if (hsmiam_public_key_new_approver(one, &policy->approvers[policy->count], NULL) !=
            HSMIAM_OK)
            return false;
        policy->count++;
        text += size + (text[size] == ' ');
    }
    return true;
}

bool hsmiam_policy_read(const hsmiam_record *record, hsmiam_policy *policy)
{
    uint64_t needed = hsmiam_record_get_number(record, HSMIAM_FIELD_APPROVALS);

    *policy = (hsmiam_policy){.count = 0};
    if (record->fields[HSMIAM_FIELD_OPERATIONS] == NULL ||
        record->fields[HSMIAM_FIELD_APPROVERS] == NULL ||
        !read_operations(record->fields[HSMIAM_FIELD_OPERATIONS], policy) ||
        !read_approvers(record->fields[HSMIAM_FIELD_APPROVERS], policy) || needed > policy->count ||
        (needed == 0) != (policy->count == 0))
        return false;
    policy->needed = (unsigned)needed;
    return true;
}

void hsmiam_policy_format(const hsmiam_policy *policy, hsmiam_policy_text *text,
                          hsmiam_record *record)
{
    size_t used = 0;

    memcpy(text->operations, policy->names, sizeof text->operations);
    (void)snprintf(text->approvals, sizeof text->approvals, "%u", policy->needed);
    text->approvers[0] = '\0';
    for (size_t i = 0; i < policy->count; i++)
        used +=
            (size_t)snprintf(text->approvers + used, sizeof text->approvers - used, "%s%s",
                             i > 0 ? " " : "", hsmiam_public_key_get_base64(policy->approvers[i]));
    record->fields[HSMIAM_FIELD_OPERATIONS] = text->operations;
    record->fields[HSMIAM_FIELD_APPROVALS] = text->approvals;
    record->fields[HSMIAM_FIELD_APPROVERS] = text->approvers;
}

void hsmiam_policy_list_approvers(const hsmiam_policy *policy,
                                  char text_out[HSMIAM_APPROVERS_TEXT_MAX])
{
    size_t used = 0;

    text_out[0] = '\0';
    for (size_t i = 0; i < policy->count; i++)
        used += (size_t)snprintf(text_out + used, HSMIAM_APPROVERS_TEXT_MAX - used, "%s%s",
                                 i > 0 ? " " : "",
                                 hsmiam_public_key_get_fingerprint(policy->approvers[i]));
}
