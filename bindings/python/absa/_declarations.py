"""The C interface of libabsa for ctypes. Made from the headers by declare.py: do not edit."""

from ctypes import (CFUNCTYPE, POINTER, Structure, c_char_p, c_double, c_float, c_int, c_int32,
                    c_int64, c_size_t, c_uint32, c_uint64, c_uint8, c_void_p)

ABSA_ABI_VERSION = 0
ABSA_DECAY_POINTS = 32
ABSA_VERSION_MAJOR = 0
ABSA_VERSION_MINOR = 1
ABSA_VERSION_PATCH = 0

# {enum: {word: number}}
ENUMS = {
    "absa_status_code": {
        "ok": 0,
        "invalid": -1,
        "abi": -2,
        "memory": -3,
        "callback": -4,
        "nonfinite": -5,
        "busy": -6,
        "state": -7,
        "unsupported": -8,
        "peer": -9,
        "format": -10,
        "version": -11,
        "mismatch": -12,
        "space": -13,
        "io": -14,
    },
    "absa_element": {
        "f32": 0,
        "f64": 1,
    },
    "absa_distribution": {
        "none": 0,
        "sharded": 1,
        "replicated": 2,
    },
    "absa_step": {
        "sign": 0,
        "raw": 1,
        "l2": 2,
    },
    "absa_direction": {
        "ascend": 0,
        "descend": 1,
    },
    "absa_start": {
        "none": 0,
        "uniform": 1,
        "sign": 2,
        "l2": 3,
    },
    "absa_attack": {
        "fgsm": 0,
        "raw": 1,
        "l2": 2,
        "rfgsm": 3,
        "ffgsm": 4,
        "pgd": 5,
        "pgd_l2": 6,
    },
    "absa_input": {
        "same": -1,
        "f32": 0,
        "f64": 1,
        "f16": 2,
        "bf16": 3,
        "u8": 4,
        "i8": 5,
    },
    "absa_layout": {
        "channels_first": 0,
        "channels_last": 1,
    },
    "absa_perturb_array": {
        "x": 0,
        "g": 1,
        "point": 2,
    },
    "absa_rounding": {
        "floor": 0,
        "stochastic": 1,
    },
    "absa_log_level": {
        "none": 0,
        "warning": 1,
        "info": 2,
        "debug": 3,
    },
    "absa_convention": {
        "mean": 0,
        "sum": 1,
    },
    "absa_scheme": {
        "central": 0,
        "forward": 1,
    },
    "absa_output_loss": {
        "softmax": 0,
        "logistic": 1,
        "squared": 2,
        "host": 3,
    },
    "absa_verdict": {
        "good": 0,
        "zero": 1,
        "nonfinite": 2,
        "not_repeatable": 3,
        "not_scaling": 4,
        "not_additive": 5,
        "not_symmetric": 6,
    },
    "absa_rule": {
        "checked": 0,
        "residual": 1,
        "certified": 2,
        "fixed": 3,
        "power": 4,
        "decide": 5,
    },
    "absa_answer": {
        "none": 0,
        "not_below": 1,
        "below": 2,
        "close": 3,
    },
    "absa_which": {
        "largest": 0,
        "smallest": 1,
        "magnitude": 2,
        "both": 3,
    },
    "absa_memory": {
        "auto": 0,
        "value": 1,
        "basis": 2,
        "restart": 3,
        "two_pass": 4,
    },
    "absa_store": {
        "full": 0,
        "bf16": 1,
    },
    "absa_stop": {
        "none": 0,
        "converged": 1,
        "budget": 2,
        "monitor": 3,
        "exact": 4,
        "decided": 5,
    },
    "absa_strategy": {
        "bl": 0,
        "fb": 1,
        "gg": 2,
        "abs": 3,
        "absa": 4,
    },
    "absa_preset": {
        "recommended": 0,
        "paper": 1,
        "authors": 2,
    },
    "absa_lr_rule": {
        "linear": 0,
        "sqrt": 1,
        "none": 2,
        "host": 3,
    },
    "absa_unit": {
        "epochs": 0,
        "updates": 1,
        "samples": 2,
    },
    "absa_tail": {
        "carry": 0,
        "drop": 1,
        "short": 2,
    },
    "absa_trigger": {
        "interval": 0,
        "point": 1,
    },
    "absa_compare": {
        "less": 0,
        "less_equal": 1,
    },
    "absa_patience": {
        "untriggered": 0,
        "all": 1,
    },
    "absa_growth": {
        "batch": 0,
        "accumulation": 1,
    },
    "absa_rows": {
        "window": 0,
        "micro": 1,
    },
    "absa_gradient": {
        "mean": 0,
        "sum": 1,
    },
    "absa_across": {
        "sum": 0,
        "mean": 1,
    },
    "absa_momentum": {
        "plain": 0,
        "lr_inside": 1,
        "sum": 2,
    },
    "absa_event": {
        "measurement": 0,
        "skip": 1,
        "epoch": 2,
        "collapse": 3,
        "update_skipped": 4,
        "schedule": 5,
        "restart": 6,
    },
    "absa_reason": {
        "none": 0,
        "first": 1,
        "eigenvalue": 2,
        "patience": 3,
        "not_below": 4,
        "unsettled": 5,
        "dwell": 6,
        "nonfinite": 7,
        "not_positive": 8,
        "unconverged": 9,
        "inconsistent": 10,
        "blind": 11,
        "fixed": 12,
        "decay": 13,
        "shrink": 14,
    },
    "absa_collective": {
        "ring": 0,
        "bandwidth": 1,
    },
    "absa_records": {
        "cifar10": 0,
        "cifar100": 1,
        "svhn": 2,
    },
    "absa_refnet_kind": {
        "dense": 1,
        "conv": 2,
        "relu": 3,
        "tanh": 4,
        "softplus": 5,
        "gelu": 6,
        "max_pool": 7,
        "average_pool": 8,
        "global_pool": 9,
        "flatten": 10,
        "add": 11,
        "batch_norm": 12,
    },
    "absa_refnet_loss_kind": {
        "softmax": 0,
        "logistic": 1,
        "squared": 2,
    },
    "absa_refnet_role": {
        "weight": 0,
        "bias": 1,
        "gain": 2,
        "shift": 3,
    },
    "absa_refnet_mode": {
        "train": 0,
        "evaluate": 1,
    },
}


class absa_segment(Structure):
    _fields_ = [
        ("data", c_void_p),
        ("length", c_int64),
    ]

absa_reduce_fn = CFUNCTYPE(c_int, c_void_p, POINTER(c_double), c_int64)


class absa_vector_ops(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("alloc",
         CFUNCTYPE(c_int, c_void_p, POINTER(c_void_p))),
        ("release",
         CFUNCTYPE(None, c_void_p, c_void_p)),
        ("axpby",
         CFUNCTYPE(c_int, c_void_p, c_double, c_void_p, c_double, c_void_p)),
        ("dots",
         CFUNCTYPE(c_int, c_void_p, c_int64, POINTER(c_void_p), c_void_p, POINTER(c_double))),
        ("gaussian",
         CFUNCTYPE(c_int, c_void_p, c_uint64, c_uint64, c_void_p)),
        ("combine",
         CFUNCTYPE(c_int, c_void_p, c_int64, POINTER(c_double), POINTER(c_void_p), c_double,
                   c_void_p, POINTER(c_double))),
        ("read",
         CFUNCTYPE(c_int, c_void_p, c_void_p, c_int64, c_int64, POINTER(c_double))),
        ("write",
         CFUNCTYPE(c_int, c_void_p, c_int64, c_int64, POINTER(c_double), c_void_p)),
    ]


class absa_space(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("element", c_int32),
        ("distribution", c_int32),
        ("n", c_int64),
        ("n_global", c_int64),
        ("first", c_int64),
        ("segments", c_void_p),
        ("segment_count", c_int64),
        ("ops", POINTER(absa_vector_ops)),
        ("ops_user", c_void_p),
        ("reduce", absa_reduce_fn),
        ("reduce_user", c_void_p),
    ]


class absa_perturb_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("step", c_int32),
        ("element", c_int32),
        ("layout", c_int32),
        ("g_element", c_int32),
        ("direction", c_int32),
        ("start", c_int32),
        ("row_size", c_int64),
        ("channels", c_int64),
        ("x_stride", c_int64),
        ("g_stride", c_int64),
        ("out_stride", c_int64),
        ("mask_stride", c_int64),
        ("epsilon", c_double),
        ("lo", c_double),
        ("hi", c_double),
        ("channel_epsilon", c_void_p),
        ("channel_lo", c_void_p),
        ("channel_hi", c_void_p),
        ("element_epsilon", c_void_p),
        ("element_lo", c_void_p),
        ("element_hi", c_void_p),
        ("row_scale", c_void_p),
        ("selected", c_void_p),
        ("mask", c_void_p),
        ("grad_scale", c_double),
        ("step_ratio", c_double),
        ("start_ratio", c_double),
        ("steps", c_int64),
        ("seed", c_uint64),
        ("update", c_int64),
        ("ids", c_void_p),
        ("first_id", c_int64),
    ]


class absa_perturb_result(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("rows_done", c_int64),
        ("zero_rows", c_int64),
        ("unmoved_rows", c_int64),
        ("bad_row", c_int64),
        ("bad_index", c_int64),
        ("bad_in", c_int32),
        ("callback_code", c_int32),
    ]

absa_input_gradient_fn = CFUNCTYPE(c_int, c_void_p, c_int64, c_void_p, c_void_p)


class absa_selection(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("seed", c_uint64),
        ("update", c_int64),
        ("count", c_int64),
        ("threshold_high", c_uint64),
        ("threshold_low", c_uint64),
    ]


class absa_collapse_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("ratio", c_double),
        ("margin", c_double),
        ("confidence", c_double),
    ]


class absa_collapse_result(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("one_step_rise", c_double),
        ("many_step_rise", c_double),
        ("excess", c_double),
        ("standard_error", c_double),
        ("collapsed", c_int32),
        ("reserved0", c_int32),
    ]

absa_alloc_fn = CFUNCTYPE(c_void_p, c_void_p, c_size_t, c_size_t)

absa_release_fn = CFUNCTYPE(None, c_void_p, c_void_p, c_size_t)

absa_log_fn = CFUNCTYPE(None, c_void_p, c_int32, c_char_p)


class absa_context_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("alloc", absa_alloc_fn),
        ("release", absa_release_fn),
        ("alloc_user", c_void_p),
        ("log", absa_log_fn),
        ("log_user", c_void_p),
        ("log_level", c_int32),
        ("reserved0", c_int32),
    ]

absa_hvp_fn = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, POINTER(c_int64))

absa_reduce_vector_fn = CFUNCTYPE(c_int, c_void_p, c_void_p)


class absa_operator_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("samples", c_int64),
        ("convention", c_int32),
        ("reserved0", c_int32),
        ("reduce_vector", absa_reduce_vector_fn),
        ("reduce_user", c_void_p),
    ]

absa_gradient_fn = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, POINTER(c_int64))


class absa_difference_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("scheme", c_int32),
        ("reserved0", c_int32),
        ("step", c_double),
        ("scale", c_double),
    ]

absa_forward_fn = CFUNCTYPE(c_int, c_void_p, c_void_p, POINTER(c_double), POINTER(c_int64))

absa_backward_fn = CFUNCTYPE(c_int, c_void_p, c_void_p, POINTER(c_double), c_int64, c_void_p)

absa_curvature_fn = CFUNCTYPE(c_int, c_void_p, c_int64, POINTER(c_double), POINTER(c_double),
                POINTER(c_double))


class absa_gauss_newton_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("rows", c_int64),
        ("outputs", c_int64),
        ("loss", c_int32),
        ("reserved0", c_int32),
        ("step", c_double),
        ("scale", c_double),
        ("forward", absa_forward_fn),
        ("backward", absa_backward_fn),
        ("curvature", absa_curvature_fn),
    ]


class absa_check_result(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("repeatability", c_double),
        ("scaling", c_double),
        ("additivity", c_double),
        ("symmetry", c_double),
        ("length", c_double),
        ("tolerance", c_double),
        ("products", c_int64),
        ("verdict", c_int32),
        ("reserved0", c_int32),
    ]


class absa_eigen_result(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("value", c_double),
        ("lower", c_double),
        ("upper", c_double),
        ("eta", c_double),
        ("residual", c_double),
        ("inconsistency", c_double),
        ("other_value", c_double),
        ("other_lower", c_double),
        ("other_upper", c_double),
        ("other_residual", c_double),
        ("stop", c_int32),
        ("converged", c_int32),
        ("consistent", c_int32),
        ("rule", c_int32),
        ("which", c_int32),
        ("answer", c_int32),
        ("products", c_int64),
        ("peak_vectors", c_int64),
        ("stream", c_uint64),
        ("memory", c_int32),
        ("heuristic", c_int32),
        ("pairs", c_int64),
        ("starts", c_int64),
        ("rest_bound", c_double),
    ]

absa_monitor_fn = CFUNCTYPE(c_int, c_void_p, POINTER(absa_eigen_result), POINTER(c_int32))


class absa_eigen_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("rule", c_int32),
        ("memory", c_int32),
        ("max_products", c_int64),
        ("max_vectors", c_int64),
        ("tolerance", c_double),
        ("eta", c_double),
        ("seed", c_uint64),
        ("which", c_int32),
        ("keep_hint", c_int32),
        ("monitor", absa_monitor_fn),
        ("monitor_user", c_void_p),
        ("wanted", c_int64),
        ("multiplicity", c_int64),
        ("store", c_int32),
        ("reserved0", c_int32),
    ]


class absa_eigen_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("stream", c_uint64),
        ("hint", c_void_p),
        ("hint_stream", c_uint64),
        ("hint_weight", c_double),
        ("threshold", c_double),
        ("threshold_closed", c_int32),
        ("reserved0", c_int32),
    ]


class absa_pair(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("value", c_double),
        ("lower", c_double),
        ("upper", c_double),
        ("residual", c_double),
        ("cluster", c_int64),
        ("from_below", c_int32),
        ("fresh", c_int32),
    ]


class absa_block_range(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("first", c_int64),
        ("count", c_int64),
        ("layer", c_int64),
    ]

absa_lr_fn = CFUNCTYPE(c_int, c_void_p, c_int64, c_int64, POINTER(c_double))


class absa_decision(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("event", c_int32),
        ("reason", c_int32),
        ("update", c_int64),
        ("samples", c_int64),
        ("epoch", c_int64),
        ("batch_before", c_int64),
        ("batch", c_int64),
        ("lr_before", c_double),
        ("lr", c_double),
        ("gamma_before", c_double),
        ("gamma", c_double),
        ("value", c_double),
        ("lower", c_double),
        ("upper", c_double),
        ("threshold", c_double),
        ("reference", c_double),
        ("patience", c_int64),
        ("products", c_int64),
        ("converged", c_int32),
        ("consistent", c_int32),
        ("answer", c_int32),
        ("reserved0", c_int32),
        ("standard_error", c_double),
    ]

absa_journal_fn = CFUNCTYPE(c_int, c_void_p, POINTER(absa_decision))


class absa_controller_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("strategy", c_int32),
        ("lr_rule", c_int32),
        ("samples", c_int64),
        ("epochs", c_int64),
        ("batch", c_int64),
        ("batch_max", c_int64),
        ("batch_ref", c_int64),
        ("batch_multiple", c_int64),
        ("micro_batch", c_int64),
        ("lr", c_double),
        ("lr_decay", c_double),
        ("decay", c_double * 32),
        ("decay_count", c_int64),
        ("warmup", c_double),
        ("warmup_start", c_double),
        ("unit", c_int32),
        ("epoch_tail", c_int32),
        ("eigenvalue_ratio", c_double),
        ("batch_ratio", c_double),
        ("patience", c_int64),
        ("measure_every", c_int64),
        ("dwell", c_int64),
        ("trigger", c_int32),
        ("compare", c_int32),
        ("patience_counts", c_int32),
        ("patience_shrinks_share", c_int32),
        ("finish_at_batch_max", c_int32),
        ("growth", c_int32),
        ("use_unconverged", c_int32),
        ("count_bad", c_int32),
        ("adversarial_share", c_double),
        ("share_ratio", c_double),
        ("adversarial_end", c_double),
        ("epsilon", c_double),
        ("adversarial_rows", c_int32),
        ("gradient", c_int32),
        ("across", c_int32),
        ("momentum", c_int32),
        ("journal", absa_journal_fn),
        ("journal_user", c_void_p),
        ("reduce", absa_reduce_fn),
        ("reduce_user", c_void_p),
        ("process", c_int64),
        ("spill", c_int32),
        ("lr_cap_nesterov", c_int32),
        ("shrink_ratio", c_double),
        ("lr_cap", c_double),
        ("lr_cap_momentum", c_double),
        ("polynomial_end", c_double),
        ("polynomial_power", c_double),
        ("polynomial_final", c_double),
        ("sampling_z", c_double),
        ("lr_function", absa_lr_fn),
        ("lr_user", c_void_p),
    ]


class absa_plan(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("batch", c_int64),
        ("rows", c_int64),
        ("rows_done", c_int64),
        ("micro_batch", c_int64),
        ("micro_batches", c_int64),
        ("lr", c_double),
        ("lr_multiplier", c_double),
        ("momentum_multiplier", c_double),
        ("gamma", c_double),
        ("epsilon", c_double),
        ("adversarial_rows", c_int64),
        ("progress", c_double),
        ("epoch", c_double),
        ("threshold", c_double),
        ("update", c_int64),
        ("short_updates", c_int64),
        ("samples", c_int64),
        ("epochs_ended", c_int64),
        ("measure_due", c_int32),
        ("epoch_done", c_int32),
        ("finished", c_int32),
        ("reason", c_int32),
        ("threshold_closed", c_int32),
        ("reserved0", c_int32),
    ]


class absa_micro(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("first", c_int64),
        ("rows", c_int64),
        ("global_rows", c_int64),
        ("weight", c_double),
        ("adversarial_rows", c_int64),
        ("last", c_int32),
        ("reserved0", c_int32),
    ]


class absa_replay(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("replayed", c_int64),
        ("measurements", c_int64),
        ("undetermined", c_int64),
        ("threshold", c_double),
    ]


class absa_cost_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("processes", c_int64),
        ("parameters", c_int64),
        ("parameter_bits", c_int64),
        ("collective", c_int32),
        ("reserved0", c_int32),
        ("latency", c_double),
        ("bandwidth", c_double),
        ("update_time", c_double),
        ("row_time", c_double),
        ("adversarial_row_time", c_double),
        ("measurement_time", c_double),
        ("product_time", c_double),
    ]


class absa_cost_run(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("updates", c_int64),
        ("rows", c_int64),
        ("adversarial_rows", c_int64),
        ("measurements", c_int64),
        ("products", c_int64),
    ]


class absa_cost_result(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("allreduce", c_double),
        ("computing", c_double),
        ("exchange", c_double),
        ("measuring", c_double),
        ("total", c_double),
    ]

absa_select_batch_fn = CFUNCTYPE(c_int, c_void_p, c_int64)


class absa_sampling_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("confidence", c_double),
        ("target", c_double),
        ("least", c_int64),
        ("select", absa_select_batch_fn),
        ("select_user", c_void_p),
    ]


class absa_sampling_result(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("batches", c_int64),
        ("mean", c_double),
        ("deviation", c_double),
        ("standard_error", c_double),
        ("confidence", c_double),
        ("quantile", c_double),
        ("lower", c_double),
        ("upper", c_double),
    ]


class absa_dataset_view(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("rows", c_int64),
        ("channels", c_int64),
        ("height", c_int64),
        ("width", c_int64),
        ("features", c_int64),
        ("classes", c_int64),
        ("x", c_void_p),
        ("labels", c_void_p),
    ]


class absa_records_format(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("label_bytes", c_int64),
        ("label_at", c_int64),
        ("label_base", c_int64),
        ("classes", c_int64),
        ("other_classes", c_int64),
        ("channels", c_int64),
        ("height", c_int64),
        ("width", c_int64),
    ]


class absa_glyphs_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("rows", c_int64),
        ("first", c_int64),
        ("size", c_int64),
        ("seed", c_uint64),
        ("shift", c_double),
        ("turn", c_double),
        ("bend", c_double),
        ("noise", c_double),
    ]


class absa_refnet_layer(Structure):
    _fields_ = [
        ("kind", c_int32),
        ("units", c_int32),
        ("size", c_int32),
        ("stride", c_int32),
        ("padding", c_int32),
        ("no_bias", c_int32),
        ("source", c_int32),
        ("other", c_int32),
    ]


class absa_refnet_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("layers", POINTER(absa_refnet_layer)),
        ("layer_count", c_int64),
        ("channels", c_int64),
        ("height", c_int64),
        ("width", c_int64),
        ("outputs", c_int64),
        ("hidden", c_void_p),
        ("hidden_count", c_int64),
        ("activation", c_int32),
        ("element", c_int32),
        ("loss", c_int32),
        ("reserved0", c_int32),
        ("weight_decay", c_double),
        ("chunk_rows", c_int64),
        ("probe_rows", c_int64),
        ("ghost_rows", c_int64),
        ("threads", c_int64),
    ]


class absa_refnet_range(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("range", absa_block_range),
        ("shape", c_int64 * 4),
        ("rank", c_int32),
        ("layer", c_int32),
        ("role", c_int32),
        ("reserved0", c_int32),
    ]


class absa_refnet_evaluation(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("rows", c_int64),
        ("correct", c_int64),
        ("loss_sum", c_double),
    ]


# {function: (type of its result, types of its arguments)}
FUNCTIONS = {
    "absa_abi_version": (c_int32, []),
    "absa_block_count": (c_int64, [c_void_p]),
    "absa_block_create": (c_int, [c_void_p, c_int64, POINTER(absa_block_range), c_int64,
        POINTER(c_void_p)]),
    "absa_block_destroy": (None, [POINTER(c_void_p)]),
    "absa_block_eigenvalues": (c_int, [c_void_p, POINTER(absa_block_range), c_int64,
        POINTER(absa_eigen_options), c_uint64, POINTER(absa_eigen_result), c_size_t]),
    "absa_block_expand": (c_int, [c_void_p, POINTER(absa_space), c_void_p, c_void_p]),
    "absa_block_gather": (c_int, [c_void_p, POINTER(absa_space), c_void_p, c_void_p]),
    "absa_block_layer_at": (c_int, [c_void_p, c_int64, POINTER(absa_block_range)]),
    "absa_block_layer_count": (c_int64, [c_void_p]),
    "absa_block_parameter_count": (c_int64, [c_void_p]),
    "absa_block_piece_at": (c_int, [c_void_p, c_int64, POINTER(absa_block_range)]),
    "absa_block_piece_count": (c_int64, [c_void_p]),
    "absa_block_select": (c_int, [c_void_p, c_char_p]),
    "absa_block_select_layers": (c_int, [c_void_p, c_int64]),
    "absa_block_select_name": (c_int, [c_void_p, c_char_p]),
    "absa_block_select_range": (c_int, [c_void_p, c_int64, c_int64]),
    "absa_block_select_share": (c_int, [c_void_p, c_double]),
    "absa_block_space": (c_int, [c_void_p, POINTER(absa_space), POINTER(absa_space), c_size_t]),
    "absa_check_result_init": (None, [POINTER(absa_check_result), c_size_t]),
    "absa_collapse_check": (c_int, [POINTER(absa_collapse_options), c_int64, c_void_p, c_void_p,
        c_void_p, POINTER(absa_collapse_result)]),
    "absa_collapse_options_init": (None, [POINTER(absa_collapse_options), c_size_t]),
    "absa_collapse_result_init": (None, [POINTER(absa_collapse_result), c_size_t]),
    "absa_context_alloc": (c_int, [c_void_p, c_int64, c_size_t, POINTER(c_void_p)]),
    "absa_context_callback_code": (c_int, [c_void_p]),
    "absa_context_create": (c_int, [POINTER(absa_context_options), POINTER(c_void_p)]),
    "absa_context_destroy": (None, [POINTER(c_void_p)]),
    "absa_context_fail": (c_int, [c_void_p, c_int, c_char_p]),
    "absa_context_log": (None, [c_void_p, c_int32, c_char_p]),
    "absa_context_message": (c_char_p, [c_void_p]),
    "absa_context_options_init": (None, [POINTER(absa_context_options), c_size_t]),
    "absa_context_release": (None, [c_void_p, c_void_p, c_int64, c_size_t]),
    "absa_context_retain": (c_void_p, [c_void_p]),
    "absa_controller_advance": (c_int, [c_void_p, c_int64]),
    "absa_controller_adversarial_collapse": (c_int, [c_void_p]),
    "absa_controller_create": (c_int, [c_void_p, POINTER(absa_controller_options),
        POINTER(c_void_p)]),
    "absa_controller_destroy": (None, [POINTER(c_void_p)]),
    "absa_controller_end_epoch": (c_int, [c_void_p]),
    "absa_controller_load": (c_int, [c_void_p, c_void_p, c_size_t, c_int32]),
    "absa_controller_micro": (c_int, [c_void_p, c_int64, c_int64, POINTER(absa_micro)]),
    "absa_controller_observe": (c_int, [c_void_p, POINTER(absa_eigen_result),
        POINTER(absa_decision)]),
    "absa_controller_observe_sampled": (c_int, [c_void_p, POINTER(absa_eigen_result), c_double,
        POINTER(absa_decision)]),
    "absa_controller_observe_value": (c_int, [c_void_p, c_double, POINTER(absa_decision)]),
    "absa_controller_options_get": (c_int, [c_void_p, POINTER(absa_controller_options),
        c_char_p, c_char_p, c_size_t, c_void_p]),
    "absa_controller_options_init": (None, [POINTER(absa_controller_options), c_size_t]),
    "absa_controller_options_name": (c_char_p, [c_int32]),
    "absa_controller_options_preset": (c_int, [POINTER(absa_controller_options), c_int32]),
    "absa_controller_options_set": (c_int, [c_void_p, POINTER(absa_controller_options),
        c_char_p, c_char_p]),
    "absa_controller_plan": (c_int, [c_void_p, c_int64, c_int64, POINTER(absa_plan)]),
    "absa_controller_replay": (c_int, [c_void_p, POINTER(absa_decision), c_int64, c_size_t,
        POINTER(absa_replay)]),
    "absa_controller_restart_window": (c_int, [c_void_p]),
    "absa_controller_save": (c_int, [c_void_p, c_void_p, c_size_t, c_void_p]),
    "absa_controller_skip_measurement": (c_int, [c_void_p]),
    "absa_controller_update_skipped": (c_int, [c_void_p]),
    "absa_cost_estimate": (c_int, [c_void_p, POINTER(absa_cost_options), POINTER(absa_cost_run),
        POINTER(absa_cost_result)]),
    "absa_cost_options_init": (None, [POINTER(absa_cost_options), c_size_t]),
    "absa_cost_result_init": (None, [POINTER(absa_cost_result), c_size_t]),
    "absa_cost_run_init": (None, [POINTER(absa_cost_run), c_size_t]),
    "absa_decision_format": (c_int, [POINTER(absa_decision), c_char_p, c_size_t, c_void_p]),
    "absa_decision_init": (None, [POINTER(absa_decision), c_size_t]),
    "absa_difference_options_init": (None, [POINTER(absa_difference_options), c_size_t]),
    "absa_eigen_args_init": (None, [POINTER(absa_eigen_args), c_size_t]),
    "absa_eigen_best": (c_int, [c_void_p, POINTER(absa_eigen_result)]),
    "absa_eigen_continue": (c_int, [c_void_p, c_void_p, POINTER(absa_eigen_result)]),
    "absa_eigen_create": (c_int, [c_void_p, POINTER(absa_space), POINTER(absa_eigen_options),
        POINTER(c_void_p)]),
    "absa_eigen_destroy": (None, [POINTER(c_void_p)]),
    "absa_eigen_load": (c_int, [c_void_p, c_void_p, c_size_t]),
    "absa_eigen_memory": (c_int, [POINTER(absa_space), POINTER(absa_eigen_options), c_void_p,
        c_void_p]),
    "absa_eigen_next": (c_int, [c_void_p, POINTER(c_void_p), POINTER(c_void_p)]),
    "absa_eigen_options_get": (c_int, [c_void_p, POINTER(absa_eigen_options), c_char_p,
        c_char_p, c_size_t, c_void_p]),
    "absa_eigen_options_init": (None, [POINTER(absa_eigen_options), c_size_t]),
    "absa_eigen_options_name": (c_char_p, [c_int32]),
    "absa_eigen_options_set": (c_int, [c_void_p, POINTER(absa_eigen_options), c_char_p, c_char_p]),
    "absa_eigen_pair": (c_int, [c_void_p, c_int64, POINTER(absa_pair)]),
    "absa_eigen_pair_vector": (c_int, [c_void_p, c_int64, c_void_p]),
    "absa_eigen_put": (c_int, [c_void_p]),
    "absa_eigen_result_init": (None, [POINTER(absa_eigen_result), c_size_t]),
    "absa_eigen_run": (c_int, [c_void_p, c_void_p, POINTER(absa_eigen_args),
        POINTER(absa_eigen_result)]),
    "absa_eigen_save": (c_int, [c_void_p, c_int32, c_void_p, c_size_t, c_void_p]),
    "absa_eigen_start": (c_int, [c_void_p, POINTER(absa_eigen_args)]),
    "absa_eigen_vector": (c_int, [c_void_p, c_void_p]),
    "absa_fgsm": (c_int, [c_int64, c_int64, c_void_p, c_void_p, c_double, c_double, c_double,
        c_void_p]),
    "absa_gauss_newton_options_init": (None, [POINTER(absa_gauss_newton_options), c_size_t]),
    "absa_micro_init": (None, [POINTER(absa_micro), c_size_t]),
    "absa_operator_apply": (c_int, [c_void_p, c_void_p, c_void_p]),
    "absa_operator_check": (c_int, [c_void_p, c_uint64, POINTER(absa_check_result)]),
    "absa_operator_destroy": (None, [POINTER(c_void_p)]),
    "absa_operator_from_block": (c_int, [c_void_p, c_void_p, POINTER(c_void_p)]),
    "absa_operator_from_gauss_newton": (c_int, [c_void_p, POINTER(absa_space), c_void_p,
        POINTER(absa_gauss_newton_options), c_void_p, POINTER(absa_operator_options),
        POINTER(c_void_p)]),
    "absa_operator_from_gradient": (c_int, [c_void_p, POINTER(absa_space), c_void_p,
        absa_gradient_fn, c_void_p, POINTER(absa_difference_options),
        POINTER(absa_operator_options), POINTER(c_void_p)]),
    "absa_operator_from_hvp": (c_int, [c_void_p, POINTER(absa_space), absa_hvp_fn, c_void_p,
        POINTER(absa_operator_options), POINTER(c_void_p)]),
    "absa_operator_options_init": (None, [POINTER(absa_operator_options), c_size_t]),
    "absa_operator_products": (c_int64, [c_void_p]),
    "absa_operator_shift": (c_int, [c_void_p, c_void_p, c_double, POINTER(c_void_p)]),
    "absa_operator_sum": (c_int, [c_void_p, c_int64, POINTER(c_void_p), c_void_p,
        POINTER(c_void_p)]),
    "absa_pair_init": (None, [POINTER(absa_pair), c_size_t]),
    "absa_perturb": (c_int, [POINTER(absa_perturb_options), c_int64, c_void_p, c_void_p,
        c_void_p, POINTER(absa_perturb_result)]),
    "absa_perturb_normalised": (c_int, [c_int64, c_double, c_void_p, c_void_p, c_void_p,
        c_void_p, c_void_p]),
    "absa_perturb_options_attack": (c_int, [POINTER(absa_perturb_options), c_int32]),
    "absa_perturb_options_init": (None, [POINTER(absa_perturb_options), c_size_t]),
    "absa_perturb_result_init": (None, [POINTER(absa_perturb_result), c_size_t]),
    "absa_perturb_run": (c_int, [POINTER(absa_perturb_options), c_int64, c_void_p,
        absa_input_gradient_fn, c_void_p, c_void_p, c_void_p, POINTER(absa_perturb_result)]),
    "absa_perturb_start": (c_int, [POINTER(absa_perturb_options), c_int64, c_void_p, c_void_p,
        POINTER(absa_perturb_result)]),
    "absa_perturb_step": (c_int, [POINTER(absa_perturb_options), c_int64, c_void_p, c_void_p,
        c_void_p, POINTER(absa_perturb_result)]),
    "absa_plan_init": (None, [POINTER(absa_plan), c_size_t]),
    "absa_random_gaussian_f32": (None, [c_uint64, c_uint64, c_int64, c_int64, c_void_p]),
    "absa_random_gaussian_f64": (None, [c_uint64, c_uint64, c_int64, c_int64, c_void_p]),
    "absa_random_philox": (None, [c_void_p, c_void_p, c_void_p]),
    "absa_random_uniform": (None, [c_uint64, c_uint64, c_int64, c_int64, c_void_p]),
    "absa_reason_name": (c_char_p, [c_int32]),
    "absa_replay_init": (None, [POINTER(absa_replay), c_size_t]),
    "absa_sampling_from_results": (c_int, [c_void_p, c_int64, POINTER(absa_eigen_result),
        c_void_p, c_double, POINTER(absa_eigen_result), POINTER(absa_sampling_result)]),
    "absa_sampling_from_values": (c_int, [c_void_p, c_int64, c_void_p, c_void_p, c_double,
        POINTER(absa_sampling_result)]),
    "absa_sampling_options_init": (None, [POINTER(absa_sampling_options), c_size_t]),
    "absa_sampling_quotients": (c_int, [c_void_p, c_int64, POINTER(c_void_p), c_void_p,
        c_void_p, c_void_p, POINTER(absa_sampling_options), POINTER(absa_eigen_result),
        c_void_p, POINTER(absa_sampling_result)]),
    "absa_sampling_result_init": (None, [POINTER(absa_sampling_result), c_size_t]),
    "absa_sampling_run": (c_int, [c_void_p, c_int64, POINTER(c_void_p), c_void_p,
        POINTER(absa_sampling_options), POINTER(absa_eigen_result), POINTER(absa_eigen_result),
        POINTER(absa_sampling_result)]),
    "absa_selection_count": (c_int, [c_int64, c_double, c_int32, c_uint64, c_int64, c_void_p]),
    "absa_selection_init": (None, [POINTER(absa_selection), c_size_t]),
    "absa_selection_keyed": (c_int, [POINTER(absa_selection), c_int64, c_void_p, absa_reduce_fn,
        c_void_p]),
    "absa_selection_prefix": (c_int64, [c_int64, c_int64, c_int64]),
    "absa_selection_rows": (c_int, [POINTER(absa_selection), c_int64, c_void_p, c_int64,
        c_void_p, c_void_p]),
    "absa_space_host": (None, [POINTER(absa_space), c_size_t, c_int32, c_int64]),
    "absa_space_init": (None, [POINTER(absa_space), c_size_t]),
    "absa_status_name": (c_char_p, [c_int]),
    "absa_status_text": (c_char_p, [c_int]),
    "absa_verdict_text": (c_char_p, [c_int32]),
    "absa_version": (c_int32, []),
    "absa_version_string": (c_char_p, []),
}

# {function: (type of its result, types of its arguments)}
REFNET_FUNCTIONS = {
    "absa_dataset_create": (c_int, [c_void_p, POINTER(absa_dataset_view), POINTER(c_void_p)]),
    "absa_dataset_destroy": (None, [POINTER(c_void_p)]),
    "absa_dataset_gather": (c_int, [c_void_p, c_void_p, c_int64, c_void_p, c_void_p]),
    "absa_dataset_glyphs": (c_int, [c_void_p, POINTER(absa_glyphs_options), POINTER(c_void_p)]),
    "absa_dataset_limit": (c_int, [c_void_p, c_int64]),
    "absa_dataset_parse_csv": (c_int, [c_void_p, c_void_p, c_size_t, c_int64, POINTER(c_void_p)]),
    "absa_dataset_parse_idx": (c_int, [c_void_p, c_void_p, c_size_t, c_void_p, c_size_t,
        c_int64, POINTER(c_void_p)]),
    "absa_dataset_parse_records": (c_int, [c_void_p, c_void_p, c_size_t,
        POINTER(absa_records_format), POINTER(c_void_p)]),
    "absa_dataset_read_csv": (c_int, [c_void_p, c_char_p, c_int64, POINTER(c_void_p)]),
    "absa_dataset_read_idx": (c_int, [c_void_p, c_char_p, c_char_p, c_int64, POINTER(c_void_p)]),
    "absa_dataset_read_records": (c_int, [c_void_p, POINTER(c_void_p), c_int64,
        POINTER(absa_records_format), POINTER(c_void_p)]),
    "absa_dataset_split": (c_int, [c_void_p, c_int64, c_uint64, POINTER(c_void_p),
        POINTER(c_void_p)]),
    "absa_dataset_view_get": (c_int, [c_void_p, POINTER(absa_dataset_view)]),
    "absa_dataset_view_init": (None, [POINTER(absa_dataset_view), c_size_t]),
    "absa_glyphs_options_init": (None, [POINTER(absa_glyphs_options), c_size_t]),
    "absa_records_format_init": (None, [POINTER(absa_records_format), c_size_t, c_int32]),
    "absa_refnet_block_count": (c_int64, [c_void_p]),
    "absa_refnet_block_create": (c_int, [c_void_p, c_void_p, POINTER(c_void_p)]),
    "absa_refnet_block_destroy": (None, [POINTER(c_void_p)]),
    "absa_refnet_block_gnvp": (c_int, [c_void_p, c_void_p, c_void_p]),
    "absa_refnet_block_gnvp_callback": (c_int, [c_void_p, c_void_p, c_void_p, c_void_p]),
    "absa_refnet_block_hvp": (c_int, [c_void_p, c_void_p, c_void_p]),
    "absa_refnet_block_hvp_callback": (c_int, [c_void_p, c_void_p, c_void_p, c_void_p]),
    "absa_refnet_create": (c_int, [c_void_p, POINTER(absa_refnet_options), POINTER(c_void_p)]),
    "absa_refnet_destroy": (None, [POINTER(c_void_p)]),
    "absa_refnet_element": (c_int32, [c_void_p]),
    "absa_refnet_evaluate": (c_int, [c_void_p, c_void_p, c_void_p, c_void_p, c_int64,
        POINTER(absa_refnet_evaluation)]),
    "absa_refnet_evaluation_init": (None, [POINTER(absa_refnet_evaluation), c_size_t]),
    "absa_refnet_gnvp": (c_int, [c_void_p, c_void_p, c_void_p]),
    "absa_refnet_gnvp_callback": (c_int, [c_void_p, c_void_p, c_void_p, c_void_p]),
    "absa_refnet_gradient": (c_int, [c_void_p, c_void_p, c_void_p, c_void_p, c_int64, c_void_p,
        c_void_p]),
    "absa_refnet_hvp": (c_int, [c_void_p, c_void_p, c_void_p]),
    "absa_refnet_hvp_callback": (c_int, [c_void_p, c_void_p, c_void_p, c_void_p]),
    "absa_refnet_init_parameters": (c_int, [c_void_p, c_uint64, c_void_p]),
    "absa_refnet_input_count": (c_int64, [c_void_p]),
    "absa_refnet_input_gradient": (c_int, [c_void_p, c_void_p, c_void_p, c_void_p, c_int64,
        c_void_p, c_void_p]),
    "absa_refnet_layout": (c_int, [c_void_p, POINTER(c_void_p)]),
    "absa_refnet_loss": (c_int, [c_void_p, c_void_p, c_void_p, c_void_p, c_int64, c_void_p]),
    "absa_refnet_options_init": (None, [POINTER(absa_refnet_options), c_size_t]),
    "absa_refnet_output_count": (c_int64, [c_void_p]),
    "absa_refnet_parameter_count": (c_int64, [c_void_p]),
    "absa_refnet_predict": (c_int, [c_void_p, c_void_p, c_void_p, c_int64, c_void_p]),
    "absa_refnet_probe": (c_int, [c_void_p, c_void_p, c_void_p, c_void_p, c_int64, c_void_p]),
    "absa_refnet_probe_clear": (None, [c_void_p]),
    "absa_refnet_range_at": (c_int, [c_void_p, c_int64, POINTER(absa_refnet_range)]),
    "absa_refnet_range_count": (c_int64, [c_void_p]),
    "absa_refnet_range_init": (None, [POINTER(absa_refnet_range), c_size_t]),
    "absa_refnet_read_statistics": (c_int, [c_void_p, c_void_p]),
    "absa_refnet_set_mode": (c_int, [c_void_p, c_int32]),
    "absa_refnet_space": (None, [c_void_p, POINTER(absa_space), c_size_t]),
    "absa_refnet_statistic_count": (c_int64, [c_void_p]),
    "absa_refnet_track": (c_int, [c_void_p, c_double]),
    "absa_refnet_workspace": (c_int, [c_void_p, POINTER(absa_refnet_options), c_void_p]),
    "absa_refnet_write_statistics": (c_int, [c_void_p, c_void_p]),
}
