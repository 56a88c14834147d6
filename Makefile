# SPDX-License-Identifier: Apache-2.0
# Aurora. `make help` lists the goals; V=1 shows the commands.

MAKEFLAGS += --no-print-directory $(if $(filter 0,$(MAKELEVEL)),-j$(shell nproc))
BUILD   ?= build
PREFIX  ?= /usr/local
SECONDS ?= 60
ifeq ($(origin CC),default)
CC := gcc
endif

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror
HARDEN   := -D_FORTIFY_SOURCE=2 -fstack-protector-strong
OPTIMISE := -O2 -g
LINK     := -Wl,-z,relro,-z,now -Wl,--as-needed
ifdef SANITIZE # by the goals asan, ubsan, sanitize and fuzz, each in a build directory of its own
HARDEN   :=
OPTIMISE := -O1 -g -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
endif
# The core knows POSIX and nothing more; what touches the system may use all of Linux.
DEFINES = $(if $(filter crypto/% gossip/% sim/%,$<),-D_POSIX_C_SOURCE=200809L,-D_GNU_SOURCE)
# A fused multiply-add rounds once where two operations round twice, and whether there is one is up
# to the compiler; the same seed must give the same world.
EXACT   = $(if $(filter gossip/% sim/%,$<),-ffp-contract=off)
COMPILE = $(CC) -std=c11 -I. $(OPTIMISE) $(HARDEN) $(WARNINGS) $(CFLAGS)
Q   := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(patsubst $(BUILD)/%,%,$@))

# One archive per folder, each of all its sources but main.c. The very same gossip objects go
# into the daemon and into the simulator.
AREAS   := crypto gossip sim node tools web
FOLDER_web := clients/web/wasm
folder   = $(or $(FOLDER_$(1)),$(1))
objects  = $(patsubst %.c,$(BUILD)/%.o,$(1))
sources  = $(filter-out $(call folder,$(1))/main.c,$(wildcard $(call folder,$(1))/*.c))
archives = $(foreach a,$(1),$(if $(call sources,$(a)),$(BUILD)/libaurora-$(a).a))

# What the programs and the tests of a folder are linked with.
USES_crypto := crypto
USES_gossip := sim gossip crypto
USES_sim    := sim gossip crypto
USES_scenario := sim gossip crypto
USES_node   := node gossip crypto
USES_tools  := tools gossip crypto
USES_web    := web gossip crypto
USES_fuzz   := node sim tools gossip crypto
LENT_fuzz   := tests/node/http_stage.c # a helper that another folder's tests have, too
LIBS := -lev -lhttp_parser -ljansson -lcurl -lmsgpackc -lsodium -lm -lpthread # as needed

PROGRAM_node  := aurora-node
PROGRAM_tools := aurora
PROGRAM_sim   := aurora-sim
PROGRAMS := $(foreach a,node tools sim,$(if $(wildcard $(a)/main.c),$(BUILD)/$(PROGRAM_$(a))))

all: $(PROGRAMS) $(call archives,$(AREAS))

define area_rules
$(BUILD)/libaurora-$(1).a: $(call objects,$(call sources,$(1)))
ifdef PROGRAM_$(1)
$(BUILD)/$(PROGRAM_$(1)): $(BUILD)/$(1)/main.o $(call archives,$(USES_$(1)))
	$$(call say,LINK)
	$$(Q)$$(CC) -o $$@ $$(OPTIMISE) $$^ $$(LINK) $$(LDFLAGS) $$(LIBS)
endif
endef
$(foreach a,$(AREAS),$(eval $(call area_rules,$(a))))

$(BUILD)/%.a:
	$(call say,AR)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/%.o: %.c $(BUILD)/flags | packages
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(COMPILE) $(EXACT) $(DEFINES) -MMD -MP -c -o $@ $<

# Files that the node serves, in its own memory: URL=FILE. What changed there changes an ETag in the
# generated source, and so the object is made again.
SERVED := $(wildcard $(foreach f,*.js *.d.ts pages/*,clients/web/$(f)))
EMBED  := $(foreach f,$(SERVED),/$(f)=$(f)) /clients/web/aurora.wasm=$(BUILD)/web/aurora.wasm
$(BUILD)/libaurora-node.a: $(BUILD)/node/pages_data.o
$(BUILD)/node/pages_data.o: $(BUILD)/node/pages_data.c $(BUILD)/flags
	$(call say,CC)
	$(Q)$(COMPILE) $(DEFINES) -c -o $@ $<
$(BUILD)/node/pages_data.c: $(SERVED) $(BUILD)/web/aurora.wasm FORCE
	@mkdir -p $(@D); node/embed.sh $(EMBED) > $@.new && \
	    { cmp -s $@.new $@ && rm $@.new || mv $@.new $@; }

# The browser's module: the encoding and the checks of peers, and the client's schedule, in
# WebAssembly. What none of its exports reach is left out, libsodium's callers among it; and it
# imports nothing. Beside it, a copy of everything else that belongs to the package.
WASM      := $(BUILD)/web/aurora.wasm
WASM_CC   := clang --target=wasm32-wasi
WASM_C    := $(wildcard clients/web/wasm/*.c) crypto/hex.c crypto/sign_frame.c \
    $(patsubst %,gossip/%.c,statement_encode statement_peer text wire_put)
WASM_FLAGS := -Oz -ffunction-sections -fdata-sections -nostdlib -Wl,--no-entry,--gc-sections \
    -Wl,--strip-all,-z,stack-size=65536
MSGPACK   := /usr/include/msgpack# the one header-only library in it; of /usr/include nothing else
PACKAGE   := $(patsubst clients/web/%,$(BUILD)/web/%,$(filter-out %/wasm %/pages, \
    $(wildcard clients/web/*)))
all: wasm
wasm: $(WASM) $(PACKAGE)
$(WASM): $(WASM_C) $(wildcard clients/web/wasm/*.h gossip/*.h crypto/*.h) Makefile | packages
	$(call say,WASM)
	$(Q)mkdir -p $(@D) $(BUILD)/wasm && ln -sfn $(MSGPACK) $(BUILD)/wasm/msgpack
	$(Q)$(WASM_CC) -std=c11 -I. -isystem $(BUILD)/wasm $(WARNINGS) $(WASM_FLAGS) -o $@ $(WASM_C) -lc
$(PACKAGE): $(BUILD)/web/%: clients/web/%
	$(Q)mkdir -p $(@D) && cp $< $@

# Another compiler or other flags in the same directory: everything is stale.
FLAGS := $(COMPILE) $(LINK) $(LDFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D); echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' > $@
FORCE:

# Each tests/<area>/test_x.c is a program of its own; the other sources of its folder and those of
# tests/support are its helpers. So are fuzzers, except that libFuzzer drives them.
tests_of = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/$(1)/$(2)_*.c))
besides  = $(filter-out tests/$(1)/$(2)_%,$(wildcard tests/$(1)/*.c tests/support/*.c $(LENT_$(1))))
define test_rules
$(call tests_of,$(1),$(2)): %: %.o \
    $(call objects,$(call besides,$(1),$(2))) $(call archives,$(USES_$(1)))
	$$(call say,LINK)
	$$(Q)$$(CC) -o $$@ $$(OPTIMISE) $$^ $$(LINK) $$(LDFLAGS) $$(LIBS) $(3)
endef
add_tests = $(if $(call tests_of,$(1),$(2)),$(eval $(call test_rules,$(1),$(2),$(3))))
$(foreach a,$(AREAS) scenario,$(call add_tests,$(a),test,-lcriterion))
$(call add_tests,fuzz,fuzz,-fsanitize=fuzzer)
UNIT     := $(foreach a,$(AREAS),$(call tests_of,$(a),test))
SCENARIO := $(call tests_of,scenario,test)
FUZZERS  := $(call tests_of,fuzz,fuzz)
PYTEST   := $(if $(wildcard tests/integration/test_*.py),--pytest tests/integration)
RUN      := AURORA_BUILD=$(abspath $(BUILD)) tests/run

test: all $(UNIT) $(SCENARIO)
	$(Q)$(RUN) $(PYTEST) $(SCENARIO) $(UNIT)
unit: $(UNIT)
	$(Q)$(RUN) $(UNIT)
scenario: $(SCENARIO)
	$(Q)$(RUN) $(SCENARIO)
integration: all
	$(Q)$(RUN) $(PYTEST)
build-tests: $(UNIT) $(SCENARIO)

asan:     SET = address
ubsan:    SET = undefined
sanitize: SET = address,undefined
asan ubsan sanitize: packages
	$(Q)$(MAKE) BUILD=$(BUILD)-$@ SANITIZE=$(SET) all unit
clang: packages
	$(Q)$(MAKE) BUILD=$(BUILD)-clang CC=clang all build-tests
fuzz: packages
	$(Q)$(MAKE) BUILD=$(BUILD)-fuzz CC=clang SANITIZE=fuzzer-no-link,address,undefined fuzz-build
	$(Q)tests/fuzz/run $(SECONDS) $(BUILD)-fuzz/found $(FUZZERS:$(BUILD)/%=$(BUILD)-fuzz/%)
fuzz-build: $(FUZZERS)
cover: packages
	$(Q)$(MAKE) BUILD=$(BUILD)-cover CFLAGS=--coverage LDFLAGS=--coverage unit
	$(Q)gcov -n -r $(patsubst %.c,$(BUILD)-cover/%.o,$(foreach a,$(AREAS),$(call sources,$(a)))) | \
	    awk -F"'" '/^File/ {f=$$2} /^Lines/ && f {printf "%-28s %s\n", f, $$0; f = ""}'
tidy: packages $(call archives,crypto gossip)
	$(Q)tests/tidy $(BUILD)
format: packages
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h')

run: all
	$(Q)BUILD=$(BUILD) ONCE=$(ONCE) tools/demo.sh
sim-mutants: $(BUILD)/tests/mutants/worlds
	$(Q)COMPILE='$(COMPILE) -ffp-contract=off -D_POSIX_C_SOURCE=200809L' \
	    LINKING='$(CC) $(OPTIMISE) $(LINK) $(LDFLAGS)' LIBRARIES='$(LIBS)' \
	    tests/mutants/run $(BUILD) $(ONLY)
$(BUILD)/tests/mutants/worlds: $(BUILD)/tests/mutants/worlds.o $(call archives,sim gossip crypto)
	$(call say,LINK)
	$(Q)$(CC) -o $@ $(OPTIMISE) $^ $(LINK) $(LDFLAGS) $(LIBS)
sim: all
	$(Q)tests/sim/run $(BUILD)/aurora-sim
sim-determinism: packages
	$(Q)tests/sim/determinism $(BUILD)
screenshots: packages # of a cluster that runs: `make run`, or NODES="URL..."
	$(Q)mkdir -p $(BUILD)/browser docs/images && cp tests/browser/package*.json $(BUILD)/browser
	$(Q)cd $(BUILD)/browser && npm ci --ignore-scripts --no-audit --no-fund
	$(Q)node tests/browser/screenshots.mjs $(abspath $(BUILD))/browser $$(command -v chromium) \
	    docs/images $(or $(NODES),$(foreach port,4780 4781 4782,http://127.0.0.1:$(port)))
# Load generators: those that need nothing but the system, and those that are made of the core.
BENCH_LOADS := $(patsubst %,$(BUILD)/tests/bench/%,watchers registrar spread)
BENCH_CORES := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/homes.c tests/bench/write_costs.c))
$(BENCH_LOADS): %: %.o $(BUILD)/tests/bench/net.o
$(BENCH_CORES): %: %.o $(call archives,$(USES_node))
$(BENCH_LOADS) $(BENCH_CORES):
	$(call say,LINK)
	$(Q)$(CC) -o $@ $(OPTIMISE) $^ $(LINK) $(LDFLAGS) $(LIBS)
bench-programs: all $(BENCH_LOADS) $(BENCH_CORES)
bench-packages: packages # what the rivals are; without them there are fewer rows
	-@.ci/packages $@
bench: bench-programs bench-packages
	$(Q)BUILD=$(BUILD) tests/bench/run
bench-%: bench-programs bench-packages
	$(Q)BUILD=$(BUILD) tests/bench/run $*

MANUALS := $(wildcard docs/man/*.1)
install: all
	install -d $(DESTDIR)$(PREFIX)/bin
	install $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	$(if $(MANUALS),install -d $(DESTDIR)$(PREFIX)/share/man/man1)
	$(if $(MANUALS),install -m 644 $(MANUALS) $(DESTDIR)$(PREFIX)/share/man/man1)

packages:
	@.ci/packages $(or $(MAKECMDGOALS),all) $(if $(findstring clang,$(CC)),clang)
clean:
	rm -rf build build-*
help:
	@echo 'all (default)  the programs, in $(BUILD)/        run [ONCE=1]  a demonstration cluster'
	@echo 'wasm           the browser'\''s module and package, in $(BUILD)/web/'
	@echo 'test           everything; or: unit scenario integration'
	@echo 'tidy format    rules that a machine checks       clang         with the other compiler'
	@echo 'sanitize       unit tests; or: asan ubsan        fuzz          each fuzzer, SECONDS=60'
	@echo 'sim-mutants    faults that the simulator must notice'
	@echo 'sim            random worlds, known and new      sim-determinism  with any compiler'
	@echo 'screenshots    docs/images, of the cluster that `make run` started'
	@echo 'bench          beside rivals; or: bench-reads bench-writes bench-size bench-joining'
	@echo '               bench-spreading bench-detection bench-cost bench-growth bench-watch ...'
	@echo 'cover install clean packages                     V=1 CC=clang BUILD=dir DESTDIR= PREFIX='

.PHONY: all FORCE test unit scenario integration build-tests asan ubsan sanitize clang fuzz \
    fuzz-build wasm cover tidy format run sim sim-determinism sim-mutants screenshots bench \
    bench-programs bench-packages install packages clean help
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
