#include "bench/run/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static void make_path(const char *folder, char *path, size_t size)
{
    snprintf(path, size, "%s/" FB_JOURNAL, folder);
}

static int open_file(const char *folder, int flags, int *ret_fd, struct fb_error *error)
{
    char path[PATH_MAX + 16];
    make_path(folder, path, sizeof path);
    int fd = open(path, flags | O_RDWR | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0)
        return fb_error_set(error, -errno, "can't open the journal %.150s: %s", path,
                            strerror(errno));
    /* Two runs that use one folder would mix their trials. */
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        close(fd);
        return fb_error_set(error, -EBUSY, "the run is still going on: %.150s: wait for its end",
                            folder);
    }
    *ret_fd = fd;
    return 0;
}

int fb_journal_create(struct fb_journal *journal, const char *folder, json_t *head,
                      struct fb_error *error)
{
    *journal = (struct fb_journal){ .fd = -1, .head = head };
    int result = open_file(folder, O_CREAT | O_EXCL, &journal->fd, error);
    if (result < 0)
        return result;
    result = fb_journal_append(journal, json_incref(head), error);
    if (result < 0)
        fb_journal_remove(folder); /* no run could be resumed from it */
    return result;
}

/* Reads all of the file as text. */
static int read_all(int fd, char **ret_text, size_t *ret_size, struct fb_error *error)
{
    struct stat stat;
    if (fstat(fd, &stat) < 0)
        return fb_error_set(error, -errno, "can't read the journal: %s", strerror(errno));
    char *text = malloc((size_t)stat.st_size + 1);
    if (!text)
        return fb_error_set(error, -ENOMEM, "out of memory");
    size_t size = 0;
    ssize_t got = 1;
    while (size < (size_t)stat.st_size && got > 0) {
        got = pread(fd, text + size, (size_t)stat.st_size - size, (off_t)size);
        size += got > 0 ? (size_t)got : 0;
    }
    if (got < 0) {
        int code = errno;
        free(text);
        return fb_error_set(error, -code, "can't read the journal: %s", strerror(code));
    }
    text[size] = '\0';
    *ret_text = text;
    *ret_size = size;
    return 0;
}

/* Parses all complete lines; *ret_used is the offset of what follows them. */
static int parse(struct fb_journal *journal, const char *text, size_t size, size_t *ret_used)
{
    const char *line = text, *end;
    while ((end = memchr(line, '\n', size - (size_t)(line - text)))) {
        json_t *entry = json_loadb(line, (size_t)(end - line), 0, NULL);
        if (!json_is_object(entry)) {
            json_decref(entry);
            return -EBADMSG;
        }
        if (!journal->head)
            journal->head = entry;
        else
            json_array_append_new(journal->entries, entry);
        line = end + 1;
    }
    *ret_used = (size_t)(line - text);
    return journal->head ? 0 : -EBADMSG;
}

int fb_journal_open(struct fb_journal *journal, const char *folder, struct fb_error *error)
{
    char *text = NULL;
    size_t size = 0, used = 0;
    *journal = (struct fb_journal){ .fd = -1, .entries = json_array() };
    int result = open_file(folder, 0, &journal->fd, error);
    if (result == 0)
        result = read_all(journal->fd, &text, &size, error);
    if (result < 0)
        return result;
    result = parse(journal, text, size, &used);
    free(text);
    if (result < 0)
        return fb_error_set(error, result,
                            "the journal is damaged: %.150s/" FB_JOURNAL ": measure anew", folder);
    if (ftruncate(journal->fd, (off_t)used) < 0)
        return fb_error_set(error, -errno, "can't write the journal in %.150s: %s", folder,
                            strerror(errno));
    return 0;
}

json_t *fb_journal_take(struct fb_journal *journal)
{
    return json_array_get(journal->entries, journal->next++);
}

int fb_journal_append(struct fb_journal *journal, json_t *entry, struct fb_error *error)
{
    char *text = json_dumps(entry, JSON_COMPACT);
    json_decref(entry);
    if (!text)
        return fb_error_set(error, -ENOMEM, "out of memory");
    size_t size = strlen(text), written = 0;
    text[size++] = '\n'; /* in place of the terminator */
    int result = 0;
    off_t before = lseek(journal->fd, 0, SEEK_END);
    while (written < size && result == 0) {
        ssize_t put = write(journal->fd, text + written, size - written);
        if (put < 0 && errno != EINTR)
            result = fb_error_set(error, -errno, "can't write the journal: %s", strerror(errno));
        written += put > 0 ? (size_t)put : 0;
    }
    free(text);
    if (result < 0 && ftruncate(journal->fd, before) < 0)
        return result; /* an incomplete line is left at the end; opening removes it */
    return result;
}

void fb_journal_close(struct fb_journal *journal)
{
    json_decref(journal->head);
    json_decref(journal->entries);
    if (journal->fd >= 0)
        close(journal->fd);
    *journal = (struct fb_journal){ .fd = -1 };
}

void fb_journal_remove(const char *folder)
{
    char path[PATH_MAX + 16];
    make_path(folder, path, sizeof path);
    unlink(path);
}
