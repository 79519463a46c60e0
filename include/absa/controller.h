/** @file
 * The controller: a state machine that answers how large the next batch is, with which learning
 * rate, how many of its inputs to perturb, and whether the Hessian is to be measured.
 *
 * It owns no loop, data, optimiser, clock or file. The host tells it what happened and asks for the
 * plan of the next update:
 *
 * @code
 * while (absa_controller_plan(ctl, 0, 1, &plan) == ABSA_OK && !plan.finished) {
 *     if (plan.measure_due) { run the estimator; absa_controller_observe(ctl, ...); continue; }
 *     if (plan.epoch_done) { absa_controller_end_epoch(ctl); continue; }
 *     absa_controller_micro(ctl, 0, 1, &m);
 *     gradient of rows m.first .. m.first + m.rows - 1; acc += m.weight * gradient;
 *     absa_controller_advance(ctl, m.global_rows);
 *     if (m.last) { step with plan.lr; acc = 0; }
 * }
 * @endcode
 *
 * Words: an *update* is one optimiser step; its *window* is the batch of B samples that it
 * averages, gathered in *micro-batches*. Samples are whatever the host counts, one unit throughout.
 *
 * Inside a callback of the controller (journal, reduce, lr_function) it may be looked at and saved;
 * what would change it returns ABSA_E_BUSY and changes nothing.
 *
 * Paper: "Large Batch Size Training of Neural Networks with Adversarial Training and Second-Order
 * Information", Algorithm 1.
 */
#ifndef ABSA_CONTROLLER_H
#define ABSA_CONTROLLER_H

#include <absa/eigen.h>

ABSA_BEGIN_DECLS

/** The controller handle. One thread at a time. */
typedef struct absa_controller absa_controller;

/** How the batch is chosen. */
enum absa_strategy {
    /** Fixed batch, learning rate not scaled. */
    ABSA_STRATEGY_BL = 0,
    /** Fixed batch batch_max, learning rate scaled to it, warm-up (Goyal et al.). */
    ABSA_STRATEGY_FB = 1,
    /** The batch grows by 1 / lr_decay where the learning rate would decay (Smith et al.). */
    ABSA_STRATEGY_GG = 2,
    /** The batch grows when the top eigenvalue falls. */
    ABSA_STRATEGY_ABS = 3,
    /** ABS with adversarial inputs. */
    ABSA_STRATEGY_ABSA = 4
};

/** Complete sets of options. */
enum absa_preset {
    /** What we advise: grow only when the whole interval is below the threshold. */
    ABSA_PRESET_RECOMMENDED = 0,
    /** Algorithm 1 as printed. */
    ABSA_PRESET_PAPER = 1,
    /** The method as its authors ran it. */
    ABSA_PRESET_AUTHORS = 2
};

/** How the learning rate follows the batch; B / batch_ref is the realised ratio. */
enum absa_lr_rule {
    /** lr * B / batch_ref. */
    ABSA_LR_RULE_LINEAR = 0,
    /** lr * sqrt(B / batch_ref). */
    ABSA_LR_RULE_SQRT = 1,
    /** lr. */
    ABSA_LR_RULE_NONE = 2,
    /** lr * what absa_controller_options::lr_function says. */
    ABSA_LR_RULE_HOST = 3
};

/**
 * Answer what the learning rate is multiplied by at batch B: a host's own rule, 1 at batch_ref.
 *
 * A function of its arguments alone, the same on every process; the library asks again whenever it
 * needs to know, and remembers the last two answers.
 *
 * @param user         absa_controller_options::lr_user
 * @param batch        B
 * @param batch_ref    the batch that lr belongs to
 * @param[out] factor  above 0 and finite
 * @return 0, or anything else to fail the call that asked with ABSA_E_CALLBACK; nothing has changed
 *         then
 */
typedef int (*absa_lr_fn)(void *user, int64_t batch, int64_t batch_ref, double *factor);

/** What decay, warmup and adversarial_end count. */
enum absa_unit {
    /** Calls of absa_controller_end_epoch(). */
    ABSA_UNIT_EPOCHS = 0,
    /** Updates; such a schedule moves when the batch grows. */
    ABSA_UNIT_UPDATES = 1,
    /** Samples. */
    ABSA_UNIT_SAMPLES = 2
};

/** What becomes of the samples at the end of an epoch that do not fill a batch. */
enum absa_tail {
    /** The window goes on in the next epoch; the last one of the training is cut short. */
    ABSA_TAIL_CARRY = 0,
    /** As CARRY, but an epoch has floor(samples / batch) * batch samples. */
    ABSA_TAIL_DROP = 1,
    /** The window ends with the epoch; its weights stay rows / B. */
    ABSA_TAIL_SHORT = 2
};

/** Which number is compared with the threshold. */
enum absa_trigger {
    /** The upper end of the measurement's interval. */
    ABSA_TRIGGER_INTERVAL = 0,
    /** The value. */
    ABSA_TRIGGER_POINT = 1
};

/** How it is compared. */
enum absa_compare {
    /** lambda < Eig / eigenvalue_ratio. */
    ABSA_COMPARE_LESS = 0,
    /** lambda <= Eig / eigenvalue_ratio. */
    ABSA_COMPARE_LESS_EQUAL = 1
};

/** Which measurements count toward patience. */
enum absa_patience {
    /** Those after the first that did not trigger. */
    ABSA_PATIENCE_UNTRIGGERED = 0,
    /** All, the first one included. */
    ABSA_PATIENCE_ALL = 1
};

/** What grows. */
enum absa_growth {
    /** The batch: B' = min(floor(batch_ratio * B), batch_max). */
    ABSA_GROWTH_BATCH = 0,
    /** The number of batches accumulated: ratio' = floor(batch_ratio * ratio), B' = ratio' * batch.
     */
    ABSA_GROWTH_ACCUMULATION = 1
};

/** Which rows of a window are perturbed. */
enum absa_rows {
    /** The first floor(B * gamma) of the window. */
    ABSA_ROWS_WINDOW = 0,
    /** The first max(floor(batch * gamma), 1) of every micro-batch, while gamma > 1 / batch. */
    ABSA_ROWS_MICRO = 1
};

/** What the host's gradient of a micro-batch is. */
enum absa_gradient {
    /** Divided by the micro-batch's rows. */
    ABSA_GRADIENT_MEAN = 0,
    /** Summed over its rows. */
    ABSA_GRADIENT_SUM = 1
};

/** What the host does with the gradients of several processes. */
enum absa_across {
    /** One process, or a sum that the weights make complete. */
    ABSA_ACROSS_SUM = 0,
    /** Averages them, as PyTorch's DistributedDataParallel does. */
    ABSA_ACROSS_MEAN = 1
};

/** The optimiser's momentum. */
enum absa_momentum {
    /** v = mu v + g, step lr v: nothing to do when lr changes. */
    ABSA_MOMENTUM_PLAIN = 0,
    /** v = mu v + lr g, step v: v must be multiplied by lr' / lr. */
    ABSA_MOMENTUM_LR_INSIDE = 1,
    /** v = mu v + sum g, step (lr / B) v: v must be multiplied by B' / B. */
    ABSA_MOMENTUM_SUM = 2
};

/** What happened, as a decision tells it. */
enum absa_event {
    /** A measurement was observed. */
    ABSA_EVENT_MEASUREMENT = 0,
    /** A due measurement was skipped. */
    ABSA_EVENT_SKIP = 1,
    /** An epoch ended. */
    ABSA_EVENT_EPOCH = 2,
    /** The host reported collapsed adversarial training. */
    ABSA_EVENT_COLLAPSE = 3,
    /** The host's optimiser skipped an update. */
    ABSA_EVENT_UPDATE_SKIPPED = 4,
    /** An update was completed and the schedule moved (unit UPDATES or SAMPLES). */
    ABSA_EVENT_SCHEDULE = 5,
    /** The open window was forgotten; samples are those left. */
    ABSA_EVENT_RESTART = 6
};

/** Why a decision is what it is. */
enum absa_reason {
    /** Nothing was to be decided. */
    ABSA_REASON_NONE = 0,
    /** The first usable measurement: it becomes the reference Eig. */
    ABSA_REASON_FIRST = 1,
    /** Below the threshold: batch and lr grow, gamma shrinks, Eig moves. */
    ABSA_REASON_EIGENVALUE = 2,
    /** patience measurements without a trigger: batch and lr grow. */
    ABSA_REASON_PATIENCE = 3,
    /** Not below the threshold. */
    ABSA_REASON_NOT_BELOW = 4,
    /** Below it by its value, but not by its interval: measure more tightly to decide. */
    ABSA_REASON_UNSETTLED = 5,
    /** A growth, by trigger or by patience, that dwell forbids so soon after the last one. */
    ABSA_REASON_DWELL = 6,
    /** Bad: the value is NaN or infinite. */
    ABSA_REASON_NONFINITE = 7,
    /** Bad: the value is zero or negative. */
    ABSA_REASON_NOT_POSITIVE = 8,
    /** Bad: the estimator's rule did not fire, and use_unconverged is off. */
    ABSA_REASON_UNCONVERGED = 9,
    /** Bad: the operator changed while it was measured. */
    ABSA_REASON_INCONSISTENT = 10,
    /** Three bad measurements in a row: this run cannot adapt. Given instead of the third's own. */
    ABSA_REASON_BLIND = 11,
    /** The strategy does not measure. */
    ABSA_REASON_FIXED = 12,
    /** The schedule changed batch, learning rate or gamma. */
    ABSA_REASON_DECAY = 13,
    /** The eigenvalue rose above shrink_ratio times Eig: batch and lr shrink, Eig moves. */
    ABSA_REASON_SHRINK = 14
};

/** One decision, as the journal gets it. */
typedef struct absa_decision {
    size_t struct_size;    /**< sizeof(absa_decision) */
    int32_t event;         /**< one of enum absa_event */
    int32_t reason;        /**< one of enum absa_reason */
    int64_t update;        /**< updates made */
    int64_t samples;       /**< samples used */
    int64_t epoch;         /**< epochs ended */
    int64_t batch_before;  /**< B */
    int64_t batch;         /**< B of the next window */
    double lr_before;      /**< learning rate */
    double lr;             /**< of the next window */
    double gamma_before;   /**< share of perturbed rows */
    double gamma;          /**< of the next window */
    double value;          /**< measured eigenvalue; NaN for other events */
    double lower;          /**< its interval as measured, before standard_error widens it; both ends
                                are value when it came unverified */
    double upper;          /**< see lower */
    double threshold;      /**< what it was compared with; NaN before the first */
    double reference;      /**< Eig after the decision; NaN before the first */
    int64_t patience;      /**< measurements counted toward patience after the decision */
    int64_t products;      /**< products the measurement cost; 0 when unknown */
    int32_t converged;     /**< 1: the estimator's rule fired; 0 for other events */
    int32_t consistent;    /**< 1: the operator did not change; 0 for other events */
    int32_t answer;        /**< DECIDE's, one of enum absa_answer */
    int32_t reserved0;     /**< 0 */
    double standard_error; /**< of the measurement over probe batches; 0: not known */
} absa_decision;

/**
 * Take one decision of the journal.
 *
 * @return 0, or anything else to fail the call with ABSA_E_CALLBACK; the decision stands
 */
typedef int (*absa_journal_fn)(void *user, const absa_decision *decision);

/** Most decay points. */
#define ABSA_DECAY_POINTS 32

/** What absa_controller_create() takes. Fill with absa_controller_options_init(), then change
 * fields. Every field can also be set by its name: absa_controller_options_set(). */
typedef struct absa_controller_options {
    size_t struct_size; /**< sizeof(absa_controller_options) */
    int32_t strategy;   /**< one of enum absa_strategy; ABSA */
    int32_t lr_rule;    /**< one of enum absa_lr_rule; LINEAR */
    int64_t samples;    /**< N, samples of an epoch, at least 1; must be set */
    int64_t epochs;     /**< planned epochs, at least 1, epochs * samples below 2^62; must be set */
    int64_t batch;      /**< B0, at least 1; 128 */
    int64_t batch_max;  /**< Bmax, at least batch; rounded down as B is; 16384 */
    int64_t batch_ref;  /**< batch that lr belongs to; 0: batch */
    int64_t batch_multiple; /**< B is rounded down to a multiple of it (never below batch); growth
                                 ACCUMULATION needs one that divides batch; 1 */
    int64_t micro_batch;    /**< most rows of a micro-batch on one process; 0: batch */
    double lr;              /**< learning rate of batch_ref, above 0; 0.1 */
    double lr_decay;        /**< rho, factor at each decay point, in (0, 1]; 0.2 */
    double decay[ABSA_DECAY_POINTS]; /**< A, ascending, in unit */
    int64_t decay_count;             /**< points in decay; 0 */
    double warmup;       /**< length in unit; 0 for none; -1: 5 epochs for FB, else none; -1 */
    double warmup_start; /**< share of the learning rate it starts from; 0: what lr_rule makes of
                              batch_ref / B; 0 */
    int32_t unit;        /**< one of enum absa_unit; EPOCHS */
    int32_t epoch_tail;  /**< one of enum absa_tail; CARRY */
    double eigenvalue_ratio; /**< alpha, at least 1; 2 */
    double batch_ratio;    /**< beta, above 1, and enough for every B to grow, see enum absa_growth
                                and batch_multiple; at most 1e6; 2 */
    int64_t patience;      /**< kappa, at least 1; 5 */
    int64_t measure_every; /**< n, samples between measurements; 0: at every end_epoch; 0 */
    int64_t dwell;         /**< least samples between two growths; 0 */
    int32_t trigger;       /**< one of enum absa_trigger; INTERVAL */
    int32_t compare;       /**< one of enum absa_compare; LESS */
    int32_t patience_counts;        /**< one of enum absa_patience; UNTRIGGERED */
    int32_t patience_shrinks_share; /**< 1: growth by patience divides gamma too; 0 */
    int32_t finish_at_batch_max;    /**< 1: at batch_max gamma is 0 and nothing is measured; 0 */
    int32_t growth;                 /**< one of enum absa_growth; BATCH */
    int32_t use_unconverged;        /**< 1: measurements whose rule did not fire count; 0 */
    int32_t count_bad; /**< 1: bad measurements count toward patience; the growth itself waits for
                            a good one; 0 */
    double adversarial_share; /**< gamma0, share of rows perturbed at the start, in [0, 1]; 0.2 */
    double share_ratio;       /**< omega, gamma is divided by it, at least 1; 2 */
    double adversarial_end;   /**< tau in unit, when gamma becomes 0; -1: half of the training, in
                                   updates half of those it would have at batch; -1 */
    double epsilon;           /**< size of the perturbation in the network's input units; 0.005 */
    int32_t adversarial_rows; /**< one of enum absa_rows; WINDOW */
    int32_t gradient;         /**< one of enum absa_gradient; MEAN */
    int32_t across;           /**< one of enum absa_across; SUM */
    int32_t momentum;         /**< one of enum absa_momentum; PLAIN */
    absa_journal_fn journal;  /**< NULL: none */
    void *journal_user;       /**< handed to journal */
    absa_reduce_fn reduce; /**< sums over processes, so that all decide alike; NULL: one process */
    void *reduce_user;     /**< handed to reduce */
    int64_t process;       /**< this process's number, for reduce; 0 */
    /* Extensions. Off in every preset. */
    int32_t spill; /**< 1: what batch_max (or rounding) leaves of a growth is taken from lr instead,
                      growths by patience among them; 0 */
    int32_t lr_cap_nesterov; /**< what lr_cap takes momentum for; 0: heavy ball, 1: Nesterov; 0 */
    double shrink_ratio; /**< B is divided by batch_ratio, never below batch, when the measurement
                              (INTERVAL: its lower end) is above shrink_ratio * Eig, and what
                              spill took is given back first; at least 1; plans have no threshold
                              then; 0: never; 0 */
    double lr_cap;       /**< c: lr is at most c * 2 (1 + mu) / lambda for heavy ball, and
                              c * 2 (1 + mu) / ((1 + 2 mu) lambda) for Nesterov, lambda being the
                              last good measurement's value, and sampling_z standard errors; with
                              ABS and ABSA; plans have no threshold then; 0: no cap; 0 */
    double lr_cap_momentum; /**< mu, in [0, 1); 0.9 */
    double polynomial_end; /**< T in unit: lr is multiplied by final + (1 - final) (1 - t / T)^power
                                until T and by final after it, in addition to decay; 0: not; 0 */
    double polynomial_power; /**< power, above 0; 2 */
    double polynomial_final; /**< final, in (0, 1]; 0.01 */
    double sampling_z; /**< standard errors by which a measurement's interval is widened to both
                            sides, see absa_controller_observe_sampled(); 0 or more; 2 */
    absa_lr_fn lr_function; /**< required for lr_rule HOST; NULL */
    void *lr_user;          /**< handed to lr_function */
} absa_controller_options;

/** Fill @p options with the preset RECOMMENDED. Threads: any. Since 0.1. */
ABSA_API void absa_controller_options_init(absa_controller_options *options, size_t size);

/**
 * Set the fields that presets differ in; strategy, sizes, lr, decay and callbacks stay.
 *
 * | field                  | RECOMMENDED | PAPER       | AUTHORS      |
 * |------------------------|-------------|-------------|--------------|
 * | trigger                | INTERVAL    | POINT       | POINT        |
 * | compare                | LESS        | LESS        | LESS_EQUAL   |
 * | patience               | 5           | 10          | 10           |
 * | patience_counts        | UNTRIGGERED | UNTRIGGERED | ALL          |
 * | patience_shrinks_share | 0           | 0           | 1            |
 * | finish_at_batch_max    | 0           | 0           | 1            |
 * | growth                 | BATCH       | BATCH       | ACCUMULATION |
 * | adversarial_rows       | WINDOW      | WINDOW      | MICRO        |
 * | epoch_tail             | CARRY       | CARRY       | DROP         |
 * | use_unconverged        | 0           | 1           | 1            |
 *
 * spill, shrink_ratio and lr_cap are off in all three. The other constants are the paper's:
 * eigenvalue_ratio = batch_ratio = share_ratio = 2, epsilon 0.005, adversarial_share 0.2. The
 * guide to the controller shows what RECOMMENDED's patience rests on.
 *
 * @retval ABSA_E_INVALID  unknown preset
 * @retval ABSA_E_ABI      options were not filled by absa_controller_options_init()
 *
 * Threads: any. Since 0.1.
 */
ABSA_API absa_status absa_controller_options_preset(absa_controller_options *options,
                                                    int32_t preset);

/**
 * Set one field from text, as a command line or a binding would.
 *
 * @param context  takes the message; may be NULL
 * @param options  filled before
 * @param name     the field's name, for example "eigenvalue_ratio"
 * @param value    a number, for real ones also a fraction of two, "8/255", without white space; for
 *                 choices the lower-case end of the constant's name too, for example "absa" or
 *                 "less_equal"; for decay a list "60,120,160", which sets decay_count
 * @retval ABSA_E_INVALID  no such field, or the text is no such value; nothing was changed
 * @retval ABSA_E_ABI      options were not filled by absa_controller_options_init()
 *
 * Ranges are checked by absa_controller_create(). Since 0.1.
 */
ABSA_API absa_status absa_controller_options_set(absa_context *context,
                                                 absa_controller_options *options, const char *name,
                                                 const char *value);

/**
 * Write one field as text: the reverse of absa_controller_options_set().
 *
 * @param context   takes the message; may be NULL
 * @param options   filled before
 * @param name      the field's name
 * @param buffer    where to write; NULL asks for the size only
 * @param capacity  bytes of buffer
 * @param[out] size bytes needed, with the closing zero
 * @retval ABSA_E_INVALID  no such field, or a NULL
 * @retval ABSA_E_SPACE    capacity is too small; nothing was written
 * @retval ABSA_E_ABI      options were not filled by absa_controller_options_init()
 *
 * Numbers have 17 significant digits, so that setting the text gives the same bits. Since 0.1.
 */
ABSA_API absa_status absa_controller_options_get(absa_context *context,
                                                 const absa_controller_options *options,
                                                 const char *name, char *buffer, size_t capacity,
                                                 size_t *size);

/**
 * Return the name of option number @p index, or NULL past the last one: for listing them.
 *
 * Threads: any. Since 0.1.
 */
ABSA_API const char *absa_controller_options_name(int32_t index);

/**
 * Create a controller at the beginning of training.
 *
 * @param context  the context
 * @param options  copied; samples and epochs must be set
 * @param[out] out the controller, NULL on failure; the caller destroys it
 * @retval ABSA_E_INVALID  a field is out of range; the message names it
 * @retval ABSA_E_ABI      options were not filled by absa_controller_options_init()
 * @retval ABSA_E_MEMORY   no memory
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_controller_create(absa_context *context,
                                            const absa_controller_options *options,
                                            absa_controller **out);

/** Destroy the controller and set the pointer to NULL; NULL is accepted. Since 0.1. */
ABSA_API void absa_controller_destroy(absa_controller **controller);

/** The plan of the next update. Needs no preparation but struct_size, see absa_plan_init(). */
typedef struct absa_plan {
    size_t struct_size;         /**< sizeof(absa_plan) */
    int64_t batch;              /**< B: what weights and lr refer to */
    int64_t rows;               /**< rows of this window: B, or fewer when it is cut short */
    int64_t rows_done;          /**< rows it has already */
    int64_t micro_batch;        /**< most rows of a micro-batch on one process */
    int64_t micro_batches;      /**< micro-batches that every process has left in this window, if it
                                     does not cross the end of an epoch */
    double lr;                  /**< learning rate of this update */
    double lr_multiplier;       /**< lr over the host's own schedule (decay and warm-up left out) */
    double momentum_multiplier; /**< to apply once to the velocity before this update */
    double gamma;               /**< share of perturbed rows of this window */
    double epsilon;             /**< size of the perturbation */
    int64_t adversarial_rows;   /**< rows of the window to perturb, over all processes */
    double progress;            /**< samples used of those planned, in [0, 1] */
    double epoch;               /**< epochs ended, and the part of the one that is open */
    double threshold;           /**< Eig / eigenvalue_ratio for DECIDE; NaN before the first, and
                                     with lr_cap or shrink_ratio, which need the value itself */
    int64_t update;             /**< updates made */
    int64_t short_updates;      /**< how many of them had fewer than B rows */
    int64_t samples;            /**< samples used */
    int64_t epochs_ended;       /**< calls of end_epoch */
    int32_t measure_due;        /**< 1: measure now, before this update */
    int32_t epoch_done;         /**< 1: the epoch's samples are used up; call end_epoch */
    int32_t finished;           /**< 1: all epochs have ended */
    int32_t reason;             /**< of the last decision, one of enum absa_reason */
    int32_t threshold_closed;   /**< 1: equal counts as below, for DECIDE */
    int32_t reserved0;          /**< 0 */
} absa_plan;

/** Prepare a plan struct of the caller: zeros, and struct_size = @p size. Since 0.1. */
ABSA_API void absa_plan_init(absa_plan *plan, size_t size);

/**
 * Answer what the next update is to be. Changes nothing; call it as often as you like.
 *
 * @param controller  the controller
 * @param process     this process's number, 0 to processes - 1
 * @param processes   how many share each batch, at least 1; may change from call to call
 * @param[out] plan   written on ABSA_OK only
 * @retval ABSA_E_INVALID  process or processes out of range
 *
 * Allocates nothing. Since 0.1.
 */
ABSA_API absa_status absa_controller_plan(const absa_controller *controller, int64_t process,
                                          int64_t processes, absa_plan *plan);

/** One micro-batch of one process. */
typedef struct absa_micro {
    size_t struct_size; /**< sizeof(absa_micro) */
    int64_t first; /**< its first row's position in the epoch, counted from 0; -1 is the last row of
                        the epoch before, after restart_window */
    int64_t rows;  /**< rows of this process; 0 where the rows run out: make the call to
                        backward all the same, other processes wait for it */
    int64_t global_rows; /**< rows of all processes: hand it to absa_controller_advance() */
    double weight;       /**< factor of this micro-batch's gradient, for the declared conventions */
    int64_t adversarial_rows; /**< how many of its first rows to perturb */
    int32_t last;             /**< 1: it completes the window; make the update after advance */
    int32_t reserved0;        /**< 0 */
} absa_micro;

/** Prepare a micro struct of the caller: zeros, and struct_size = @p size. Since 0.1. */
ABSA_API void absa_micro_init(absa_micro *micro, size_t size);

/**
 * Answer which rows come next. Changes nothing; absa_controller_advance() moves on.
 *
 * Rows of one micro-batch are dealt out over the processes in contiguous runs, and never cross the
 * end of an epoch. Parameters as absa_controller_plan(). Since 0.1.
 */
ABSA_API absa_status absa_controller_micro(const absa_controller *controller, int64_t process,
                                           int64_t processes, absa_micro *micro);

/**
 * Count samples that were used, over all processes.
 *
 * When they complete the window, an update is counted, and a growth that waited takes effect.
 *
 * @param controller  the controller
 * @param samples     1 to what the window has left (plan.rows - plan.rows_done)
 * @retval ABSA_E_INVALID  samples out of range; nothing was counted
 * @retval ABSA_E_STATE    training has finished, or 2^62 samples are near
 * @retval ABSA_E_CALLBACK the journal failed; the samples are counted
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_controller_advance(absa_controller *controller, int64_t samples);

/**
 * Observe a measurement. Good ones are compared, bad ones are journalled and never stored.
 *
 * @param controller  the controller
 * @param result      of absa_eigen_run()
 * @param[out] decision  what followed; NULL: not asked. Set struct_size first
 * @retval ABSA_E_INVALID  a bound is NaN, or POWER's missing bound meets the INTERVAL trigger
 * @retval ABSA_E_STATE    training has finished
 * @retval ABSA_E_CALLBACK the journal or reduce failed
 * @retval ABSA_E_PEER     the processes do not agree
 *
 * DECIDE's answers are good measurements; a NOT_BELOW without an earlier Eig is an unconverged one.
 * Allowed whether or not a measurement is due. With reduce set, every process takes process 0's
 * measurement. A growth inside an open window takes effect at its end. Since 0.1.
 */
ABSA_API absa_status absa_controller_observe(absa_controller *controller,
                                             const absa_eigen_result *result,
                                             absa_decision *decision);

/**
 * Observe the mean of measurements over several probe batches.
 *
 * What one batch says differs from what another would by far more than the solver's interval is
 * wide. The interval is widened by absa_controller_options::sampling_z standard errors to both
 * sides before anything is compared; the journal gets it as it was.
 *
 * @param controller      the controller
 * @param result          value, lower and upper: means over the batches
 * @param standard_error  of value over the batches, finite and not negative; 0: not known, as in
 *                        absa_controller_observe()
 * @param[out] decision   what followed; NULL: not asked. Set struct_size first
 * @return as absa_controller_observe(), and ABSA_E_INVALID for a standard_error out of range
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_controller_observe_sampled(absa_controller *controller,
                                                     const absa_eigen_result *result,
                                                     double standard_error,
                                                     absa_decision *decision);

/**
 * Observe a plain number, taken as exact (lower = upper = value); logged as unverified.
 *
 * Parameters and failures as absa_controller_observe(). Since 0.1.
 */
ABSA_API absa_status absa_controller_observe_value(absa_controller *controller, double value,
                                                   absa_decision *decision);

/** Drop a due measurement. ABSA_E_STATE when none is due. Since 0.1. */
ABSA_API absa_status absa_controller_skip_measurement(absa_controller *controller);

/** Count the end of an epoch: always the host's call. ABSA_E_STATE when finished. Since 0.1. */
ABSA_API absa_status absa_controller_end_epoch(absa_controller *controller);

/**
 * Take back the last update: the optimiser skipped it (a loss-scale overflow). Its samples count.
 *
 * @retval ABSA_E_STATE  no update was made since the last one taken back
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_controller_update_skipped(absa_controller *controller);

/** End adversarial inputs for good: single-step training has collapsed. Since 0.1. */
ABSA_API absa_status absa_controller_adversarial_collapse(absa_controller *controller);

/**
 * Forget the open window: its samples are un-counted, to be drawn again.
 *
 * For hosts that load a checkpoint without the half-filled accumulator. A window that began in an
 * earlier epoch goes back to it: absa_micro::first is negative until it has caught up.
 * ABSA_E_CALLBACK when the journal failed. Since 0.1.
 */
ABSA_API absa_status absa_controller_restart_window(absa_controller *controller);

/**
 * Save the state, at any point, also inside a window.
 *
 * @param controller  the controller
 * @param buffer      where to write; NULL asks for the size only
 * @param capacity    bytes of buffer
 * @param[out] size   bytes written, or needed
 * @retval ABSA_E_SPACE  capacity is too small; size tells the need, nothing was written
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_controller_save(const absa_controller *controller, void *buffer,
                                          size_t capacity, size_t *size);

/**
 * Restore what absa_controller_save() wrote, on any machine; training goes on to the same bits.
 *
 * @param controller     created with the options the state belongs to
 * @param buffer         the saved bytes
 * @param size           how many
 * @param other_options  0: refuse a state saved under other options; 1: take it. Counters, batch,
 *                       Eig and gamma are the state's; an open window keeps its batch and rate, but
 *                       ends with the training; all else follows the controller's options, the
 *                       fixed batch of BL or FB from the next window's end on
 * @retval ABSA_E_FORMAT    truncated, damaged, or not a controller's state
 * @retval ABSA_E_VERSION   written by a newer release
 * @retval ABSA_E_MISMATCH  saved under other options; the message names the fields. With
 *                          other_options: no state that can be gone on from under these, such as a
 *                          batch above batch_max
 *
 * Changes nothing on failure. Since 0.1.
 */
ABSA_API absa_status absa_controller_load(absa_controller *controller, const void *buffer,
                                          size_t size, int32_t other_options);

/** Prepare a decision struct of the caller: zeros, and struct_size = @p size. Since 0.1. */
ABSA_API void absa_decision_init(absa_decision *decision, size_t size);

/** Return a reason's name in lower case, "eigenvalue"; "?" when unknown. Threads: any. Since 0.1.
 */
ABSA_API const char *absa_reason_name(int32_t reason);

/**
 * Write a decision as one line of JSON, 17 significant digits; NaN and infinities become null.
 *
 * @param decision  the decision
 * @param buffer    where to write; NULL asks for the size only
 * @param capacity  bytes of buffer
 * @param[out] size bytes needed, with the closing zero
 * @retval ABSA_E_SPACE  capacity is too small; nothing was written
 *
 * Threads: any. Since 0.1.
 */
ABSA_API absa_status absa_decision_format(const absa_decision *decision, char *buffer,
                                          size_t capacity, size_t *size);

/** How far absa_controller_replay() came; set struct_size first, see absa_replay_init(). */
typedef struct absa_replay {
    size_t struct_size;   /**< sizeof(absa_replay) */
    int64_t replayed;     /**< decisions taken in, from the first one on */
    int64_t measurements; /**< how many of them were measurements */
    int64_t undetermined; /**< number of the decision, from 0, whose interval does not settle the
                               threshold: the replay ended before it; -1: there was none */
    double threshold;     /**< the threshold it does not settle; NaN when there was none */
} absa_replay;

/** Prepare a replay struct of the caller: zeros, and struct_size = @p size. Since 0.1. */
ABSA_API void absa_replay_init(absa_replay *replay, size_t size);

/**
 * Feed a journal to a controller: what would other options have made of the same measurements?
 *
 * The events of the journal happen to @p controller at the samples where they happened; decisions
 * are its own. With the options of the journal's run they are the journal's to the bit, but for
 * restarts of windows that no decision fell into. The controller's own journal callback and
 * absa_controller_plan() tell the outcome, which holds as far as a run with other batches would
 * have met the same eigenvalues. Measurements are taken when the journal has them, whatever
 * measure_every says.
 *
 * The replay ends early, with ABSA_OK, when all epochs of @p controller have ended, or before a
 * measurement that does not settle a threshold other than the one it was made for: its interval
 * (for the POINT trigger: what DECIDE left open) reaches over it, or over the eigenvalue that would
 * shrink the batch, and a longer measurement would have told. Those that no threshold concerns (bad
 * ones, the first) are never undetermined.
 *
 * @param controller  usually just created, with the options in question
 * @param decisions   the journal, in order; schedule decisions are passed over
 * @param count       how many, at least 0
 * @param stride      bytes from one to the next, at least their struct_size
 * @param[out] result written on ABSA_OK only
 * @retval ABSA_E_INVALID   decisions run backwards, or one has an unknown event; the message says
 *                          which. The controller stays where it came to
 * @retval ABSA_E_CALLBACK  the controller's own journal failed
 * @retval ABSA_E_ABI       a struct was not filled by its _init function
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_controller_replay(absa_controller *controller,
                                            const absa_decision *decisions, int64_t count,
                                            size_t stride, absa_replay *result);

ABSA_END_DECLS

#endif
