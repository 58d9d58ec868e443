// `stele index search --hybrid`, and how a table comes to know what words are looked for in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/server_run.hpp"

namespace stele::test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kCodedTickets = R"({"id":1,"text":"the parcel was lost","code":"E17"}
{"id":2,"text":"the parcel came late","code":"E18"}
{"id":3,"text":"how do I pay","note":{"by":"the lost parcels"}}
)";

class IndexHybrid : public ::testing::Test {
protected:
    IndexHybrid() { server.open(); }

    static std::vector<std::string> embedded(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "index");
        arguments.insert(arguments.end(), {"--embedder", "hashing", "--dimension", "64"});
        return arguments;
    }
    void add() { document_on(server, embedded({"add", "tickets", "--key", "id"}), kCodedTickets); }
    json search(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"search", "tickets"});
        return document_on(server, embedded(std::move(arguments))).at("found");
    }
    std::string refused(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"search", "tickets"});
        return error_on(server, embedded(std::move(arguments)), 2).at("message");
    }
    const Server server;
};

TEST_F(IndexHybrid, finds_by_words_what_means_nothing_and_says_both_places) {
    document_on(server, embedded({"create", "tickets", "--text-member", "code", "--text-member", "text"}));
    add();
    const json found = search({"the parcel came late", "--hybrid", "--words", "e17"});
    ASSERT_EQ(found.size(), 3U);
    const auto with_code =
        std::find_if(found.begin(), found.end(), [](const json& each) { return each.at("document").at("id") == 1; });
    EXPECT_EQ(with_code->at("text_place"), 1);
    EXPECT_GT(with_code->at("text_score"), 0);
    EXPECT_EQ(found[0].at("document").at("id"), 1) << found;
    EXPECT_FALSE(found[1].contains("text_place"));
    EXPECT_TRUE(found[1].contains("cosine"));
    const json sharp = search({"the parcel came late", "--hybrid", "--words", "e17", "--k", "1", "--vector-weight", "9",
                               "--candidates", "8", "--limit", "1"});
    EXPECT_EQ(sharp[0].at("document").at("id"), 2);
    EXPECT_DOUBLE_EQ(sharp[0].at("score"), 4.5);
    EXPECT_EQ(search({"parcel", "--hybrid", "--where", "code = E18"}).size(), 1U);
    const Outcome shown =
        run_on(server, embedded({"search", "tickets", "parcel", "--hybrid", "--words", "e17", "--show", "id"}));
    EXPECT_THAT(shown.out, AllOf(HasSubstr("by meaning"), HasSubstr("by words"), HasSubstr(" -  ")));
}

TEST_F(IndexHybrid, the_members_are_those_of_the_index_for_words_or_those_that_are_given) {
    add();
    EXPECT_THAT(refused({"lost", "--hybrid"}),
                AllOf(HasSubstr("'tickets' has no index of words"), HasSubstr("--text-member")));
    EXPECT_EQ(search({"lost", "--hybrid", "--text-member", "note.by"})[0].at("document").at("id"), 3);
    EXPECT_THAT(refused({"lost", "--hybrid", "--text-member", "txt"}), HasSubstr("has a member 'txt'; they have: "));
    const json built = document_on(
        server, {"index", "rebuild", "tickets", "--missing", "--text-member", "note.by", "--text-config", "english"});
    EXPECT_EQ(built.at("built").size(), 1U);
    EXPECT_EQ(search({"parcel", "--hybrid", "--words", "parcel", "--text-weight", "9"})[0].at("text_place"), 1);
    EXPECT_THAT(refused({"lost", "--hybrid", "--text-config", "german"}), HasSubstr("no index of words by german"));
    const json listed = document_on(server, {"index", "list"}).at("indexes");
    EXPECT_EQ(listed[0].at("text"), json::parse(R"([{"members":["note.by"],"configuration":"english"}])"));
}

TEST_F(IndexHybrid, explains_a_hybrid_search) {
    add();
    const json plan = document_on(
        server, embedded({"explain", "tickets", "lost", "--hybrid", "--text-member", "text", "--limit", "2"}));
    EXPECT_THAT(plan.at("sql").get<std::string>(), HasSubstr("websearch_to_tsquery"));
    EXPECT_EQ(plan.at("found"), 2);
}

TEST_F(IndexHybrid, refuses_options_that_do_not_go_together) {
    add();
    EXPECT_THAT(refused({"lost", "--words", "x"}), AllOf(HasSubstr("--words"), HasSubstr("--hybrid")));
    EXPECT_THAT(refused({"lost", "--hybrid", "--rerank"}), AllOf(HasSubstr("--hybrid"), HasSubstr("--rerank")));
    const std::vector<std::string> hybrid = {"lost", "--hybrid", "--text-member", "text"};
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), hybrid.begin(), hybrid.end());
        return refused(std::move(more));
    };
    EXPECT_THAT(with({"--k", "0"}), HasSubstr("k is 0"));
    EXPECT_THAT(with({"--candidates", "3"}), HasSubstr("candidates is 3"));
    EXPECT_THAT(with({"--text-config", "klingon"}), HasSubstr("klingon"));
    EXPECT_THAT(with({"--text-config", "a b"}), HasSubstr("a b"));
    EXPECT_THAT(error_on(server, embedded({"create", "other", "--text-config", "english"}), 2).at("message"),
                HasSubstr("--text-member"));
}

}  // namespace
}  // namespace stele::test
