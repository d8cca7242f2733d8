/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of a verification share. */
#ifndef HSMIAM_LEDGER_VERIFY_H
#define HSMIAM_LEDGER_VERIFY_H

#include "ledger/dual.h"

/* verify_pool.c ---------------------------------------------------------------------------------*/

/* Checks signatures, on threads of its own once there are many. */
typedef struct hsmiam_verify_pool hsmiam_verify_pool;

/* `keys` is borrowed; entries that are there when a signature is given are used for it. */
hsmiam_status hsmiam_verify_pool_new(hsmiam_public_key *const *keys, hsmiam_verify_pool **pool_out,
                                     hsmiam_error *error) HSMIAM_MUST_USE;
void hsmiam_verify_pool_free(hsmiam_verify_pool **pool);

/* Takes a line's signature, in base64, by key number `key`. May wait for a thread. */
void hsmiam_verify_pool_add(hsmiam_verify_pool *pool, uint64_t line, size_t key,
                            const uint8_t digest[HSMIAM_DIGEST_SIZE], const char *signature);

/* Waits until all are checked; the first line whose signature is wrong, 0: none. MEMORY. */
hsmiam_status hsmiam_verify_pool_finish(hsmiam_verify_pool *pool, uint64_t *bad_line_out,
                                        hsmiam_error *error) HSMIAM_MUST_USE;

/* The first line that is known by now to be wrong, 0: none so far. */
uint64_t hsmiam_verify_pool_get_bad_line(hsmiam_verify_pool *pool);

/* verify.c, verify_fault.c ----------------------------------------------------------------------*/

/* A verification on its way. */
typedef struct hsmiam_verification {
    hsmiam_ledger *ledger;
    hsmiam_ledger_finding_fn report;
    void *context;
    hsmiam_ledger_verdict *verdict;

    hsmiam_file file;
    uint64_t size; /* of the file when it began */
    hsmiam_forward lines;
    hsmiam_hash *hash;
    hsmiam_hash *torn_hash;
    hsmiam_verify_pool *pool;
    hsmiam_public_key *keys[HSMIAM_TRUSTED_MAX];
    size_t key_count;

    uint64_t line_number; /* of the line that was read last, from 1 on */
    hsmiam_line line;     /* it, */
    hsmiam_record record; /* and what it says */
    hsmiam_record_storage storage;
    size_t signed_size;
    uint8_t line_hash[HSMIAM_DIGEST_SIZE];

    uint64_t sequence; /* of the record that was accepted last; 0: none */
    char previous[HSMIAM_HEX_SIZE];
    bool previous_signed;
    uint64_t pending_line; /* the first of a run of unsigned records; 0: none */
    uint64_t pending_sequence;
    bool has_signed;    /* there was a signed record */
    uint64_t torn_line; /* the first of what is no record; 0: none */
    uint64_t torn_size;
    bool torn_ended; /* a line feed stands behind it */

    hsmiam_dual dual; /* what needs approvals, and has them */

    bool has_checkpoint;
    uint64_t checkpoint_sequence;
    char checkpoint_hash[HSMIAM_HEX_SIZE];
    bool checkpoint_differs; /* the record of that number has another hash, in the line: */
    uint64_t checkpoint_line;
} hsmiam_verification;

/* The number of a trusted key, key_count if it is none. */
size_t hsmiam_verification_find_key(const hsmiam_verification *run, const char *fingerprint);

/* Ends the verification with a fault in a line, or with the earlier one that a signature shows.
 * LEDGER. */
hsmiam_status hsmiam_verification_fail(hsmiam_verification *run, hsmiam_fault fault, uint64_t line,
                                       const char *sentence, hsmiam_error *error);

/* Ends it because the record that was just read does not continue the chain, or because its signer
 * is not known. */
hsmiam_status hsmiam_verification_break(hsmiam_verification *run, hsmiam_error *error);
hsmiam_status hsmiam_verification_distrust(hsmiam_verification *run, hsmiam_error *error);

/* Ends it because a signature is wrong, in a line that was accepted. */
hsmiam_status hsmiam_verification_convict(hsmiam_verification *run, uint64_t line, bool continued,
                                          hsmiam_error *error);

/* Holds the ledger, which is right so far, against the checkpoint. */
hsmiam_status hsmiam_verification_check_end(hsmiam_verification *run,
                                            hsmiam_error *error) HSMIAM_MUST_USE;

#endif
