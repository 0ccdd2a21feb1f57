/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * verify OBJECT: loads every program of the object by itself, attached to nothing,
 * and says its name and what came of it: 0, or an errno. Also those of ways that
 * could not be attached here: the verifier sees them all the same.
 */
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

static int load_alone(const char *path, const char *name)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *p;
	int r;

	if (!object)
		return -1;
	bpf_object__for_each_program(p, object)
		bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), name));
	r = bpf_object__load(object);
	bpf_object__close(object);
	return r;
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
		printf("%s %d\n", bpf_program__name(p), -load_alone(argv[1], bpf_program__name(p)));
	bpf_object__close(object);
	return 0;
}
