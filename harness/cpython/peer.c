#include "harness/cpython/peer.h"

#include "base/child.h"
#include "harness/cpython/interpreters.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 5000
#define LINE 4096
#define NOT_RUN 127 /* exit code of a child whose exec failed */

/* The protocol, per job: one line of JSON in each direction, then the results as bytes. */
struct fb_pool {
    struct fb_child child;
    int socket;
    FILE *answers;
    const char *python; /* its path */
    char description[96];
};

/* ---- finding things ---- */

/* Searches the PATH for `name`; empty entries of the PATH are skipped. */
static bool search_path(const char *name, char *ret_path, size_t size)
{
    const char *path = getenv("PATH");
    for (const char *part = path; part && *part;) {
        size_t length = strcspn(part, ":");
        snprintf(ret_path, size, "%.*s/%s", (int)length, part, name);
        if (access(ret_path, X_OK) == 0)
            return true;
        part += length;
        part += *part == ':';
    }
    return false;
}

static bool has_pillow(const char *python)
{
    pid_t pid = fork();
    if (pid == 0) {
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        execl(python, python, "-c",
              "import sys; sys.path.pop(0); import importlib.util as u; "
              "sys.exit(u.find_spec('PIL') is None)",
              (char *)0);
        _exit(NOT_RUN);
    }
    int status = -1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status == 0;
}

/* Searches for an interpreter of that version. */
static bool search_version(const char *version, char *ret_path, size_t size)
{
    const struct fb_interpreter *list;
    size_t count;
    bool found = false;
    if (fb_interpreters_list(&list, &count) < 0)
        return false;
    for (size_t i = 0; i < count && !found; i++) {
        found = fb_interpreter_is(list[i].name, version);
        if (found)
            snprintf(ret_path, size, "%s", list[i].path);
    }
    return found;
}

int fb_peer_variants(char ***ret_names)
{
    const struct fb_interpreter *list;
    size_t count;
    int result = fb_interpreters_list(&list, &count);
    if (result < 0)
        return result;
    char **names = calloc(1, (count + 1) * sizeof *names + count * sizeof list->path);
    char *text = names ? (char *)(names + count + 1) : NULL;
    for (size_t i = 0; i < count && names; i++) {
        names[i] = text;
        text = stpcpy(text, list[i].name) + 1;
    }
    if (!names)
        return -ENOMEM;
    *ret_names = names;
    return 0;
}

static bool is_there(const char *variant, char *ret_path, size_t size)
{
    if (strchr(variant, '/')) {
        snprintf(ret_path, size, "%s", variant);
        return access(variant, X_OK) == 0;
    }
    return search_path(variant, ret_path, size) || search_version(variant, ret_path, size);
}

/* A given interpreter is used as it is. Otherwise the first that has Pillow, of python3 on the PATH
 * and the system's, so that one interpreter can run all kernels; or just the first if none has. */
int fb_peer_find(const char *variant, char *ret_variant, size_t size, struct fb_error *error)
{
    char path[PATH_MAX];
    static const char system_python[] = "/usr/bin/python3";
    if (variant) {
        if (!is_there(variant, path, sizeof path))
            return fb_error_set(error, -ENOPKG,
                                "no such interpreter: %.150s: give a path or a version that "
                                "`forkbench list variants` shows",
                                variant);
        snprintf(ret_variant, size, "%s", path);
        return 0;
    }
    bool on_path = search_path("python3", path, sizeof path);
    bool on_system = access(system_python, X_OK) == 0;
    if (!on_path && !on_system)
        return fb_error_set(error, -ENOPKG, "no python3 found on the PATH: install python3");
    bool prefer_system = !on_path || (on_system && strcmp(path, system_python) != 0 &&
                                      !has_pillow(path) && has_pillow(system_python));
    snprintf(ret_variant, size, "%s", prefer_system ? system_python : path);
    return 0;
}

int fb_peer_program(const char *name, char *ret_path, size_t size, struct fb_error *error)
{
    static const char *const places[] = { "../harness/cpython", "../share/forkbench/cpython" };
    char self[PATH_MAX], *path;
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0)
        return fb_error_set(error, -errno, "can't read /proc/self/exe: %s", strerror(errno));
    self[length] = '\0';
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int made = asprintf(&path, "%s/%s/%s", self, places[i], name);
        bool there = made >= 0 && (size_t)made < size && access(path, R_OK) == 0;
        if (there)
            strcpy(ret_path, path);
        if (made >= 0)
            free(path);
        if (there)
            return 0;
    }
    return fb_error_set(error, -ENOPKG, "%s not found: beside %.150s: install forkbench whole",
                        name, self);
}

bool fb_peer_supports(const struct fb_kernel *kernel)
{
    static const char *const names[] = { FB_PEER_KERNELS };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(kernel->name, names[i]) == 0)
            return true;
    return false;
}

/* ---- jobs ---- */

/* Reports why peer.py does not answer. It has closed its end of the socket, so it ends now. */
static int explain_silence(struct fb_pool *pool, struct fb_error *error)
{
    char how[80];
    int pid = pool->child.pid, status = fb_child_end(&pool->child, PATIENCE_MS);
    pool->child.pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_RUN)
        return fb_error_set(error, -ENOPKG, "can't run the interpreter: %.150s: give another",
                            pool->python);
    fb_child_describe(status, how, sizeof how);
    return fb_error_set(error, -EOWNERDEAD, "the interpreter (pid %d) %s without an answer", pid,
                        how);
}

/* Reads one line of JSON; the caller releases *ret_answer. */
static int read_answer(struct fb_pool *pool, json_t **ret_answer, struct fb_error *error)
{
    char line[LINE];
    json_error_t where;
    if (!fgets(line, sizeof line, pool->answers))
        return explain_silence(pool, error);
    json_t *answer = json_loads(line, 0, &where);
    if (!answer)
        return fb_error_set(error, -EBADMSG, "peer.py: not an answer: %.80s", line);
    const char *text = json_string_value(json_object_get(answer, "error"));
    if (text) {
        bool missing = json_is_true(json_object_get(answer, "missing"));
        int code = fb_error_set(error, missing ? -ENOPKG : -EBADMSG, "peer.py: %.200s", text);
        json_decref(answer);
        return code;
    }
    *ret_answer = answer;
    return 0;
}

static int send_job(struct fb_pool *pool, const struct fb_job *job, struct fb_error *error)
{
    json_t *parameters = json_object();
    for (int i = 0; job->kernel->params[i].name; i++) {
        json_t *value = json_string(job->params->value[i].text);
        if (!value) {
            json_decref(parameters);
            return fb_error_set(error, -EINVAL,
                                "not UTF-8, which Python needs: %s=%.120s: rename it",
                                job->kernel->params[i].name, job->params->value[i].text);
        }
        json_object_set_new(parameters, job->kernel->params[i].name, value);
    }
    json_t *request = json_pack("{ss so sI}", "kernel", job->kernel->name, "parameters", parameters,
                                "chunk", (json_int_t)(job->chunk ? job->chunk : 1));
    char *text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    if (!text)
        return fb_error_set(error, -ENOMEM, "out of memory");
    size_t length = strlen(text);
    text[length++] = '\n'; /* replaces the terminator: send takes a length */
    ssize_t sent = send(pool->socket, text, length, MSG_NOSIGNAL);
    free(text);
    return sent == (ssize_t)length ? 0 : explain_silence(pool, error);
}

int fb_peer_run(struct fb_pool *pool, const struct fb_job *job, struct fb_report *report,
                struct fb_error *error)
{
    size_t size = job->items * job->kernel->result_size;
    json_t *answer;
    if (pool->child.pid == 0)
        return fb_error_set(error, -EOWNERDEAD, "the interpreter has ended");
    int result = send_job(pool, job, error);
    if (result == 0)
        result = read_answer(pool, &answer, error);
    if (result < 0)
        return result;
    json_int_t bytes = json_integer_value(json_object_get(answer, "bytes"));
    json_decref(answer);
    if (bytes != (json_int_t)size) {
        /* The rest of its output can no longer be parsed. */
        fb_child_end(&pool->child, 0);
        pool->child.pid = 0;
        return fb_error_set(error, -EBADMSG, "peer.py gave %lld bytes of results, not %zu",
                            (long long)bytes, size);
    }
    if (size && fread(job->results, 1, size, pool->answers) != size)
        return explain_silence(pool, error);
    if (report)
        *report = (struct fb_report){ 0 };
    return 0;
}

/* ---- opening and closing ---- */

static _Noreturn void become_python(const char *python, const char *program, const char *mode,
                                    unsigned workers, int socket)
{
    char count[16];
    snprintf(count, sizeof count, "%u", workers);
    dup2(socket, STDIN_FILENO);
    dup2(socket, STDOUT_FILENO);
    execl(python, python, program, mode, count, (char *)0);
    _exit(NOT_RUN);
}

static int start(struct fb_pool *pool, const char *mode, const struct fb_setting *setting,
                 struct fb_error *error)
{
    char program[PATH_MAX + 64];
    int ends[2], result = fb_peer_program("peer.py", program, sizeof program, error);
    if (result < 0)
        return result;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return fb_error_set(error, -errno, "can't make a socket pair: %s", strerror(errno));
    pool->socket = ends[0];
    pool->python = setting->variant;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        fb_child_tie(parent);
        become_python(setting->variant, program, mode, setting->workers, ends[1]);
    }
    int code = errno;
    close(ends[1]);
    pool->answers = fdopen(dup(ends[0]), "r");
    if (pid < 0)
        return fb_error_set(error, -code, "can't fork the interpreter: %s", strerror(code));
    fb_child_watch(&pool->child, pid);
    return pool->answers ? 0 : fb_error_set(error, -ENOMEM, "out of memory");
}

int fb_peer_open(const char *mode, const struct fb_setting *setting, struct fb_pool **ret_pool,
                 struct fb_error *error)
{
    struct fb_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return fb_error_set(error, -ENOMEM, "out of memory");
    pool->socket = -1;
    json_t *greeting;
    int result = start(pool, mode, setting, error);
    if (result == 0)
        result = read_answer(pool, &greeting, error);
    if (result < 0) {
        fb_peer_close(pool);
        return result;
    }
    const char *version = json_string_value(json_object_get(greeting, "version"));
    snprintf(pool->description, sizeof pool->description, "%s, GIL %s", version ? version : "?",
             json_is_true(json_object_get(greeting, "gil")) ? "on" : "off");
    json_decref(greeting);
    *ret_pool = pool;
    return 0;
}

/* Python exits when it reads the end of its input. */
void fb_peer_close(struct fb_pool *pool)
{
    if (!pool)
        return;
    if (pool->socket >= 0) {
        shutdown(pool->socket, SHUT_RDWR);
        close(pool->socket);
    }
    if (pool->answers)
        fclose(pool->answers);
    if (pool->child.pid > 0)
        fb_child_end(&pool->child, PATIENCE_MS);
    free(pool);
}

void fb_peer_describe(const struct fb_pool *pool, char *text, size_t size)
{
    snprintf(text, size, "%s", pool->description);
}
