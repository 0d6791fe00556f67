/* Recovery of slots and user records after the death of a process. For queue*.c. */
#ifndef FB_MP_QUEUE_RECOVERY_H
#define FB_MP_QUEUE_RECOVERY_H

#include "harness/mp/channel/queue_record.h"

/* If the slot is claimed by a dead user: undoes its put or completes its take, and notifies all
 * that wait. Returns whether it was. */
bool queue_recover_slot(struct fb_mp_queue *queue, struct queue_message *slot);

/* The same for all slots of a dead user, and frees its draft; frees its record too unless it holds
 * a message. With the lock held. */
void queue_recover_user(struct fb_mp_queue *queue, uint32_t index);

/* Recovers all dead users. Returns how many of them hold a message; *ret_index, which may be NULL,
 * is the index of one of these. With the lock held. Notifies nobody. */
size_t queue_recover_all(struct fb_mp_queue *queue, uint32_t *ret_index);

/* Notifies all that wait for room or messages. */
void queue_notify_all(struct fb_mp_queue *queue);

#endif
