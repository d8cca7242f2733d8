/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/tls.h"

#include <dirent.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

/* As `openssl rehash` names the first certificate of a subject: 0123abcd.0 */
static bool is_hashed_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == 8 && strcmp(name + 8, ".0") == 0;
}

static bool has_hashed_names(const char *path)
{
    bool found = false;
    DIR *directory = opendir(path);

    if (directory == NULL)
        return false;
    for (struct dirent *entry = readdir(directory); entry != NULL && !found;
         entry = readdir(directory))
        found = is_hashed_name(entry->d_name);
    (void)closedir(directory);
    return found;
}

bool hsmiam_tls_find_ca_directory(char *path_out, size_t size)
{
    const char *const candidates[] = {X509_get_default_cert_dir(), "/etc/ssl/certs"};

    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
        if (candidates[i] != NULL && has_hashed_names(candidates[i]) &&
            snprintf(path_out, size, "%s", candidates[i]) < (int)size)
            return true;
    }
    return false;
}

CURLcode hsmiam_tls_configure(CURL *handle, void *ssl_ctx, void *context)
{
    (void)handle;
    (void)context;
    SSL_CTX_set_options(ssl_ctx, SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_keylog_callback(ssl_ctx, NULL);
    return CURLE_OK;
}

void hsmiam_tls_describe(const void *ssl, char *text_out, size_t size)
{
    (void)snprintf(text_out, size, "%s with %s", SSL_get_version(ssl), SSL_get_cipher_name(ssl));
}
