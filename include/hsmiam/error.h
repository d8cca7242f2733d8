/* SPDX-License-Identifier: Apache-2.0 */
/* Statuses, and the record of what went wrong. Part of hsmiam.h, which has the conventions. */
#ifndef HSMIAM_ERROR_H
#define HSMIAM_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define HSMIAM_MUST_USE __attribute__((warn_unused_result))
#define HSMIAM_API      __attribute__((visibility("default")))
#else
#define HSMIAM_MUST_USE
#define HSMIAM_API
#endif

/** The version of the library in use, "MAJOR.MINOR.PATCH". Static storage. */
HSMIAM_API const char *hsmiam_version(void);

/** What a call came to: the categories that a caller can act on. */
typedef enum hsmiam_status {
    HSMIAM_OK = 0,
    HSMIAM_ERR_ARGUMENT,    /**< a parameter is missing or malformed; nothing was done */
    HSMIAM_ERR_CONFIG,      /**< a URI, module, endpoint or CA bundle cannot be used */
    HSMIAM_ERR_NOT_FOUND,   /**< no token, or no key in the token, matches the URI */
    HSMIAM_ERR_AMBIGUOUS,   /**< more than one token or key matches; the message names them */
    HSMIAM_ERR_EXISTS,      /**< the token already holds such an object */
    HSMIAM_ERR_PIN,         /**< the PIN is missing, wrong, locked, expired or at its last try */
    HSMIAM_ERR_TOKEN,       /**< the token failed or refused an operation */
    HSMIAM_ERR_UNSUPPORTED, /**< the token cannot do what is needed */
    HSMIAM_ERR_NETWORK,     /**< the service could not be reached; it executed nothing */
    HSMIAM_ERR_UNKNOWN_OUTCOME, /**< the request left, and no usable answer came back */
    HSMIAM_ERR_REPLY,           /**< the service's answer cannot be understood */
    HSMIAM_ERR_SERVICE,         /**< the service refused; code, message and request id tell why */
    HSMIAM_ERR_CUSTODY,         /**< IAM made a key that the token could not take in */
    HSMIAM_ERR_CANCELLED,       /**< asked to stop, before anything was changed at the service */
    HSMIAM_ERR_IO,              /**< a file, pipe or command failed */
    HSMIAM_ERR_MEMORY,          /**< memory could not be had, or could not be locked */
    HSMIAM_ERR_INTERNAL,        /**< a defect in this library */
    HSMIAM_ERR_LEDGER,          /**< the ledger is not what its writers left */
    HSMIAM_ERR_UNSETTLED,       /**< what became of an earlier request is not known yet */
    HSMIAM_ERR_APPROVAL         /**< an approval is missing, or cannot be given; nothing was done */
} hsmiam_status;

/** Whose code an error carries. */
typedef enum hsmiam_domain {
    HSMIAM_DOMAIN_LIBRARY = 0, /**< none but the status itself */
    HSMIAM_DOMAIN_PKCS11,      /**< code is a CK_RV, code name its CKR_ name */
    HSMIAM_DOMAIN_TRANSPORT,   /**< code is a CURLcode */
    HSMIAM_DOMAIN_SERVICE,     /**< code is the HTTP status, code name the service's error code */
    HSMIAM_DOMAIN_SYSTEM       /**< code is an errno value */
} hsmiam_domain;

/** The record of what went wrong in the last call that it was given to. */
typedef struct hsmiam_error hsmiam_error;

/** Makes an empty error record; NULL if there is no memory. Free with hsmiam_error_free(). */
HSMIAM_API hsmiam_error *hsmiam_error_new(void);

/** Frees the record and sets the caller's pointer to NULL. */
HSMIAM_API void hsmiam_error_free(hsmiam_error **error);

/** The status of the failed call; HSMIAM_OK for an empty or NULL record. */
HSMIAM_API hsmiam_status hsmiam_error_get_status(const hsmiam_error *error);

/** Whose code hsmiam_error_get_code() returns. */
HSMIAM_API hsmiam_domain hsmiam_error_get_domain(const hsmiam_error *error);

/** The original numeric code (CK_RV, CURLcode, HTTP status or errno), 0 if there is none. */
HSMIAM_API unsigned long hsmiam_error_get_code(const hsmiam_error *error);

/** The original code's name ("CKR_PIN_INCORRECT", "NoSuchEntity"), "" if there is none. */
HSMIAM_API const char *hsmiam_error_get_code_name(const hsmiam_error *error);

/** One sentence: what failed, where, and what to do; for HSMIAM_DOMAIN_SERVICE the service's own
 *  message, control characters removed. "" for an empty record. Valid until the next call. */
HSMIAM_API const char *hsmiam_error_get_message(const hsmiam_error *error);

/** The AWS request id of a service error, "" if there is none. */
HSMIAM_API const char *hsmiam_error_get_request_id(const hsmiam_error *error);

/** The AWS operation ("CreateAccessKey") that a service error answers, "" if there is none. */
HSMIAM_API const char *hsmiam_error_get_operation(const hsmiam_error *error);

#ifdef __cplusplus
}
#endif
#endif
