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

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Returns NULL, or the sentence that says what failed; so do the others. */
static const char *sign(hsmiam_signer *signer, hsmiam_error *error)
{
    const char *url = "https://sts.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15";
    hsmiam_request *request = NULL;
    const char *name, *value;
    bool failed = hsmiam_request_new(&request, error) ||
                  hsmiam_request_set_url(request, url, error) ||
                  hsmiam_request_set_scope(request, "sts", "us-east-1", error) ||
                  hsmiam_request_sign(request, signer, error);

    for (size_t i = 0; !failed && hsmiam_request_get_header(request, i, &name, &value); i++)
        printf("%s: %s\n", name, value);
    hsmiam_request_free(&request);
    return failed ? hsmiam_error_get_message(error) : NULL;
}

static const char *presign(hsmiam_signer *signer, hsmiam_error *error)
{
    const char *url = "https://bucket.s3.eu-west-1.amazonaws.com/report.pdf";
    hsmiam_request *request = NULL;
    bool failed = hsmiam_request_new(&request, error) ||
                  hsmiam_request_set_url(request, url, error) ||
                  hsmiam_request_set_scope(request, "s3", "eu-west-1", error) ||
                  hsmiam_request_presign(request, signer, 600, error); /* seconds */

    if (!failed)
        printf("%s\n", hsmiam_request_get_presigned_url(request));
    hsmiam_request_free(&request);
    return failed ? hsmiam_error_get_message(error) : NULL;
}

static const char *hand_over(hsmiam_token *token, char **argv, hsmiam_error *error)
{
    const char *uri = argv[1], *path = argv[2], *fingerprint = argv[3], *record = argv[4];
    const char *why = NULL;
    char pem[16384];
    hsmiam_recipient *recipient = NULL;
    hsmiam_ledger *ledger = NULL;
    hsmiam_custody *custody = NULL;
    hsmiam_wrapped_key *wrapped = NULL;
    FILE *file = fopen(path, "r");
    size_t size = file ? fread(pem, 1, sizeof pem, file) : 0;

    if (hsmiam_recipient_new(pem, size, false, &recipient, error) ||
        hsmiam_ledger_new(record, &ledger, error) || hsmiam_custody_new(token, &custody, error)) {
        why = hsmiam_error_get_message(error);
    } else if (strcmp(hsmiam_recipient_get_fingerprint(recipient), fingerprint) != 0) {
        why = "The recipient told the fingerprint of another key.";
    } else {
        hsmiam_ledger_set_token(ledger, token); /* its audit key signs the record */
        hsmiam_custody_set_ledger(custody, ledger);
        if (hsmiam_access_key_export(custody, uri, recipient, HSMIAM_EXPORT_AUTO, &wrapped, error))
            why = hsmiam_error_get_message(error);
        else
            printf("%s, %s:\n%s\n", hsmiam_wrapped_key_get_access_key_id(wrapped),
                   hsmiam_wrapped_key_get_algorithm(wrapped),
                   hsmiam_wrapped_key_get_base64(wrapped));
    }
    hsmiam_wrapped_key_free(&wrapped);
    hsmiam_custody_free(&custody);
    hsmiam_ledger_free(&ledger);
    hsmiam_recipient_free(&recipient);
    if (file)
        (void)fclose(file);
    return why;
}

int main(int argc, char **argv)
{
    const char *why = "Usage: sign_and_export URI RECIPIENT FINGERPRINT LEDGER";
    hsmiam_error *error = hsmiam_error_new();
    hsmiam_token *token = NULL;
    hsmiam_signer *signer = NULL;

    if (argc == 5) {
        if (hsmiam_process_harden(error) || hsmiam_token_new(argv[1], &token, error) ||
            hsmiam_signer_new(token, argv[1], &signer, error))
            why = hsmiam_error_get_message(error);
        else if (!(why = sign(signer, error)) && !(why = presign(signer, error)))
            why = hand_over(token, argv, error);
    }
    if (why)
        (void)fprintf(stderr, "%s\n", why);
    hsmiam_signer_free(&signer);
    hsmiam_token_free(&token);
    hsmiam_error_free(&error);
    return why ? 1 : 0;
}
