/* base/cgroup.c on files that are missing or broken, and on folders in their place. */
#include "tests/support/support.h"

#include "tests/base/invented_cgroups.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static void no_files_mean_no_limits(void **state)
{
    (void)state;
    struct fb_cpus cpus;
    unsigned long long ns = 3;
    cgroups_check_cpuset("");
    assert_string_equal(cgroup.stat_path, "");
    assert_int_equal(fb_cgroup_throttled(&cgroup, &ns), -ENOENT);
    assert_int_equal(ns, 3);
    fb_cpus_read_at(root, &cpus);
    assert_true(cpus.effective == cpus.allowed && cpus.workers == cpus.allowed);
}

static void broken_lists_of_groups(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "", "\n", "garbage\n", ":", "::", "0:", "0:\n:\n", "4:cpu\n", ",,,:,,,:,,,\n", "\xff\xfe::",
    };
    cgroups_put(MOUNT "/jobs/cpu.max", "150000 100000\n");
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        cgroups_join(broken[i]);
        cgroups_check_quota(0);
    }
    cgroups_join("garbage\n0::/jobs"); /* a valid line counts, also without a newline */
    cgroups_check_quota(1.5);
}

static void broken_quotas(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "",           "\n",          "garbage\n",   "150000\n",
        "150000 0\n", "150000 -1\n", "-5 100000\n", "0 100000\n",
        "x 100000\n", "max\n",       "\xff\xfe\n",  "150000 max\n",
    };
    cgroups_join("0::/jobs\n4:cpu:/jobs\n");
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        cgroups_put(MOUNT "/jobs/cpu.max", broken[i]);
        cgroups_put(MOUNT "/jobs/cpuset.cpus.effective", "");
        cgroups_put(MOUNT "/cpu/jobs/cpu.cfs_quota_us", broken[i]);
        cgroups_put(MOUNT "/cpu/jobs/cpu.cfs_period_us", "garbage\n");
        cgroups_check_cpuset("");
    }
    cgroups_put(MOUNT "/cpu/jobs/cpu.cfs_quota_us", "150000\n");
    cgroups_check_quota(0);
    cgroups_put(MOUNT "/cpu/jobs/cpu.cfs_period_us", "0\n");
    cgroups_check_quota(0);
}

static void folders_in_place_of_files(void **state)
{
    (void)state;
    cgroups_join("0::/jobs\n");
    cgroups_put(MOUNT "/jobs/cpu.max/file", "");
    cgroups_put(MOUNT "/jobs/cpu.stat/file", "");
    cgroups_put(MOUNT "/jobs/cpuset.cpus.effective/file", "");
    cgroups_check_cpuset("");
    cgroups_put("proc/self/cgroup2", "");
    assert_int_equal(cgroups_remove(NULL), 0);
    assert_int_equal(mkdir(root, 0700), 0);
    cgroups_put("proc/self/cgroup/file", "");
    cgroups_check_cpuset("");
}

static void lines_that_are_too_long(void **state)
{
    (void)state;
    enum { LONG = 20000 };
    static char text[LONG + 16];
    cgroups_put(MOUNT "/file", "");
    for (const char *letter = "x9/,: "; *letter; letter++) {
        strcpy(text, "0::/");
        memset(text + 4, *letter, LONG);
        cgroups_join(text);
        cgroups_check_cpuset("");
        strcpy(text, "4:cpu,cpuset:/");
        memset(text + 14, *letter, LONG - 14);
        cgroups_join(text);
        cgroups_check_cpuset("");
        cgroups_join("0::/jobs\n");
        memset(text, *letter, LONG);
        cgroups_put(MOUNT "/jobs/cpu.max", text);
        cgroups_check_quota(0);
        cgroups_put(MOUNT "/jobs/cpu.max", "max 100000\n");
    }
    /* A long list of CPUs is cut. */
    cgroups_put(MOUNT "/jobs/cpuset.cpus.effective", text);
    cgroups_check_quota(0);
    assert_true(strlen(cgroup.cpuset) < FB_CGROUP_TEXT);
    assert_memory_equal(cgroup.cpuset, text, strlen(cgroup.cpuset));
    /* The lines after a long one are read. */
    memset(text, 'x', LONG);
    strcpy(text + LONG - 10, "\n0::/jobs\n");
    cgroups_join(text);
    cgroups_put(MOUNT "/jobs/cpu.max", "150000 100000\n");
    cgroups_check_quota(1.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOTED(no_files_mean_no_limits),   ROOTED(broken_lists_of_groups),  ROOTED(broken_quotas),
        ROOTED(folders_in_place_of_files), ROOTED(lines_that_are_too_long),
    };
    return RUN_TESTS(tests);
}
