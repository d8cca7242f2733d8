/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the two mechanisms. */
#ifndef HSMIAM_CRYPTOKI_OWN_H
#define HSMIAM_CRYPTOKI_OWN_H

/* The part of hsmiam_mechanism_forget() that is sign.c's. */
void hsmiam_sign_forget(void);

#endif
