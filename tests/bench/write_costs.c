// SPDX-License-Identifier: Apache-2.0
/* write_costs.c - what a registration cannot do without, measured apart: its signature, and the
 * parse of its body
 *
 * Usage: write_costs [--json]
 *
 * The body is what register.lua sends; what is signed is as long as the statement that becomes of
 * it. Medians over rounds, in CPU time of this thread: pin it where the server ran. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/sign.h"
#include "node/registration_body.h"

#define ROUNDS     51
#define SIGNATURES 200 /* in a round: some milliseconds */
#define PARSES     2000

static struct key_pair pair;
static struct sign_scope scope;
static char body[512];

static double cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void fail(const char *what)
{
    fprintf(stderr, "write_costs: %s\n", what);
    exit(1);
}

static void body_write(unsigned number)
{
    snprintf(body, sizeof body,
             "{\"peer_id\":\"00000001-0000-4000-8000-%012x\",\"address\":\"10.1.2.3\","
             "\"port\":9000,\"archetypes\":[\"kind-%u\",\"zone-%u\"],"
             "\"metadata\":{\"note\":\"%089d\"}}",
             number, number % 1000, number * 7 % 1000, 0);
}

/* The statement of that body, whose signature covers all behind itself. */
static size_t statement_bytes(void)
{
    struct registration_body read;
    const struct addr from = {.family = ADDR_IPV4, .ip = {127, 0, 0, 1}};
    struct record record = {.home = UINT64_MAX, .epoch = 1700000000, .version = 1000000};

    body_write(1);
    if (!registration_body_read(&read, span_of_text(body), 300, &from))
        fail(read.error);
    record.peer = read.registration.peer;
    record.seq = record.registered_at_ms = 1700000000000;
    struct blob *blob = statement_of_record(&record, &pair, &scope);
    if (blob == NULL)
        fail("the record does not fit");
    size_t len = blob->len - STATEMENT_SIGNATURE_BYTES;
    blob_release(blob);
    registration_body_free(&read);
    return len;
}

static double sign_round(size_t len)
{
    uint8_t message[STATEMENT_MAX_BYTES] = {0}, signature[SIGN_BYTES];
    double begin_us = cpu_us();

    for (int i = 0; i < SIGNATURES; i++) {
        message[i % (int)len]++;
        sign_make(&pair, &scope, SIGN_RECORD, message, len, signature);
    }
    return (cpu_us() - begin_us) / SIGNATURES;
}

static double parse_round(void)
{
    const struct addr from = {.family = ADDR_IPV4, .ip = {127, 0, 0, 1}};
    struct span text = span_of_text(body);
    double begin_us = cpu_us();

    for (int i = 0; i < PARSES; i++) {
        struct registration_body read;

        if (!registration_body_read(&read, text, 300, &from))
            fail(read.error);
        registration_body_free(&read);
    }
    return (cpu_us() - begin_us) / PARSES;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static double median(double rounds[ROUNDS])
{
    qsort(rounds, ROUNDS, sizeof rounds[0], compare);
    return rounds[ROUNDS / 2];
}

int main(int argc, char **argv)
{
    static const uint8_t seed[KEY_SEED_BYTES] = {1};
    double sign_us[ROUNDS], parse_us[ROUNDS];
    bool is_json = argc == 2 && strcmp(argv[1], "--json") == 0;

    if (argc > 2 || (argc == 2 && !is_json))
        fail("usage: write_costs [--json]");
    if (!key_library_init())
        fail("no libsodium");
    key_pair_from_seed(seed, &pair);
    sign_scope_of("bench", &scope);
    size_t len = statement_bytes();
    for (unsigned i = 0; i < ROUNDS; i++) {
        body_write(i);
        sign_us[i] = sign_round(len);
        parse_us[i] = parse_round();
    }
    if (is_json)
        printf("{\"sign_us\":%.3f,\"parse_us\":%.3f}\n", median(sign_us), median(parse_us));
    else
        printf("signature of %zu bytes: %.2f us\nparse of %zu bytes: %.2f us\n", len,
               median(sign_us), strlen(body), median(parse_us));
    return 0;
}
