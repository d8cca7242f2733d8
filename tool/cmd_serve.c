/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"
#include "credentials.h"
#include "output.h"
#include "serve.h"
#include "serve_socket.h"
#include "serve_token.h"
#include "session.h"
#include "signals.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define AHEAD_SECONDS     1200 /* the SDKs ask again a quarter of an hour before the end */
#define ROLE_SECONDS      3600 /* that STS gives where no duration is asked for */
#define SESSION_SECONDS   43200
#define RETRY_SECONDS_MAX 60
#define TICK_MILLISECONDS 500
#define PORT_MAX          65535

static const char command_name[] = "serve";

static const tool_option options[] = {
    TOOL_CREDENTIALS_OPTIONS,
    {.name = "--port",
     .kind = TOOL_OPTION_NUMBER,
     .value = "PORT",
     .help = "The port of 127.0.0.1 to listen on. Default: any that is free. A socket that systemd "
             "passes on goes before it."},
    {.name = "--authorization-token-file",
     .kind = TOOL_OPTION_VALUE,
     .value = "FILE",
     .group = "authorization token",
     .help = "Make a random authorization token, and write it to this file, which only this user "
             "can read and which goes when the command ends. A file that is there already is left "
             "as it is, unless it is such a token that nobody serves any more."},
    {.name = "--authorization-token-credential",
     .kind = TOOL_OPTION_VALUE,
     .value = "NAME",
     .group = "authorization token",
     .help = "Take the authorization token from the systemd credential of this name."},
    {.name = NULL},
};

/* What the command works on. */
typedef struct tool_serving {
    tool_context *context;
    tool_session session;
    hsmiam_credentials_request request;
    tool_secret token;
    char *token_path;
    int token_file; /* that was made here, open; or -1 */
    tool_server *server;
    time_t end;   /* of what is served; this and the next by tool_server_get_seconds() */
    time_t next;  /* when to ask STS again */
    time_t turn;  /* ... by the wall's clock, should that be set ahead */
    time_t pause; /* after a failure */
    bool failing; /* it was said */
} tool_serving;

static void say(const char *kind, const char *sentence)
{
    tool_text_print(stderr, "hsmiam: %s: ", kind);
    tool_text_write(stderr, sentence);
    tool_text_put_char('\n', stderr);
}

/* How long they are good for. What this machine's clock says of it is too much where it is slow. */
static time_t get_seconds_left(const tool_serving *serving, time_t expiration)
{
    time_t most = serving->request.role_arn ? ROLE_SECONDS : SESSION_SECONDS;
    time_t left = expiration - time(NULL);

    if (serving->request.duration_seconds > 0)
        most = serving->request.duration_seconds;
    return left < most ? left : most;
}

/* Half of their time, or what is left of it when the SDKs ask again. */
static void plan(tool_serving *serving, time_t left)
{
    time_t now = tool_server_get_seconds();
    time_t ahead = left / 2 < AHEAD_SECONDS ? left / 2 : AHEAD_SECONDS;
    time_t wait = left - ahead > 1 ? left - ahead : 1;

    serving->end = now + left;
    serving->next = now + wait;
    serving->turn = time(NULL) + wait;
    serving->pause = 1;
}

static hsmiam_status refresh(tool_serving *serving, tool_error *error)
{
    tool_session *session = &serving->session;
    hsmiam_credentials *credentials = NULL;
    tool_secret text = {0};
    time_t expiration = 0;
    time_t left = 0;
    hsmiam_status status = tool_secret_init(&text, error);

    if (status == HSMIAM_OK &&
        hsmiam_client_get_credentials(session->client, &serving->request, &credentials,
                                      session->error) != HSMIAM_OK)
        status = tool_session_fail(session, error);
    if (status == HSMIAM_OK)
        status = tool_credentials_format(credentials, TOOL_CREDENTIALS_CONTAINER, &text, error);
    if (status == HSMIAM_OK) {
        expiration = hsmiam_credentials_get_expiration(credentials);
        left = get_seconds_left(serving, expiration);
    }
    if (status == HSMIAM_OK && left <= 0)
        status = tool_error_set(error, HSMIAM_ERR_REPLY,
                                "The credentials that STS gave have expired already by this "
                                "machine's clock, which is ahead; set it.");
    if (status == HSMIAM_OK)
        status = tool_server_take(serving->server, &text, expiration,
                                  tool_server_get_seconds() + left, error);
    if (status == HSMIAM_OK)
        plan(serving, left);
    hsmiam_credentials_free(&credentials);
    tool_secret_clear(&text);
    return status;
}

/* Said once, and tried again after a pause that grows. */
static void put_off(tool_serving *serving, const tool_error *why)
{
    if (!serving->failing)
        say("warning", why->message ? why->message : "New credentials could not be had.");
    serving->failing = true;
    serving->next = tool_server_get_seconds() + serving->pause;
    serving->pause =
        2 * serving->pause < RETRY_SECONDS_MAX ? 2 * serving->pause : RETRY_SECONDS_MAX;
}

/* While what fails is tried again, what there is is served until it expires. A token that fell
 * silent cannot be asked again by this process. */
static hsmiam_status refresh_or_wait(tool_serving *serving, tool_error *error)
{
    tool_error why = {0};
    hsmiam_status status = refresh(serving, &why);

    if (status == HSMIAM_OK && serving->failing) {
        say("warning", "There are new credentials again.");
        serving->failing = false;
    }
    if (status != HSMIAM_OK && tool_server_get_seconds() >= serving->end &&
        hsmiam_token_is_silent(serving->session.credential_token)) {
        *error = why;
        return status;
    }
    if (status != HSMIAM_OK && !tool_signals_is_stopping(NULL))
        put_off(serving, &why);
    tool_error_clear(&why);
    return HSMIAM_OK;
}

static bool is_time(const tool_serving *serving)
{
    return tool_server_get_seconds() >= serving->next ||
           (!serving->failing && time(NULL) >= serving->turn);
}

/* A signal ends the pause. */
static void pause_for_tick(void)
{
    const struct timespec tick = {.tv_nsec = TICK_MILLISECONDS * 1000000L};

    (void)nanosleep(&tick, NULL);
}

static hsmiam_status serve(tool_serving *serving, tool_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    while (status == HSMIAM_OK && !tool_signals_is_stopping(NULL)) {
        pause_for_tick();
        tool_server_tick(serving->server);
        if (!tool_signals_is_stopping(NULL) && is_time(serving))
            status = refresh_or_wait(serving, error);
    }
    /* To be asked to stop is how a service ends. */
    if (tool_signals_is_stopping(NULL))
        tool_signals_take();
    return status;
}

static hsmiam_status make_token(tool_serving *serving, tool_error *error)
{
    const tool_arguments *arguments = serving->context->arguments;
    const char *path = tool_arguments_get(arguments, "--authorization-token-file");
    const char *name = tool_arguments_get(arguments, "--authorization-token-credential");
    char *absolute = NULL;
    hsmiam_status status = HSMIAM_OK;

    if (name)
        return tool_serve_token_read(&serving->token, name, &serving->token_path, error);
    status = tool_serve_token_make(&serving->token, path, &serving->token_file, error);
    if (status != HSMIAM_OK)
        return status;
    absolute = realpath(path, NULL); /* the programs that read it may stand elsewhere */
    serving->token_path = absolute ? absolute : strdup(path);
    return serving->token_path ? HSMIAM_OK : tool_error_set_memory(error);
}

static hsmiam_status tell(const tool_serving *serving, const char *authority, tool_error *error)
{
    tool_text_print(stdout, "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://%s" TOOL_SERVE_PATH "\n",
                    authority);
    tool_text_print(stdout, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=%s\n", serving->token_path);
    return tool_output_close(error);
}

/* What does not pass by itself. Of a wrong PIN the library says so from then on, and no connection
 * that comes in may start another process that tries it. */
static bool is_lasting(hsmiam_status status)
{
    static const hsmiam_status lasting[] = {HSMIAM_ERR_ARGUMENT,  HSMIAM_ERR_CONFIG,
                                            HSMIAM_ERR_AMBIGUOUS, HSMIAM_ERR_UNSUPPORTED,
                                            HSMIAM_ERR_CANCELLED, HSMIAM_ERR_MEMORY};

    for (size_t i = 0; i < sizeof lasting / sizeof lasting[0]; i++)
        if (status == lasting[i])
            return true;
    return false;
}

/* Nothing is promised before the first credentials are there; but on a socket that was passed on
 * programs wait already, and are told 503 until then. */
static hsmiam_status refresh_first(tool_serving *serving, bool is_passed, tool_error *error)
{
    hsmiam_status status = refresh(serving, error);

    if (status == HSMIAM_OK || !is_passed || is_lasting(status))
        return status;
    serving->pause = 1;
    put_off(serving, error);
    tool_error_clear(error);
    return HSMIAM_OK;
}

static hsmiam_status begin(tool_serving *serving, unsigned port, tool_error *error)
{
    char authority[64] = "";
    bool is_passed = false;
    int fd = -1;
    hsmiam_status status = tool_serve_listen(port, &fd, authority, &is_passed, error);

    if (status != HSMIAM_OK)
        return status;
    status = make_token(serving, error);
    if (status == HSMIAM_OK)
        status = tool_server_start(fd, &serving->token, &serving->server, error);
    else
        (void)close(fd);
    if (status == HSMIAM_OK)
        status = refresh_first(serving, is_passed, error);
    return status == HSMIAM_OK ? tell(serving, authority, error) : status;
}

static hsmiam_status check(const tool_context *context, char **policy_out,
                           hsmiam_credentials_request *request_out, unsigned *port_out,
                           tool_error *error)
{
    static const char file[] = "--authorization-token-file";
    static const char credential[] = "--authorization-token-credential";
    const tool_arguments *arguments = context->arguments;
    hsmiam_status status = tool_credentials_read(arguments, policy_out, request_out, error);

    if (status == HSMIAM_OK)
        status = tool_arguments_exclude(arguments, file, credential, error);
    if (status == HSMIAM_OK && !tool_arguments_get(arguments, file) &&
        !tool_arguments_get(arguments, credential))
        status = tool_error_set_usage(error,
                                      "hsmiam: error: one of the following arguments is required: "
                                      "%s, %s",
                                      file, credential);
    if (status == HSMIAM_OK && tool_arguments_get(arguments, "--port"))
        status = tool_arguments_get_number(arguments, "--port", PORT_MAX, port_out, error);
    return status;
}

static hsmiam_status run(tool_context *context, tool_error *error)
{
    tool_serving serving = {.context = context, .token_file = -1};
    unsigned port = 0;
    char *policy = NULL;
    hsmiam_status status = check(context, &policy, &serving.request, &port, error);

    if (status == HSMIAM_OK)
        status = tool_session_start_client(&serving.session, context, error);
    if (status == HSMIAM_OK)
        status = tool_session_ask_pins(&serving.session, error);
    if (status == HSMIAM_OK)
        status = begin(&serving, port, error);
    if (status == HSMIAM_OK)
        status = serve(&serving, error);
    if (serving.token_file >= 0)
        tool_serve_token_remove(
            serving.token_path
                ? serving.token_path
                : tool_arguments_get(context->arguments, "--authorization-token-file"),
            serving.token_file);
    tool_server_stop(&serving.server);
    tool_secret_clear(&serving.token);
    free(serving.token_path);
    free(policy);
    tool_session_clear(&serving.session);
    return status;
}

const tool_command tool_serve = {
    .name = command_name,
    .summary = "Serve temporary credentials to the AWS SDKs on this machine.",
    .description =
        "Answers as the credentials endpoint of a container does, over HTTP on this machine's "
        "loopback, with temporary credentials for the key in the token. They are asked for ahead "
        "of their expiry, by one login to the token for all programs. The programs' environment "
        "needs the two variables that are printed at the start; whoever can read the file of the "
        "authorization token gets the credentials.\n\n"
        "It runs until SIGTERM or SIGINT. As long as STS or the token fails, what there is is "
        "served until it expires, and then 503. systemd may pass on the socket; then the first "
        "credentials may fail as well, and are tried for again. A wrong PIN is tried once.",
    .options = options,
    .run = run,
};
