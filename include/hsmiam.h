/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsmiam: AWS access keys that are born inside an HSM.
 *
 * A token (an HSM seen through PKCS#11) holds AWS access keys: the id outside, the secret inside.
 * This library signs AWS requests with a key in a token (Signature Version 4), and issues new IAM
 * access keys whose secret goes straight into a token.
 *
 * Conventions
 *   - Every fallible function returns hsmiam_status; outputs come last, are named *_out and are
 *     written on HSMIAM_OK only. The optional hsmiam_error (it may be NULL) then tells the rest.
 *   - new/free own; get borrows, until the object it came from changes or is freed.
 *   - free functions take the address of a pointer, set it to NULL, and accept NULL.
 *   - Strings are UTF-8 and NUL-terminated, and are copied when set.
 *   - Where it is not said that a pointer may be NULL, it may not; an hsmiam_error always may.
 *   - An object may be used by one thread at a time; different objects, by different threads at
 *     once, also those that stand on one token: a hsmiam_token serves several threads, but for its
 *     set functions, which come before its first use. An object that was used is of no use in a
 *     forked child, where it can only be freed: its secrets are empty there, and an open token
 *     refuses.
 *   - No function but hsmiam_process_harden() changes a setting of the process. The libraries below
 *     (p11-kit and its modules, libcurl, expat, OpenSSL) initialise themselves when first needed;
 *     cleaning them up is the program's, if it wants that.
 *   - An error record says what failed; after a success it says nothing that matters.
 *   - No message, log line or getter ever carries a secret access key, a PIN or a derived key.
 *
 * What stays in memory
 *   - When a call has returned, whatever it came to, the process holds no secret access key that
 *     passed through it, no key derived from one, no wrapped key and no PIN: in no heap, stack or
 *     register. Three things are kept, each once, in memory that is locked, left out of core dumps
 *     and empty in a forked child: by an open token the PIN that a person gave, to log in again
 *     should it be lost (any other source of a PIN is read again); by a signer whose route is sign
 *     the signing key of one day, region and service; by a custody that is prepared for
 *     HSMIAM_ROUTE_RSA_OAEP the AES key that values are wrapped under on their way (a token that is
 *     software may keep it too), until it is freed or the token closed. They are wiped when signer,
 *     custody and token are freed.
 *   - That holds without a hook in the process, since what touches a secret is done on a thread of
 *     the library's own, whose stack is locked and wiped. The caller's functions (for PINs, log
 *     lines, and whether to stop) may be called there. It takes 512 KiB of what may be locked
 *     (RLIMIT_MEMLOCK) and what libc keeps for a thread, some 20 KiB and the program's thread-local
 *     variables; twice that while an access key is issued, and as much again for each session of a
 *     token that has a time-out.
 *   - Out of reach, for it lies in memory that other libraries freed, until that is used again:
 *     of a TLS 1.3 connection, once it is closed, OpenSSL leaves the traffic secrets, by which a
 *     recording of it could be read (of TLS 1.2 it does not); of a token behind p11-kit's remoting
 *     (p11-kit-client.so), p11-kit leaves the messages that it sent: the wrapped key, and by
 *     HSMIAM_ROUTE_CREATE_OBJECT the secret itself. A program whose malloc() wipes what is freed,
 *     as the hsmiam command's does, leaves none of it.
 *   - Of an answer that libcurl does not deliver, since it is framed wrongly (a body behind a head
 *     that says there is none, a bad chunk, no head), nothing stays either: libcurl is made to read
 *     /dev/zero into the buffer in which it received it, after every answer. Two things are left.
 *     Where /dev/zero cannot be opened or this libcurl has no file: URLs, such a body stays in
 *     libcurl's buffer. And of a secret that a server sends in a header, a piece may stay in
 *     libcurl's freed memory, if the header came in pieces or does not end: libcurl puts it
 *     together in a block that moves as it grows, and names it only once it is complete.
 *   - What the caller hands in (a secret to import, a PIN) is the caller's to wipe.
 */
#ifndef HSMIAM_H
#define HSMIAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define HSMIAM_MUST_USE __attribute__((warn_unused_result))
#define HSMIAM_API      __attribute__((visibility("default")))
#else
#define HSMIAM_MUST_USE
#define HSMIAM_API
#endif

/** The version of the library in use, "MAJOR.MINOR.PATCH". Static storage. */
HSMIAM_API const char *hsmiam_version(void);

/* ------------------------------------------------------------------------------- status, error */

/** What a call came to: the categories that a caller can act on. */
typedef enum hsmiam_status {
    HSMIAM_OK = 0,
    HSMIAM_ERR_ARGUMENT,    /**< a parameter is missing or malformed; nothing was done */
    HSMIAM_ERR_CONFIG,      /**< a URI, module, endpoint or CA bundle cannot be used */
    HSMIAM_ERR_NOT_FOUND,   /**< no token, or no key in the token, matches the URI */
    HSMIAM_ERR_AMBIGUOUS,   /**< more than one token or key matches; the message names them */
    HSMIAM_ERR_EXISTS,      /**< the token already holds such an object */
    HSMIAM_ERR_PIN,         /**< the PIN is missing, wrong, locked, expired or at its last try */
    HSMIAM_ERR_TOKEN,       /**< the token failed or refused an operation */
    HSMIAM_ERR_UNSUPPORTED, /**< the token cannot do what is needed */
    HSMIAM_ERR_NETWORK,     /**< the service could not be reached; it executed nothing */
    HSMIAM_ERR_UNKNOWN_OUTCOME, /**< the request left, and no usable answer came back */
    HSMIAM_ERR_REPLY,           /**< the service's answer cannot be understood */
    HSMIAM_ERR_SERVICE,         /**< the service refused; code, message and request id tell why */
    HSMIAM_ERR_CUSTODY,         /**< IAM made a key that the token could not take in */
    HSMIAM_ERR_CANCELLED,       /**< asked to stop, before anything was changed at the service */
    HSMIAM_ERR_IO,              /**< a file, pipe or command failed */
    HSMIAM_ERR_MEMORY,          /**< memory could not be had, or could not be locked */
    HSMIAM_ERR_INTERNAL,        /**< a defect in this library */
    HSMIAM_ERR_LEDGER,          /**< the ledger is not what its writers left */
    HSMIAM_ERR_UNSETTLED        /**< what became of an earlier request is not known yet */
} hsmiam_status;

/** Whose code an error carries. */
typedef enum hsmiam_domain {
    HSMIAM_DOMAIN_LIBRARY = 0, /**< none but the status itself */
    HSMIAM_DOMAIN_PKCS11,      /**< code is a CK_RV, code name its CKR_ name */
    HSMIAM_DOMAIN_TRANSPORT,   /**< code is a CURLcode */
    HSMIAM_DOMAIN_SERVICE,     /**< code is the HTTP status, code name the service's error code */
    HSMIAM_DOMAIN_SYSTEM       /**< code is an errno value */
} hsmiam_domain;

/** The record of what went wrong in the last call that it was given to. */
typedef struct hsmiam_error hsmiam_error;

/** Makes an empty error record; NULL if there is no memory. Free with hsmiam_error_free(). */
HSMIAM_API hsmiam_error *hsmiam_error_new(void);

/** Frees the record and sets the caller's pointer to NULL. */
HSMIAM_API void hsmiam_error_free(hsmiam_error **error);

/** The status of the failed call; HSMIAM_OK for an empty or NULL record. */
HSMIAM_API hsmiam_status hsmiam_error_get_status(const hsmiam_error *error);

/** Whose code hsmiam_error_get_code() returns. */
HSMIAM_API hsmiam_domain hsmiam_error_get_domain(const hsmiam_error *error);

/** The original numeric code (CK_RV, CURLcode, HTTP status or errno), 0 if there is none. */
HSMIAM_API unsigned long hsmiam_error_get_code(const hsmiam_error *error);

/** The original code's name ("CKR_PIN_INCORRECT", "NoSuchEntity"), "" if there is none. */
HSMIAM_API const char *hsmiam_error_get_code_name(const hsmiam_error *error);

/** One sentence: what failed, where, and what to do; for HSMIAM_DOMAIN_SERVICE the service's own
 *  message, control characters removed. "" for an empty record. Valid until the next call. */
HSMIAM_API const char *hsmiam_error_get_message(const hsmiam_error *error);

/** The AWS request id of a service error, "" if there is none. */
HSMIAM_API const char *hsmiam_error_get_request_id(const hsmiam_error *error);

/** The AWS operation ("CreateAccessKey") that a service error answers, "" if there is none. */
HSMIAM_API const char *hsmiam_error_get_operation(const hsmiam_error *error);

/* ---------------------------------------------------------------------------- process, logging */

/**
 * Makes the calling process unfit for core dumps and for ptrace by its own user:
 * RLIMIT_CORE 0 and PR_SET_DUMPABLE 0. For programs that own their process; call it first.
 * Statuses: HSMIAM_ERR_INTERNAL if the kernel refuses (domain SYSTEM).
 */
HSMIAM_API hsmiam_status hsmiam_process_harden(hsmiam_error *error) HSMIAM_MUST_USE;

/** How much a log line matters. */
typedef enum hsmiam_log_level {
    HSMIAM_LOG_NOTICE, /**< a person should see it: a promise that cannot be kept, a risk */
    HSMIAM_LOG_DEBUG   /**< what was sent and received, secrets, signatures and bodies left out */
} hsmiam_log_level;

/** Receives one line without its newline. It may be called on another thread of the library, which
 *  has 512 KiB of stack and takes no signals. */
typedef void (*hsmiam_log_fn)(void *context, hsmiam_log_level level, const char *line);

/* ------------------------------------------------------------------------------------- tokens */

/**
 * A token named by a PKCS#11 URI: found, opened and logged in to when first needed. Threads may
 * share it: each operation has a session of its own, of which up to eight are open (fewer, if the
 * token says so); a thread waits for one. If a session, the login or the token is lost in the
 * middle of an operation, the token is opened once more with the PIN that it accepted, which stays
 * in locked memory for that; what is safe to repeat is repeated, and of an import it is first
 * looked up whether it took place.
 */
typedef struct hsmiam_token hsmiam_token;

/**
 * Names a token by an RFC 7512 URI. Its token, serial, manufacturer, model, slot-id,
 * slot-description, slot-manufacturer, library-*, module-name and module-path attributes choose the
 * token, pin-source and pin-value give the PIN, and the object attributes (object, id, type) are
 * left to hsmiam_signer_new(). x-init-reserved, in the query, is what the module of a module-path
 * is given in C_Initialize; NSS wants its parameter string there. Nothing is opened yet.
 *
 * uri        PKCS#11 URI, at most 4095 bytes.
 * token_out  owned by the caller, freed with hsmiam_token_free(). It must outlive whatever uses it.
 * Statuses: ARGUMENT (not a PKCS#11 URI; the message never repeats it), MEMORY.
 */
HSMIAM_API hsmiam_status hsmiam_token_new(const char *uri, hsmiam_token **token_out,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/** Closes the sessions, unloads the module and wipes the PINs. hsmiam_token_free() does it by
 *  itself: this is for those who set a time-out and want to know (hsmiam_token_is_silent()) whether
 *  the module let go. Getters may follow, and freeing the signers and custodies on the token; what
 *  else needs the token fails with ARGUMENT. A key that a signer derived in the token goes with the
 *  sessions. */
HSMIAM_API void hsmiam_token_close(hsmiam_token *token);

/** Closes the token and frees it. */
HSMIAM_API void hsmiam_token_free(hsmiam_token **token);

/**
 * Says where the PIN comes from, over the URI's own pin-source and pin-value. RFC 7512, 2.3:
 *   "/path", "file:/path", "./path"  the file's content
 *   "|command"                       what the command prints; it is run by /bin/sh
 *   "systemd:name", or a bare name   a file in $CREDENTIALS_DIRECTORY
 * One trailing line end is left out. A PIN has 1 to 255 bytes. The source is read when the token is
 * opened, which tells whether it can be. Statuses: ARGUMENT (empty), MEMORY.
 */
HSMIAM_API hsmiam_status hsmiam_token_set_pin_source(hsmiam_token *token, const char *source,
                                                     hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Asks a person for the PIN. The library calls it when no other source is named.
 * token_label  label of the token, for the prompt.
 * pin_out      locked memory of pin_size bytes that the library wipes; write the PIN there.
 * length_out   bytes written, without any line end.
 * Return HSMIAM_OK, or HSMIAM_ERR_PIN or HSMIAM_ERR_CANCELLED to give up.
 */
typedef hsmiam_status (*hsmiam_pin_fn)(void *context, const char *token_label, char *pin_out,
                                       size_t pin_size, size_t *length_out);

/** Sets the function that asks for the PIN; it may be called on another thread of the library,
 * which has 512 KiB of stack and takes no signals. */
HSMIAM_API void hsmiam_token_set_pin_callback(hsmiam_token *token, hsmiam_pin_fn ask,
                                              void *context);

/** True if opening the token would have to call the PIN callback: no source is named. */
HSMIAM_API bool hsmiam_token_needs_pin_callback(const hsmiam_token *token);

/** Allows a login when the token says that one more wrong PIN locks it (default: refused). */
HSMIAM_API void hsmiam_token_set_allow_final_try(hsmiam_token *token, bool allow);

/**
 * Sets how many seconds one call of the token's module may take; 0, the default: no limit. Finding
 * the token (C_Initialize to C_GetTokenInfo) and unloading the module count as one call each. An
 * operation of this library makes several calls, and may take as many times as long. Where the PIN
 * is entered on the token's own keypad or a key is generated, it is ten times as long. A
 * call that takes longer fails with HSMIAM_ERR_TOKEN, and so does all that follows: the module is
 * not called again, by this token, for a thread is still in it. That thread keeps what it may still
 * write to, and the module stays loaded. Then leave the process by _exit(): the module's own
 * clean-up in exit() might wait for ever. Set it before the token is opened.
 */
HSMIAM_API void hsmiam_token_set_timeout(hsmiam_token *token, unsigned seconds);

/** True once the token did not answer within its time-out. */
HSMIAM_API bool hsmiam_token_is_silent(const hsmiam_token *token);

/** Sets where the token's log lines go. */
HSMIAM_API void hsmiam_token_set_log(hsmiam_token *token, hsmiam_log_fn log, void *context);

/**
 * Finds the one token that the URI names, opens a read/write session and logs in as the user.
 * Safe to call again: an open token stays as it is. A PIN is tried once, never twice.
 * Statuses: CONFIG (module), NOT_FOUND, AMBIGUOUS, PIN, TOKEN, UNSUPPORTED, MEMORY, CANCELLED; PIN,
 * ARGUMENT and IO also for a PIN source that cannot be read, is malformed, or cannot be run.
 */
HSMIAM_API hsmiam_status hsmiam_token_open(hsmiam_token *token,
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/** The open token's own URI (token, serial, manufacturer, model), without any PIN attribute;
 *  "" before it is open. Borrowed. */
HSMIAM_API const char *hsmiam_token_get_uri(const hsmiam_token *token);

/** The open token's label, "" before it is open. Borrowed. */
HSMIAM_API const char *hsmiam_token_get_label(const hsmiam_token *token);

/** The open token's serial number, "" before it is open. Borrowed. */
HSMIAM_API const char *hsmiam_token_get_serial(const hsmiam_token *token);

/** A key or key pair that provisioning looks after. Borrowed strings, valid during the callback. */
typedef struct hsmiam_provisioned {
    const char *purpose;     /**< "wrapping", "wrapping-exportable", "wrapping-aes" or "audit" */
    const char *label;       /**< CKA_LABEL of both halves */
    const char *algorithm;   /**< "RSA-3072", "EC-P256" or "AES-256" */
    const char *uri;         /**< PKCS#11 URI of the private half, or of the AES key */
    const char *fingerprint; /**< SHA-256 of the SubjectPublicKeyInfo, 64 lower-case hex digits; ""
                                  for the AES key */
    bool created;            /**< made by this call; false: it was there and is as it must be */
} hsmiam_provisioned;

/** Receives one key pair. */
typedef void (*hsmiam_provisioned_fn)(void *context, const hsmiam_provisioned *pair);

/** Lets provisioning make the AES key of the route aes-kwp even where RSA-OAEP works. */
HSMIAM_API void hsmiam_token_set_wants_aes_key(hsmiam_token *token, bool wants);

/**
 * Makes the key pairs that hsmiam needs in the token, where they are missing: RSA-3072 for wrapping
 * imports, a second one for keys that are issued as exportable, and EC P-256 for signing the
 * ledger. Where imports by RSA-OAEP do not work, and by an AES key do, that is made as well. Those
 * that exist are checked, never replaced. Opens the token if need be.
 * Statuses: as hsmiam_token_open(); AMBIGUOUS (two pairs of one purpose), UNSUPPORTED, TOKEN,
 * CONFIG (a pair that exists allows more than it may; the message says what).
 */
HSMIAM_API hsmiam_status hsmiam_token_provision(hsmiam_token *token, hsmiam_provisioned_fn report,
                                                void *context, hsmiam_error *error) HSMIAM_MUST_USE;

/* -------------------------------------------------------------------------------------- ledger */

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

/** What a verification points out; none of these makes a ledger a wrong one. */
typedef enum hsmiam_ledger_finding {
    HSMIAM_LEDGER_KEY,     /**< a record introduces an audit key */
    HSMIAM_LEDGER_SEALED,  /**< a crash left what is no record, under a seal */
    HSMIAM_LEDGER_PENDING, /**< records that were not signed when they were written */
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
    HSMIAM_FAULT_TRUNCATED  /**< the ledger ends before the checkpoint */
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

/* ------------------------------------------------------------------------ signers and requests */

/**
 * How SigV4's chain of HMACs goes. A key in the token can be used for one of them only.
 * SIGN lets the token compute the first, so that the derived keys of the day, which sign all that
 * the access key may on that day, are on the host for microseconds; and whoever has the PIN can
 * have those of coming days computed in advance.
 * IN_TOKEN derives all of them inside a PKCS#11 3.0 token (CKM_SP800_108_FEEDBACK_KDF): none is
 * ever on the host. But from a key that may derive, a token that does not enforce
 * CKA_ALLOWED_MECHANISMS gives the secret away, byte by byte, to whoever has the PIN.
 */
typedef enum hsmiam_sigv4_route {
    HSMIAM_SIGV4_AUTO = 0, /**< IN_TOKEN if the token derives and enforces the limit, else SIGN */
    HSMIAM_SIGV4_SIGN,
    HSMIAM_SIGV4_IN_TOKEN
} hsmiam_sigv4_route;

/** An access key in a token, in use: it signs. */
typedef struct hsmiam_signer hsmiam_signer;

/**
 * Names an access key in a token. Nothing is opened yet.
 * token       borrowed; it must outlive the signer.
 * key_uri     RFC 7512 URI whose object, id and type attributes choose the key; NULL, or a URI
 *             without them, if the token holds one access key only.
 * Statuses: ARGUMENT, MEMORY.
 */
HSMIAM_API hsmiam_status hsmiam_signer_new(hsmiam_token *token, const char *key_uri,
                                           hsmiam_signer **signer_out,
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/** Wipes or destroys the cached signing key and frees the signer; the token stays open. */
HSMIAM_API void hsmiam_signer_free(hsmiam_signer **signer);

/**
 * Opens the token and finds the key. Safe to call again. Signing does it by itself.
 * Statuses: as hsmiam_token_open(); NOT_FOUND, AMBIGUOUS, UNSUPPORTED (the key may neither sign nor
 * derive, or is not private).
 */
HSMIAM_API hsmiam_status hsmiam_signer_open(hsmiam_signer *signer,
                                            hsmiam_error *error) HSMIAM_MUST_USE;

/** Tells that the key's value is the secret alone, without "AWS4" before it, as other software may
 *  have stored it. Its token must know CKM_CONCATENATE_DATA_AND_BASE. Before it is opened. */
HSMIAM_API void hsmiam_signer_set_bare_secret(hsmiam_signer *signer, bool bare);

/** Sets where the signer's log lines go: which way it takes, and why not the stronger one. */
HSMIAM_API void hsmiam_signer_set_log(hsmiam_signer *signer, hsmiam_log_fn log, void *context);

/** The way in which the key serves SigV4, "sign" or "in-token"; "" before it is open. Static. */
HSMIAM_API const char *hsmiam_signer_get_sigv4_route(const hsmiam_signer *signer);

/** The access key id (CKA_ID of the key), "" before it is open. Borrowed. */
HSMIAM_API const char *hsmiam_signer_get_access_key_id(const hsmiam_signer *signer);

/** An HTTP request to be signed. */
typedef struct hsmiam_request hsmiam_request;

/** Makes an empty request: GET, no headers, an empty body, the time of signing. Statuses: MEMORY.
 */
HSMIAM_API hsmiam_status hsmiam_request_new(hsmiam_request **request_out,
                                            hsmiam_error *error) HSMIAM_MUST_USE;

/** Frees the request. */
HSMIAM_API void hsmiam_request_free(hsmiam_request **request);

/** Sets the HTTP method, an RFC 9110 token of at most 32 bytes. Statuses: ARGUMENT. */
HSMIAM_API hsmiam_status hsmiam_request_set_method(hsmiam_request *request, const char *method,
                                                   hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Sets the URL: http or https, host, optional port, path and query as they go on the wire; bytes
 * that no URL may hold are taken as if encoded. User info and fragment are refused. If no Host
 * header is added, it is made from the URL. Send what was signed: a client that encodes a raw blank
 * sends another path. At most 64 KiB. Statuses: ARGUMENT, MEMORY.
 */
HSMIAM_API hsmiam_status hsmiam_request_set_url(hsmiam_request *request, const char *url,
                                                hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Adds a header of the request; it is signed. Left unsigned are those that proxies change, as in
 * botocore: Connection, Expect, Keep-Alive, Proxy-Authenticate, Proxy-Authorization, TE, Trailer,
 * Transfer-Encoding, Upgrade, User-Agent, X-Amzn-Trace-Id. The same name may be added several
 * times, but Host, X-Amz-Date and X-Amz-Content-Sha256, which signing reads itself, once;
 * Authorization is refused. A value folded over lines (RFC 9112, 5.2) is taken as one line; any
 * other control character is refused.
 *
 * name   RFC 9110 token of at most 256 bytes.
 * value  with all other headers at most 1 MiB.
 * Statuses: ARGUMENT, MEMORY.
 */
HSMIAM_API hsmiam_status hsmiam_request_add_header(hsmiam_request *request, const char *name,
                                                   const char *value,
                                                   hsmiam_error *error) HSMIAM_MUST_USE;

/** Sets the body by its bytes; only its SHA-256 is kept. Statuses: ARGUMENT, INTERNAL. */
HSMIAM_API hsmiam_status hsmiam_request_set_body(hsmiam_request *request, const void *body,
                                                 size_t size, hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Sets the body by the SHA-256 of its bytes, 64 lower-case hex digits, or by a word that the
 * service knows in its place ("UNSIGNED-PAYLOAD", "STREAMING-..."). Statuses: ARGUMENT.
 */
HSMIAM_API hsmiam_status hsmiam_request_set_body_sha256(hsmiam_request *request, const char *hash,
                                                        hsmiam_error *error) HSMIAM_MUST_USE;

/** Sets the credential scope: service ("iam") and region ("us-east-1"), each 1 to 64 bytes of
 *  lower-case letters, digits, '-', '_' or '.'. Statuses: ARGUMENT. */
HSMIAM_API hsmiam_status hsmiam_request_set_scope(hsmiam_request *request, const char *service,
                                                  const char *region,
                                                  hsmiam_error *error) HSMIAM_MUST_USE;

/** Sets the time of signing, seconds since 1970-01-01T00:00:00Z. Default: now. An X-Amz-Date header
 *  that was added wins. Statuses: ARGUMENT (before 1970 or after 9999). */
HSMIAM_API hsmiam_status hsmiam_request_set_time(hsmiam_request *request, time_t when,
                                                 hsmiam_error *error) HSMIAM_MUST_USE;

/** How the request is put into canonical form. */
typedef enum hsmiam_canonical_flags {
    HSMIAM_CANONICAL_DEFAULT = 0,         /**< what the service needs: S3's differs from others' */
    HSMIAM_CANONICAL_KEEP_PATH = 1u << 0, /**< the path is not normalised */
    HSMIAM_CANONICAL_ENCODE_ONCE = 1u << 1, /**< each byte of the path is encoded once, not twice */
    HSMIAM_CANONICAL_SIGN_BODY = 1u << 2    /**< X-Amz-Content-Sha256 is added and signed */
} hsmiam_canonical_flags;

/** Adds flags to those that the service implies (S3: all three). */
HSMIAM_API void hsmiam_request_set_canonical_flags(hsmiam_request *request, unsigned flags);

/**
 * Signs the request by AWS Signature Version 4 with the key in the token. The secret stays there.
 * On a token that cannot run the whole chain, the day's derived keys pass through locked memory;
 * the signing key of one date, region and service stays cached there until the signer is freed.
 * Statuses: ARGUMENT (scope or URL missing), those of hsmiam_signer_open(), TOKEN.
 */
HSMIAM_API hsmiam_status hsmiam_request_sign(hsmiam_request *request, hsmiam_signer *signer,
                                             hsmiam_error *error) HSMIAM_MUST_USE;

/** How many headers a signed request needs beside those that were added; 0 before signing. */
HSMIAM_API size_t hsmiam_request_get_header_count(const hsmiam_request *request);

/** Name and value of header `index` to add. false if there is no such header. Borrowed. */
HSMIAM_API bool hsmiam_request_get_header(const hsmiam_request *request, size_t index,
                                          const char **name_out, const char **value_out);

/** The canonical request of the last signing, for finding a mismatch; "" before. Borrowed. */
HSMIAM_API const char *hsmiam_request_get_canonical_request(const hsmiam_request *request);

/** The string to sign of the last signing; "" before. Borrowed. */
HSMIAM_API const char *hsmiam_request_get_string_to_sign(const hsmiam_request *request);

/* --------------------------------------------------------------------------------- IAM client */

/** IAM as one credential sees it: endpoint, TLS, time-outs, and one connection that is kept. */
typedef struct hsmiam_client hsmiam_client;

/**
 * Makes a client whose requests `signer` signs (borrowed; it must outlive the client).
 * Defaults: the commercial partition, TLS 1.2 or better with peer and host verified against the
 * system's CAs, 60 seconds to connect and to read, proxies by environment as in libcurl.
 * Statuses: MEMORY, INTERNAL.
 */
HSMIAM_API hsmiam_status hsmiam_client_new(hsmiam_signer *signer, hsmiam_client **client_out,
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/** Closes the connection and frees the client. */
HSMIAM_API void hsmiam_client_free(hsmiam_client **client);

/** Sets the region, which chooses the partition and thereby endpoint and signing scope (commercial,
 *  China, GovCloud, ISO, ISO-B, ISO-E, ISO-F, EU sovereign). Statuses: ARGUMENT. */
HSMIAM_API hsmiam_status hsmiam_client_set_region(hsmiam_client *client, const char *region,
                                                  hsmiam_error *error) HSMIAM_MUST_USE;

/** Sets another endpoint URL: https, or http if the host is this machine's loopback. It serves STS
 *  too, which some calls ask who signs, unless hsmiam_client_set_sts_endpoint() names another.
 *  Statuses: ARGUMENT, CONFIG (http to another host), MEMORY. */
HSMIAM_API hsmiam_status hsmiam_client_set_endpoint(hsmiam_client *client, const char *url,
                                                    hsmiam_error *error) HSMIAM_MUST_USE;

/** Sets another endpoint URL of STS, as hsmiam_client_set_endpoint() does of IAM. Statuses:
 *  ARGUMENT, CONFIG (http to another host), MEMORY. */
HSMIAM_API hsmiam_status hsmiam_client_set_sts_endpoint(hsmiam_client *client, const char *url,
                                                        hsmiam_error *error) HSMIAM_MUST_USE;

/** Chooses the partition's FIPS endpoint. Not to be combined with an endpoint of one's own. */
HSMIAM_API void hsmiam_client_set_fips(hsmiam_client *client, bool fips);

/** Sets a PEM file of CA certificates to trust instead of the system's. Statuses: CONFIG,
 *  MEMORY. */
HSMIAM_API hsmiam_status hsmiam_client_set_ca_bundle(hsmiam_client *client, const char *path,
                                                     hsmiam_error *error) HSMIAM_MUST_USE;

/** Leaves the peer's certificate unverified; requests then fail but to loopback. */
HSMIAM_API void hsmiam_client_set_no_verify(hsmiam_client *client, bool no_verify);

/** Sets the seconds to wait for a connection and, once it stands, for the next byte; 0: no limit.
 */
HSMIAM_API void hsmiam_client_set_timeouts(hsmiam_client *client, unsigned connect_seconds,
                                           unsigned read_seconds);

/**
 * Sets how often a request is sent in all, the first time included; 0: the default, 3. Between the
 * attempts lie random pauses that grow, and no less than what the service asks for by Retry-After,
 * up to a minute; the function set by hsmiam_client_set_cancel() is asked meanwhile.
 * CreateAccessKey is sent again only where IAM certainly did not execute it: no connection or a
 * broken TLS handshake, throttling, and, once, a refusal of the time that it was signed at, which
 * is then corrected by IAM's clock.
 */
HSMIAM_API void hsmiam_client_set_max_attempts(hsmiam_client *client, unsigned attempts);

/** Sets where the client's log lines go. */
HSMIAM_API void hsmiam_client_set_log(hsmiam_client *client, hsmiam_log_fn log, void *context);

/** Asked, until the request that makes a key leaves: true stops with HSMIAM_ERR_CANCELLED. From
 * then on it is not asked, for a key must not be lost. It may be called on another thread of the
 * library. */
typedef bool (*hsmiam_cancel_fn)(void *context);

/** Sets the function that is asked whether to stop. */
HSMIAM_API void hsmiam_client_set_cancel(hsmiam_client *client, hsmiam_cancel_fn cancel,
                                         void *context);

/* ------------------------------------------------------------------------ custody, access keys */

/** How a secret goes into the token (PKCS#11). */
typedef enum hsmiam_import_route {
    HSMIAM_ROUTE_AUTO = 0,     /**< the first of the following that works in a rehearsal */
    HSMIAM_ROUTE_RSA_OAEP,     /**< an AES key of the host's is encrypted to the wrapping key, and
                                    the value wrapped under it; both are unwrapped inside. Where the
                                    token does not unwrap by AES, the value itself is encrypted */
    HSMIAM_ROUTE_AES_KWP,      /**< encrypted by an AES key of the token, and unwrapped by it: the
                                    plaintext crosses the PKCS#11 API once, as data */
    HSMIAM_ROUTE_CREATE_OBJECT /**< C_CreateObject: the plaintext crosses the PKCS#11 API */
} hsmiam_import_route;

/** Where new keys go and how they are kept. */
typedef struct hsmiam_custody hsmiam_custody;

/** Makes a custody over a token (borrowed; it must outlive the custody). Statuses: MEMORY. */
HSMIAM_API hsmiam_status hsmiam_custody_new(hsmiam_token *token, hsmiam_custody **custody_out,
                                            hsmiam_error *error) HSMIAM_MUST_USE;

/** Frees the custody, and destroys the key that its imports were wrapped under; the token stays. */
HSMIAM_API void hsmiam_custody_free(hsmiam_custody **custody);

/** Forces a route into the token; HSMIAM_ROUTE_AUTO is the default. */
HSMIAM_API void hsmiam_custody_set_import_route(hsmiam_custody *custody, hsmiam_import_route route);

/** Forbids (or allows again) the route create-object. Forced and forbidden at once is ARGUMENT. */
HSMIAM_API void hsmiam_custody_set_forbid_plaintext(hsmiam_custody *custody, bool forbid);

/** Sets how new keys are used for SigV4; HSMIAM_SIGV4_AUTO is the default. */
HSMIAM_API void hsmiam_custody_set_sigv4_route(hsmiam_custody *custody, hsmiam_sigv4_route route);

/** Sets where the custody's log lines go. */
HSMIAM_API void hsmiam_custody_set_log(hsmiam_custody *custody, hsmiam_log_fn log, void *context);

/**
 * Opens the token and rehearses with a random value that lives in the session only, so that the
 * routes are known to work before there is anything to lose; opens the ledger, if one is set, and
 * holds the token's wrapping key against it. Safe to call again; an import does it by itself.
 * Statuses: those of hsmiam_token_open(), UNSUPPORTED (no route works, or not the one that is
 * wanted), TOKEN (trouble that may pass: no weaker route is taken for that), ARGUMENT; IO, LEDGER,
 * CONFIG (of the ledger).
 */
HSMIAM_API hsmiam_status hsmiam_custody_prepare(hsmiam_custody *custody,
                                                hsmiam_error *error) HSMIAM_MUST_USE;

/** The import route that was found to work: "rsa-oaep", "aes-kwp" or "create-object"; "" before
 *  hsmiam_custody_prepare(). Static. */
HSMIAM_API const char *hsmiam_custody_get_import_route(const hsmiam_custody *custody);

/** The way in which new keys will serve SigV4: "sign" or "in-token"; "" before. Static. */
HSMIAM_API const char *hsmiam_custody_get_sigv4_route(const hsmiam_custody *custody);

/** What a fact of hsmiam_custody_check() is about. More may be added: skip those not known. */
typedef enum hsmiam_fact_topic {
    HSMIAM_FACT_TOKEN = 0, /**< what the token says of itself */
    HSMIAM_FACT_LOGIN,     /**< whether a login is needed, and how the PIN stands */
    HSMIAM_FACT_CAPACITY,  /**< sessions, bytes of memory, access keys: numbers */
    HSMIAM_FACT_ROUTE,     /**< an import route, tried with a random value */
    HSMIAM_FACT_SIGV4,     /**< how new keys will serve SigV4, and what that leaves open */
    HSMIAM_FACT_MECHANISM, /**< a mechanism that matters: what the token says, and does */
    HSMIAM_FACT_KEY_TYPE,  /**< a type of key, taken in and proven by an HMAC, or not */
    HSMIAM_FACT_KEY,       /**< a key that hsmiam_token_provision() looks after */
    HSMIAM_FACT_TIMING,    /**< how long an operation takes here */
    HSMIAM_FACT_PROVISION, /**< a key that hsmiam_token_provision() would have to make */
    HSMIAM_FACT_LEFTOVER,  /**< an object that could not be destroyed; it goes with the session */
    HSMIAM_FACT_VERDICT    /**< the last one: whether keys can be taken in, in one line */
} hsmiam_fact_topic;

/** How something was found. */
typedef enum hsmiam_finding {
    HSMIAM_FINDING_NONE = 0, /**< it is no such question */
    HSMIAM_FINDING_YES,
    HSMIAM_FINDING_NO,
    HSMIAM_FINDING_UNTRIED,  /**< what is needed to try it is missing; `why` says what */
    HSMIAM_FINDING_FORBIDDEN /**< by hsmiam_custody_set_forbid_plaintext(), and so not tried */
} hsmiam_finding;

/** A fact. The library makes them, and may add fields at the end. Strings are never NULL, hold no
 *  PIN and no secret, and are borrowed during the callback. */
typedef struct hsmiam_fact {
    hsmiam_fact_topic topic;
    const char *name; /**< what it is about: words that stay ("Label", "CKM_ECDSA", "rsa-oaep") */
    hsmiam_finding told;  /**< what the token says: MECHANISM only */
    hsmiam_finding found; /**< what trying, or looking, came to */
    const char *value;    /**< TOKEN, LOGIN, SIGV4, VERDICT: in words, or "" where `found` or
                               `number` says it; KEY: its fingerprint; PROVISION: its algorithm */
    int64_t number;       /**< TOKEN, CAPACITY: a number, a count; TIMING: the median in
                               nanoseconds; -1: none, or the token does not tell */
    const char *why;      /**< a sentence that explains, or "" */
} hsmiam_fact;

/** Receives one fact. It is called on the caller's thread. */
typedef void (*hsmiam_fact_fn)(void *context, const hsmiam_fact *fact);

/**
 * Finds out what the token is and does, by asking and by trying with random values, tells all of
 * it, and whether access keys could be taken in with the custody's settings. Opens the token if
 * need be. Nothing is written to the token: what is made lives in the session, and is destroyed.
 * It takes as long as the token takes to make an RSA key pair, and some milliseconds. Afterwards
 * the custody is prepared, if it can be.
 *
 * report  is told whatever was found before a failure too; HSMIAM_FACT_VERDICT comes in any case.
 * Statuses: OK if keys can be taken in; else those of hsmiam_custody_prepare().
 */
HSMIAM_API hsmiam_status hsmiam_custody_check(hsmiam_custody *custody, hsmiam_fact_fn report,
                                              void *context, hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Sets the ledger (borrowed; it must outlive the custody) that tells what the custody does. It is
 * written to before IAM is asked to make a key, and again before the key is handed out; if it
 * cannot be, nothing is asked. A wrapping key that is not the one on record is refused. NULL, the
 * default: no record is made.
 */
HSMIAM_API void hsmiam_custody_set_ledger(hsmiam_custody *custody, hsmiam_ledger *ledger);

/** An access key that a token holds, proven. */
typedef struct hsmiam_access_key hsmiam_access_key;

/** Frees the record; the key stays in the token. */
HSMIAM_API void hsmiam_access_key_free(hsmiam_access_key **key);

/** The access key id. Borrowed. */
HSMIAM_API const char *hsmiam_access_key_get_id(const hsmiam_access_key *key);

/** The user name as IAM answered it or as it was given; "" if there is none (the account's root
 *  user). Borrowed. */
HSMIAM_API const char *hsmiam_access_key_get_user_name(const hsmiam_access_key *key);

/** "Active" or "Inactive" as IAM answered, "" after an import. Borrowed. */
HSMIAM_API const char *hsmiam_access_key_get_status(const hsmiam_access_key *key);

/** When IAM made the key, seconds since 1970-01-01T00:00:00Z; -1 after an import. */
HSMIAM_API time_t hsmiam_access_key_get_create_date(const hsmiam_access_key *key);

/** The PKCS#11 URI of the secret, without any PIN attribute. Borrowed. */
HSMIAM_API const char *hsmiam_access_key_get_uri(const hsmiam_access_key *key);

/** The route by which the secret went into the token: "rsa-oaep", "aes-kwp" or "create-object".
 *  Borrowed. */
HSMIAM_API const char *hsmiam_access_key_get_import_route(const hsmiam_access_key *key);

/** The way in which the key serves SigV4: "sign" or "in-token". Borrowed. */
HSMIAM_API const char *hsmiam_access_key_get_sigv4_route(const hsmiam_access_key *key);

/**
 * Takes an access key that exists into the token, and proves it: token and host compute the same
 * HMAC over a fresh nonce, and the attributes read back are those of a private, sensitive key that
 * can only sign, or only derive, as its SigV4 route has it. Asks IAM nothing.
 *
 * access_key_id  16 to 128 letters, digits and '_'; becomes CKA_ID.
 * user_name      1 to 128 of [A-Za-z0-9_+=,.@-]; becomes CKA_LABEL. NULL: the id is the label.
 * secret         the secret access key, 16 to 128 printable ASCII bytes; the caller wipes it.
 * key_out        owned by the caller; may be NULL.
 * Statuses: ARGUMENT, EXISTS (the token holds that id), UNSUPPORTED (no route works), CUSTODY (the
 * proof failed; the object was destroyed again), those of hsmiam_token_open(); with a ledger, IO,
 * CONFIG and LEDGER (the message says whether the token holds the key).
 */
HSMIAM_API hsmiam_status hsmiam_access_key_import(hsmiam_custody *custody,
                                                  const char *access_key_id, const char *user_name,
                                                  const char *secret, size_t secret_size,
                                                  hsmiam_access_key **key_out,
                                                  hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Issues an access key: IAM CreateAccessKey, signed by the client's signer, its secret put straight
 * into the custody's token and proven there as by hsmiam_access_key_import(). The request is sent
 * again only where IAM certainly did not execute it. If the token cannot take the secret, the key
 * is deleted at IAM again. Opening the tokens and connecting to IAM go on at once, the former on a
 * thread of the call.
 *
 * user_name  1 to 128 of [A-Za-z0-9_+=,.@-]; NULL: IAM takes the user of the signing key.
 * key_out    owned by the caller.
 * Statuses: ARGUMENT, SERVICE, NETWORK, CANCELLED (nothing was made); CUSTODY, REPLY and
 * UNKNOWN_OUTCOME (a key was or may have been made: the message says its id where it is known, and
 * whether it was deleted); those of hsmiam_signer_open(); with a ledger, IO, CONFIG and LEDGER
 * (nothing was made, or the message names the key that the token holds).
 */
HSMIAM_API hsmiam_status hsmiam_access_key_create(hsmiam_client *client, hsmiam_custody *custody,
                                                  const char *user_name,
                                                  hsmiam_access_key **key_out,
                                                  hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Checks a user name as hsmiam_access_key_create() would, before anything is opened.
 * Statuses: ARGUMENT; the message says what is wrong, in the words of the AWS CLI.
 */
HSMIAM_API hsmiam_status hsmiam_user_name_check(const char *user_name,
                                                hsmiam_error *error) HSMIAM_MUST_USE;

/* ------------------------------------------------------------------------------------ recovery */

/** What became of an interrupted run. */
typedef enum hsmiam_recovery_state {
    HSMIAM_RECOVERY_SETTLED, /**< the token holds the key, or IAM has none */
    HSMIAM_RECOVERY_OPEN,    /**< not known, or not to be changed by this credential */
    HSMIAM_RECOVERY_LIVE     /**< its process is still at work */
} hsmiam_recovery_state;

/** An intent of the ledger that had no outcome. What is not known is "". Borrowed. */
typedef struct hsmiam_recovery {
    uint64_t intent; /**< the number of its record */
    hsmiam_recovery_state state;
    const char *result;        /**< of a settled one: "held", "deleted", "not-executed" */
    const char *user_name;     /**< "": the credential's own user */
    const char *access_key_id; /**< the key that it was about */
    const char *reason;        /**< why it is open */
    const char *candidates;    /**< ids, parted by blanks, of keys that it may have made */
    time_t request_time;       /**< X-Amz-Date of its request; -1: not known */
    long long come_back;       /**< in so many seconds; -1: waiting does not help */
} hsmiam_recovery;

/** Receives one, the oldest first. */
typedef void (*hsmiam_recovery_fn)(void *context, const hsmiam_recovery *recovery);

/**
 * Settles what interrupted runs left open in the custody's ledger. A key that the token took in is
 * proven by GetCallerIdentity, signed with it. A key that only the interrupted run can have made,
 * that neither the token nor the ledger knows and that nobody used, is deactivated and deleted. Any
 * other key is named and not touched. That no key was made is taken for granted only when IAM can
 * execute the request no more. What belongs to another account, token or endpoint is left open.
 * dry_run  changes nothing, at IAM, in the token and in the ledger.
 * Statuses: OK (nothing is open), UNSETTLED, those of hsmiam_token_open(), of the ledger and of the
 * network.
 */
HSMIAM_API hsmiam_status hsmiam_custody_recover(hsmiam_client *client, hsmiam_custody *custody,
                                                bool dry_run, hsmiam_recovery_fn report,
                                                void *context, hsmiam_error *error) HSMIAM_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
