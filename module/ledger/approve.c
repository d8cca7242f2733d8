/* SPDX-License-Identifier: Apache-2.0 */
/* Approving: what an approver sees, signs, and leaves in the ledger. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ledger/approval.h"

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* ---------------------------------------------------------------------------- an approver's key */

hsmiam_status hsmiam_token_export_approver_key(hsmiam_token *token, hsmiam_ledger_line_fn take,
                                               void *context, hsmiam_error *error)
{
    char pem[HSMIAM_PEM_MAX];
    hsmiam_audit_key key;
    hsmiam_public_key *half = NULL;

    hsmiam_status status = hsmiam_token_find_approver_key(token, &key, error);
    if (status == HSMIAM_OK)
        status = hsmiam_public_key_new(key.public_key, key.public_key_size, &half, error);
    if (status == HSMIAM_OK)
        status = hsmiam_public_key_format_pem(half, pem, error);
    if (status == HSMIAM_OK)
        take(context, pem);
    hsmiam_public_key_free(&half);
    return status;
}

/* ----------------------------------------------------------------------------- making approvals */

static hsmiam_status confirm_request(const hsmiam_dual *dual, const hsmiam_dual_request *request,
                                     const hsmiam_token *token, hsmiam_approval_fn confirm,
                                     void *context, hsmiam_error *error)
{
    const char *const *fields = request->record.fields;
    char approvers[HSMIAM_APPROVERS_TEXT_MAX] = "";
    hsmiam_policy policy = {.count = 0};

    if (request->operation == HSMIAM_ACT_POLICY) {
        if (!hsmiam_policy_read(&request->record, &policy)) {
            hsmiam_policy_clear(&policy);
            return hsmiam_error_set(error, HSMIAM_ERR_APPROVAL,
                                    "Request %" PRIu64 " is for no policy that could be followed.",
                                    request->sequence);
        }
        hsmiam_policy_list_approvers(&policy, approvers);
        hsmiam_policy_clear(&policy);
    }
    const hsmiam_approval_request shown = {
        .number = request->sequence,
        .operation = hsmiam_act_get_name(request->operation),
        .account = or_empty(fields[HSMIAM_FIELD_ACCOUNT]),
        .user_name = or_empty(fields[HSMIAM_FIELD_USER_NAME]),
        .access_key_id = or_empty(fields[HSMIAM_FIELD_ACCESS_KEY_ID]),
        .status = or_empty(fields[HSMIAM_FIELD_STATUS]),
        .recipient = or_empty(fields[HSMIAM_FIELD_RECIPIENT]),
        .is_exportable = fields[HSMIAM_FIELD_EXPORTABLE] != NULL,
        .token_serial = or_empty(fields[HSMIAM_FIELD_TOKEN_SERIAL]),
        .credential_id = or_empty(fields[HSMIAM_FIELD_CREDENTIAL_ID]),
        .endpoint = or_empty(fields[HSMIAM_FIELD_ENDPOINT]),
        .asked_by = or_empty(fields[HSMIAM_FIELD_OPERATOR]),
        .host = or_empty(fields[HSMIAM_FIELD_HOST]),
        .operations = or_empty(fields[HSMIAM_FIELD_OPERATIONS]),
        .approvals_asked = or_empty(fields[HSMIAM_FIELD_APPROVALS]),
        .approvers = approvers,
        .expires = or_empty(fields[HSMIAM_FIELD_EXPIRES]),
        .approvals = hsmiam_dual_count_approvals(request),
        .needed = dual->policy.needed,
    };

    if (confirm == NULL || confirm(context, &shown, token))
        return HSMIAM_OK;
    return hsmiam_error_set(error, HSMIAM_ERR_CANCELLED, "Request %" PRIu64 " was not approved.",
                            request->sequence);
}

/* Whether an approval by that key would count. */
static hsmiam_status check_approver(const hsmiam_dual *dual, const hsmiam_dual_request *request,
                                    const hsmiam_token *token, const hsmiam_audit_key *key,
                                    hsmiam_error *error)
{
    size_t approver = hsmiam_policy_find_approver(&dual->policy, key->fingerprint);

    if (hsmiam_dual_is_same_token(dual, request, hsmiam_token_get_serial(token)))
        return hsmiam_error_set(error, HSMIAM_ERR_APPROVAL,
                                "Token \"%s\" (serial %s) cannot approve request %" PRIu64
                                ": the request is about that very token, or the audit key is in "
                                "it. An approver's key is in another one.",
                                hsmiam_token_get_label(token), hsmiam_token_get_serial(token),
                                request->sequence);
    if (approver == dual->policy.count)
        return hsmiam_error_set(error, HSMIAM_ERR_APPROVAL,
                                "The key %.16s... in token \"%s\" is no approver of the policy in "
                                "force (record %" PRIu64 " of the ledger); `hsmiam audit policy` "
                                "names them.",
                                key->fingerprint, hsmiam_token_get_label(token),
                                dual->policy_sequence);
    if ((request->approved >> approver & 1) != 0)
        return hsmiam_error_set(error, HSMIAM_ERR_APPROVAL,
                                "The key in token \"%s\" has approved request %" PRIu64
                                " already%s.",
                                hsmiam_token_get_label(token), request->sequence,
                                hsmiam_dual_count_approvals(request) < dual->policy.needed
                                    ? "; another approver must do so as well"
                                    : "");
    return HSMIAM_OK;
}

static hsmiam_status sign(const hsmiam_dual_request *request, hsmiam_token *token,
                          hsmiam_audit_key *key,
                          char approval_out[HSMIAM_BASE64_SIZE(HSMIAM_SIGNATURE_MAX)],
                          hsmiam_error *error)
{
    char statement[HSMIAM_STATEMENT_MAX];
    uint8_t digest[HSMIAM_DIGEST_SIZE];
    uint8_t signature[HSMIAM_SIGNATURE_MAX];
    hsmiam_hash *hash = hsmiam_hash_new();
    size_t size = 0;
    hsmiam_status status = HSMIAM_OK;

    hsmiam_dual_format_statement(request, hsmiam_token_get_serial(token), statement);
    if (hash == NULL || !hsmiam_hash_compute(hash, statement, strlen(statement), digest))
        status = hsmiam_error_set_memory(error, "an approval");
    if (status == HSMIAM_OK)
        status = hsmiam_token_sign_digest(token, key, digest, signature, &size, error);
    if (status == HSMIAM_OK)
        hsmiam_base64_encode(signature, size, approval_out);
    hsmiam_hash_free(&hash);
    return status;
}

static hsmiam_status append(hsmiam_ledger *ledger, const hsmiam_dual_request *request,
                            const hsmiam_token *token, const hsmiam_audit_key *key,
                            const char *approval, hsmiam_error *error)
{
    hsmiam_record record = {{NULL}};
    char number[HSMIAM_NUMBER_SIZE];

    (void)snprintf(number, sizeof number, "%" PRIu64, request->sequence);
    record.fields[HSMIAM_FIELD_EVENT] = hsmiam_event_get_name(HSMIAM_EVENT_APPROVAL);
    record.fields[HSMIAM_FIELD_TOKEN_SERIAL] = hsmiam_token_get_serial(token);
    record.fields[HSMIAM_FIELD_REQUEST] = number;
    record.fields[HSMIAM_FIELD_APPROVER] = key->fingerprint;
    record.fields[HSMIAM_FIELD_APPROVAL] = approval;
    return hsmiam_ledger_append(ledger, &record, HSMIAM_APPEND_OR_PENDING, NULL, error);
}

hsmiam_status hsmiam_approval_make(hsmiam_ledger *ledger, const hsmiam_dual *dual,
                                   const hsmiam_dual_request *request, hsmiam_token *token,
                                   hsmiam_approval_fn confirm, void *context, hsmiam_error *error)
{
    char approval[HSMIAM_BASE64_SIZE(HSMIAM_SIGNATURE_MAX)];
    hsmiam_audit_key key;

    hsmiam_status status = confirm_request(dual, request, token, confirm, context, error);
    if (status == HSMIAM_OK)
        status = hsmiam_token_find_approver_key(token, &key, error);
    if (status == HSMIAM_OK)
        status = check_approver(dual, request, token, &key, error);
    if (status == HSMIAM_OK)
        status = sign(request, token, &key, approval, error);
    return status == HSMIAM_OK ? append(ledger, request, token, &key, approval, error) : status;
}

/* -------------------------------------------------------------------------- without the audit key
 */

/* Verifies the ledger and reads from its start what is approved and by what policy. */
static hsmiam_status read_verified(hsmiam_ledger *ledger, hsmiam_dual *dual, hsmiam_error *error)
{
    hsmiam_ledger_verdict verdict = {.fault = HSMIAM_FAULT_NONE};
    hsmiam_file file = {.functions = ledger->file.functions,
                        .path = ledger->file.path,
                        .fd = -1,
                        .log = &ledger->log};
    hsmiam_dual_reading reading = {.file = &file};
    bool allowed = ledger->allow_unsigned;

    ledger->allow_unsigned = true; /* another approver's line may be the last */
    hsmiam_status status = hsmiam_ledger_verify(ledger, NULL, NULL, &verdict, error);
    ledger->allow_unsigned = allowed;
    if (status == HSMIAM_OK)
        status = hsmiam_file_open_for_reading(&file, error);
    if (status == HSMIAM_OK)
        status = hsmiam_file_get_size(&file, &reading.end, error);
    reading.last_sequence = verdict.sequence;
    if (status == HSMIAM_OK && verdict.sequence > 0)
        status = hsmiam_dual_read(dual, &reading, error);
    hsmiam_file_close(&file);
    return status;
}

static hsmiam_status find_request(const hsmiam_ledger *ledger, const hsmiam_dual *dual,
                                  uint64_t number, const hsmiam_dual_request **request_out,
                                  hsmiam_error *error)
{
    const hsmiam_dual_request *request = hsmiam_dual_find(dual, number);

    *request_out = request;
    if (request == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_APPROVAL,
                                "Record %" PRIu64 " of the ledger %s is no request that waits for "
                                "an approval: there is none of that number, it has expired or was "
                                "used, or the policy was changed since.",
                                number, ledger->file.path);
    if (request->used)
        return hsmiam_error_set(error, HSMIAM_ERR_APPROVAL,
                                "Request %" PRIu64 " was used already, and serves once.", number);
    if (request->expires <= time(NULL))
        return hsmiam_error_set(error, HSMIAM_ERR_APPROVAL,
                                "Request %" PRIu64 " expired at %s; whoever wants it asks anew.",
                                number, request->record.fields[HSMIAM_FIELD_EXPIRES]);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_ledger_approve(hsmiam_ledger *ledger, uint64_t number, hsmiam_token *token,
                                    hsmiam_approval_fn confirm, void *context, hsmiam_error *error)
{
    const hsmiam_dual_request *request = NULL;
    hsmiam_dual dual;

    hsmiam_status status = hsmiam_dual_init(&dual, error);
    if (status == HSMIAM_OK)
        status = read_verified(ledger, &dual, error);
    if (status == HSMIAM_OK)
        status = find_request(ledger, &dual, number, &request, error);
    if (status == HSMIAM_OK) {
        ledger->is_approvers = true;
        status = hsmiam_approval_make(ledger, &dual, request, token, confirm, context, error);
    }
    hsmiam_dual_clear(&dual);
    return status;
}

hsmiam_status hsmiam_ledger_get_policy(hsmiam_ledger *ledger, hsmiam_policy **policy_out,
                                       uint64_t *sequence_out, hsmiam_error *error)
{
    hsmiam_dual dual;

    hsmiam_status status = hsmiam_policy_new(policy_out, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_dual_init(&dual, error);
    if (status == HSMIAM_OK)
        status = read_verified(ledger, &dual, error);
    if (status == HSMIAM_OK) { /* the keys move over */
        **policy_out = dual.policy;
        dual.policy = (hsmiam_policy){.count = 0};
        if (sequence_out != NULL)
            *sequence_out = dual.policy_sequence;
    } else {
        hsmiam_policy_free(policy_out);
    }
    hsmiam_dual_clear(&dual);
    return status;
}
