// Answers that are computed once, by several processes, of which some die or stand still.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "stele/semantic_cache.hpp"
#include "support/child_process.hpp"
#include "support/eventually.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::ChildProcess;

class GetOrComputeProcesses : public ::testing::Test {
protected:
    GetOrComputeProcesses() {
        Database database = server.open();
        database.execute(Statement(Sql("CREATE TABLE " + begun() + " (who text)")));
        database.execute(Statement(Sql("CREATE TABLE " + allowed() + " (ok boolean)")));
    }
    std::string begun() const { return server.schema() + ".test_begun"; }
    std::string allowed() const { return server.schema() + ".test_allowed"; }
    static std::int64_t count(Database& database, const std::string& table) {
        return database.query(Statement(Sql("SELECT count(*) FROM " + table)))[0].get<std::int64_t>(0);
    }

    /// Asks, computes if it must, which it says, as soon as it is allowed to; says what it got.
    ChildProcess asking(const std::string& name, std::chrono::milliseconds lease) {
        return ChildProcess([this, name, lease](const ChildProcess::Say& say) {
            Database database = server.open();
            SemanticCache cache(database, nullptr);
            ComputeOptions options;
            options.lease = lease;
            say("asks");
            const ComputedAnswer answer = cache.get_or_compute(
                "question", {},
                [&](AnswerSink& sink) {
                    database.execute(Statement("INSERT INTO " + begun() + " VALUES ($1)", name));
                    while (count(database, allowed()) == 0) std::this_thread::sleep_for(2ms);
                    sink.write("of " + name);
                },
                options);
            say(answer.response + ", " + std::string(to_string(answer.source)) + ", " +
                std::string(to_string(answer.kept)));
            cache.close();
        });
    }
    void allow(Database& database) { database.execute(Statement(Sql("INSERT INTO " + allowed() + " VALUES (true)"))); }

    test::Server server;
};

TEST_F(GetOrComputeProcesses, one_computes_and_the_others_wait_for_it) {
    constexpr int kProcesses = 4;
    std::vector<ChildProcess> processes;
    for (int i = 0; i < kProcesses; ++i) processes.push_back(asking(std::to_string(i), 10s));
    for (ChildProcess& process : processes) EXPECT_EQ(process.hear(), "asks");
    Database database = server.open();
    ASSERT_TRUE(test::eventually([&] { return count(database, begun()) > 0; }));
    allow(database);
    int computed = 0;
    std::string first;
    for (ChildProcess& process : processes) {
        const std::string said = process.hear();
        EXPECT_TRUE(process.succeeded()) << said;
        const std::string response = said.substr(0, said.find(','));
        if (first.empty()) first = response;
        EXPECT_EQ(response, first);
        if (said.find("computed") != std::string::npos) ++computed;
    }
    EXPECT_EQ(computed, 1);
    EXPECT_EQ(count(database, begun()), 1);
    EXPECT_EQ(count(database, server.schema() + ".stele_computations"), 0);
}

TEST_F(GetOrComputeProcesses, one_that_is_killed_is_replaced_when_its_lease_is_over) {
    ChildProcess killed = asking("the killed", 400ms);
    EXPECT_EQ(killed.hear(), "asks");
    Database database = server.open();
    ASSERT_TRUE(test::eventually([&] { return count(database, begun()) == 1; }));
    killed.kill();
    SemanticCache cache(database, nullptr);
    const ComputedAnswer answer = cache.get_or_compute("question", {}, [](AnswerSink& sink) { sink.write("mine"); });
    EXPECT_EQ(answer.response, "mine");
    EXPECT_EQ(answer.source, AnswerSource::computed);
    EXPECT_EQ(answer.kept, Kept::stored);
}

TEST_F(GetOrComputeProcesses, who_has_read_a_part_of_what_a_killed_one_wrote_is_told_so) {
    ChildProcess killed([this](const ChildProcess::Say& say) {
        SemanticCache cache(server.open(), nullptr);
        ComputeOptions options;
        options.lease = 400ms;
        cache.get_or_compute(
            "question", {},
            [&](AnswerSink& sink) {
                sink.write("half");
                say("writes");
                for (;;) std::this_thread::sleep_for(1s);
            },
            options);
    });
    EXPECT_EQ(killed.hear(), "writes");
    SemanticCache cache(server.open(), nullptr);
    ComputeOptions options;
    options.reader = [&](std::string_view piece) {
        EXPECT_EQ(piece, "half");
        killed.kill();
    };
    const auto mine = [](AnswerSink& sink) { sink.write("mine"); };
    EXPECT_THROW(cache.get_or_compute("question", {}, mine, options), IncompleteAnswer);
    EXPECT_EQ(cache.get_or_compute("question", {}, mine).response, "mine");
    EXPECT_EQ(cache.vacuum(), 0U);
    Database database = server.open();
    EXPECT_EQ(count(database, server.schema() + ".stele_computation_pieces"), 0) << "vacuum takes what it left";
}

TEST_F(GetOrComputeProcesses, one_that_stands_still_is_replaced_and_what_it_puts_later_is_refused) {
    ChildProcess stopped = asking("the stopped", 400ms);
    EXPECT_EQ(stopped.hear(), "asks");
    Database database = server.open();
    ASSERT_TRUE(test::eventually([&] { return count(database, begun()) == 1; }));
    stopped.hold();
    SemanticCache cache(database, nullptr);
    const ComputedAnswer answer = cache.get_or_compute("question", {}, [](AnswerSink& sink) { sink.write("mine"); });
    EXPECT_EQ(answer.kept, Kept::stored);
    allow(database);
    stopped.go_on();
    EXPECT_EQ(stopped.hear(), "of the stopped, computed, replaced");
    EXPECT_TRUE(stopped.succeeded());
    EXPECT_EQ(cache.get("question")->response, "mine");
    EXPECT_EQ(cache.stats().entries, 1);
}

TEST_F(GetOrComputeProcesses, who_waits_for_another_process_gets_its_answer_or_gives_up_at_its_deadline) {
    ChildProcess other = asking("the other", 10s);
    EXPECT_EQ(other.hear(), "asks");
    Database database = server.open();
    ASSERT_TRUE(test::eventually([&] { return count(database, begun()) == 1; }));
    SemanticCache cache(database, nullptr);
    const auto must_not_run = [](AnswerSink&) { throw std::logic_error("another one computes"); };
    ComputeOptions hurried;
    hurried.deadline = Deadline::after(50ms);
    EXPECT_EQ(test::error_of([&] { cache.get_or_compute("question", {}, must_not_run, hurried); }).code,
              ErrorCode::deadline_exceeded);
    std::string read;
    ComputeOptions reading;
    reading.reader = [&](std::string_view piece) { read += piece; };
    std::thread soon([&] {
        std::this_thread::sleep_for(50ms);
        allow(database);
    });
    const ComputedAnswer answer = cache.get_or_compute("question", {}, must_not_run, reading);
    soon.join();
    EXPECT_EQ(answer.response, "of the other");
    EXPECT_EQ(answer.source, AnswerSource::shared);
    EXPECT_EQ(read, "of the other");
    EXPECT_EQ(cache.stats().shared, 1);
    EXPECT_EQ(other.hear(), "of the other, computed, stored");
}

}  // namespace
}  // namespace stele
