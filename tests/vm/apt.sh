# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# shellcheck shell=bash
#
# apt.sh: for kernel.sh and sysroot.sh to source. A private apt tree, so that nothing
# of another suite or architecture is installed on this machine, or known to its apt.
# The mirror is the one that this machine's apt already uses; signatures are checked.
#
#   apt_tree ARCH SUITE[,SUITE]   writes the tree; $apt_conf then names its configuration
#
# Who sources it sets cache (an absolute directory) and defines say and die.
#
# TCPCLOSE_VM_MIRROR             Debian archive, if apt here has none
# TCPCLOSE_VM_SECURITY_MIRROR    the same for the security archive
apt_keyring=/usr/share/keyrings/debian-archive-keyring.gpg
apt_conf=
: "${cache:?}"

# The machine's own sources, by what the archive calls itself, else by the look
# of its address: without a fetched list apt does not know the label yet.
apt_mirror() { # LABEL ENDING
	{
		apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' "Label: $1" 2>/dev/null
		apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' 2>/dev/null | grep -E "/$2/?\$"
	} | head -n 1 || true
}

apt_sources() { # ARCH SUITES
	local archive security suite from

	archive=${TCPCLOSE_VM_MIRROR:-$(apt_mirror Debian debian)}
	security=${TCPCLOSE_VM_SECURITY_MIRROR:-$(apt_mirror Debian-Security debian-security)}
	for suite in ${2//,/ }; do
		case $suite in
		*-security) from=$security ;;
		*) from=$archive ;;
		esac
		if [ -n "$from" ]; then
			echo "deb [arch=$1 signed-by=$apt_keyring] $from $suite main"
		else
			say "apt here knows no archive that has $suite: left out"
		fi
	done
}

# Written anew each time: the cache may have been moved since.
apt_tree() { # ARCH SUITES
	local tree=$cache/apt/$1-$2

	command -v apt-get >/dev/null || die "needs apt-get to fetch Debian's packages"
	[ -r "$apt_keyring" ] || die "needs $apt_keyring (package debian-archive-keyring)"
	mkdir -p "$tree"/etc/{apt.conf.d,preferences.d,trusted.gpg.d,sources.list.d} \
		"$tree"/state/lists/partial "$tree"/cache/archives/partial
	: >"$tree/state/status"
	apt_sources "$1" "$2" >"$tree/etc/sources.list"
	[ -s "$tree/etc/sources.list" ] || die "no Debian archive in this machine's apt sources; name one in TCPCLOSE_VM_MIRROR"

	# Read after the machine's configuration: its proxy stays, its sources, keys
	# and what it runs after an update do not.
	apt_conf=$tree/apt.conf
	cat >"$apt_conf" <<-END
		Dir::Etc "$tree/etc";
		Dir::Etc::Trusted "$tree/etc/none.gpg";
		Dir::State "$tree/state";
		Dir::State::Lists "$tree/state/lists";
		Dir::State::status "$tree/state/status";
		Dir::Cache "$tree/cache";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear APT::Architectures;
		APT::Architecture "$1";
		APT::Architectures { "$1"; };
		APT::Sandbox::User "";
		APT::Get::AllowUnauthenticated "false";
		Acquire::AllowInsecureRepositories "false";
		Acquire::Languages "none";
		Acquire::Retries "3";
	END
}
