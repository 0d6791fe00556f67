/* Saves results completely or not at all. */
#include "kernels/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int fb_output_open(struct fb_output *output, const char *folder, struct fb_error *error)
{
    struct stat info;
    output->folder[0] = '\0';
    if (!*folder)
        return 0;
    if (strlen(folder) >= sizeof output->folder)
        return fb_error_set(error, -ENAMETOOLONG, "too long: out=%.100s…", folder);
    if (mkdir(folder, 0777) < 0 && errno != EEXIST)
        return fb_error_set(error, -errno, "can't make the folder for results: %.150s: %s", folder,
                            strerror(errno));
    if (stat(folder, &info) < 0)
        return fb_error_set(error, -errno, "can't look at out=%.150s: %s", folder, strerror(errno));
    if (!S_ISDIR(info.st_mode))
        return fb_error_set(error, -ENOTDIR, "not a folder: out=%.150s: give a folder", folder);
    if (access(folder, W_OK | X_OK) < 0)
        return fb_error_set(error, -errno, "can't write into out=%.150s: %s", folder,
                            strerror(errno));
    strcpy(output->folder, folder);
    return 0;
}

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t wrote = write(fd, bytes, size);
        if (wrote < 0 && errno != EINTR)
            return -errno;
        bytes += wrote > 0 ? wrote : 0;
        size -= wrote > 0 ? (size_t)wrote : 0;
    }
    return 0;
}

int fb_output_save(const struct fb_output *output, size_t item, const char *name, const void *bytes,
                   size_t size)
{
    char path[2 * PATH_MAX], part[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", output->folder, name);
    /* The temporary name does not contain `name`, which may already be as long as a name can be. */
    snprintf(part, sizeof part, "%s/.%d-%zu.part", output->folder, (int)getpid(), item);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return -errno;
    int result = write_all(fd, bytes, size);
    if (close(fd) < 0 && result == 0)
        result = -errno;
    if (result == 0 && rename(part, path) < 0)
        result = -errno;
    if (result < 0)
        unlink(part);
    return result;
}
