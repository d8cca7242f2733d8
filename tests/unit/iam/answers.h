/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of IAM, after the examples of its API reference. */
#ifndef HSMIAM_TEST_IAM_ANSWERS_H
#define HSMIAM_TEST_IAM_ANSWERS_H

#define ANSWER_NAMESPACE  " xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\""
#define ANSWER_ID         "AKIAIOSFODNN7EXAMPLE"
#define ANSWER_SECRET     "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define ANSWER_REQUEST_ID "7a62c49f-347e-4fc4-9331-6e8eEXAMPLE"
#define ANSWER_METADATA                                                                            \
    "<ResponseMetadata><RequestId>" ANSWER_REQUEST_ID "</RequestId></ResponseMetadata>"

/* The inside of an AccessKey, and the whole around it. */
#define ANSWER_KEY                                                                                 \
    "<UserName>Bob</UserName><AccessKeyId>" ANSWER_ID "</AccessKeyId><Status>Active</Status>"      \
    "<SecretAccessKey>" ANSWER_SECRET "</SecretAccessKey>"                                         \
    "<CreateDate>2015-08-30T12:36:00Z</CreateDate>"
#define ANSWER_CREATE(key)                                                                         \
    "<CreateAccessKeyResponse" ANSWER_NAMESPACE "><CreateAccessKeyResult><AccessKey>" key          \
    "</AccessKey></CreateAccessKeyResult>" ANSWER_METADATA "</CreateAccessKeyResponse>"
#define ANSWER_CREATED ANSWER_CREATE(ANSWER_KEY)

#define ANSWER_MEMBER(id)                                                                          \
    "<member><UserName>Bob</UserName><AccessKeyId>" id "</AccessKeyId><Status>Inactive</Status>"   \
    "<CreateDate>2015-08-30T12:36:00Z</CreateDate></member>"
#define ANSWER_LIST(members, more)                                                                 \
    "<ListAccessKeysResponse" ANSWER_NAMESPACE "><ListAccessKeysResult><UserName>Bob</UserName>"   \
    "<AccessKeyMetadata>" members "</AccessKeyMetadata>" more                                      \
    "</ListAccessKeysResult>" ANSWER_METADATA "</ListAccessKeysResponse>"
#define ANSWER_LAST_PAGE  "<IsTruncated>false</IsTruncated>"
#define ANSWER_MORE_PAGES "<IsTruncated>true</IsTruncated><Marker>m/+=1</Marker>"

#define ANSWER_DELETED                                                                             \
    "<DeleteAccessKeyResponse" ANSWER_NAMESPACE ">" ANSWER_METADATA "</DeleteAccessKeyResponse>"

#define ANSWER_ERROR(code, message)                                                                \
    "<ErrorResponse" ANSWER_NAMESPACE "><Error><Type>Sender</Type><Code>" code                     \
    "</Code><Message>" message "</Message></Error><RequestId>" ANSWER_REQUEST_ID                   \
    "</RequestId></ErrorResponse>"

#endif
