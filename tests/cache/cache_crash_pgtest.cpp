// The server is killed while it is being written to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <set>
#include <thread>

#include "stele/semantic_cache.hpp"
#include "stele/testing.hpp"
#include "support/kill_process.hpp"
#include "support/server.hpp"
#include "support/temporary_directory.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::Server;
using testing::FakeEmbedder;

// An embedded cluster of the test's own; its parent can be entered by the account that the server runs as.
class CrashTest : public ::testing::Test {
protected:
    CrashTest() {
        ::chmod(directory.path().c_str(), 0711);
        options.cluster.directory = directory.path() / "data";
        options.call_timeout = 60s;
        ::unsetenv("STELE_DATA_DIR");
    }
    ~CrashTest() override {
        try {
            Cluster::stop(options.cluster);
        } catch (const std::exception& error) {
            ADD_FAILURE() << error.what();
        }
    }

    test::TemporaryDirectory directory{test::place_of_data()};
    DatabaseOptions options;
};

TEST_F(CrashTest, nothing_acknowledged_is_lost_when_the_server_is_killed_during_ten_thousand_puts) {
    constexpr int kThreads = 4, kPuts = 2'500, kKills = 3;
    const auto embedder = std::make_shared<FakeEmbedder>();
    Database database = Database::open(options);
    SemanticCache cache(database, embedder);
    std::mutex mutex;
    std::set<std::string> acknowledged;
    std::atomic<int> done{0}, in_doubt{0}, recovered{0};
    std::vector<std::thread> writers;
    for (int t = 0; t < kThreads; ++t) {
        writers.emplace_back([&, t] {
            bool failed = false;
            for (int i = 0; i < kPuts; ++i, ++done) {
                const std::string question = "q" + std::to_string(t) + "/" + std::to_string(i);
                try {
                    cache.put(question, "a" + question, {}, {.embedding = std::vector<float>(64, 1.0f)});
                    const std::lock_guard lock(mutex);
                    acknowledged.insert(question);
                    if (failed) ++recovered;
                    failed = false;
                } catch (const Error& error) {
                    // a lost connection, and nothing else, excuses a put
                    EXPECT_EQ(error.code(), ErrorCode::unavailable) << error.what();
                    if (error.in_doubt()) ++in_doubt;
                    failed = true;
                }
            }
        });
    }
    for (int kill = 1; kill <= kKills; ++kill) {
        while (done < kThreads * kPuts * kill / (kKills + 1)) std::this_thread::sleep_for(1ms);
        const ClusterStatus status = Cluster::status(options.cluster);
        EXPECT_TRUE(status.running);
        if (status.pid > 0) test::kill_process(status.pid);
    }
    for (std::thread& writer : writers) writer.join();

    EXPECT_GT(in_doubt, 0) << "no put was under way at any of the kills";
    EXPECT_GT(recovered, 0) << "the cache never came back by itself";
    EXPECT_GE(acknowledged.size(), static_cast<std::size_t>(kThreads * kPuts - kKills * kThreads * 8));
    std::set<std::string> stored;
    for (const Row& row : database.query("SELECT query, response FROM stele.entries")) {
        EXPECT_EQ(row.get<std::string>("response"), "a" + row.get<std::string>("query"));
        stored.insert(row.get<std::string>("query"));
    }
    for (const std::string& question : acknowledged) {
        ASSERT_TRUE(stored.contains(question)) << question << " was acknowledged and is gone";
    }
}

TEST(FullDisk, a_put_that_finds_no_room_says_so_and_the_old_answer_stays) {
    Server server;
    Database database = server.open();
    SemanticCache cache(database, std::make_shared<FakeEmbedder>());
    cache.put("question", "old");
    // what the server reports when a write finds no space
    const std::string full = server.schema() + ".no_space";
    database.execute(Statement("CREATE FUNCTION " + full +
                               "() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'could not extend file:"
                               " No space left on device' USING ERRCODE = 'disk_full'; END$$"));
    database.execute(Statement("CREATE TRIGGER full_disk BEFORE INSERT ON " + server.schema() +
                               ".entries FOR EACH ROW EXECUTE FUNCTION " + full + "()"));
    const ErrorInfo error = error_of([&] { cache.put("question", "new"); });
    EXPECT_EQ(error.code, ErrorCode::resources);
    EXPECT_THAT(error.message, ::testing::HasSubstr("free disk space"));
    EXPECT_FALSE(error.in_doubt);
    EXPECT_EQ(cache.get("question")->response, "old");
    database.execute(Statement("DROP TRIGGER full_disk ON " + server.schema() + ".entries"));
    cache.put("question", "new");
    EXPECT_EQ(cache.get("question")->response, "new");
}

}  // namespace
}  // namespace stele
