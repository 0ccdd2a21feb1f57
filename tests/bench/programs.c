/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * programs [--stats]: a line of JSON with all BPF programs of this machine, each
 * time a line comes in. With --stats the kernel counts their run time as long as
 * this runs: the request hangs on a descriptor, so nothing has to be reset after
 * a crash, and the sysctl stays as it is.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The info has 15 bytes of the name; the BTF of the program has all of it. */
static void full_name(int fd, const struct bpf_prog_info *about, char *ret, size_t size)
{
	struct bpf_func_info first = { 0 };
	struct bpf_prog_info info = { .nr_func_info = 1, .func_info_rec_size = sizeof(first),
				      .func_info = (uintptr_t)&first };
	__u32 info_size = sizeof(info);
	const struct btf_type *type;
	struct btf *btf;

	snprintf(ret, size, "%s", about->name);
	if (!about->btf_id || !about->nr_func_info || bpf_obj_get_info_by_fd(fd, &info, &info_size))
		return;
	btf = btf__load_from_kernel_by_id(about->btf_id);
	if (!btf)
		return;
	type = btf__type_by_id(btf, first.type_id);
	if (type)
		snprintf(ret, size, "%s", btf__name_by_offset(btf, type->name_off));
	btf__free(btf);
}

static void show(int fd, const char *separator)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);
	char name[128];

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return;
	full_name(fd, &info, name, sizeof(name));
	printf("%s{\"id\":%u,\"type\":%u,\"name\":\"%s\",\"run_ns\":%" PRIu64 ",\"runs\":%" PRIu64
	       ",\"recursion_misses\":%" PRIu64 "}",
	       separator, info.id, info.type, name, (uint64_t)info.run_time_ns, (uint64_t)info.run_cnt,
	       (uint64_t)info.recursion_misses);
}

static void show_all(void)
{
	const char *separator = "[";
	__u32 id = 0;

	while (!bpf_prog_get_next_id(id, &id)) {
		int fd = bpf_prog_get_fd_by_id(id);

		/* It may have gone since. */
		if (fd < 0)
			continue;
		show(fd, separator);
		separator = ",";
		close(fd);
	}
	puts(*separator == '[' ? "[]" : "]");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char line[64];

	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--stats"))) {
		fputs("usage: programs [--stats]\n", stderr);
		return 2;
	}
	if (argc == 2 && bpf_enable_stats(BPF_STATS_RUN_TIME) < 0) {
		fprintf(stderr, "programs: cannot count run time: %s\n", strerror(errno));
		return 1;
	}
	while (fgets(line, sizeof(line), stdin))
		show_all();
	return 0;
}
