#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# tools/setup.sh on machines that are not this one: the package managers are fakes that write down what they are asked.
set -u
# The caller may ask for all kernels; what is asked for here is asked for here.
unset VM

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
count=0

# fake NAME STATUS
fake() {
	printf '#!/bin/sh\necho "%s $*" >>"%s/asked"\nexit %s\n' "$1" "$dir" "$2" >"$dir/bin/$1"
	chmod +x "$dir/bin/$1"
}

# A machine with the base system and this package manager, and nothing to build with.
bare_machine() {
	rm -rf "${dir:?}/bin" "$dir/asked"
	mkdir "$dir/bin"
	for tool in sh cat dirname getconf grep id sed sort tr uname; do
		ln -s "$(command -v "$tool")" "$dir/bin/$tool"
	done
	[ -z "$1" ] || fake "$1" 0
}

# setup PATH ARGUMENT ...
setup() {
	path=$1
	shift
	env PATH="$path" tools/setup.sh "$@" >"$dir/out" 2>&1
	status=$?
}

# ok NAME CONDITION ...
ok() {
	name=$1
	shift
	count=$((count + 1))
	if "$@"; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		echo "# exit status $status"
		sed 's/^/# /' "$dir/out" "$dir/asked" 2>/dev/null
	fi
}

# asked PATTERN: a package manager was asked that
asked() { grep -qE -- "$1" "$dir/asked" 2>/dev/null; }
said() { grep -qE -- "$1" "$dir/out"; }
not_said() { ! said "$1"; }
asked_nothing() { [ ! -e "$dir/asked" ]; }

if [ "$(id -u)" -ne 0 ]; then
	echo '1..0 # SKIP not root: setup.sh asks for root before it asks a package manager'
	exit
fi

bare_machine apt-get
setup "$dir/bin"
ok 'apt refreshes its lists first' [ "$(head -n 1 "$dir/asked")" = 'apt-get -q update' ]
ok 'apt installs without recommendations' asked '^apt-get .*install -y --no-install-recommends .*clang.* gcc.* libbpf-dev'
ok 'a package that did not bring what it should is named' said 'still missing after the installation: .*libbpf-dev'
ok 'and nothing is made then' [ "$status" -eq 1 ]
ok 'a build needs no test tools' not_said cmocka
bare_machine apt-get
setup "$dir/bin" check
ok 'check needs test tools too' asked 'install .*libcmocka-dev'

# A machine that can build, whose package manager fails on what is asked for.
builder() {
	bare_machine "$1"
	fake "$1" 1
	rm "$dir/bin/uname"
	printf '#!/bin/sh\necho %s\n' "$2" >"$dir/bin/uname"
	# Only what the table asks for: qemu and the rest of a virtual machine are not there.
	for tool in gcc make clang bpftool pkg-config ip; do
		ln -s "$(PATH="$PATH:/usr/sbin:/sbin" command -v $tool)" "$dir/bin/$tool" || return
	done
	rm "$dir/bin/make"
	printf '#!/bin/sh\necho made "$@"\n' >"$dir/bin/make"
	# Whose modules are all there, wherever this machine's python3 keeps them.
	printf '#!/bin/sh\n' >"$dir/bin/python3"
	chmod +x "$dir/bin/make" "$dir/bin/uname" "$dir/bin/python3"
	# It looks in the system's own directories too: two tools that are in none.
	mkdir -p "$dir/tools"
	sed 's/zstd           zstd /no-such-tool   zstd /; s/aarch64-linux-gnu-gcc /no-such-compiler /' tools/setup.sh >"$dir/tools/setup.sh"
}
if builder apt-get x86_64 2>/dev/null; then
	(PATH=$dir/bin sh "$dir/tools/setup.sh" check >"$dir/out" 2>&1; echo $? >"$dir/status")
	status=$(cat "$dir/status")
	ok 'what only other kernels need may fail' said 'could not be installed: going on without'
	ok 'and the target is made without' said '^made .*check$'
	ok 'check does not want what builds for the other architecture' not_said gcc-aarch64
	(PATH=$dir/bin VM=none sh "$dir/tools/setup.sh" check >"$dir/out" 2>&1)
	ok 'with VM=none it is not asked for' not_said zstd
	ok 'and what the lints run is' said 'wanted, not needed: mandoc shellcheck$'
	(PATH=$dir/bin sh "$dir/tools/setup.sh" vm-all >"$dir/out" 2>&1)
	ok 'vm-all wants what builds for the other architecture' said 'wanted, not needed: .*gcc-aarch64-linux-gnu'
fi
bare_machine dnf
setup "$dir/bin"
ok 'dnf is asked for its own names' asked '^dnf install -y .*elfutils-libelf-devel.* libbpf-devel'
bare_machine pacman
setup "$dir/bin"
ok 'pacman is asked for its own names' asked '^pacman -S --needed --noconfirm .*json-c.* libbpf .*libelf'
bare_machine zypper
setup "$dir/bin"
ok 'zypper is asked for its own names' asked '^zypper --non-interactive install .*libbpf-devel.* libjson-c-devel'

bare_machine ''
setup "$dir/bin"
ok 'without a package manager the missing are named' said 'missing: .*libbpf'
ok 'and it says that somebody must install them' said 'by hand'

bare_machine apt-get
rm "$dir/bin/id"
printf '#!/bin/sh\necho 1000\n' >"$dir/bin/id"
chmod +x "$dir/bin/id"
setup "$dir/bin" demo
ok 'without root nothing is tried' asked_nothing
ok 'and the command that would do it is shown' said 'sudo tools/setup.sh demo$'

bare_machine ''
for name in apt-get dnf pacman zypper; do
	fake $name 1
done
setup "$dir/bin:$PATH" help
ok 'where nothing is missing no package manager is asked' asked_nothing
ok 'and the target is made' said '^ *check-unit'
ok 'with its exit status' [ "$status" -eq 0 ]
setup "$dir/bin:$PATH" no-such-target
ok 'a target that fails makes setup fail' [ "$status" -ne 0 ]
echo "1..$count"
