/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* parse: what parse.c and words.c share. */
#ifndef TESTS_SCENE_PARSE_H
#define TESTS_SCENE_PARSE_H

#include <setjmp.h>

#include "scene.h"

struct parser {
	const char *file;
	int line;
	jmp_buf wrong; /* back to scene_parse(), once the complaint is written */
	struct scene *scene;
	uint64_t now_ns;
};

__attribute__((format(printf, 2, 3), noreturn)) void wrong(struct parser *p, const char *fmt, ...);
uint64_t parse_number(struct parser *p, const char *word, const char *value);
uint8_t parse_state(struct parser *p, const char *name);
int parse_sock_name(struct parser *p, const char *name);
/* All words left on the line, into obs. */
void put_words(struct parser *p, struct obs *obs, char **save);
void put_task(struct parser *p, struct obs *obs, bool meant, const char *value);
void put_layout(struct parser *p, struct obs *obs, const char *value);

#endif
