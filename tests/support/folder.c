#include "tests/support/support.h"

#include "tests/support/folder.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void folder_make(char ret_folder[FOLDER_NAME])
{
    snprintf(ret_folder, FOLDER_NAME, "/tmp/forkbench-folder-XXXXXX");
    assert_non_null(mkdtemp(ret_folder));
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

void folder_remove(const char *folder)
{
    assert_int_equal(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

char folder_entered[FOLDER_NAME];

int folder_enter(void **state)
{
    (void)state;
    folder_make(folder_entered);
    return chdir(folder_entered);
}

int folder_leave(void **state)
{
    (void)state;
    int result = chdir("/");
    folder_remove(folder_entered);
    return result;
}

size_t folder_count(const char *folder)
{
    DIR *stream = opendir(folder);
    size_t count = 0;
    assert_non_null(stream);
    for (struct dirent *entry; (entry = readdir(stream));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(stream);
    return count;
}

static void join(char path[PATH_MAX], const char *folder, const char *name)
{
    assert_true(snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX);
}

void file_write_bytes(const char *folder, const char *name, const void *bytes, size_t size)
{
    char path[PATH_MAX];
    join(path, folder, name);
    FILE *file = fopen(path, "wbe");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void file_write(const char *folder, const char *name, const char *text)
{
    file_write_bytes(folder, name, text, strlen(text));
}

char *file_read(const char *folder, const char *name)
{
    char path[PATH_MAX];
    join(path, folder, name);
    FILE *file = fopen(path, "re");
    if (!file)
        fail_msg("can't read %s", path);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    assert_true(size >= 0);
    rewind(file);
    char *text = calloc(1, (size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    fclose(file);
    return text;
}

bool file_exists(const char *folder, const char *name)
{
    char path[PATH_MAX];
    join(path, folder, name);
    return access(path, F_OK) == 0;
}
