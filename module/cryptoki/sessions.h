/* SPDX-License-Identifier: Apache-2.0 */
/* The sessions that were opened through this module. Others in the process may have sessions with
 * the same token, by another instance or by libhsmiam: only ours are closed. */
#ifndef HSMIAM_CRYPTOKI_SESSIONS_H
#define HSMIAM_CRYPTOKI_SESSIONS_H

#include <p11-kit/pkcs11.h>

/* PKCS#11's functions, for the list to pass them on to. */
CK_RV hsmiam_sessions_open(CK_FUNCTION_LIST *behind, CK_SLOT_ID slot, CK_FLAGS flags,
                           void *application, CK_NOTIFY notify, CK_SESSION_HANDLE *session_out);
CK_RV hsmiam_sessions_close(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session);
CK_RV hsmiam_sessions_close_all(CK_FUNCTION_LIST *behind, CK_SLOT_ID slot);

/* Closes those with every slot. */
void hsmiam_sessions_end(CK_FUNCTION_LIST *behind);

/* In a forked child: they were the parent's. */
void hsmiam_sessions_forget(void);

#endif
