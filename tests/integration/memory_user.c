/* SPDX-License-Identifier: Apache-2.0 */
/* A program that uses the library, and OpenSSL and libcurl for ends of its own, and stops itself
 * after every step, with everything still open, so that its memory can be looked at.
 *
 *   memory_user KEY-URI ENDPOINT CA-BUNDLE STEP...
 *
 * With TOKEN_TIMEOUT in the environment, that is how many seconds a call of the token may take;
 * with CREATE_OBJECT, keys go by that route; with EXPORTABLE, they may be exported; with PIN_FILE,
 * the program gives the PIN when it is asked. Steps: wait:SECONDS, create:USER, import:ID (the
 * secret comes from standard input), sign (and presign), credentials[:ROLE] (temporary ones, freed
 * again), mfa:CODE (a session by MFA, which signs from then on), identity, export:ID (for the
 * token's own wrapping key), move:ID (takes that in, as another key), close (the connection),
 * finish (frees everything). What each came to is printed at the end. */
#include <hsmiam.h>

#include <curl/curl.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { URI = 1, ENDPOINT, CA_BUNDLE, STEPS };

#define STEPS_MAX 8

typedef struct job {
    const char *uri;
    hsmiam_error *error;
    hsmiam_token *token;
    hsmiam_signer *signer;
    hsmiam_client *client;
    hsmiam_custody *custody;
    hsmiam_recipient *recipient;
    hsmiam_wrapped_key *wrapped;
} job;

/* What any program may do with the libraries that this one stands on. */
static int use_libraries(void)
{
    static const char url[] = "file:///dev/null";
    unsigned char digest[EVP_MAX_MD_SIZE];
    CURL *handle = curl_easy_init();
    int done = handle && EVP_Digest(url, sizeof url, digest, NULL, EVP_sha256(), NULL) == 1 &&
               curl_easy_setopt(handle, CURLOPT_URL, url) == CURLE_OK &&
               curl_easy_perform(handle) == CURLE_OK;

    curl_easy_cleanup(handle);
    return done;
}

static hsmiam_status create(job *with, const char *user)
{
    hsmiam_access_key *key = NULL;
    hsmiam_status status =
        hsmiam_access_key_create(with->client, with->custody, user, &key, with->error);

    hsmiam_access_key_free(&key);
    return status;
}

static hsmiam_status wait_for(job *unused, const char *seconds)
{
    (void)unused;
    (void)sleep((unsigned)atoi(seconds));
    return HSMIAM_OK;
}

static hsmiam_status import(job *with, const char *id)
{
    static char secret[128];
    ssize_t size = read(STDIN_FILENO, secret, sizeof secret);
    hsmiam_status status = HSMIAM_ERR_IO;

    if (size > 0)
        status = hsmiam_access_key_import(with->custody, id, NULL, secret, (size_t)size, NULL,
                                          with->error);
    explicit_bzero(secret, sizeof secret);
    return status;
}

static hsmiam_status sign(job *with, const char *unused)
{
    hsmiam_request *request = NULL;
    hsmiam_status status = hsmiam_request_new(&request, with->error);

    (void)unused;
    if (status == HSMIAM_OK)
        status = hsmiam_request_set_url(request, "https://sts.amazonaws.com/", with->error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_set_scope(request, "sts", "us-east-1", with->error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_sign(request, with->signer, with->error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_presign(request, with->signer, 60, with->error);
    hsmiam_request_free(&request);
    return status;
}

static hsmiam_status get_credentials(job *with, const char *role)
{
    const hsmiam_credentials_request request = {.role_arn = role};
    hsmiam_credentials *credentials = NULL;
    hsmiam_status status =
        hsmiam_client_get_credentials(with->client, &request, &credentials, with->error);

    hsmiam_credentials_free(&credentials);
    return status;
}

static hsmiam_status begin_mfa_session(job *with, const char *code)
{
    const hsmiam_mfa mfa = {.serial = "arn:aws:iam::123456789012:mfa/custodian",
                            .token_code = code};

    return hsmiam_client_begin_mfa_session(with->client, &mfa, with->error);
}

static hsmiam_status identify(job *with, const char *unused)
{
    hsmiam_caller_identity identity = {0};

    (void)unused;
    return hsmiam_client_get_caller_identity(with->client, &identity, with->error);
}

static void take_recipient(void *context, const char *pem, const char *fingerprint)
{
    job *with = context;

    (void)fingerprint;
    (void)!hsmiam_recipient_new(pem, strlen(pem), false, &with->recipient, with->error);
}

static hsmiam_status export(job *with, const char *id)
{
    char uri[128];
    hsmiam_status status =
        hsmiam_token_export_wrapping_key(with->token, false, take_recipient, with, with->error);

    (void)snprintf(uri, sizeof uri, "pkcs11:id=%s", id);
    if (status == HSMIAM_OK)
        status = hsmiam_access_key_export(with->custody, uri, with->recipient, HSMIAM_EXPORT_AUTO,
                                          &with->wrapped, with->error);
    return status;
}

static hsmiam_status move(job *with, const char *id)
{
    hsmiam_wrapped_key *wrapped = NULL;
    hsmiam_status status =
        hsmiam_wrapped_key_new(id, NULL, hsmiam_wrapped_key_get_algorithm(with->wrapped),
                               hsmiam_wrapped_key_get_fingerprint(with->wrapped),
                               hsmiam_wrapped_key_get_base64(with->wrapped), &wrapped, with->error);

    hsmiam_custody_set_exportable(with->custody, false);
    if (status == HSMIAM_OK)
        status = hsmiam_access_key_import_wrapped(with->custody, wrapped, NULL, with->error);
    hsmiam_wrapped_key_free(&wrapped);
    hsmiam_wrapped_key_free(&with->wrapped);
    return status;
}

static hsmiam_status close_connection(job *with, const char *unused)
{
    (void)unused;
    hsmiam_client_free(&with->client);
    return HSMIAM_OK;
}

static hsmiam_status finish(job *with, const char *unused)
{
    (void)unused;
    hsmiam_wrapped_key_free(&with->wrapped);
    hsmiam_recipient_free(&with->recipient);
    hsmiam_custody_free(&with->custody);
    hsmiam_client_free(&with->client);
    hsmiam_signer_free(&with->signer);
    hsmiam_token_free(&with->token);
    return use_libraries() ? HSMIAM_OK : HSMIAM_ERR_INTERNAL;
}

static const struct {
    const char *name;
    hsmiam_status (*take)(job *with, const char *argument);
} steps[] = {
    {"create", create},
    {"import", import},
    {"sign", sign},
    {"credentials", get_credentials},
    {"mfa", begin_mfa_session},
    {"identity", identify},
    {"export", export},
    {"move", move},
    {"close", close_connection},
    {"finish", finish},
    {"wait", wait_for},
};

static hsmiam_status take_step(job *with, const char *step)
{
    size_t size = strcspn(step, ":");

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (strlen(steps[i].name) == size && strncmp(steps[i].name, step, size) == 0)
            return steps[i].take(with, step[size] == ':' ? step + size + 1 : NULL);
    return HSMIAM_ERR_ARGUMENT;
}

static hsmiam_status give_pin(void *path, const char *label, hsmiam_pin_reason reason,
                              char *pin_out, size_t pin_size, size_t *length_out)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = read(descriptor, pin_out, pin_size);

    (void)label;
    (void)reason;
    (void)close(descriptor);
    *length_out = size > 0 ? (size_t)size : 0;
    return size > 0 ? HSMIAM_OK : HSMIAM_ERR_PIN;
}

static hsmiam_status open_all(job *with, char **argv)
{
    const char *timeout = getenv("TOKEN_TIMEOUT");
    hsmiam_status status = hsmiam_token_new(argv[URI], &with->token, with->error);

    if (status == HSMIAM_OK && getenv("PIN_FILE"))
        hsmiam_token_set_pin_callback(with->token, give_pin, getenv("PIN_FILE"));
    if (status == HSMIAM_OK && timeout)
        hsmiam_token_set_timeout(with->token, (unsigned)atoi(timeout));
    if (status == HSMIAM_OK)
        status = hsmiam_signer_new(with->token, argv[URI], &with->signer, with->error);
    if (status == HSMIAM_OK)
        status = hsmiam_client_new(with->signer, &with->client, with->error);
    if (status == HSMIAM_OK)
        status = hsmiam_client_set_endpoint(with->client, argv[ENDPOINT], with->error);
    if (status == HSMIAM_OK)
        status = hsmiam_client_set_ca_bundle(with->client, argv[CA_BUNDLE], with->error);
    if (status == HSMIAM_OK) {
        hsmiam_client_set_timeouts(with->client, 5, 1);
        status = hsmiam_custody_new(with->token, &with->custody, with->error);
    }
    if (status == HSMIAM_OK && getenv("CREATE_OBJECT"))
        hsmiam_custody_set_import_route(with->custody, HSMIAM_ROUTE_CREATE_OBJECT);
    if (status == HSMIAM_OK)
        hsmiam_custody_set_exportable(with->custody, getenv("EXPORTABLE") != NULL);
    return status;
}

int main(int argc, char **argv)
{
    job with = {.error = hsmiam_error_new()};
    hsmiam_status statuses[STEPS_MAX] = {0};
    int count = argc - STEPS;

    if (count < 1 || count > STEPS_MAX || !use_libraries() || open_all(&with, argv) != HSMIAM_OK)
        return 2;
    for (int i = 0; i < count; i++) {
        statuses[i] = take_step(&with, argv[STEPS + i]);
        (void)raise(SIGSTOP);
    }
    for (int i = 0; i < count; i++)
        printf("%s %d\n", argv[STEPS + i], (int)statuses[i]);
    printf("%s\n", hsmiam_error_get_message(with.error));
    (void)finish(&with, NULL);
    hsmiam_error_free(&with.error);
    return 0;
}
