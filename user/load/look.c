/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/look.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "wire.h"

/* The kernel gives up with EAGAIN after a million objects of which none was wanted: it goes on where it was. */
static ssize_t read_on(int fd, void *buf, size_t size)
{
	ssize_t got;

	do {
		got = read(fd, buf, size);
	} while (got < 0 && (errno == EAGAIN || errno == EINTR));
	return got;
}

static bool is_found_mini(const struct wire_held *record)
{
	return record->ev.kind == WIRE_MINI_FOUND;
}

static int give(const struct look *look, const struct wire_held *record)
{
	int r = look->take(look->ctx, record, sizeof(*record));

	return r < 0 && r != -EAGAIN ? r : 0;
}

static int give_found(const struct look *look, const struct wire_held *records, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && !r; i++)
		if (is_found_mini(&records[i]))
			r = give(look, &records[i]);
	return r;
}

int look_give_until(struct look *look, uint64_t mono_ns)
{
	int r = 0;

	while (look->waiting && look->next->ev.mono_ns <= mono_ns && !r) {
		const struct wire_held *record = look->next++;

		look->waiting--;
		if (!is_found_mini(record))
			r = give(look, record);
	}
	return r;
}

/*
 * What was traced before a socket was looked at comes before the look: else the
 * socket would seem to go back in time. What was traced after comes after: else one
 * that has ended since would seem to be another one, without an end. A mini-socket
 * that was found comes before all that was traced: else its end might come first,
 * and it would stay for ever. Where a record of the trace stays unfinished, what was
 * looked at is given without what is behind that one: late is better than never.
 */
int look_give(struct look *look, const struct wire_held *records, size_t n)
{
	int r = give_found(look, records, n);

	look->next = records;
	look->waiting = n;
	if (!r && look->catch_up)
		r = look->catch_up(look->session);
	if (!r || r == -EAGAIN)
		r = look_give_until(look, UINT64_MAX);
	look->waiting = 0;
	return r;
}

static int read_slots(struct look *look, int fd)
{
	struct wire_held records[32];
	size_t have = 0;
	ssize_t got = 0;
	int r = 0;

	while (!r && (got = read_on(fd, (char *)records + have, sizeof(records) - have)) > 0) {
		size_t n;

		have += (size_t)got;
		n = have / sizeof(records[0]);
		r = look_give(look, records, n);
		have -= n * sizeof(records[0]);
		memmove(records, &records[n], have);
	}
	return !r && got < 0 ? -errno : r;
}

int look_at(struct look *look, struct bpf_program *iterator)
{
	struct bpf_link *link = bpf_program__attach_iter(iterator, NULL);
	CLEANUP(close) int fd = link ? bpf_iter_create(bpf_link__fd(link)) : -errno;
	int r = fd < 0 ? fd : read_slots(look, fd);

	bpf_link__destroy(link);
	return r;
}
