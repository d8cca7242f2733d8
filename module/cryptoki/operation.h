/* SPDX-License-Identifier: Apache-2.0 */
/* The SigV4 signatures that an application's sessions have begun. Nothing in here is secret. */
#ifndef HSMIAM_CRYPTOKI_OPERATION_H
#define HSMIAM_CRYPTOKI_OPERATION_H

#include "base/buffer.h"
#include "sigv4/signer.h"

#include <p11-kit/pkcs11.h>
#include <pthread.h>

/* The longest string to sign. One of AWS has some 150 bytes; an upload policy, some thousand. */
#define HSMIAM_OPERATION_TEXT_MAX ((size_t)1024 * 1024)

typedef struct hsmiam_operation {
    struct hsmiam_operation *next;
    CK_SESSION_HANDLE session;
    CK_SLOT_ID slot;
    CK_OBJECT_HANDLE key;
    bool in_token;  /* the key derives; else it signs, and the module behind has begun that */
    bool has_scope; /* else it stands in the text */
    bool in_parts;  /* C_SignUpdate was called */
    bool ended;     /* by C_Logout; the session's next call ends the one behind */
    hsmiam_scope scope;
    hsmiam_buffer text; /* the string to sign, as far as it came */
} hsmiam_operation;

typedef struct hsmiam_operations {
    pthread_mutex_t lock;
    hsmiam_operation *first;
    _Atomic size_t count; /* read without the lock: most sessions never have one */
} hsmiam_operations;

#define HSMIAM_OPERATIONS_NONE                                                                     \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER                                                          \
    }

/* Makes one that is not in the list yet; NULL if there is no memory. */
hsmiam_operation *hsmiam_operation_new(CK_SESSION_HANDLE session);
void hsmiam_operation_free(hsmiam_operation **operation);

/* Adds it, which is the list's from then on. What the list had of the session, whose handle is a
 * new one's then, goes. */
void hsmiam_operations_add(hsmiam_operations *operations, hsmiam_operation *operation);

/* Takes the session's operation out of the list; NULL if it has none. */
hsmiam_operation *hsmiam_operations_take(hsmiam_operations *operations, CK_SESSION_HANDLE session);

bool hsmiam_operations_has(hsmiam_operations *operations, CK_SESSION_HANDLE session);

/* Marks those on a slot as ended. Their sessions may be at work on other threads. */
void hsmiam_operations_end_on_slot(hsmiam_operations *operations, CK_SLOT_ID slot);

void hsmiam_operations_drop(hsmiam_operations *operations, CK_SESSION_HANDLE session);

/* In a forked child, where the lock may be held by a thread that is not there. */
void hsmiam_operations_forget(hsmiam_operations *operations);

#endif
