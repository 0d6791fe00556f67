/* What a run has measured so far, a line of JSON a trial, so that whatever ends it costs at most
 * the trial in flight. The first line says what was asked for. */
#ifndef FB_JOURNAL_H
#define FB_JOURNAL_H

#include "base/error.h"

#include <jansson.h>

#define FB_JOURNAL "journal.jsonl"

struct fb_journal {
    int fd;          /* -1: not open */
    json_t *head;    /* the first line */
    json_t *entries; /* an array of the others, as they were found on opening */
    size_t next;     /* the first entry that was not taken yet */
};

/* Makes folder's journal, which must not be there, with that head (owned from then on, also on
 * failure). 0, or a negative errno with *error. End with fb_journal_close. */
int fb_journal_create(struct fb_journal *journal, const char *folder, json_t *head,
                      struct fb_error *error);

/* Opens it to read its entries and to go on; a last line that was cut off is cut away. 0, or a
 * negative errno with *error: -ENOENT there is none, -EBADMSG it isn't one, -EBUSY another process
 * has it open. */
int fb_journal_open(struct fb_journal *journal, const char *folder, struct fb_error *error);

/* The next entry that was found, or NULL when all are taken. Owned by the journal. */
json_t *fb_journal_take(struct fb_journal *journal);

/* Adds a line for entry, which is released. 0, or a negative errno with *error. */
int fb_journal_append(struct fb_journal *journal, json_t *entry, struct fb_error *error);

void fb_journal_close(struct fb_journal *journal);

/* Removes it: the run is complete. */
void fb_journal_remove(const char *folder);

#endif
