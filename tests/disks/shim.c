/* A disk that fails, lies or is slow, between a real process and the real disk (LD_PRELOAD).

   What it does stands in a mapped file that the test writes while the process runs; see shim.py for the layout. Only
   files whose path contains the word of HEXAGRAM_DISK_OF are meant. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum { SYNC, WRITE, RENAME, KINDS };

struct orders {
    int from;     /* the so-many-th call from now on is the first that is harmed; 0: none */
    int times;    /* how many are harmed; -1: all from there on */
    int error;    /* what they answer; 0: success, without being done */
    int perform;  /* 1: done all the same, whatever is answered */
    int kill;     /* 1: the process dies after the first of them */
    int delay_ms; /* every call takes this much longer */
    int seen;     /* calls so far */
    int harmed;   /* of these */
};

static volatile struct orders *orders;
static const char *wanted = "";

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("HEXAGRAM_DISK_ORDERS");
    const char *of = getenv("HEXAGRAM_DISK_OF");
    if (of)
        wanted = of;
    if (!path)
        return;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return;
    void *there = mmap(NULL, KINDS * sizeof(struct orders), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (there != MAP_FAILED)
        orders = there;
}

static int is_wanted(int file) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0)
        return 0;
    path[size] = 0;
    return strstr(path, wanted) != NULL;
}

/* 0: do as asked. 1: harmed; errno is what to answer, 0 for success. */
static int harmed(int kind, int *perform) {
    volatile struct orders *order = &orders[kind];
    __sync_fetch_and_add(&order->seen, 1);
    if (order->delay_ms)
        usleep((useconds_t)order->delay_ms * 1000);
    if (order->from == 0 || order->times == 0)
        return 0;
    if (order->from > 1) {
        __sync_fetch_and_sub(&order->from, 1);
        return 0;
    }
    if (order->times > 0)
        __sync_fetch_and_sub(&order->times, 1);
    __sync_fetch_and_add(&order->harmed, 1);
    *perform = order->perform;
    errno = order->error;
    return 1;
}

static void perhaps_die(int kind) {
    if (orders[kind].kill)
        kill(getpid(), SIGKILL);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define PASS(kind, file_is_wanted, call, done)                                                                        \
    int perform = 0;                                                                                                  \
    if (!orders || !(file_is_wanted) || !harmed(kind, &perform))                                                      \
        return call;                                                                                                  \
    int answer = errno;                                                                                               \
    if (perform)                                                                                                      \
        (void)!(call);                                                                                                \
    perhaps_die(kind);                                                                                                \
    errno = answer;                                                                                                   \
    return answer ? -1 : (done)

int fsync(int file) { PASS(SYNC, is_wanted(file), REAL(fsync)(file), 0); }

int fdatasync(int file) { PASS(SYNC, is_wanted(file), REAL(fdatasync)(file), 0); }

ssize_t write(int file, const void *data, size_t size) {
    PASS(WRITE, is_wanted(file), REAL(write)(file, data, size), (ssize_t)size);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    PASS(WRITE, is_wanted(file), REAL(pwrite)(file, data, size, at), (ssize_t)size);
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    PASS(WRITE, is_wanted(file), REAL(pwrite64)(file, data, size, at), (ssize_t)size);
}

int rename(const char *from, const char *to) { PASS(RENAME, strstr(from, wanted) != NULL, REAL(rename)(from, to), 0); }
