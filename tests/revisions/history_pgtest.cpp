// Revisions of configurations and templates: the same on a database and in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "revisions/stores.hpp"

namespace stele {
namespace {

using test::n;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class AnyHistory : public test::AnyStores {
protected:
    /// Five revisions of "a", {"n":0} to {"n":4}.
    std::vector<Timestamp> five() {
        std::vector<Timestamp> all;
        for (int i = 0; i < 5; ++i) {
            const RevisionNote note = i == 0 ? RevisionNote{} : RevisionNote{"ada", "number " + std::to_string(i)};
            all.push_back(configurations().define("a", n(i), note).value());
        }
        return all;
    }
};

INSTANTIATE_TEST_SUITE_P(History, AnyHistory, test::kBoth, test::name_of);

TEST_P(AnyHistory, lists_revisions_newest_first_with_their_notes_a_page_at_a_time) {
    const auto revisions = five();
    const auto all = configurations().history("a");
    ASSERT_EQ(all.size(), 5U);
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(all[i].created, revisions[4 - i]);
    EXPECT_EQ(all[0].author, "ada");
    EXPECT_EQ(all[0].message, "number 4");
    EXPECT_FALSE(all[4].author);
    const auto page = configurations().history("a", {.limit = 2, .before = revisions[4]});
    ASSERT_EQ(page.size(), 2U);
    EXPECT_EQ(page[0].created, revisions[3]);
    EXPECT_EQ(page[1].created, revisions[2]);
    EXPECT_THAT(configurations().history("a", {.limit = 0}), IsEmpty());
    EXPECT_THAT(configurations().history("b"), IsEmpty());
}

TEST_P(AnyHistory, reads_as_of_a_time_and_a_revision) {
    const auto revisions = five();
    const auto at = [&](RevisionSelector which) { return configurations().at(std::move(which)).load_raw("a"); };
    constexpr std::chrono::microseconds kMoment(1);
    EXPECT_TRUE(same_value(*at(RevisionSelector::as_of(revisions[2])), n(2)));
    EXPECT_TRUE(same_value(*at(RevisionSelector::as_of(revisions[4] + std::chrono::hours(1))), n(4)));
    EXPECT_FALSE(at(RevisionSelector::as_of(revisions[0] - kMoment)));
    EXPECT_TRUE(same_value(*at(RevisionSelector::exactly(revisions[1])), n(1)));
    EXPECT_FALSE(at(RevisionSelector::exactly(revisions[0] - kMoment)));
    EXPECT_TRUE(same_value(*at(RevisionSelector::newest()), n(4)));
}

TEST_P(AnyHistory, restores_an_old_revision_as_a_new_one) {
    const auto revisions = five();
    ConfigurationRepository repository = configurations();
    const auto restored = repository.restore("a", revisions[1], {"bob", "back"});
    ASSERT_TRUE(restored);
    EXPECT_GT(*restored, revisions[4]);
    EXPECT_TRUE(same_value(*repository.load_raw("a"), n(1)));
    EXPECT_EQ(repository.history("a")[0].message, "back");
    EXPECT_EQ(repository.history("a").size(), 6U);
    EXPECT_FALSE(repository.restore("a", revisions[1])) << "it is that already";
    EXPECT_EQ(test::error_of([&] { repository.restore("a", Timestamp()); }).code, ErrorCode::not_found);
    EXPECT_EQ(test::error_of([&] { repository.restore("b", revisions[1]); }).code, ErrorCode::not_found);
}

TEST_P(AnyHistory, shows_what_changed_between_settings) {
    ConfigurationRepository repository = configurations();
    const auto first = repository.define("a", Json::parse(R"({"model":"m","tags":["x","y"]})"));
    repository.define("a", Json::parse(R"({"model":"n","tags":["x"],"new":1})"));
    EXPECT_EQ(repository.diff("a", RevisionSelector::exactly(*first)),
              "- model: \"m\"\n+ model: \"n\"\n+ new: 1\n- tags[1]: \"y\"\n");
    EXPECT_EQ(repository.diff("a", RevisionSelector::newest()), "");
    EXPECT_EQ(test::error_of([&] { repository.diff("a", RevisionSelector::labelled("none")); }).code,
              ErrorCode::not_found);
}

TEST_P(AnyHistory, shows_what_changed_between_templates) {
    TemplatesRepository repository = templates();
    const auto first = repository.define({"t", "old"}, "one\ntwo\n");
    repository.define({"t", "new"}, "one\n2\n");
    const std::string diff = repository.diff("t", RevisionSelector::exactly(*first));
    EXPECT_THAT(diff, HasSubstr("-two\n+2\n"));
    EXPECT_THAT(diff, HasSubstr("- description: \"old\"\n+ description: \"new\"\n"));
    EXPECT_THAT(diff, HasSubstr("+++ t (newest)"));
}

TEST_P(AnyHistory, prunes_by_count_and_age_and_tells_before) {
    const auto revisions = five();
    ConfigurationRepository repository = configurations();
    repository.define("b", n(0));
    const Pruned told = repository.prune({.keep = 2, .dry_run = true});
    EXPECT_THAT(told.revisions, ElementsAre(PrunedRevision{"a", revisions[0]}, PrunedRevision{"a", revisions[1]},
                                            PrunedRevision{"a", revisions[2]}));
    EXPECT_EQ(repository.history("a").size(), 5U);
    EXPECT_THAT(repository.prune({.keep = 1, .created_before = revisions[1]}).revisions,
                ElementsAre(PrunedRevision{"a", revisions[0]}));
    EXPECT_THAT(repository.prune({.identifier = "b", .keep = 0}).revisions, IsEmpty());
    EXPECT_EQ(repository.prune({.keep = 0}).revisions.size(), 3U);
    EXPECT_TRUE(same_value(*repository.load_raw("a"), n(4)));
    EXPECT_EQ(repository.history("a").size(), 1U);
    EXPECT_EQ(repository.history("b").size(), 1U);
}

TEST_P(AnyHistory, keeps_what_has_a_label) {
    const auto revisions = five();
    ConfigurationRepository repository = configurations();
    labels().move({{LabelStore::configurations, "a", "production", revisions[1]},
                   {LabelStore::configurations, "a", "staging", revisions[1]}});
    EXPECT_THAT(repository.history("a")[3].labels, ElementsAre("production", "staging"));
    const Pruned pruned = repository.prune({.keep = 1});
    EXPECT_EQ(pruned.labelled, 1U);
    EXPECT_EQ(pruned.revisions.size(), 3U);
    const ErrorInfo refused = test::error_of([&] { repository.remove("a"); });
    EXPECT_EQ(refused.code, ErrorCode::constraint_violation);
    EXPECT_THAT(refused.message + refused.server_message, HasSubstr("has the label \"production\""));
    EXPECT_TRUE(repository.load_raw("a"));
    labels().remove({{LabelStore::configurations, "a", "production"}, {LabelStore::configurations, "a", "staging"}});
    EXPECT_EQ(repository.remove("a"), 2U);
    EXPECT_THAT(repository.history("a"), IsEmpty());
}

TEST_P(AnyHistory, refuses_notes_that_cannot_be_stored) {
    EXPECT_EQ(test::error_of([&] { configurations().define("a", n(1), {.message = std::string(1, '\0')}); }).code,
              ErrorCode::invalid_argument);
}

class StoredHistory : public testing::Test {
protected:
    void execute(const std::string& sql) { database_.execute(Statement(Sql(sql))); }
    std::string in_schema(const std::string& name) const { return database_.quoted_schema() + "." + name; }
    test::Server server_;
    Database database_ = server_.open();
    ConfigurationRepository repository_{database_};
};

TEST_F(StoredHistory, is_protected_from_those_who_know_nothing_of_labels) {
    const auto first = repository_.define("a", n(1), {"ada"});
    repository_.define("a", n(2), {"ada"});
    Labels(database_).move({{LabelStore::configurations, "a", "production", first}});
    EXPECT_EQ(test::error_of([&] { execute("DELETE FROM " + in_schema("configurations")); }).sqlstate, "23001");
    EXPECT_EQ(test::error_of([&] { execute("TRUNCATE " + in_schema("configurations")); }).sqlstate, "23001");
    EXPECT_EQ(
        test::error_of([&] { execute("UPDATE " + in_schema("configurations") + " SET identifier = 'b'"); }).sqlstate,
        "23001");
    execute("UPDATE " + in_schema("configurations") + " SET content = content");
    EXPECT_EQ(repository_.history("a").size(), 2U);
    execute("TRUNCATE " + in_schema("templates"));
    Labels(database_).remove({{LabelStore::configurations, "a", "production"}});
    execute("DELETE FROM " + in_schema("configurations"));
    EXPECT_EQ(database_.query(Statement(Sql("SELECT * FROM " + in_schema("stele_revision_notes")))).size(), 0U)
        << "notes go with their revisions";
}

TEST_F(StoredHistory, holds_revisions_of_a_table_with_haiways_name) {
    execute("ALTER TABLE " + in_schema("configurations") + " ADD COLUMN name text NOT NULL");
    const auto first = repository_.define("a", n(1), {"ada"});
    repository_.define("a", n(2));
    EXPECT_TRUE(repository_.restore("a", *first));
    EXPECT_EQ(repository_.history("a").size(), 3U);
    execute("ALTER TABLE " + in_schema("configurations") + " DROP COLUMN name");
    EXPECT_TRUE(repository_.define("a", n(4))) << "it was there before";
}

TEST_F(StoredHistory, of_a_transaction_is_undone_with_it) {
    {
        Transaction transaction = database_.begin();
        ConfigurationRepository inside = repository_.in(transaction);
        const auto revision = inside.define("a", n(1), {"ada"});
        Labels(database_).in(transaction).move({{LabelStore::configurations, "a", "production", revision}});
        EXPECT_TRUE(inside.at(RevisionSelector::labelled("production")).load_raw("a"));
        EXPECT_EQ(inside.history("a")[0].author, "ada");
        transaction.rollback();
    }
    EXPECT_THAT(repository_.history("a"), IsEmpty());
    EXPECT_THAT(Labels(database_).list(), IsEmpty());
}

}  // namespace
}  // namespace stele
