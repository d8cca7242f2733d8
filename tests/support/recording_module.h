/* SPDX-License-Identifier: Apache-2.0 */
/* A PKCS#11 module that does nothing but note which of its functions was called, and with what. */
#ifndef HSMIAM_TESTS_RECORDING_MODULE_H
#define HSMIAM_TESTS_RECORDING_MODULE_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

/* Members of the lists, in their order: those of 2.40, and behind them those of 3.0. */
#define RECORDING_OF_2  68
#define RECORDING_OF_3  92
#define RECORDING_WORDS 10

typedef struct recording_call {
    unsigned count;
    unsigned long words[RECORDING_WORDS]; /* the last call's arguments, and what lay behind them */
} recording_call;

typedef struct recording {
    recording_call calls[2][RECORDING_OF_3]; /* by the list: of 2.40, of 3.0 */
    CK_RV values[RECORDING_OF_3];            /* what they return */
    void *reserved;                          /* C_Initialize's pReserved */
    CK_ULONG flags;                          /* and its flags */
    bool initialised;
    bool lies; /* C_GetInterfaceList: of more than it has, and that has no names and no lists */
    CK_SESSION_HANDLE session; /* the next one that C_OpenSession makes */
    void (*meanwhile)(void);   /* what C_Initialize calls first, or NULL */
} recording;

/* Exported by the module under the name of recording_get. */
typedef recording *(*recording_get_fn)(void);

#endif
