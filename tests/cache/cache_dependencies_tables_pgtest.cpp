// What is kept beside answers, where others write the same tables: transactions, processes, Python, roles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "any_cache.hpp"
#include "stele/adopt.hpp"
#include "stele/configuration.hpp"
#include "stele/labels.hpp"
#include "stele/publications.hpp"
#include "stele/templates.hpp"
#include "support/child_process.hpp"
#include "support/eventually.hpp"
#include "support/python_tables.hpp"
#include "support/role.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::Server;

class CacheDependenciesTables : public ::testing::Test {
protected:
    SemanticCache other_process() {
        others_.push_back(Database::open(test::undisturbed(server_.options())));
        return SemanticCache(others_.back(), embedder_);
    }
    void settle() {
        test::settle(database_);
        for (const Database& each : others_) test::settle(each);
    }
    std::int64_t count(const std::string& table) {
        return database_.query(Statement(Sql("SELECT count(*) FROM " + server_.schema() + "." + table)))[0]
            .get<std::int64_t>(0);
    }
    std::int64_t attached() { return count("stele_entry_tags") + count("stele_entry_dependencies"); }
    void execute(Executor& executor, const std::string& begin, const std::string& rest = {}) {
        executor.execute(Statement(Sql(begin + server_.schema() + ".entries" + rest)));
    }
    static PutOptions made_from(const std::string& version) {
        return {.tags = {"t"}, .depends_on = {{"document", "terms", version}}};
    }

    Server server_;
    Database database_ = Database::open(test::undisturbed(server_.options()));
    std::deque<Database> others_;
    std::shared_ptr<testing::FakeEmbedder> embedder_ = std::make_shared<testing::FakeEmbedder>();
    SemanticCache cache_{database_, embedder_};
    Publications things_{database_};
};

// mneme's upsert; $1 is the schema's table
constexpr const char* kReplacedAsPython =
    " (namespace, query_hash, query, response, embedding, metadata, created_at, last_accessed_at, ttl, access_count)"
    " SELECT namespace, query_hash, query, 'python', embedding, metadata, created_at, last_accessed_at, ttl, 0 FROM ";

TEST_F(CacheDependenciesTables, what_a_python_process_replaces_or_deletes_leaves_nothing_behind) {
    for (const char* query : {"replaced", "deleted", "used"}) cache_.put(query, "r", {}, made_from("1"));
    EXPECT_EQ(attached(), 6);
    execute(database_, "INSERT INTO ",
            kReplacedAsPython + server_.schema() +
                ".entries WHERE query = 'replaced' ON CONFLICT (namespace, query_hash) DO UPDATE SET query = "
                "EXCLUDED.query, response = EXCLUDED.response, embedding = EXCLUDED.embedding, metadata = "
                "EXCLUDED.metadata, created_at = EXCLUDED.created_at, last_accessed_at = EXCLUDED.last_accessed_at, "
                "ttl = EXCLUDED.ttl, access_count = 0");
    execute(database_, "DELETE FROM ", " WHERE query = 'deleted'");
    execute(database_, "UPDATE ", " SET last_accessed_at = last_accessed_at + 1, access_count = access_count + 1");
    EXPECT_EQ(attached(), 2) << "a use is no replacement";
    settle();
    things_.publish("document", "terms", "2");
    EXPECT_EQ(cache_.get("replaced")->response, "python");
    EXPECT_EQ(cache_.look_up("used").miss, MissReason::outdated);
    EXPECT_EQ(cache_.remove_tagged("t"), 1U);
    EXPECT_EQ(attached(), 0);
    cache_.put("again", "r", {}, made_from("2"));
    execute(database_, "TRUNCATE ");
    EXPECT_EQ(attached(), 0);
}

TEST_F(CacheDependenciesTables, evicted_and_cleared_answers_leave_nothing_behind) {
    cache_.put("one", "r", {}, made_from("1"));
    cache_.put("two", "r", {}, made_from("1"));
    cache_.set_limits({.entries = 1});
    EXPECT_EQ(attached(), 2);
    cache_.clear_all();
    EXPECT_EQ(attached(), 0);
}

TEST_F(CacheDependenciesTables, what_a_restore_left_under_an_id_belongs_to_nobody) {
    cache_.put("q", "r", {}, {.tags = {"old"}, .depends_on = {{"document", "gone", "1"}}});
    Transaction transaction = database_.begin();
    transaction.execute(Statement("SET LOCAL session_replication_role = replica"));
    execute(transaction, "DELETE FROM ");
    transaction.execute(Statement("SELECT setval($1::text::regclass, 1, false)", server_.schema() + ".entries_id_seq"));
    transaction.commit();
    EXPECT_EQ(attached(), 2);
    cache_.put("other", "r", {}, {.tags = {"new"}, .depends_on = {{"document", "terms", "1"}}});
    things_.publish("document", "gone", "2");
    EXPECT_TRUE(cache_.get("other"));
    EXPECT_EQ(attached(), 2);
}

TEST_F(CacheDependenciesTables, another_process_serves_nothing_outdated_within_the_bound) {
    SemanticCache other = other_process();
    cache_.put("q", "r", {}, made_from("1"));
    settle();
    EXPECT_TRUE(other.get("q"));
    EXPECT_EQ(other.get("q")->layer, HitLayer::local);
    things_.publish("document", "terms", "2");
    EXPECT_EQ(cache_.look_up("q").miss, MissReason::outdated) << "at once where it was published";
    EXPECT_EQ(other.get("q")->layer, HitLayer::local) << "not before the change is known";
    settle();
    EXPECT_EQ(other.look_up("q").miss, MissReason::outdated);
}

TEST_F(CacheDependenciesTables, what_python_or_psql_publishes_is_followed_as_well) {
    SemanticCache other = other_process();
    TemplatesRepository templates(database_);
    templates.define({.identifier = "answer"}, "one");
    const auto rendered = templates.render({"answer"});
    cache_.put("template", "r", {}, {.depends_on = {rendered}});
    cache_.put("head", "r", {}, made_from("1"));
    settle();
    for (const char* query : {"template", "head"}) {
        EXPECT_TRUE(other.get(query));
        EXPECT_EQ(other.get(query)->layer, HitLayer::local);
    }
    database_.execute(Statement(Sql("INSERT INTO " + server_.schema() +
                                    ".templates (identifier, content, created) VALUES ('answer', 'two', "
                                    "clock_timestamp())")));
    settle();
    EXPECT_EQ(other.look_up("template").miss, MissReason::outdated);
    EXPECT_TRUE(other.get("head"));
    database_.execute(Statement(Sql("INSERT INTO " + server_.schema() +
                                    ".stele_heads (kind, name, version) VALUES ('document', 'terms', '2')")));
    settle();
    EXPECT_EQ(other.look_up("head").miss, MissReason::outdated);
    database_.execute(Statement(Sql("TRUNCATE " + server_.schema() + ".stele_heads")));
    settle();
    EXPECT_TRUE(other.get("head")) << "nobody has published it";
}

TEST_F(CacheDependenciesTables, a_policy_of_one_process_reaches_the_others_within_the_bound) {
    SemanticCache other = other_process();
    embedder_->similar("asked", "question", 0.8f);
    other.put("question", "r", "acme");
    settle();
    EXPECT_FALSE(other.get("asked", "acme", {}));
    cache_.set_policy("acme", {.similarity_threshold = 0.7f});
    EXPECT_TRUE(cache_.get("asked", "acme")) << "at once where it was set";
    EXPECT_FALSE(other.get("asked", "acme"));
    settle();
    EXPECT_TRUE(other.get("asked", "acme"));
}

TEST_F(CacheDependenciesTables, a_template_a_configuration_and_an_answer_are_published_in_one_transaction) {
    TemplatesRepository templates(database_);
    ConfigurationRepository configurations(database_);
    templates.define({.identifier = "answer"}, "one");
    const auto old = templates.render({"answer"});
    cache_.put("q", "old", {}, {.depends_on = {old}});
    EXPECT_TRUE(cache_.get("q"));
    Transaction transaction = database_.begin();
    SemanticCache inside = cache_.in(transaction);
    templates.in(transaction).define({.identifier = "answer"}, "two");
    EXPECT_EQ(inside.look_up("q").miss, MissReason::outdated) << "inside it counts at once";
    EXPECT_TRUE(cache_.get("q")) << "outside it does not count yet";
    const auto rendered = templates.in(transaction).render({"answer"});
    EXPECT_EQ(rendered.text(), "two");
    inside.put("q", "new", {}, {.tags = {"t"}, .depends_on = {rendered}});
    EXPECT_EQ(inside.get("q")->response, "new");
    EXPECT_EQ(inside.entries({}, {.tag = "t"}).size(), 1U);
    EXPECT_EQ(cache_.get("q")->response, "old");
    transaction.commit();
    EXPECT_EQ(cache_.get("q")->response, "new");
    EXPECT_THAT(cache_.list()[0].tags, ::testing::ElementsAre("t"));
}

TEST_F(CacheDependenciesTables, what_was_published_or_put_in_a_transaction_that_rolls_back_never_was) {
    cache_.put("q", "old", {}, made_from("1"));
    {
        Transaction transaction = database_.begin();
        SemanticCache inside = cache_.in(transaction);
        EXPECT_TRUE(things_.in(transaction).publish("document", "terms", "2"));
        EXPECT_EQ(inside.look_up("q").miss, MissReason::outdated);
        inside.put("q", "new");
        inside.set_policy("acme", {.default_ttl = 10s});
        EXPECT_TRUE(inside.policy("acme"));
        EXPECT_FALSE(cache_.policy("acme"));
        inside.put("other", "r", "acme", made_from("2"));
        EXPECT_EQ(inside.list("acme")[0].ttl, 10s);
        EXPECT_EQ(inside.remove_tagged("t", "acme"), 1U);
        EXPECT_EQ(inside.remove_outdated(), 0U);
        transaction.rollback();
    }
    EXPECT_EQ(cache_.get("q")->response, "old");
    EXPECT_FALSE(cache_.policy("acme"));
    EXPECT_EQ(attached(), 2);
    EXPECT_FALSE(things_.current("document", "terms"));
}

TEST_F(CacheDependenciesTables, many_questions_are_asked_and_put_inside_a_transaction) {
    embedder_->similar("asked", "two", 0.95f);
    cache_.put("one", "outside");
    Transaction transaction = database_.begin();
    SemanticCache inside = cache_.in(transaction);
    const std::vector<NewAnswer> answers{{"two", "inside", made_from("1")}, {"three", "inside"}};
    EXPECT_EQ(inside.put_many(answers), 2U);
    const std::vector<std::string> asked{"asked", "one", "three", "none"};
    const std::vector<ManyLookup> found = inside.get_many(asked, {}, {.similarity_threshold = 0.9f});
    EXPECT_EQ(found[0].lookup.hit->response, "inside");
    EXPECT_EQ(found[0].lookup.hit->layer, HitLayer::semantic);
    EXPECT_EQ(found[1].lookup.hit->response, "outside");
    EXPECT_EQ(found[2].lookup.hit->layer, HitLayer::exact);
    EXPECT_FALSE(found[3].lookup.hit);
    EXPECT_FALSE(cache_.get_many(asked, {}, {.similarity_threshold = 0.9f})[0].lookup.hit);
    transaction.commit();
    EXPECT_TRUE(cache_.get_many(asked, {}, {.similarity_threshold = 0.9f})[0].lookup.hit);
}

TEST_F(CacheDependenciesTables, two_who_define_the_same_template_do_not_wait_for_each_other) {
    TemplatesRepository templates(database_);
    Transaction first = database_.begin(), second = database_.begin();
    templates.in(first).define({.identifier = "answer"}, "one");
    templates.in(second).define({.identifier = "answer"}, "two");
    second.commit();
    first.commit();
    EXPECT_EQ(things_.current("template", "answer"), templates.render({"answer"}).used[0].version);
}

TEST_F(CacheDependenciesTables, a_role_that_only_reads_and_writes_attaches_and_compares) {
    test::Role role(database_, server_.schema() + "_app");
    role.execute("GRANT USAGE ON SCHEMA " + database_.quoted_schema() + " TO " + role.name());
    role.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + database_.quoted_schema() + " TO " +
                 role.name());
    role.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA " + database_.quoted_schema() + " TO " + role.name());
    Database limited = Database::open(role.assumed(server_.options()));
    SemanticCache cache(limited, embedder_);
    cache.put("q", "r", {}, made_from("1"));
    cache.put("q", "r", {}, made_from("1"));
    EXPECT_TRUE(cache.get("q"));
    EXPECT_TRUE(Publications(limited).publish("document", "terms", "2"));
    EXPECT_EQ(cache.look_up("q").miss, MissReason::outdated);
    cache.set_policy("acme", {.default_ttl = 10s});
    EXPECT_EQ(cache.vacuum(), 1U);
    EXPECT_EQ(cache.remove_tagged("t"), 0U);
    EXPECT_EQ(attached(), 0);
}

TEST_F(CacheDependenciesTables, a_role_that_knows_nothing_of_steles_tables_goes_on_writing_as_python_does) {
    cache_.put("q", "r", {}, made_from("1"));
    test::Role role(database_, server_.schema() + "_py");
    role.execute("GRANT USAGE ON SCHEMA " + database_.quoted_schema() + " TO " + role.name());
    role.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON " + database_.quoted_schema() + ".entries TO " + role.name());
    Database python = Database::open(role.assumed(server_.bare_options()));
    execute(python, "UPDATE ", " SET response = 'python'");
    EXPECT_EQ(attached(), 0);
    cache_.put("q", "r", {}, made_from("1"));
    execute(python, "DELETE FROM ");
    EXPECT_EQ(attached(), 0);
}

TEST(CacheDependenciesAdopted, an_adopted_schema_of_python_s_keeps_what_answers_were_made_from) {
    Server server;
    Database bare = server.bare();
    test::create_tables(bare, std::string(test::kMneme) + test::kDraive);
    adopt(bare);
    Database database = server.open();
    SemanticCache cache(database, nullptr);
    ConfigurationRepository configurations(database);
    Publications things(database);
    EXPECT_NE(things.current("configuration", "a"), std::nullopt);
    EXPECT_NE(things.current("configuration", "a"), "") << "what was there before counts";
    cache.put("question", "r", {}, {.tags = {"t"}, .depends_on = {Dependency::on_newest("configuration", "a")}});
    EXPECT_TRUE(cache.get("question"));
    bare.execute(Statement(Sql("INSERT INTO " + server.schema() +
                               ".configurations (identifier, content, created) VALUES ('a', '{\"b\": 1}', "
                               "clock_timestamp())")));
    test::settle(database);
    EXPECT_EQ(cache.look_up("question").miss, MissReason::outdated);
    EXPECT_EQ(cache.vacuum(), 1U);
    EXPECT_EQ(cache.list().size(), 1U) << "mneme's own";
}

TEST(CacheDependenciesProcesses, a_process_of_its_own_stops_serving_what_was_published_anew) {
    Server server;
    test::ChildProcess child([&](const test::ChildProcess::Say& say) {  // before this process has threads
        SemanticCache other(server.open(), nullptr);
        const bool served = test::eventually([&] { return other.get("q").has_value(); });
        say(served ? "served" : "not served");
        const bool gone = test::eventually([&] { return other.look_up("q").miss == MissReason::outdated; });
        say(gone ? "gone" : "still served");
    });
    Database database = server.open();
    SemanticCache cache(database, nullptr);
    cache.put("q", "r", {}, {.depends_on = {{"document", "terms", "1"}}});
    ASSERT_EQ(child.hear(), "served");
    Publications(database).publish("document", "terms", "2");
    EXPECT_EQ(child.hear(), "gone");
}

}  // namespace
}  // namespace stele
