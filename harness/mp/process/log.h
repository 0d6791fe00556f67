/* A log shared by all processes: whole lines with the time, the level, and the process's name and
 * pid. It is off until fb_mp_log_to is called or FB_MP_LOG is set. */
#ifndef FB_MP_LOG_H
#define FB_MP_LOG_H

enum fb_mp_log_level {
    FB_MP_LOG_DEBUG, /* the runtime's own lines: processes that start and end */
    FB_MP_LOG_INFO,
    FB_MP_LOG_WARNING,
    FB_MP_LOG_ERROR,
    FB_MP_LOG_OFF,
};

/* Writes lines of this level and above to fd from now on, also in processes forked later. Spawned
 * processes, and programs that never call this, read the environment instead: FB_MP_LOG=debug,
 * info, warning or error logs to stderr. The caller keeps ownership of fd. */
void fb_mp_log_to(int fd, enum fb_mp_log_level level);

/* Writes one line: "2026-01-31 12:34:56.789Z INFO    Process-1[4711] text", in UTC. Control
 * characters in the text become '?', and it is cut after 3,900 bytes, so that the line is written
 * by one call and stays whole in a pipe, or in a file opened with O_APPEND. Waits while a pipe is
 * full; a line that can't be written is lost. */
void fb_mp_log(enum fb_mp_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* FB_DEBUG_WAIT=NAME in the environment makes the process of that name ("*": every process that is
 * started) print on stderr how to attach to it, and wait until a debugger or profiler has. */

/* ---- for the runtime itself ---- */

/* The descriptor that the log is written to. */
int fb_mp_log_descriptor(void);

/* For a process that begins: waits if FB_DEBUG_WAIT names it. */
void fb_mp_debug_wait(void);

#endif
