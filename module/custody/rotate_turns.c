/* SPDX-License-Identifier: Apache-2.0 */
/* What is done next: as long as it takes to get to where a key is to be made, or to the end. */
#include "custody/rotate.h"

#include <stdio.h>
#include <string.h>

/* Each turn ends what came to nothing, clears, or is the last one. */
#define TURNS_MAX 4

/* -------------------------------------------------------------------------------- what is known */

static const hsmiam_key_metadata *find_key(const hsmiam_key_list *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->keys[i].id, id) == 0)
            return &list->keys[i];
    return NULL;
}

static bool is_active(const hsmiam_key_metadata *key)
{
    return key != NULL && strcmp(key->status, "Active") == 0;
}

static bool is_inactive(const hsmiam_key_metadata *key)
{
    return key != NULL && strcmp(key->status, "Inactive") == 0;
}

static hsmiam_status make_view(const hsmiam_rotating *run, hsmiam_rotation_view *view,
                               hsmiam_error *error)
{
    const hsmiam_rotation_record *record = &run->record;
    hsmiam_status status = HSMIAM_OK;

    *view = (hsmiam_rotation_view){.may_create = run->may_create,
                                   .delete_old = run->options.delete_old,
                                   .delete_inactive = run->options.delete_inactive};
    for (size_t i = 0; i < run->list.count; i++)
        if (is_active(&run->list.keys[i]))
            view->active++;
        else
            view->inactive++;
    if (!run->has_record)
        return HSMIAM_OK;
    view->is_open = !hsmiam_rotation_step_is_final(record->step);
    view->is_deleting =
        record->step == HSMIAM_ROTATION_CLEARING || record->step == HSMIAM_ROTATION_DELETING;
    view->has_retired = record->step == HSMIAM_ROTATION_DEACTIVATED &&
                        is_inactive(find_key(&run->list, record->old_id));
    if (record->new_id[0] != '\0')
        status = hsmiam_rotating_holds(run, record->new_id, &view->has_new, error);
    return status;
}

/* ----------------------------------------------------------------------------------- the actions
 */

static const char *find_by_status(const hsmiam_key_list *list, bool active, size_t skip)
{
    for (size_t i = 0; i < list->count; i++)
        if (is_active(&list->keys[i]) == active && skip-- == 0)
            return list->keys[i].id;
    return "";
}

static hsmiam_status refuse(const hsmiam_rotating *run, hsmiam_rotation_action action,
                            hsmiam_error *error)
{
    const char *user = hsmiam_rotating_name_user(run);
    const char *active = find_by_status(&run->list, true, 0);

    if (action == HSMIAM_ROTATE_REFUSE_NONE) {
        hsmiam_status status = hsmiam_error_set(
            error, HSMIAM_ERR_NOT_FOUND,
            "There is no active access key of %s to rotate; create-access-key makes one.", user);
        /* Whoever rotates for many must tell this from a token that is not there. */
        (void)snprintf(error->code_name, sizeof error->code_name, HSMIAM_NO_ACTIVE_KEY);
        return status;
    }
    if (action == HSMIAM_ROTATE_REFUSE_TWO)
        return hsmiam_error_set(error, HSMIAM_ERR_EXISTS,
                                "Two access keys of %s are active, %s and %s, and IAM allows no "
                                "third: nothing was done. Deactivate and delete the one that is "
                                "not in use.",
                                user, active, find_by_status(&run->list, true, 1));
    return hsmiam_error_set(error, HSMIAM_ERR_EXISTS,
                            "Beside access key %s of %s, the inactive key %s takes the place that "
                            "the new one needs: nothing was done. If nobody needs it any more, "
                            "delete it: --delete-inactive does so and rotates.",
                            active, user, find_by_status(&run->list, false, 0));
}

/* The place that an inactive key takes is made free. */
static hsmiam_status clear(hsmiam_rotating *run, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_rotating_record(run, HSMIAM_ROTATION_BEGUN,
                                                  find_by_status(&run->list, true, 0), error);

    for (size_t i = 0; status == HSMIAM_OK && i < run->list.count; i++)
        if (is_inactive(&run->list.keys[i]))
            status = hsmiam_rotating_delete(run, run->list.keys[i].id, HSMIAM_ROTATION_CLEARING,
                                            HSMIAM_ROTATION_CLEARED, error);
    return status;
}

/* A deletion that was begun or is asked for now. Who activated the key meanwhile wants it. */
static hsmiam_status go_on_deleting(hsmiam_rotating *run, bool *done_out, hsmiam_error *error)
{
    bool is_clearing = run->record.step == HSMIAM_ROTATION_CLEARING;
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1];

    memcpy(id, is_clearing ? run->record.step_id : run->record.old_id, sizeof id);
    *done_out = !is_clearing;
    if (is_active(find_key(&run->list, id))) {
        hsmiam_status status = hsmiam_rotating_record(run, HSMIAM_ROTATION_ABANDONED, id, error);
        if (status == HSMIAM_OK && !is_clearing)
            status = hsmiam_error_set(error, HSMIAM_ERR_EXISTS,
                                      "Access key %s was about to be deleted, but somebody has "
                                      "activated it again: it is left as it is.",
                                      id);
        return status;
    }
    if (run->record.step == HSMIAM_ROTATION_DEACTIVATED) {
        hsmiam_status status =
            hsmiam_ledger_check_deletion(run->custody->ledger, run->record.sequence, error);
        if (status != HSMIAM_OK)
            return status;
    }
    run->made->previous_status = "Deleted";
    return is_clearing ? hsmiam_rotating_delete(run, id, HSMIAM_ROTATION_CLEARING,
                                                HSMIAM_ROTATION_CLEARED, error)
                       : hsmiam_rotating_delete(run, id, HSMIAM_ROTATION_DELETING,
                                                HSMIAM_ROTATION_DELETED, error);
}

/* What is handed out of a new key that an earlier run made. Should IAM's list lag behind, it says
 * nothing of it. */
static hsmiam_status make_key(hsmiam_rotating *run, hsmiam_error *error)
{
    const hsmiam_key_metadata *listed = find_key(&run->list, run->record.new_id);
    hsmiam_key_metadata key = {.status = "Active", .create_date = -1};
    bool held = false;

    hsmiam_status status = hsmiam_rotating_holds(run, run->record.new_id, &held, error);
    if (status != HSMIAM_OK || !held || run->made->key != NULL)
        return status;
    (void)snprintf(key.id, sizeof key.id, "%s", run->record.new_id);
    (void)snprintf(key.user_name, sizeof key.user_name, "%s", run->user);
    if (listed != NULL)
        key = *listed;
    const hsmiam_key_spec spec = {
        .id = key.id, .label = key.user_name[0] != '\0' ? key.user_name : HSMIAM_ROOT_USER_LABEL};
    return hsmiam_access_key_new(run->custody, &key, &spec, &run->made->key, error);
}

hsmiam_status hsmiam_rotating_go_on(hsmiam_rotating *run, hsmiam_error *error)
{
    hsmiam_rotation_record *record = &run->record;
    hsmiam_status status = hsmiam_rotating_prove(run, error);

    if (status == HSMIAM_OK && record->step < HSMIAM_ROTATION_PROVEN)
        status = hsmiam_rotating_record(run, HSMIAM_ROTATION_PROVEN, record->new_id, error);
    if (status == HSMIAM_OK)
        status = hsmiam_rotating_deactivate(run, error);
    if (status == HSMIAM_OK && record->step == HSMIAM_ROTATION_DEACTIVATED &&
        run->options.delete_old) {
        run->made->previous_status = "Deleted";
        status = hsmiam_rotating_delete(run, record->old_id, HSMIAM_ROTATION_DELETING,
                                        HSMIAM_ROTATION_DELETED, error);
    }
    if (status != HSMIAM_OK && !hsmiam_rotation_step_is_final(record->step))
        hsmiam_error_append(error,
                            "Access key %s is in the token, and replaces %s once this is "
                            "run again, or `hsmiam recover`.",
                            record->new_id, record->old_id);
    return status;
}

/* ------------------------------------------------------------------------------------- the turns
 */

static hsmiam_status act(hsmiam_rotating *run, hsmiam_rotation_action action, bool *done_out,
                         hsmiam_error *error)
{
    *done_out = true;
    switch (action) {
    case HSMIAM_ROTATE_CREATE:
        return hsmiam_rotating_record(run, HSMIAM_ROTATION_BEGUN,
                                      find_by_status(&run->list, true, 0), error);
    case HSMIAM_ROTATE_CLEAR:
        return clear(run, error);
    case HSMIAM_ROTATE_CONTINUE:
        return hsmiam_rotating_go_on(run, error);
    case HSMIAM_ROTATE_DELETE:
        return go_on_deleting(run, done_out, error);
    case HSMIAM_ROTATE_ABANDON:
        *done_out = false;
        return hsmiam_rotating_record(run, HSMIAM_ROTATION_ABANDONED, run->record.old_id, error);
    case HSMIAM_ROTATE_END:
        return HSMIAM_OK;
    default:
        return refuse(run, action, error);
    }
}

static bool makes_key(hsmiam_rotation_action action)
{
    return action == HSMIAM_ROTATE_CREATE || action == HSMIAM_ROTATE_CLEAR;
}

/* Of the key that signs, the one active key must be that one. */
static hsmiam_status check_signer(const hsmiam_rotating *run, hsmiam_rotation_action action,
                                  hsmiam_error *error)
{
    if (run->options.user_name != NULL || !makes_key(action) ||
        strcmp(find_by_status(&run->list, true, 0), run->signer_id) == 0)
        return HSMIAM_OK;
    return hsmiam_error_set(error, HSMIAM_ERR_UNSETTLED,
                            "IAM does not list access key %s, which signs; its lists lag behind. "
                            "Nothing was done; try again.",
                            run->signer_id);
}

hsmiam_status hsmiam_rotating_take_turns(hsmiam_rotating *run, bool *creates_out,
                                         hsmiam_error *error)
{
    hsmiam_rotation_action action = HSMIAM_ROTATE_END;
    hsmiam_status status = HSMIAM_OK;
    bool done = false;

    for (int i = 0; status == HSMIAM_OK && !done && i < TURNS_MAX; i++) {
        hsmiam_rotation_view view;
        if (i > 0)
            status = hsmiam_rotating_look(run, error);
        if (status == HSMIAM_OK)
            status = make_view(run, &view, error);
        if (status != HSMIAM_OK)
            break;
        action = hsmiam_rotation_decide(&view);
        status = check_signer(run, action, error);
        if (status == HSMIAM_OK)
            status = act(run, action, &done, error);
    }
    *creates_out = makes_key(action);
    if (status == HSMIAM_OK && !*creates_out)
        status = make_key(run, error);
    return status;
}
