/* SPDX-License-Identifier: Apache-2.0 */
/* Settings, read from arguments, an environment of their own and a config file. */
#ifndef HSMIAM_TESTS_SETTINGS_BED_H
#define HSMIAM_TESTS_SETTINGS_BED_H

#include "check.h"
#include "settings.h"

extern struct settings_bed {
    char path[32]; /* of the config file */
    tool_settings settings;
    tool_error error;
} settings_bed;

void settings_write_config(const char *text);

/* Before and after each test. */
int settings_clear(void **state);

/* Before and after all of them. */
int settings_make_file(void **state);
int settings_remove_file(void **state);

/* Fills the bed's settings, or its error. The arguments must be right. */
hsmiam_status settings_load(const char *const *argv);

#define LOAD(...) settings_load((const char *const[]){"hsmiam", "make", ##__VA_ARGS__, NULL})

#endif
