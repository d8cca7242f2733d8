/* SPDX-License-Identifier: Apache-2.0 */
#include "cryptoki/operation.h"

#include <stdlib.h>

hsmiam_operation *hsmiam_operation_new(CK_SESSION_HANDLE session)
{
    hsmiam_operation *operation = calloc(1, sizeof *operation);

    if (operation == NULL)
        return NULL;
    operation->session = session;
    hsmiam_buffer_init(&operation->text, HSMIAM_OPERATION_TEXT_MAX);
    return operation;
}

void hsmiam_operation_free(hsmiam_operation **operation)
{
    if (*operation == NULL)
        return;
    hsmiam_buffer_clear(&(*operation)->text);
    free(*operation);
    *operation = NULL;
}

hsmiam_operation *hsmiam_operations_take(hsmiam_operations *operations, CK_SESSION_HANDLE session)
{
    if (operations->count == 0)
        return NULL;
    (void)pthread_mutex_lock(&operations->lock);
    hsmiam_operation **link = &operations->first;
    while (*link != NULL && (*link)->session != session)
        link = &(*link)->next;
    hsmiam_operation *taken = *link;
    if (taken != NULL) {
        *link = taken->next;
        taken->next = NULL;
        operations->count--;
    }
    (void)pthread_mutex_unlock(&operations->lock);
    return taken;
}

void hsmiam_operations_end_on_slot(hsmiam_operations *operations, CK_SLOT_ID slot)
{
    (void)pthread_mutex_lock(&operations->lock);
    for (hsmiam_operation *one = operations->first; one != NULL; one = one->next)
        one->ended |= one->slot == slot;
    (void)pthread_mutex_unlock(&operations->lock);
}

void hsmiam_operations_drop(hsmiam_operations *operations, CK_SESSION_HANDLE session)
{
    hsmiam_operation *taken = hsmiam_operations_take(operations, session);

    hsmiam_operation_free(&taken);
}

void hsmiam_operations_add(hsmiam_operations *operations, hsmiam_operation *operation)
{
    hsmiam_operations_drop(operations, operation->session);
    (void)pthread_mutex_lock(&operations->lock);
    operation->next = operations->first;
    operations->first = operation;
    operations->count++;
    (void)pthread_mutex_unlock(&operations->lock);
}

bool hsmiam_operations_has(hsmiam_operations *operations, CK_SESSION_HANDLE session)
{
    if (operations->count == 0)
        return false;
    (void)pthread_mutex_lock(&operations->lock);
    const hsmiam_operation *found = operations->first;
    while (found != NULL && found->session != session)
        found = found->next;
    (void)pthread_mutex_unlock(&operations->lock);
    return found != NULL;
}

void hsmiam_operations_forget(hsmiam_operations *operations)
{
    *operations = (hsmiam_operations)HSMIAM_OPERATIONS_NONE;
}
