/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* play: one ending from the first process to the last verdict, as one story. */
#ifndef TCPCLOSE_DEMO_PLAY_H
#define TCPCLOSE_DEMO_PLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/record.h"
#include "demo/capture.h"
#include "demo/check.h"
#include "demo/keep.h"
#include "demo/pair.h"
#include "endings.h"
#include "raw_net.h"
#include "run.h"

enum play_result {
	PLAY_AS_EXPECTED,
	PLAY_DIFFERS,	  /* the story says how */
	PLAY_SKIPPED,	  /* impossible on this machine; logged */
	PLAY_INTERRUPTED, /* a signal ended the run */
};

/* All zero, then what stands above the line is set by the caller. */
struct play {
	struct run *run;
	struct capture *capture; /* NULL = no segments */
	uint16_t port;
	uint8_t family;
	bool mapped;	/* as pair_config */
	uint32_t netns; /* whatever is not of this namespace is not ours; 0 = any */
	int netns_fd;	/* where both programs run; 0 = here */
	uint64_t delay_ns;
	bool segments; /* of a scripted peer's wire too, also without `capture` */
	bool brief;    /* as story.brief */
	bool follow;   /* until the mini-sockets have ended */
	bool progress; /* on standard error, which is a terminal */
	int (*emit)(void *ctx, const struct record *record);
	void (*leave)(void *ctx); /* the namespace will be let go, before the story is over; may be NULL */
	void *ctx;
	/* --- */
	const struct ending *ending;
	enum side closer;
	struct pair *pair;
	struct keep keep;
	bool open;	   /* a story is being lived through */
	uint64_t began_ns, ended_ns; /* ended: both programs have; 0 = not yet */
	uint64_t said_s;   /* progress */
	uint64_t captured_lost; /* said so far */
	bool left; /* the namespace was let go */
	bool net_is_open;
	struct raw_net net;	  /* of a story with a scripted peer ... */
	struct capture *net_capture; /* ... and what is captured in it */
	int err;
};

/* What the run gives out goes through here: kept for the story, or passed on. */
int play_take(struct play *play, const struct record *record);
/* What capture_open() wants as its callback; ctx is the play. */
void play_segment(void *ctx, const struct segment *segment);
/* Lives through it and emits its story. 0 and *ret, or negative errno, logged. */
int play_ending(struct play *play, const struct ending *ending, enum side closer,
		enum play_result *ret);
void play_free(struct play *play);

/*
 * The same by hand, for whoever has several under way at once: begin, let the run
 * turn until it is over, look, close. All that was seen is in play->keep until then.
 */
/* The namespace and the wire of a scripted peer, before it begins; elsewhere nothing. 0, or negative errno, logged. */
int play_open_net(struct play *play, const struct ending *ending);
/* What was captured by now is kept. */
void play_drain(struct play *play);
/* 0, or negative errno, logged; play_close() is needed after either. */
int play_begin(struct play *play, const struct ending *ending, enum side closer);
bool play_over(struct play *play);
/* Is it what it had to be? Else why says what is not. */
bool play_good(const struct play *play, char why[CHECK_WHY]);
/* Did a program not do its part: not started, late, or ended otherwise? */
bool play_stumbled(const struct play *play);
/* Does another try make sense? Chance has a part in some. */
bool play_tries_again(const struct play *play, int tries);
/*
 * Only the kernel's reason tells a full accept queue from another RST of that moment:
 * where it gives none (its RSTs show it), that ending is never said. Why, or NULL.
 */
const char *play_unsaid(const struct play *play);
/* Can it be done on this machine at all? Logged when not. */
bool play_possible(const struct ending *ending);
void play_close(struct play *play);

#endif
