/* SPDX-License-Identifier: Apache-2.0 */
/* What a command works with: its arguments, its settings, and the library's objects made from
 * them. */
#ifndef HSMIAM_TOOL_SESSION_H
#define HSMIAM_TOOL_SESSION_H

#include "approver.h"
#include "notices.h"
#include "settings.h"

struct tool_context {
    const tool_arguments *arguments;
    char **argv; /* a URI in it may carry a PIN, which is taken out once it is used */
    tool_settings settings;
    bool debug;
    bool finding;          /* what was asked to be looked for was found; the command sets it */
    tool_notices *notices; /* NULL: each is given, as often as it comes */
};

/* The library's objects. Zero-initialised it is closed. */
typedef struct tool_session {
    hsmiam_error *error;
    hsmiam_token *credential_token; /* NULL if the command needs no credential */
    hsmiam_token *token;            /* where keys go; may be the credential's */
    hsmiam_signer *signer;
    hsmiam_client *client;
    hsmiam_custody *custody;
    hsmiam_token *replica_tokens[HSMIAM_REPLICAS_MAX]; /* which take keys as well, */
    hsmiam_custody *replicas[HSMIAM_REPLICAS_MAX];     /* by these */
    size_t replica_count;
    hsmiam_ledger *ledger;
    hsmiam_token *approvers[TOOL_REPEATED_MAX];
    size_t approver_count;
    tool_approver approver; /* how they are asked */
    tool_error pin_error;   /* why the prompt gave no PIN */
    tool_error heap_error;  /* why the client was stopped that was not by a signal */
    const tool_arguments *arguments;
    bool forbids_plaintext; /* create-object is no import route */
} tool_session;

/* Names the token that keys go to, and a custody over it. Nothing is opened.
 * Statuses: ARGUMENT, CONFIG, MEMORY. */
hsmiam_status tool_session_start(tool_session *session, tool_context *context,
                                 tool_error *error) HSMIAM_MUST_USE;

/* The same, and a client of IAM that the credential signs for. */
hsmiam_status tool_session_start_client(tool_session *session, tool_context *context,
                                        tool_error *error) HSMIAM_MUST_USE;

/* Names the credential's token and the key in it that signs; with --mfa-serial, a client as well,
 * which asks for the session. Nothing is opened, but, with --require-locked-memory, the token, by
 * which its objects are loaded.
 * Statuses: ARGUMENT, CONFIG, MEMORY. */
hsmiam_status tool_session_start_signer(tool_session *session, tool_context *context,
                                        tool_error *error) HSMIAM_MUST_USE;

/* Names the ledger alone, for reading: no token is needed. */
hsmiam_status tool_session_start_ledger(tool_session *session, tool_context *context,
                                        tool_error *error) HSMIAM_MUST_USE;

/* What an MFA device shows. */
typedef struct tool_mfa_code {
    char text[17];
} tool_mfa_code;

/* Takes the code from --token-code, or asks for it on the terminal. Nothing if `serial` is NULL.
 * Statuses: ARGUMENT (a code of no device), those of tool_prompt_secret(). */
hsmiam_status tool_session_ask_code(const tool_session *session, const char *serial,
                                    tool_mfa_code *code_out, tool_error *error) HSMIAM_MUST_USE;

/* Names the ledger, and as the session's token that of an approver, who writes to it without an
 * audit key. */
hsmiam_status tool_session_start_approver(tool_session *session, tool_context *context,
                                          const char *uri, tool_error *error) HSMIAM_MUST_USE;

/* Lets the ledger trust the public key in a file, as --public-key names it. */
hsmiam_status tool_session_trust_key(tool_session *session, const char *path,
                                     tool_error *error) HSMIAM_MUST_USE;

/* Opens those tokens that a person must be asked a PIN for, so that the question comes before the
 * connection. With --mfa-serial, the client's session is begun then.
 * Statuses: those of hsmiam_token_open() and hsmiam_client_begin_mfa_session(). */
hsmiam_status tool_session_ask_pins(tool_session *session, tool_error *error) HSMIAM_MUST_USE;

/* Turns a failure of the library into the tool's error; the prompt's own reason wins. */
hsmiam_status tool_session_fail(tool_session *session, tool_error *error);

/* Closes and frees all of it. */
void tool_session_clear(tool_session *session);

/* Whether one of the tokens that were closed did not answer in time. A thread is still in its
 * module then, and exit() might wait for it. */
bool tool_session_has_silent_token(void);

/* The options of commands that put keys into a token. */
#define TOOL_IMPORT_ROUTE_OPTION /* How a key is to serve SigV4. */
#define TOOL_SIGV4_ROUTE_OPTION                                                                    \
    {                                                                                              \
        .name = "--sigv4-route", .kind = TOOL_OPTION_VALUE, .choices = tool_sigv4_choices,         \
        .help = "What a key in the token may do: with in-token it derives SigV4's keys inside a "  \
                "PKCS#11 3.0 token, and none is ever on the host; with sign it signs, and the "    \
                "day's derived keys pass through the host. Default: auto, that is in-token if "    \
                "the token enforces CKA_ALLOWED_MECHANISMS; if it does not, whoever has the PIN "  \
                "can take a key of in-token apart."                                                \
    }

/* The options of commands that put keys into a token. */
#define TOOL_IMPORT_OPTIONS                                                                        \
    {.name = "--import-route",                                                                     \
     .kind = TOOL_OPTION_VALUE,                                                                    \
     .choices = tool_route_choices,                                                                \
     .help = "How the secret goes into the token: rsa-oaep encrypts it to a key of the token, "    \
             "aes-kwp lets the token encrypt it by a key of its own, create-object hands it "      \
             "over as it is. Default: auto, the first that works."},                               \
        {.name = "--forbid-plaintext-import",                                                      \
         .kind = TOOL_OPTION_FLAG,                                                                 \
         .help = "Do not use create-object, even if nothing else works. The same: "                \
                 "hsmiam_forbid_plaintext_import = true in the profile."},                         \
        {.name = "--exportable",                                                                   \
         .kind = TOOL_OPTION_FLAG,                                                                 \
         .help = "Let the key be handed over later, wrapped, by `export-access-key`. Without "     \
                 "this no key ever leaves the token, which cannot be changed afterwards."},        \
        TOOL_SIGV4_ROUTE_OPTION

extern const char *const tool_route_choices[];
extern const char *const tool_sigv4_choices[];

#endif
