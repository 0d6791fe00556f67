/* base/cgroup.c and fb_cpus_read_at on invented files of control groups; broken files are in
 * test_cgroup_broken.c. */
#include "tests/support/support.h"

#include "tests/base/invented_cgroups.h"
#include "tests/support/near.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void check_text(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

/* ---- version 2 ---- */

static void quota_of_version_2(void **state)
{
    (void)state;
    cgroups_join("0::/jobs/one\n");
    cgroups_put(MOUNT "/jobs/one/cpu.max", "150000 100000\n");
    cgroups_put(MOUNT "/jobs/one/cpu.stat", "usage_usec 1\n");
    cgroups_check_quota(1.5);
    check_text(cgroup.quota_from, "cgroup v2");
    check_text(cgroup.quota_from, "cpu.max");
    check_text(cgroup.quota_from, "150000/100000");
    check_text(cgroup.stat_path, MOUNT "/jobs/one/cpu.stat");
}

static void max_is_no_quota(void **state)
{
    (void)state;
    cgroups_join("0::/jobs\n");
    cgroups_put(MOUNT "/jobs/cpu.max", "max 100000\n");
    cgroups_check_quota(0);
}

static void smallest_quota_of_all_ancestors(void **state)
{
    (void)state;
    cgroups_join("0::/a/b/c\n");
    cgroups_put(MOUNT "/a/b/c/cpu.max", "400000 100000\n");
    cgroups_put(MOUNT "/a/b/cpu.max", "50000 20000\n");
    cgroups_put(MOUNT "/a/cpu.max", "max 100000\n");
    cgroups_check_quota(2.5);
    check_text(cgroup.quota_from, "50000/20000");
    cgroups_put(MOUNT "/a/cpu.max", "300000 100000\n");
    cgroups_check_quota(2.5);
    cgroups_put(MOUNT "/a/b/c/cpu.max", "100000 100000\n");
    cgroups_check_quota(1);
    /* A sibling's quota doesn't count. */
    cgroups_put(MOUNT "/a/b/d/cpu.max", "1000 100000\n");
    cgroups_check_quota(1);
}

/* In a container the group's name is that of the host, and its files are those of the root. */
static void a_group_that_does_not_exist_is_skipped(void **state)
{
    (void)state;
    cgroups_join("0::/docker/0123456789abcdef\n");
    cgroups_put(MOUNT "/cpu.max", "250000 100000\n");
    cgroups_put(MOUNT "/cpu.stat", "usage_usec 1\nthrottled_usec 9\n");
    cgroups_put(MOUNT "/cpuset.cpus.effective", "0-1\n");
    cgroups_check_quota(2.5);
    assert_string_equal(cgroup.cpuset, "0-1");
    unsigned long long ns = 0;
    assert_int_equal(fb_cgroup_throttled(&cgroup, &ns), 0);
    assert_int_equal(ns, 9000);
    cgroups_join("0::/../../outside\n");
    cgroups_check_quota(2.5);
    cgroups_join("0::/\n");
    cgroups_check_quota(2.5);
}

/* ---- version 1 ---- */

static void put_version_1(const char *folder, const char *quota, const char *period)
{
    char name[PATH_MAX];
    snprintf(name, sizeof name, MOUNT "/cpu%s/cpu.cfs_quota_us", folder);
    cgroups_put(name, quota);
    snprintf(name, sizeof name, MOUNT "/cpu%s/cpu.cfs_period_us", folder);
    cgroups_put(name, period);
    snprintf(name, sizeof name, MOUNT "/cpu%s/cpu.stat", folder);
    cgroups_put(name, "nr_periods 1\nnr_throttled 1\nthrottled_time 70\n");
}

static void quota_of_version_1(void **state)
{
    (void)state;
    cgroups_join("12:pids:/jobs\n4:cpu,cpuacct:/jobs/one\n1:name=systemd:/jobs\n");
    put_version_1("/jobs/one", "150000\n", "100000\n");
    cgroups_check_quota(1.5);
    check_text(cgroup.quota_from, "cgroup v1");
    check_text(cgroup.quota_from, "cpu.cfs_quota_us");
    check_text(cgroup.quota_from, "150000/100000");
    cgroups_join("4:cpuacct,cpu:/jobs/one\n");
    cgroups_check_quota(1.5);
    put_version_1("/jobs", "70000\n", "100000\n");
    cgroups_check_quota(0.7);
    put_version_1("/jobs", "-1\n", "100000\n");
    cgroups_check_quota(1.5);
    put_version_1("/jobs/one", "-1\n", "100000\n");
    cgroups_check_quota(0);
    /* Other controllers, with names that begin or end alike. */
    put_version_1("/jobs/one", "150000\n", "100000\n");
    cgroups_join("4:cpuacct,cpuset:/jobs/one\n5:xcpu:/jobs/one\n");
    cgroups_check_quota(0);
}

static void version_1_beside_version_2(void **state)
{
    (void)state;
    cgroups_join("4:cpu,cpuacct:/jobs\n3:cpuset:/set\n0::/user\n");
    put_version_1("/jobs", "150000\n", "100000\n");
    cgroups_put(MOUNT "/cpuset/set/cpuset.effective_cpus", "0-3\n");
    cgroups_put(MOUNT "/unified/user/cgroup.procs", "1\n");
    cgroups_put(MOUNT "/unified/user/cpu.stat", "usage_usec 1\n");
    cgroups_check_quota(1.5);
    assert_string_equal(cgroup.cpuset, "0-3");
    check_text(cgroup.stat_path, MOUNT "/cpu/jobs/cpu.stat");
    /* With the cpu controller in version 2. */
    cgroups_join("1:name=systemd:/user\n0::/user\n");
    cgroups_put(MOUNT "/unified/user/cpu.max", "125000 100000\n");
    cgroups_check_quota(1.25);
}

/* ---- cpusets ---- */

static void cpusets_of_both_versions(void **state)
{
    (void)state;
    cgroups_join("0::/jobs/one\n");
    cgroups_check_cpuset("");
    cgroups_put(MOUNT "/cpuset.cpus.effective", "0-7\n");
    cgroups_check_cpuset("0-7");
    cgroups_put(MOUNT "/jobs/one/cpuset.cpus.effective", "0-3,8\n");
    cgroups_check_cpuset("0-3,8");
    cgroups_join("5:cpuset:/jobs\n4:cpu,cpuacct:/\n");
    cgroups_check_cpuset("");
    cgroups_put(MOUNT "/cpuset/cpuset.effective_cpus", "0-5\n");
    cgroups_check_cpuset("0-5");
    cgroups_put(MOUNT "/cpuset/jobs/cpuset.effective_cpus", "2,4\n");
    cgroups_check_cpuset("2,4");
}

/* ---- throttling ---- */

static void check_throttled(const char *stat, int result, unsigned long long wanted)
{
    unsigned long long ns = 3;
    cgroups_join("0::/jobs\n");
    cgroups_put(MOUNT "/jobs/cpu.max", "150000 100000\n");
    cgroups_put(MOUNT "/jobs/cpu.stat", stat);
    cgroups_check_quota(1.5);
    assert_int_equal(fb_cgroup_throttled(&cgroup, &ns), result);
    assert_int_equal(ns, wanted);
}

/* Each group has its own count. */
static void throttling_is_read_from_the_group_with_the_quota(void **state)
{
    (void)state;
    unsigned long long ns = 3;
    cgroups_join("0::/slice/job\n");
    cgroups_put(MOUNT "/slice/cpu.max", "150000 100000\n");
    cgroups_put(MOUNT "/slice/cpu.stat", "throttled_usec 5\n");
    cgroups_put(MOUNT "/slice/job/cpu.max", "max 100000\n");
    cgroups_put(MOUNT "/slice/job/cpu.stat", "throttled_usec 0\n");
    cgroups_check_quota(1.5);
    assert_int_equal(fb_cgroup_throttled(&cgroup, &ns), 0);
    assert_int_equal(ns, 5000);
}

static void throttling_is_reported_in_ns(void **state)
{
    (void)state;
    check_throttled("throttled_usec 5\n", 0, 5000);
    check_throttled("usage_usec 11\nnr_throttled 4\nthrottled_usec 0\nburst_usec 2\n", 0, 0);
    check_throttled("nr_periods 8\nnr_throttled 4\nthrottled_time 7\n", 0, 7);
    check_throttled("throttled_usec 86400000000", 0, 86400000000000);
    check_throttled("usage_usec 5\nnr_throttled 4\n", -ENOENT, 3);
    check_throttled("throttled_usec\nthrottled_time x\nxthrottled_usec 5\n", -ENOENT, 3);
    check_throttled("", -ENOENT, 3);
    /* The file is removed after the quota was read. */
    check_throttled("throttled_usec 5\n", 0, 5000);
    char path[PATH_MAX];
    unsigned long long ns = 3;
    snprintf(path, sizeof path, "%s/" MOUNT "/jobs/cpu.stat", root);
    assert_int_equal(remove(path), 0);
    assert_int_equal(fb_cgroup_throttled(&cgroup, &ns), -ENOENT);
    assert_int_equal(ns, 3);
}

/* ---- CPUs ---- */

static struct fb_cpus read_cpus(unsigned quota_us)
{
    char text[64];
    struct fb_cpus cpus;
    cgroups_join("0::/jobs\n");
    snprintf(text, sizeof text, "%u 100000\n", quota_us);
    cgroups_put(MOUNT "/jobs/cpu.max", text);
    fb_cpus_read_at(root, &cpus);
    assert_near(cpus.cgroup.quota, quota_us / 1e5, 1e-9);
    return cpus;
}

static void the_smaller_of_quota_and_affinity_counts(void **state)
{
    (void)state;
    struct fb_cpus here, cpus = read_cpus(150000);
    fb_cpus_read(&here);
    assert_int_equal(cpus.allowed, here.allowed);
    assert_int_equal(cpus.online, here.online);
    assert_near(cpus.effective, cpus.allowed >= 2 ? 1.5 : 1, 1e-9);
    assert_int_equal(cpus.workers, 1);
    cpus = read_cpus(50000);
    assert_near(cpus.effective, 0.5, 1e-9);
    assert_int_equal(cpus.workers, 1);
    cpus = read_cpus((here.allowed + 1) * 100000);
    assert_near(cpus.effective, here.allowed, 0);
    assert_int_equal(cpus.workers, here.allowed);
    cpus = read_cpus(here.allowed * 100000);
    assert_near(cpus.effective, here.allowed, 0);
    assert_int_equal(cpus.workers, here.allowed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOTED(quota_of_version_2),
        ROOTED(max_is_no_quota),
        ROOTED(smallest_quota_of_all_ancestors),
        ROOTED(a_group_that_does_not_exist_is_skipped),
        ROOTED(quota_of_version_1),
        ROOTED(version_1_beside_version_2),
        ROOTED(cpusets_of_both_versions),
        ROOTED(throttling_is_reported_in_ns),
        ROOTED(throttling_is_read_from_the_group_with_the_quota),
        ROOTED(the_smaller_of_quota_and_affinity_counts),
    };
    return RUN_TESTS(tests);
}
