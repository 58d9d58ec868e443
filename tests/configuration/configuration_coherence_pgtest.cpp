// What a ConfigurationRepository keeps in memory, and when it stops.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <thread>

#include "configuration/settings.hpp"
#include "postgres/database_impl.hpp"
#include "stele/configuration.hpp"
#include "support/eventually.hpp"
#include "support/in_threads.hpp"
#include "support/proxy.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using support::Settings;
using test::eventually;

class KeptConfigurations : public testing::Test {
protected:
    explicit KeptConfigurations(std::chrono::milliseconds max_staleness = DatabaseOptions().max_staleness)
        : database_(open(max_staleness)), repository_(database_) {}
    Database open(std::chrono::milliseconds max_staleness) const {
        DatabaseOptions options = server_.options();
        options.max_staleness = max_staleness;
        return Database::open(options);
    }

    /// Until it is served from memory.
    void keep(const char* identifier) {
        const auto before = repository_.counts().hits;
        ASSERT_TRUE(eventually([&] {
            repository_.load_raw(identifier);
            return repository_.counts().hits > before;
        }));
    }
    Statement insert(const char* identifier, const char* content) const {
        return Statement(Sql("INSERT INTO " + database_.quoted_schema() +
                             ".configurations (identifier, content) VALUES ($1, $2::text::jsonb)"),
                         identifier, content);
    }

    test::Server server_;
    Database database_;
    ConfigurationRepository repository_;
};

/// Kept however busy the machine is.
class LongKeptConfigurations : public KeptConfigurations {
protected:
    LongKeptConfigurations() : KeptConfigurations(60s) {}
};

TEST_F(LongKeptConfigurations, draive_030_are_loaded_once_until_there_are_too_many) {
    repository_.define("a", Json::object());
    keep("a");
    const auto before = repository_.counts();
    for (int i = 0; i < 1000; ++i) repository_.load_raw("a");
    EXPECT_EQ(repository_.counts().hits, before.hits + 1000);
    EXPECT_EQ(repository_.counts().loads, before.loads);
    for (int i = 0; i < 100; ++i) repository_.load_raw("other" + std::to_string(i));
    EXPECT_EQ(repository_.counts().entries, ConfigurationOptions().cache_limit);
}

TEST_F(KeptConfigurations, draive_030_expire) {
    ConfigurationOptions options;
    options.cache_expiration = 1s;
    repository_ = ConfigurationRepository(database_, options);
    keep("a");
    const auto before = repository_.counts().loads;
    EXPECT_TRUE(eventually([&] {
        repository_.load_raw("a");
        return repository_.counts().loads > before;
    }));
}

TEST_F(KeptConfigurations, draive_031_absence_is_kept_until_somebody_defines_it) {
    keep("a");
    repository_.define("a", Json::object());
    EXPECT_TRUE(repository_.load_raw("a"));
}

TEST_F(KeptConfigurations, draive_035_a_change_by_anybody_is_seen_within_the_bound) {
    repository_.define("a", Json::parse(R"({"n":1})"));
    keep("a");
    Connection psql = server_.bare().connect();
    for (int n = 2; n < 12; ++n) {
        psql.execute(insert("a", ("{\"n\":" + std::to_string(n) + "}").c_str()));
        std::this_thread::sleep_for(database_.options().max_staleness);
        EXPECT_EQ(repository_.load_raw("a")->text(), "{\"n\": " + std::to_string(n) + "}");
    }
    psql.execute(Statement(Sql("TRUNCATE " + database_.quoted_schema() + ".configurations")));
    std::this_thread::sleep_for(database_.options().max_staleness);
    EXPECT_FALSE(repository_.load_raw("a"));
}

TEST_F(KeptConfigurations, draive_035_lists_are_followed_too) {
    EXPECT_TRUE(eventually([&] { return database_.impl().changes->fresh(); }));
    EXPECT_TRUE(repository_.configurations().empty());
    server_.bare().execute(insert("a", "{}"));
    std::this_thread::sleep_for(database_.options().max_staleness);
    EXPECT_EQ(repository_.configurations().size(), 1u);
}

TEST_F(LongKeptConfigurations, draive_034_many_misses_of_one_cause_one_statement) {
    repository_.define("a", Json::object());
    EXPECT_TRUE(eventually([&] { return database_.impl().changes->fresh(); }));
    // held back, so that all of them come while the first one loads
    Transaction lock = database_.begin();
    lock.execute(
        Statement(Sql("LOCK TABLE " + database_.quoted_schema() + ".configurations IN ACCESS EXCLUSIVE MODE")));
    const auto before = repository_.counts();
    std::jthread releaser([&] {
        eventually([&] { return repository_.counts().misses >= before.misses + 50; });
        lock.rollback();
    });
    test::in_threads(50, [&](int) { EXPECT_TRUE(repository_.load_raw("a")); });
    EXPECT_EQ(repository_.counts().loads, before.loads + 1);
}

TEST_F(LongKeptConfigurations, a_type_is_read_once_from_what_is_kept) {
    repository_.define(Settings{"m", {}, {}});
    keep("support::Settings");
    EXPECT_EQ(repository_.load<Settings>().get(), repository_.load<Settings>().get());
}

TEST(ConfigurationsOnABadWire, draive_032_a_failure_of_the_database_is_told_as_such) {
    test::Server server;
    server.open();
    test::Proxy proxy(test::server_dsn());
    DatabaseOptions options = server.options();
    options.dsn = proxy.dsn();
    options.call_timeout = 3s;
    Database database = Database::open(options);
    const ConfigurationRepository repository(database);
    EXPECT_EQ(repository.load<Settings>(), nullptr);
    proxy.door(test::Door::shut);
    proxy.cut_all();
    std::this_thread::sleep_for(2 * options.max_staleness);
    const ErrorInfo error = test::error_of([&] { repository.load_or(Settings()); });
    EXPECT_TRUE(error.code == ErrorCode::unavailable || error.code == ErrorCode::deadline_exceeded ||
                error.code == ErrorCode::pool_exhausted)
        << error.message;
    proxy.heal();
    EXPECT_EQ(repository.load<Settings>(std::string_view("a"), Deadline::after(20s)), nullptr);
}

TEST(ConfigurationsOfHaiway, draive_038_a_table_with_the_column_name_is_written_with_the_types_bare_name) {
    test::Server server;
    Database database = server.open();
    database.execute(
        Statement(Sql("ALTER TABLE " + database.quoted_schema() + ".configurations ADD COLUMN name text NOT NULL")));
    ConfigurationRepository repository(database);
    repository.define(Settings());
    repository.define("raw", Json::object());
    const Rows rows = database.query(
        Statement(Sql("SELECT identifier, name FROM " + database.quoted_schema() + ".configurations ORDER BY 1")));
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[0].get<std::string>(1), "raw");
    EXPECT_EQ(rows[1].get<std::string>(1), "Settings");
    EXPECT_NE(repository.load<Settings>(), nullptr);
}

TEST(ManyConfigurations, draive_033_no_process_ever_serves_what_is_older_than_the_bound) {
    test::Server server;
    Database writer = server.open();
    ConfigurationRepository defines(writer);
    defines.define("n", Json::parse(R"({"n":0})"));
    std::atomic<int> acknowledged{0};
    std::atomic<bool> over{false};
    std::jthread writing([&] {
        for (int n = 1; n <= 300; ++n) {
            defines.define("n", Json::parse("{\"n\":" + std::to_string(n) + "}"));
            acknowledged = n;
            std::this_thread::sleep_for(3ms);
        }
        over = true;
    });
    test::in_threads(3, [&](int) {
        Database database = server.open();
        const ConfigurationRepository repository(database);
        const auto bound = database.options().max_staleness;
        std::deque<std::pair<std::chrono::steady_clock::time_point, int>> known;
        while (!over) {
            const auto asked = std::chrono::steady_clock::now();
            known.emplace_back(asked, acknowledged);
            int must_know = 0;
            for (const auto& [when, n] : known) {
                if (asked - when > bound) must_know = n;
            }
            while (known.size() > 1 && asked - known[1].first > bound) known.pop_front();
            const int n = std::stoi(repository.load_raw("n")->text().substr(6));
            ASSERT_GE(n, must_know);
        }
        EXPECT_GT(repository.counts().hits, 0u);
    });
}

}  // namespace
}  // namespace stele
