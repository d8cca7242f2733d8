/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a ledger of as many records as one likes, signed by a key of this process, and its public
 * key, for measuring `hsmiam audit`:  make_ledger COUNT LEDGER PUBLIC_KEY */
#include <inttypes.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/public_key.h"
#include "ledger/record.h"

static void need(bool done, const char *what)
{
    if (done)
        return;
    (void)fprintf(stderr, "make_ledger: %s failed\n", what);
    exit(1);
}

/* Appends the signature. */
static void sign(EVP_PKEY *key, hsmiam_hash *hash, hsmiam_buffer *line)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    uint8_t digest[HSMIAM_DIGEST_SIZE];
    uint8_t signature[HSMIAM_SIGNATURE_MAX];
    char text[HSMIAM_BASE64_SIZE(HSMIAM_SIGNATURE_MAX)];
    size_t size = sizeof signature;

    need(hsmiam_hash_compute(hash, line->data, line->size, digest), "SHA-256");
    need(context != NULL && EVP_PKEY_sign_init(context) == 1 &&
             EVP_PKEY_sign(context, signature, &size, digest, sizeof digest) == 1,
         "signing");
    EVP_PKEY_CTX_free(context);
    hsmiam_base64_encode(signature, size, text);
    hsmiam_record_close(text, line);
}

static hsmiam_record make_record(const hsmiam_public_key *half, uint64_t number)
{
    hsmiam_record record = {{NULL}};

    record.fields[HSMIAM_FIELD_TIME] = "2026-11-24T07:39:10Z";
    record.fields[HSMIAM_FIELD_OPERATOR] = "custodian";
    record.fields[HSMIAM_FIELD_HOST] = "host";
    record.fields[HSMIAM_FIELD_TOKEN_SERIAL] = "0123456789abcdef";
    record.fields[HSMIAM_FIELD_AUDIT_KEY] = hsmiam_public_key_get_fingerprint(half);
    if (number == 1) {
        record.fields[HSMIAM_FIELD_EVENT] = "audit-key";
        record.fields[HSMIAM_FIELD_INTRODUCED_KEY] = hsmiam_public_key_get_fingerprint(half);
        record.fields[HSMIAM_FIELD_PUBLIC_KEY] = hsmiam_public_key_get_base64(half);
    } else {
        record.fields[HSMIAM_FIELD_EVENT] = "import";
        record.fields[HSMIAM_FIELD_USER_NAME] = "alice";
        record.fields[HSMIAM_FIELD_ACCESS_KEY_ID] = "AKIAIOSFODNN7EXAMPLE";
        record.fields[HSMIAM_FIELD_ROUTE] = "rsa-oaep";
        record.fields[HSMIAM_FIELD_WRAPPING_KEY] = hsmiam_public_key_get_fingerprint(half);
    }
    return record;
}

static void write_ledger(FILE *file, EVP_PKEY *key, const hsmiam_public_key *half, uint64_t count)
{
    hsmiam_hash *hash = hsmiam_hash_new();
    hsmiam_buffer line;
    uint8_t digest[HSMIAM_DIGEST_SIZE];
    char previous[HSMIAM_HEX_SIZE];

    need(hash != NULL, "SHA-256");
    hsmiam_buffer_init(&line, HSMIAM_LINE_MAX);
    memset(previous, '0', sizeof previous - 1);
    previous[sizeof previous - 1] = '\0';
    for (uint64_t number = 1; number <= count; number++) {
        char sequence[HSMIAM_NUMBER_SIZE];
        hsmiam_record record = make_record(half, number);

        (void)snprintf(sequence, sizeof sequence, "%" PRIu64, number);
        record.fields[HSMIAM_FIELD_SEQUENCE] = sequence;
        record.fields[HSMIAM_FIELD_PREVIOUS] = previous;
        hsmiam_buffer_clear(&line);
        need(hsmiam_record_write(&record, &line, NULL) == HSMIAM_OK, "a record");
        sign(key, hash, &line);
        need(hsmiam_hash_compute(hash, line.data, line.size, digest), "SHA-256");
        hsmiam_hash_format(digest, previous);
        need(fprintf(file, "%s\n", line.data) > 0, "writing");
    }
    hsmiam_buffer_clear(&line);
    hsmiam_hash_free(&hash);
}

int main(int argc, char **argv)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    hsmiam_public_key *half = NULL;
    unsigned char *der = NULL;
    char pem[HSMIAM_PEM_MAX];

    need(argc == 4, "usage: make_ledger COUNT LEDGER PUBLIC_KEY;");
    int size = key != NULL ? i2d_PUBKEY(key, &der) : 0;
    need(size > 0 && hsmiam_public_key_new(der, (size_t)size, &half, NULL) == HSMIAM_OK &&
             hsmiam_public_key_format_pem(half, pem, NULL) == HSMIAM_OK,
         "making a key");
    FILE *file = fopen(argv[2], "w");
    FILE *public_file = fopen(argv[3], "w");
    need(file != NULL && public_file != NULL && fputs(pem, public_file) >= 0, "opening the files");
    write_ledger(file, key, half, strtoull(argv[1], NULL, 10));
    need(fclose(file) == 0 && fclose(public_file) == 0, "writing");
    hsmiam_public_key_free(&half);
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    return 0;
}
