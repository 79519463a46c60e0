#include "command_line.h"

#include <absa/version.h>

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { FAILED = 1, REFUSED = 2, MOST = 64, FIRST = 256, HELP = FIRST + MOST, VERSION };

int command_say(const char *program, int status, const char *what, const char *why)
{
    char text[1024];
    snprintf(text, sizeof text, "%s: %s%s%s", program, what, *why ? ": " : "", why);
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    fprintf(stderr, "%s\n", text);
    return status;
}

int command_end(const char *program, int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    return command_say(program, FAILED, "standard output cannot be written", "");
}

static int width_of(const command_option *o)
{
    return (int)(strlen(o->name) + (o->argument ? strlen(o->argument) + 1 : 0));
}

/* The lines of an option's help stand under each other. */
static void print_option(const command_option *o, int width)
{
    const char *line = o->help;
    printf("  --%s%s%s%*s", o->name, o->argument ? " " : "", o->argument ? o->argument : "",
           width - width_of(o) + 2, "");
    for (size_t length; (length = strcspn(line, "\n")), line[length]; line += length + 1)
        printf("%.*s\n%*s", (int)length, line, width + 6, "");
    printf("%s\n", line);
}

static void print_help(const command_line *c)
{
    int width = 0;
    for (int i = 0; i < c->count; i++)
        if (width_of(&c->options[i]) > width)
            width = width_of(&c->options[i]);
    printf("%s\n", c->before);
    for (int i = 0; i < c->count; i++)
        print_option(&c->options[i], width);
    printf("  --help, --version\n\n%s", c->after);
}

/* What getopt_long() stumbled over: a letter, of which no program has any, or the word. */
static int refuse_word(const command_line *c, char **argv)
{
    const char letter[] = {'-', (char)optopt, '\0'};
    return command_say(c->program, REFUSED,
                       optopt > 0 && optopt < FIRST ? letter : argv[optind - 1],
                       "unknown or ambiguous option; --help lists them");
}

static int refuse_end(const command_line *c, const char *option)
{
    char what[256];
    snprintf(what, sizeof what, "%s needs a value", option);
    return command_say(c->program, REFUSED, what, "");
}

static void fill(const command_line *c, struct option *longs)
{
    for (int i = 0; i < c->count && i < MOST; i++)
        longs[i] = (struct option){c->options[i].name,
                                   c->options[i].argument ? required_argument : no_argument, NULL,
                                   FIRST + i};
    longs[c->count] = (struct option){"help", no_argument, NULL, HELP};
    longs[c->count + 1] = (struct option){"version", no_argument, NULL, VERSION};
}

int command_line_read(const command_line *c, int argc, char **argv, const char **operand,
                      int *finished)
{
    struct option longs[MOST + 3] = {{0}};
    fill(c, longs);
    *finished = 0;
    opterr = 0;
    for (int o; (o = getopt_long(argc, argv, ":", longs, NULL)) != -1;) {
        if (o == '?')
            return refuse_word(c, argv);
        if (o == ':')
            return refuse_end(c, argv[optind - 1]);
        if (o == HELP || o == VERSION) {
            *finished = 1;
            if (o == HELP)
                print_help(c);
            else
                printf("%s %s\n", c->program, absa_version_string());
            return command_end(c->program, 0);
        }
        const int status = c->take(c->user, o - FIRST, optarg);
        if (status)
            return status;
    }
    if (operand)
        *operand = optind < argc ? argv[optind++] : NULL;
    return optind < argc ? command_say(c->program, REFUSED, argv[optind],
                                       "an argument without an option; --help lists them")
                         : 0;
}
