/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger in a directory of its own, signed by the mock module's audit key. */
#ifndef HSMIAM_TESTS_LEDGER_FIXTURE_H
#define HSMIAM_TESTS_LEDGER_FIXTURE_H

#include "support/cmocka_tests.h"

#include "ledger/internal.h"
#include "support/mock_cryptoki.h"

#define KEY_ID   "AKIAIOSFODNN7EXAMPLE"
#define OTHER_ID "AKIAI44QH8DHBEXAMPLE"
#define SERIAL   "serial"
#define TOKEN    "pkcs11:token=mock%20token?pin-value=" MOCK_PIN
#define WRAPPING "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

typedef struct fixture {
    char directory[64];
    char path[128];
    hsmiam_token *token;
    hsmiam_ledger *ledger;
    hsmiam_error *error;
    size_t notices;
    char log[8192];
    size_t findings[HSMIAM_LEDGER_TRUST + 1]; /* of the last verification, */
    uint64_t finding_line;                    /* the last one's line, */
    hsmiam_ledger_verdict verdict;            /* and its verdict */
} fixture;

int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* Replaces the token's audit key by a new one, or takes it away. */
void fixture_change_key(fixture *fix);
void fixture_remove_key(fixture *fix);

/* Opens the ledger anew. */
void fixture_reopen(fixture *fix);

extern const hsmiam_ledger_facts fixture_facts;

/* Adds an import, an intent, an outcome; each must succeed. */
void fixture_import(fixture *fix);
uint64_t fixture_intend(fixture *fix);
void fixture_end(fixture *fix, uint64_t intent, hsmiam_result result);

/* The file's content, NUL-terminated, freed by the caller; and a new content. */
char *fixture_read(const fixture *fix, size_t *size_out);
void fixture_write(const fixture *fix, const char *data, size_t size);

size_t fixture_count_lines(const fixture *fix);
bool fixture_file_has(const fixture *fix, const char *text);

/* Appends bytes that no writer of ours would. */
void fixture_spoil(const fixture *fix, const char *text, size_t size);

/* Appends a record as somebody would who can write the file but has not the audit key: chained, and
 * unsigned, or signed by a key of their own. */
void fixture_forge(const fixture *fix, hsmiam_record record, bool sign);

/* An outcome like that, without its chain. */
hsmiam_record fixture_make_outcome(const char *intent, const char *result);

/* Verifies. */
hsmiam_status fixture_verify(fixture *fix);
void fixture_expect_intact(fixture *fix, uint64_t records);
void fixture_expect_fault(fixture *fix, hsmiam_fault fault, uint64_t line);

void fixture_expect_message(const fixture *fix, const char *part);

#define fixture_test(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

#endif
