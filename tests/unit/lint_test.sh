#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# A lint that finds nothing is only good news if it would have found something:
# each is shown a tree that is clean but for one thing.
set -u

lints=$PWD/tests/lint
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/tree" "$dir/include/core" "$dir/include/base"
touch "$dir/include/core/flow.h" "$dir/include/base/buf.h"
cd "$dir/tree" || exit 1
count=0
spdx='SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause'

# a FILE: text on standard input, under a licence line
a() {
	mkdir -p "$(dirname "$1")"
	{ echo "/* $spdx */" && cat; } >"$1"
}

clean_tree() {
	rm -rf ./* .ci
	a bpf/wire.h </dev/null
	a bpf/hooks.def <<-'END'
		CELL(STATE, TP_BTF, tp_btf__set_state, set_state, ALWAYS)
		UNDERSTUDY(STATE, TP_BTF, tp_btf__set_state_2, set_state, ALWAYS)
		CELL(STATE, KPROBE, kprobe__set_state, set_state, ALWAYS)
	END
	a bpf/stack.bpf.c <<-'END'
		SEC("?tp_btf/set_state")
		int BPF_PROG(tp_btf__set_state, int a)
		{
		}
		SEC("?tp_btf/set_state") int BPF_PROG(tp_btf__set_state_2)
		{
		}
		SEC("?kprobe/set_state")
		int kprobe__set_state(void *ctx)
		{
		}
		SEC("?iter/tcp")
		int BPF_PROG(walk)
		{
		}
		char license[] SEC("license") = "Dual BSD/GPL";
	END
	a user/core/flow.c <<-'END'
		#include <string.h>
		#include "core/flow.h"
		#include "base/buf.h"
		static const char *const names[] = { "a", "b" };
		unsigned long flow_size(int i);
		unsigned long flow_size(int i) { return strlen(names[i]); }
	END
	a user/sink/text.c <<-'END'
		#include <stdio.h>
		#include "core/record.h"
	END
	a user/load/plan.c <<-'END'
		#include <bpf/libbpf.h>
		#include "hooks.def"
	END
	a user/base/buf.c </dev/null
	a user/demo/play.c <<-'END'
		#include <pcap/pcap.h>
		#include "demo/play.h"
		#include "run.h"
	END
	a user/selftest/stage.c <<-'END'
		#include "demo/play.h"
		#include "place.h"
	END
	a tools/echo_call.c <<-'END'
		#include "base/buf.h"
		#include "echo_call.h"
	END
	a tools/gendoc.c <<-'END'
		#include "sink/schema.h"
	END
}

# compiled: the archives of the tree
compiled() {
	for layer in core base; do
		cc -O2 -fPIC -w -include stddef.h -I../include -c "user/$layer/"*.c -o "$layer.o" && ar rc "lib$layer.a" "$layer.o"
	done
}

# finds LINT TEXT: it must complain of it; with "" of nothing.
finds() {
	count=$((count + 1))
	complaints=$(O=. "$lints/$1" 2>&1 | awk '/^not ok/ { bad = 1; print } /^ok/ { bad = 0 } /^#/ && bad')
	if [ -z "$2" ]; then
		text="$1 is content with a clean tree"
		[ -z "$complaints" ]
	else
		text="$1 finds $2"
		printf '%s\n' "$complaints" | grep '^#' | grep -qF -- "$2"
	fi && echo "ok $count - $text" && return
	echo "not ok $count - $text"
	printf '%s\n' "$complaints" | sed 's/^/# /'
}

clean_tree
for lint in includes hooks places shape; do
	finds $lint.sh ''
done
compiled
finds purity.sh ''

# include FILE LINE: an include that must not be there
include() {
	clean_tree
	echo "#include $2" >>"$1"
	finds includes.sh "$2"
}
include user/core/flow.c '<stdio.h>'
include user/core/flow.c '<time.h>'
include user/core/flow.c '"sink/sink.h"'
include user/core/flow.c '"wire.h"'
include user/base/buf.c '"core/flow.h"'
include user/sink/text.c '"load/session.h"'
include user/sink/text.c '"hooks.def"'
include user/sink/text.c '<bpf/libbpf.h>'
include user/load/plan.c '"sink/sink.h"'
include user/load/plan.c '"core/flow.h"'
include user/demo/play.c '"load/session.h"'
include user/demo/play.c '"sink/sink.h"'
include user/selftest/stage.c '"run.h"'
include user/selftest/stage.c '<bpf/libbpf.h>'
include tools/echo_call.c '"core/record.h"'
include tools/echo_call.c '"run.h"'
include bpf/stack.bpf.c '"user/core/obs.h"'
clean_tree
a user/cmd_x.c <<'END'
#include "wire.h"
END
finds includes.sh 'user/cmd_x.c'

clean_tree
echo 'void flow_say(void) { printf("%d", 1); }' >>user/core/flow.c
compiled
finds purity.sh 'printf'
clean_tree
echo 'int flow_calls; int flow_count(void) { static int n; return ++n; }' >>user/core/flow.c
compiled
finds purity.sh 'flow_calls in .bss'

clean_tree
echo 'CELL(STATE, FENTRY, fentry__set_state, set_state, ALWAYS)' >>bpf/hooks.def
finds hooks.sh 'fentry__set_state'
clean_tree
printf 'SEC("?fentry/set_state")\nint BPF_PROG(fentry__set_state)\n' >>bpf/stack.bpf.c
finds hooks.sh 'fentry__set_state'
clean_tree
printf 'SEC("tp_btf/set_state")\nint BPF_PROG(always_on)\n' >>bpf/stack.bpf.c
finds hooks.sh 'SEC("tp_btf/set_state")'

# place FILE TEXT: a word that must not be there
place() {
	clean_tree
	a "$1" <<-END
		$2
	END
	finds places.sh "$2"
}
place user/log.c 'if (uname(&name))'
place bpf/kern.bpf.h 'if (LINUX_KERNEL_VERSION > KERNEL_VERSION(5, 4, 0))'
place bpf/sock.bpf.h 'struct tcp_sock___old *old;'
place tests/live/x.c "u""sleep(1000);"
place tests/live/x.sh "sle""ep 1"
place tests/live/x.py "time.sle""ep(1)"
place docs/X.md "see /wo""rk/main/user"
place tools/x.sh "cd /ro""ot/x"

# shape FILE PATTERN: the file is already there
shape() {
	finds shape.sh "$2"
	rm -f "$1"
}
clean_tree
awk 'BEGIN { for (i = 0; i < 501; i++) print "int x;" }' | a user/base/long.c
shape user/base/long.c user/base/long.c
awk 'BEGIN { print "int f(void)\n{"; for (i = 0; i < 81; i++) print "\tg();"; print "}" }' | a user/base/f.c
shape user/base/f.c 'user/base/f.c:3: 81 lines: int f(void)'
echo 'int x;' >user/base/bare.c
shape user/base/bare.c user/base/bare.c
mkdir -p tests/scene
echo '# a scene' >tests/scene/bare.scene
shape tests/scene/bare.scene tests/scene/bare.scene
echo '*.o' >.gitignore
shape .gitignore .gitignore
printf '#!/bin/sh\n# %s\n' "$spdx" >run.sh
shape run.sh 'run.sh: not executable'
printf '# %s\n# shellcheck shell=sh\n' "$spdx" >lib.sh
chmod +x lib.sh
shape lib.sh 'lib.sh: no #! line'
if command -v shellcheck >/dev/null; then
	printf '#!/bin/sh\n# %s\necho \044PATH\n' "$spdx" >x.sh
	chmod +x x.sh
	shape x.sh 'x.sh:3'
fi
if command -v mandoc >/dev/null; then
	mkdir -p docs
	echo '.XY z' >docs/tcpclose.8
	shape docs/tcpclose.8 'docs/tcpclose.8'
fi

clean_tree
printf '#!/bin/sh\necho OUTPUT.md is stale; exit 1\n' >gendoc
chmod +x gendoc
finds generated.sh 'OUTPUT.md is stale'
clean_tree
printf '# One\n## The name\n# Two\n## The name\n' >X.md
finds generated.sh 'X.md:4: ## The name: that is line 2 too'
echo "1..$count"
