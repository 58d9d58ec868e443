#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "cli/server_run.hpp"
#include "cli/watching.hpp"
#include "stele/configuration.hpp"
#include "stele/labels.hpp"
#include "stele/templates.hpp"
#include "support/proxy.hpp"

namespace stele::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

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

TEST(RevisionWatch, looks_again_soon_after_the_server_was_away) {
    const Server server;
    const Database database = server.open();
    Proxy proxy(server_dsn());
    Watching watching(server, {"template", "watch"}, proxy.dsn());
    EXPECT_EQ(watching.next(), json({{"watching", 0}}));
    proxy.door(Door::silent);
    proxy.cut_all();
    std::this_thread::sleep_for(2s);
    proxy.heal();
    const auto made = TemplatesRepository(database).define({.identifier = "t"}, "one");
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(watching.next().at("revision"), to_iso8601(made.value()));
    EXPECT_LT(std::chrono::steady_clock::now() - start, 15s);  // ten times as long as it was away would be 20 s
    EXPECT_EQ(watching.end(SIGTERM), 143);
}

TEST(RevisionWatch, ends_well_when_its_time_is_over) {
    const Server server;
    server.open();
    EXPECT_EQ(run_on(server, {"config", "watch", "--deadline", "3"}).exit, 0);
}

}  // namespace
}  // namespace stele::test
