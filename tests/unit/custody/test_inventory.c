/* SPDX-License-Identifier: Apache-2.0 */
/* All keys of an account, with what tokens and ledger say of them. */
#include "ledger_fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FOREIGN_ID "AKIAFOREIGNFOREIGN00"

/* What was reported, a line a key. */
static char told[2048];

static void take(void *context, const hsmiam_key_facts *facts)
{
    size_t used = strlen(told);

    (void)context;
    if (facts->origin[0] != '\0') {
        assert_true(facts->made > 0 && facts->proven >= facts->made);
        assert_string_not_equal(facts->made_by, "");
    }
    (void)snprintf(told + used, sizeof told - used, "%s %s%s%s%s%s\n", facts->access_key_id,
                   facts->user_name, facts->in_iam ? " iam" : "", facts->in_token ? " token" : "",
                   facts->use_known ? " use" : "",
                   facts->origin[0] == '\0'               ? ""
                   : strcmp(facts->origin, "issued") == 0 ? " issued"
                                                          : " imported");
}

static hsmiam_status list(fixture *fix, bool with_use)
{
    told[0] = '\0';
    hsmiam_error_clear(fix->error);
    return hsmiam_access_key_inventory(&fix->client, fix->custody, with_use, take, NULL,
                                       fix->error);
}

static void test_join(void **state)
{
    fixture *fix = *state;

    assert_int_equal(hsmiam_access_key_import(fix->custody, NEW_ID, "x", NEW_SECRET,
                                              sizeof NEW_SECRET - 1, NULL, fix->error),
                     HSMIAM_OK);
    mock_remove(mock_find(CKO_SECRET_KEY, NEW_ID)); /* the record of it is not the last */
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_OK);
    assert_int_equal(hsmiam_access_key_import(fix->custody, FOREIGN_ID, "x", NEW_SECRET,
                                              sizeof NEW_SECRET - 1, NULL, fix->error),
                     HSMIAM_OK);
    fake_iam_add_key(&fix->client, "bob", OTHER_ID);
    assert_int_equal(list(fix, true), HSMIAM_OK);
    assert_string_equal(told, ROOT_ID " issuer iam token use\n" NEW_ID
                                      " alice iam token use issued\n" OTHER_ID
                                      " bob iam use\n" FOREIGN_ID "  token imported\n");
    assert_int_equal(list(fix, false), HSMIAM_OK);
    assert_string_equal(told,
                        ROOT_ID " issuer iam token\n" NEW_ID " alice iam token issued\n" OTHER_ID
                                " bob iam\n" FOREIGN_ID "  token imported\n");
    assert_int_equal(fix->notices, 0);
}

/* The root user's keys stand in no user's list: the credential's own are asked for, others found by
 * their last use. */
static void test_root_user(void **state)
{
    fixture *fix = *state;

    fix->client.keys[0].user_name[0] = '\0';
    (void)mock_add_access_key(OTHER_ID, "<root_account>", NEW_SECRET);
    fake_iam_add_key(&fix->client, "", OTHER_ID);
    assert_int_equal(list(fix, false), HSMIAM_OK);
    assert_string_equal(told, OTHER_ID "  iam token\n" ROOT_ID "  iam token\n");
    fix->client.own_user = "";
    assert_int_equal(list(fix, false), HSMIAM_OK);
    assert_string_equal(told, ROOT_ID "  iam token\n" OTHER_ID "  iam token\n");
}

static void test_ledger(void **state)
{
    fixture *fix = *state;
    FILE *file = NULL;

    assert_int_equal(list(fix, false), HSMIAM_OK);                 /* there is none yet, */
    assert_int_equal(access(ledger_fixture_get_path(), F_OK), -1); /* nor is one made */
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_OK);
    file = fopen(ledger_fixture_get_path(), "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 20, SEEK_SET), 0);
    assert_int_equal(fputc('#', file), '#');
    assert_int_equal(fclose(file), 0);
    assert_int_equal(list(fix, false), HSMIAM_OK);
    assert_string_equal(told, ROOT_ID " issuer iam token\n" NEW_ID " alice iam token\n");
    assert_int_equal(fix->notices, 1);
    assert_non_null(strstr(fix->log, "does not verify"));
}

static void test_failures(void **state)
{
    fixture *fix = *state;

    fix->client.usage = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    assert_int_equal(list(fix, true), HSMIAM_OK);
    assert_string_equal(told, ROOT_ID " issuer iam token\n");
    assert_int_equal(fix->notices, 1);
    fix->client.caller = (fake_answer){HSMIAM_ERR_NETWORK, ""};
    assert_int_equal(list(fix, false), HSMIAM_OK);
    fix->client.list_before = (fake_answer){HSMIAM_ERR_SERVICE, "NoSuchEntity"};
    assert_int_equal(list(fix, false), HSMIAM_OK); /* the user is gone, the object is not */
    assert_string_equal(told, ROOT_ID "  token\n");
    fix->client.list_before = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    assert_int_equal(list(fix, false), HSMIAM_ERR_SERVICE);
    fix->client.users = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    assert_int_equal(list(fix, false), HSMIAM_ERR_SERVICE);
    mock_fail(MOCK_C_FindObjects, 0, CKR_FUNCTION_FAILED);
    assert_int_equal(list(fix, false), HSMIAM_ERR_TOKEN);
    assert_string_equal(told, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ledger_test(test_join),
        ledger_test(test_root_user),
        ledger_test(test_ledger),
        ledger_test(test_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
