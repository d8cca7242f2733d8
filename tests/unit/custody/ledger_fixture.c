/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger_fixture.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "token/keys.h"

static char directory[64];
static char path[sizeof directory + 16];
static hsmiam_ledger *ledger;
static char told[1024];

int ledger_fixture_set_up(void **state)
{
    hsmiam_object key = 0;
    int failed = fixture_set_up(state);
    fixture *fix = *state;

    (void)snprintf(directory, sizeof directory, "/tmp/hsmiam-ledger-XXXXXX");
    if (failed != 0 || mkdtemp(directory) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/ledger", directory);
    if (hsmiam_token_open(fix->token, fix->error) != HSMIAM_OK ||
        hsmiam_pair_generate(fix->token, &hsmiam_pair_audit, &key, fix->error) != HSMIAM_OK ||
        hsmiam_ledger_new(path, &ledger, fix->error) != HSMIAM_OK)
        return -1;
    hsmiam_ledger_set_token(ledger, fix->token);
    hsmiam_custody_set_ledger(fix->custody, ledger);
    return 0;
}

int ledger_fixture_tear_down(void **state)
{
    char pattern[sizeof path + 16];
    glob_t found = {0};

    hsmiam_ledger_free(&ledger);
    (void)snprintf(pattern, sizeof pattern, "%s*", path);
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            (void)unlink(found.gl_pathv[i]);
    globfree(&found);
    int left = rmdir(directory);
    return fixture_tear_down(state) != 0 ? -1 : left;
}

hsmiam_ledger *ledger_fixture_get(void)
{
    return ledger;
}

const char *ledger_fixture_get_path(void)
{
    return path;
}

static bool add(void *context, const hsmiam_ledger_record *record)
{
    const char *id = hsmiam_ledger_record_get_text(record, "access_key_id");
    const char *result = hsmiam_ledger_record_get_text(record, "result");
    size_t used = strlen(told);

    if (id != NULL && strcmp(id, context) == 0)
        (void)snprintf(told + used, sizeof told - used, "%s%s", used > 0 ? " " : "",
                       result != NULL ? result : hsmiam_ledger_record_get_text(record, "event"));
    return true;
}

const char *ledger_fixture_tell(const char *access_key_id)
{
    hsmiam_ledger_verdict verdict;

    told[0] = '\0';
    assert_int_equal(hsmiam_ledger_read(ledger, NULL, add, (void *)access_key_id, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_ledger_verify(ledger, NULL, NULL, &verdict, NULL), HSMIAM_OK);
    return told;
}
