# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# `make help` says what can be made. Variables first, rules below.

VERSION := 0.1.0
O       ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
V       ?= 0
# Warnings stop a build that goes on to test, not the build of a user with a newer compiler.
WERROR  ?= $(if $(filter check%,$(MAKECMDGOALS)),1,0)
# SANITIZE=address,undefined O=build-san: another build directory for other flags.
SANITIZE ?=

CROSS_COMPILE ?=
ifeq ($(origin CC),default)
CC := $(CROSS_COMPILE)gcc
endif
ifeq ($(origin AR),default)
AR := $(CROSS_COMPILE)ar
endif
CLANG      ?= clang
PKG_CONFIG ?= $(CROSS_COMPILE)pkg-config
# Debian has it in /usr/sbin, which is not in everybody's PATH.
BPFTOOL    ?= $(firstword $(shell command -v bpftool || command -v /usr/sbin/bpftool) bpftool)

# What needs no compiler must not ask for one.
ifneq ($(filter-out clean help,$(or $(MAKECMDGOALS),all)),)
MACHINE     := $(shell $(CC) -dumpmachine)
LIB_CFLAGS  := $(shell $(PKG_CONFIG) --cflags libbpf json-c libpcap libcap-ng libmnl)
LIB_LDLIBS  := $(shell $(PKG_CONFIG) --libs libbpf json-c libpcap libcap-ng libmnl)
TEST_LDLIBS  = -lcmocka
endif
# As libbpf's bpf_tracing.h wants to hear it.
BPF_ARCH := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(firstword $(subst -, ,$(MACHINE)))))

CFLAGS  ?= -O2 -g
LDFLAGS ?=
warnings := -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wpointer-arith -Wvla \
	-Werror=unused-function -Werror=implicit-function-declaration
harden   := -fstack-protector-strong $(if $(SANITIZE),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
sanitize := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
# The same program wherever it is built: BPF programs carry the names of their sources into the kernel.
prefix_map := -ffile-prefix-map=$(CURDIR)=.
werror   := $(if $(filter 1,$(WERROR)),-Werror)

user_flags = -std=gnu11 -D_GNU_SOURCE= -DTCPCLOSE_VERSION='"$(VERSION)"' -Iuser -Ibpf -Itools -I. -isystem $(O)/gen \
	$(warnings) $(harden) $(sanitize) $(prefix_map) $(LIB_CFLAGS) $(CFLAGS)
link_flags = -Wl,-z,relro,-z,now -Wl,--as-needed $(sanitize) $(LDFLAGS)
bpf_flags  = -g -O2 -target bpf -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Ibpf -isystem vmlinux/$(BPF_ARCH) -isystem vmlinux $(prefix_map) $(LIB_CFLAGS) $(BPF_CFLAGS)

# A layer is a directory of user/ and an archive. What a layer sees is what its tests are linked with.
layers     := selftest demo load sink ingest report core base
sees_base   := base
sees_core   := core base
sees_ingest := ingest core base
sees_report := report core base
sees_sink   := sink report core base
sees_tools  := pair base
everything := app $(layers) pair

# sense.bpf.c first: bpftool 7.1 loses the offset of a map that is used before it is defined.
bpf_src    := bpf/sense.bpf.c $(filter-out bpf/sense.bpf.c,$(wildcard bpf/*.bpf.c))
app_src    := $(filter-out user/main.c,$(wildcard user/*.c))
gendoc_src := $(wildcard tools/gendoc*.c)
tool_mains := tools/echo_server.c tools/echo_client.c $(gendoc_src)
pair_src   := $(filter-out $(tool_mains),$(wildcard tools/*.c))
programs   := $(O)/tcpclose $(O)/tcpclose-echo-server $(O)/tcpclose-echo-client

# Kinds of tests, in the order in which they run: the cheap ones first. docs/TESTING.md says what each is for.
kinds      := unit scene golden tape fuzz lint live vm
unit_src   := $(wildcard tests/unit/*_test.c tests/unit/*/*_test.c)
unit_help  := $(filter-out $(unit_src),$(wildcard tests/unit/*/*.c))
scene_src  := $(wildcard tests/scene/*.c)
other_src  := $(wildcard tests/golden/*.c tests/tape/*.c tests/fuzz/*.c)
# Not tests: programs that the scripts beside them run.
live_src   := $(wildcard tests/live/*.c)
live_needs := $(live_src:%.c=$(O)/%)
# Not tests either: `make bench` runs them.
bench_src   := $(wildcard tests/bench/*.c)
bench_alone := $(O)/tests/bench/floor $(O)/tests/bench/programs
bench_fed   := $(O)/tests/bench/consumer
bench_needs := $(O)/tests/bench/load $(bench_alone) $(bench_fed)
# A script is a test when it is executable; what is not is for others to source.
scripts     = $(shell find tests/$(1) -maxdepth $(2) -type f -perm -u=x \( -name '*.sh' -o -name '*.py' \) 2>/dev/null | sort)
built       = $(patsubst %.c,$(O)/%,$(filter tests/$(1)/%,$(unit_src) $(other_src)))
tests_scene := $(if $(scene_src),$(O)/tests/scene/scene)
# T=word takes only the tests with that word in their path.
T          ?=
# Other kernels, in virtual machines: VM=none, some (three of them, briefly) or all.
VM         ?= some
KERNEL     ?=
vm_none    := tests/vm/demo_matrix.sh
vm_some    := tests/vm/demo_matrix.sh
vm_all     := tests/vm/machine.sh tests/vm/demo_matrix.sh tests/vm/refusals.sh tests/vm/live_matrix.sh
vm_scripts  = $(or $(vm_$(VM)),$(error VM=$(VM): none, some or all))
wanted      = $(if $(T),$(foreach t,$(1),$(if $(findstring $(T),$(t)),$(t))),$(1))
test_programs = $(foreach k,$(1),$(call wanted,$(tests_$(k)) $(call built,$(k))))
test_scripts  = $(foreach k,$(1),$(call wanted,$(if $(filter vm,$(k)),$(vm_scripts),$(call scripts,$(k),$(if $(filter unit,$(k)),2,1)))))

# ---------------------------------------------------------------------------

ifeq ($(abspath $(O)),$(CURDIR))
$(error O=$(O) is the source directory: build somewhere else)
endif
ifeq ($(V),1)
say =
Q :=
else
say = @printf '  %-8s%s\n' $(1) $(2)
Q := @
MAKEFLAGS += --no-print-directory
endif
lib = $(foreach l,$(1),$(O)/lib$(l).a)

.PHONY: all programs bench fuzz demo docs check install deb clean help FORCE $(kinds:%=check-%) vm vm-all vm-shell
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:

all programs: $(programs) ## build everything (default)

# One object rule for the program, the tools and the tests.
$(O)/%.o: %.c $(O)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(user_flags) $(werror) -MMD -MP -c -o $@ $<

# Other flags than last time: compile again. (Not for WERROR, which changes no code.)
$(O)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(CC) $(user_flags) / $(CLANG) $(bpf_flags))' | cmp -s - $@ || \
	 printf '%s\n' '$(subst ','\'',$(CC) $(user_flags) / $(CLANG) $(bpf_flags))' >$@

$(O)/bpf/%.bpf.o: bpf/%.bpf.c $(O)/flags
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(bpf_flags) $(werror) -MMD -MP -c -o $@ $<

$(O)/bpf/tcpclose.linked.o: $(patsubst %.c,$(O)/%.o,$(bpf_src))
	$(call say,BPFLINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

# By a temporary file: a half-written header would be newer than what it came from.
$(O)/gen/tcpclose.skel.h: $(O)/bpf/tcpclose.linked.o
	$(call say,SKEL,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name tcpclose_bpf >$@.tmp
	$(Q)mv $@.tmp $@

# Said here because -MMD passes over system headers, and as a system header the skeleton is spared our warnings.
$(patsubst %.c,$(O)/%.o,$(wildcard user/load/*.c)): $(O)/gen/tcpclose.skel.h

# An archive also depends on its directory, so that a deleted file leaves it.
define layer_rule
$(O)/lib$(1).a: $(patsubst %.c,$(O)/%.o,$(2)) $(3)
	$$(call say,AR,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)rm -f $$@ && $(AR) rcsD $$@ $$(filter %.o,$$^)
endef
$(foreach l,$(layers),$(eval $(call layer_rule,$(l),$(wildcard user/$(l)/*.c),$(wildcard user/$(l)))))
$(eval $(call layer_rule,app,$(app_src),user))
$(eval $(call layer_rule,pair,$(pair_src),tools))

# Objects, then archives; the group lets archives be named in any order.
define link
$(call say,LD,$@)
$(Q)mkdir -p $(@D)
$(Q)$(CC) $(CFLAGS) $(link_flags) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(1) $(LIB_LDLIBS)
endef

$(O)/tcpclose: $(O)/user/main.o $(call lib,$(everything))
	$(call link)
$(O)/tcpclose-echo-server: $(O)/tools/echo_server.o $(call lib,pair base)
	$(call link)
$(O)/tcpclose-echo-client: $(O)/tools/echo_client.o $(call lib,pair base)
	$(call link)
$(O)/gendoc: $(gendoc_src:%.c=$(O)/%.o) $(call lib,$(everything))
	$(call link)

# tests/unit/LAYER/NAME_test.c sees what LAYER sees; the other .c files beside it help all of them.
# Static pattern rules: an implicit one would be passed over while a helper is not compiled yet.
unit_dirs := $(sort $(patsubst tests/unit/%/,%,$(filter-out tests/unit/,$(dir $(unit_src)))))
define unit_rule
$(patsubst %.c,$(O)/%,$(filter tests/unit/$(1)/%,$(unit_src))): $(O)/%: $(O)/%.o $(patsubst %.c,$(O)/%.o,$(filter tests/unit/$(1)/%,$(unit_help))) $(call lib,$(or $(sees_$(1)),$(everything)))
	$$(call link,$$(TEST_LDLIBS))
endef
$(foreach d,$(unit_dirs),$(eval $(call unit_rule,$(d))))
$(patsubst %.c,$(O)/%,$(wildcard tests/unit/*_test.c)): $(O)/%: $(O)/%.o $(call lib,$(everything))
	$(call link,$(TEST_LDLIBS))
$(O)/tests/scene/scene: $(patsubst %.c,$(O)/%.o,$(scene_src)) $(call lib,ingest core base)
	$(call link,$(TEST_LDLIBS))
$(O)/tests/golden/%: $(O)/tests/golden/%.o $(call lib,sink report core base)
	$(call link,$(TEST_LDLIBS))
$(O)/tests/tape/%: $(O)/tests/tape/%.o $(call lib,$(everything))
	$(call link,$(TEST_LDLIBS))
$(O)/tests/fuzz/%: $(O)/tests/fuzz/%.o $(call lib,$(everything))
	$(call link)
$(O)/tests/live/%: $(O)/tests/live/%.o $(call lib,$(everything))
	$(call link,$(TEST_LDLIBS))

$(bench_alone): $(O)/%: $(O)/%.o
	$(call link)
$(bench_fed): $(O)/%: $(O)/%.o $(call lib,ingest $(sees_sink))
	$(call link)
$(O)/tests/bench/load: $(filter-out $(bench_alone:%=%.o) $(bench_fed:%=%.o),$(patsubst %.c,$(O)/%.o,$(bench_src)))
	$(call link)

# Tests run at the top of the tree and find the build in $O. UPDATE=1 rewrites what golden tests expect.
export UPDATE VM
run_tests = $(Q)O='$(abspath $(O))' tests/run.sh $(foreach k,$(1),$(addprefix $(k)=,$(call test_programs,$(k)) $(call test_scripts,$(k))))
lint_needs := $(call lib,core) $(if $(wildcard tools/gendoc.c),$(O)/gendoc)

check: $(programs) $(call test_programs,$(kinds)) $(lint_needs) $(live_needs) ## every test that this machine can run (T=word: only those with word in their path)
	$(call run_tests,$(kinds))
check-unit: $(call test_programs,unit) $(if $(filter %/gendoc_test.sh,$(call test_scripts,unit)),$(O)/gendoc) ## pure modules, one test program each
	$(call run_tests,unit)
check-scene: $(call test_programs,scene) ## observations as text, and the verdict they must give
	$(call run_tests,scene)
check-golden: $(call test_programs,golden) ## what each sink prints (UPDATE=1 rewrites what is expected)
	$(call run_tests,golden)
check-tape: $(programs) $(call test_programs,tape) ## recorded wire, and the verdicts it must give
	$(call run_tests,tape)
check-fuzz: $(call test_programs,fuzz) ## bytes that nobody vouches for: the corpus, and what chance makes of it
	$(call run_tests,fuzz)
check-lint: $(lint_needs) ## the house rules
	$(call run_tests,lint)
check-live: $(programs) $(live_needs) ## every ending on the running kernel (as root)
	$(call run_tests,live)
check-vm: $(programs) $(live_needs) ## the endings inside other kernels (VM=none|some|all; qemu, Debian's kernels)
	$(call run_tests,vm)
vm: $(programs) $(live_needs) ## everything inside one kernel of tests/vm/kernels.txt: KERNEL=6.1
	$(if $(KERNEL),,$(error which kernel? KERNEL=6.1, or another of tests/vm/kernels.txt))
	$(Q)VM=all KERNELS='$(KERNEL)' O='$(abspath $(O))' tests/run.sh $(addprefix vm=,$(call wanted,$(vm_all)))
vm-all: $(programs) $(live_needs) ## everything inside every kernel (UPDATE=1: into docs/KERNELS.md too)
	$(Q)VM=all O='$(abspath $(O))' tests/run.sh $(addprefix vm=,$(call wanted,$(vm_all)))
	$(if $(UPDATE),$(Q)$(MAKE) docs)
vm-shell: $(programs) ## a shell inside one kernel, with tcpclose and the pair: KERNEL=6.1
	$(if $(KERNEL),,$(error which kernel? KERNEL=6.1, or another of tests/vm/kernels.txt))
	$(Q)O='$(abspath $(O))' bash tests/vm/shell.sh '$(KERNEL)'

# libFuzzer's own main() takes the place of ours; what it finds new is kept in the build.
fuzz: ## look for more of such bytes (clang): FUZZ='-max_total_time=600 -jobs=2'
	$(Q)$(MAKE) O='$(O)/fuzz' CC='$(CLANG)' SANITIZE=address,undefined,fuzzer-no-link CFLAGS='-O1 -g -DLIBFUZZER' LDFLAGS=-fsanitize=fuzzer '$(O)/fuzz/tests/fuzz/tape'
	$(Q)mkdir -p '$(O)/fuzz/corpus'
	$(Q)'$(O)/fuzz/tests/fuzz/tape' $(FUZZ) -artifact_prefix='$(O)/fuzz/' '$(O)/fuzz/corpus' tests/tape tests/fuzz/corpus

bench: $(programs) $(bench_needs) ## what tracing costs, into $O/bench.md (as root; PEERS=1: other tools too; BENCH='--help')
	$(Q)O='$(abspath $(O))' tests/bench/bench.py $(if $(filter-out 0,$(PEERS)),--peers) $(BENCH)

demo: all ## run the echo pair through two endings and show both stories (as root)
	$(Q)$(O)/tcpclose demo

docs: $(O)/gendoc ## print the generated documents into docs/
	$(Q)$(O)/gendoc

install: all ## install under PREFIX (/usr/local), staged in DESTDIR
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/man/man8'
	install -m 755 $(programs) '$(DESTDIR)$(PREFIX)/bin'
	install -m 644 docs/tcpclose.8 '$(DESTDIR)$(PREFIX)/share/man/man8'

deb: all ## a .deb of this build in the build directory
	+$(Q)VERSION='$(VERSION)' tools/deb.sh '$(O)'

clean: ## remove what was built
	rm -rf $(addprefix $(O)/,bpf gen user tools tests deb) $(O)/*.a $(O)/*.deb $(O)/bench.md $(O)/flags $(O)/gendoc $(programs)

help: ## this list
	@awk -F':.*## ' '/^[a-z][a-z -]*:.*## / { sub(/ .*/, "", $$1); printf "  %-14s%s\n", $$1, $$2 }' Makefile
	@echo; echo 'Variables: O=DIR V=1 WERROR=1 SANITIZE=address,undefined PREFIX= DESTDIR= CC= CLANG= BPFTOOL= CROSS_COMPILE= T=WORD UPDATE=1 PEERS=1 FUZZ=-help=1 VM=none|some|all KERNEL=6.1 THOROUGH=1 KEPT=1'

all_src := $(bpf_src) $(app_src) user/main.c $(wildcard user/*/*.c tools/*.c) $(unit_src) $(unit_help) $(scene_src) $(other_src) $(live_src) $(bench_src)
-include $(patsubst %.c,$(O)/%.d,$(all_src))
