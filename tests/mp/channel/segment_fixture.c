#include "tests/support/support.h"

#include "tests/mp/channel/segment_fixture.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define VARIABLE "FORKBENCH_TEST_SEGMENT"

static bool private;

/* Mounts a folder that only this process and its children see. The tracker's address contains the
 * folder's device, so they get a tracker of their own. */
void segments_separate(void)
{
    private = unshare(CLONE_NEWNS) == 0 &&
              mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
              mount("tmpfs", SEGMENTS_FOLDER, "tmpfs", 0, "size=64m,mode=1777") == 0;
}

bool segments_are_private(void)
{
    return private;
}

/* ---- names ---- */

void segment_name(char ret_name[NAME_SIZE])
{
    static unsigned count;
    snprintf(ret_name, NAME_SIZE, "test-%d-%u", (int)getpid(), count++);
}

struct fb_mp_segment *segment_make(char ret_name[NAME_SIZE], size_t size)
{
    struct fb_mp_segment *segment = NULL;
    segment_name(ret_name);
    assert_int_equal(fb_mp_segment_create(ret_name, size, &segment), 0);
    return segment;
}

void segment_pass_name(const char *name)
{
    assert_int_equal(setenv(VARIABLE, name, 1), 0);
}

const char *segment_passed_name(void)
{
    const char *name = getenv(VARIABLE);
    return name ? name : "";
}

bool segment_exists(const char *name)
{
    char path[PATH_MAX];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s%s", FB_MP_TRACKER_FOLDER, FB_MP_TRACKER_PREFIX, name);
    return lstat(path, &status) == 0;
}

/* Polls, as there is no descriptor to wait for. */
bool segment_wait_gone(const char *name)
{
    const struct timespec pause = { .tv_nsec = 2000000 };
    for (uint64_t limit = clock_ms() + LIMIT_MS; clock_ms() < limit; nanosleep(&pause, NULL))
        if (!segment_exists(name))
            return true;
    return false;
}

bool segments_of_others(void)
{
    char own[NAME_SIZE];
    bool others = false;
    snprintf(own, sizeof own, "%stest-%d-", FB_MP_TRACKER_PREFIX, (int)getpid());
    DIR *folder = opendir(FB_MP_TRACKER_FOLDER);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        others |= strncmp(entry->d_name, FB_MP_TRACKER_PREFIX, strlen(FB_MP_TRACKER_PREFIX)) == 0 &&
                  strncmp(entry->d_name, own, strlen(own)) != 0;
    closedir(folder);
    return others;
}

/* ---- trackers ---- */

/* Whether the process is a running tracker of the same folder as ours. */
static bool is_tracker(pid_t pid, uid_t user)
{
    char path[64], text[256] = "", state = 'Z';
    struct stat own, its;
    unsigned uid = (unsigned)user + 1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    bool named =
        file && fgets(text, sizeof text, file) && strcmp(text, "Name:\tfb-mp-tracker\n") == 0;
    while (named && fgets(text, sizeof text, file)) {
        sscanf(text, "State: %c", &state);
        sscanf(text, "Uid: %u", &uid);
    }
    if (file)
        fclose(file);
    if (!named || state == 'Z' || state == 'X' || uid != (unsigned)user)
        return false;
    snprintf(path, sizeof path, "/proc/%d/root" SEGMENTS_FOLDER, (int)pid);
    return stat(SEGMENTS_FOLDER, &own) == 0 && stat(path, &its) == 0 && own.st_dev == its.st_dev;
}

size_t trackers(uid_t user, pid_t *ret_pid)
{
    size_t count = 0;
    DIR *folder = opendir("/proc");
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
        if (pid && is_tracker(pid, user)) {
            *ret_pid = pid;
            count++;
        }
    }
    closedir(folder);
    return count;
}

/* ---- unrelated programs that report when they are ready ---- */

static struct fb_mp_segment *mine;

static int stay(void)
{
    self_say("r");
    for (;;)
        pause();
    return 0;
}

static int make_and_leave(enum fb_mp_method method)
{
    (void)method;
    if (fb_mp_segment_create(segment_passed_name(), 5000, &mine) < 0)
        return 1;
    self_say("r");
    return 0;
}

static int make_and_stay(enum fb_mp_method method)
{
    (void)method;
    return fb_mp_segment_create(segment_passed_name(), 5000, &mine) < 0 ? 1 : stay();
}

static int attach_and_stay(enum fb_mp_method method)
{
    (void)method;
    return fb_mp_segment_attach(segment_passed_name(), &mine) < 0 ? 1 : stay();
}

static int close_and_stay(enum fb_mp_method method)
{
    (void)method;
    if (fb_mp_segment_create(segment_passed_name(), 5000, &mine) < 0)
        return 1;
    fb_mp_segment_close(mine);
    return stay();
}

/* Reports the child's pid too. */
static int make_and_fork(enum fb_mp_method method)
{
    (void)method;
    char text[20];
    if (fb_mp_segment_create(segment_passed_name(), 5000, &mine) < 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(LIMIT_MS / 1000);
        for (;;)
            pause();
    }
    snprintf(text, sizeof text, "r%d ", (int)pid);
    self_say(text);
    for (;;)
        pause();
}

static int be_nobody(enum fb_mp_method method)
{
    if (setgid(SEGMENTS_NOBODY) < 0 || setuid(SEGMENTS_NOBODY) < 0)
        return 1;
    return make_and_stay(method);
}

/* Attaching another user's segment returns -EACCES. */
static int be_nobody_and_look(enum fb_mp_method method)
{
    (void)method;
    if (setgid(SEGMENTS_NOBODY) < 0 || setuid(SEGMENTS_NOBODY) < 0 || getuid() != SEGMENTS_NOBODY)
        return 1;
    int attached = fb_mp_segment_attach(segment_passed_name(), &mine);
    int unlinked = fb_mp_segment_unlink(segment_passed_name());
    if (fb_mp_segment_create(segment_passed_name(), 10, &mine) != -EEXIST)
        return 2;
    self_say(attached == -EACCES ? "refused" : "attached");
    self_say(unlinked < 0 ? " refused" : " unlinked");
    return 0;
}

const struct self_program segment_programs[] = {
    { "make_and_leave", make_and_leave, false },
    { "make_and_stay", make_and_stay, false },
    { "attach_and_stay", attach_and_stay, false },
    { "close_and_stay", close_and_stay, false },
    { "make_and_fork", make_and_fork, false },
    { "be_nobody", be_nobody, false },
    { "be_nobody_and_look", be_nobody_and_look, false },
    { 0 },
};

struct self segment_begin(const char *program, const char *name)
{
    char ready = 0;
    segment_pass_name(name);
    struct self self = self_start(program, FB_MP_FORK);
    assert_int_equal(read(self.out, &ready, 1), 1);
    assert_int_equal(ready, 'r');
    return self;
}

void segment_kill_user(struct self *user)
{
    char text[SELF_TEXT];
    assert_int_equal(kill(user->pid, SIGKILL), 0);
    assert_int_equal(self_finish(user, text), -SIGKILL);
}

void segment_leave_one(char ret_name[NAME_SIZE])
{
    char text[SELF_TEXT];
    segment_name(ret_name);
    struct self self = segment_begin("make_and_leave", ret_name);
    assert_int_equal(self_finish(&self, text), 0);
}

/* The tracker sweeps over all segments periodically. When two segments that were left one after the
 * other are gone, a whole sweep lies between. */
void segments_wait_for_sweep(void)
{
    char name[NAME_SIZE];
    for (int i = 0; i < 2; i++) {
        segment_leave_one(name);
        assert_true(segment_wait_gone(name));
    }
}
