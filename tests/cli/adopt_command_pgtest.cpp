#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/server_run.hpp"
#include "stele/migrations.hpp"
#include "support/python_tables.hpp"
#include "support/session.hpp"

namespace stele::test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

class AdoptCommand : public ::testing::Test {
protected:
    AdoptCommand() { create_tables(database_, kDraive); }

    Outcome adopt(std::vector<std::string> options = {}) {
        options.insert(options.begin(), "adopt");
        return run_on(server_, options);
    }
    bool exists(const std::string& table) {
        return database_.query(Statement("SELECT to_regclass($1) IS NOT NULL", server_.schema() + "." + table))[0]
            .get<bool>(0);
    }
    void execute(const std::string& sql) { database_.execute(Statement(Sql(sql))); }

    Server server_;
    Database database_ = server_.bare();
};

TEST_F(AdoptCommand, a_plan_names_what_is_found_and_what_would_come) {
    const Outcome run = adopt({"--plan", "--json"});
    ASSERT_EQ(run.exit, 0) << run.err;
    const json plan = run.document();
    EXPECT_EQ(plan.at("schema"), server_.schema());
    EXPECT_EQ(plan.at("adopted"), false);
    EXPECT_EQ(plan.at("migrations").size(), migrations().size());
    EXPECT_EQ(plan.at("obstacles"), json::array());
    EXPECT_THAT(plan.at("found"), Contains(json({{"table", "configurations"}, {"system", "draive"}, {"used", true}})));
    EXPECT_THAT(plan.at("created"),
                AllOf(Contains(json({{"kind", "table"}, {"table", nullptr}, {"name", "stele_labels"}})),
                      Contains(json({{"kind", "trigger"}, {"table", "templates"}, {"name", "stele_keep_labelled"}}))));
    const Outcome text = adopt({"--plan"});
    EXPECT_EQ(text.exit, 0);
    EXPECT_THAT(text.out, AllOf(HasSubstr("configurations"), HasSubstr("stele_labels")));
    EXPECT_THAT(text.err, HasSubstr("nothing was changed"));
    EXPECT_FALSE(exists("stele_adopted"));
}

TEST_F(AdoptCommand, adopts_and_gives_back) {
    const Outcome adopted = adopt({"--json"});
    ASSERT_EQ(adopted.exit, 0) << adopted.err;
    EXPECT_GT(adopted.document().at("created").size(), 20U);
    EXPECT_EQ(run_on(server_, {"migrate", "--status"}).exit, 0);
    EXPECT_THAT(adopt({"--plan"}).err, HasSubstr("is adopted"));
    EXPECT_THAT(adopt().out, AllOf(HasSubstr("is adopted already"), ::testing::Not(HasSubstr("mneme"))));

    const json plan = adopt({"--undo", "--plan", "--json"}).document();
    EXPECT_TRUE(exists("stele_adopted"));
    const Outcome undone = adopt({"--undo", "--json"});
    ASSERT_EQ(undone.exit, 0) << undone.err;
    EXPECT_EQ(undone.document(), plan);
    EXPECT_EQ(undone.document().at("kept"), json::array());
    EXPECT_THAT(undone.document().at("dropped"),
                Contains(json({{"kind", "function"}, {"table", nullptr}, {"name", "stele_note_all()"}})));
    EXPECT_FALSE(exists("stele_adopted"));
    EXPECT_TRUE(exists("configurations"));
    EXPECT_EQ(adopt({"--undo"}).exit, 1);
    EXPECT_THAT(adopt().out, HasSubstr("Adopted schema " + server_.schema()));
    EXPECT_THAT(adopt({"--undo"}).out, HasSubstr("Stele has left schema " + server_.schema()));
}

TEST_F(AdoptCommand, what_is_in_the_way_is_printed_with_its_fix) {
    execute("ALTER TABLE " + server_.schema() + ".configurations DROP CONSTRAINT configurations_pkey");
    const Outcome plan = adopt({"--plan"});
    EXPECT_EQ(plan.exit, 1);
    EXPECT_THAT(plan.out, AllOf(HasSubstr("in the way: configurations: it has no primary key (identifier, created)"),
                                HasSubstr("ADD PRIMARY KEY (\"identifier\", \"created\")")));
    const Outcome run = adopt({"--json"});
    EXPECT_EQ(run.exit, 4);
    EXPECT_EQ(run.error().at("code"), "schema_conflict");
}

TEST_F(AdoptCommand, labels_are_lost_by_force_only) {
    ASSERT_EQ(adopt().exit, 0);
    execute("INSERT INTO " + server_.schema() +
            ".stele_labels (store, identifier, label, revision) SELECT "
            "'configurations', identifier, 'production', created FROM " +
            server_.schema() + ".configurations");
    const Outcome plan = adopt({"--undo", "--plan"});
    EXPECT_EQ(plan.exit, 1);
    EXPECT_THAT(plan.out, HasSubstr("lost: labels (1 in stele_labels)"));
    EXPECT_THAT(plan.err, HasSubstr("only with --force"));
    const Outcome refused = adopt({"--undo"});
    EXPECT_EQ(refused.exit, 2);
    EXPECT_THAT(refused.err, HasSubstr("labels (1 in stele_labels)"));
    EXPECT_TRUE(exists("stele_labels"));
    EXPECT_EQ(adopt({"--undo", "--force"}).exit, 0);
    EXPECT_FALSE(exists("stele_labels"));
}

TEST_F(AdoptCommand, a_busy_table_ends_it_with_who_has_it) {
    Transaction holder = database_.begin();
    const std::string pid = std::to_string(backend_pid(holder));
    holder.execute(Statement(Sql("LOCK TABLE " + server_.schema() + ".templates")));
    leave_no_snapshot(holder);
    const Outcome run = adopt({"--lock-timeout", "1s", "--json"});
    EXPECT_EQ(run.exit, 3);
    EXPECT_EQ(run.error().at("code"), "deadline_exceeded");
    EXPECT_EQ(run.error().at("retry"), "call");
    EXPECT_THAT(run.error().at("message").get<std::string>(), AllOf(HasSubstr("templates"), HasSubstr(pid)));
    holder.rollback();
    EXPECT_FALSE(exists("stele_adopted"));
}

TEST_F(AdoptCommand, options_that_make_no_sense_are_refused) {
    EXPECT_EQ(adopt({"--force"}).exit, 2);
    EXPECT_EQ(adopt({"--lock-timeout", "soon"}).exit, 2);
    EXPECT_EQ(adopt({"--lock-timeout", "0"}).exit, 2);
    EXPECT_FALSE(exists("stele_adopted"));
}

}  // namespace
}  // namespace stele::test
