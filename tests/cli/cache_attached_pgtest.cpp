// Tags, dependencies and policies on the command line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/server_run.hpp"
#include "stele/templates.hpp"

namespace stele::test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

json entries(const Server& server, std::vector<std::string> more = {}) {
    std::vector<std::string> command{"cache", "list", "--json"};
    command.insert(command.end(), more.begin(), more.end());
    return run_on(server, command).document().at("entries");
}

TEST(CacheAttachedCommand, an_answer_is_outdated_by_what_is_published) {
    const Server server;
    Database database = server.open();
    TemplatesRepository(database).define({.identifier = "answer"}, "one");
    const Outcome put = run_on(server, {"cache", "put", "Returns?", "14 days", "--depends-on", "document=terms@7",
                                        "--depends-on", "template=answer"});
    ASSERT_EQ(put.exit, 0) << put.err;
    const json depends_on = entries(server).at(0).at("depends_on");
    EXPECT_EQ(depends_on.at(0), json({{"kind", "document"}, {"name", "terms"}, {"version", "7"}}));
    EXPECT_EQ(depends_on.at(1).at("name"), "answer");
    EXPECT_EQ(run_on(server, {"cache", "get", "Returns?"}).exit, 0);

    EXPECT_EQ(run_on(server, {"cache", "publish", "document", "terms", "8", "--json"}).document(),
              json({{"published", true}}));
    EXPECT_EQ(run_on(server, {"cache", "publish", "document", "terms", "8", "--json"}).document(),
              json({{"published", false}}));
    const Outcome miss = run_on(server, {"cache", "get", "Returns?", "--json"});
    EXPECT_EQ(miss.exit, 1);
    EXPECT_EQ(miss.document().at("reason"), "outdated");
    EXPECT_THAT(run_on(server, {"cache", "get", "Returns?"}).err, HasSubstr("not current any more"));
    EXPECT_THAT(run_on(server, {"cache", "explain", "Returns?"}).out, HasSubstr("not current any more"));
    EXPECT_EQ(entries(server).at(0).at("outdated"), true);
    EXPECT_THAT(run_on(server, {"cache", "list"}).out, HasSubstr("outdated"));
    const json published = run_on(server, {"cache", "publish", "--json"}).document().at("published");
    ASSERT_EQ(published.size(), 1U);
    EXPECT_EQ(published.at(0).at("version"), "8");
    EXPECT_EQ(run_on(server, {"cache", "vacuum", "--json"}).document().at("removed"), 1);
}

TEST(CacheAttachedCommand, what_has_a_tag_is_listed_and_removed_by_it) {
    const Server server;
    server.open();
    run_on(server, {"cache", "put", "one", "r", "--tag", "a", "--tag", "b", "--namespace", "acme"});
    run_on(server, {"cache", "put", "two", "r", "--tag", "a", "--namespace", "acme", "--attribute", "lang=de"});
    run_on(server, {"cache", "put", "three", "r"});
    EXPECT_EQ(entries(server, {"--all", "--tag", "a"}).size(), 2U);
    EXPECT_EQ(entries(server, {"--all", "--tag", "b"}).at(0).at("tags"), json({"a", "b"}));
    EXPECT_THAT(run_on(server, {"cache", "list", "--namespace", "acme"}).out, HasSubstr("a, b"));
    EXPECT_THAT(run_on(server, {"cache", "list"}).out, Not(HasSubstr("tags")));
    EXPECT_EQ(run_on(server, {"cache", "remove", "--tag", "a", "--namespace", "acme", "--json"}).document(),
              json({{"removed", 1}}));
    EXPECT_EQ(
        run_on(server, {"cache", "remove", "--tag", "a", "--namespace", "acme", "--whole-tenant", "--json"}).document(),
        json({{"removed", 1}}));
    EXPECT_EQ(run_on(server, {"cache", "remove", "--tag", "a", "--namespace", "acme"}).exit, 1);
    EXPECT_EQ(entries(server, {"--all"}).size(), 1U);
}

TEST(CacheAttachedCommand, a_tenants_policy_is_set_shown_and_taken_away) {
    const Server server;
    server.open();
    EXPECT_THAT(run_on(server, {"cache", "policy"}).err, HasSubstr("no tenant has a policy"));
    const Outcome set = run_on(server, {"cache", "policy", "acme", "--threshold", "0.5", "--ttl", "7d", "--json"});
    ASSERT_EQ(set.exit, 0) << set.err;
    EXPECT_EQ(set.document(), json({{"policies",
                                     {{{"tenant", "acme"},
                                       {"similarity_threshold", 0.5},
                                       {"default_ttl_seconds", 604'800},
                                       {"min_confidence", nullptr}}}}}));
    EXPECT_THAT(run_on(server, {"cache", "policy"}).out, AllOf(HasSubstr("acme"), HasSubstr("0.500")));
    run_on(server, {"cache", "put", "q", "r", "--namespace", "acme"});
    EXPECT_EQ(entries(server, {"--namespace", "acme"}).at(0).at("ttl_seconds"), 604'800);
    EXPECT_EQ(run_on(server, {"cache", "policy", "acme", "--remove"}).exit, 0);
    EXPECT_EQ(run_on(server, {"cache", "policy", "acme", "--remove"}).exit, 1);
}

TEST(CacheAttachedCommand, what_makes_no_sense_is_refused) {
    const Server server;
    server.open();
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"cache", "put", "q", "r", "--depends-on", "document"},
          {"cache", "put", "q", "r", "--depends-on", "=terms"},
          {"cache", "remove"},
          {"cache", "remove", "q", "--tag", "t"},
          {"cache", "remove", "q", "--whole-tenant"},
          {"cache", "policy", "--ttl", "7d"},
          {"cache", "policy", "acme", "--ttl", "7d", "--remove"},
          {"cache", "publish", "document", "terms"},
          {"cache", "publish", "template", "answer", "1"}}) {
        const Outcome outcome = run_on(server, command);
        EXPECT_EQ(outcome.exit, 2) << outcome.out << outcome.err;
        EXPECT_EQ(outcome.out, "");
    }
}

}  // namespace
}  // namespace stele::test
