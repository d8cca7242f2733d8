/* SPDX-License-Identifier: Apache-2.0 */
/* Loading the module behind that the settings name. */
#ifndef HSMIAM_CRYPTOKI_LOAD_H
#define HSMIAM_CRYPTOKI_LOAD_H

#include "base/error.h"
#include "cryptoki/cryptoki3.h"

/* The module behind. Once loaded it stays so, and what is here does not change any more. */
typedef struct hsmiam_loaded {
    char *path;
    char *words; /* for C_Initialize, where the program has none; NULL: none */
    CK_FUNCTION_LIST *functions;
    CK_FUNCTION_LIST *functions_3; /* those of 3.0 or 3.1; NULL: it has none */
    CK_INTERFACE *interfaces;
    CK_ULONG interface_count;
} hsmiam_loaded;

/* Loads it, unless that was done, and says where messages go from now on. If it fails, all is as
 * before. Statuses: CONFIG, ARGUMENT (the token's URI), MEMORY. */
hsmiam_status hsmiam_load(hsmiam_loaded *loaded, hsmiam_error *error) HSMIAM_MUST_USE;

#endif
