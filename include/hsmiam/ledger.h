/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: where it is, who signs it, what it says. Part of hsmiam.h, which has the conventions.
 */
#ifndef HSMIAM_LEDGER_H
#define HSMIAM_LEDGER_H

#include <hsmiam/error.h>
#include <hsmiam/process.h>
#include <hsmiam/token.h>

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The record of what was done: a file of JSON Lines that is only ever appended to. Each line has
 * the SHA-256 of the line before, and the signature of a token's audit key over the bytes of the
 * line up to `,"sig"` (ECDSA with SHA-256, DER in base64), which `openssl dgst -sha256 -verify`
 * checks. Several processes and threads may write to one file; a ledger object may be used by
 * several threads at once for writing.
 */
typedef struct hsmiam_ledger hsmiam_ledger;

/** Names the file, which is made when first written to (mode 0640; directories that are missing,
 *  0700). Nothing is opened yet. Statuses: ARGUMENT, MEMORY. */
HSMIAM_API hsmiam_status hsmiam_ledger_new(const char *path, hsmiam_ledger **ledger_out,
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/** Closes the file. */
HSMIAM_API void hsmiam_ledger_free(hsmiam_ledger **ledger);

/** Sets the token whose audit key signs (borrowed; it must outlive the ledger). Reading and
 *  verifying need none. */
HSMIAM_API void hsmiam_ledger_set_token(hsmiam_ledger *ledger, hsmiam_token *token);

/** Sets where the ledger's log lines go. */
HSMIAM_API void hsmiam_ledger_set_log(hsmiam_ledger *ledger, hsmiam_log_fn log, void *context);

/** Receives a line of the ledger, without its line feed, once the disk has it; on whatever thread
 *  wrote it. */
typedef void (*hsmiam_ledger_line_fn)(void *context, const char *line);

/** Sets a function that gets a copy of every line that is written, for a journal of its own. */
HSMIAM_API void hsmiam_ledger_set_mirror(hsmiam_ledger *ledger, hsmiam_ledger_line_fn mirror,
                                         void *context);

/** Lets keys that are not those which the ledger has be recorded: an audit key that no other one
 *  introduced, and a token's wrapping keys that changed. Default: refused. */
HSMIAM_API void hsmiam_ledger_set_accept_changed_keys(hsmiam_ledger *ledger, bool accept);

/**
 * hsmiam_token_provision() for the ledger's own token, with a record of the fingerprints. A
 * wrapping key that is not the one on record is refused.
 * Statuses: those of hsmiam_token_provision(), IO, LEDGER; CONFIG (changed keys).
 */
HSMIAM_API hsmiam_status hsmiam_ledger_provision_token(hsmiam_ledger *ledger,
                                                       hsmiam_provisioned_fn report, void *context,
                                                       hsmiam_error *error) HSMIAM_MUST_USE;

/** Introduces another audit key, PEM, by a record that the ledger's token signs. EXISTS if the
 *  ledger has it. Statuses: ARGUMENT, IO, CONFIG, LEDGER, those of hsmiam_token_open(). */
HSMIAM_API hsmiam_status hsmiam_ledger_introduce_key(hsmiam_ledger *ledger, const char *pem,
                                                     size_t size,
                                                     hsmiam_error *error) HSMIAM_MUST_USE;

/** Hands over the public half of the token's audit key as PEM (SubjectPublicKeyInfo).
 *  Statuses: NOT_FOUND, CONFIG, those of hsmiam_token_open(). */
HSMIAM_API hsmiam_status hsmiam_ledger_export_public_key(hsmiam_ledger *ledger,
                                                         hsmiam_ledger_line_fn take, void *context,
                                                         hsmiam_error *error) HSMIAM_MUST_USE;

/** Hands over a line that says, signed, how the ledger ends now: of the form of its records, with
 *  the last one's number and hash. Kept elsewhere, it shows later whether the ledger was cut or
 *  written anew. Statuses: NOT_FOUND (no record, or no audit key), IO, CONFIG, LEDGER. */
HSMIAM_API hsmiam_status hsmiam_ledger_make_checkpoint(hsmiam_ledger *ledger,
                                                       hsmiam_ledger_line_fn take, void *context,
                                                       hsmiam_error *error) HSMIAM_MUST_USE;

/** A record that was read. */
typedef struct hsmiam_ledger_record hsmiam_ledger_record;

/** What a member of a record is. */
typedef enum hsmiam_member_kind {
    HSMIAM_MEMBER_STRING,
    HSMIAM_MEMBER_NUMBER, /**< a whole number, in decimal */
    HSMIAM_MEMBER_LIST    /**< strings without blanks, parted by blanks; "" is an empty one */
} hsmiam_member_kind;

/** Member `index` of a record, in the order of its line. false if there is no such member.
 *  Borrowed, until the function that got the record returns. */
HSMIAM_API bool hsmiam_ledger_record_get_member(const hsmiam_ledger_record *record, size_t index,
                                                const char **name_out, const char **value_out,
                                                hsmiam_member_kind *kind_out);

/** The text of a member, NULL if the record has none of that name. Borrowed likewise. */
HSMIAM_API const char *hsmiam_ledger_record_get_text(const hsmiam_ledger_record *record,
                                                     const char *name);

/** Receives a record; false ends the reading. */
typedef bool (*hsmiam_ledger_record_fn)(void *context, const hsmiam_ledger_record *record);

/** Which records are wanted: those that have all of what is given. */
typedef struct hsmiam_ledger_filter {
    const char *user_name;     /**< NULL: any, here and below */
    const char *access_key_id; /**< of the key, or of the credential that signed for it */
    const char *event;
    time_t since; /**< seconds since 1970-01-01T00:00:00Z, that one included; -1: any */
    time_t until; /**< likewise */
} hsmiam_ledger_filter;

/** Reads the records in their order, unverified, in constant memory. What is no record is passed
 *  over, and a NOTICE says so. `filter` may be NULL. Statuses: IO (also for a file that is not
 *  there), ARGUMENT (no such event), MEMORY. */
HSMIAM_API hsmiam_status hsmiam_ledger_read(hsmiam_ledger *ledger,
                                            const hsmiam_ledger_filter *filter,
                                            hsmiam_ledger_record_fn take, void *context,
                                            hsmiam_error *error) HSMIAM_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
