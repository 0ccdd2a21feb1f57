/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "sink/wide.h"

#include "base/cleanup.h"
#include "base/errname.h"
#include "base/span.h"
#include "base/text.h"
#include "base/units.h"
#include "sink/ledger.h"
#include "sink/words.h"

static void put_label(struct buf *out, const char *label)
{
	size_t before = out->len;

	buf_puts(out, "    ");
	buf_puts(out, label);
	buf_fill(out, ' ', 13 - (out->len - before));
}

static void put_duration(struct buf *out, uint64_t ns)
{
	char text[UNITS_STRLEN];

	buf_puts(out, units_duration(ns, text));
}

static void put_bytes(struct buf *out, uint64_t bytes, const char *after)
{
	char text[UNITS_STRLEN];

	buf_puts(out, units_bytes(bytes, text));
	buf_puts(out, after);
}

static void put_sentence(struct buf *out, const char *label, struct buf *words)
{
	const char *text = buf_string(words);

	if (!text) {
		buf_fail(out, words->err);
		return;
	}
	if (!*text)
		return;
	put_label(out, label);
	buf_puts(out, text);
	buf_byte(out, '\n');
}

static void put_exit(struct buf *out, const struct verdict *v)
{
	unsigned signal = (unsigned)v->exit_code & 0x7f;

	if (v->evidence & EV(KILLED))
		buf_printf(out, ", killed by signal %u", signal);
	else if (v->evidence & EV(EXITING))
		buf_printf(out, ", exiting with status %u", (unsigned)v->exit_code >> 8 & 0xff);
}

static void put_closer(struct buf *out, const struct verdict *v, bool utf8)
{
	static const char *const words[CLOSER_MAX] = {
		[CLOSER_NONE] = "by neither side",
		[CLOSER_LOCAL] = "first by this side",
		[CLOSER_PEER] = "first by the peer",
		[CLOSER_BOTH] = "by both sides at once",
	};

	put_label(out, "closed");
	buf_puts(out, words[v->first_closer]);
	if (v->closer.source != OWNER_UNKNOWN) {
		buf_puts(out, v->first_closer == CLOSER_LOCAL ? ", in " : "; here in ");
		process_put(out, v->closer.comm, v->closer.pid, TEXT_ANY, utf8);
		put_exit(out, v);
	}
	buf_byte(out, '\n');
}

static void put_path(struct buf *out, const struct verdict *v)
{
	if (!v->n_path)
		return;
	put_label(out, "path");
	for (unsigned i = 0; i < v->n_path && i < PATH_MAX_STEPS; i++) {
		buf_puts(out, i ? " > " : "");
		buf_puts(out, state_name(v->path[i].state));
		if (i + 1 == v->n_path)
			break;
		buf_puts(out, v->fin_wait2_at_most && v->path[i + 1].state == ST_TIME_WAIT ? " up to " : " ");
		put_duration(out, span_ns(v->path[i].at_ns, v->path[i + 1].at_ns));
	}
	buf_byte(out, '\n');
}

static void put_times(struct buf *out, const char *what, uint32_t n)
{
	if (n == 1)
		buf_printf(out, ", %s", what);
	else if (n)
		buf_printf(out, ", %s (%u times)", what, n);
}

static void put_wire(struct buf *out, const struct verdict *v)
{
	put_label(out, "wire");
	put_bytes(out, v->sent_bytes, " sent, ");
	put_bytes(out, v->received_bytes, " received");
	if (v->retransmits)
		buf_printf(out, ", %u segment%s sent again", v->retransmits, v->retransmits > 1 ? "s" : "");
	put_times(out, "RST sent", v->rst_sent);
	if (v->rst_sent && v->rst_reason)
		buf_printf(out, ", reason %s", v->rst_reason);
	put_times(out, "RST received", v->rst_received);
	buf_byte(out, '\n');
}

static void put_lost(struct buf *out, const struct verdict *v)
{
	CLEANUP(buf) struct buf lost = BUF_INIT;
	CLEANUP(buf) struct buf linger = BUF_INIT;

	ledger_lost(&lost, v);
	ledger_linger(&linger, v);
	put_sentence(out, "lost", &lost);
	put_sentence(out, "linger", &linger);
}

static void put_error(struct buf *out, const struct verdict *v)
{
	if (!v->error)
		return;
	put_label(out, "program");
	buf_printf(out, "sees %s\n", errname(v->error));
}

static void put_evidence(struct buf *out, const struct verdict *v)
{
	evidence_set set = v->evidence;

	put_label(out, "because");
	if (!set)
		buf_puts(out, "nothing was seen");
	for (; set; set &= set - 1) {
		buf_puts(out, set == v->evidence ? "" : "; ");
		buf_puts(out, evidence_row(evidence_first(set))->words);
	}
	buf_byte(out, '\n');
}

static void put_blind(struct buf *out, const struct verdict *v)
{
	evidence_set set = v->blind;

	if (!set)
		return;
	put_label(out, "blind to");
	for (; set; set &= set - 1) {
		buf_puts(out, set == v->blind ? "" : ", ");
		buf_puts(out, evidence_row(evidence_first(set))->slug);
	}
	buf_byte(out, '\n');
}

void wide_put(struct buf *out, const struct verdict *v, bool utf8)
{
	put_label(out, "means");
	buf_puts(out, verdict_title(v));
	buf_byte(out, '\n');
	put_closer(out, v, utf8);
	put_path(out, v);
	put_wire(out, v);
	put_lost(out, v);
	put_error(out, v);
	put_evidence(out, v);
	put_blind(out, v);
}
