/* The journal of a run in progress: one line of JSON for each finished trial, so that an
 * interrupted or killed run loses at most the trial that was running. The first line is the head:
 * the request. */
#ifndef FB_JOURNAL_H
#define FB_JOURNAL_H

#include "base/error.h"

#include <jansson.h>

#define FB_JOURNAL "journal.jsonl"

struct fb_journal {
    int fd;          /* -1: not open */
    json_t *head;    /* the first line */
    json_t *entries; /* an array of the other lines that were there when it was opened */
    size_t next;     /* index of the entry that fb_journal_take returns next */
};

/* Creates folder's journal with that head, which the journal owns from then on, also on failure. 0,
 * or a negative errno with *error: -EEXIST there is one. End with fb_journal_close in any case. */
int fb_journal_create(struct fb_journal *journal, const char *folder, json_t *head,
                      struct fb_error *error);

/* Opens folder's journal, reads its entries and prepares to append. An incomplete last line is
 * removed. 0, or a negative errno with *error: -ENOENT there is none, -EBADMSG it is damaged,
 * -EBUSY another process has it open. End with fb_journal_close in any case. */
int fb_journal_open(struct fb_journal *journal, const char *folder, struct fb_error *error);

/* The next entry that was read on opening, or NULL after the last. Owned by the journal. */
json_t *fb_journal_take(struct fb_journal *journal);

/* Appends a line for entry, which is released. 0, or a negative errno with *error. */
int fb_journal_append(struct fb_journal *journal, json_t *entry, struct fb_error *error);

void fb_journal_close(struct fb_journal *journal);

/* Removes the journal of a complete run. */
void fb_journal_remove(const char *folder);

#endif
