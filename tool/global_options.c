/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

const char *const tool_output_choices[] = {"json", "yaml", "text", "table", "csv", NULL};

static const char *const color_choices[] = {"on", "off", "auto", NULL};

const tool_option tool_global_options[] = {
    {.name = "--credential",
     .kind = TOOL_OPTION_VALUE,
     .value = "URI",
     .help = "PKCS#11 URI of the access key in a token that signs the requests to IAM. Default: "
             "HSMIAM_CREDENTIAL, or hsmiam_credential in the profile."},
    {.name = "--token",
     .kind = TOOL_OPTION_REPEATED,
     .value = "URI",
     .help = "PKCS#11 URI of the token that takes keys in. Commands that make or import keys, and "
             "recover, take several: every key goes into each of these tokens, or into none. "
             "Default: HSMIAM_TOKEN, hsmiam_token in the profile (several are parted by blanks), "
             "or the credential's token."},
    {.name = "--pin-source",
     .kind = TOOL_OPTION_VALUE,
     .value = "SOURCE",
     .help = "Where the PIN comes from: a file, |command, or the name of a systemd credential. It "
             "belongs to the credential's token, or to --token for a command that needs no "
             "credential. Default: the URI's pin-source or pin-value, hsmiam_pin_source in the "
             "profile, or the terminal."},
    {.name = "--ledger",
     .kind = TOOL_OPTION_VALUE,
     .value = "FILE",
     .help = "The file in which everything that is done goes on record, signed. Default: "
             "HSMIAM_LEDGER, hsmiam_ledger in the profile, or hsmiam/ledger.jsonl in "
             "XDG_STATE_HOME (~/.local/state)."},
    {.name = "--audit-syslog",
     .kind = TOOL_OPTION_FLAG,
     .help = "Send every line of the ledger that is written to syslog (journald) as well. Default: "
             "hsmiam_audit_syslog in the profile."},
    {.name = "--allow-final-try",
     .kind = TOOL_OPTION_FLAG,
     .help = "Log in even if the token says that one more wrong PIN locks it."},
    {.name = "--token-timeout",
     .kind = TOOL_OPTION_NUMBER,
     .value = "SECONDS",
     .help =
         "How long the token may take in all before the command gives it up, in seconds; 0: for "
         "ever. The time that a person takes to type a PIN does not count, and that for making a "
         "key, or for a PIN on the token's own keypad, counts a tenth. Each key that is issued has "
         "it anew. Default: hsmiam_token_timeout in the profile, or 300."},
    {.name = "--mfa-serial",
     .kind = TOOL_OPTION_VALUE,
     .value = "ARN",
     .help = "The ARN or serial number of an MFA device, where the policy of the credential asks "
             "for MFA: a session is begun by it, whose secret goes into the credential's token for "
             "as long as the command runs, and signs."},
    {.name = "--token-code",
     .kind = TOOL_OPTION_VALUE,
     .value = "CODE",
     .help = "What the MFA device shows. Default: asked for on the terminal."},
    {.name = "--require-locked-memory",
     .kind = TOOL_OPTION_FLAG,
     .help =
         "Refuse to work where not all of this process's memory can be locked, rather than warn "
         "at the end. What holds a secret is always locked."},
    {.name = "--profile",
     .kind = TOOL_OPTION_VALUE,
     .value = "PROFILE",
     .help = "Use a profile of the configuration file (~/.aws/config, or AWS_CONFIG_FILE)."},
    {.name = "--region",
     .kind = TOOL_OPTION_VALUE,
     .value = "REGION",
     .help = "The region, which chooses the partition and thereby IAM's endpoint. Overrides "
             "environment and profile."},
    {.name = "--endpoint-url",
     .kind = TOOL_OPTION_VALUE,
     .value = "URL",
     .help = "Send the requests to this URL: https, or http on this machine's loopback."},
    {.name = "--output",
     .kind = TOOL_OPTION_VALUE,
     .choices = tool_output_choices,
     .help = "The form of the output. Default: json."},
    {.name = "--ca-bundle",
     .kind = TOOL_OPTION_VALUE,
     .value = "FILE",
     .help = "A PEM file of CA certificates to trust instead of the system's. Overrides "
             "environment and profile."},
    {.name = "--no-verify-ssl",
     .kind = TOOL_OPTION_FLAG,
     .help = "Do not verify the server's certificate. Works on this machine's loopback only."},
    {.name = "--cli-connect-timeout",
     .kind = TOOL_OPTION_NUMBER,
     .value = "SECONDS",
     .help = "The longest time to wait for a connection, in seconds; 0: no limit. Default: 60."},
    {.name = "--cli-read-timeout",
     .kind = TOOL_OPTION_NUMBER,
     .value = "SECONDS",
     .help = "The longest time to wait for the next byte, in seconds; 0: no limit. Default: 60."},
    {.name = "--debug",
     .kind = TOOL_OPTION_FLAG,
     .help = "Show on standard error what was sent and received; secrets, PINs, signatures and "
             "the bodies of replies are left out."},
    {.name = "--color",
     .kind = TOOL_OPTION_VALUE,
     .choices = color_choices,
     .help = "Colour in tables. Default: auto, that is on a terminal and without NO_COLOR."},
    {.name = "--version", .kind = TOOL_OPTION_FLAG, .help = "Print the version of this tool."},
    {.name = "--no-paginate",
     .kind = TOOL_OPTION_FLAG,
     .help = "Ask for one page only, as the service cuts it, where a command lists."},
    {.name = "--no-cli-pager",
     .kind = TOOL_OPTION_FLAG,
     .help = "Accepted as by the AWS CLI; without effect, for no pager is used."},
    {.name = "--cli-binary-format",
     .kind = TOOL_OPTION_VALUE,
     .value = "FORMAT",
     .help = "Accepted as by the AWS CLI; without effect, for no parameter is binary."},
    {.name = "--query",
     .kind = TOOL_OPTION_VALUE,
     .value = "EXPRESSION",
     .refusal = "hsmiam filters no output. Give its JSON to jq: hsmiam ... | jq .AccessKey",
     .help = "Refused: pipe the JSON output to jq instead."},
    {.name = "--no-sign-request",
     .kind = TOOL_OPTION_FLAG,
     .refusal = "IAM answers signed requests only, and signing is what hsmiam is for.",
     .help = "Refused: IAM answers signed requests only."},
    {.name = "--cli-auto-prompt",
     .kind = TOOL_OPTION_FLAG,
     .refusal = "hsmiam asks for nothing but PINs and secrets. See hsmiam <command> help.",
     .help = "Refused: hsmiam asks for nothing but PINs and secrets."},
    {.name = NULL},
};
