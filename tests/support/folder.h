/* Temporary folders and small files of a test's own. Everything fails the test that can't be. */
#ifndef TEST_FOLDER_H
#define TEST_FOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define FOLDER_NAME 64 /* bytes of a folder's name */

/* Makes an empty folder and names it. */
void folder_make(char ret_folder[FOLDER_NAME]);

/* Removes it and all that is in it. */
void folder_remove(const char *folder);

/* Set-up and teardown: each test has an empty folder to itself and is in it; its name is in
 * folder_entered. */
extern char folder_entered[FOLDER_NAME];
int folder_enter(void **state);
int folder_leave(void **state);

/* How many entries it has, hidden ones too. */
size_t folder_count(const char *folder);

void file_write(const char *folder, const char *name, const char *text);
void file_write_bytes(const char *folder, const char *name, const void *bytes, size_t size);
/* Its contents, terminated; owned. */
char *file_read(const char *folder, const char *name);
bool file_exists(const char *folder, const char *name);

#endif
