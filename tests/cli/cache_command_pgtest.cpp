#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/server_run.hpp"
#include "stele/semantic_cache.hpp"

namespace stele::test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(CacheCommand, answers_survive_the_process_that_stored_them) {
    const Server server;
    server.open();
    const Outcome put = run_on(server, {"cache", "put", "Where is my order?", "Under Orders.", "--ttl", "7d",
                                        "--metadata", R"({"source":"faq"})", "--json"});
    ASSERT_EQ(put.exit, 0) << put.err;
    EXPECT_EQ(put.document(),
              json({{"stored", true}, {"namespace", "default"}, {"layers", {"exact"}}, {"ttl_seconds", 604'800}}));

    const Outcome get = run_on(server, {"cache", "get", "  where IS my order?", "--json"});
    ASSERT_EQ(get.exit, 0) << get.err;
    const json hit = get.document();
    EXPECT_EQ(hit.at("hit"), true);
    EXPECT_EQ(hit.at("layer"), "exact");
    EXPECT_EQ(hit.at("similarity"), 1.0);
    EXPECT_EQ(hit.at("response"), "Under Orders.");
    EXPECT_EQ(hit.at("metadata"), json({{"source", "faq"}}));
    EXPECT_GE(hit.at("age_seconds"), 0);
    EXPECT_TRUE(hit.at("id").is_number_integer());

    const Outcome miss = run_on(server, {"cache", "get", "Something else?", "--json"});
    EXPECT_EQ(miss.exit, 1);
    EXPECT_EQ(miss.document(), json({{"hit", false}, {"searched", {"exact"}}, {"reason", "no_match"}}));

    const json stats = run_on(server, {"cache", "stats", "--json"}).document();
    EXPECT_EQ(stats, json({{"namespace", nullptr},
                           {"entries", 1},
                           {"expired", 0},
                           {"bytes", 48},
                           {"hits_exact", 1},
                           {"hits_semantic", 0},
                           {"misses", 1},
                           {"evictions", 0},
                           {"expirations", 0},
                           {"hit_rate", 0.5}}));

    EXPECT_EQ(run_on(server, {"cache", "remove", "where is my order?", "--json"}).document(),
              json({{"removed", true}}));
    const Outcome again = run_on(server, {"cache", "remove", "where is my order?", "--json"});
    EXPECT_EQ(again.exit, 1);
    EXPECT_EQ(again.document(), json({{"removed", false}}));
}

TEST(CacheCommand, the_answer_alone_stands_on_standard_output) {
    const Server server;
    server.open();
    const Outcome put = run_on(server, {"cache", "put", "Terms?", "-"}, "line one\nline two\n");
    ASSERT_EQ(put.exit, 0) << put.err;
    EXPECT_THAT(put.err, HasSubstr("only the same question"));
    const Outcome get = run_on(server, {"cache", "get", "terms?"});
    EXPECT_EQ(get.out, "line one\nline two\n");
    EXPECT_THAT(get.err, AllOf(HasSubstr("exact hit"), HasSubstr("entry ")));
    const Outcome miss = run_on(server, {"cache", "get", "other terms?"});
    EXPECT_EQ(miss.exit, 1);
    EXPECT_EQ(miss.out, "");
    EXPECT_THAT(miss.err, AllOf(HasSubstr("no answer"), HasSubstr("--embedder-url")));
}

TEST(CacheCommand, unusual_text_arrives_as_it_was_given) {
    const Server server;
    server.open();
    const std::vector<std::string> texts = {"[a,b]", "\"quoted\"", "a\\nb %s {}", "K\xC3\xB6ln \xF0\x9F\x8C\x8D"};
    for (const std::string& text : texts) {
        ASSERT_EQ(run_on(server, {"cache", "put", text, text}).exit, 0) << text;
        EXPECT_EQ(run_on(server, {"cache", "get", text, "--json"}).document().at("response"), text);
    }
}

TEST(CacheCommand, scopes_do_not_see_each_other) {
    const Server server;
    server.open();
    const std::vector<std::string> german = {"--namespace", "acme", "--attribute", "lang=de", "-a", "model=m"};
    std::vector<std::string> put = {"cache", "put", "Hours?", "9 bis 17 Uhr"};
    put.insert(put.end(), german.begin(), german.end());
    ASSERT_EQ(run_on(server, put).exit, 0);
    std::vector<std::string> get = {"cache", "get", "hours?"};
    get.insert(get.end(), german.begin(), german.end());
    EXPECT_EQ(run_on(server, get).out, "9 bis 17 Uhr\n");
    EXPECT_EQ(run_on(server, {"cache", "get", "hours?", "--namespace", "acme"}).exit, 1);
    EXPECT_EQ(run_on(server, {"cache", "get", "hours?"}).exit, 1);
}

TEST(CacheCommand, an_embedder_that_was_asked_for_finds_similar_wording) {
    const Server server;
    server.open();
    ASSERT_EQ(
        run_on(server, {"cache", "put", "How do I reset my password?", "Click Forgot.", "--embedder", "hashing"}).exit,
        0);
    const Outcome get = run_on(server, {"cache", "get", "how do I reset my password please", "--embedder", "hashing",
                                        "--threshold", "0.5", "--json"});
    ASSERT_EQ(get.exit, 0) << get.err;
    EXPECT_EQ(get.document().at("layer"), "semantic");
    EXPECT_EQ(get.document().at("query"), "How do I reset my password?");
    EXPECT_LT(get.document().at("similarity"), 1.0);
    // without one it is never used silently
    EXPECT_EQ(run_on(server, {"cache", "get", "how do I reset my password please"}).exit, 1);
    // another embedder's vectors do not fit
    const Outcome other = run_on(server, {"cache", "get", "q", "--embedder", "hashing", "--dimension", "64", "--json"});
    EXPECT_EQ(other.exit, 4);
    EXPECT_EQ(other.error().at("code"), "fingerprint_mismatch");
}

TEST(CacheCommand, lists_page_by_page_with_the_newest_first) {
    const Server server;
    {
        const Database database = server.open();
        SemanticCache cache(database, nullptr);
        for (const char* query : {"one", "two", "three"}) cache.put(query, std::string("answer ") + query);
    }
    const json first = run_on(server, {"cache", "list", "--limit", "2", "--json"}).document();
    ASSERT_EQ(first.at("entries").size(), 2U);
    EXPECT_EQ(first.at("entries").at(0).at("query"), "three");
    EXPECT_EQ(first.at("entries").at(0).at("response"), "answer three");
    EXPECT_EQ(first.at("entries").at(0).at("ttl_seconds"), nullptr);
    ASSERT_TRUE(first.at("next_before").is_number_integer());
    const std::string before = first.at("next_before").dump();
    const json second = run_on(server, {"cache", "list", "--limit", "2", "--before", before, "--json"}).document();
    ASSERT_EQ(second.at("entries").size(), 1U);
    EXPECT_EQ(second.at("entries").at(0).at("query"), "one");
    EXPECT_EQ(second.at("next_before"), nullptr);
    const Outcome text = run_on(server, {"cache", "list"});
    EXPECT_THAT(text.out, AllOf(HasSubstr("question"), HasSubstr("answer three"), HasSubstr("never")));
}

TEST(CacheCommand, quotas_are_set_shown_and_taken_away) {
    const Server server;
    {
        SemanticCache cache(server.open(), nullptr);
        for (const char* query : {"one", "two", "three"}) cache.put(query, "answer", Scope("acme").with("model", "m"));
    }
    const json none = run_on(server, {"cache", "quota", "--json"}).document();
    EXPECT_EQ(none.at("quotas"), json::array());
    EXPECT_EQ(none.at("limits").at("max_entries"), nullptr);
    EXPECT_EQ(none.at("limits").at("entries"), 3);
    const Outcome set = run_on(server, {"cache", "quota", "acme", "--max-entries", "2", "--json"});
    ASSERT_EQ(set.exit, 0) << set.err;
    const json quota = set.document().at("quotas").at(0);
    EXPECT_EQ(quota.at("tenant"), "acme");
    EXPECT_EQ(quota.at("max_entries"), 2);
    EXPECT_EQ(quota.at("max_bytes"), nullptr);
    EXPECT_EQ(quota.at("entries"), 2) << "what is too much goes at once";
    EXPECT_EQ(run_on(server, {"cache", "quota", "--all", "--max-bytes", "1000", "--json"})
                  .document()
                  .at("limits")
                  .at("max_bytes"),
              1000);
    EXPECT_THAT(run_on(server, {"cache", "quota"}).out, AllOf(HasSubstr("acme"), HasSubstr("1.0 kB")));
    EXPECT_EQ(run_on(server, {"cache", "quota", "acme", "--remove"}).exit, 0);
    EXPECT_EQ(run_on(server, {"cache", "quota", "acme", "--remove"}).exit, 1);
    EXPECT_EQ(run_on(server, {"cache", "quota", "--max-entries", "2"}).exit, 2) << "whose?";
    EXPECT_EQ(run_on(server, {"cache", "quota", "acme", "--all"}).exit, 2);
    EXPECT_EQ(run_on(server, {"cache", "quota", "acme", "--max-entries", "-1"}).exit, 2);
    EXPECT_EQ(run_on(server, {"cache", "stats", "--json"}).document().at("evictions"), 1);
}

TEST(CacheCommand, vacuum_removes_what_has_expired) {
    const Server server;
    {
        Database database = server.open();
        SemanticCache cache(database, nullptr);
        cache.put("q", "r", {}, {.ttl = std::chrono::seconds(60)});
        cache.put("q", "r", "acme", {.ttl = std::chrono::seconds(60)});
        database.execute(Statement(Sql("UPDATE " + database.quoted_schema() + ".entries SET created_at = 1")));
    }
    EXPECT_EQ(run_on(server, {"cache", "vacuum", "-n", "acme", "--json"}).document(),
              json({{"namespace", "acme"}, {"removed", 1}}));
    EXPECT_EQ(run_on(server, {"cache", "vacuum"}).out, "1 entry removed\n");
    EXPECT_EQ(run_on(server, {"cache", "vacuum", "--json"}).document(), json({{"namespace", nullptr}, {"removed", 0}}));
}

TEST(CacheCommand, namespaces_are_listed_with_what_they_stand_for) {
    const Server server;
    {
        SemanticCache cache(server.open(), nullptr);
        cache.put("q", "r", Scope("acme").with("model", "m-7b"));
        cache.put("q", "r", "zenith");
    }
    const json all = run_on(server, {"cache", "namespaces", "--json"}).document().at("namespaces");
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all.at(0).at("tenant"), "acme");
    EXPECT_EQ(all.at(0).at("attributes"), json({{"model", "m-7b"}}));
    EXPECT_EQ(all.at(1).at("namespace"), "zenith");
    EXPECT_EQ(all.at(1).at("entries"), 1);
    EXPECT_THAT(run_on(server, {"cache", "namespaces"}).out, HasSubstr("model=m-7b"));
}

TEST(CacheCommand, a_list_can_be_of_the_coldest_or_of_what_matches) {
    const Server server;
    {
        Database database = server.open();
        SemanticCache cache(database, nullptr);
        for (const char* query : {"one", "two", "three"}) cache.put(query, std::string("answer ") + query);
        cache.put("elsewhere", "answer", "acme", {.metadata = Json::parse(R"({"source": "faq"})")});
        database.execute(Statement(Sql("UPDATE " + database.quoted_schema() +
                                       ".entries SET last_accessed_at = 1000 - id, access_count = id")));
    }
    const auto queries = [&server](std::vector<std::string> options) {
        options.insert(options.begin(), {"cache", "list", "--json"});
        std::vector<std::string> found;
        const json document = run_on(server, options).document();
        for (const json& entry : document.at("entries")) found.push_back(entry.at("query"));
        return found;
    };
    using ::testing::ElementsAre;
    EXPECT_THAT(queries({"--cold"}), ElementsAre("three", "two", "one"));
    EXPECT_THAT(queries({"--cold", "--all", "--limit", "2"}), ElementsAre("elsewhere", "three"));
    EXPECT_THAT(queries({"--text", "ANSWER T"}), ElementsAre("three", "two"));
    EXPECT_THAT(queries({"--all", "--metadata", R"({"source":"faq"})"}), ElementsAre("elsewhere"));
    EXPECT_THAT(queries({"--older-than", "1h"}), ElementsAre());
    const json first = run_on(server, {"cache", "list", "--limit", "1", "--json"}).document().at("entries").at(0);
    EXPECT_EQ(first.at("access_count"), 3);
    EXPECT_EQ(first.at("last_access"), 997);
    EXPECT_EQ(run_on(server, {"cache", "list", "--cold", "--before", "3"}).exit, 2);
    EXPECT_EQ(run_on(server, {"cache", "list", "--all", "-n", "acme"}).exit, 2);
}

TEST(CacheCommand, stored_text_cannot_command_the_terminal_in_a_list) {
    const Server server;
    {
        const Database database = server.open();
        SemanticCache(database, nullptr).put("q", "\033[2J\033]0;evil\a gone");
    }
    EXPECT_THAT(run_on(server, {"cache", "list"}).out, Not(HasSubstr("\033")));
}

TEST(CacheCommand, a_schema_without_tables_is_not_made_in_passing) {
    const Server server;
    const Outcome run = run_on(server, {"cache", "put", "q", "r", "--json"});
    EXPECT_EQ(run.exit, 4);
    EXPECT_EQ(run.error().at("code"), "schema_missing");
    EXPECT_THAT(run.error().at("message").get<std::string>(), HasSubstr(" migrate`"));
}

TEST(CacheCommand, what_is_too_long_is_refused_as_usage) {
    const Server server;
    server.open();
    const Outcome run = run_on(server, {"cache", "put", "q", "-", "--json"}, std::string(5'000'000, 'x'));
    EXPECT_EQ(run.exit, 2);
    EXPECT_EQ(run.error().at("code"), "limit_exceeded");
}

}  // namespace
}  // namespace stele::test
