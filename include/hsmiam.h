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
 *   - No message, log line or getter ever carries a secret access key, a PIN or a derived key, but
 *     for the getters of temporary credentials (hsmiam_credentials).
 *
 * What stays in memory
 *   - When a call has returned, whatever it came to, the process holds no secret access key that
 *     passed through it, no key derived from one, no wrapped key and no PIN: in no heap, stack or
 *     register. Three things are kept, each once, in memory that is locked, left out of core dumps
 *     and empty in a forked child: by a token the PIN that its URI spelt out (pin-value; no other);
 *     by a signer whose route is sign the signing key of one day, region and service; by a custody
 *     that is prepared for HSMIAM_ROUTE_RSA_OAEP the AES key that values are wrapped under on their
 *     way (a token that is software may keep it too), until it is freed or the token closed. They
 *     are wiped when signer, custody and token are freed. Temporary credentials are kept likewise,
 *     by hsmiam_credentials, and by a signer the token of a session by MFA; that one goes with each
 *     request, as a header, and so through the heap as well, where it is wiped when the request is
 *     done (what libcurl copied, as is said of answers below); nothing can be signed by it alone.
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
 *     that says there is none, a bad chunk, no head), nothing stays either: libcurl frees it as it
 *     is, and the library then closes the connection, and takes, wipes and gives back what malloc()
 *     has free for that thread. Where malloc() is neither glibc's nor one that wipes what is freed,
 *     such a body may stay; and of a secret that a server sends in a header that libcurl accepts, a
 *     piece may, if the header came in pieces: libcurl puts it together in a block that moves as it
 *     grows.
 *   - What the caller hands in (a secret to import, a PIN) is the caller's to wipe.
 */
#ifndef HSMIAM_H
#define HSMIAM_H

#include <hsmiam/access_key.h>
#include <hsmiam/approval.h>
#include <hsmiam/batch.h>
#include <hsmiam/check.h>
#include <hsmiam/client.h>
#include <hsmiam/credentials.h>
#include <hsmiam/custody.h>
#include <hsmiam/error.h>
#include <hsmiam/export.h>
#include <hsmiam/ledger.h>
#include <hsmiam/lifecycle.h>
#include <hsmiam/process.h>
#include <hsmiam/profile.h>
#include <hsmiam/recovery.h>
#include <hsmiam/request.h>
#include <hsmiam/rotation.h>
#include <hsmiam/signer.h>
#include <hsmiam/token.h>
#include <hsmiam/verify.h>

#endif
