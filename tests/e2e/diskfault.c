/* Put before libc in a process: the next write or sync of a file of ours fails as a broken disk makes it fail.

   DISK_FAULT names a plan file "CALL ERRNO once|always": CALL is "write" or "sync". Without that file nothing happens. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static int of_ours(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return strstr(path, "/sor.db") != NULL;
}

static int fails(int fd, const char *call) {
    const char *path = getenv("DISK_FAULT");
    char plan[64], what[16], how_often[16];
    int number;
    if (path == NULL || !of_ours(fd)) return 0;
    int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    long size = syscall(SYS_read, file, plan, sizeof plan - 1);
    syscall(SYS_close, file);
    if (size <= 0) return 0;
    plan[size] = 0;
    if (sscanf(plan, "%15s %d %15s", what, &number, how_often) != 3 || strcmp(what, call) != 0) return 0;
    if (strcmp(how_often, "once") == 0 && unlink(path) != 0) return 0;
    errno = number;
    return 1;
}

#define REAL(type, name) static type real; if (real == NULL) real = (type)dlsym(RTLD_NEXT, name)

typedef ssize_t (*writer)(int, const void *, size_t, off_t);
typedef int (*syncer)(int);

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    REAL(writer, "pwrite");
    return fails(fd, "write") ? -1 : real(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    REAL(writer, "pwrite64");
    return fails(fd, "write") ? -1 : real(fd, data, size, at);
}

int fsync(int fd) {
    REAL(syncer, "fsync");
    return fails(fd, "sync") ? -1 : real(fd);
}

int fdatasync(int fd) {
    REAL(syncer, "fdatasync");
    return fails(fd, "sync") ? -1 : real(fd);
}
