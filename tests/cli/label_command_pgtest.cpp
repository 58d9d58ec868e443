#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/server_run.hpp"

namespace stele::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

struct LabelCommand : ::testing::Test {
    LabelCommand() {
        server.open();
        first = document_on(server, {"config", "set", "app"}, R"({"n":1})").at("revision");
        second = document_on(server, {"config", "set", "app"}, R"({"n":2})").at("revision");
        body = document_on(server, {"template", "set", "a/b"}, "Hi").at("revision");
    }
    json labels() { return document_on(server, {"label", "list"}).at("labels"); }

    Server server;
    std::string first, second, body;
};

TEST_F(LabelCommand, moves_in_both_stores_at_once) {
    const json moved = document_on(server, {"label", "move", "live", "config:app@" + first, "template:a/b", "--author",
                                            "ada", "-m", "go"})
                           .at("labels");
    ASSERT_EQ(moved.size(), 2U);
    json config = moved.at(0);
    EXPECT_TRUE(config.at("moved").is_string());
    config.erase("moved");
    EXPECT_EQ(config, json({{"store", "configurations"},
                            {"identifier", "app"},
                            {"label", "live"},
                            {"revision", first},
                            {"author", "ada"},
                            {"message", "go"}}));
    EXPECT_EQ(moved.at(1).at("store"), "templates");
    EXPECT_EQ(moved.at(1).at("revision"), body);
    EXPECT_EQ(labels(), moved);
}

TEST_F(LabelCommand, moves_nothing_when_one_place_does_not_exist) {
    const json error = error_on(server, {"label", "move", "live", "template:a/b", "config:none"}, 1);
    EXPECT_EQ(error.at("code"), "not_found");
    EXPECT_THAT(error.at("server_message").get<std::string>(), HasSubstr("none"));
    EXPECT_EQ(labels(), json::array());
}

TEST_F(LabelCommand, makes_none_that_would_be_taken_for_something_else) {
    for (const std::string label : {"newest", "label:x", "bad label", "a\tb"}) {
        const json error = error_on(server, {"label", "move", label, "config:app"}, 2);
        EXPECT_THAT(error.at("message").get<std::string>(), HasSubstr("cannot be a label")) << label;
    }
    EXPECT_EQ(error_on(server, {"config", "label", "app", std::string(300, 'a')}, 2).at("code"), "invalid_argument");
    EXPECT_EQ(labels(), json::array());
}

TEST_F(LabelCommand, history_has_every_move_and_the_end) {
    document_on(server, {"label", "move", "live", "config:app@" + first});
    document_on(server, {"config", "label", "app", "live"});
    document_on(server, {"config", "label", "app", "other"});
    const Outcome taken = run_on(server, {"label", "remove", "live", "config:app", "template:a/b", "--json"});
    EXPECT_EQ(taken.exit, 1);
    EXPECT_EQ(taken.document(), json({{"removed", 1}, {"missing", {"template:a/b"}}}));
    const json moves = document_on(server, {"label", "history", "live"}).at("moves");
    ASSERT_EQ(moves.size(), 3U);
    EXPECT_EQ(moves.at(0).at("revision"), nullptr);
    EXPECT_EQ(moves.at(1).at("revision"), second);
    EXPECT_EQ(moves.at(2).at("revision"), first);
    EXPECT_EQ(document_on(server, {"label", "history", "--limit", "1"}).at("moves").size(), 1U);
    const Outcome again = run_on(server, {"label", "remove", "live", "config:app", "--json"});
    EXPECT_EQ(again.exit, 1);
    EXPECT_EQ(again.document(), json({{"removed", 0}, {"missing", {"config:app"}}}));
    EXPECT_EQ(document_on(server, {"label", "list", "live"}).at("labels"), json::array());
    EXPECT_EQ(labels().size(), 1U);
}

TEST_F(LabelCommand, of_one_store_says_where_it_stands) {
    EXPECT_EQ(document_on(server, {"config", "label", "app"}), json({{"labels", json::array()}}));
    const Outcome set = run_on(server, {"config", "label", "app", "live", "--revision", first});
    EXPECT_EQ(set.out, "live of config:app: revision " + first + "\n");
    document_on(server, {"config", "label", "app", "next", "--revision", "label:live"});
    const json both = document_on(server, {"config", "label", "app"}).at("labels");
    ASSERT_EQ(both.size(), 2U);
    EXPECT_EQ(both.at(1).at("label"), "next");
    EXPECT_EQ(both.at(1).at("revision"), first);
    EXPECT_THAT(error_on(server, {"config", "label", "none", "live"}, 1).at("message").get<std::string>(),
                HasSubstr("there is no configuration 'none'; `stele config list`"));
    EXPECT_EQ(error_on(server, {"config", "label", "none"}, 1).at("code"), "not_found");
    EXPECT_EQ(error_on(server, {"config", "label", "app", "live", "--revision", body}, 1).at("code"), "not_found");
    EXPECT_EQ(run_on(server, {"config", "label", "app", "none", "--remove"}).exit, 1);
}

}  // namespace
}  // namespace stele::test
