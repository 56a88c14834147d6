# SPDX-License-Identifier: Apache-2.0
# Aurora. `make help` lists the goals; V=1 shows the commands.

BUILD  ?= build
PREFIX ?= /usr/local
SECONDS ?= 60
ifeq ($(origin CC),default)
CC := gcc
endif

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror
HARDEN   := -D_FORTIFY_SOURCE=2 -fstack-protector-strong
OPTIMISE := -O2 -g
LDFLAGS  += -Wl,-z,relro,-z,now -Wl,--as-needed
ifdef SANITIZE # set by the goals asan, ubsan, sanitize and fuzz, each in its own build directory
HARDEN   :=
OPTIMISE := -O1 -g -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
LDFLAGS  += -fsanitize=$(SANITIZE)
endif
# The core knows POSIX and nothing more; what touches the system may use all of Linux.
DEFINES = $(if $(filter crypto/% gossip/% sim/%,$<),-D_POSIX_C_SOURCE=200809L,-D_GNU_SOURCE)
COMPILE = $(CC) -std=c11 -I. $(DEFINES) $(OPTIMISE) $(HARDEN) $(WARNINGS) $(CFLAGS) -MMD -MP
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(patsubst $(BUILD)/%,%,$@))

# One archive per folder, each of all its sources but main.c. The very same gossip objects go
# into the daemon and into the simulator.
AREAS := crypto gossip sim node tools
object  = $(patsubst %.c,$(BUILD)/%.o,$(1))
sources = $(filter-out $(1)/main.c,$(wildcard $(1)/*.c))
archive = $(foreach a,$(1),$(if $(call sources,$(a)),$(BUILD)/libaurora-$(a).a))

LIBS_crypto := -lsodium
LIBS_gossip := -lmsgpackc -lm $(LIBS_crypto)
LIBS_sim    := $(LIBS_gossip)
LIBS_node   := -lev -lhttp_parser -ljansson -lpthread $(LIBS_gossip)
LIBS_tools  := -ljansson $(LIBS_gossip)

USES_crypto := crypto
USES_gossip := sim gossip crypto
USES_sim    := sim gossip crypto
USES_node   := node gossip crypto
USES_tools  := tools gossip crypto

PROGRAM_node  := aurora-node
PROGRAM_tools := aurora
PROGRAM_sim   := aurora-sim
PROGRAMS := $(foreach a,node tools sim,$(if $(wildcard $(a)/main.c),$(BUILD)/$(PROGRAM_$(a))))

.PHONY: all
all: $(PROGRAMS) $(call archive,$(AREAS))

define area_rules
$(BUILD)/libaurora-$(1).a: $(call object,$(call sources,$(1)))
ifdef PROGRAM_$(1)
$(BUILD)/$(PROGRAM_$(1)): $(BUILD)/$(1)/main.o $(call archive,$(USES_$(1)))
	$$(call say,LINK)
	$$(Q)$$(CC) -o $$@ $$(OPTIMISE) $$^ $$(LDFLAGS) $$(LIBS_$(1))
endif
endef
$(foreach a,$(AREAS),$(eval $(call area_rules,$(a))))

$(BUILD)/%.a:
	$(call say,AR)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/%.o: %.c $(BUILD)/flags | packages
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(COMPILE) -c -o $@ $<

# Other flags or another compiler in the same directory: everything is stale.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D); echo '$(CC) $(OPTIMISE) $(HARDEN) $(WARNINGS) $(CFLAGS) $(LDFLAGS)' | \
	    cmp -s - $@ || echo '$(CC) $(OPTIMISE) $(HARDEN) $(WARNINGS) $(CFLAGS) $(LDFLAGS)' > $@
FORCE:
.PHONY: FORCE packages
packages:
	@:

# Tests: each tests/<area>/test_x.c is a program of its own; the other sources in its folder and
# in tests/support are its helpers.
TEST_AREAS := crypto gossip node sim tools scenario
USES_scenario := sim gossip crypto
LIBS_scenario := $(LIBS_sim)
SUPPORT := $(call object,$(wildcard tests/support/*.c))
tests_of = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/$(1)/test_*.c))
helpers  = $(call object,$(filter-out tests/$(1)/test_%,$(wildcard tests/$(1)/*.c))) $(SUPPORT)

define test_rules
$(call tests_of,$(1)): %: %.o $(call helpers,$(1)) $(call archive,$(USES_$(1)))
	$$(call say,LINK)
	$$(Q)$$(CC) -o $$@ $$(OPTIMISE) $$^ $$(LDFLAGS) $$(LIBS_$(1)) -lcriterion
endef
$(foreach a,$(TEST_AREAS),$(if $(call tests_of,$(a)),$(eval $(call test_rules,$(a)))))

.PHONY: unit scenario clean
unit: $(foreach a,crypto gossip node sim tools,$(call tests_of,$(a)))
	$(Q)for t in $^; do $$t -j2 || exit 1; done
scenario: $(call tests_of,scenario)
	$(Q)for t in $^; do $$t -j2 || exit 1; done
clean:
	rm -rf build build-*

.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
