// Threads and their housekeeping: the same on a database and in memory, of conversations and of model memories.
#include <gmock/gmock.h>

#include <set>
#include <stdexcept>
#include <thread>
#include <tuple>

#include "memory/any_threads.hpp"
#include "support/eventually.hpp"
#include "support/session.hpp"

namespace stele {
namespace {

using test::answer;
using test::ask;
using test::in;
using test::On;
using test::out;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using test::AnyThreads;

std::vector<std::string> identifiers(const std::vector<MemoryThread>& threads) {
    std::vector<std::string> all;
    for (const MemoryThread& each : threads) all.push_back(each.identifier);
    return all;
}

INSTANTIATE_TEST_SUITE_P(MemoryThreads, AnyThreads, test::kBothOfBoth, test::name_of_threads);

TEST_P(AnyThreads, are_listed_by_activity_with_what_they_hold) {
    say("a", {"1", "2", "3"});
    const Timestamp of_b = say("b", {"1"});
    const Timestamp of_a = say("a", {"4"});
    const MemoryThreadsPage page = threads().list();
    ASSERT_THAT(identifiers(page.threads), ElementsAre("a", "b"));
    EXPECT_FALSE(page.next);
    EXPECT_EQ(page.threads[0].items, 4U);
    EXPECT_EQ(page.threads[1].items, 1U);
    EXPECT_EQ(page.threads[0].bytes, 4 * page.threads[1].bytes);
    EXPECT_GT(page.threads[1].bytes, 20U);
    EXPECT_EQ(page.threads[0].active, of_a);
    EXPECT_EQ(page.threads[1].active, of_b);
    EXPECT_EQ(threads().find("a"), page.threads[0]);
    EXPECT_FALSE(threads().find("c"));
    EXPECT_THAT(identifiers(threads().by_identifier()), ElementsAre("a", "b"));
    const auto other = models() ? MemoryKind::conversations : MemoryKind::models;
    EXPECT_THAT(
        (database_ ? MemoryThreads(*database_, other) : MemoryThreads::in_memory(other, memory_)).list().threads,
        IsEmpty());
}

TEST_P(AnyThreads, pages_meet_each_thread_once) {
    for (int i = 0; i < 9; ++i) say("thread " + std::to_string(i), {"x"});
    std::vector<std::string> walked;
    std::optional<std::string> token;
    do {
        const MemoryThreadsPage page = threads().list(token, 3);
        for (const MemoryThread& each : page.threads) walked.push_back(each.identifier);
        token = page.next;
        say("thread 8", {"again"});  // which was met
        say("new " + std::to_string(walked.size()), {"x"});
    } while (token);
    EXPECT_EQ(walked.size(), 9U);
    EXPECT_EQ(walked.front(), "thread 8");
    EXPECT_EQ(walked.back(), "thread 0");
    EXPECT_EQ(std::set<std::string>(walked.begin(), walked.end()).size(), 9U);

    std::set<std::string> named;
    std::string after;
    for (std::size_t i = 0;; ++i) {
        const auto page = threads().by_identifier(after, 2);
        for (const MemoryThread& each : page) EXPECT_TRUE(named.insert(each.identifier).second);
        if (page.empty()) break;
        after = page.back().identifier;
        say("thread " + std::to_string(i % 9), {"meanwhile"});
    }
    EXPECT_EQ(named.size(), 12U);
}

TEST_P(AnyThreads, bad_tokens_and_limits) {
    say("a", {"1"});
    EXPECT_THAT(threads().list({}, 0).threads, IsEmpty());
    for (const std::string bad : {"", "a", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z ", "soon a"}) {
        const ErrorInfo error = test::error_of([&] { threads().list(bad); });
        EXPECT_EQ(error.code, ErrorCode::invalid_argument) << bad;
        EXPECT_THAT(error.message, HasSubstr("no token of a page"));
    }
    EXPECT_EQ(test::error_of([&] { threads().find(""); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(test::error_of([&] { threads().remove(std::string(1025, 'x')); }).code, ErrorCode::invalid_argument);
}

TEST_P(AnyThreads, a_thread_is_removed_with_all_that_belongs_to_it) {
    say("a", {"1", "2"});
    say("b", {"1"});
    if (models()) {
        model("a").remember({}, {.variables = Json::object(), .key = "key"});
        model("a").remember({}, {.variables = Json::object()});
    }
    const MemoryThread before = threads().find("a").value();
    threads().fork("a", "fork");
    const RemovedThread told = threads().would_remove("a");
    const RemovedThread removed = threads().remove("a");
    EXPECT_EQ(told, removed);
    EXPECT_EQ(removed.forks, 1U);
    threads().remove("fork");
    EXPECT_TRUE(removed.found);
    EXPECT_EQ(removed.items, 2U);
    EXPECT_EQ(removed.bytes, before.bytes);
    EXPECT_EQ(removed.snapshots, models() ? 2U : 0U);
    EXPECT_EQ(threads().remove("a"), RemovedThread());
    EXPECT_EQ(threads().would_remove("a"), RemovedThread());
    EXPECT_THAT(names(), ElementsAre("b"));
    EXPECT_THAT(said("a"), IsEmpty());
    if (models()) {
        EXPECT_FALSE(model("a").remember({in("again")}, {.key = "key"}).repeated);
    }
    EXPECT_FALSE((models() ? model("c").recall().position : conversation("c").recall().position).newest);
}

TEST_P(AnyThreads, prune_keeps_the_newest_so_many_of_each) {
    say("a", {"1", "2", "3", "4", "5"});
    say("b", {"1", "2"});
    const PrunedThreads pruned = threads().prune({.keep = 3});
    EXPECT_EQ(pruned.threads, 1U);
    EXPECT_EQ(pruned.removed, 0U);
    EXPECT_EQ(pruned.items, 2U);
    EXPECT_EQ(pruned.last, "b");
    EXPECT_THAT(said("a"), ElementsAre("3", "4", "5"));
    EXPECT_THAT(said("b"), ElementsAre("1", "2"));
    EXPECT_EQ(threads().prune({.keep = 3}).items, 0U);
    threads().prune({.keep = 0, .identifier = "a"});
    EXPECT_THAT(said("a"), ElementsAre("5")) << "one stays";
    EXPECT_THAT(said("b"), ElementsAre("1", "2"));
}

TEST_P(AnyThreads, prune_keeps_the_newest_that_have_so_many_bytes) {
    say("a", {"1", "2", "3", "4"});
    const std::size_t one = threads().find("a")->bytes / 4;
    EXPECT_EQ(threads().prune({.keep_bytes = 4 * one}).items, 0U);
    const PrunedThreads pruned = threads().prune({.keep_bytes = 3 * one - 1});
    EXPECT_EQ(pruned.items, 2U);
    EXPECT_EQ(pruned.bytes, 2 * one);
    EXPECT_THAT(said("a"), ElementsAre("3", "4"));
    threads().prune({.keep_bytes = 0});
    EXPECT_THAT(said("a"), ElementsAre("4")) << "one stays";
}

TEST_P(AnyThreads, prune_removes_what_is_old_and_threads_that_nobody_used_since) {
    say("idle", {"1", "2"});
    say("used", {"1"});
    const Timestamp then = say("used", {"2"});
    say("used", {"3"});
    const PrunedThreads pruned = threads().prune({.created_before = then});
    EXPECT_EQ(pruned.threads, 2U);
    EXPECT_EQ(pruned.removed, 1U);
    EXPECT_EQ(pruned.items, 3U);
    EXPECT_THAT(names(), ElementsAre("used"));
    EXPECT_THAT(said("used"), ElementsAre("2", "3"));
}

TEST_P(AnyThreads, what_one_limit_keeps_stays_whatever_the_others_say) {
    say("idle", {"1", "2"});
    say("used", {"1", "2"});
    const Timestamp then = say("used", {"3"});
    say("used", {"4"});
    EXPECT_EQ(threads().prune({.keep = 1, .created_before = then}).removed, 0U);
    EXPECT_THAT(said("idle"), ElementsAre("2"));
    EXPECT_THAT(said("used"), ElementsAre("3", "4"));
    EXPECT_EQ(threads().prune({.keep = 1, .keep_bytes = 1'000'000}).items, 0U);
}

TEST_P(AnyThreads, a_dry_run_tells_what_would_go) {
    say("a", {"1", "2", "3"});
    say("b", {"1"});
    if (models()) {
        model("b").remember({}, {.variables = Json::object()});
        model("b").remember({}, {.variables = Json::object()});
    }
    const Timestamp now = say("c", {"1"});
    for (PruneThreadsOptions options : {PruneThreadsOptions{.keep = 1}, PruneThreadsOptions{.created_before = now}}) {
        options.dry_run = true;
        const PrunedThreads told = threads().prune(options);
        EXPECT_GT(told.items, 0U);
        EXPECT_EQ(told.snapshots, !models() ? 0U : options.keep ? 1U : 2U);
        EXPECT_EQ(threads().prune(options), told) << "nothing went";
        if (options.keep) continue;
        options.dry_run = false;
        EXPECT_EQ(threads().prune(options), told);
    }
    EXPECT_THAT(names(), ElementsAre("c"));
}

TEST_P(AnyThreads, prune_goes_in_batches_and_on_from_where_it_was_broken_off) {
    for (const std::string name : {"a", "b", "c"}) say(name, {"1", "2", "3", "4", "5", "6"});
    std::vector<std::size_t> steps;
    PrunedThreads last;
    PruneThreadsOptions options{.keep = 1, .batch = 2};
    options.progress = [&](const PrunedThreads& done) {
        steps.push_back(done.items);
        last = done;
        if (done.items == 7) throw std::runtime_error("enough");
    };
    EXPECT_THROW(threads().prune(options), std::runtime_error);
    EXPECT_THAT(steps, ElementsAre(2U, 4U, 5U, 7U));
    EXPECT_EQ(last.last, "a");
    EXPECT_THAT(said("a"), ElementsAre("6"));
    EXPECT_THAT(said("b"), ElementsAre("3", "4", "5", "6"));
    options.progress = {};
    options.after = last.last;
    EXPECT_EQ(threads().prune(options).items, 8U);
    for (const std::string name : {"a", "b", "c"}) EXPECT_THAT(said(name), ElementsAre("6"));
}

TEST_P(AnyThreads, prune_wants_to_be_told_what_stays) {
    const ErrorInfo error = test::error_of([&] { threads().prune({}); });
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    EXPECT_THAT(error.message, HasSubstr("give keep, created_before or keep_bytes"));
    EXPECT_EQ(test::error_of([&] { threads().prune({.keep = 1, .batch = 0}); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(threads().prune({.keep = 1, .identifier = "nobody"}), PrunedThreads());
}

TEST_P(AnyThreads, a_pruned_thread_goes_on) {
    say("a", {"1", "2", "3"});
    const MemoryPosition before = models() ? model("a").recall().position : conversation("a").recall().position;
    threads().prune({.keep = 1});
    if (models()) {
        model("a").remember({in("4")}, {.expected = before});
    } else {
        conversation("a").remember({UserTurn("4")}, {.expected = before});
    }
    EXPECT_THAT(said("a"), ElementsAre("3", "4"));
}

class AnyModelThreads : public AnyThreads {};

INSTANTIATE_TEST_SUITE_P(MemoryThreads, AnyModelThreads,
                         ::testing::Combine(test::kBoth, ::testing::Values(MemoryKind::models)),
                         [](const auto& which) { return test::name_of({std::get<On>(which.param), which.index}); });

TEST_P(AnyModelThreads, prune_never_parts_a_response_from_its_request) {
    const std::vector<ModelElement> all = {in("a"), ask("1"), answer("1"), ask("2"), answer("2"), out("b"), in("c")};
    for (std::size_t keep = 1; keep <= all.size(); ++keep) {
        const std::string name = "keep " + std::to_string(keep);
        model(name).remember(all);
        threads().prune({.keep = keep, .identifier = name});
        const auto left = model(name).recall({.replay = Replay::all}).context;
        const bool split = keep == 3 || keep == 5;  // would begin with a response
        EXPECT_EQ(left.size(), split ? keep + 1 : keep);
        EXPECT_EQ(left, std::vector<ModelElement>(all.end() - static_cast<std::ptrdiff_t>(left.size()), all.end()));
    }
}

TEST_P(AnyModelThreads, prune_keeps_exchanges_that_reach_into_others) {
    model("a").remember(
        {in("0"), ask("1"), ask("2"), answer("1"), out("x"), answer("2"), in("y"), ask("1"), answer("1")});
    threads().prune({.keep = 4});
    EXPECT_EQ(model("a").recall({.replay = Replay::all}).context.size(), 8U) << "2 was asked for before 1 was answered";
    threads().prune({.keep = 1});
    EXPECT_EQ(model("a").recall({.replay = Replay::all}).context.size(), 2U) << "the identifier is used again";
}

TEST_P(AnyModelThreads, prune_never_parts_a_response_that_comes_meanwhile_from_its_request) {
    for (const bool by_count : {true, false}) {
        const std::string name = by_count ? "kept" : "as a whole";
        model(name).remember({in("a"), ask("1"), in("b"), ask("2"), ask("3"), in("c")});
        PruneThreadsOptions options{.identifier = name, .batch = 1};
        if (by_count) options.keep = 1;
        if (!by_count) options.created_before = say("later", {"x"});
        std::vector<std::string> refused;
        options.progress = [&](const PrunedThreads& done) {
            if (done.items > 3) return;
            try {
                model(name).remember({answer(std::to_string(done.items))});
            } catch (const Error& error) {
                EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
                refused.push_back(std::to_string(done.items));
            }
        };
        const PrunedThreads pruned = threads().prune(options);
        EXPECT_THAT(refused, ElementsAre("1", "2", "3")) << "requests that wait go first";
        EXPECT_EQ(pruned.items, by_count ? 5U : 6U);
        EXPECT_EQ(model(name).recall({.replay = Replay::all}).context.size(), by_count ? 1U : 0U);
    }
}

TEST_P(AnyModelThreads, prune_removes_variables_that_were_replaced) {
    model("a").remember({in("1")}, {.variables = Json::parse(R"({"n":1})")});
    const Timestamp then = model("a").remember({}, {.variables = Json::parse(R"({"n":2})")}).position->newest.value();
    model("a").remember({in("2")}, {.variables = Json::parse(R"({"n":3})")});
    EXPECT_EQ(threads().prune({.keep = 100, .created_before = then}).snapshots, 1U);
    EXPECT_EQ(threads().prune({.keep = 100}).snapshots, 1U);
    EXPECT_EQ(threads().prune({.keep = 100}).threads, 0U);
    EXPECT_TRUE(same_value(model("a").recall().variables, Json::parse(R"({"n":3})")));
}

TEST_P(AnyModelThreads, a_memory_without_elements_is_a_thread) {
    model("made").maintenance();
    model("told").maintenance(Json::parse(R"({"n":1})"));
    EXPECT_THAT(names(), ElementsAre("made", "told"));
    EXPECT_EQ(threads().find("made")->items, 0U);
    EXPECT_EQ(threads().prune({.keep = 1}), (PrunedThreads{.last = "told"}));
    const Timestamp later = say("later", {"1"});
    EXPECT_EQ(threads().prune({.created_before = later}).removed, 2U);
    EXPECT_THAT(names(), ElementsAre("later"));
}

class StoredThreads : public ::testing::Test {
protected:
    std::string in_schema(const std::string& name) const { return database_.quoted_schema() + "." + name; }
    /// As draive's statement does.
    void write_as_draive(const std::string& thread, Timestamp created) {
        UserTurn turn("x");
        turn.created = created;
        database_.execute(Statement(Sql("INSERT INTO " + in_schema("conversation_memory") +
                                        " (thread_id, turn, identifier, payload, created) VALUES ($1, 'user', $2, "
                                        "$3::jsonb, $4)"),
                                    thread, turn.identifier, to_json(ConversationTurn(turn)), created));
    }

    test::Server server_;
    Database database_ = server_.open();
    MemoryThreads conversations_{database_, MemoryKind::conversations};
    MemoryThreads models_{database_, MemoryKind::models};
};

TEST_F(StoredThreads, draives_conversations_are_threads_too) {
    const Timestamp past(std::chrono::seconds(1'700'000'000));
    write_as_draive("draive", past);
    write_as_draive("draive", past + std::chrono::seconds(1));
    ConversationMemory(database_, "ours").remember({UserTurn("hi")});
    EXPECT_THAT(identifiers(conversations_.list().threads), ElementsAre("ours", "draive"));
    EXPECT_EQ(conversations_.find("draive")->active, past + std::chrono::seconds(1));
    const PrunedThreads pruned = conversations_.prune({.created_before = past + std::chrono::hours(1)});
    EXPECT_EQ(pruned.removed, 1U);
    EXPECT_EQ(pruned.items, 2U);
    EXPECT_THAT(identifiers(conversations_.by_identifier()), ElementsAre("ours"));
    write_as_draive("draive", past);
    EXPECT_EQ(conversations_.remove("draive").items, 1U);
}

TEST_F(StoredThreads, draive_012_housekeeping_takes_part_in_a_transaction) {
    ModelMemory memory(database_, "a");
    memory.remember({in("1"), in("2"), in("3")});
    memory.remember({in("4")});
    Transaction transaction = database_.begin();
    EXPECT_EQ(models_.in(transaction).prune({.keep = 2, .batch = 1}).items, 2U);
    EXPECT_EQ(models_.in(transaction).find("a")->items, 2U);
    EXPECT_TRUE(models_.in(transaction).remove("a").found);
    EXPECT_THAT(models_.in(transaction).list().threads, IsEmpty());
    EXPECT_EQ(models_.find("a")->items, 4U);
    transaction.rollback();
    EXPECT_EQ(models_.find("a")->items, 4U);
}

TEST_F(StoredThreads, a_call_that_waited_for_a_removal_begins_the_thread_anew) {
    for (const MemoryKind kind : {MemoryKind::models, MemoryKind::conversations}) {
        const bool models = kind == MemoryKind::models;
        ModelMemory memory(database_, "a");
        ConversationMemory conversation(database_, "a");
        const auto remember = [&] { models ? memory.remember({in("x")}) : conversation.remember({UserTurn("x")}); };
        remember();
        remember();
        Transaction transaction = database_.begin();
        EXPECT_EQ((models ? models_ : conversations_).in(transaction).remove("a").items, 2U);
        std::thread later(remember);
        std::this_thread::sleep_for(std::chrono::milliseconds(50));  // either order of arrival is the same to the test
        transaction.commit();
        later.join();
        EXPECT_EQ((models ? models_ : conversations_).find("a")->items, 1U);
    }
}

TEST_F(StoredThreads, a_response_that_prune_had_not_seen_keeps_its_request) {
    ModelMemory memory(database_, "a");
    memory.remember({in("0"), ask("1"), in("2"), in("3")});
    Transaction writer = database_.begin();
    memory.in(writer).remember({answer("1")});
    test::leave_no_snapshot(writer);
    PrunedThreads pruned;
    std::thread other([&] { pruned = models_.prune({.keep = 1}); });
    const Statement waiting(
        "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pg_backend_pid() <> pid AND pid IN (SELECT "
        "pid FROM pg_locks WHERE relation = $1::text::regclass)",
        in_schema("memories"));
    EXPECT_TRUE(test::eventually([&] { return !database_.query(waiting).empty(); })) << "until the writer is through";
    writer.commit();
    other.join();
    EXPECT_EQ(pruned.items, 1U);
    EXPECT_THAT(memory.recall({.replay = Replay::all}).context, ElementsAre(ask("1"), in("2"), in("3"), answer("1")));
}

TEST_F(StoredThreads, a_thread_that_gets_active_while_it_is_pruned_stays) {
    ModelMemory memory(database_, "a");
    memory.remember({in("1"), in("2"), in("3")});
    const Timestamp now = ModelMemory(database_, "b").remember({in("1")}).position->newest.value();
    PruneThreadsOptions options{.created_before = now, .batch = 1};
    options.progress = [&](const PrunedThreads& done) {
        if (done.items == 1) memory.remember({in("4")});
    };
    const PrunedThreads pruned = models_.prune(options);
    EXPECT_EQ(pruned.items, 3U);
    EXPECT_EQ(pruned.removed, 0U);
    EXPECT_THAT(memory.recall().context, ElementsAre(in("4")));
}

}  // namespace
}  // namespace stele
