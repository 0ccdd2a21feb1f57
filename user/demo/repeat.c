/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "demo/repeat.h"

int repeat_begin(struct repeat *r, const struct ending *ending, enum side closer)
{
	r->left = (struct left){
		.ending = ending->slug, .closer = side_slug(closer),
		.range_ports = r->left.range_ports, .mini_bytes = r->left.mini_bytes,
	};
	listed_free(&r->before);
	return listed_read(r->family, r->port, &r->before);
}

void repeat_take(struct repeat *r, const struct record *record)
{
	const struct verdict *v = record->close;

	if (record->kind == REC_STORY && !record->story->begin) {
		r->left.runs++;
		r->left.as_expected += record->story->as_expected;
	}
	if (record->kind != REC_CLOSE)
		return;
	r->left.rst_sent += v->rst_sent;
	r->left.lost_bytes += (uint64_t)v->unread_bytes + v->unsent_bytes + v->unacked_bytes;
}

static void count(struct repeat *r, const struct listed_socket *s)
{
	struct left *left = &r->left;

	if (s->state == ST_TIME_WAIT)
		left->time_wait++;
	else if (s->state == ST_FIN_WAIT2)
		left->fin_wait2++;
	else
		left->others++;
	/* the server's own port is no port that anybody would choose */
	if (s->local_port != r->port && s->local_port >= r->port_first && s->local_port <= r->port_last)
		left->ephemeral_ports++;
}

int repeat_end(struct repeat *r)
{
	struct listed now = { 0 };
	int err = listed_read(r->family, r->port, &now);

	if (!err) {
		listed_subtract(&now, &r->before);
		for (size_t i = 0; i < now.n; i++)
			count(r, &now.sockets[i]);
		r->left.kernel_bytes = (r->left.time_wait + r->left.fin_wait2) * r->left.mini_bytes;
	}
	listed_free(&now);
	return err;
}

void repeat_free(struct repeat *r)
{
	listed_free(&r->before);
}
