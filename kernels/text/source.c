/* Reads a file, or generates a sample. */
#include "kernels/text/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int fb_source_make(fb_sample_writer write, int *ret_fd, struct fb_error *error)
{
    int fd = memfd_create("forkbench-sample", 0), copy = fd < 0 ? -1 : dup(fd);
    FILE *to = copy < 0 ? NULL : fdopen(copy, "w");
    int result = to ? 0 : -errno;
    if (to) {
        write(to);
        result = ferror(to) ? -EIO : 0;
        if (fclose(to) != 0 && result == 0)
            result = -errno;
    } else if (copy >= 0) {
        close(copy);
    }
    if (result == 0) {
        *ret_fd = fd;
        return 0;
    }
    if (fd >= 0)
        close(fd);
    return fb_error_set(error, result, "can't make a sample: %s", strerror(-result));
}

static int read_all(int fd, char *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(fd, bytes + done, size - done, (off_t)done);
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got == 0)
            return -EIO; /* the file has become shorter */
        done += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

static int read_file(struct fb_source *source, struct fb_arena *arena, int fd, const char *name,
                     struct fb_error *error)
{
    struct stat info;
    if (fstat(fd, &info) < 0)
        return fb_error_set(error, -errno, "can't read %.150s: %s", name, strerror(errno));
    if (!S_ISREG(info.st_mode) || info.st_size == 0)
        return fb_error_set(error, -EINVAL, "%.150s is not a file with something in it", name);
    char *bytes = fb_arena_alloc(arena, (size_t)info.st_size);
    if (!bytes)
        return fb_error_set(error, -ENOMEM, "out of shared memory for %.150s", name);
    int result = read_all(fd, bytes, (size_t)info.st_size);
    if (result < 0)
        return fb_error_set(error, result, "can't read %.150s: %s", name, strerror(-result));
    *source = (struct fb_source){ bytes, (size_t)info.st_size };
    return 0;
}

int fb_source_read(struct fb_source *source, struct fb_arena *arena, const char *path,
                   fb_sample_writer write, struct fb_error *error)
{
    int fd, result = 0;
    if (!*path)
        result = fb_source_make(write, &fd, error);
    else if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
        result = fb_error_set(error, -errno, "can't open %.150s: %s", path, strerror(errno));
    if (result < 0)
        return result;
    result = read_file(source, arena, fd, *path ? path : "the sample", error);
    close(fd);
    return result;
}
