/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles of the AWS configuration file. Part of hsmiam.h, which has the conventions. */
#ifndef HSMIAM_PROFILE_H
#define HSMIAM_PROFILE_H

#include <hsmiam/error.h>
#include <hsmiam/process.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The longest line that the file may have, line end included. */
#define HSMIAM_PROFILE_LINE_MAX 8192

/** What one profile says. It is kept in locked memory, for a URI in it may carry a PIN. */
typedef struct hsmiam_profile hsmiam_profile;

/**
 * Reads one profile. A file that does not exist is an empty one.
 * path  the file, at most 256 KiB; NULL: that of hsmiam_path_make_config().
 * name  the profile that is asked for, which must be there; NULL: [default], if it is there.
 * Statuses: CONFIG (no such profile, or no such file that can be read; in the AWS CLI's words),
 * MEMORY.
 */
HSMIAM_API hsmiam_status hsmiam_profile_new(const char *path, const char *name,
                                            hsmiam_profile **profile_out,
                                            hsmiam_error *error) HSMIAM_MUST_USE;

/** Wipes and frees. */
HSMIAM_API void hsmiam_profile_free(hsmiam_profile **profile);

/** A value by its key, as "region"; NULL if the profile does not say it, or says "". Borrowed. */
HSMIAM_API const char *hsmiam_profile_get(const hsmiam_profile *profile, const char *key);

/** The same of a service, as "iam", in the services section that the profile names. */
HSMIAM_API const char *hsmiam_profile_get_of_service(const hsmiam_profile *profile,
                                                     const char *service, const char *key);

/** Whether a line of the file opens a profile's section, for programs that change it; that of
 *  "default" has two names. */
HSMIAM_API bool hsmiam_profile_is_opened(const char *line, const char *name);

/** The next one of several PKCS#11 URIs that blanks part, as in hsmiam_token; NULL if there is
 * none. A blank that is not followed by "pkcs11:" belongs to the URI (a command, in its
 * pin-source). */
HSMIAM_API const char *hsmiam_profile_find_next_uri(const char *text);

/** A path with what a leading ~ or ~user, $NAME and ${NAME} mean, as the AWS CLI expands its own.
 * In a program with more rights than its user (setuid), the environment means nothing here or
 * below, and ~ is the home of whose rights they are. The caller frees it by free(); NULL if there
 * is no memory. */
HSMIAM_API char *hsmiam_path_expand(const char *path);

/** Where the configuration file is: $AWS_CONFIG_FILE, or else ~/.aws/config. The caller frees it by
 *  free(); NULL if there is no memory. */
HSMIAM_API char *hsmiam_path_make_config(void);

/** Where the ledger is if nothing else is said: ${XDG_STATE_HOME:-~/.local/state}/hsmiam/
 *  ledger.jsonl. The caller frees it by free(); NULL if there is no memory. */
HSMIAM_API char *hsmiam_path_make_ledger(void);

#ifdef __cplusplus
}
#endif
#endif
