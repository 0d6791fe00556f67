/* Invented files of control groups, and what is read from them. */
#ifndef TEST_INVENTED_CGROUPS_H
#define TEST_INVENTED_CGROUPS_H

#include "tests/support/folder.h"

#include "base/cpus.h"

#define MOUNT "sys/fs/cgroup"

extern char root[FOLDER_NAME];  /* each test's own folder, in place of / */
extern struct fb_cgroup cgroup; /* as it was read last */

int cgroups_make(void **state);
int cgroups_remove(void **state);
#define ROOTED(test) cmocka_unit_test_setup_teardown(test, cgroups_make, cgroups_remove)

/* Writes root/name, with the folders that it needs. */
void cgroups_put(const char *name, const char *text);
/* Which groups the process is in: the text of its list. */
void cgroups_join(const char *text);

/* Reads it. The second: without a quota. */
void cgroups_check_quota(double quota);
void cgroups_check_cpuset(const char *text);

#endif
