/* Temporary folders and small files. Each function fails the test if it can't do what it says. */
#ifndef TEST_FOLDER_H
#define TEST_FOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define FOLDER_NAME 64 /* bytes of a folder's name */

/* Makes an empty folder; ret_folder is its name. */
void folder_make(char ret_folder[FOLDER_NAME]);

/* Removes the folder with its contents. */
void folder_remove(const char *folder);

/* Set-up and teardown: each test runs in an empty folder of its own, whose name is in folder_entered. */
extern char folder_entered[FOLDER_NAME];
int folder_enter(void **state);
int folder_leave(void **state);

/* The number of entries, hidden ones included. */
size_t folder_count(const char *folder);

void file_write(const char *folder, const char *name, const char *text);
void file_write_bytes(const char *folder, const char *name, const void *bytes, size_t size);
/* The file's contents as a string, which the caller frees. */
char *file_read(const char *folder, const char *name);
bool file_exists(const char *folder, const char *name);

#endif
