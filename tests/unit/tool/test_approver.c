/* SPDX-License-Identifier: Apache-2.0 */
/* What each approver on the terminal is shown. */
#include "support/cmocka_tests.h"

#include "approver.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const hsmiam_approval_request request = {.number = 7,
                                                .operation = "create-access-key",
                                                .account = "123456789012",
                                                .user_name = "alice",
                                                .access_key_id = "",
                                                .status = "",
                                                .recipient = "",
                                                .token_serial = "",
                                                .credential_id = "",
                                                .endpoint = "",
                                                .asked_by = "op",
                                                .host = "host",
                                                .operations = "",
                                                .approvals_asked = "",
                                                .approvers = "",
                                                .expires = "",
                                                .needed = 2};

/* Only their addresses are looked at. */
static char places[2];
static hsmiam_token *const tokens[] = {(hsmiam_token *)&places[0], (hsmiam_token *)&places[1]};
static const char *const uris[] = {"pkcs11:token=bobs", "pkcs11:token=carols"};

/* Shows the request to the holder of a token, and returns what was said. */
static const char *show(tool_approver *approver, const hsmiam_token *token)
{
    static char said[1024];
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);

    assert_non_null(file);
    (void)fflush(stderr);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    bool yes = tool_approver_show(approver, &request, token);
    (void)fflush(stderr);
    (void)dup2(kept, STDERR_FILENO);
    (void)close(kept);
    ssize_t got = pread(fileno(file), said, sizeof said - 1, 0);
    (void)fclose(file);
    assert_true(yes && got >= 0);
    said[got] = '\0';
    return said;
}

/* In a batch a holder sees the first of what is alike, and so does each other holder. */
static void shows_each_holder_a_batch(void **state)
{
    tool_approver approver = {.tokens = tokens, .uris = uris, .count = 2, .is_batch = true};

    (void)state;
    assert_non_null(strstr(show(&approver, tokens[0]), uris[0]));
    assert_non_null(strstr(show(&approver, tokens[1]), uris[1]));
    assert_string_equal(show(&approver, tokens[0]), "");
    assert_string_equal(show(&approver, tokens[1]), "");
}

static void shows_each_request(void **state)
{
    tool_approver approver = {.tokens = tokens, .uris = uris, .count = 2};

    (void)state;
    assert_non_null(strstr(show(&approver, tokens[0]), "alice"));
    assert_non_null(strstr(show(&approver, tokens[0]), "alice"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_each_holder_a_batch),
        cmocka_unit_test(shows_each_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
