#include "bench/format/result_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Checks that path is a folder: 0, or -1 with errno. */
static int open_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

static int make_folders(const char *folder, struct fb_error *error)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", folder);
    for (char *slash = path; slash; slash = strchr(slash + 1, '/')) {
        if (slash == path)
            continue;
        *slash = '\0';
        int made = mkdir(path, 0777);
        *slash = '/';
        if (made < 0 && errno != EEXIST)
            return fb_error_set(error, -errno, "can't make the folder %.150s: %s", path,
                                strerror(errno));
    }
    if (mkdir(path, 0777) < 0 && errno != EEXIST)
        return fb_error_set(error, -errno, "can't make the folder %.150s: %s", path,
                            strerror(errno));
    if (access(path, W_OK | X_OK) < 0 || open_folder(path) < 0)
        return fb_error_set(error, -errno, "can't write into %.150s: %s: give another folder", path,
                            strerror(errno));
    return 0;
}

int fb_result_dir_make(const char *path, const char *const *taken, struct fb_error *error)
{
    for (; *taken; taken++) {
        char file[PATH_MAX + 64];
        snprintf(file, sizeof file, "%s/%s", path, *taken);
        if (access(file, F_OK) == 0)
            return fb_error_set(error, -EEXIST,
                                "the folder has results already: %.150s: there is %s in it: give "
                                "another",
                                path, *taken);
    }
    return make_folders(path, error);
}

/* Points results/latest to a new run. It is replaced by a rename, so that it always exists. */
static void point_latest(const char *folder)
{
    const char *name = strrchr(folder, '/') + 1;
    unlink("results/.latest");
    if (symlink(name, "results/.latest") == 0)
        rename("results/.latest", "results/latest");
}

int fb_result_dir_make_default(const char *stamp, const char *commit, char *ret_path, size_t size,
                               struct fb_error *error)
{
    char path[128];
    int result = make_folders("results", error);
    for (unsigned number = 1; result == 0; number++) {
        snprintf(path, sizeof path, "results/%s-%s", stamp, commit);
        if (number > 1)
            snprintf(path, sizeof path, "results/%s-%s-%u", stamp, commit, number);
        if (mkdir(path, 0777) == 0)
            break;
        if (errno != EEXIST)
            result =
                fb_error_set(error, -errno, "can't make the folder %s: %s", path, strerror(errno));
    }
    if (result < 0)
        return result;
    point_latest(path);
    snprintf(ret_path, size, "%s", path);
    return 0;
}

static int write_part(const char *path, const char *part,
                      int (*write)(const void *context, FILE *to), const void *context)
{
    FILE *file = fopen(part, "we");
    if (!file)
        return -errno;
    int result = write(context, file);
    if (result == 0 && ferror(file))
        result = -EIO;
    if (fclose(file) != 0 && result == 0)
        result = -errno;
    if (result == 0 && rename(part, path) < 0)
        result = -errno;
    if (result < 0)
        unlink(part);
    return result;
}

int fb_result_dir_write(const char *folder, const char *name,
                        int (*write)(const void *context, FILE *to), const void *context,
                        struct fb_error *error)
{
    char path[PATH_MAX], part[PATH_MAX + 8];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(part, sizeof part, "%s.part", path);
    int result = write_part(path, part, write, context);
    return result < 0 ? fb_error_set(error, result, "can't write %s into %.120s: %s", name, folder,
                                     strerror(-result))
                      : 0;
}
