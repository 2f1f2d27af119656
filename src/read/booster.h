/* SPDX-License-Identifier: Apache-2.0 */
/* booster.h - what the readers of boosted models share: trees out of the nodes of a file, in the
 * order that tree.h wants, and an estimator's graph around the scores. */
#ifndef MICA_READ_BOOSTER_H
#define MICA_READ_BOOSTER_H

#include "ir.h"
#include "tree/tree.h"

/* A few bytes of a file can ask for much memory: by the length of a row, by the largest category of
 * a set. More than this is refused. */
enum {
    BOOSTER_FEATURES_MAX = 1 << 16,
    BOOSTER_SCORES_MAX = 1 << 16,
    BOOSTER_CATEGORY_MAX = (1 << 16) - 1,
    BOOSTER_SET_WORDS_MAX = 1 << 20 /* of all sets */
};

/* ---- trees ----------------------------------------------------------------------------------- */

/* A node as a file has it: its own numbers, in any order, perhaps with nodes that no tree uses. */
struct booster_node {
    int32_t feature;     /* -1: a leaf */
    int32_t left, right; /* numbers of nodes; of a leaf: number of its value, 0 */
    double threshold;    /* a float32 unless features are float64 */
    uint8_t flags;       /* enum tree_flag */
    float weight;
};

/* An ensemble that grows. The caller sets what is no array of `trees`, and `base`. */
struct booster {
    struct ctx *ctx;
    struct trees trees;
    bool is_exact; /* features are float64, and thresholds */
    int64_t trees_room, nodes_room, values_room, sets_room;
    int32_t *pending; /* of booster_tree() */
    int64_t pending_room;
};

void booster_start(struct booster *, struct ctx *, int32_t n_features, int32_t n_scores,
                   int32_t width);
int32_t booster_value(struct booster *, const double *value); /* `width` numbers; its number */
/* Adds a set of categories; the threshold of the node that tests it. */
float booster_set(struct booster *, const uint32_t *words, int32_t n, const char *place);
/* Adds the tree that begins at node 0 of n. place: of the tree in the file, for messages. */
void booster_tree(struct booster *, const struct booster_node *, int32_t n, int32_t output,
                  const char *place);

/* ---- the graph around ------------------------------------------------------------------------ */

/* What an estimator gives. */
struct heads {
    int n_labels;      /* 0: numbers; 1: a class; more: labels of two classes each */
    int32_t n_classes; /* of one label */
    bool has_link;     /* from scores to probabilities or results; else they are these */
    enum link_kind link;
    double factor;               /* of the scores before the link; 0: none */
    double raw_factor;           /* of the scores as decision_function gives them; 0: none */
    bool is_single;              /* the library's arithmetic is float32 */
    const struct names *classes; /* NULL: 0, 1, 2, ... */
};

/* A graph with its input "x", float32, which becomes that of the compilation. */
struct graph *booster_graph(struct ctx *, int32_t n_features, const struct names *features);
/* Adds the functions predict and, of classifiers, predict_proba and decision_function. label is
 * NULL where n_labels is 0. */
void booster_heads(struct ctx *, struct graph *, const struct heads *, struct tensor *label,
                   struct tensor *scores);
/* Both for an ensemble that is complete. */
void booster_finish(struct booster *, const struct names *features, const struct heads *);

/* Reads LightGBM's text for features of float64, which the library compares as they are; those of
 * read_lightgbm() are float32. */
void read_lightgbm_exact(struct ctx *, const uint8_t *bytes, size_t n);

/* The smallest number, up to 1, for which is_one() holds, as it then does for all larger ones. */
float booster_cut32(bool (*is_one)(float x));
double booster_cut64(bool (*is_one)(double x, double scale), double scale);

#endif
