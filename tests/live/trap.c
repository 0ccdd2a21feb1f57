/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * trap WHAT FD: what Python has no words for, done with a connection that was inherited
 * as FD, and is its own alone once a line of input comes. Says "ready" when it is done,
 * goes on at the next line, then exits.
 *
 *   sockmap         a sockmap takes what arrives; then FD is closed
 *   uring-close     FD is closed by io_uring
 *   uring-register  FD is left to a ring alone, which goes with the process
 *
 * Exit status 77: this kernel or these privileges have no such thing.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CANNOT 77
#define DEADLINE_MS 20000

static void fail(const char *what)
{
	int cannot = errno == EPERM || errno == ENOSYS || errno == EINVAL || errno == EOPNOTSUPP;

	fprintf(stderr, "trap: %s: %s\n", what, strerror(errno));
	exit(cannot ? CANNOT : 1);
}

static int check(long r, const char *what)
{
	if (r < 0)
		fail(what);
	return (int)r;
}

static void say_ready(void)
{
	puts("ready");
	fflush(stdout);
}

static void await_word(void)
{
	char line[64];

	if (!fgets(line, sizeof(line), stdin))
		exit(0);
}

/* --- sockmap ------------------------------------------------------------------- */

static int bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int load(const struct bpf_insn *code, uint32_t n)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SK_SKB;
	attr.insns = (uint64_t)(uintptr_t)code;
	attr.insn_cnt = n;
	attr.license = (uint64_t)(uintptr_t) "GPL";
	return check(bpf(BPF_PROG_LOAD, &attr), "a program for the sockmap");
}

/* A message is what came. Kernels before v5.12 want a parser too; the newer take one. */
static int load_parser(void)
{
	static const struct bpf_insn code[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_0, .src_reg = BPF_REG_1,
		  .off = offsetof(struct __sk_buff, len) },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return load(code, 2);
}

/* Everything passes: it waits in the sockmap's queue, no longer in TCP's. */
static int load_pass(void)
{
	static const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = SK_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return load(code, 2);
}

static int make_map(void)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_SOCKMAP;
	attr.key_size = attr.value_size = sizeof(uint32_t);
	attr.max_entries = 1;
	return check(bpf(BPF_MAP_CREATE, &attr), "a sockmap");
}

static void attach(int map, int program, uint32_t type)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)map;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = type;
	check(bpf(BPF_PROG_ATTACH, &attr), "attach to the sockmap");
}

static void put_in_map(int map, int fd)
{
	uint32_t key = 0, value = (uint32_t)fd;
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)map;
	attr.key = (uint64_t)(uintptr_t)&key;
	attr.value = (uint64_t)(uintptr_t)&value;
	check(bpf(BPF_MAP_UPDATE_ELEM, &attr), "the socket into the sockmap");
}

static void in_sockmap(int fd)
{
	/* before v5.11 maps count as locked memory */
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int map;

	setrlimit(RLIMIT_MEMLOCK, &all);
	map = make_map();
	attach(map, load_parser(), BPF_SK_SKB_STREAM_PARSER);
	attach(map, load_pass(), BPF_SK_SKB_STREAM_VERDICT);
	put_in_map(map, fd);
	say_ready();
	/* something was sent, and nobody reads it */
	await_word();
	if (check(poll(&p, 1, DEADLINE_MS), "poll") != 1)
		exit(1);
	close(fd);
	say_ready();
	await_word();
}

/* --- io_uring ------------------------------------------------------------------- */

static int make_ring(struct io_uring_params *params)
{
	memset(params, 0, sizeof(*params));
	return check(syscall(SYS_io_uring_setup, 4, params), "a ring");
}

static void *map_ring(int ring, size_t size, off_t what)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, what);

	if (at == MAP_FAILED)
		fail("the ring's memory");
	return at;
}

static void close_by_ring(int fd)
{
	struct io_uring_params params;
	int ring = make_ring(&params);
	char *queue = map_ring(ring, params.sq_off.array + params.sq_entries * sizeof(uint32_t), IORING_OFF_SQ_RING);
	struct io_uring_sqe *entry = map_ring(ring, params.sq_entries * sizeof(*entry), IORING_OFF_SQES);
	uint32_t *tail = (uint32_t *)(queue + params.sq_off.tail);

	memset(entry, 0, sizeof(*entry));
	entry->opcode = IORING_OP_CLOSE;
	entry->fd = fd;
	((uint32_t *)(queue + params.sq_off.array))[0] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	check(syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0), "the ring is entered");
	say_ready();
	await_word();
}

static void leave_to_ring(int fd)
{
	struct io_uring_params params;
	int ring = make_ring(&params);

	check(syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &fd, 1), "the ring's files");
	close(fd);
	say_ready();
	await_word();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*what)(int fd);
	} all[] = {
		{ "sockmap", in_sockmap },
		{ "uring-close", close_by_ring },
		{ "uring-register", leave_to_ring },
	};

	for (size_t i = 0; argc == 3 && i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(argv[1], all[i].name)) {
			await_word();
			all[i].what(atoi(argv[2]));
			return 0;
		}
	fprintf(stderr, "trap sockmap|uring-close|uring-register FD\n");
	return 2;
}
