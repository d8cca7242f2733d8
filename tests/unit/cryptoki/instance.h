/* SPDX-License-Identifier: Apache-2.0 */
/* Instances of the module, each with a profile of its own, in front of the recording module. */
#ifndef HSMIAM_TESTS_INSTANCE_H
#define HSMIAM_TESTS_INSTANCE_H

#include "cryptoki/cryptoki3.h"
#include "support/recording_module.h"

/* A folder for configuration, copies of the module and its log; all is removed at the end. */
int instance_set_up(void **state);
int instance_tear_down(void **state);

/* Loads a copy of the module under a name, with that profile, whose token is `path`'s. */
void *instance_load(const char *name, const char *path);
CK_FUNCTION_LIST *instance_get_functions(void *instance);
CK_INTERFACE *instance_get_interface(void *instance, unsigned char major);

/* The recording module, its state as new; it is what most instances stand in front of. */
recording *instance_record(void);
const char *instance_get_recording_path(void);

/* Where a copy by that name is. */
const char *instance_get_path(const char *name);

/* What the instances wrote into their log; "" if they said nothing. It is emptied. */
const char *instance_read_log(void);

#endif
