/** @file
 * Data for the reference network: readers for the usual small files, and a generator of glyph
 * images that needs no file. Part of libabsa-refnet.
 *
 * A *dataset* is a block of rows in memory: row r is channels * height * width floats in [0, 1],
 * plane after plane, and a label from 0 to classes - 1. Readers refuse a file that is truncated,
 * too long, of another kind or mislabelled, and the context's message names the file, the record
 * (counted from 0) and the byte offset. Sizes that a file states are compared with the file's
 * length before anything is allocated, so a damaged header costs nothing.
 *
 * Every reader has a twin that reads from memory (`_parse_`); files are read whole. All functions
 * here allocate from the context only. No file is ever written.
 */
#ifndef ABSA_REFDATA_H
#define ABSA_REFDATA_H

#include <absa/context.h>

ABSA_BEGIN_DECLS

/** Rows with labels, read-only once made. Holds a reference on its context. */
typedef struct absa_dataset absa_dataset;

/** What a dataset holds. Set struct_size with absa_dataset_view_init(). */
typedef struct absa_dataset_view {
    size_t struct_size;    /**< sizeof(absa_dataset_view) */
    int64_t rows;          /**< at least 1 */
    int64_t channels;      /**< planes of a row; 1 for tables */
    int64_t height;        /**< rows of a plane; 1 for tables */
    int64_t width;         /**< columns of a plane, or of the table */
    int64_t features;      /**< channels * height * width */
    int64_t classes;       /**< labels are 0 to classes - 1 */
    const float *x;        /**< rows * features values in [0, 1], row after row */
    const int32_t *labels; /**< one a row */
} absa_dataset_view;

/** Prepare a view struct of the caller: zeros, and struct_size = @p size. Since 0.1. */
ABSA_API void absa_dataset_view_init(absa_dataset_view *view, size_t size);

/**
 * Show what @p dataset holds; the pointers are valid as long as the dataset is.
 *
 * @param dataset    the dataset
 * @param[in,out] view  struct_size set by the caller; written up to it
 * @retval ABSA_E_INVALID  a NULL
 * @retval ABSA_E_ABI      view was not prepared by absa_dataset_view_init()
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_dataset_view_get(const absa_dataset *dataset, absa_dataset_view *view);

/** Destroy the dataset and set the pointer to NULL; NULL is accepted. Since 0.1. */
ABSA_API void absa_dataset_destroy(absa_dataset **dataset);

/**
 * Make a dataset from the caller's arrays, which are copied.
 *
 * @param context  the context
 * @param view     rows, channels, height, width, classes, x and labels; features must be 0 or
 *                 channels * height * width
 * @param[out] out the dataset, NULL on failure; the caller destroys it
 * @retval ABSA_E_INVALID    a size below 1, a label out of range (the message names its row)
 * @retval ABSA_E_NONFINITE  x holds a NaN or infinity. Values outside [0, 1] are kept
 * @retval ABSA_E_ABI        view was not prepared by absa_dataset_view_init()
 * @retval ABSA_E_MEMORY     no memory
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_dataset_create(absa_context *context, const absa_dataset_view *view,
                                         absa_dataset **out);

/**
 * Keep the first @p rows rows only; the memory stays. The public data sets are already shuffled.
 *
 * @param dataset  the dataset
 * @param rows     1 or more; more than there are changes nothing
 * @retval ABSA_E_INVALID  a NULL, or rows below 1
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_dataset_limit(absa_dataset *dataset, int64_t rows);

/**
 * Deal the rows of @p dataset, in an order shuffled by @p seed, into two new datasets.
 *
 * @param dataset      unchanged
 * @param rows         rows of the first part, 1 to one less than there are
 * @param seed         of the shuffle (Fisher and Yates, stream 0 of absa/random.h)
 * @param[out] first   the first @p rows rows, NULL on failure; the caller destroys it
 * @param[out] second  the others, NULL on failure; the caller destroys it
 * @retval ABSA_E_INVALID  a NULL, or rows out of range
 * @retval ABSA_E_MEMORY   no memory
 *
 * The same seed gives the same parts on every machine. The mushroom data has no official test
 * part; the paper's is 6,305 rows to train and 1,819 to validate. Since 0.1.
 */
ABSA_API absa_status absa_dataset_split(const absa_dataset *dataset, int64_t rows, uint64_t seed,
                                        absa_dataset **first, absa_dataset **second);

/**
 * Copy chosen rows into the caller's batch arrays, one after another.
 *
 * @param dataset  the dataset
 * @param rows     @p count row numbers, in any order, repeats allowed
 * @param count    0 or more
 * @param[out] x       count * features floats; NULL: not wanted
 * @param[out] labels  count labels; NULL: not wanted
 * @retval ABSA_E_INVALID  a NULL, or a row number out of range; nothing is written then
 *
 * Allocates nothing. Since 0.1.
 */
ABSA_API absa_status absa_dataset_gather(const absa_dataset *dataset, const int64_t *rows,
                                         int64_t count, float *x, int32_t *labels);

/** @name IDX files (MNIST and its relatives)
 * Images: magic 00 00 08 03, then count, height and width as big-endian 32-bit numbers, then one
 * byte a pixel. Labels: magic 00 00 08 01, count, one byte a label. Each file may be gzipped, which
 * is told from its first two bytes, not its name. Values are divided by 255.
 * @{ */

/**
 * Read a pair of IDX files.
 *
 * @param context      the context
 * @param images_path  file of images
 * @param labels_path  file of labels, as many
 * @param classes      1 to 256; a label must be below it
 * @param[out] out     the dataset, NULL on failure; the caller destroys it
 * @retval ABSA_E_INVALID  a NULL, or classes out of range
 * @retval ABSA_E_IO       a file is missing, a directory, or cannot be read
 * @retval ABSA_E_FORMAT   wrong magic, no rows, a size that does not fit the file's length, bytes
 *                         left over, damaged gzip data, unequal counts, or a label out of range
 * @retval ABSA_E_MEMORY   no memory
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_dataset_read_idx(absa_context *context, const char *images_path,
                                           const char *labels_path, int64_t classes,
                                           absa_dataset **out);

/**
 * As absa_dataset_read_idx(), from memory; messages say "images" and "labels" for the file names.
 *
 * @param context      the context
 * @param images       bytes of the image file, plain or gzipped
 * @param images_size  how many
 * @param labels       bytes of the label file, plain or gzipped
 * @param labels_size  how many
 * @param classes      as there
 * @param[out] out     as there. Statuses as there, but ABSA_E_IO. Since 0.1.
 */
ABSA_API absa_status absa_dataset_parse_idx(absa_context *context, const void *images,
                                            size_t images_size, const void *labels,
                                            size_t labels_size, int64_t classes,
                                            absa_dataset **out);

/** @} */

/** @name Files of equal records (CIFAR-10, CIFAR-100, and others written that way)
 * A record is one or more label bytes and then one byte a pixel, plane after plane. There is no
 * header: a file's length must be a whole number of records. Values are divided by 255.
 * @{ */

/** Which record layout absa_records_format_init() fills in. */
enum absa_records {
    /** 1 label byte (10 classes), 3 planes of 32 x 32: 3,073 bytes. */
    ABSA_RECORDS_CIFAR10 = 0,
    /** A coarse label byte (20 classes), then a fine one (100 classes, the label taken), 3 planes
     * of 32 x 32: 3,074 bytes. */
    ABSA_RECORDS_CIFAR100 = 1,
    /** SVHN rewritten as records: 1 label byte from 1 to 10, 10 being the digit 0 and becoming
     * label 0, 3 planes of 32 x 32: 3,073 bytes. */
    ABSA_RECORDS_SVHN = 2
};

/** The layout of a record. Fill with absa_records_format_init(), then change fields. */
typedef struct absa_records_format {
    size_t struct_size;    /**< sizeof(absa_records_format) */
    int64_t label_bytes;   /**< label bytes in front of the pixels, 1 to 16 */
    int64_t label_at;      /**< which of them is the label, from 0 */
    int64_t label_base;    /**< the lowest label byte in the file, 0 or 1. With 1, labels run from 1
                                to classes, and classes becomes label 0 */
    int64_t classes;       /**< 1 to 256 - label_base */
    int64_t other_classes; /**< the other label bytes must be below it; 0: not checked */
    int64_t channels;      /**< at least 1 */
    int64_t height;        /**< at least 1 */
    int64_t width;         /**< at least 1 */
} absa_records_format;

/**
 * Fill @p format with a known layout.
 *
 * @param format  struct of the caller
 * @param size    sizeof *format as the caller was compiled
 * @param kind    one of enum absa_records; another number fills in ABSA_RECORDS_CIFAR10
 *
 * Threads: any. Since 0.1.
 */
ABSA_API void absa_records_format_init(absa_records_format *format, size_t size, int32_t kind);

/**
 * Read one or more files of records into one dataset, in the order given.
 *
 * @param context  the context
 * @param paths    @p count file names
 * @param count    at least 1
 * @param format   the layout
 * @param[out] out the dataset, NULL on failure; the caller destroys it
 * @retval ABSA_E_INVALID  a NULL, or a field of format is out of range; the message names it
 * @retval ABSA_E_ABI      format was not filled by absa_records_format_init()
 * @retval ABSA_E_IO       a file is missing, a directory, or cannot be read
 * @retval ABSA_E_FORMAT   a file is empty or ends inside a record, or a label is out of range
 * @retval ABSA_E_MEMORY   no memory
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_dataset_read_records(absa_context *context, const char *const *paths,
                                               int64_t count, const absa_records_format *format,
                                               absa_dataset **out);

/**
 * As absa_dataset_read_records(), from memory; messages say "records" for the file name.
 *
 * @param context  the context
 * @param data     bytes of one file
 * @param size     how many
 * @param format   the layout
 * @param[out] out as there. Statuses as there, but ABSA_E_IO. Since 0.1.
 */
ABSA_API absa_status absa_dataset_parse_records(absa_context *context, const void *data,
                                                size_t size, const absa_records_format *format,
                                                absa_dataset **out);

/** @} */

/** @name Tables of categories (mushroom)
 * Text, one row a line, fields between commas, no header line, no quoting. Every column is a
 * category: each of its values (sorted by byte) becomes one feature that is 0 or 1. `?` is a value
 * like any other, so that "unknown" is something the network can learn from. Lines end in LF or
 * CR LF; a last line without one is refused, for it may have been cut.
 * @{ */

/**
 * Read a table of categories.
 *
 * @param context       the context
 * @param path          the file
 * @param label_column  column of the class, from 0; its values, sorted by byte, are the labels
 * @param[out] out      the dataset (channels 1, height 1), NULL on failure; the caller destroys it
 * @retval ABSA_E_INVALID  a NULL, or label_column is negative
 * @retval ABSA_E_IO       the file is missing, a directory, or cannot be read
 * @retval ABSA_E_FORMAT   no rows, a line of another number of fields, an empty field or one of
 *                         more than 63 bytes, a control byte, a column of more than 256 values
 *                         (numbers, presumably), fewer than two classes, no such column, or no line
 *                         break at the end
 * @retval ABSA_E_MEMORY   no memory
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_dataset_read_csv(absa_context *context, const char *path,
                                           int64_t label_column, absa_dataset **out);

/**
 * As absa_dataset_read_csv(), from memory; messages say "table" for the file name.
 *
 * @param context       the context
 * @param data          bytes of the file
 * @param size          how many
 * @param label_column  as there
 * @param[out] out      as there. Statuses as there, but ABSA_E_IO. Since 0.1.
 */
ABSA_API absa_status absa_dataset_parse_csv(absa_context *context, const void *data, size_t size,
                                            int64_t label_column, absa_dataset **out);

/** @} */

/** @name Glyphs: images without a file
 * The ten digits, drawn with strokes, each image with its own shift, turn, scale, shear, stroke
 * width, bent strokes, contrast, stray line and noise. Row i is a pure function of the options and
 * of first + i, so a test set is the same options with another first.
 * @{ */

/** What absa_dataset_glyphs() draws. Fill with absa_glyphs_options_init(), then change fields. */
typedef struct absa_glyphs_options {
    size_t struct_size; /**< sizeof(absa_glyphs_options) */
    int64_t rows;       /**< at least 1; 4096 */
    int64_t first;      /**< number of the first row, at least 0; 0 */
    int64_t size;       /**< pixels along an edge, 8 to 64; 16 */
    uint64_t seed;      /**< 0 */
    double shift;       /**< largest shift, as a share of the edge, in [0, 0.5]; 0.10 */
    double turn;        /**< largest turn and shear in radians, in [0, 1]; 0.30 */
    double bend;        /**< standard deviation of the strokes' points, as a share of the edge, in
                             [0, 0.2]; 0.03 */
    double noise;       /**< standard deviation of the pixel noise, in [0, 1]; 0.15 */
} absa_glyphs_options;

/**
 * Fill @p options with the defaults.
 *
 * @param options  struct of the caller
 * @param size     sizeof *options as the caller was compiled. Threads: any. Since 0.1.
 */
ABSA_API void absa_glyphs_options_init(absa_glyphs_options *options, size_t size);

/**
 * Draw a set of glyph images: one channel, ten classes, the label of row i being (first + i) mod
 * 10.
 *
 * @param context  the context
 * @param options  copied; NULL for the defaults
 * @param[out] out the dataset, NULL on failure; the caller destroys it
 * @retval ABSA_E_INVALID  a field is out of range; the message names it
 * @retval ABSA_E_ABI      options were not filled by absa_glyphs_options_init()
 * @retval ABSA_E_MEMORY   no memory
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_dataset_glyphs(absa_context *context, const absa_glyphs_options *options,
                                         absa_dataset **out);

/** @} */

ABSA_END_DECLS

#endif
