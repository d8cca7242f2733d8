/* SPDX-License-Identifier: Apache-2.0 */
#include "cryptoki/load.h"

#include "cryptoki/message.h"
#include "cryptoki/settings.h"
#include "token/cryptoki.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* The functions of 3.0 that the module behind has, if it has any. */
static hsmiam_status find_interfaces(void *object, hsmiam_loaded *found, hsmiam_error *error)
{
    CK_C_GetInterfaceList get_list = (CK_C_GetInterfaceList)dlsym(object, "C_GetInterfaceList");
    CK_ULONG room = 0;

    if (get_list == NULL || get_list(NULL, &room) != CKR_OK || room == 0)
        return HSMIAM_OK;
    found->interfaces = calloc(room, sizeof *found->interfaces);
    if (found->interfaces == NULL)
        return hsmiam_error_set_memory(error, "the PKCS#11 module");
    CK_ULONG count = room;
    if (get_list(found->interfaces, &count) != CKR_OK)
        return HSMIAM_OK;
    for (CK_ULONG i = 0; i < count && i < room; i++) {
        const CK_INTERFACE interface = found->interfaces[i];
        const CK_VERSION *version = interface.pFunctionList;
        if (interface.pInterfaceName == NULL || version == NULL)
            continue;
        found->interfaces[found->interface_count++] = interface;
        if (found->functions_3 == NULL && strcmp(interface.pInterfaceName, "PKCS 11") == 0 &&
            version->major == 3 && version->minor <= 1)
            found->functions_3 = interface.pFunctionList;
    }
    return HSMIAM_OK;
}

static hsmiam_status find_functions(void *object, hsmiam_loaded *found, hsmiam_error *error)
{
    CK_C_GetFunctionList get_list = (CK_C_GetFunctionList)dlsym(object, "C_GetFunctionList");
    CK_FUNCTION_LIST *own = NULL;

    if (get_list == NULL || get_list(&found->functions) != CKR_OK || found->functions == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "\"%s\" is no PKCS#11 module: it lacks C_GetFunctionList.",
                                found->path);
    if (C_GetFunctionList(&own) == CKR_OK && found->functions == own)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "\"%s\" is this module itself; name the HSM's own module in the "
                                "profile's hsmiam_token.",
                                found->path);
    return find_interfaces(object, found, error);
}

/* The module that the URI names: by path only, for what p11-kit's configuration has may lead back
 * to here. */
static hsmiam_status find_module(const char *text, hsmiam_loaded *found, hsmiam_error *error)
{
    P11KitUri *uri = NULL;
    hsmiam_status status = hsmiam_uri_parse(text, &uri, error);

    if (status != HSMIAM_OK)
        return status;
    const char *path = p11_kit_uri_get_module_path(uri);
    const char *words = p11_kit_uri_get_vendor_query(uri, "x-init-reserved");
    if (path == NULL || *path != '/') {
        status = hsmiam_error_set(
            error, HSMIAM_ERR_CONFIG,
            "The token's URI names no module to stand in front of; give it module-path, the file "
            "of the HSM's own module: pkcs11:token=...?module-path=/usr/lib/....so.");
        goto out;
    }
    found->path = strdup(path);
    found->words = words != NULL ? strdup(words) : NULL;
    if (found->path == NULL || (words != NULL && found->words == NULL))
        status = hsmiam_error_set_memory(error, "the PKCS#11 module");
out:
    hsmiam_uri_free(&uri);
    return status;
}

static hsmiam_status load(const hsmiam_module_settings *settings, hsmiam_loaded *found,
                          hsmiam_error *error)
{
    hsmiam_status status = find_module(settings->token, found, error);

    if (status != HSMIAM_OK)
        return status;
    void *object = dlopen(found->path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "The PKCS#11 module cannot be loaded: %s.", dlerror());
    status = find_functions(object, found, error);
    if (status != HSMIAM_OK)
        (void)dlclose(object);
    return status;
}

hsmiam_status hsmiam_load(hsmiam_loaded *loaded, hsmiam_error *error)
{
    hsmiam_module_settings settings = {0};
    hsmiam_loaded found = {0};

    if (loaded->functions != NULL)
        return HSMIAM_OK;
    hsmiam_status status = hsmiam_module_settings_load(&settings, error);
    hsmiam_message_set_file(settings.log_file);
    if (status == HSMIAM_OK)
        status = load(&settings, &found, error);
    hsmiam_module_settings_clear(&settings);
    if (status == HSMIAM_OK) {
        *loaded = found;
    } else {
        free(found.path);
        free(found.words);
        free(found.interfaces);
    }
    return status;
}
