/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: found, opened, provisioned. Part of hsmiam.h, which has the conventions. */
#ifndef HSMIAM_TOKEN_H
#define HSMIAM_TOKEN_H

#include <hsmiam/error.h>
#include <hsmiam/process.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A token named by a PKCS#11 URI: found, opened and logged in to when first needed. Threads may
 * share it: each operation has a session of its own, of which up to eight are open (fewer, if the
 * token says so); a thread waits for one. If a session, the login or the token is lost in the
 * middle of an operation, the token is opened once more, and the source of the PIN is read or the
 * person asked again, for no PIN that was typed is kept; what is safe to repeat is repeated, and of
 * an import it is first looked up whether it took place.
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

/** What a person is asked for the PIN for, which the prompt should say. */
typedef enum hsmiam_pin_reason {
    HSMIAM_PIN_OPENS_TOKEN,
    HSMIAM_PIN_AFTER_LOSS, /**< the session, the login or the token was lost: it is opened again */
    HSMIAM_PIN_USES_KEY    /**< a key wants it for each use (CKA_ALWAYS_AUTHENTICATE) */
} hsmiam_pin_reason;

/**
 * Asks a person for the PIN. The library calls it when no other source is named: when the token is
 * opened, and again for the other reasons, for it keeps no PIN. A secret on its way into the token
 * may be waiting in locked memory then; who gives up has it wiped. A PIN that the token refused is
 * the last that is asked for.
 * token_label  label of the token, for the prompt.
 * pin_out      locked memory of pin_size bytes that the library wipes; write the PIN there.
 * length_out   bytes written, without any line end.
 * Return HSMIAM_OK, or HSMIAM_ERR_PIN or HSMIAM_ERR_CANCELLED to give up.
 */
typedef hsmiam_status (*hsmiam_pin_fn)(void *context, const char *token_label,
                                       hsmiam_pin_reason reason, char *pin_out, size_t pin_size,
                                       size_t *length_out);

/** Sets the function that asks for the PIN; it may be called on another thread of the library,
 * which has 512 KiB of stack and takes no signals. */
HSMIAM_API void hsmiam_token_set_pin_callback(hsmiam_token *token, hsmiam_pin_fn ask,
                                              void *context);

/** True if opening the token would have to call the PIN callback: no source is named. */
HSMIAM_API bool hsmiam_token_needs_pin_callback(const hsmiam_token *token);

/** Allows a login when the token says that one more wrong PIN locks it (default: refused). */
HSMIAM_API void hsmiam_token_set_allow_final_try(hsmiam_token *token, bool allow);

/**
 * Sets how many seconds the token's module may take in all, over all of its calls, until
 * hsmiam_token_renew_timeout(); 0, the default: no limit. What a person takes to type a PIN does
 * not count, nor the time between the calls; where the PIN is entered on the token's own keypad or
 * a key is generated, a second counts as a tenth of one. hsmiam_request_sign(),
 * hsmiam_access_key_create() and hsmiam_access_key_import() renew it when they are done, so that it
 * limits each of them and what went before it. Closing the token has 10 seconds a call, or less if
 * less was set.
 *
 * The call that exceeds it fails with HSMIAM_ERR_TOKEN, and so does all that follows: the module is
 * not called again, by this token, for a thread may still be in it. That thread keeps what it may
 * still write to, and the module stays loaded. Then leave the process by _exit(): the module's own
 * clean-up in exit() might wait for ever. Set it before the token is opened.
 *
 * Each session then has a thread, with a locked stack of some 540 KiB. Where the first one cannot
 * be locked, there is no limit, which a notice tells; where another one cannot, there are fewer
 * sessions.
 */
HSMIAM_API void hsmiam_token_set_timeout(hsmiam_token *token, unsigned seconds);

/** Lets the module have all of its time-out again: for a program that does one thing after the
 * other.
 */
HSMIAM_API void hsmiam_token_renew_timeout(hsmiam_token *token);

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

#ifdef __cplusplus
}
#endif
#endif
