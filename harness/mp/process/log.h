/* A log that all processes write to: each line whole, with time, level, and the process's name and
 * number. Off until it is given a file or the environment names one. */
#ifndef FB_MP_LOG_H
#define FB_MP_LOG_H

enum fb_mp_log_level {
    FB_MP_LOG_DEBUG, /* what the runtime itself does: processes that start and end */
    FB_MP_LOG_INFO,
    FB_MP_LOG_WARNING,
    FB_MP_LOG_ERROR,
    FB_MP_LOG_OFF,
};

/* Lines of this level and above go to fd from now on, also those of processes that are forked
 * later. Spawned ones read the environment instead, as does a program that never calls this:
 * FB_MP_LOG=debug, info, warning or error writes to stderr. The descriptor stays the caller's. */
void fb_mp_log_to(int fd, enum fb_mp_log_level level);

/* Writes one line: "2026-01-31 12:34:56.789Z INFO    Process-1[4711] text", in UTC. Control
 * characters of the text become '?', and it is cut after 3,900 bytes, so that the line is written
 * by one call and stays whole in a pipe, and in a file that is opened to append. What can't be
 * written is lost; a pipe that is full is waited for. */
void fb_mp_log(enum fb_mp_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A process that FB_DEBUG_WAIT=NAME in the environment names ("*": each that is started) says on
 * stderr how to attach to it, and begins only when a debugger or profiler has. */

/* ---- for the runtime itself ---- */

/* Where the log goes. */
int fb_mp_log_descriptor(void);

/* In a process that begins: waits if it is to. */
void fb_mp_debug_wait(void);

#endif
