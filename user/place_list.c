/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The network namespaces that can be reached from here. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "load/namespaces.h"
#include "place.h"

struct places {
	struct place_seen *list;
	size_t n, max;
};

static int add(void *ctx, const char *path, pid_t pid)
{
	struct places *places = ctx;
	struct place_seen *new = &places->list[places->n];
	struct stat st;

	/* a name too long for us is one that we do not audit */
	if (places->n == places->max || stat(path, &st) || (!pid && strlen(path) >= sizeof(new->path)))
		return 0;
	*new = (struct place_seen){ .inode = (uint32_t)st.st_ino, .pid = pid };
	snprintf(new->path, sizeof(new->path), "%s", pid ? "" : path);
	places->n++;
	return 0;
}

int place_list(struct place_seen *ret, size_t max)
{
	struct places places = { .list = ret, .max = max };
	int r = namespaces_list(add, &places);

	return r ? r : (int)places.n;
}

static int counters_here(void *ctx)
{
	return place_counters_of(getpid(), ctx);
}

int place_counters_seen(const struct place_seen *seen, struct mibs *ret)
{
	struct place n = PLACE_NONE;
	int r;

	if (seen->pid)
		return place_counters_of(seen->pid, ret);
	n.fd = open(seen->path, O_RDONLY | O_CLOEXEC);
	r = n.fd < 0 ? -errno : place_inside(&n, counters_here, ret);
	place_free(&n);
	return r;
}
