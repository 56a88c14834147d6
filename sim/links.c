// SPDX-License-Identifier: Apache-2.0
/* links.c - adding and removing links, a word of 64 receivers at a time */
#include "sim/links.h"

#include "sim/memory.h"

void links_clear(struct links *links)
{
    free(links->bits);
    free(links->ends);
    *links = links_none(links->nodes);
}

static void make_room(struct links *links)
{
    if (links->bits != NULL)
        return;
    links->bits = memory_new(links->nodes * links->words, sizeof(*links->bits));
    links->ends = memory_new(links->nodes, sizeof(*links->ends));
}

/* `added` are bits of receivers, none of which the word has. */
static void add_word(struct links *links, size_t from, size_t word, uint64_t added)
{
    links->bits[from * links->words + word] |= added;
    for (; added != 0; added &= added - 1) {
        links->ends[from]++;
        links->ends[word * 64 + (size_t)__builtin_ctzll(added)]++;
        links->count++;
    }
}

void links_add(struct links *links, size_t from, size_t to)
{
    assert(from < links->nodes && to < links->nodes);
    if (from == to || links_has(links, from, to))
        return;
    make_room(links);
    add_word(links, from, to / 64, UINT64_C(1) << (to % 64));
}

void links_remove(struct links *links, size_t from, size_t to)
{
    if (!links_has(links, from, to))
        return;
    links->bits[from * links->words + to / 64] &= ~(UINT64_C(1) << (to % 64));
    assert(links->ends[from] > 0 && links->ends[to] > 0);
    links->ends[from]--;
    links->ends[to]--;
    links->count--;
}

/* Of the word's 64 nodes, those that exist and are not `from`. */
static uint64_t others(const struct links *links, size_t word, size_t from)
{
    uint64_t mask = UINT64_MAX;

    if ((word + 1) * 64 > links->nodes)
        mask >>= (word + 1) * 64 - links->nodes;
    if (from / 64 == word)
        mask &= ~(UINT64_C(1) << (from % 64));
    return mask;
}

void links_add_between(struct links *links, const struct node_set *from, const struct node_set *to)
{
    make_room(links);
    for (size_t i = 0; i < links->nodes; i++)
        for (size_t word = 0; word < links->words && node_set_has(from, i); word++) {
            uint64_t had = links->bits[i * links->words + word];

            add_word(links, i, word, to->bits[word] & others(links, word, i) & ~had);
        }
}
