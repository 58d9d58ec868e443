#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <stdexcept>

#include "cli/server_run.hpp"
#include "stele/configuration.hpp"
#include "stele/labels.hpp"
#include "stele/templates.hpp"

extern char** environ;

namespace stele::test {
namespace {

using nlohmann::json;

/// The command as it runs, with its standard output on a pipe.
class Watching {
public:
    Watching(const Server& server, std::vector<std::string> words) {
        words.insert(words.begin(), STELE_COMMAND);
        // it ends by itself should the test not end it
        words.insert(words.end(), {"--json", "--deadline", "60", "--dsn", server_dsn(), "--schema", server.schema()});
        std::vector<char*> arguments;
        for (std::string& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
        const int failure = ::posix_spawn(&pid_, STELE_COMMAND, &files, nullptr, arguments.data(), environ);
        posix_spawn_file_actions_destroy(&files);
        ::close(ends[1]);
        lines_ = ::fdopen(ends[0], "r");
        if (failure != 0) throw std::runtime_error("posix_spawn");
    }
    Watching(const Watching&) = delete;
    Watching& operator=(const Watching&) = delete;
    ~Watching() {
        if (pid_ > 0) end(SIGKILL);
        std::fclose(lines_);
    }

    /// The next line, waited for; null at the end.
    json next() {
        std::string line;
        for (int letter = 0; (letter = std::fgetc(lines_)) != EOF && letter != '\n';) line += static_cast<char>(letter);
        return line.empty() ? json() : json::parse(line);
    }
    /// Its exit status.
    int end(int signal) {
        ::kill(pid_, signal);
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

private:
    pid_t pid_ = 0;
    std::FILE* lines_ = nullptr;
};

TEST(RevisionWatch, tells_of_revisions_labels_and_removals_as_they_come) {
    const Server server;
    const Database database = server.open();
    ConfigurationRepository store(database);
    Labels labels(database);
    store.define("old", Json::parse(R"({"n":1})"));
    labels.move({{LabelStore::configurations, "old", "before"}});
    Watching watching(server, {"config", "watch"});
    EXPECT_EQ(watching.next(), json({{"watching", 1}}));

    const auto second = store.define("old", Json::parse(R"({"n":2})"), {.author = "ada", .message = "why"});
    EXPECT_EQ(watching.next(), json({{"change", "revision"},
                                     {"identifier", "old"},
                                     {"revision", to_iso8601(second.value())},
                                     {"author", "ada"},
                                     {"message", "why"}}));
    const auto fresh = store.define("new", Json::parse("{}"));
    EXPECT_EQ(watching.next(), json({{"change", "revision"},
                                     {"identifier", "new"},
                                     {"revision", to_iso8601(fresh.value())},
                                     {"author", nullptr},
                                     {"message", nullptr}}));
    labels.move({{LabelStore::configurations, "old", "live"}}, {.author = "ada"});
    EXPECT_EQ(watching.next(), json({{"change", "label"},
                                     {"identifier", "old"},
                                     {"label", "live"},
                                     {"revision", to_iso8601(second.value())},
                                     {"author", "ada"},
                                     {"message", nullptr}}));
    labels.remove({{LabelStore::configurations, "old", "live"}});
    EXPECT_EQ(watching.next().at("revision"), nullptr);
    store.remove("new");
    EXPECT_EQ(watching.next(), json({{"change", "removed"}, {"identifier", "new"}}));
    EXPECT_EQ(watching.end(SIGINT), 130);
}

TEST(RevisionWatch, tells_of_what_was_written_without_us_and_of_every_revision_once) {
    const Server server;
    const Database database = server.open();
    Watching watching(server, {"template", "watch", "t"});
    EXPECT_EQ(watching.next(), json({{"watching", 0}}));
    TemplatesRepository templates(database);
    templates.define({.identifier = "other"}, "not told");
    std::vector<std::string> written;
    for (const char* body : {"one", "two", "three"}) {
        written.push_back(to_iso8601(templates.define({.identifier = "t"}, body).value()));
    }
    // of one that was not there before, it is told what it is; of the others each step
    json event = watching.next();
    EXPECT_EQ(event.at("identifier"), "t");
    while (event.at("revision") != written.back()) event = watching.next();
    Database(database).execute(Statement(
        Sql("INSERT INTO " + database.quoted_schema() + ".templates (identifier, content) VALUES ('t', 'by hand')")));
    event = watching.next();
    EXPECT_EQ(event.at("change"), "revision");
    EXPECT_EQ(event.at("author"), nullptr);
    EXPECT_EQ(event.at("revision"), to_iso8601(templates.history("t").front().created));
    EXPECT_EQ(watching.end(SIGTERM), 143);
}

TEST(RevisionWatch, finds_templates_that_are_new) {
    const Server server;
    const Database database = server.open();
    Watching watching(server, {"template", "watch"});
    EXPECT_EQ(watching.next(), json({{"watching", 0}}));
    const auto made = TemplatesRepository(database).define({.identifier = "t"}, "one");
    EXPECT_EQ(watching.next().at("revision"), to_iso8601(made.value()));
    EXPECT_EQ(watching.end(SIGTERM), 143);
}

TEST(RevisionWatch, ends_well_when_its_time_is_over) {
    const Server server;
    server.open();
    EXPECT_EQ(run_on(server, {"config", "watch", "--deadline", "1"}).exit, 0);
}

}  // namespace
}  // namespace stele::test
