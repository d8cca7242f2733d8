/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and loading PKCS#11 modules, by p11-kit. */
#include "token/cryptoki.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

bool hsmiam_module_has_name(const char *configured_name, const char *filename, const char *wanted)
{
    if (configured_name != NULL && strcasecmp(configured_name, wanted) == 0)
        return true;
    if (filename == NULL)
        return false;

    const char *slash = strrchr(filename, '/');
    const char *base = slash != NULL ? slash + 1 : filename;
    size_t size = strlen(wanted);

    if (strncasecmp(base, wanted, size) == 0 && (base[size] == '\0' || base[size] == '.'))
        return true;
    return strncasecmp(base, "lib", 3) == 0 && strncasecmp(base + 3, wanted, size) == 0 &&
           (base[3 + size] == '\0' || base[3 + size] == '.');
}

/* p11-kit's own words for the last failure on this thread. */
static const char *reason_of(CK_RV rv)
{
    const char *message = p11_kit_message();

    return message != NULL ? message : p11_kit_strerror(rv);
}

/* A module-path may be a folder, in which module-name names the file (RFC 7512, 2.3). */
static bool resolve_path(const char *path, const char *name, char resolved[PATH_MAX])
{
    static const char *const forms[] = {"%s/%s.so", "%s/lib%s.so", "%s/%s"};
    struct stat info;

    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return snprintf(resolved, PATH_MAX, "%s", path) < PATH_MAX;
    if (name == NULL || strchr(name, '/') != NULL)
        return false;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        int size = snprintf(resolved, PATH_MAX, forms[i], path, name);
#pragma GCC diagnostic pop
        if (size > 0 && size < PATH_MAX && stat(resolved, &info) == 0 && S_ISREG(info.st_mode))
            return true;
    }
    return false;
}

/* What a module is to be given in C_Initialize, by the name that p11-kit's configuration has for
 * it.
 */
#define INIT_WORDS "x-init-reserved"

static CK_RV initialise(hsmiam_modules *modules, CK_FUNCTION_LIST *functions, const char *words)
{
    modules->given_words = words != NULL;
    return words != NULL ? hsmiam_instance_acquire(functions, words)
                         : p11_kit_module_initialize(functions);
}

/* p11-kit's and the loader's reason, which repeat the path in front of it. */
static hsmiam_status report_not_loaded(const char *path, hsmiam_error *error)
{
    const char *reason = reason_of(CKR_GENERAL_ERROR);
    size_t size = strlen(path);

    for (const char *at = reason; (at = strstr(at, path)) != NULL; at += size)
        if (strncmp(at + size, ": ", 2) == 0)
            reason = at + size + 2;
    if (strstr(reason, "C_GetFunctionList") != NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "\"%s\" is no PKCS#11 module: it lacks C_GetFunctionList.", path);
    return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                            "The PKCS#11 module \"%s\" cannot be loaded: %s.", path, reason);
}

static hsmiam_status report_unusable(const char *path, const CK_FUNCTION_LIST *functions,
                                     const char *words, CK_RV rv, hsmiam_error *error)
{
    char buffer[32];

    if (functions == NULL)
        return report_not_loaded(path, error);
    if (words == NULL) {
        (void)hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                               "The PKCS#11 module \"%s\" cannot be used; its C_Initialize failed: "
                               "%s (%s).",
                               path, p11_kit_strerror(rv), hsmiam_rv_get_name(rv, buffer));
        if (rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED)
            hsmiam_error_append(error,
                                "Look at the module's own configuration: SoftHSM's, for one, "
                                "is the file that SOFTHSM2_CONF names.");
        if (rv == CKR_ARGUMENTS_BAD)
            hsmiam_error_append(
                error,
                "Some modules want a parameter string there, NSS's for one: give it "
                "in the URI, behind module-path: &%s=configdir='sql:FOLDER', or in "
                "p11-kit's configuration.",
                INIT_WORDS);
        return HSMIAM_ERR_CONFIG;
    }
    if (rv == CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "The PKCS#11 module \"%s\" is in use in this process with another "
                                "%s already; give every token of it the same.",
                                path, INIT_WORDS);
    return hsmiam_error_set(
        error, HSMIAM_ERR_CONFIG,
        "The PKCS#11 module \"%s\" cannot be used; C_Initialize with the URI's "
        "%s failed: %s (%s). Look at what that names: NSS's configdir must be a database that may "
        "be read and written to (`certutil -N -d sql:FOLDER` makes one).",
        path, INIT_WORDS, p11_kit_strerror(rv), hsmiam_rv_get_name(rv, buffer));
}

static hsmiam_status load_path(hsmiam_modules *modules, const char *path, const char *name,
                               const char *words, hsmiam_error *error)
{
    char resolved[PATH_MAX];
    int flags = P11_KIT_MODULE_CRITICAL | (words != NULL ? P11_KIT_MODULE_UNMANAGED : 0);

    if (*path == '\0')
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "The PKCS#11 URI's module-path is empty; name the module's file "
                                "there, or leave it out for p11-kit's configuration.");
    if (!resolve_path(path, name, resolved))
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "The PKCS#11 module path \"%s\" is a folder%s%s%s; give "
                                "module-path the module's file.",
                                path, name != NULL ? " without the module \"" : "",
                                name != NULL ? name : "", name != NULL ? "\"" : "");

    CK_FUNCTION_LIST **list = calloc(2, sizeof(CK_FUNCTION_LIST *));
    if (list == NULL)
        return hsmiam_error_set_memory(error, "the PKCS#11 module");

    hsmiam_status status = HSMIAM_OK;
    hsmiam_watch_ask(modules->watch, "C_Initialize", resolved);
    list[0] = p11_kit_module_load(resolved, flags);
    CK_RV rv = list[0] != NULL ? initialise(modules, list[0], words) : CKR_GENERAL_ERROR;
    if (rv != CKR_OK) {
        status = report_unusable(resolved, list[0], words, rv, error);
        goto out;
    }
    modules->list = list;
    list = NULL;
out:
    if (list != NULL && list[0] != NULL)
        p11_kit_module_release(list[0]);
    free(list);
    return status;
}

static hsmiam_status load_configured(hsmiam_modules *modules, hsmiam_error *error)
{
    hsmiam_watch_ask(modules->watch, "C_Initialize", NULL);
    CK_FUNCTION_LIST **list = p11_kit_modules_load_and_initialize(0);

    if (list == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "The PKCS#11 modules of p11-kit's configuration cannot be used: "
                                "%s; see `p11-kit list-modules`.",
                                reason_of(CKR_GENERAL_ERROR));
    modules->list = list;
    modules->configured = true;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_modules_load(hsmiam_modules *modules, const P11KitUri *uri,
                                  hsmiam_error *error)
{
    const char *path = p11_kit_uri_get_module_path(uri);
    const char *name = p11_kit_uri_get_module_name(uri);
    const char *words = p11_kit_uri_get_vendor_query(uri, INIT_WORDS);

    if (path != NULL)
        return load_path(modules, path, name, words, error);
    if (words != NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "The PKCS#11 URI has %s without module-path; modules of p11-kit's "
                                "configuration have it there.",
                                INIT_WORDS);
    return load_configured(modules, error);
}

void hsmiam_modules_leave(hsmiam_modules *modules)
{
    if (!modules->borrowed)
        free(modules->list);
    *modules = (hsmiam_modules){0};
}

void hsmiam_modules_release(hsmiam_modules *modules)
{
    if (modules->list == NULL)
        return;
    if (modules->borrowed) {
        modules->list = NULL;
        return;
    }
    if (modules->configured) {
        p11_kit_modules_finalize_and_release(modules->list);
    } else {
        if (modules->given_words)
            hsmiam_instance_release(modules->list[0]);
        else
            (void)p11_kit_module_finalize(modules->list[0]);
        p11_kit_module_release(modules->list[0]);
        free(modules->list);
    }
    *modules = (hsmiam_modules){0};
}
