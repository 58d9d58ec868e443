// stele memory: list, show, prune, delete and erase.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/server_run.hpp"
#include "stele/conversation_memory.hpp"
#include "stele/hashing_embedder.hpp"
#include "stele/model_memory.hpp"
#include "stele/semantic_cache.hpp"
#include "stele/vector_index.hpp"

namespace shelf {

struct Owner {
    std::string name;
};
STELE_DESCRIBE(Owner, (name))
struct Page {
    std::string text;
    Owner owner;
};
STELE_DESCRIBE(Page, (text), (owner))

}  // namespace shelf

namespace stele::test {
namespace {

using nlohmann::json;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct MemoryCommand : ::testing::Test {
    ConversationMemory conversation(const std::string& thread) const { return {database, thread}; }
    ModelMemory model(const std::string& identifier) const { return {database, identifier}; }
    static json names_in(const json& document) {
        json names = json::array();
        for (const json& each : document.at("threads")) names.push_back(each.at("thread"));
        return names;
    }

    Server server;
    Database database = server.open();
};

TEST_F(MemoryCommand, lists_threads_page_by_page_the_last_active_first) {
    conversation("a").remember({UserTurn("hi"), AssistantTurn("hello")});
    conversation("b").remember({UserTurn("hi")});
    model("m").remember({ModelInput("hi")});
    const json all = document_on(server, {"memory", "list"});
    EXPECT_EQ(names_in(all), json({"b", "a"}));
    EXPECT_EQ(all["threads"][1]["turns"], 2);
    EXPECT_EQ(all["next_before"], nullptr);
    const json page = document_on(server, {"memory", "list", "--limit", "1"});
    EXPECT_EQ(names_in(page), json({"b"}));
    const std::string token = page["next_before"];
    EXPECT_EQ(names_in(document_on(server, {"memory", "list", "--before", token})), json({"a"}));
    EXPECT_EQ(document_on(server, {"memory", "list", "--models"})["threads"][0]["elements"], 1);
    const Outcome text = run_on(server, {"memory", "list", "--limit", "1"});
    EXPECT_THAT(text.out, AnyOf(HasSubstr("just now"), HasSubstr(" ago")));
    EXPECT_THAT(text.err, HasSubstr("--before '"));
    EXPECT_THAT(error_on(server, {"memory", "list", "--before", "x"}, 2)["message"], HasSubstr("no token"));
}

TEST_F(MemoryCommand, shows_the_newest_of_a_thread) {
    AssistantTurn reply;
    reply.add(ToolRequest{"1", "weather"}).add(ToolResponse{"1", "weather", "sunny"}).add("It is\x1b[31m sunny.");
    conversation("a").remember({UserTurn("What is\nthe weather?"), reply});
    conversation("a").remember({UserTurn("Thanks")});
    const json page = document_on(server, {"memory", "show", "a", "--limit", "1"});
    EXPECT_EQ(page["turns"].size(), 1U);
    EXPECT_EQ(page["turns"][0]["turn"], "user");
    const std::string token = page["next_before"];
    const json older = document_on(server, {"memory", "show", "a", "--before", token});
    EXPECT_EQ(older["turns"].size(), 2U);
    EXPECT_EQ(older["next_before"], nullptr);
    const Outcome text = run_on(server, {"memory", "show", "a"});
    EXPECT_THAT(text.out, HasSubstr("user\n in What is the weather?\n"));
    EXPECT_THAT(text.out, HasSubstr("out (calls weather) {}\n in (weather answers) sunny\n"));
    EXPECT_EQ(text.out.find('\x1b'), std::string::npos) << "a terminal obeys nothing in it";

    model("m").remember({ModelInput("hi"), ModelOutput("hello")}, {.variables = Json::parse(R"({"n":1})")});
    const json elements = document_on(server, {"memory", "show", "m", "--models", "-l", "1"});
    EXPECT_EQ(elements["elements"][0]["type"], "model_output");
    EXPECT_EQ(elements["variables"], json({{"n", 1}}));
    EXPECT_EQ(elements["older"], true);
    EXPECT_THAT(run_on(server, {"memory", "show", "m", "--models"}).out,
                HasSubstr(" in hi\nout hello\nvariables {\"n\": 1}"));
}

TEST_F(MemoryCommand, says_what_is_not_there) {
    EXPECT_THAT(error_on(server, {"memory", "show", "a"}, 1)["message"], HasSubstr("there is no conversation 'a'"));
    EXPECT_THAT(error_on(server, {"memory", "show", "a", "--models"}, 1)["message"], HasSubstr("no model memory 'a'"));
    EXPECT_THAT(error_on(server, {"memory", "show", "a", "--models", "--before", "x"}, 2)["message"],
                HasSubstr("larger --limit"));
    model("a").maintenance();
    EXPECT_EQ(document_on(server, {"memory", "show", "a", "--models"})["elements"], json::array());
}

TEST_F(MemoryCommand, prunes_what_nothing_keeps) {
    for (int i = 0; i < 5; ++i) conversation("a").remember({UserTurn(Content(std::to_string(i)))});
    EXPECT_THAT(error_on(server, {"memory", "prune"}, 2)["message"], HasSubstr("say what stays"));
    const json told = document_on(server, {"memory", "prune", "--keep", "2", "--dry-run"});
    EXPECT_EQ(told["turns"], 3);
    EXPECT_EQ(told["dry_run"], true);
    EXPECT_EQ(document_on(server, {"memory", "prune", "--keep", "2", "--older-than", "1h"})["turns"], 0);
    const Outcome text = run_on(server, {"memory", "prune", "a", "--keep", "2"});
    EXPECT_THAT(text.out, StartsWith("3 turns, "));
    EXPECT_THAT(text.out, HasSubstr(" of 1 conversation removed"));
    EXPECT_EQ(conversation("a").fetch().turns.size(), 2U);
    EXPECT_EQ(document_on(server, {"memory", "prune", "--keep-bytes", "1"})["turns"], 1);
    EXPECT_EQ(document_on(server, {"memory", "prune", "--keep", "1", "--after", "a"})["threads"], 0);
}

TEST_F(MemoryCommand, deletes_a_thread) {
    model("a").remember({ModelInput("hi")}, {.variables = Json::object()});
    conversation("a").remember({UserTurn("hi")});
    const json gone = document_on(server, {"memory", "delete", "a", "--models"});
    EXPECT_EQ(gone["elements"], 1);
    EXPECT_EQ(gone["snapshots"], 1);
    const Outcome again = run_on(server, {"memory", "delete", "a", "--models"});
    EXPECT_EQ(again.exit, 1);
    EXPECT_EQ(again.out, "there is no model memory a\n");
    EXPECT_EQ(run_on(server, {"memory", "delete", "a"}).out, "conversation a: removed, with 1 turn\n");
}

TEST_F(MemoryCommand, forks_a_thread) {
    conversation("a").remember({UserTurn("1")});
    const std::string then = to_iso8601(conversation("a").recall().position.newest.value());
    conversation("a").remember({UserTurn("2")});
    EXPECT_EQ(document_on(server, {"memory", "fork", "a", "b", "--at", then}),
              json({{"thread", "b"}, {"parent", "a"}, {"until", then}}));
    EXPECT_EQ(document_on(server, {"memory", "show", "b"})["turns"].size(), 1U);
    EXPECT_EQ(document_on(server, {"memory", "list"})["threads"][1]["parent"], "a");
    EXPECT_THAT(error_on(server, {"memory", "fork", "a", "b"}, 5)["message"], HasSubstr("is there already"));
    EXPECT_THAT(error_on(server, {"memory", "fork", "x", "y"}, 1)["message"], HasSubstr("holds nothing"));
    EXPECT_THAT(error_on(server, {"memory", "fork", "a", "c", "--at", "noon"}, 2)["message"], HasSubstr("--at takes"));
    EXPECT_THAT(run_on(server, {"memory", "delete", "a"}).err, HasSubstr("1 fork lost what it had of it"));
}

TEST_F(MemoryCommand, walks_through_all_threads_in_the_order_of_their_names_whatever_is_used_meanwhile) {
    for (const std::string name : {"a", "b", "c"}) conversation(name).remember({UserTurn("hi")});
    std::vector<std::string> met;
    for (std::vector<std::string> line = {"memory", "list", "--limit", "1", "--by-name"};;) {
        const json page = document_on(server, line);
        EXPECT_EQ(page["next_before"], nullptr);
        for (const json& each : page["threads"]) met.push_back(each["thread"]);
        if (page["next_after"] == nullptr) break;
        line.resize(5);
        line.insert(line.end(), {"--after", page["next_after"]});
        conversation("c").remember({UserTurn("again")});  // it was not met yet
    }
    EXPECT_THAT(met, ElementsAre("a", "b", "c"));
    EXPECT_THAT(run_on(server, {"memory", "list", "--limit", "2", "--by-name"}).err, HasSubstr("--after 'b'"));
    EXPECT_THAT(error_on(server, {"memory", "list", "--by-name", "--before", "b"}, 2)["message"],
                HasSubstr("excludes"));
    EXPECT_THAT(error_on(server, {"memory", "list", "--after", "b"}, 2)["message"], HasSubstr("--by-name"));
}

TEST_F(MemoryCommand, erases_what_is_somebodys_and_prints_a_receipt) {
    auto embedder = std::make_shared<HashingEmbedder>();
    for (const std::string name : {"ada", "bob"}) {
        conversation(name).remember({UserTurn("hi")});
        model(name).remember({ModelInput("hi")});
        SemanticCache(database, nullptr).put("q", "a", Scope("acme").with("user", name));
        VectorIndex<shelf::Page>(database, embedder).index({{"text", {name}}}, &shelf::Page::text);
    }
    const std::vector<std::string> line = {
        "memory", "erase", "--conversation", "ada",     "--model", "ada",     "-n",
        "acme",   "-a",    "user=ada",       "--table", "page",    "--where", "owner.name=ada"};
    json all({{"dry_run", true},
              {"conversations", 1},
              {"turns", 1},
              {"memories", 1},
              {"elements", 1},
              {"snapshots", 0},
              {"answers", 1},
              {"documents", 1}});
    std::vector<std::string> dry = line;
    dry.emplace_back("--dry-run");
    EXPECT_EQ(document_on(server, dry), all);
    EXPECT_THAT(run_on(server, dry).out, HasSubstr("this would be erased; nothing was changed"));
    all["dry_run"] = false;
    EXPECT_EQ(document_on(server, line), all);
    const Outcome again = run_on(server, line);
    EXPECT_EQ(again.exit, 1);
    EXPECT_EQ(again.out, "there was nothing to erase\n");
    EXPECT_EQ(VectorIndex<shelf::Page>(database).count(), 1U);
    EXPECT_EQ(conversation("bob").recall().context.size(), 1U);
    EXPECT_THAT(error_on(server, {"memory", "erase"}, 2)["message"], HasSubstr("say what to erase"));
    EXPECT_THAT(error_on(server, {"memory", "erase", "--table", "page"}, 2)["message"], HasSubstr("go together"));
    const auto refused = [&](const std::string& where) {
        return error_on(server, {"memory", "erase", "--table", "page", "--where", where}, 2)["message"];
    };
    EXPECT_THAT(refused("x"), HasSubstr("x"));
    EXPECT_THAT(refused("owner.nam = bob"), HasSubstr("has a member 'owner.nam'"));
    EXPECT_EQ(run_on(server, dry).out, "there is nothing to erase\n");
    const json bobs = document_on(server, {"memory", "erase", "--table", "page", "--where",
                                           "owner.name starts with b and not (owner.name is one of [\"ada\"])"});
    EXPECT_EQ(bobs["documents"], 1);
}

}  // namespace
}  // namespace stele::test
