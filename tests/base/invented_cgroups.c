#include "tests/support/support.h"

#include "tests/base/invented_cgroups.h"
#include "tests/support/near.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

char root[FOLDER_NAME];
struct fb_cgroup cgroup;

int cgroups_make(void **state)
{
    (void)state;
    folder_make(root);
    return 0;
}

int cgroups_remove(void **state)
{
    (void)state;
    folder_remove(root);
    return 0;
}

void cgroups_put(const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *slash = path + strlen(root); (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    file_write(root, name, text);
}

void cgroups_join(const char *text)
{
    cgroups_put("proc/self/cgroup", text);
}

/* cgroup is filled with other bytes first, so that a member that isn't set is noticed. */
void cgroups_check_quota(double quota)
{
    memset(&cgroup, 0x55, sizeof cgroup);
    fb_cgroup_read(root, &cgroup);
    assert_near(cgroup.quota, quota, 1e-9);
    assert_int_equal(cgroup.quota_from[0] != '\0', quota > 0);
}

void cgroups_check_cpuset(const char *text)
{
    cgroups_check_quota(0);
    assert_string_equal(cgroup.cpuset, text);
}
