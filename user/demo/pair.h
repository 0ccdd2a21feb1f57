/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* pair: both echo programs, started, listened to and seen to their end. */
#ifndef TCPCLOSE_DEMO_PAIR_H
#define TCPCLOSE_DEMO_PAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/record.h"
#include "endings.h"
#include "run.h"

struct pair;

struct pair_config {
	const struct ending *ending;
	enum side closer;
	uint8_t family; /* 4 or 6 */
	bool mapped;	/* family 6: IPv4 by IPv6 sockets (::ffff:127.0.0.1) */
	uint16_t port;
	uint64_t delay_ns;
	int netns; /* descriptor of the network namespace where both run; 0 = ours */
	int tun;   /* of a scripted peer (ending_is_raw): its wire */
	/* Every call that one of them reports; nonzero ends the run with that error. */
	int (*app)(void *ctx, const struct app *app);
	void *ctx;
};

/* Are both programs there to be executed? Negative errno, logged. */
int pair_check(void);
/*
 * Starts the server, and the client as soon as the server is ready for it: both
 * from the directory of this program, as nobody if we are root. They are watched
 * by the run's loop. 0, or negative errno, logged.
 */
int pair_start(struct run *run, const struct pair_config *config, struct pair **ret);
/* Both have ended and everything that they reported was given out. */
bool pair_done(const struct pair *pair);
#define PAIR_WHY 128
/* One could not be started, or ended otherwise than its part demands: a clause in why. */
bool pair_failed(const struct pair *pair, char why[PAIR_WHY]);
/* Kills what still runs of them; they are done a turn of the loop later. */
void pair_kill(struct pair *pair);
/* Frees it; what still runs is killed and waited for. NULL is fine. */
void pair_free(struct pair *pair);

#endif
