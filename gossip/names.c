// SPDX-License-Identifier: Apache-2.0
/* names.c - the core's enums in words, as logs, metrics and the HTTP API spell them. */
#include <assert.h>

#include "gossip/gossip.h"

static const char *const drop_names[DROP_REASONS] = {
    [DROP_NONE] = "none",
    [DROP_TOO_LONG] = "too_long",
    [DROP_TOO_SHORT] = "too_short",
    [DROP_VERSION] = "version",
    [DROP_UNKNOWN_KEY] = "unknown_key",
    [DROP_FORGED] = "forged",
    [DROP_MALFORMED] = "malformed",
    [DROP_NOT_FOR_US] = "not_for_us",
    [DROP_OWN] = "own",
    [DROP_REPLAYED] = "replayed",
    [DROP_UNKNOWN_SENDER] = "unknown_sender",
    [DROP_BAD_SIGNATURE] = "bad_signature",
    [DROP_UNKNOWN_TYPE] = "unknown_type",
    [DROP_STALE] = "stale",
    [DROP_LIMIT] = "limit",
    [DROP_CONFLICT] = "conflict",
    [DROP_UNSOLICITED] = "unsolicited",
};

static const char *const result_names[RESULTS] = {
    [RESULT_OK] = "ok",
    [RESULT_NOT_READY] = "not_ready",
    [RESULT_UNKNOWN_PEER] = "unknown_peer",
    [RESULT_INVALID] = "invalid",
    [RESULT_TOO_LARGE] = "too_large",
    [RESULT_QUOTA_HOME] = "quota_home",
    [RESULT_QUOTA_CLUSTER] = "quota_cluster",
    [RESULT_BUSY] = "busy",
    [RESULT_WRONG_TOKEN] = "wrong_token",
    [RESULT_TOKEN_NEEDED] = "token_needed",
    [RESULT_UNSIGNED_KEY] = "unsigned_key",
    [RESULT_OLD_VERSION] = "old_version",
    [RESULT_UNREACHABLE] = "unreachable",
    [RESULT_LEAVING] = "leaving",
};

static const char *const member_names[] = {
    [MEMBER_ALIVE] = "alive", [MEMBER_SUSPECT] = "suspect", [MEMBER_UNREACHABLE] = "unreachable",
    [MEMBER_DEAD] = "dead",   [MEMBER_LEFT] = "left",       [MEMBER_FORGOTTEN] = "forgotten",
};

static const char *const log_names[] = {
    [LOG_BEHIND] = "behind",
    [LOG_PROVED] = "proved",
    [LOG_DIVERGED] = "diverged",
    [LOG_EQUIVOCATING] = "equivocating",
};

const char *gossip_drop_name(enum gossip_drop reason)
{
    assert(reason < DROP_REASONS);
    return drop_names[reason];
}

const char *gossip_result_name(enum gossip_result result)
{
    assert(result < RESULTS);
    return result_names[result];
}

const char *member_state_name(enum member_state state)
{
    assert(state <= MEMBER_FORGOTTEN);
    return member_names[state];
}

const char *log_state_name(enum log_state state)
{
    assert(state <= LOG_EQUIVOCATING);
    return log_names[state];
}
