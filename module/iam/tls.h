/* SPDX-License-Identifier: Apache-2.0 */
/* What libcurl leaves to OpenSSL. */
#ifndef HSMIAM_IAM_TLS_H
#define HSMIAM_IAM_TLS_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

/* The system's CA directory with hashed names. Reading it costs one file per connection; the bundle
 * of all CAs costs milliseconds. false if the system has none. */
bool hsmiam_tls_find_ca_directory(char *path_out, size_t size);

/* A CURLOPT_SSL_CTX_FUNCTION: what was received is wiped from OpenSSL's buffers once it is read,
 * and SSLKEYLOGFILE gets no keys with which a captured reply could be opened. */
CURLcode hsmiam_tls_configure(CURL *handle, void *ssl_ctx, void *context);

/* "TLSv1.3 with TLS_AES_256_GCM_SHA384" of an OpenSSL SSL. */
void hsmiam_tls_describe(const void *ssl, char *text_out, size_t size);

#endif
