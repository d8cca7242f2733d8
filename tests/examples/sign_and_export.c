/* SPDX-License-Identifier: Apache-2.0 */
/* Uses an access key that lives in a token: signs a request, makes a URL of another one, and hands
 * the key over. The README shows this program.
 *
 *   sign_and_export URI RECIPIENT FINGERPRINT LEDGER
 *
 * URI          names the token, the key, and where the PIN is.
 * RECIPIENT    a file with the certificate or public key of whoever gets the key.
 * FINGERPRINT  the SHA-256 of that public key, as the recipient told it by another way.
 * LEDGER       the file in which the export goes on record. */
#include <hsmiam.h>

#include <stdio.h>
#include <string.h>

/* Each call returns HSMIAM_OK, which is 0, or the status of what failed; the record has a sentence.
 */
static int sign(hsmiam_signer *signer, hsmiam_error *error)
{
    const char *url = "https://sts.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15";
    hsmiam_request *request = NULL;
    const char *name, *value;
    int failed = hsmiam_request_new(&request, error) ||
                 hsmiam_request_set_url(request, url, error) ||
                 hsmiam_request_set_scope(request, "sts", "us-east-1", error) ||
                 hsmiam_request_sign(request, signer, error);

    for (size_t i = 0; !failed && hsmiam_request_get_header(request, i, &name, &value); i++)
        printf("%s: %s\n", name, value);
    hsmiam_request_free(&request);
    return failed;
}

static int presign(hsmiam_signer *signer, hsmiam_error *error)
{
    const char *url = "https://bucket.s3.eu-west-1.amazonaws.com/report.pdf";
    hsmiam_request *request = NULL;
    int failed = hsmiam_request_new(&request, error) ||
                 hsmiam_request_set_url(request, url, error) ||
                 hsmiam_request_set_scope(request, "s3", "eu-west-1", error) ||
                 hsmiam_request_presign(request, signer, 600, error); /* good for ten minutes */

    if (!failed)
        printf("%s\n", hsmiam_request_get_presigned_url(request));
    hsmiam_request_free(&request);
    return failed;
}

static int hand_over(hsmiam_token *token, char **argv, hsmiam_error *error)
{
    const char *uri = argv[1], *path = argv[2], *fingerprint = argv[3], *record = argv[4];
    char pem[16384];
    hsmiam_recipient *recipient = NULL;
    hsmiam_ledger *ledger = NULL;
    hsmiam_custody *custody = NULL;
    hsmiam_wrapped_key *wrapped = NULL;
    FILE *file = fopen(path, "r");
    size_t size = file ? fread(pem, 1, sizeof pem, file) : 0;
    int failed = hsmiam_recipient_new(pem, size, false, &recipient, error) ||
                 hsmiam_ledger_new(record, &ledger, error) ||
                 hsmiam_custody_new(token, &custody, error);

    if (!failed && strcmp(hsmiam_recipient_get_fingerprint(recipient), fingerprint) != 0)
        failed = fprintf(stderr, "%s is not what the recipient told.\n", path);
    if (!failed) {
        hsmiam_ledger_set_token(ledger, token); /* its audit key signs the record */
        hsmiam_custody_set_ledger(custody, ledger);
        failed = hsmiam_access_key_export(custody, uri, recipient, HSMIAM_EXPORT_AUTO, &wrapped,
                                          error) != HSMIAM_OK;
    }
    if (!failed)
        printf("%s, by %s:\n%s\n", hsmiam_wrapped_key_get_access_key_id(wrapped),
               hsmiam_wrapped_key_get_algorithm(wrapped), hsmiam_wrapped_key_get_base64(wrapped));
    hsmiam_wrapped_key_free(&wrapped);
    hsmiam_custody_free(&custody);
    hsmiam_ledger_free(&ledger);
    hsmiam_recipient_free(&recipient);
    if (file)
        (void)fclose(file);
    return failed;
}

int main(int argc, char **argv)
{
    hsmiam_error *error = hsmiam_error_new();
    hsmiam_token *token = NULL;
    hsmiam_signer *signer = NULL;
    int failed = argc != 5 || hsmiam_process_harden(error) ||
                 hsmiam_token_new(argv[1], &token, error) ||
                 hsmiam_signer_new(token, argv[1], &signer, error) || sign(signer, error) ||
                 presign(signer, error) || hand_over(token, argv, error);

    if (argc != 5)
        (void)fprintf(stderr, "Usage: %s URI RECIPIENT FINGERPRINT LEDGER\n", argv[0]);
    else if (hsmiam_error_get_status(error))
        (void)fprintf(stderr, "%s\n", hsmiam_error_get_message(error));
    hsmiam_signer_free(&signer);
    hsmiam_token_free(&token);
    hsmiam_error_free(&error);
    return failed ? 1 : 0;
}
