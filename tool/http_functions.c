/* SPDX-License-Identifier: Apache-2.0 */
#include "http_functions.h"

#include <dlfcn.h>

static tool_http_functions functions;

static const struct {
    const char *name;
    void *function; /* the address of a pointer to it */
} symbols[] = {
    {"MHD_start_daemon", &functions.start_daemon},
    {"MHD_quiesce_daemon", &functions.quiesce_daemon},
    {"MHD_stop_daemon", &functions.stop_daemon},
    {"MHD_create_response_from_buffer_with_free_callback_cls", &functions.create_response},
    {"MHD_add_response_header", &functions.add_response_header},
    {"MHD_queue_response", &functions.queue_response},
    {"MHD_destroy_response", &functions.destroy_response},
    {"MHD_lookup_connection_value", &functions.lookup_connection_value},
    {"MHD_get_connection_info", &functions.get_connection_info},
};

hsmiam_status tool_http_load(const tool_http_functions **functions_out, tool_error *error)
{
    void *library = dlopen(HSMIAM_MICROHTTPD_SONAME, RTLD_NOW | RTLD_LOCAL);
    bool found = library != NULL;

    for (size_t i = 0; found && i < sizeof symbols / sizeof symbols[0]; i++) {
        *(void **)symbols[i].function = dlsym(library, symbols[i].name);
        found = *(void **)symbols[i].function != NULL;
    }
    if (!found) {
        const char *reason = dlerror();

        return tool_error_set(error, HSMIAM_ERR_CONFIG,
                              "libmicrohttpd, by which credentials are served, cannot be loaded: "
                              "%s.",
                              reason ? reason : HSMIAM_MICROHTTPD_SONAME);
    }
    *functions_out = &functions;
    return HSMIAM_OK;
}
