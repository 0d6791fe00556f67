/* Lists the images of a folder, or maps a pack, and reads the bytes of one. */
#include "kernels/images/album.h"

#include "kernels/images/sample.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MOST ((off_t)1 << 31)

/* A copy of text in the arena, or NULL. */
static const char *keep(struct fb_arena *arena, const char *text)
{
    char *copy = fb_arena_alloc(arena, strlen(text) + 1);
    return copy ? strcpy(copy, text) : NULL;
}

static int wanted(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int list_folder(struct fb_album *album, struct fb_arena *arena, const char *folder,
                       struct fb_error *error)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, wanted, alphasort);
    if (count < 0)
        return fb_error_set(error, -errno, "can't read the folder of images: %.150s: %s", folder,
                            strerror(errno));
    int result = 0;
    album->folder = keep(arena, folder);
    album->items = fb_arena_alloc(arena, ((size_t)count + 1) * sizeof *album->items);
    if (!album->folder || !album->items)
        result = fb_error_set(error, -ENOMEM, "out of shared memory for %d images", count);
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        struct stat info;
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        bool folder_too = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
        const char *name = result == 0 && !folder_too ? keep(arena, entries[i]->d_name) : NULL;
        if (name)
            album->items[album->count++] = (struct fb_album_item){ .name = name };
        else if (result == 0 && !folder_too)
            result = fb_error_set(error, -ENOMEM, "out of shared memory for %d images", count);
        free(entries[i]);
    }
    free(entries);
    if (result == 0 && album->count == 0)
        return fb_error_set(error, -ENOENT, "no files in the folder of images: %.150s", folder);
    return result;
}

static int refuse_pack(struct fb_error *error)
{
    return fb_error_set(error, -EINVAL, "images is neither a folder nor a pack: give a folder");
}

/* fb_samples_make wrote the pack, but it was opened by a path, so its fields are checked. */
static int read_pack(struct fb_album *album, struct fb_arena *arena, const void *bytes, size_t size,
                     struct fb_error *error)
{
    const struct fb_pack_head *head = bytes;
    size_t room = (size - sizeof *head) / sizeof(struct fb_pack_entry);
    if (memcmp(head->magic, FB_PACK_MAGIC, sizeof head->magic) != 0 || head->count > room)
        return refuse_pack(error);
    const struct fb_pack_entry *entry = (const struct fb_pack_entry *)(head + 1);
    album->count = head->count;
    album->items = fb_arena_alloc(arena, head->count * sizeof *album->items);
    if (!album->items)
        return fb_error_set(error, -ENOMEM, "out of shared memory");
    for (size_t i = 0; i < album->count; i++) {
        if (entry[i].offset > size || entry[i].size > size - entry[i].offset ||
            !memchr(entry[i].name, '\0', sizeof entry[i].name))
            return fb_error_set(error, -EINVAL, "broken pack of images: entry %zu", i);
        album->items[i] =
            (struct fb_album_item){ entry[i].name, (const uint8_t *)bytes + entry[i].offset,
                                    entry[i].size };
    }
    return 0;
}

static int map_pack(struct fb_album *album, struct fb_arena *arena, int fd, size_t size,
                    struct fb_error *error)
{
    const void *bytes;
    if (size < sizeof(struct fb_pack_head))
        return refuse_pack(error);
    int result = fb_arena_map(arena, fd, size, &bytes);
    if (result < 0)
        return fb_error_set(error, result, "can't map the pack of images: %s", strerror(-result));
    result = read_pack(album, arena, bytes, size, error);
    if (result < 0)
        fb_arena_unmap(arena);
    return result;
}

int fb_album_open(struct fb_album *album, struct fb_arena *arena, const char *images,
                  struct fb_error *error)
{
    struct stat info;
    int fd = -1, result;
    if (!*images)
        result = fb_samples_make(&fd, error);
    else if ((fd = open(images, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
        result = fb_error_set(error, -errno, "can't open the folder of images: %.150s: %s", images,
                              strerror(errno));
    else
        result = 0;
    if (result < 0)
        return result;
    if (fstat(fd, &info) < 0)
        result = fb_error_set(error, -errno, "%.150s: %s", images, strerror(errno));
    else if (S_ISDIR(info.st_mode))
        result = list_folder(album, arena, images, error);
    else
        result = map_pack(album, arena, fd, (size_t)info.st_size, error);
    close(fd);
    return result;
}

/* Reads, does not map: a file that shrinks meanwhile becomes a broken image, not a SIGBUS. */
static int read_file(int fd, struct fb_bytes *bytes, size_t *ret_size, struct fb_error *error)
{
    struct stat info;
    if (fstat(fd, &info) < 0)
        return fb_error_set(error, -errno, "%s", strerror(errno));
    if (!S_ISREG(info.st_mode) || info.st_size > FILE_MOST)
        return fb_error_set(error, -EINVAL, "not a regular file of at most 2 GiB");
    size_t size = (size_t)info.st_size, have = 0;
    if (size > bytes->room) {
        uint8_t *data = realloc(bytes->data, size);
        if (!data)
            return fb_error_set(error, -ENOMEM, "out of memory for %zu bytes", size);
        bytes->data = data;
        bytes->room = size;
    }
    while (have < size) {
        ssize_t got = read(fd, bytes->data + have, size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fb_error_set(error, -errno, "%s", strerror(errno));
        if (got == 0)
            break;
        have += (size_t)got;
    }
    *ret_size = have;
    return 0;
}

int fb_album_read(const struct fb_album *album, size_t index, struct fb_bytes *buffer,
                  const uint8_t **ret_bytes, size_t *ret_size, struct fb_error *error)
{
    const struct fb_album_item *item = &album->items[index];
    if (item->bytes) {
        *ret_bytes = item->bytes;
        *ret_size = item->size;
        return 0;
    }
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", album->folder, item->name);
    /* O_NONBLOCK: the file may be a named pipe without a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fb_error_set(error, -errno, "%s", strerror(errno));
    int result = read_file(fd, buffer, ret_size, error);
    close(fd);
    *ret_bytes = buffer->data;
    return result;
}
