// Configurations that are defined with something else, or not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configuration/settings.hpp"
#include "stele/configuration.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using testing::HasSubstr;

const Json kOld = Json::parse(R"({"n":1})");
const Json kNew = Json::parse(R"({"n":2})");

class ConfigurationsInATransaction : public testing::Test {
protected:
    ConfigurationsInATransaction() : database_(server_.open()), repository_(database_) {
        repository_.define("a", kOld);
        repository_.load_raw("a");
    }
    int n(const ConfigurationRepository& repository, const char* identifier = "a") {
        const auto json = repository.load_raw(identifier);
        if (!json) return 0;
        return json->text().find('2') != std::string::npos ? 2 : 1;
    }
    test::Server server_;
    Database database_;
    ConfigurationRepository repository_;
};

TEST_F(ConfigurationsInATransaction, draive_011_reads_inside_see_its_writes_and_others_do_not_before_the_commit) {
    Transaction transaction = database_.begin();
    ConfigurationRepository inside = repository_.in(transaction);
    EXPECT_TRUE(inside.define("a", kNew));
    EXPECT_EQ(n(inside), 2);
    EXPECT_EQ(n(repository_), 1);
    transaction.commit();
    EXPECT_EQ(n(repository_), 2);
}

TEST_F(ConfigurationsInATransaction, draive_037_a_rolled_back_define_leaves_no_trace) {
    Transaction transaction = database_.begin();
    ConfigurationRepository inside = repository_.in(transaction);
    inside.define("a", kNew);
    inside.remove("b");
    EXPECT_EQ(n(inside), 2);
    EXPECT_EQ(n(repository_), 1) << "it may be kept now";
    transaction.rollback();
    EXPECT_EQ(n(repository_), 1);
    EXPECT_EQ(repository_.remove("a"), 1u);
}

TEST_F(ConfigurationsInATransaction, draive_036_two_defines_of_one_identifier_keep_their_order) {
    Transaction transaction = database_.begin();
    ConfigurationRepository inside = repository_.in(transaction);
    EXPECT_TRUE(inside.define("a", kNew));
    EXPECT_TRUE(inside.define("a", kOld));
    EXPECT_TRUE(inside.define("a", kNew));
    transaction.commit();
    EXPECT_EQ(n(repository_), 2);
    EXPECT_EQ(repository_.remove("a"), 4u);
}

TEST_F(ConfigurationsInATransaction, a_savepoint_takes_back_its_own_part_only) {
    Transaction transaction = database_.begin();
    repository_.in(transaction).define("b", kNew);
    Savepoint undone = transaction.savepoint();
    repository_.in(undone).define("a", kNew);
    EXPECT_EQ(n(repository_.in(undone)), 2);
    undone.rollback();
    Savepoint kept = transaction.savepoint();
    repository_.in(kept).define("c", kNew);
    kept.release();
    EXPECT_EQ(n(repository_.in(transaction)), 1);
    transaction.commit();
    EXPECT_EQ(n(repository_), 1);
    EXPECT_EQ(n(repository_, "b"), 2);
    EXPECT_EQ(n(repository_, "c"), 2);
}

TEST_F(ConfigurationsInATransaction, a_define_waits_for_no_open_transaction_of_the_same_identifier) {
    Transaction transaction = database_.begin();
    repository_.in(transaction).define("a", kNew);
    EXPECT_TRUE(repository_.define("a", Json::parse(R"({"n":3})"), {}, Deadline::after(std::chrono::seconds(5))));
    transaction.commit();
    EXPECT_EQ(repository_.remove("a"), 3u);
}

TEST_F(ConfigurationsInATransaction, only_its_own_databases_transactions_are_joined) {
    Database other = server_.open();
    Transaction foreign = other.begin();
    EXPECT_THAT(test::error_of([&] { repository_.in(foreign); }).message, HasSubstr("another Database"));
    const auto twin = ConfigurationRepository::in_memory();
    Transaction own = database_.begin();
    EXPECT_EQ(test::error_of([&] { twin.in(own); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(test::error_of([&] { repository_.in(own).in(own); }).code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace stele
