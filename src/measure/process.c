/* SPDX-License-Identifier: Apache-2.0 */
/* process.c - runs compilers and emulators: no shell, a time limit, output into a file. */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

/* ---- command lines --------------------------------------------------------------------------- */

void args_start(struct args *args, const char *program)
{
    args->n = 0;
    args->used = 0;
    args->full = false;
    args->at[0] = NULL;
    args_add(args, "%s", program);
}

static void args_push(struct args *args, size_t bytes)
{
    if ((size_t)args->n + 1 >= sizeof args->at / sizeof args->at[0]) {
        args->full = true;
        return;
    }
    args->at[args->n++] = args->text + args->used;
    args->at[args->n] = NULL;
    args->used += bytes;
}

void args_add(struct args *args, const char *fmt, ...)
{
    size_t room = sizeof args->text - args->used;
    va_list list;
    int n;

    va_start(list, fmt);
    n = vsnprintf(args->text + args->used, room, fmt, list);
    va_end(list);
    if (n < 0 || (size_t)n >= room)
        args->full = true;
    else
        args_push(args, (size_t)n + 1);
}

void args_split(struct args *args, const char *flags)
{
    for (;;) {
        size_t n;

        flags += strspn(flags, " ");
        n = strcspn(flags, " ");
        if (!n)
            return;
        args_add(args, "%.*s", (int)n, flags);
        flags += n;
    }
}

/* ---- processes ------------------------------------------------------------------------------- */

/* In the child; never returns. Only async-signal-safe functions from here on. */
static void start(const struct process *process)
{
    const struct rlimit no_core = {0, 0};
    int null = open("/dev/null", O_RDONLY);
    int log = open(process->log, O_WRONLY | O_CREAT | O_TRUNC, 0666);

    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
#ifdef __linux__
    /* An emulator that waits for nobody would run until its machine halts: perhaps never. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (null < 0 || log < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        _exit(127);
    setrlimit(RLIMIT_CORE, &no_core);
    if (process->dir && chdir(process->dir))
        _exit(127);
    /* execvp() takes pointers to plain char for historical reasons and writes to none of them. */
    execvp(process->args->at[0], (char *const *)(uintptr_t)process->args->at);
    _exit(127);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Waits for the child and ends it at the time limit: first so that it can write what it has to
 * say, then in any case. */
static int wait_for(pid_t child, int seconds, bool *timed_out)
{
    double end = now() + seconds;
    struct timespec pause = {0, 1000000};
    int status = 0;

    *timed_out = false;
    for (;;) {
        pid_t got = waitpid(child, &status, WNOHANG);

        if (got == child)
            return status;
        if (got < 0 && errno != EINTR)
            return -1;
        if (now() >= end) {
            kill(child, *timed_out ? SIGKILL : SIGTERM);
            *timed_out = true;
            end = now() + 1;
        }
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 20000000)
            pause.tv_nsec += pause.tv_nsec / 4;
    }
}

/* An interrupt from the keyboard ends the child, and the parent lives on to remove its files. */
void process_run(struct process *process)
{
    struct sigaction ignore, interrupt, quit;
    bool timed_out;
    int status;
    pid_t child;

    process->outcome = PROCESS_NOT_STARTED;
    process->code = 0;
    if (process->args->full)
        return;
    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGINT, &ignore, &interrupt);
    sigaction(SIGQUIT, &ignore, &quit);
    fflush(NULL);
    child = fork();
    if (child == 0)
        start(process);
    status = child < 0 ? -1 : wait_for(child, process->seconds, &timed_out);
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGQUIT, &quit, NULL);
    if (status == -1)
        return;
    if (timed_out) {
        process->outcome = PROCESS_TIMED_OUT;
    } else if (WIFSIGNALED(status)) {
        process->outcome = PROCESS_KILLED;
        process->code = WTERMSIG(status);
    } else if (WEXITSTATUS(status) != 127) {
        process->outcome = PROCESS_EXITED;
        process->code = WEXITSTATUS(status);
    }
}

bool program_exists(const char *name)
{
    const char *path = getenv("PATH");
    char file[PATH_BYTES];

    if (strchr(name, '/'))
        return access(name, X_OK) == 0;
    if (!path)
        return false;
    while (*path) {
        size_t n = strcspn(path, ":");
        int length = snprintf(file, sizeof file, "%.*s/%s", (int)n, path, name);

        if (n && length > 0 && (size_t)length < sizeof file && access(file, X_OK) == 0)
            return true;
        path += n + (path[n] == ':');
    }
    return false;
}
