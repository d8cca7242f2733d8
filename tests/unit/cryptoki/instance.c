/* SPDX-License-Identifier: Apache-2.0 */
#include "instance.h"

#include "support/cmocka_tests.h"

#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/hsmiam-test-XXXXXX";

static const char *get_place(const char *name)
{
    static char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

const char *instance_get_path(const char *name)
{
    static char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/hsmiam-pkcs11-%s.so", folder, name);
    return path;
}

const char *instance_get_recording_path(void)
{
    return HSMIAM_RECORDING_MODULE;
}

int instance_set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    return setenv("AWS_CONFIG_FILE", get_place("config"), 1);
}

int instance_tear_down(void **state)
{
    DIR *entries = opendir(folder);
    struct dirent *entry = NULL;

    (void)state;
    if (entries == NULL)
        return -1;
    while ((entry = readdir(entries)) != NULL)
        (void)unlink(get_place(entry->d_name));
    (void)closedir(entries);
    return rmdir(folder);
}

static void copy_module(const char *to)
{
    char buffer[65536];
    FILE *source = fopen(HSMIAM_MODULE, "r");
    FILE *copy = fopen(to, "w");
    size_t size = 0;

    assert_non_null(source);
    assert_non_null(copy);
    while ((size = fread(buffer, 1, sizeof buffer, source)) > 0)
        assert_int_equal(fwrite(buffer, 1, size, copy), size);
    assert_int_equal(fclose(copy), 0);
    (void)fclose(source);
}

void *instance_load(const char *name, const char *path)
{
    FILE *config = fopen(get_place("config"), "a");

    assert_non_null(config);
    assert_true(fprintf(config,
                        "[profile %s]\nhsmiam_token = pkcs11:?module-path=%s\n"
                        "hsmiam_log_file = %s\n",
                        name, path, get_place("log")) > 0);
    assert_int_equal(fclose(config), 0);
    copy_module(instance_get_path(name));
    void *instance = dlopen(instance_get_path(name), RTLD_NOW | RTLD_LOCAL);
    assert_non_null(instance);
    return instance;
}

CK_FUNCTION_LIST *instance_get_functions(void *instance)
{
    CK_C_GetFunctionList get = (CK_C_GetFunctionList)dlsym(instance, "C_GetFunctionList");
    CK_FUNCTION_LIST *functions = NULL;

    assert_non_null(get);
    assert_int_equal(get(NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(get(&functions), CKR_OK);
    return functions;
}

CK_INTERFACE *instance_get_interface(void *instance, unsigned char major)
{
    CK_C_GetInterface get = (CK_C_GetInterface)dlsym(instance, "C_GetInterface");
    unsigned char name[] = "PKCS 11";
    CK_VERSION version = {major, major == 2 ? 40 : 0};
    CK_INTERFACE *interface = NULL;

    assert_non_null(get);
    return get(name, &version, &interface, 0) == CKR_OK ? interface : NULL;
}

recording *instance_record(void)
{
    static recording *state;

    if (state == NULL) {
        void *module = dlopen(HSMIAM_RECORDING_MODULE, RTLD_NOW | RTLD_LOCAL);
        assert_non_null(module);
        state = ((recording_get_fn)dlsym(module, "recording_get"))();
    }
    *state = (recording){.session = 1000};
    return state;
}

const char *instance_read_log(void)
{
    static char text[8192];
    FILE *log = fopen(get_place("log"), "r");

    text[0] = '\0';
    if (log != NULL) {
        text[fread(text, 1, sizeof text - 1, log)] = '\0';
        (void)fclose(log);
        (void)unlink(get_place("log"));
    }
    return text;
}
