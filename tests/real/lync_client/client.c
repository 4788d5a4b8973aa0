/* A chat client without windows on libpurple: signs one account in and does what stdin says, a line each:
   "say ADDRESS TEXT", "type ADDRESS", "quit". What happens is printed, a line each. */
#include <purple.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static PurpleAccount *account;
static GMainLoop *main_loop;

typedef struct {
    PurpleInputFunction function;
    gpointer data;
} Watch;

static gboolean on_io(GIOChannel *source, GIOCondition condition, gpointer data)
{
    Watch *watch = data;
    int what = 0;
    if (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR))
        what |= PURPLE_INPUT_READ;
    if (condition & (G_IO_OUT | G_IO_HUP | G_IO_ERR | G_IO_NVAL))
        what |= PURPLE_INPUT_WRITE;
    watch->function(watch->data, g_io_channel_unix_get_fd(source), what);
    return TRUE;
}

static guint add_input(gint fd, PurpleInputCondition condition, PurpleInputFunction function, gpointer data)
{
    Watch *watch = g_new0(Watch, 1);
    GIOCondition wanted = G_IO_HUP | G_IO_ERR | G_IO_NVAL;
    GIOChannel *channel = g_io_channel_unix_new(fd);
    guint id;
    watch->function = function;
    watch->data = data;
    if (condition & PURPLE_INPUT_READ)
        wanted |= G_IO_IN;
    if (condition & PURPLE_INPUT_WRITE)
        wanted |= G_IO_OUT;
    id = g_io_add_watch_full(channel, G_PRIORITY_DEFAULT, wanted, on_io, watch, g_free);
    g_io_channel_unref(channel);
    return id;
}

static PurpleEventLoopUiOps loop_ops = {
    g_timeout_add, g_source_remove, add_input, g_source_remove, NULL, g_timeout_add_seconds, NULL, NULL, NULL};

static void say(const char *word, const char *who, const char *text)
{
    printf("%s\t%s\t%s\n", word, who ? who : "", text ? text : "");
    fflush(stdout);
}

static void on_signed_on(PurpleConnection *connection, gpointer data)
{
    say("signed-on", "", "");
}

static void on_error(PurpleConnection *connection, PurpleConnectionError error, const gchar *text, gpointer data)
{
    say("error", "", text);
}

static void on_message(PurpleAccount *own, char *sender, char *text, PurpleConversation *conversation, int flags)
{
    char *plain = purple_markup_strip_html(text);
    say("message", sender, plain);
    g_free(plain);
}

static void on_typing(PurpleAccount *own, const char *who, gpointer data)
{
    say("typing", who, "");
}

/* What the protocol writes into a conversation by itself: above all that a message could not be delivered. */
static void on_written(PurpleAccount *own, const char *who, char *text, PurpleConversation *conversation,
                       PurpleMessageFlags flags)
{
    if (flags & (PURPLE_MESSAGE_SYSTEM | PURPLE_MESSAGE_ERROR))
        say("remark", who, text);
}

static void *accept_question(const char *title, const char *primary, const char *secondary, int default_action,
                             PurpleAccount *own, const char *who, PurpleConversation *conversation, void *user_data,
                             size_t count, va_list actions)
{
    va_arg(actions, char *);
    PurpleRequestActionCb yes = va_arg(actions, PurpleRequestActionCb);
    if (yes != NULL)
        yes(user_data, 0);
    return NULL;
}

static PurpleRequestUiOps request_ops = {.request_action = accept_question};

static gboolean on_stdin(GIOChannel *source, GIOCondition condition, gpointer data)
{
    gchar *line = NULL, **words;
    if (g_io_channel_read_line(source, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL) {
        g_main_loop_quit(main_loop);
        return FALSE;
    }
    words = g_strsplit(g_strchomp(line), " ", 3);
    if (g_strv_length(words) == 3 && strcmp(words[0], "say") == 0) {
        PurpleConversation *talk =
            purple_find_conversation_with_account(PURPLE_CONV_TYPE_IM, words[1], account);
        char *escaped = g_markup_escape_text(words[2], -1);
        if (talk == NULL)
            talk = purple_conversation_new(PURPLE_CONV_TYPE_IM, account, words[1]);
        purple_conv_im_send(PURPLE_CONV_IM(talk), escaped);
        g_free(escaped);
    } else if (g_strv_length(words) == 2 && strcmp(words[0], "type") == 0) {
        serv_send_typing(purple_account_get_connection(account), words[1], PURPLE_TYPING);
    } else if (words[0] != NULL && strcmp(words[0], "quit") == 0) {
        g_main_loop_quit(main_loop);
    }
    g_strfreev(words);
    g_free(line);
    return TRUE;
}

int main(int count, char **arguments)
{
    static int handle;
    GIOChannel *commands = g_io_channel_unix_new(0);
    if (count != 4) {
        fprintf(stderr, "usage: client ADDRESS SERVER:PORT FOLDER\n");
        return 2;
    }
    main_loop = g_main_loop_new(NULL, FALSE);
    purple_util_set_user_dir(arguments[3]);
    purple_debug_set_enabled(getenv("CLIENT_DEBUG") != NULL);
    purple_eventloop_set_ui_ops(&loop_ops);
    purple_request_set_ui_ops(&request_ops);
    purple_plugins_add_search_path("/usr/lib/purple-2");
    if (!purple_core_init("sipfed-test")) {
        fprintf(stderr, "libpurple does not start\n");
        return 1;
    }
    purple_set_blist(purple_blist_new());
    account = purple_account_new(arguments[1], "prpl-sipe");
    purple_account_set_password(account, "secret");
    purple_account_set_string(account, "server", arguments[2]);
    purple_account_set_string(account, "transport", "tcp");
    purple_account_set_string(account, "authentication", "ntlm");
    purple_accounts_add(account);
    purple_signal_connect(purple_connections_get_handle(), "signed-on", &handle, PURPLE_CALLBACK(on_signed_on), NULL);
    purple_signal_connect(purple_connections_get_handle(), "connection-error", &handle, PURPLE_CALLBACK(on_error), NULL);
    purple_signal_connect(purple_conversations_get_handle(), "received-im-msg", &handle, PURPLE_CALLBACK(on_message), NULL);
    purple_signal_connect(purple_conversations_get_handle(), "buddy-typing", &handle, PURPLE_CALLBACK(on_typing), NULL);
    purple_signal_connect(purple_conversations_get_handle(), "wrote-im-msg", &handle, PURPLE_CALLBACK(on_written), NULL);
    g_io_add_watch(commands, G_IO_IN | G_IO_HUP, on_stdin, NULL);
    purple_account_set_enabled(account, "sipfed-test", TRUE);
    purple_savedstatus_activate(purple_savedstatus_new(NULL, PURPLE_STATUS_AVAILABLE));
    g_main_loop_run(main_loop);
    purple_core_quit();
    return 0;
}
