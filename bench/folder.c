#include "folder.h"

#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether path is a folder: 0, or -1 with errno. */
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

/* A run that is there already is not written over. */
static int refuse_run(const char *folder, struct fb_error *error)
{
    static const char *const files[] = { "run.json", FB_JOURNAL };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[PATH_MAX + 16];
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        if (access(path, F_OK) == 0)
            return fb_error_set(error, -EEXIST,
                                "the folder holds a run already: %.150s: give another, or go on "
                                "with --resume",
                                folder);
    }
    return 0;
}

/* results/latest points to the newest run, at every moment. */
static void point_latest(const char *folder)
{
    const char *name = strrchr(folder, '/') + 1;
    unlink("results/.latest");
    if (symlink(name, "results/.latest") == 0)
        rename("results/.latest", "results/latest");
}

int fb_folder_make_default(const char *stamp, const char *commit, char *ret_path, size_t size,
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

int fb_folder_make(const char *path, struct fb_error *error)
{
    int result = refuse_run(path, error);
    return result < 0 ? result : make_folders(path, error);
}
