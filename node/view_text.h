// SPDX-License-Identifier: Apache-2.0
/* view_text.h - parts of the view as short texts, as headers and JSON show them */
#ifndef AURORA_NODE_VIEW_TEXT_H
#define AURORA_NODE_VIEW_TEXT_H

#include "node/view.h"

#define VIEW_DIGEST_TEXT_BYTES 33 /* 32 hexadecimal digits and a NUL */

/* Equal texts mean equal sets of visible records, at whatever nodes. Returns `out`. */
char *view_digest_text(const struct view *, char out[VIEW_DIGEST_TEXT_BYTES]);
/* 16 hexadecimal digits and a NUL; returns `out`. */
char *view_number_text(uint64_t number, char out[17]);

#endif
