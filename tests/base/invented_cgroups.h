/* Files of control groups that tests write, and reading them. */
#ifndef TEST_INVENTED_CGROUPS_H
#define TEST_INVENTED_CGROUPS_H

#include "tests/support/folder.h"

#include "base/cpus.h"

#define MOUNT "sys/fs/cgroup"

extern char root[FOLDER_NAME];  /* the test's own folder, in place of / */
extern struct fb_cgroup cgroup; /* the last one read */

int cgroups_make(void **state);
int cgroups_remove(void **state);
#define ROOTED(test) cmocka_unit_test_setup_teardown(test, cgroups_make, cgroups_remove)

/* Writes root/name, and makes its folders. */
void cgroups_put(const char *name, const char *text);
/* Writes the process's list of groups. */
void cgroups_join(const char *text);

/* Read cgroup and check it; check_cpuset expects that there is no quota. */
void cgroups_check_quota(double quota);
void cgroups_check_cpuset(const char *text);

#endif
