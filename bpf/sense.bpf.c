// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The maps and the config that all sensors share; each sensor sees them as extern. */
#include "sense.bpf.h"

const volatile struct wire_config config = {};

/* Set here when the reader was woken, cleared by the reader. */
int reader_woken = 0;

/* All that the ring had no room for: what the reader looks at before it believes anything. */
__u64 lost_records = 0;

/* Set by the reader: from now on changes of state may go unseen. */
int states_unseen = 0;

/* Never written: but the verifier does not know what is in it, nor what a number is once it was added. */
__u64 nothing = 0;

/* kern.bpf.h: programs that look through open files, as this one does. 0 = not known yet. */
__u64 looker_name = 0;
__u64 looker_exe = 0;

struct ring_map ring SEC(".maps");
struct counts_map counts SEC(".maps");
struct answers_map answers SEC(".maps");
struct cpus_map cpus SEC(".maps");
struct connects_map connects SEC(".maps");
struct claims_map claims SEC(".maps");

char LICENSE[] SEC("license") = "Dual BSD/GPL";
