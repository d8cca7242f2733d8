/* SPDX-License-Identifier: Apache-2.0 */
#include "custody/rotate.h"

/* A user may have two keys, and of the one that is replaced there must be no doubt. */
static hsmiam_rotation_action begin(const hsmiam_rotation_view *view)
{
    if (view->active == 0)
        return HSMIAM_ROTATE_REFUSE_NONE;
    if (view->active > 1)
        return HSMIAM_ROTATE_REFUSE_TWO;
    if (view->inactive == 0)
        return HSMIAM_ROTATE_CREATE;
    return view->delete_inactive ? HSMIAM_ROTATE_CLEAR : HSMIAM_ROTATE_REFUSE_INACTIVE;
}

hsmiam_rotation_action hsmiam_rotation_decide(const hsmiam_rotation_view *view)
{
    if (view->is_open) {
        if (view->is_deleting)
            return HSMIAM_ROTATE_DELETE;
        return view->has_new ? HSMIAM_ROTATE_CONTINUE : HSMIAM_ROTATE_ABANDON;
    }
    if (!view->may_create)
        return HSMIAM_ROTATE_END;
    return view->has_retired && view->delete_old ? HSMIAM_ROTATE_DELETE : begin(view);
}
