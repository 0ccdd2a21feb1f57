/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * init: the guest's first and only process of its own. Runs one command and hands
 * its output, its exit status and the files under /out to the host, each through
 * its own virtio-serial port (run.sh gives them these numbers). The status port
 * says "begun" first, so that a boot that failed is told from a command that did.
 *
 * /vm/modules  kernel modules, one path a line, in the order to load them
 * /vm/argv     the command, each word ended by NUL
 * /vm/env      NAME=VALUE, each ended by NUL
 * /vm/timeout  seconds that the command may run
 * /vm/shell    if it is there: a shell on the console instead, for a person
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum port { PORT_OUT = 1, PORT_ERR, PORT_FILES, PORT_STATUS };
enum { WATCH_OUT, WATCH_ERR, WATCH_CHILD, WATCH_TIME, WATCHES };
enum { STATUS_TIMEOUT = 124, STATUS_BROKEN = 125, STATUS_SIGNAL = 128 };

/* One stream to the host, and how much went there: the host checks that all arrived. */
struct stream {
	int fd;
	uint64_t bytes;
};

static struct stream files;

static _Noreturn void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/* Nothing can be told to the host yet: the console is all there is. */
static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "init: %s: %s\n", what, strerror(errno));
	power_off();
}

static void stream_write(struct stream *stream, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t done = write(stream->fd, at, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			give_up("port");
		at += done;
		len -= done;
		stream->bytes += done;
	}
}

static __attribute__((format(printf, 2, 3))) void stream_printf(struct stream *stream,
								 const char *format, ...)
{
	char text[8192];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len > 0)
		stream_write(stream, text, len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1);
}

/* What a system would have mounted; what this kernel does not know is left out. /tmp stays: -i may have filled it. */
static void mount_all(void)
{
	static const struct {
		const char *type, *where;
	} mounts[] = {
		{ "proc", "/proc" },
		{ "sysfs", "/sys" },
		{ "devtmpfs", "/dev" },
		{ "devpts", "/dev/pts" },
		{ "tmpfs", "/dev/shm" },
		{ "tracefs", "/sys/kernel/tracing" },
		{ "securityfs", "/sys/kernel/security" },
		{ "bpf", "/sys/fs/bpf" },
		{ "cgroup2", "/sys/fs/cgroup" },
	};
	size_t i;

	umask(0);
	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].where, 0755);
		if (mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, NULL) && errno != EBUSY)
			fprintf(stderr, "init: %s not mounted: %s\n", mounts[i].where, strerror(errno));
	}
	chmod("/tmp", 01777);
	chmod("/dev/shm", 01777);
	mkdir("/out", 0777);
	umask(022);
	/* The descriptors of /dev that a system has from udev. */
	if (symlink("/proc/self/fd", "/dev/fd") || symlink("/proc/self/fd/0", "/dev/stdin") ||
	    symlink("/proc/self/fd/1", "/dev/stdout") || symlink("/proc/self/fd/2", "/dev/stderr"))
		fprintf(stderr, "init: /dev/fd: %s\n", strerror(errno));
}

static void load_modules(void)
{
	FILE *list = fopen("/vm/modules", "re");
	char path[256];

	while (list && fgets(path, sizeof(path), list)) {
		int fd;

		path[strcspn(path, "\n")] = '\0';
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
			fprintf(stderr, "init: module %s: %s\n", path, strerror(errno));
		close(fd);
	}
	if (list)
		fclose(list);
}

static void loopback_up(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		fprintf(stderr, "init: lo: %s\n", strerror(errno));
	close(fd);
}

static int open_port(enum port port)
{
	char pattern[32];
	glob_t found;
	int fd = -1;

	snprintf(pattern, sizeof(pattern), "/dev/vport*p%d", port);
	if (!glob(pattern, 0, NULL, &found)) {
		fd = open(found.gl_pathv[0], O_WRONLY | O_CLOEXEC);
		globfree(&found);
	}
	return fd;
}

/* The driver makes the nodes some time after it was loaded: wait for each to appear. */
static int wait_port(int notify, enum port port)
{
	struct pollfd wait = { .fd = notify, .events = POLLIN };
	char events[4096];
	int fd;

	while ((fd = open_port(port)) < 0) {
		if (poll(&wait, 1, 30000) <= 0 || read(notify, events, sizeof(events)) < 0)
			give_up("no virtio port");
	}
	return fd;
}

static char *read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "re");
	char *data = NULL;
	size_t room = 0;

	*len = 0;
	if (!file)
		return NULL;
	if (getdelim(&data, &room, EOF, file) > 0)
		*len = ftell(file);
	fclose(file);
	return data;
}

/* A file of words, each ended by NUL, as an array ended by NULL. */
static char **read_words(const char *path)
{
	size_t len, count = 0, at;
	char *data = read_file(path, &len);
	char **words;

	for (at = 0; at < len; at++)
		count += data[at] == '\0';
	words = calloc(count + 1, sizeof(*words));
	if (!words)
		give_up(path);
	count = 0;
	for (at = 0; at < len; at += strlen(data + at) + 1)
		words[count++] = data + at;
	return words;
}

static unsigned int read_timeout(void)
{
	size_t len;
	char *text = read_file("/vm/timeout", &len);
	unsigned int seconds = text ? strtoul(text, NULL, 10) : 0;

	free(text);
	return seconds ? seconds : 60;
}

static _Noreturn void become(char **argv, char **env, int out, int err)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(null);
	execvpe(argv[0], argv, env);
	dprintf(STDERR_FILENO, "init: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void tell_file(struct stream *err, const char *pid, const char *name)
{
	char path[64], text[4096];
	ssize_t len, i;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	len = read(fd, text, sizeof(text));
	close(fd);
	for (i = 0; i < len; i++)
		text[i] = text[i] ? text[i] : ' ';
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len > 0)
		stream_printf(err, "  %s: %.*s\n", name, (int)len, text);
}

/* What was running when time was up, and where in the kernel it waited. */
static void tell_running(struct stream *err, unsigned int seconds)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char exe[64], target[256];

	stream_printf(err, "init: not done after %u s; running then:\n", seconds);

	while (proc && (entry = readdir(proc))) {
		snprintf(exe, sizeof(exe), "/proc/%.20s/exe", entry->d_name);
		/* Kernel threads have no executable. */
		if (strtoul(entry->d_name, NULL, 10) <= 1 || readlink(exe, target, sizeof(target)) < 0)
			continue;
		stream_printf(err, " %s\n", entry->d_name);
		tell_file(err, entry->d_name, "cmdline");
		tell_file(err, entry->d_name, "wchan");
		tell_file(err, entry->d_name, "syscall");
		tell_file(err, entry->d_name, "stack");
	}
	if (proc)
		closedir(proc);
}

/* Every child of the guest ends here. True when it was the command. */
static bool reap(pid_t command, int *status)
{
	bool ended = false;
	int how;
	pid_t pid;

	while ((pid = waitpid(-1, &how, WNOHANG)) > 0) {
		if (pid != command)
			continue;
		ended = true;
		if (status)
			*status = WIFEXITED(how) ? WEXITSTATUS(how) :
						   STATUS_SIGNAL + WTERMSIG(how);
	}
	return ended;
}

static void pump(struct pollfd *from, struct stream *to)
{
	char data[16384];
	ssize_t len;

	if (!from->revents)
		return;
	len = read(from->fd, data, sizeof(data));
	if (len > 0) {
		stream_write(to, data, len);
	} else if (len == 0 || errno != EINTR) {
		close(from->fd);
		from->fd = -1; /* poll() passes over it */
	}
}

static bool fired(struct pollfd *from)
{
	char drain[1024];

	return from->revents && read(from->fd, drain, sizeof(drain)) > 0;
}

/*
 * Until the command has ended and everything that held its output is gone. What it
 * left running is killed: nothing may outlive the command that the host asked for.
 */
static int follow(pid_t command, struct pollfd *watch, struct stream *out, struct stream *err,
		  unsigned int seconds)
{
	int status = STATUS_BROKEN;
	bool ended = false;

	while (watch[WATCH_OUT].fd >= 0 || watch[WATCH_ERR].fd >= 0 || !ended) {
		if (poll(watch, WATCHES, -1) < 0)
			give_up("poll");
		pump(&watch[WATCH_OUT], out);
		pump(&watch[WATCH_ERR], err);
		if (fired(&watch[WATCH_CHILD]) && reap(command, ended ? NULL : &status)) {
			ended = true;
			kill(-1, SIGKILL);
		}
		if (fired(&watch[WATCH_TIME])) {
			tell_running(err, seconds);
			status = STATUS_TIMEOUT;
			ended = true;
			kill(-1, SIGKILL);
		}
	}
	return status;
}

static int run(char **argv, char **env, struct stream *out, struct stream *err)
{
	unsigned int seconds = read_timeout();
	struct itimerspec limit = { .it_value.tv_sec = seconds };
	int out_pipe[2], err_pipe[2];
	struct pollfd watch[WATCHES];
	sigset_t chld;
	pid_t command;
	size_t i;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	if (pipe2(out_pipe, O_CLOEXEC) || pipe2(err_pipe, O_CLOEXEC))
		give_up("pipe");
	watch[WATCH_OUT].fd = out_pipe[0];
	watch[WATCH_ERR].fd = err_pipe[0];
	watch[WATCH_CHILD].fd = signalfd(-1, &chld, SFD_CLOEXEC);
	watch[WATCH_TIME].fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	for (i = 0; i < WATCHES; i++)
		watch[i].events = POLLIN;
	timerfd_settime(watch[WATCH_TIME].fd, 0, &limit, NULL);
	command = fork();
	if (command < 0)
		give_up("fork");
	if (!command)
		become(argv, env, out_pipe[1], err_pipe[1]);
	close(out_pipe[1]);
	close(err_pipe[1]);
	return follow(command, watch, out, err, seconds);
}

/* ustar: the oldest thing that every host can unpack. */
static void tar_header(const char *name, const struct stat *st)
{
	char header[512] = { 0 };
	unsigned int sum = 0;
	size_t i;

	snprintf(header, 100, "%s", name);
	snprintf(header + 100, 8, "%07o", st->st_mode & 07777);
	snprintf(header + 108, 8, "%07o", 0);
	snprintf(header + 116, 8, "%07o", 0);
	snprintf(header + 124, 12, "%011llo", (unsigned long long)st->st_size);
	snprintf(header + 136, 12, "%011llo", (unsigned long long)st->st_mtime);
	memset(header + 148, ' ', 8);
	header[156] = '0';
	memcpy(header + 257, "ustar\00000", 8);
	for (i = 0; i < sizeof(header); i++)
		sum += (unsigned char)header[i];
	snprintf(header + 148, 8, "%06o", sum);
	stream_write(&files, header, sizeof(header));
}

static int tar_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	static const char zeroes[512];
	char data[16384];
	off_t left = st->st_size;
	int fd;

	(void)ftw;
	if (type != FTW_F || !S_ISREG(st->st_mode))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	tar_header(path + strlen("/out/"), st);
	while (left) {
		ssize_t len = read(fd, data, left < (off_t)sizeof(data) ? (size_t)left : sizeof(data));

		if (len <= 0)
			give_up(path);
		stream_write(&files, data, len);
		left -= len;
	}
	stream_write(&files, zeroes, (512 - st->st_size % 512) % 512);
	close(fd);
	return 0;
}

static void send_files(void)
{
	static const char end[1024];

	nftw("/out", tar_file, 8, FTW_PHYS);
	stream_write(&files, end, sizeof(end));
}

static void shell(void)
{
	char *argv[] = { "sh", "-i", NULL };
	pid_t pid = fork();

	if (!pid) {
		setsid();
		ioctl(STDIN_FILENO, TIOCSCTTY, 1);
		execvpe("/bin/sh", argv, read_words("/vm/env"));
		_exit(127);
	}
	while (waitpid(-1, NULL, 0) != pid)
		;
	power_off();
}

int main(void)
{
	struct stream out, err, status;
	int notify, code;

	mount_all();
	load_modules();
	loopback_up();
	if (!access("/vm/shell", F_OK))
		shell();
	notify = inotify_init1(IN_CLOEXEC);
	if (notify < 0 || inotify_add_watch(notify, "/dev", IN_CREATE | IN_ATTRIB) < 0)
		give_up("inotify");
	out = (struct stream){ .fd = wait_port(notify, PORT_OUT) };
	err = (struct stream){ .fd = wait_port(notify, PORT_ERR) };
	files = (struct stream){ .fd = wait_port(notify, PORT_FILES) };
	status = (struct stream){ .fd = wait_port(notify, PORT_STATUS) };
	stream_printf(&status, "begun\n");
	code = run(read_words("/vm/argv"), read_words("/vm/env"), &out, &err);
	send_files();
	/*
	 * Closing a port waits for the host's answer, so what was written before has
	 * been taken; the counts are for the day when that stops being true.
	 */
	close(out.fd);
	close(err.fd);
	close(files.fd);
	stream_printf(&status, "%d %llu %llu %llu\n", code, (unsigned long long)out.bytes,
		      (unsigned long long)err.bytes, (unsigned long long)files.bytes);
	close(status.fd);
	power_off();
}
