/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/transport_functions.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

/* What a packager's tools read of libraries that are not linked but loaded:
 * https://uapi-group.org/specifications/specs/elf_dlopen_metadata/ */
#define NOTE_TYPE 0x407c0c0a
#define NOTE_TEXT                                                                                  \
    "[{\"feature\":\"iam\",\"description\":\"Requests to IAM\",\"priority\":\"required\","         \
    "\"soname\":[\"" HSMIAM_CURL_SONAME "\"]}]"

__attribute__((used, section(".note.dlopen"), aligned(4))) static const struct {
    uint32_t name_size;
    uint32_t text_size;
    uint32_t type;
    char name[4];
    char text[(sizeof NOTE_TEXT + 3) / 4 * 4];
} note = {sizeof "FDO", sizeof NOTE_TEXT, NOTE_TYPE, "FDO", NOTE_TEXT};

static pthread_once_t load_once = PTHREAD_ONCE_INIT;
static pthread_once_t init_once = PTHREAD_ONCE_INIT;
static CURLcode init_result = CURLE_FAILED_INIT;
static char load_failure[256]; /* "" once all is loaded */
static CURLcode (*curl_global_init_function)(long flags);
static hsmiam_transport_functions functions;

static const struct {
    const char *name;
    void *function; /* the address of a pointer to it */
} symbols[] = {
    {"curl_global_init", &curl_global_init_function},
    {"curl_easy_init", &functions.easy_init},
    {"curl_easy_cleanup", &functions.easy_cleanup},
    {"curl_easy_reset", &functions.easy_reset},
    {"curl_easy_setopt", &functions.easy_setopt},
    {"curl_easy_perform", &functions.easy_perform},
    {"curl_easy_getinfo", &functions.easy_getinfo},
    {"curl_easy_nextheader", &functions.easy_nextheader},
    {"curl_easy_strerror", &functions.easy_strerror},
    {"curl_slist_append", &functions.slist_append},
    {"curl_slist_free_all", &functions.slist_free_all},
};

static void init(void)
{
    init_result = curl_global_init_function(CURL_GLOBAL_DEFAULT);
}

static CURLcode global_init(void)
{
    return pthread_once(&init_once, init) == 0 ? init_result : CURLE_FAILED_INIT;
}

static void load(void)
{
    /* At once and whole: a function bound at its first call may leave a secret's bytes, which the
     * processor's vector registers hold, on the stack. */
    void *library = dlopen(HSMIAM_CURL_SONAME, RTLD_NOW | RTLD_LOCAL);
    bool found = library != NULL;

    for (size_t i = 0; found && i < sizeof symbols / sizeof symbols[0]; i++) {
        *(void **)symbols[i].function = dlsym(library, symbols[i].name);
        found = *(void **)symbols[i].function != NULL;
    }
    functions.global_init = global_init;
    if (!found) {
        const char *reason = dlerror();
        (void)snprintf(load_failure, sizeof load_failure, "%s",
                       reason != NULL ? reason : HSMIAM_CURL_SONAME);
    }
}

hsmiam_status hsmiam_transport_functions_load(const hsmiam_transport_functions **functions_out,
                                              hsmiam_error *error)
{
    (void)pthread_once(&load_once, load);
    if (load_failure[0] != '\0')
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "libcurl, by which IAM is reached, cannot be loaded: %s.",
                                load_failure);
    *functions_out = &functions;
    return HSMIAM_OK;
}
