/* SPDX-License-Identifier: Apache-2.0 */
/* The name under which this module was loaded: its file's. */
#ifndef HSMIAM_CRYPTOKI_NAME_H
#define HSMIAM_CRYPTOKI_NAME_H

#define HSMIAM_NAME_MAX 128

/* The file's name without ".so" and what may follow: "hsmiam-pkcs11", "hsmiam-pkcs11-prod". */
const char *hsmiam_name_get(void);

/* What follows "hsmiam-pkcs11-" in it: the profile's name. NULL: nothing does. */
const char *hsmiam_name_get_profile(void);

#endif
