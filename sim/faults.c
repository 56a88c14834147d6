// SPDX-License-Identifier: Apache-2.0
/* faults.c - flapping links, links that stop one by one, and since when something is wrong */
#include "sim/faults.h"

#include "sim/memory.h"
#include "sim/world.h"

#include <assert.h>

/* --- What is wrong
 * ----------------------------------------------------------------------------------- */

/* 0 is never: the world's first microsecond counts as its second. */
void faults_touch(struct world *world, size_t node)
{
    uint64_t *troubled_us =
        node == SIZE_MAX ? &world->troubled_us : &world->nodes[node].troubled_us;

    *troubled_us = world->now_us > 0 ? world->now_us : 1;
}

void faults_touch_cut_off(struct world *world)
{
    for (size_t i = 0; i < world->options.nodes; i++)
        if (network_is_bad_at(&world->network, i))
            faults_touch(world, i);
}

static bool is_since(uint64_t troubled_us, uint64_t since_us)
{
    return troubled_us != 0 && troubled_us >= since_us;
}

/* What it advertises leads nowhere, or to somebody else. */
static bool is_elsewhere(const struct world *world, const struct node *node)
{
    if (world->addresses.all == NULL || node->core == NULL)
        return false;
    struct addr source = address_at(&world->addresses, node->source);
    return !addr_equal(&source, &node->advertised);
}

bool world_is_node_troubled(const struct world *world, size_t index, uint64_t since_us)
{
    const struct node *node = &world->nodes[index];

    return node->is_paused || node->is_blocked || node->service_us > 0 ||
           is_since(node->troubled_us, since_us) || network_is_bad_at(&world->network, index) ||
           is_elsewhere(world, node);
}

bool world_is_troubled(const struct world *world, size_t node, uint64_t since_us)
{
    return is_since(world->troubled_us, since_us) || network_is_bad(&world->network) ||
           world_is_node_troubled(world, node, since_us);
}

/* --- Courses
 * ----------------------------------------------------------------------------------------- */

static struct course *begin(struct world *world, enum course_kind kind, uint64_t for_us)
{
    struct course *course = memory_new(1, sizeof(*course));

    assert(for_us > 0);
    course->entry.kind = HEAP_FAULT;
    course->kind = kind;
    course->began_us = world->now_us;
    course->until_us = world->now_us + for_us;
    course->next = world->courses;
    world->courses = course;
    return course;
}

static void finish(struct world *world, struct course *course)
{
    struct course **at = &world->courses;

    while (*at != course)
        at = &(*at)->next;
    *at = course->next;
    if (course->entry.place)
        heap_remove(&world->heap, &course->entry);
    free(course->links);
    free(course);
}

static void set_closed(struct world *world, struct course *course, bool is_down)
{
    if (course->is_down == is_down)
        return;
    course->is_down = is_down;
    trace_add(&world->trace, TRACE_FAULT, world->now_us, SIZE_MAX, is_down ? 'x' : 'X',
              course->direction, 0);
    for (size_t i = 0; i < world->options.nodes; i++) {
        if (!node_set_has(&course->set, i))
            continue;
        if (is_down)
            network_close_node(&world->network, i, course->direction);
        else
            network_open_node(&world->network, i, course->direction);
        faults_touch(world, i);
    }
}

void faults_flip_flop(struct world *world, const struct node_set *set, enum direction direction,
                      uint64_t down_us, uint64_t up_us, uint64_t for_us)
{
    struct course *course = begin(world, COURSE_FLIP_FLOP, for_us);

    assert(down_us > 0 && up_us > 0);
    course->set = *set;
    course->direction = direction;
    course->down_us = down_us;
    course->up_us = up_us;
    faults_step(world, course);
}

static void step_flip_flop(struct world *world, struct course *course)
{
    if (world->now_us >= course->until_us) {
        set_closed(world, course, false);
        finish(world, course);
        return;
    }
    set_closed(world, course, !course->is_down);
    uint64_t next_us = world->now_us + (course->is_down ? course->down_us : course->up_us);
    heap_insert(&world->heap, &course->entry,
                next_us < course->until_us ? next_us : course->until_us);
}

/* --- Swizzle-clog
 * -------------------------------------------------------------------------------------- */

static void shuffle(struct random *random, struct course *course)
{
    for (size_t i = course->count; i > 1; i--) {
        size_t other = random_below(random, i);
        struct course_link kept = course->links[i - 1];

        course->links[i - 1] = course->links[other];
        course->links[other] = kept;
    }
}

static void list_links(struct world *world, const struct node_set *set, struct course *course)
{
    size_t nodes = world->options.nodes, capacity = 0;

    for (size_t a = 0; a < nodes; a++)
        for (size_t b = 0; b < nodes && node_set_has(set, a); b++) {
            if (a == b || (b < a && node_set_has(set, b)) || !world_is_same_cluster(world, a, b))
                continue;
            course->links =
                memory_reach(course->links, &capacity, course->count, sizeof(*course->links));
            course->links[course->count++] = (struct course_link){(uint32_t)a, (uint32_t)b};
        }
}

static void await_next(struct world *world, struct course *course)
{
    size_t done = course->stopped + course->restored + 1;
    uint64_t for_us = course->until_us - course->began_us;

    heap_insert(&world->heap, &course->entry,
                course->began_us +
                    (uint64_t)((double)for_us * (double)done / (double)(2 * course->count)));
}

void faults_swizzle(struct world *world, const struct node_set *set, uint64_t for_us)
{
    struct course *course = begin(world, COURSE_SWIZZLE, for_us);

    list_links(world, set, course);
    if (course->count == 0) {
        finish(world, course);
        return;
    }
    shuffle(&world->course_random, course);
    await_next(world, course);
}

static bool is_stopped_by(const struct course *course, struct course_link link)
{
    for (size_t i = course->restored; i < course->stopped; i++)
        if ((course->links[i].a == link.a && course->links[i].b == link.b) ||
            (course->links[i].a == link.b && course->links[i].b == link.a))
            return true;
    return false;
}

/* Another course may have stopped the same link, and then it stays so. */
static void restore(struct world *world, struct course *course)
{
    struct course_link link = course->links[course->restored++];
    bool is_stopped = false;

    for (struct course *other = world->courses; other != NULL && !is_stopped; other = other->next)
        is_stopped = other != course && is_stopped_by(other, link);
    if (!is_stopped)
        network_open_link(&world->network, link.a, link.b);
    trace_add(&world->trace, TRACE_FAULT, world->now_us, link.a, 'Y', link.b, is_stopped);
    faults_touch(world, link.a);
    faults_touch(world, link.b);
}

static void step_swizzle(struct world *world, struct course *course)
{
    if (course->stopped < course->count) {
        struct course_link link = course->links[course->stopped++];

        network_clog_link(&world->network, link.a, link.b);
        trace_add(&world->trace, TRACE_FAULT, world->now_us, link.a, 'y', link.b, 0);
        faults_touch(world, link.a);
        faults_touch(world, link.b);
        if (course->stopped == course->count)
            shuffle(&world->course_random, course);
    } else {
        restore(world, course);
    }
    if (course->restored < course->count)
        await_next(world, course);
    else
        finish(world, course);
}

void faults_step(struct world *world, struct course *course)
{
    switch (course->kind) {
    case COURSE_FLIP_FLOP: step_flip_flop(world, course); break;
    case COURSE_SWIZZLE: step_swizzle(world, course); break;
    }
}

void faults_end(struct world *world)
{
    faults_touch_cut_off(world);
    while (world->courses != NULL) {
        struct course *course = world->courses;

        if (course->kind == COURSE_FLIP_FLOP)
            set_closed(world, course, false);
        while (course->restored < course->stopped)
            restore(world, course);
        finish(world, course);
    }
}

void faults_free(struct world *world)
{
    while (world->courses != NULL)
        finish(world, world->courses);
}
