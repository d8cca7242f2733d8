/* SPDX-License-Identifier: Apache-2.0 */
/* The module behind: found, loaded, initialised, and shared with whoever else uses it here.
 *
 * p11-kit counts who uses it, as it does for libhsmiam and for other instances, so that none
 * finalises it under another's feet. Who comes first has it initialised with the arguments given.
 */
#ifndef HSMIAM_CRYPTOKI_BEHIND_H
#define HSMIAM_CRYPTOKI_BEHIND_H

#include "cryptoki/cryptoki3.h"

#include <stdbool.h>

/* C_Initialize and C_Finalize. */
CK_RV hsmiam_behind_initialize(CK_C_INITIALIZE_ARGS *arguments);
CK_RV hsmiam_behind_finalize(void *reserved);

/* The module behind by its list of PKCS#11 2.40 or, `of_3`, of 3.x; NULL: this module is not
 * initialised. */
CK_FUNCTION_LIST *hsmiam_behind_get_functions(bool of_3);

/* The interfaces of the module behind, loaded if need be: 0 if it has none, or cannot be loaded. */
CK_ULONG hsmiam_behind_get_interfaces(const CK_INTERFACE **interfaces_out);

/* The path of the module behind, as the settings name it. NULL: this module is not initialised, or
 * nothing is configured. */
const char *hsmiam_behind_get_path(void);

/* Whether whoever initialised this module lets it start threads
 * (CKF_LIBRARY_CANT_CREATE_OS_THREADS), as work on secrets does. */
bool hsmiam_behind_may_start_threads(void);

#endif
