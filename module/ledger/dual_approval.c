/* SPDX-License-Identifier: Apache-2.0 */
/* What an approver signs, and whether that counts. */
#include <stdio.h>
#include <string.h>

#include "ledger/dual.h"

void hsmiam_dual_format_statement(const hsmiam_dual_request *request, const char *token_serial,
                                  char text_out[HSMIAM_STATEMENT_MAX])
{
    const char *account = request->record.fields[HSMIAM_FIELD_ACCOUNT];

    (void)snprintf(text_out, HSMIAM_STATEMENT_MAX,
                   "hsmiam approval\nrequest %s\naccount %s\nexpires %s\ntoken %s\n", request->hash,
                   account != NULL ? account : "-", request->record.fields[HSMIAM_FIELD_EXPIRES],
                   token_serial);
}

static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = words; at != NULL && *at != '\0';) {
        size_t size = strcspn(at, " ");
        if (size == length && memcmp(at, word, size) == 0)
            return true;
        at += size + (at[size] == ' ');
    }
    return false;
}

bool hsmiam_dual_is_same_token(const hsmiam_dual *dual, const hsmiam_dual_request *request,
                               const char *token_serial)
{
    const char *const *fields = request->record.fields;

    for (size_t i = 0; i < dual->serial_count; i++)
        if (strcmp(dual->serials[i], token_serial) == 0)
            return true;
    return (fields[HSMIAM_FIELD_TOKEN_SERIAL] != NULL &&
            strcmp(fields[HSMIAM_FIELD_TOKEN_SERIAL], token_serial) == 0) ||
           has_word(fields[HSMIAM_FIELD_REPLICA_SERIALS], token_serial);
}

static bool is_signed_by(hsmiam_dual *dual, const hsmiam_dual_request *request,
                         const hsmiam_record *record, const hsmiam_public_key *key)
{
    char statement[HSMIAM_STATEMENT_MAX];
    hsmiam_verifier *verifier = hsmiam_verifier_new(key);

    hsmiam_dual_format_statement(request, record->fields[HSMIAM_FIELD_TOKEN_SERIAL], statement);
    bool right = verifier != NULL &&
                 hsmiam_verifier_check_line(verifier, dual->hash, statement, strlen(statement),
                                            record->fields[HSMIAM_FIELD_APPROVAL]);
    hsmiam_verifier_free(&verifier);
    return right;
}

/* Whose request was forgotten since it expired, was used, or the policy was changed while the
 * approver read it, comes too late and counts for nothing; whoever signed it did no wrong. */
const char *hsmiam_dual_take_approval(hsmiam_dual *dual, const hsmiam_record *record,
                                      hsmiam_fault *fault_out)
{
    uint64_t number = hsmiam_record_get_number(record, HSMIAM_FIELD_REQUEST);
    hsmiam_dual_request *request = hsmiam_dual_find(dual, number);
    size_t approver =
        hsmiam_policy_find_approver(&dual->policy, record->fields[HSMIAM_FIELD_APPROVER]);

    *fault_out = HSMIAM_FAULT_UNAPPROVED;
    if (request == NULL)
        return NULL;
    if (approver == dual->policy.count)
        return "it is an approval by a key that is no approver of the policy in force";
    if (!is_signed_by(dual, request, record, dual->policy.approvers[approver])) {
        *fault_out = HSMIAM_FAULT_FORGED;
        return "the approver did not sign that for this request";
    }
    if (hsmiam_dual_is_same_token(dual, request, record->fields[HSMIAM_FIELD_TOKEN_SERIAL]))
        return "it is an approval from the very token that the request is about, or that has the "
               "audit key";
    if (hsmiam_dual_read_time(record->fields[HSMIAM_FIELD_TIME]) <= request->expires)
        request->approved |= 1U << approver;
    return NULL;
}
