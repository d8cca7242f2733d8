/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for approvals before what needs them, and policies. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/time.h"
#include "ledger/approval.h"

#define SECONDS_DEFAULT 86400
#define SECONDS_MIN     300
#define SECONDS_MAX     2592000
#define SECONDS_LEFT    60 /* that a request must be good for still */

hsmiam_status hsmiam_ledger_add_approver(hsmiam_ledger *ledger, hsmiam_token *token,
                                         hsmiam_approval_fn confirm, void *context,
                                         hsmiam_error *error)
{
    if (ledger->approver_count == HSMIAM_APPROVERS_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "More than %d approvers were given.",
                                HSMIAM_APPROVERS_MAX);
    ledger->approvers[ledger->approver_count++] = (hsmiam_approver){token, confirm, context};
    return HSMIAM_OK;
}

hsmiam_status hsmiam_ledger_set_approval_expiry(hsmiam_ledger *ledger, unsigned seconds,
                                                hsmiam_error *error)
{
    if (seconds < SECONDS_MIN || seconds > SECONDS_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "A request can be approved and used for 5 minutes to 30 days.");
    ledger->approval_seconds = seconds;
    return HSMIAM_OK;
}

/* One asking. */
typedef struct asking {
    hsmiam_ledger *ledger;
    hsmiam_act operation;
    hsmiam_record record; /* what is to be done: the facts that are bound */
    bool is_one_of_many;
    bool is_needed;
    uint64_t request; /* 0: there is none yet */
    unsigned approvals;
    unsigned needed;
    uint64_t policy;
    char expires[HSMIAM_TIME_SIZE];
} asking;

/* What the ledger says now. Nobody else asks meanwhile, so that what was read stays until the next
 * look. */
static hsmiam_status look(asking *run, hsmiam_error *error)
{
    hsmiam_ledger *ledger = run->ledger;

    (void)pthread_mutex_lock(&ledger->lock);
    hsmiam_status status = hsmiam_clear_refresh(ledger, error);
    if (status == HSMIAM_OK) {
        const hsmiam_dual *dual = ledger->dual;
        hsmiam_dual_request *request =
            run->request != 0 ? hsmiam_dual_find(dual, run->request)
                              : hsmiam_dual_find_for(dual, run->operation, &run->record,
                                                     time(NULL) + SECONDS_LEFT);
        run->is_needed = hsmiam_policy_needs(&dual->policy, run->operation);
        run->needed = dual->policy.needed;
        run->policy = dual->policy_sequence;
        run->request = request != NULL ? request->sequence : 0;
        run->approvals = request != NULL ? hsmiam_dual_count_approvals(request) : 0;
        if (request != NULL)
            (void)snprintf(run->expires, sizeof run->expires, "%s",
                           request->record.fields[HSMIAM_FIELD_EXPIRES]);
    }
    (void)pthread_mutex_unlock(&ledger->lock);
    return status;
}

static hsmiam_status write_request(asking *run, hsmiam_error *error)
{
    unsigned seconds =
        run->ledger->approval_seconds != 0 ? run->ledger->approval_seconds : SECONDS_DEFAULT;
    hsmiam_record record = run->record;

    if (!hsmiam_time_format_extended(time(NULL) + seconds, run->expires))
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL,
                                "The system's clock is before 1970 or after 9999.");
    record.fields[HSMIAM_FIELD_EVENT] = hsmiam_event_get_name(HSMIAM_EVENT_REQUEST);
    record.fields[HSMIAM_FIELD_OPERATION] = hsmiam_act_get_name(run->operation);
    record.fields[HSMIAM_FIELD_EXPIRES] = run->expires;
    return hsmiam_ledger_append(run->ledger, &record, HSMIAM_APPEND_SIGNED, &run->request, error);
}

/* Other threads read on in the ledger while a person reads the question: that has a copy. */
static hsmiam_status ask_one(asking *run, const hsmiam_approver *approver, hsmiam_error *error)
{
    hsmiam_ledger *ledger = run->ledger;
    const hsmiam_dual_request *request = NULL;
    hsmiam_status status = HSMIAM_OK;
    hsmiam_dual shown = {.requests = NULL};

    (void)pthread_mutex_lock(&ledger->lock);
    if (ledger->dual != NULL)
        request = hsmiam_dual_find(ledger->dual, run->request);
    if (request != NULL)
        status = hsmiam_dual_copy(ledger->dual, request, &shown, error);
    (void)pthread_mutex_unlock(&ledger->lock);
    if (status == HSMIAM_OK && request != NULL)
        status = hsmiam_approval_make(ledger, &shown, &shown.requests[0], approver->token,
                                      approver->confirm, approver->context, error);
    hsmiam_dual_clear(&shown);
    return status;
}

/* The approvers at hand sign, each in turn, until there are enough. */
static hsmiam_status ask_those_at_hand(asking *run, hsmiam_error *error)
{
    hsmiam_ledger *ledger = run->ledger;
    hsmiam_status status = run->request == 0 ? write_request(run, error) : HSMIAM_OK;

    if (status == HSMIAM_OK)
        status = look(run, error);
    for (size_t i = 0;
         status == HSMIAM_OK && i < ledger->approver_count && run->approvals < run->needed; i++) {
        status = ask_one(run, &ledger->approvers[i], error);
        if (status == HSMIAM_OK)
            status = look(run, error);
    }
    return status;
}

/* What is to be done next, for whoever asked. */
static hsmiam_status tell(const asking *run, hsmiam_error *error)
{
    const char *name = hsmiam_act_get_name(run->operation);
    unsigned left = run->needed - run->approvals;

    return hsmiam_error_set(error, HSMIAM_ERR_APPROVAL,
                            "The policy in force (record %" PRIu64 " of the ledger) asks for %u%s "
                            "approval%s of this %s; nothing was done. It is request %" PRIu64
                            ": let an approver run `hsmiam approve %" PRIu64
                            " --approver URI --ledger %s` by %s, and then repeat this command.",
                            run->policy, left, run->approvals > 0 ? " more" : "",
                            left == 1 ? "" : "s", name, run->request, run->request,
                            run->ledger->file.path, run->expires);
}

static hsmiam_status ask_alone(asking *run, uint64_t *request_out, hsmiam_error *error)
{
    *request_out = 0;
    hsmiam_status status = look(run, error);
    if (status != HSMIAM_OK || !run->is_needed)
        return status;
    if (run->record.fields[HSMIAM_FIELD_ACCOUNT] == NULL && run->operation != HSMIAM_ACT_IMPORT &&
        run->operation != HSMIAM_ACT_EXPORT && run->operation != HSMIAM_ACT_POLICY)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "The policy in force asks for an approval, which names the "
                                "account, and STS did not tell it (GetCallerIdentity): nothing was "
                                "done.");
    if (run->approvals < run->needed && run->ledger->approver_count > 0)
        status = ask_those_at_hand(run, error);
    if (status != HSMIAM_OK)
        return status;
    if (run->approvals < run->needed && run->is_one_of_many)
        return hsmiam_error_set(error, HSMIAM_ERR_APPROVAL,
                                "The policy in force (record %" PRIu64 " of the ledger) asks for "
                                "%u approval%s of each key; in a batch they are given on this "
                                "terminal, by --approver.",
                                run->policy, run->needed, run->needed == 1 ? "" : "s");
    if (run->request == 0)
        status = write_request(run, error);
    if (status == HSMIAM_OK && run->approvals < run->needed)
        return tell(run, error);
    *request_out = run->request;
    return status;
}

/* One thread at a time: a person can read one question. */
static hsmiam_status ask(asking *run, uint64_t *request_out, hsmiam_error *error)
{
    (void)pthread_mutex_lock(&run->ledger->asking);
    hsmiam_status status = ask_alone(run, request_out, error);
    (void)pthread_mutex_unlock(&run->ledger->asking);
    return status;
}

hsmiam_status hsmiam_ledger_ask_approval(hsmiam_ledger *ledger, hsmiam_act operation,
                                         const hsmiam_ledger_facts *facts, bool is_one_of_many,
                                         uint64_t *request_out, hsmiam_error *error)
{
    asking run = {.ledger = ledger, .operation = operation, .is_one_of_many = is_one_of_many};

    *request_out = 0;
    hsmiam_status status = hsmiam_ledger_open(ledger, error);
    /* Nobody can sign a policy, nor has one been. */
    if (status != HSMIAM_OK || !ledger->has_key)
        return status;
    hsmiam_facts_put(facts, &run.record);
    hsmiam_dual_keep_facts(operation, &run.record);
    return ask(&run, request_out, error);
}

hsmiam_status hsmiam_ledger_check_rotation(hsmiam_ledger *ledger, uint64_t request,
                                           hsmiam_error *error)
{
    asking run = {.ledger = ledger, .operation = HSMIAM_ACT_ROTATE, .request = request};

    (void)pthread_mutex_lock(&ledger->asking);
    hsmiam_status status = look(&run, error);
    (void)pthread_mutex_unlock(&ledger->asking);
    if (status == HSMIAM_OK && run.request == 0)
        status = hsmiam_error_set(error, HSMIAM_ERR_APPROVAL,
                                  "The policy was changed since the rotation began, so that its "
                                  "approval (request %" PRIu64
                                  ") is void; no key was asked for. Ask anew.",
                                  request);
    return status;
}

hsmiam_status hsmiam_ledger_check_deletion(hsmiam_ledger *ledger, uint64_t rotation,
                                           hsmiam_error *error)
{
    asking run = {.ledger = ledger, .operation = HSMIAM_ACT_DELETE};

    hsmiam_status status = hsmiam_ledger_open(ledger, error);
    if (status != HSMIAM_OK || !ledger->has_key)
        return status;
    (void)pthread_mutex_lock(&ledger->asking);
    status = look(&run, error);
    (void)pthread_mutex_unlock(&ledger->asking);
    if (status == HSMIAM_OK && run.is_needed && run.policy > rotation)
        status = hsmiam_error_set(error, HSMIAM_ERR_APPROVAL,
                                  "The policy in force (record %" PRIu64
                                  " of the ledger) asks for an approval of deletions, and the "
                                  "rotation that replaced the key (record %" PRIu64
                                  ") is older than it: nothing was deleted. Delete the key by "
                                  "`hsmiam delete-access-key`, which asks for one.",
                                  run.policy, rotation);
    return status;
}

/* ------------------------------------------------------------------------------------- policies */

/* A signature of the ledger's own is no second one. */
static hsmiam_status check_approvers(hsmiam_ledger *ledger, const hsmiam_policy *policy,
                                     hsmiam_error *error)
{
    for (size_t i = 0; i < policy->count; i++) {
        const char *name = hsmiam_public_key_get_fingerprint(policy->approvers[i]);
        bool is_ours = strcmp(name, ledger->key.fingerprint) == 0;
        for (size_t k = 0; k < ledger->trusted_count; k++)
            is_ours =
                is_ours || strcmp(name, hsmiam_public_key_get_fingerprint(ledger->trusted[k])) == 0;
        if (is_ours)
            return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                    "Approver %.16s... is an audit key of the ledger; an "
                                    "approver's key is another one, in another token.",
                                    name);
    }
    return HSMIAM_OK;
}

static hsmiam_status learn_keys(hsmiam_ledger *ledger, hsmiam_error *error)
{
    uint64_t size = 0;
    bool known = false;

    (void)pthread_mutex_lock(&ledger->lock);
    hsmiam_status status = hsmiam_file_get_size(&ledger->file, &size, error);
    if (status == HSMIAM_OK)
        status = hsmiam_trust_learn(ledger, size, &known, error);
    (void)pthread_mutex_unlock(&ledger->lock);
    return status;
}

static hsmiam_status write_policy(hsmiam_ledger *ledger, hsmiam_record *record, uint64_t request,
                                  hsmiam_error *error)
{
    char number[HSMIAM_NUMBER_SIZE];

    (void)snprintf(number, sizeof number, "%" PRIu64, request);
    record->fields[HSMIAM_FIELD_EVENT] = hsmiam_event_get_name(HSMIAM_EVENT_POLICY);
    record->fields[HSMIAM_FIELD_REQUEST] = request != 0 ? number : NULL;
    return hsmiam_ledger_append_approved(ledger, record, HSMIAM_APPEND_SIGNED, NULL, error);
}

/* While nobody works on keys, so that nobody goes by the old policy once the new one is there. */
static hsmiam_status change(hsmiam_ledger *ledger, hsmiam_record *record, hsmiam_error *error)
{
    asking run = {.ledger = ledger, .operation = HSMIAM_ACT_POLICY, .record = *record};
    hsmiam_user_lock lock = {.fd = -1};
    uint64_t request = 0;
    bool held = false;

    hsmiam_status status = hsmiam_user_lock_try(ledger, HSMIAM_LOCK_OWN_USER, &lock, &held, error);
    if (status == HSMIAM_OK && !held)
        status = hsmiam_error_set(error, HSMIAM_ERR_UNSETTLED,
                                  "Other processes are working on keys by the policy in force; try "
                                  "again when they have ended.");
    if (status == HSMIAM_OK)
        status = ask(&run, &request, error);
    if (status == HSMIAM_OK)
        status = write_policy(ledger, record, request, error);
    hsmiam_user_lock_release(&lock);
    return status;
}

hsmiam_status hsmiam_ledger_set_policy(hsmiam_ledger *ledger, const hsmiam_policy *policy,
                                       hsmiam_error *error)
{
    hsmiam_policy wanted = *policy; /* its keys are borrowed */
    hsmiam_record record = {{NULL}};
    hsmiam_policy_text text;

    if (policy->count > 0 && policy->operations == 0)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "A policy with approvers names the operations that need them.");
    wanted.needed = hsmiam_policy_get_approvals(policy);
    if (policy->count == 0 && policy->operations != 0)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "A policy that asks for approvals names approvers.");
    hsmiam_status status = hsmiam_ledger_open(ledger, error);
    if (status == HSMIAM_OK && !ledger->has_key)
        status = hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                  "A policy is signed by the audit key, and token \"%s\" has none; "
                                  "`hsmiam provision-token` makes it.",
                                  hsmiam_token_get_label(ledger->token));
    if (status == HSMIAM_OK)
        status = learn_keys(ledger, error);
    if (status == HSMIAM_OK)
        status = check_approvers(ledger, policy, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_policy_format(&wanted, &text, &record);
    return change(ledger, &record, error);
}
