/* SPDX-License-Identifier: Apache-2.0 */
/* Dual control: what counts as an approval, once, for just what it was asked for. */
#include "asking.h"

#include <string.h>
#include <time.h>

static approver bob;
static approver carol;

static int make_approvers(void **state)
{
    (void)state;
    approver_init(&bob, false);
    approver_init(&carol, true);
    return 0;
}

static int clear_approvers(void **state)
{
    (void)state;
    approver_clear(&bob);
    approver_clear(&carol);
    return 0;
}

static void test_nothing_needs_any(void **state)
{
    fixture *fix = *state;
    const hsmiam_ledger_facts facts = asking_make_facts("alice");
    uint64_t number = 1;

    assert_int_equal(hsmiam_ledger_ask_approval(fix->ledger, HSMIAM_ACT_CREATE, &facts, true,
                                                &number, fix->error),
                     HSMIAM_OK);
    assert_int_equal(number, 0);
    asking_force(fix, HSMIAM_EVENT_INTENT, "alice", 0);
    assert_int_equal(approver_set_policy(fix, "delete", 1, &bob, 1), HSMIAM_OK);
    assert_int_equal(hsmiam_ledger_ask_approval(fix->ledger, HSMIAM_ACT_CREATE, &facts, true,
                                                &number, fix->error),
                     HSMIAM_OK);
    asking_force(fix, HSMIAM_EVENT_INTENT, "alice", 0);
    assert_int_equal(fixture_verify(fix), HSMIAM_OK);
}

static void test_serves_once(void **state)
{
    fixture *fix = *state;

    assert_int_equal(approver_set_policy(fix, "create-access-key,delete", 1, &bob, 1), HSMIAM_OK);
    uint64_t number = asking_approve(fix, &bob, HSMIAM_ACT_CREATE, "alice");
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_CREATE, "alice"), number);
    asking_force(fix, HSMIAM_EVENT_INTENT, "alice", number);
    assert_int_equal(fixture_verify(fix), HSMIAM_OK);
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_CREATE, "alice"), 0);
    fixture_reopen(fix); /* another process */
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_CREATE, "alice"), 0);
    asking_force(fix, HSMIAM_EVENT_INTENT, "alice", number);
    asking_expect_wrong(fix, HSMIAM_FAULT_UNAPPROVED, "used before");
}

static void test_serves_for_nothing_else(void **state)
{
    static const struct {
        hsmiam_event event;
        const char *user_name;
        const char *reason;
    } others[] = {
        {HSMIAM_EVENT_INTENT, "bob", "another account, user, key"},
        {HSMIAM_EVENT_INTENT, NULL, "another account, user, key"},
        {HSMIAM_EVENT_DELETE, "alice", "for something else"},
    };
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        fixture_write(fix, "", 0);
        fixture_reopen(fix);
        assert_int_equal(approver_set_policy(fix, "create-access-key,delete", 1, &bob, 1),
                         HSMIAM_OK);
        uint64_t number = asking_approve(fix, &bob, HSMIAM_ACT_CREATE, "alice");
        assert_int_equal(asking_ask(fix, HSMIAM_ACT_CREATE, "bob"), 0);
        asking_force(fix, others[i].event, others[i].user_name, number);
        asking_expect_wrong(fix, HSMIAM_FAULT_UNAPPROVED, others[i].reason);
    }
}

/* A session's key is another one each time; that of a user is not. */
static void test_credentials(void **state)
{
    static const struct {
        const char *user_name;
        const char *asked;
        const char *used;
        bool serves;
    } cases[] = {
        {"alice", "ASIAIOSFODNN7EXAMPL1", "ASIAIOSFODNN7EXAMPL2", true},
        {"bob", "AKIAIOSFODNN7EXAMPL1", "AKIAIOSFODNN7EXAMPL2", false},
        {"eve", "AKIAIOSFODNN7EXAMPL1", "ASIAIOSFODNN7EXAMPL2", false},
    };
    fixture *fix = *state;
    hsmiam_ledger_facts facts = asking_make_facts("alice");

    assert_int_equal(approver_set_policy(fix, "create-access-key", 1, &bob, 1), HSMIAM_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t number = 0;
        facts.user_name = cases[i].user_name;
        facts.credential_id = cases[i].asked;
        assert_int_equal(hsmiam_ledger_ask_approval(fix->ledger, HSMIAM_ACT_CREATE, &facts, false,
                                                    &number, fix->error),
                         HSMIAM_ERR_APPROVAL);
        uint64_t asked = asking_get_last(fix);
        facts.credential_id = cases[i].used;
        (void)!hsmiam_ledger_ask_approval(fix->ledger, HSMIAM_ACT_CREATE, &facts, false, &number,
                                          fix->error);
        assert_int_equal(asking_get_last(fix) == asked, cases[i].serves);
    }
}

static void test_none(void **state)
{
    fixture *fix = *state;

    assert_int_equal(approver_set_policy(fix, "create-access-key", 1, &bob, 1), HSMIAM_OK);
    uint64_t number = asking_request(fix, HSMIAM_ACT_CREATE, "alice");
    asking_force(fix, HSMIAM_EVENT_INTENT, "alice", number);
    asking_expect_wrong(fix, HSMIAM_FAULT_UNAPPROVED, "lacks the approvals");
    fixture_write(fix, "", 0);
    fixture_reopen(fix);
    assert_int_equal(approver_set_policy(fix, "create-access-key", 1, &bob, 1), HSMIAM_OK);
    asking_force(fix, HSMIAM_EVENT_INTENT, "alice", 0);
    asking_expect_wrong(fix, HSMIAM_FAULT_UNAPPROVED, "it names none");
}

static void test_account_is_needed(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = asking_make_facts("alice");
    uint64_t number = 0;

    facts.account = NULL;
    assert_int_equal(approver_set_policy(fix, "create-access-key", 1, &bob, 1), HSMIAM_OK);
    assert_int_equal(hsmiam_ledger_ask_approval(fix->ledger, HSMIAM_ACT_CREATE, &facts, false,
                                                &number, fix->error),
                     HSMIAM_ERR_CONFIG);
    fixture_expect_message(fix, "STS did not tell it");
}

static void test_many(void **state)
{
    fixture *fix = *state;
    const hsmiam_ledger_facts facts = asking_make_facts("alice");
    size_t lines = 0;
    uint64_t number = 0;

    assert_int_equal(approver_set_policy(fix, "create-access-key", 1, &bob, 1), HSMIAM_OK);
    lines = fixture_count_lines(fix);
    assert_int_equal(hsmiam_ledger_ask_approval(fix->ledger, HSMIAM_ACT_CREATE, &facts, true,
                                                &number, fix->error),
                     HSMIAM_ERR_APPROVAL);
    fixture_expect_message(fix, "in a batch they are given on this terminal");
    assert_int_equal(fixture_count_lines(fix), lines);
}

/* Two of them, by different kinds of keys; one of them twice is one. */
static void test_two(void **state)
{
    fixture *fix = *state;
    const approver both[] = {bob, carol};

    assert_int_equal(approver_set_policy(fix, "create-access-key", 2, both, 2), HSMIAM_OK);
    uint64_t number = asking_approve(fix, &bob, HSMIAM_ACT_CREATE, "alice");
    approver_approve(fix, &bob, number, APPROVER_SERIAL);
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_CREATE, "alice"), 0);
    fixture_expect_message(fix, "asks for 1 more approval");
    approver_approve(fix, &carol, number, "carols");
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_CREATE, "alice"), number);
    asking_force(fix, HSMIAM_EVENT_INTENT, "alice", number);
    assert_int_equal(fixture_verify(fix), HSMIAM_OK);
}

static void test_by_whom(void **state)
{
    static const struct {
        const approver *by;
        const char *serial;
        hsmiam_fault fault;
        const char *reason;
    } others[] = {
        {&carol, "carols", HSMIAM_FAULT_UNAPPROVED, "by a key that is no approver"},
        {&bob, SERIAL, HSMIAM_FAULT_UNAPPROVED, "from the very token"},
        {&bob, "1", HSMIAM_FAULT_UNAPPROVED, "from the very token"},
    };
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const char *serial = others[i].serial;
        fixture_write(fix, "", 0);
        fixture_reopen(fix);
        assert_int_equal(approver_set_policy(fix, "create-access-key", 1, &bob, 1), HSMIAM_OK);
        if (strcmp(serial, "1") == 0) /* that with the audit key */
            serial = hsmiam_token_get_serial(fix->token);
        uint64_t number = asking_request(fix, HSMIAM_ACT_CREATE, "alice");
        approver_approve(fix, others[i].by, number, serial);
        asking_expect_wrong(fix, others[i].fault, others[i].reason);
        assert_int_equal(asking_ask(fix, HSMIAM_ACT_CREATE, "alice"), 0);
    }
}

/* What was signed for one request does not serve another one. */
static void test_replay(void **state)
{
    fixture *fix = *state;
    static const char other_number[] = "5";

    assert_int_equal(approver_set_policy(fix, "create-access-key", 1, &bob, 1), HSMIAM_OK);
    uint64_t one = asking_request(fix, HSMIAM_ACT_CREATE, "alice");
    assert_int_equal(asking_request(fix, HSMIAM_ACT_CREATE, "bob"), 4);
    assert_int_equal(asking_request(fix, HSMIAM_ACT_CREATE, "eve"), 5);
    hsmiam_record record = approver_make_record(fix, &bob, one, APPROVER_SERIAL);
    record.fields[HSMIAM_FIELD_REQUEST] = other_number;
    assert_int_equal(
        hsmiam_ledger_append(fix->ledger, &record, HSMIAM_APPEND_OR_PENDING, NULL, fix->error),
        HSMIAM_OK);
    asking_expect_wrong(fix, HSMIAM_FAULT_FORGED, "did not sign that");
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_CREATE, "eve"), 0);
}

/* A request whose time is over, as the clock of whoever writes has it. */
static void test_expired(void **state)
{
    fixture *fix = *state;

    assert_int_equal(approver_set_policy(fix, "create-access-key", 1, &bob, 1), HSMIAM_OK);
    uint64_t number = asking_request_until(fix, HSMIAM_ACT_CREATE, "alice", "2020-01-01T00:00:00Z");
    approver_approve(fix, &bob, number, APPROVER_SERIAL);
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_CREATE, "alice"), 0);
    asking_force(fix, HSMIAM_EVENT_INTENT, "alice", number);
    size_t lines = fixture_count_lines(fix);
    fixture_expect_fault(fix, HSMIAM_FAULT_UNAPPROVED, lines);
    fixture_expect_message(fix, "had expired");
}

/* A rotation is approved as a whole: the key that it makes is, once, and no other. */
static void test_rotation(void **state)
{
    fixture *fix = *state;

    assert_int_equal(approver_set_policy(fix, "create-access-key", 1, &bob, 1), HSMIAM_OK);
    uint64_t number = asking_approve(fix, &bob, HSMIAM_ACT_ROTATE, "alice");
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_ROTATE, "alice"), number);
    asking_force(fix, HSMIAM_EVENT_ROTATION, "alice", number);
    asking_force(fix, HSMIAM_EVENT_INTENT, "alice", number);
    assert_int_equal(fixture_verify(fix), HSMIAM_OK);
    asking_force(fix, HSMIAM_EVENT_INTENT, "alice", number);
    asking_expect_wrong(fix, HSMIAM_FAULT_UNAPPROVED, "used before");
    fixture_write(fix, "", 0);
    fixture_reopen(fix);
    assert_int_equal(approver_set_policy(fix, "update", 1, &bob, 1), HSMIAM_OK);
    asking_force(fix, HSMIAM_EVENT_ROTATION, "alice", 0);
    asking_expect_wrong(fix, HSMIAM_FAULT_UNAPPROVED, "it names none");
}

static void test_policies(void **state)
{
    fixture *fix = *state;

    assert_int_equal(approver_set_policy(fix, "create-access-key", 1, &bob, 1), HSMIAM_OK);
    uint64_t stale = asking_approve(fix, &bob, HSMIAM_ACT_CREATE, "alice");
    assert_int_equal(approver_set_policy(fix, "", 0, NULL, 0), HSMIAM_ERR_APPROVAL);
    approver_approve(fix, &bob, asking_get_last(fix), APPROVER_SERIAL);
    /* Another change than the one that is approved is another request. */
    assert_int_equal(approver_set_policy(fix, "delete", 1, &carol, 1), HSMIAM_ERR_APPROVAL);
    assert_int_equal(approver_set_policy(fix, "", 0, NULL, 0), HSMIAM_OK);
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_CREATE, "alice"), 0);
    assert_int_equal(fixture_verify(fix), HSMIAM_OK);
    /* What was approved under a policy that is gone is so no more. */
    assert_int_equal(approver_set_policy(fix, "create-access-key", 1, &bob, 1), HSMIAM_OK);
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_CREATE, "alice"), 0);
    asking_force(fix, HSMIAM_EVENT_INTENT, "alice", stale);
    asking_expect_wrong(fix, HSMIAM_FAULT_UNAPPROVED, "made under another policy");
}

/* Counts how often it is asked, and says what it was made to say. */
typedef struct holder {
    bool says;
    size_t asked;
} holder;

static bool ask_holder(void *context, const hsmiam_approval_request *request,
                       const hsmiam_token *token)
{
    holder *asked = context;

    (void)request;
    (void)token;
    asked->asked++;
    return asked->says;
}

/* Each holder is asked for their own token: nobody's consent stands for another's. */
static void test_each_holder_is_asked(void **state)
{
    fixture *fix = *state;
    const hsmiam_ledger_facts facts = asking_make_facts("alice");
    holder first = {.says = false};
    holder second = {.says = true};
    uint64_t request = 0;

    assert_int_equal(approver_set_policy(fix, "create-access-key", 1, &bob, 1), HSMIAM_OK);
    assert_int_equal(
        hsmiam_ledger_add_approver(fix->ledger, fix->token, ask_holder, &first, fix->error),
        HSMIAM_OK);
    assert_int_equal(
        hsmiam_ledger_add_approver(fix->ledger, fix->token, ask_holder, &second, fix->error),
        HSMIAM_OK);
    assert_int_equal(hsmiam_ledger_ask_approval(fix->ledger, HSMIAM_ACT_CREATE, &facts, false,
                                                &request, fix->error),
                     HSMIAM_ERR_CANCELLED);
    assert_int_equal(first.asked, 1);
    assert_int_equal(second.asked, 0);
    assert_int_equal(request, 0);
}

/* Whoever has the audit key, and other software, lifts nothing by it. */
static void test_policy_without_approval(void **state)
{
    fixture *fix = *state;
    hsmiam_record record = {{NULL}};
    hsmiam_policy_text text;
    const hsmiam_policy none = {.count = 0};

    assert_int_equal(approver_set_policy(fix, "create-access-key", 1, &bob, 1), HSMIAM_OK);
    hsmiam_policy_format(&none, &text, &record);
    record.fields[HSMIAM_FIELD_EVENT] = "policy";
    assert_int_equal(
        hsmiam_ledger_append(fix->ledger, &record, HSMIAM_APPEND_SIGNED, NULL, fix->error),
        HSMIAM_OK);
    asking_expect_wrong(fix, HSMIAM_FAULT_UNAPPROVED, "it names none");
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_CREATE, "alice"), 0);
    fixture_reopen(fix);
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_CREATE, "alice"), 0);
}

/* A fact that an event gets later is bound, and a request must be able to have it. */
static void test_requests_have_what_is_bound(void **state)
{
    const hsmiam_event_form *form = &hsmiam_event_forms[HSMIAM_EVENT_REQUEST];

    (void)state;
    for (int act = 0; act < HSMIAM_ACT_COUNT; act++) {
        hsmiam_record record = {{NULL}};
        for (size_t i = 0; i < HSMIAM_FIELD_COUNT; i++)
            record.fields[i] = "";
        hsmiam_dual_keep_facts((hsmiam_act)act, &record);
        for (size_t i = 0; i < HSMIAM_FIELD_COUNT; i++)
            if (record.fields[i] != NULL && ((form->needed | form->allowed) >> i & 1) == 0)
                fail_msg("%s: a request cannot have %s (event.c)",
                         hsmiam_act_get_name((hsmiam_act)act),
                         hsmiam_field_get_name((hsmiam_field)i));
    }
}

static void test_wrong_policies(void **state)
{
    fixture *fix = *state;
    hsmiam_policy *policy = NULL;
    static const char two[] = "create-access-key,  delete rotate";

    assert_int_equal(hsmiam_policy_new(&policy, fix->error), HSMIAM_OK);
    assert_int_equal(hsmiam_policy_require(policy, two, fix->error), HSMIAM_OK);
    assert_string_equal(hsmiam_policy_get_operations(policy), "create-access-key rotate delete");
    assert_int_equal(hsmiam_policy_require(policy, "all", fix->error), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(hsmiam_ledger_set_policy(fix->ledger, policy, fix->error),
                     HSMIAM_ERR_ARGUMENT);
    fixture_expect_message(fix, "names approvers");
    assert_int_equal(hsmiam_policy_add_approvers(policy, "none", 4, fix->error),
                     HSMIAM_ERR_ARGUMENT);
    assert_int_equal(hsmiam_policy_add_approvers(policy, bob.pem, strlen(bob.pem), fix->error),
                     HSMIAM_OK);
    assert_int_equal(hsmiam_policy_add_approvers(policy, bob.pem, strlen(bob.pem), fix->error),
                     HSMIAM_ERR_ARGUMENT);
    assert_int_equal(hsmiam_policy_get_approvals(policy), 1);
    assert_int_equal(hsmiam_policy_set_approvals(policy, 2, fix->error), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(hsmiam_policy_set_approvals(policy, 0, fix->error), HSMIAM_ERR_ARGUMENT);
    assert_string_equal(hsmiam_policy_get_approver(policy, 0), bob.fingerprint);
    assert_null(hsmiam_policy_get_approver(policy, 1));
    hsmiam_policy_free(&policy);
    fixture_remove_key(fix);
    fixture_reopen(fix);
    assert_int_equal(approver_set_policy(fix, "delete", 1, &bob, 1), HSMIAM_ERR_CONFIG);
    fixture_expect_message(fix, "is signed by the audit key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_nothing_needs_any),
        fixture_test(test_serves_once),
        fixture_test(test_serves_for_nothing_else),
        fixture_test(test_credentials),
        fixture_test(test_none),
        fixture_test(test_account_is_needed),
        fixture_test(test_many),
        fixture_test(test_each_holder_is_asked),
        fixture_test(test_two),
        fixture_test(test_by_whom),
        fixture_test(test_replay),
        fixture_test(test_expired),
        fixture_test(test_rotation),
        fixture_test(test_policies),
        fixture_test(test_policy_without_approval),
        cmocka_unit_test(test_requests_have_what_is_bound),
        fixture_test(test_wrong_policies),
    };

    return cmocka_run_group_tests(tests, make_approvers, clear_approvers);
}
