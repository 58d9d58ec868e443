// Labels: the same on a database and in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "revisions/stores.hpp"
#include "stele/labels.hpp"
#include "support/eventually.hpp"
#include "support/in_threads.hpp"

namespace stele {
namespace {

using test::n;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr LabelStore kConfigurations = LabelStore::configurations;
constexpr LabelStore kTemplates = LabelStore::templates;

using AnyLabels = test::AnyStores;
INSTANTIATE_TEST_SUITE_P(Labels, AnyLabels, test::kBoth, test::name_of);

TEST_P(AnyLabels, name_a_revision_that_is_read_through_them_at_once) {
    ConfigurationRepository configurations = this->configurations();
    ConfigurationRepository production = configurations.at(RevisionSelector::labelled("production"));
    const auto first = configurations.define("a", n(1));
    EXPECT_FALSE(production.load_raw("a"));
    labels().move({{kConfigurations, "a", "production"}});
    EXPECT_TRUE(same_value(*production.load_raw("a"), n(1)));
    const auto second = configurations.define("a", n(2));
    EXPECT_TRUE(same_value(*production.load_raw("a"), n(1)));
    labels().move({{kConfigurations, "a", "production", second}});
    EXPECT_TRUE(same_value(*production.load_raw("a"), n(2)));
    labels().move({{kConfigurations, "a", "production", first}});
    EXPECT_TRUE(same_value(*production.load_raw("a"), n(1)));
}

TEST_P(AnyLabels, of_both_stores_move_together_or_not_at_all) {
    configurations().define("a", n(1));
    const ErrorInfo error =
        test::error_of([&] { labels().move({{kConfigurations, "a", "production"}, {kTemplates, "t", "production"}}); });
    EXPECT_EQ(error.code, ErrorCode::not_found);
    EXPECT_THAT(error.message + error.server_message,
                HasSubstr("there is no revision of \"t\" in templates for the label \"production\""));
    EXPECT_THAT(labels().list(), IsEmpty());
    templates().define({"t"}, "body");
    labels().move({{kConfigurations, "a", "production"}, {kTemplates, "t", "production"}}, {"ada", "go"});
    const auto all = labels().list();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].store, kConfigurations);
    EXPECT_EQ(all[1].identifier, "t");
    EXPECT_EQ(all[1].author, "ada");
    EXPECT_EQ(all[1].message, "go");
    EXPECT_EQ(templates().at(RevisionSelector::labelled("production")).resolve_text({"t"}), "body");
}

TEST_P(AnyLabels, refuse_a_revision_that_does_not_exist) {
    configurations().define("a", n(1));
    const Timestamp never = Timestamp(std::chrono::microseconds(1));
    EXPECT_EQ(test::error_of([&] { labels().move({{kConfigurations, "a", "production", never}}); }).code,
              ErrorCode::not_found);
    EXPECT_EQ(test::error_of([&] { labels().move({{kConfigurations, "b", "production"}}); }).code,
              ErrorCode::not_found);
    EXPECT_THAT(labels().list(), IsEmpty());
}

TEST_P(AnyLabels, have_a_history_that_outlives_them) {
    const auto first = configurations().define("a", n(1));
    const auto second = configurations().define("a", n(2));
    labels().move({{kConfigurations, "a", "production", first}}, {"ada", "one"});
    labels().move({{kConfigurations, "a", "production", second}}, {"bob", "two"});
    labels().move({{kConfigurations, "a", "production", second}}, {"eve", "no move"});
    EXPECT_EQ(labels().remove({{kConfigurations, "a", "production"}, {kConfigurations, "a", "none"}}, {"bob", "away"}),
              1U);
    EXPECT_EQ(labels().remove({{kConfigurations, "a", "production"}}), 0U);
    EXPECT_THAT(labels().list(), IsEmpty());
    const auto moves = labels().history();
    ASSERT_EQ(moves.size(), 3U);
    EXPECT_FALSE(moves[0].revision);
    EXPECT_EQ(moves[0].message, "away");
    EXPECT_EQ(moves[1].revision, second);
    EXPECT_EQ(moves[2].revision, first);
    EXPECT_EQ(moves[2].author, "ada");
    EXPECT_GT(moves[0].moved, moves[1].moved);
    EXPECT_EQ(labels().history({}, 2).size(), 2U);
    EXPECT_FALSE(configurations().at(RevisionSelector::labelled("production")).load_raw("a"));
    labels().move({{kConfigurations, "a", "production"}});
    EXPECT_EQ(labels().list().size(), 1U);
}

TEST_P(AnyLabels, are_listed_by_store_identifier_and_label) {
    configurations().define("a", n(1));
    configurations().define("b", n(1));
    labels().move({{kConfigurations, "b", "x"}, {kConfigurations, "a", "y"}, {kConfigurations, "a", "x"}});
    std::vector<std::string> seen;
    for (const Label& each : labels().list()) seen.push_back(each.identifier + each.label);
    EXPECT_THAT(seen, testing::ElementsAre("ax", "ay", "bx"));
    EXPECT_EQ(labels().list({.identifier = "a"}).size(), 2U);
    EXPECT_EQ(labels().list({.label = "x"}).size(), 2U);
    EXPECT_THAT(labels().list({.store = kTemplates}), IsEmpty());
}

TEST_P(AnyLabels, refuse_bad_names_and_the_same_one_twice) {
    const auto refused = [&](const LabelMove& move) {
        return test::error_of([&] { labels().move({move, move}); }).message;
    };
    EXPECT_THAT(refused({kConfigurations, "a", "x"}), HasSubstr("named twice"));
    EXPECT_THAT(refused({kConfigurations, "a", ""}), HasSubstr("the label has 0 bytes"));
    EXPECT_THAT(refused({kConfigurations, "", "x"}), HasSubstr("the identifier has 0 bytes"));
    labels().move({});
}

class StoredLabels : public testing::Test {
protected:
    test::Server server_;
    Database database_ = server_.open();
    Labels labels_{database_};
    ConfigurationRepository configurations_{database_};
};

TEST_F(StoredLabels, moved_elsewhere_are_seen_here) {
    const auto first = configurations_.define("a", n(1));
    configurations_.define("a", n(2));
    labels_.move({{kConfigurations, "a", "production", first}});
    Database other = server_.open();
    ConfigurationRepository production = ConfigurationRepository(other).at(RevisionSelector::labelled("production"));
    ASSERT_TRUE(test::eventually([&] {
        EXPECT_TRUE(same_value(*production.load_raw("a"), n(1)));
        return production.counts().hits > 0;
    })) << "never kept in memory";
    labels_.move({{kConfigurations, "a", "production"}});
    EXPECT_TRUE(test::eventually([&] { return same_value(*production.load_raw("a"), n(2)); }));
}

TEST_F(StoredLabels, moved_in_sql_are_checked_and_noted_as_well) {
    const auto first = configurations_.define("a", n(1));
    const std::string table = database_.quoted_schema() + ".stele_labels";
    const Statement insert(
        Sql("INSERT INTO " + table + " (store, identifier, label, revision) VALUES ('configurations', 'a', 'x', $1)"),
        *first);
    database_.execute(Statement(insert));
    const Statement wrong(Sql("UPDATE " + table + " SET revision = '2000-01-01'"));
    EXPECT_EQ(test::error_of([&] { database_.execute(Statement(wrong)); }).sqlstate, "23503");
    database_.execute(Statement(Sql("DELETE FROM " + table)));
    EXPECT_EQ(labels_.history().size(), 2U);
    labels_.move({{kConfigurations, "a", "x"}});
    for (const std::string& sql : {"TRUNCATE " + table, "UPDATE " + table + " SET label = 'y'"}) {
        EXPECT_EQ(test::error_of([&] { database_.execute(Statement(Sql(sql))); }).sqlstate, "23001") << sql;
    }
}

TEST_F(StoredLabels, are_kept_from_a_transaction_that_cannot_see_them) {
    const auto revision = configurations_.define("a", n(1));
    Transaction transaction = database_.begin({.isolation = Isolation::repeatable_read});
    EXPECT_TRUE(configurations_.in(transaction).load_raw("a"));
    labels_.move({{kConfigurations, "a", "x", revision}});
    EXPECT_EQ(test::error_of([&] { configurations_.in(transaction).remove("a"); }).code, ErrorCode::serialization);
}

TEST_F(StoredLabels, cannot_be_tricked_by_a_role_that_makes_triggers_of_its_own) {
    const Rows open = database_.query(Statement(
        "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1 AND "
        "p.prosecdef AND has_function_privilege('public', p.oid, 'EXECUTE')",
        database_.schema()));
    for (const Row& row : open) ADD_FAILURE() << row.get<std::string>(0) << " may be called by everybody";
}

TEST_F(StoredLabels, moved_by_many_at_once_end_where_the_last_one_put_them) {
    constexpr int kThreads = 4, kMoves = 20;
    std::vector<Timestamp> revisions;
    for (int i = 0; i < kThreads; ++i) {
        revisions.push_back(*configurations_.define("a", n(i)));
        configurations_.define("b", n(i));
    }
    test::in_threads(kThreads, [&](int thread) {
        for (int i = 0; i < kMoves; ++i) {
            const LabelMove a{kConfigurations, "a", "x", revisions[static_cast<std::size_t>((thread + i) % kThreads)]};
            const LabelMove b{kConfigurations, "b", "x"};
            const std::vector<LabelMove> moves = thread % 2 == 0 ? std::vector{a, b} : std::vector{b, a};
            labels_.move(moves);
        }
    });
    EXPECT_EQ(labels_.list({.identifier = "a"})[0].revision, labels_.history({.identifier = "a"}, 1)[0].revision);
}

// Whoever moves a label to a revision while another deletes it: one of them is refused.
TEST_F(StoredLabels, never_name_a_revision_that_is_deleted_at_the_same_time) {
    for (int i = 0; i < 20; ++i) {
        const auto old = configurations_.define("a", n(i));
        configurations_.define("a", n(-1 - i));
        test::in_threads(2, [&](int thread) {
            try {
                if (thread == 0) {
                    labels_.move({{kConfigurations, "a", "x", old}});
                } else {
                    configurations_.prune({.keep = 1});
                }
            } catch (const Error& error) {
                EXPECT_TRUE(error.code() == ErrorCode::not_found || error.code() == ErrorCode::constraint_violation)
                    << error.what();
            }
        });
        for (const Label& label : labels_.list()) {
            EXPECT_TRUE(configurations_.at(RevisionSelector::exactly(*label.revision)).load_raw("a"));
        }
        labels_.remove({{kConfigurations, "a", "x"}});
    }
}

}  // namespace
}  // namespace stele
