/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hsmiam's PKCS#11 module adds to the token behind it: two vendor-defined mechanisms. For
 * programs that speak to the module (hsmiam-pkcs11.so); they need neither hsmiam.h nor the library,
 * and take the PKCS#11 types from the header that they use anyway.
 */
#ifndef HSMIAM_PKCS11_H
#define HSMIAM_PKCS11_H

/*
 * Both work on threads of their own, whose memory is locked and wiped. A program that initialised
 * the module with CKF_LIBRARY_CANT_CREATE_OS_THREADS does not get them (CKR_MECHANISM_INVALID).
 */

/**
 * C_GenerateKey: issues an AWS access key. IAM CreateAccessKey is signed by the root credential of
 * the module's settings, and the secret goes straight into the token of the session, is proven
 * there, and is recorded in the ledger: all as hsmiam_access_key_create() does it.
 *
 * pParameter, ulParameterLen: the IAM user's name, without a NUL; 1 to 128 of [A-Za-z0-9_+=,.@-].
 * NULL and 0: CKA_LABEL of the template is the user's name; without either, IAM takes the user of
 * the root credential.
 *
 * The session must be read/write, and the user logged in: the module never logs in to its token.
 *
 * The template may be empty. What it says of protection and usage (CKA_PRIVATE, CKA_SENSITIVE,
 * CKA_EXTRACTABLE, CKA_SIGN, CKA_ENCRYPT, ...) and CKA_VALUE_LEN is not followed: the key is a
 * token object, private, sensitive and not extractable, it may do what SigV4 needs and nothing
 * else, and the value has the length that IAM gives it. CKR_TEMPLATE_INCONSISTENT, before IAM is
 * asked, for what cannot be had: another class than CKO_SECRET_KEY or type than CKK_GENERIC_SECRET,
 * a session object, a CKA_VALUE, a label that is not the name in the parameter, limits that the key
 * would not get (CKA_ALLOWED_MECHANISMS, dates, a key that cannot be destroyed), and any CKA_ID:
 * that of the key is the access key id, which IAM chooses.
 *
 * What comes back is the handle of the key in the token; its CKA_ID is the access key id, its
 * CKA_LABEL the user's name. Failures:
 *   CKR_SESSION_READ_ONLY, CKR_USER_NOT_LOGGED_IN, CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_...
 *   CKR_MECHANISM_INVALID         the settings name other tokens for keys, or this one takes
 *                                 none in
 *   CKR_MECHANISM_PARAM_INVALID   not a user's name, or IAM knows no such user
 *   CKR_ACTION_PROHIBITED         IAM or the ledger's policy does not allow it
 *   CKR_FUNCTION_CANCELED         C_Finalize came meanwhile, before the request left
 *   CKR_FUNCTION_FAILED           no key was made
 *   CKR_GENERAL_ERROR             a key was or may have been made, and the sentence says what
 *                                 became of it: run `hsmiam recover`, and do not just try again
 *   CKR_DEVICE_ERROR, CKR_HOST_MEMORY, ... as PKCS#11 has them
 * The whole sentence goes where the module's settings say.
 */
#define CKM_HSMIAM_AWS_ACCESS_KEY 0xC8534901UL

/**
 * C_SignInit and C_Sign, or C_SignUpdate and C_SignFinal, on an AWS access key: the signature, 32
 * bytes, of a string to sign by AWS Signature Version 4. (AWS wants it as 64 lower-case hex
 * digits.)
 *
 * pParameter, ulParameterLen: the credential scope that the signing key is derived for, without a
 * NUL: "20261124/us-east-1/iam/aws4_request", or without its last part. Region and service have 1
 * to 64 of [a-z0-9._-]. NULL and 0: the scope stands in the string to sign, as its third line.
 *
 * The key is one whose CKA_ID is an access key id and whose value is "AWS4" and the secret, as
 * CKM_HSMIAM_AWS_ACCESS_KEY and `hsmiam import-access-key` make them. One that may derive
 * (CKA_DERIVE, and not CKA_SIGN) has all of its derived keys inside the token; of one that may
 * sign, they are in locked memory of the process while C_Sign or C_SignFinal runs, and not before
 * or after.
 *
 * The string to sign has at most 1 MiB (CKR_DATA_LEN_RANGE). The state of the operation cannot be
 * saved (CKR_STATE_UNSAVEABLE), and C_SignEncryptUpdate does not continue it, but ends it
 * (CKR_FUNCTION_NOT_SUPPORTED), as does C_SignInit with NULL for the mechanism.
 */
#define CKM_HSMIAM_AWS_SIGV4 0xC8534902UL

#endif
