#include "harness/mp/channel/shm.h"

#include "harness/mp/core/fork_safe.h"
#include "harness/mp/core/memory.h"
#include "harness/mp/channel/tracker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* A process that created or attached a segment holds a shared flock on its file until the process
 * ends or the name is removed. The kernel releases the locks of dead processes, so a file that can
 * be locked exclusively is no longer in use. */

struct fb_mp_segment {
    struct fb_mp_segment *next; /* in the list of closed segments */
    int fd;
    void *memory;
    size_t size;
    char name[FB_MP_SEGMENT_NAME + 1];
};

/* Segments that this process has closed, but whose names its locks still keep. */
static struct fb_mp_segment *closed;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
FB_MP_FORK_SAFE(mutex);

/* ---- names ---- */

static bool is_name(const char *name)
{
    size_t length = strnlen(name, FB_MP_SEGMENT_NAME + 1);
    return length > 0 && length <= FB_MP_SEGMENT_NAME && !strchr(name, '/');
}

static void make_path(const char *name, char ret_path[PATH_MAX])
{
    snprintf(ret_path, PATH_MAX, "%s/%s%s", FB_MP_TRACKER_FOLDER, FB_MP_TRACKER_PREFIX, name);
}

static bool is_unlinked(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_nlink == 0;
}

/* Frees the closed segments whose names are gone. */
static void forget_unlinked(void)
{
    pthread_mutex_lock(&mutex);
    for (struct fb_mp_segment **link = &closed, *segment; (segment = *link);) {
        if (!is_unlinked(segment->fd)) {
            link = &segment->next;
            continue;
        }
        *link = segment->next;
        close(segment->fd);
        free(segment);
    }
    pthread_mutex_unlock(&mutex);
}

/* ---- creating ---- */

static int lock_shared(int fd)
{
    while (flock(fd, LOCK_SH) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

static int map(struct fb_mp_segment *segment)
{
    void *memory = mmap(NULL, segment->size, PROT_READ | PROT_WRITE, MAP_SHARED, segment->fd, 0);
    if (memory == MAP_FAILED)
        return -errno;
    segment->memory = memory;
    return 0;
}

static void discard(struct fb_mp_segment *segment)
{
    if (segment->memory)
        munmap(segment->memory, segment->size);
    if (segment->fd >= 0)
        close(segment->fd);
    free(segment);
}

/* Makes a file without a name, allocates and locks it. It gets its name last, when it is complete.
 */
static int make_file(struct fb_mp_segment *segment)
{
    int result;
    segment->fd = open(FB_MP_TRACKER_FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (segment->fd < 0)
        return -errno;
    if (!fb_mp_has_memory(segment->size))
        return -ENOSPC;
    do
        result = fallocate(segment->fd, 0, 0, (off_t)segment->size);
    while (result < 0 && errno == EINTR);
    if (result < 0)
        return -errno;
    result = lock_shared(segment->fd);
    return result < 0 ? result : map(segment);
}

static void sweep(void)
{
    pthread_mutex_lock(&mutex); /* no fork meanwhile, as in fb_mp_segment_unlink */
    fb_mp_tracker_sweep();
    pthread_mutex_unlock(&mutex);
}

static int give_name(struct fb_mp_segment *segment)
{
    char path[PATH_MAX], file[32];
    snprintf(file, sizeof file, "/proc/self/fd/%d", segment->fd);
    make_path(segment->name, path);
    int code = linkat(AT_FDCWD, file, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0 ? errno : 0;
    if (code == EEXIST) { /* its users may have ended just now */
        sweep();
        code = linkat(AT_FDCWD, file, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0 ? errno : 0;
    }
    if (code)
        return -code;
    /* The tracker exits when there are no names. It may have exited after the first start. */
    int result = fb_mp_tracker_start();
    if (result < 0)
        unlink(path);
    return result;
}

static int give_any_name(struct fb_mp_segment *segment)
{
    int result;
    do {
        uint64_t number;
        if (getrandom(&number, sizeof number, 0) < 0)
            return -errno;
        snprintf(segment->name, sizeof segment->name, "%d-%016llx", (int)getpid(),
                 (unsigned long long)number);
        result = give_name(segment);
    } while (result == -EEXIST);
    return result;
}

int fb_mp_segment_create(const char *name, size_t size, struct fb_mp_segment **ret_segment)
{
    if (size == 0 || (name && !is_name(name)))
        return -EINVAL;
    if (size > (size_t)INT64_MAX)
        return -EFBIG;
    forget_unlinked();
    struct fb_mp_segment *segment = calloc(1, sizeof *segment);
    if (!segment)
        return -ENOMEM;
    segment->fd = -1;
    segment->size = size;
    int result = fb_mp_tracker_start();
    if (result == 0)
        result = make_file(segment);
    if (result == 0 && name) {
        snprintf(segment->name, sizeof segment->name, "%s", name);
        result = give_name(segment);
    } else if (result == 0)
        result = give_any_name(segment);
    if (result < 0) {
        discard(segment);
        return result;
    }
    *ret_segment = segment;
    return 0;
}

/* ---- attaching ---- */

static int open_file(struct fb_mp_segment *segment)
{
    char path[PATH_MAX];
    struct stat status;
    make_path(segment->name, path);
    segment->fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (segment->fd < 0)
        return -errno;
    if (fstat(segment->fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) || status.st_size == 0 ||
        (status.st_uid != geteuid() && geteuid() != 0))
        return -EACCES;
    int result = lock_shared(segment->fd);
    if (result < 0)
        return result;
    if (is_unlinked(segment->fd)) /* removed before it was locked */
        return -ENOENT;
    segment->size = (size_t)status.st_size;
    return map(segment);
}

int fb_mp_segment_attach(const char *name, struct fb_mp_segment **ret_segment)
{
    if (!name || !is_name(name))
        return -EINVAL;
    forget_unlinked();
    struct fb_mp_segment *segment = calloc(1, sizeof *segment);
    if (!segment)
        return -ENOMEM;
    segment->fd = -1;
    snprintf(segment->name, sizeof segment->name, "%s", name);
    int result = open_file(segment);
    if (result == 0)
        result = fb_mp_tracker_start();
    if (result < 0) {
        discard(segment);
        return result;
    }
    *ret_segment = segment;
    return 0;
}

void *fb_mp_segment_memory(const struct fb_mp_segment *segment)
{
    return segment->memory;
}

size_t fb_mp_segment_size(const struct fb_mp_segment *segment)
{
    return segment->size;
}

const char *fb_mp_segment_name(const struct fb_mp_segment *segment)
{
    return segment->name;
}

/* ---- closing and unlinking ---- */

void fb_mp_segment_close(struct fb_mp_segment *segment)
{
    struct stat mine, other;
    if (!segment)
        return;
    munmap(segment->memory, segment->size);
    segment->memory = NULL;
    pthread_mutex_lock(&mutex);
    bool is_kept = fstat(segment->fd, &mine) < 0;
    for (struct fb_mp_segment *each = closed; each && !is_kept; each = each->next)
        is_kept = fstat(each->fd, &other) == 0 && other.st_ino == mine.st_ino;
    if (!is_kept) {
        segment->next = closed;
        closed = segment;
    }
    pthread_mutex_unlock(&mutex);
    if (is_kept) /* by another descriptor of this process, or it can't be told */
        discard(segment);
    forget_unlinked();
}

int fb_mp_segment_unlink(const char *name)
{
    char path[PATH_MAX];
    if (!name || !is_name(name))
        return -EINVAL;
    make_path(name, path);
    /* The mutex prevents a fork: the child's copy of the descriptor would keep the folder locked.
     */
    pthread_mutex_lock(&mutex);
    int folder = fb_mp_tracker_lock_folder(), result = folder;
    if (folder >= 0) {
        result = unlink(path) < 0 ? -errno : 0;
        close(folder);
    }
    pthread_mutex_unlock(&mutex);
    forget_unlinked();
    return result;
}
