/* harness/cgroup.c on invented files of control groups, and fb_cpus_read_at with them. */
#include "support.h"

#include "folder.h"
#include "near.h"

#include "harness/cpus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOUNT "sys/fs/cgroup"

static char root[FOLDER_NAME];
static struct fb_cgroup cgroup;

static int make_root(void **state)
{
    (void)state;
    folder_make(root);
    return 0;
}

static int remove_root(void **state)
{
    (void)state;
    folder_remove(root);
    return 0;
}

/* Writes root/name, with the folders that it needs. */
static void put(const char *name, const char *text)
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

static void put_groups(const char *text)
{
    put("proc/self/cgroup", text);
}

/* Filled with something else before, so that what isn't set shows. */
static void check_quota(double quota)
{
    memset(&cgroup, 0x55, sizeof cgroup);
    fb_cgroup_read(root, &cgroup);
    assert_near(cgroup.quota, quota, 1e-9);
    assert_int_equal(cgroup.quota_from[0] != '\0', quota > 0);
}

static void check_text(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is without \"%s\"", text, part);
}

/* ---- version 2 ---- */

static void quota_of_version_2(void **state)
{
    (void)state;
    put_groups("0::/jobs/one\n");
    put(MOUNT "/jobs/one/cpu.max", "150000 100000\n");
    put(MOUNT "/jobs/one/cpu.stat", "usage_usec 1\n");
    check_quota(1.5);
    check_text(cgroup.quota_from, "cgroup v2");
    check_text(cgroup.quota_from, "cpu.max");
    check_text(cgroup.quota_from, "150000/100000");
    check_text(cgroup.stat_path, MOUNT "/jobs/one/cpu.stat");
}

static void max_is_no_quota(void **state)
{
    (void)state;
    put_groups("0::/jobs\n");
    put(MOUNT "/jobs/cpu.max", "max 100000\n");
    check_quota(0);
}

static void least_quota_on_the_way_up(void **state)
{
    (void)state;
    put_groups("0::/a/b/c\n");
    put(MOUNT "/a/b/c/cpu.max", "400000 100000\n");
    put(MOUNT "/a/b/cpu.max", "50000 20000\n");
    put(MOUNT "/a/cpu.max", "max 100000\n");
    check_quota(2.5);
    check_text(cgroup.quota_from, "50000/20000");
    put(MOUNT "/a/cpu.max", "300000 100000\n");
    check_quota(2.5);
    put(MOUNT "/a/b/c/cpu.max", "100000 100000\n");
    check_quota(1);
    /* Of no concern: a neighbour's. */
    put(MOUNT "/a/b/d/cpu.max", "1000 100000\n");
    check_quota(1);
}

/* Seen from inside a container: the group's name is that of outside, its files are the root's. */
static void group_that_is_not_there(void **state)
{
    (void)state;
    put_groups("0::/docker/0123456789abcdef\n");
    put(MOUNT "/cpu.max", "250000 100000\n");
    put(MOUNT "/cpu.stat", "usage_usec 1\nthrottled_usec 9\n");
    put(MOUNT "/cpuset.cpus.effective", "0-1\n");
    check_quota(2.5);
    assert_string_equal(cgroup.cpuset, "0-1");
    unsigned long long ns = 0;
    assert_int_equal(fb_cgroup_throttled(&cgroup, &ns), 0);
    assert_int_equal(ns, 9000);
    put_groups("0::/../../outside\n");
    check_quota(2.5);
    put_groups("0::/\n");
    check_quota(2.5);
}

/* ---- version 1 ---- */

static void put_version_1(const char *folder, const char *quota, const char *period)
{
    char name[PATH_MAX];
    snprintf(name, sizeof name, MOUNT "/cpu%s/cpu.cfs_quota_us", folder);
    put(name, quota);
    snprintf(name, sizeof name, MOUNT "/cpu%s/cpu.cfs_period_us", folder);
    put(name, period);
    snprintf(name, sizeof name, MOUNT "/cpu%s/cpu.stat", folder);
    put(name, "nr_periods 1\nnr_throttled 1\nthrottled_time 70\n");
}

static void quota_of_version_1(void **state)
{
    (void)state;
    put_groups("12:pids:/jobs\n4:cpu,cpuacct:/jobs/one\n1:name=systemd:/jobs\n");
    put_version_1("/jobs/one", "150000\n", "100000\n");
    check_quota(1.5);
    check_text(cgroup.quota_from, "cgroup v1");
    check_text(cgroup.quota_from, "cpu.cfs_quota_us");
    check_text(cgroup.quota_from, "150000/100000");
    put_groups("4:cpuacct,cpu:/jobs/one\n");
    check_quota(1.5);
    put_version_1("/jobs", "70000\n", "100000\n");
    check_quota(0.7);
    put_version_1("/jobs", "-1\n", "100000\n");
    check_quota(1.5);
    put_version_1("/jobs/one", "-1\n", "100000\n");
    check_quota(0);
    /* Other controllers, whose names begin or end like that. */
    put_version_1("/jobs/one", "150000\n", "100000\n");
    put_groups("4:cpuacct,cpuset:/jobs/one\n5:xcpu:/jobs/one\n");
    check_quota(0);
}

static void version_1_beside_version_2(void **state)
{
    (void)state;
    put_groups("4:cpu,cpuacct:/jobs\n3:cpuset:/set\n0::/user\n");
    put_version_1("/jobs", "150000\n", "100000\n");
    put(MOUNT "/cpuset/set/cpuset.effective_cpus", "0-3\n");
    put(MOUNT "/unified/user/cgroup.procs", "1\n");
    put(MOUNT "/unified/user/cpu.stat", "usage_usec 1\n");
    check_quota(1.5);
    assert_string_equal(cgroup.cpuset, "0-3");
    check_text(cgroup.stat_path, MOUNT "/cpu/jobs/cpu.stat");
    /* Where version 2 has the controller. */
    put_groups("1:name=systemd:/user\n0::/user\n");
    put(MOUNT "/unified/user/cpu.max", "125000 100000\n");
    check_quota(1.25);
}

/* ---- cpusets ---- */

static void check_cpuset(const char *text)
{
    check_quota(0);
    assert_string_equal(cgroup.cpuset, text);
}

static void cpusets_of_both_versions(void **state)
{
    (void)state;
    put_groups("0::/jobs/one\n");
    check_cpuset("");
    put(MOUNT "/cpuset.cpus.effective", "0-7\n");
    check_cpuset("0-7");
    put(MOUNT "/jobs/one/cpuset.cpus.effective", "0-3,8\n");
    check_cpuset("0-3,8");
    put_groups("5:cpuset:/jobs\n4:cpu,cpuacct:/\n");
    check_cpuset("");
    put(MOUNT "/cpuset/cpuset.effective_cpus", "0-5\n");
    check_cpuset("0-5");
    put(MOUNT "/cpuset/jobs/cpuset.effective_cpus", "2,4\n");
    check_cpuset("2,4");
}

/* ---- broken files ---- */

static void nothing_is_there(void **state)
{
    (void)state;
    struct fb_cpus cpus;
    unsigned long long ns = 3;
    check_cpuset("");
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
    put(MOUNT "/jobs/cpu.max", "150000 100000\n");
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        put_groups(broken[i]);
        check_quota(0);
    }
    put_groups("garbage\n0::/jobs"); /* but the good line counts, without an end too */
    check_quota(1.5);
}

static void broken_quotas(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "",           "\n",          "garbage\n",   "150000\n",
        "150000 0\n", "150000 -1\n", "-5 100000\n", "0 100000\n",
        "x 100000\n", "max\n",       "\xff\xfe\n",  "150000 max\n",
    };
    put_groups("0::/jobs\n4:cpu:/jobs\n");
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        put(MOUNT "/jobs/cpu.max", broken[i]);
        put(MOUNT "/jobs/cpuset.cpus.effective", "");
        put(MOUNT "/cpu/jobs/cpu.cfs_quota_us", broken[i]);
        put(MOUNT "/cpu/jobs/cpu.cfs_period_us", "garbage\n");
        check_cpuset("");
    }
    put(MOUNT "/cpu/jobs/cpu.cfs_quota_us", "150000\n");
    check_quota(0);
    put(MOUNT "/cpu/jobs/cpu.cfs_period_us", "0\n");
    check_quota(0);
}

static void folders_in_place_of_files(void **state)
{
    (void)state;
    put_groups("0::/jobs\n");
    put(MOUNT "/jobs/cpu.max/file", "");
    put(MOUNT "/jobs/cpu.stat/file", "");
    put(MOUNT "/jobs/cpuset.cpus.effective/file", "");
    check_cpuset("");
    put("proc/self/cgroup2", "");
    assert_int_equal(remove_root(NULL), 0);
    assert_int_equal(mkdir(root, 0700), 0);
    put("proc/self/cgroup/file", "");
    check_cpuset("");
}

static void lines_that_are_too_long(void **state)
{
    (void)state;
    enum { LONG = 20000 };
    static char text[LONG + 16];
    put(MOUNT "/file", "");
    for (const char *letter = "x9/,: "; *letter; letter++) {
        strcpy(text, "0::/");
        memset(text + 4, *letter, LONG);
        put_groups(text);
        check_cpuset("");
        strcpy(text, "4:cpu,cpuset:/");
        memset(text + 14, *letter, LONG - 14);
        put_groups(text);
        check_cpuset("");
        put_groups("0::/jobs\n");
        memset(text, *letter, LONG);
        put(MOUNT "/jobs/cpu.max", text);
        check_quota(0);
        put(MOUNT "/jobs/cpu.max", "max 100000\n");
    }
    /* A list of CPUs is cut. */
    put(MOUNT "/jobs/cpuset.cpus.effective", text);
    check_quota(0);
    assert_true(strlen(cgroup.cpuset) < FB_CGROUP_TEXT);
    assert_memory_equal(cgroup.cpuset, text, strlen(cgroup.cpuset));
    /* The lines after a long one count. */
    memset(text, 'x', LONG);
    strcpy(text + LONG - 10, "\n0::/jobs\n");
    put_groups(text);
    put(MOUNT "/jobs/cpu.max", "150000 100000\n");
    check_quota(1.5);
}

/* ---- how long it was held back ---- */

static void check_throttled(const char *stat, int result, unsigned long long wanted)
{
    unsigned long long ns = 3;
    put_groups("0::/jobs\n");
    put(MOUNT "/jobs/cpu.max", "150000 100000\n");
    put(MOUNT "/jobs/cpu.stat", stat);
    check_quota(1.5);
    assert_int_equal(fb_cgroup_throttled(&cgroup, &ns), result);
    assert_int_equal(ns, wanted);
}

/* Each group counts for itself: what matters is that of the group which has the quota. */
static void throttling_is_that_of_the_quota_s_group(void **state)
{
    (void)state;
    unsigned long long ns = 3;
    put_groups("0::/slice/job\n");
    put(MOUNT "/slice/cpu.max", "150000 100000\n");
    put(MOUNT "/slice/cpu.stat", "throttled_usec 5\n");
    put(MOUNT "/slice/job/cpu.max", "max 100000\n");
    put(MOUNT "/slice/job/cpu.stat", "throttled_usec 0\n");
    check_quota(1.5);
    assert_int_equal(fb_cgroup_throttled(&cgroup, &ns), 0);
    assert_int_equal(ns, 5000);
}

static void throttling_is_told_in_ns(void **state)
{
    (void)state;
    check_throttled("throttled_usec 5\n", 0, 5000);
    check_throttled("usage_usec 11\nnr_throttled 4\nthrottled_usec 0\nburst_usec 2\n", 0, 0);
    check_throttled("nr_periods 8\nnr_throttled 4\nthrottled_time 7\n", 0, 7);
    check_throttled("throttled_usec 86400000000", 0, 86400000000000);
    check_throttled("usage_usec 5\nnr_throttled 4\n", -ENOENT, 3);
    check_throttled("throttled_usec\nthrottled_time x\nxthrottled_usec 5\n", -ENOENT, 3);
    check_throttled("", -ENOENT, 3);
    /* The file goes away. */
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
    put_groups("0::/jobs\n");
    snprintf(text, sizeof text, "%u 100000\n", quota_us);
    put(MOUNT "/jobs/cpu.max", text);
    fb_cpus_read_at(root, &cpus);
    assert_near(cpus.cgroup.quota, quota_us / 1e5, 1e-9);
    return cpus;
}

static void quota_and_affinity_leave_the_lesser(void **state)
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

#define ROOTED(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOTED(quota_of_version_2),
        ROOTED(max_is_no_quota),
        ROOTED(least_quota_on_the_way_up),
        ROOTED(group_that_is_not_there),
        ROOTED(quota_of_version_1),
        ROOTED(version_1_beside_version_2),
        ROOTED(cpusets_of_both_versions),
        ROOTED(nothing_is_there),
        ROOTED(broken_lists_of_groups),
        ROOTED(broken_quotas),
        ROOTED(folders_in_place_of_files),
        ROOTED(lines_that_are_too_long),
        ROOTED(throttling_is_told_in_ns),
        ROOTED(throttling_is_that_of_the_quota_s_group),
        ROOTED(quota_and_affinity_leave_the_lesser),
    };
    return RUN_TESTS(tests);
}
