// SPDX-License-Identifier: Apache-2.0
/* news.c - statements that arrive as news, whatever brought them: applied by kind. */
#include "gossip/news.h"

#include "gossip/core.h"

/* Whoever tells us something older than what we know is told what we know: after a mass restart, or
 * a long partition, live nodes would else stay dead in somebody's memory. */
static void answer_stale(struct gossip *g, struct member *from, uint64_t subject)
{
    struct member *known = members_find(g, subject);
    if (known != NULL && from != NULL)
        roster_tell(g, from, known);
}

static enum news_verdict apply_alive(struct gossip *g, struct member *from, struct span statement)
{
    struct member *member = NULL;
    struct alive alive;
    enum news_verdict verdict = members_on_alive(g, statement, &member);
    if (verdict == NEWS_STALE && statement_read_alive(statement, &alive))
        answer_stale(g, from, node_tag(&alive.id));
    return verdict;
}

static enum news_verdict apply_accusation(struct gossip *g, struct span statement)
{
    switch (suspicion_on_accusation(g, statement)) {
    case ACCUSATION_NEW: return NEWS_NEW;
    case ACCUSATION_KNOWN: return NEWS_KNOWN;
    case ACCUSATION_STALE: return NEWS_STALE;
    case ACCUSATION_EXCESS: return NEWS_EXCESS;
    case ACCUSATION_BAD: break;
    }
    return NEWS_BAD;
}

static enum news_verdict apply_head(struct gossip *g, struct member *from, struct span statement)
{
    switch (head_on_statement(g, statement, from)) {
    case HEAD_NEW: return NEWS_NEW;
    case HEAD_KNOWN: return NEWS_KNOWN;
    case HEAD_STALE: return NEWS_STALE;
    case HEAD_BAD: break;
    }
    return NEWS_BAD;
}

static enum news_verdict apply(struct gossip *g, struct member *from, struct span statement)
{
    switch (statement_kind_of(statement)) {
    case STATEMENT_ALIVE: return apply_alive(g, from, statement);
    case STATEMENT_LEFT: return members_on_left(g, statement);
    case STATEMENT_ACCUSATION: return apply_accusation(g, statement);
    case STATEMENT_HEAD: return apply_head(g, from, statement);
    default: return NEWS_BAD;
    }
}

/* SWIM's and Lifeguard's news is an infection: whoever hears it lets it ride on probes of its own,
 * until it was said often enough (SWIM, section 4.1). Ours has other ways for what the tree missed:
 * its observers, the word to the suspect itself, the digests. */
static void infect(struct gossip *g, struct span statement)
{
    if (g->config.detector == DETECTOR_AURORA || statement_kind_of(statement) == STATEMENT_HEAD)
        return;
    struct blob *blob = blob_new(statement);
    spread_rumour(g, blob);
    blob_release(blob);
}

enum news_verdict news_apply_all(struct gossip *g, struct member *from, struct wire_list statements)
{
    enum news_verdict best = NEWS_EXCESS;
    struct span statement;
    while (wire_list_bin(&statements, &statement)) {
        enum news_verdict verdict = apply(g, from, statement);
        if (verdict == NEWS_BAD) {
            drop_count(g, DROP_BAD_SIGNATURE);
            return NEWS_BAD;
        }
        if (verdict == NEWS_NEW)
            infect(g, statement);
        if (verdict == NEWS_STALE || verdict == NEWS_EXCESS)
            drop_count(g, verdict == NEWS_STALE ? DROP_STALE : DROP_LIMIT);
        best = verdict < best ? verdict : best;
    }
    return best;
}

/* Rumours on probes, answers to questions: applied, and not passed on. Whoever said it first sends
 * it over the tree and lets it ride on its own probes; what both miss, the digests find. */
void spread_on_plain_news(struct gossip *g, struct member *from, const struct wire_message *message)
{
    news_apply_all(g, from, message->news.statements);
}
