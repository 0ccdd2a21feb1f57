/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * verify OBJECT: loads every program of the object by itself, attached to nothing,
 * and says its name, what came of it (0, or an errno), and how many instructions the
 * verifier went through (0 where the kernel does not tell). Also those of ways that
 * could not be attached here: the verifier sees them all the same.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* In the answer since v5.16. */
static unsigned count_insns(const struct bpf_program *p)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	return p && !bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &size) ? info.verified_insns : 0;
}

static void load_alone(const char *path, const char *name)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *p;
	int r;

	if (!object) {
		printf("%s 1 0\n", name);
		return;
	}
	bpf_object__for_each_program(p, object)
		bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), name));
	r = bpf_object__load(object);
	printf("%s %d %u\n", name, -r, r ? 0 : count_insns(bpf_object__find_program_by_name(object, name)));
	bpf_object__close(object);
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_program *p;

	libbpf_set_print(quiet);
	object = argc == 2 ? bpf_object__open(argv[1]) : NULL;
	if (!object)
		return 2;
	bpf_object__for_each_program(p, object)
		load_alone(argv[1], bpf_program__name(p));
	bpf_object__close(object);
	return 0;
}
