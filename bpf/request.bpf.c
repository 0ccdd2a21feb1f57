// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* request: half-open connections that end before they become a socket. */
#include "request.bpf.h"

/* Of every timer of the machine. Timer softirq; nothing is locked, and what the timer stands in may be free memory by now. */
SEC("?tp_btf/timer_expire_exit")
int BPF_PROG(tp_btf__timer_expire_exit, struct timer_list *timer)
{
	return is_requests(timer) ? on_request_expired(timer, request_of_timer(timer)) : 0;
}

SEC("?fentry/__inet_csk_reqsk_queue_drop")
int BPF_PROG(fentry____inet_csk_reqsk_queue_drop, struct sock *sk, struct request_sock *req,
	     __u8 from_timer)
{
	return on_request_drop(ctx, req, from_timer);
}
