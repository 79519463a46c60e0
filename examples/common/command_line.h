/* The command line of a program: long options by a table, --help made from it, --version, and what
 * is said of words that are none of them. What a value means is the program's to say. */
#ifndef COMMON_COMMAND_LINE_H
#define COMMON_COMMAND_LINE_H

typedef struct command_option {
    const char *name;
    const char *argument; /* NULL: the option takes none */
    const char *field;    /* of the library's options that it sets; NULL: the program's own */
    const char *help;     /* lines of it */
} command_option;

typedef struct command_line {
    const char *program;
    const char *before, *after; /* the help's text around the options */
    const command_option *options;
    int count; /* of them, at most 64 */
    /* Takes an option by its place in the table; anything but 0, said by itself, ends the reading.
     */
    int (*take)(void *user, int option, const char *value);
    void *user;
} command_line;

/* Reads all words. *finished becomes 1 when help or version was printed. *operand is the one word
 * without an option, or NULL; when operand is NULL none is taken. Returns 0, 1 when the help cannot
 * be written, 2 when a word was refused, or what take() said. */
int command_line_read(const command_line *c, int argc, char **argv, const char **operand,
                      int *finished);

/* One line on standard error, "program: what: why" or "program: what", whatever the words hold.
 * Returns status. */
int command_say(const char *program, int status, const char *what, const char *why);

/* The end of a program that has not refused: status, or 1 and a line about it when what was printed
 * could not be written. */
int command_end(const char *program, int status);

#endif
