/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger verified, without a token. Part of hsmiam.h, which has the conventions. */
#ifndef HSMIAM_VERIFY_H
#define HSMIAM_VERIFY_H

#include <hsmiam/error.h>
#include <hsmiam/ledger.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Adds a public key, PEM, that a verification trusts from the start. With none, it trusts the key
 *  that the ledger's own first signed record introduces: that shows whether the ledger is of one
 *  piece, not whose it is. Statuses: ARGUMENT, MEMORY. */
HSMIAM_API hsmiam_status hsmiam_ledger_trust_key(hsmiam_ledger *ledger, const char *pem,
                                                 size_t size, hsmiam_error *error) HSMIAM_MUST_USE;

/** Sets a checkpoint, as hsmiam_ledger_make_checkpoint() gave it, that a verification holds the
 *  ledger against. Statuses: ARGUMENT, MEMORY. */
HSMIAM_API hsmiam_status hsmiam_ledger_set_checkpoint(hsmiam_ledger *ledger, const char *line,
                                                      size_t size,
                                                      hsmiam_error *error) HSMIAM_MUST_USE;

/** Lets a verification pass records at the ledger's end that nobody signed: those that wait for a
 *  countersignature, or all of a ledger that has no audit key yet. They are pointed out. */
HSMIAM_API void hsmiam_ledger_set_allow_unsigned(hsmiam_ledger *ledger, bool allow);

/** What a verification points out; none of these makes a ledger a wrong one. */
typedef enum hsmiam_ledger_finding {
    HSMIAM_LEDGER_KEY,     /**< a record introduces an audit key */
    HSMIAM_LEDGER_SEALED,  /**< a crash left what is no record, under a seal */
    HSMIAM_LEDGER_PENDING, /**< records that nobody signed when they were written */
    HSMIAM_LEDGER_TRUST    /**< the first key is trusted because the ledger itself has it */
} hsmiam_ledger_finding;

/** Receives a finding: the number of its line, counted from 1, and a sentence. */
typedef void (*hsmiam_ledger_finding_fn)(void *context, hsmiam_ledger_finding finding,
                                         uint64_t line, const char *sentence);

/** What is wrong with the first bad line. */
typedef enum hsmiam_fault {
    HSMIAM_FAULT_NONE = 0,
    HSMIAM_FAULT_CHANGED,   /**< the line is not what was signed, or no record at all */
    HSMIAM_FAULT_REMOVED,   /**< records are missing before it */
    HSMIAM_FAULT_REORDERED, /**< it stands before records that belong before it */
    HSMIAM_FAULT_ADDED,     /**< it stands there once more, or comes from elsewhere */
    HSMIAM_FAULT_FORGED,    /**< nobody who is trusted signed it */
    HSMIAM_FAULT_TORN,      /**< the last line is incomplete, and not sealed yet */
    HSMIAM_FAULT_TRUNCATED, /**< the ledger ends before the checkpoint */
    HSMIAM_FAULT_UNSIGNED,  /**< nobody signed it, nor countersigned it later */
    HSMIAM_FAULT_UNAPPROVED /**< it lacks the approval that the policy in force asks for */
} hsmiam_fault;

/** What a verification came to. */
typedef struct hsmiam_ledger_verdict {
    hsmiam_fault fault;
    uint64_t line;        /**< the first bad line, counted from 1; 0: none */
    uint64_t records;     /**< that were read, up to a bad one */
    uint64_t pending;     /**< of those, unsigned ones that a later record covers */
    uint64_t unsettled;   /**< unsigned ones that none covers yet */
    uint64_t sealed;      /**< seals */
    uint64_t sequence;    /**< of the last record */
    char hash[65];        /**< SHA-256 of its line, in hex */
    char trusted_key[65]; /**< fingerprint of the key that trust started from */
    bool pinned;          /**< it was given by hsmiam_ledger_trust_key() */
} hsmiam_ledger_verdict;

/** The word for a fault, "changed". Static storage. */
HSMIAM_API const char *hsmiam_fault_get_name(hsmiam_fault fault);

/**
 * Verifies the whole ledger in constant memory, signatures on several threads. Needs no token.
 * report       may be NULL.
 * verdict_out  filled on LEDGER as well.
 * Statuses: LEDGER (the message names the first bad line and what is wrong with it), IO, MEMORY,
 * ARGUMENT (the checkpoint is none that a trusted key signed).
 */
HSMIAM_API hsmiam_status hsmiam_ledger_verify(hsmiam_ledger *ledger,
                                              hsmiam_ledger_finding_fn report, void *context,
                                              hsmiam_ledger_verdict *verdict_out,
                                              hsmiam_error *error) HSMIAM_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
