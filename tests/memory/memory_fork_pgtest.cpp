// Threads that go on from another: the same on a database and in memory, of conversations and of model memories.
#include <gmock/gmock.h>

#include "memory/any_threads.hpp"

namespace stele {
namespace {

using test::in;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AnyForks : public test::AnyThreads {};

INSTANTIATE_TEST_SUITE_P(MemoryForks, AnyForks, test::kBothOfBoth, test::name_of_threads);

TEST_P(AnyForks, go_on_from_a_point_without_what_came_after_it) {
    say("a", {"1"});
    const Timestamp then = say("a", {"2"});
    say("a", {"3"});
    EXPECT_EQ(threads().fork("a", "b", then).newest, then);
    EXPECT_THAT(said("b"), ElementsAre("1", "2"));
    say("b", {"4"});
    say("a", {"5"});
    EXPECT_THAT(said("b"), ElementsAre("1", "2", "4"));
    EXPECT_THAT(said("a"), ElementsAre("1", "2", "3", "5"));
    const MemoryThread fork = threads().find("b").value();
    EXPECT_EQ(fork.items, 1U) << "nothing was copied";
    EXPECT_EQ(fork.parent, "a");
    EXPECT_FALSE(threads().find("a")->parent);
    EXPECT_EQ(threads().list().threads.size(), 2U);
}

TEST_P(AnyForks, go_on_from_all_there_is_when_no_point_is_given) {
    const Timestamp last = say("a", {"1", "2"});
    EXPECT_EQ(threads().fork("a", "b").newest, last);
    EXPECT_EQ(threads().find("b")->active, last);
    say("a", {"3"});
    EXPECT_THAT(said("b"), ElementsAre("1", "2"));
    EXPECT_EQ(threads().fork("b", "far", last + std::chrono::hours(1000)).newest, last) << "later is all there is";
}

TEST_P(AnyForks, of_forks_see_all_that_is_above_them) {
    say("a", {"1"});
    threads().fork("a", "b");
    const Timestamp then = say("b", {"2"});
    say("b", {"3"});
    threads().fork("b", "c", then);
    say("c", {"4", "5"});
    say("a", {"not theirs"});
    EXPECT_THAT(said("c"), ElementsAre("1", "2", "4", "5"));
    threads().fork("c", "d", threads().find("a")->active);
    EXPECT_THAT(said("d"), ElementsAre("1", "2", "4", "5"));
    for (std::size_t limit = 1; limit <= 5; ++limit) {
        const std::vector<std::string> all = {"1", "2", "4", "5"};
        const std::size_t wanted = std::min(limit, all.size());
        EXPECT_EQ(said("c", limit),
                  std::vector<std::string>(all.end() - static_cast<std::ptrdiff_t>(wanted), all.end()));
    }
}

TEST_P(AnyForks, before_what_their_parent_has_of_its_own_are_of_its_parent) {
    const Timestamp first = say("a", {"1"});
    say("a", {"2"});
    threads().fork("a", "b");
    say("b", {"3"});
    EXPECT_EQ(threads().fork("b", "c", first).newest, first);
    EXPECT_THAT(said("c"), ElementsAre("1"));
}

TEST_P(AnyForks, of_one_point_do_not_see_each_other) {
    say("a", {"1"});
    threads().fork("a", "b");
    threads().fork("a", "c");
    say("b", {"of b"});
    say("c", {"of c"});
    EXPECT_THAT(said("b"), ElementsAre("1", "of b"));
    EXPECT_THAT(said("c"), ElementsAre("1", "of c"));
}

TEST_P(AnyForks, take_part_in_optimistic_turns) {
    say("a", {"1"});
    const MemoryPosition at = threads().fork("a", "b");
    EXPECT_EQ(position("b"), at);
    say("b", {"2"});
    const auto late = [&] {
        models() ? model("b").remember({in("x")}, {.expected = at})
                 : conversation("b").remember({UserTurn("x")}, {.expected = at});
    };
    EXPECT_THROW(late(), MemoryMoved);
    EXPECT_THAT(said("b"), ElementsAre("1", "2"));
}

TEST_P(AnyForks, need_a_parent_that_holds_something_and_a_name_of_their_own) {
    const auto error = [&](const std::string& parent, const std::string& thread, std::optional<Timestamp> at = {}) {
        return test::error_of([&] { threads().fork(parent, thread, at); });
    };
    EXPECT_EQ(error("a", "b").code, ErrorCode::not_found);
    const Timestamp first = say("a", {"1"});
    const ErrorInfo early = error("a", "b", first - std::chrono::microseconds(1));
    EXPECT_EQ(early.code, ErrorCode::not_found);
    EXPECT_THAT(early.message, HasSubstr("\"a\" holds nothing until"));
    EXPECT_FALSE(threads().find("b"));
    say("b", {"1"});
    const ErrorInfo taken = error("a", "b");
    EXPECT_EQ(taken.code, ErrorCode::constraint_violation);
    EXPECT_THAT(taken.message, HasSubstr("\"b\" is there already"));
    EXPECT_EQ(error("a", "a").code, ErrorCode::constraint_violation);
    EXPECT_EQ(error("a", "").code, ErrorCode::invalid_argument);
    threads().fork("a", "c");
    EXPECT_EQ(error("a", "c").code, ErrorCode::constraint_violation) << "also one without anything of its own";
}

TEST_P(AnyForks, lose_what_is_removed_or_pruned_in_their_parent) {
    say("a", {"1", "2", "3"});
    threads().fork("a", "b");
    say("b", {"4"});
    threads().prune({.keep = 1, .identifier = "a"});
    EXPECT_THAT(said("b"), ElementsAre("3", "4"));
    EXPECT_EQ(threads().remove("a").forks, 1U);
    EXPECT_THAT(said("b"), ElementsAre("4"));
    EXPECT_FALSE(threads().find("b")->parent);
    say("a", {"another"});
    EXPECT_THAT(said("b"), ElementsAre("4"));
    EXPECT_EQ(threads().remove("b").forks, 0U);
    EXPECT_THAT(said("b"), IsEmpty());
}

TEST_P(AnyForks, may_be_removed_and_made_again) {
    const Timestamp first = say("a", {"1"});
    say("a", {"2"});
    threads().fork("a", "b");
    EXPECT_TRUE(threads().remove("b").found);
    EXPECT_THAT(said("b"), IsEmpty());
    threads().fork("a", "b", first);
    EXPECT_THAT(said("b"), ElementsAre("1"));
    EXPECT_EQ(threads().prune({.keep = 1}).items, 1U) << "of a; a fork has nothing of its own to prune";
    EXPECT_EQ(names(), (std::vector<std::string>{"a", "b"}));
}

TEST_P(AnyForks, have_the_requests_of_their_parent_until_their_point) {
    const auto ask = [&](const std::string& thread, const std::string& identifier) {
        const auto asked = AssistantTurn().add(ToolRequest{identifier, "tool"});
        return (models() ? model(thread).remember({test::ask(identifier)}) : conversation(thread).remember({asked}))
            .position->newest.value();
    };
    const auto answer = [&](const std::string& thread, const std::string& identifier) {
        const auto gave = AssistantTurn().add(ToolResponse{identifier, "tool", "x"});
        models() ? model(thread).remember({test::answer(identifier)}) : conversation(thread).remember({gave});
    };
    const Timestamp then = ask("a", "1");
    ask("a", "2");
    threads().fork("a", "b", then);
    threads().fork("b", "c");
    EXPECT_EQ(test::error_of([&] { answer("c", "2"); }).code, ErrorCode::invalid_argument);
    answer("c", "1");
    answer("b", "1");
    answer("a", "2");
    EXPECT_EQ(threads().find("c")->items, 1U);
}

TEST_P(AnyForks, know_what_was_stored_above_them_until_their_point) {
    const UserTurn first("1"), second("2"), third("3");
    const auto store = [&](const std::string& thread, const UserTurn& turn) {
        const std::string text = turn.content.at(0).text();
        return models() ? model(thread).remember({in(text)}, {.key = text}) : conversation(thread).remember({turn});
    };
    const Remembered stored = store("a", first);
    const Timestamp then = store("a", second).position->newest.value();
    store("a", third);
    threads().fork("a", "b", then);
    threads().fork("b", "c");
    const Remembered again = store("c", first);
    EXPECT_TRUE(again.repeated);
    EXPECT_EQ(again.position, stored.position);
    EXPECT_TRUE(store("b", second).repeated);
    EXPECT_FALSE(store("c", third).repeated) << "it came after the point";
    EXPECT_THAT(said("b"), ElementsAre("1", "2"));
    EXPECT_THAT(said("c"), ElementsAre("1", "2", "3"));
    if (models()) return;
    UserTurn other("other");
    other.identifier = first.identifier;
    EXPECT_EQ(test::error_of([&] { store("c", other); }).code, ErrorCode::constraint_violation);
    conversation("c").remember({first, UserTurn("4"), second});
    EXPECT_THAT(said("c"), ElementsAre("1", "2", "3", "4"));
}

TEST_P(AnyForks, are_paged_through_as_one) {
    if (models()) return;
    say("a", {"1", "2", "3", "4", "5"});
    threads().fork("a", "b");
    say("a", {"not theirs"});
    say("b", {"6", "7", "8"});
    threads().fork("b", "c");
    say("c", {"9"});
    for (std::size_t limit = 1; limit <= 10; ++limit) {
        std::vector<std::string> walked;
        std::optional<std::string> token;
        do {
            const ConversationPage page = conversation("c").fetch(token, limit);
            const std::vector<std::string> texts = test::texts_of(page.turns);
            walked.insert(walked.begin(), texts.begin(), texts.end());
            token = page.next;
        } while (token);
        EXPECT_THAT(walked, ElementsAre("1", "2", "3", "4", "5", "6", "7", "8", "9")) << limit;
    }
    const auto own = conversation("a").fetch().turns.back();
    const std::string others = std::get<UserTurn>(own).identifier.to_string();
    EXPECT_EQ(test::error_of([&] { conversation("c").fetch(others); }).code, ErrorCode::not_found);
}

TEST_P(AnyForks, have_the_variables_of_their_point) {
    if (!models()) return;
    const auto n = [](int i) { return Json::parse("{\"n\":" + std::to_string(i) + "}"); };
    const Timestamp bare = model("a").remember({in("1")}).position->newest.value();
    const Timestamp then = model("a").remember({in("2")}, {.variables = n(1)}).position->newest.value();
    model("a").remember({in("3")}, {.variables = n(2)});
    threads().fork("a", "none", bare);
    threads().fork("a", "b", then);
    threads().fork("b", "c");
    EXPECT_TRUE(same_value(model("none").recall().variables, Json::object()));
    EXPECT_TRUE(same_value(model("c").recall().variables, n(1)));
    model("a").remember({}, {.variables = n(3)});
    model("b").remember({}, {.variables = n(4)});
    EXPECT_TRUE(same_value(model("c").recall().variables, n(1)));
    threads().fork("c", "early", bare);
    EXPECT_TRUE(same_value(model("early").recall().variables, Json::object()));
    EXPECT_EQ(test::texts_of(model("early").recall().context), (std::vector<std::string>{"1"}));
}

class StoredForks : public ::testing::Test {
protected:
    test::Server server_;
    Database database_ = server_.open();
};

TEST_F(StoredForks, read_by_the_index_however_long_their_parent_is) {
    const std::string schema = database_.quoted_schema();
    std::vector<ModelElement> many(3000, in("x"));
    ModelMemory(database_, "a").remember(many);
    MemoryThreads threads(database_, MemoryKind::models);
    threads.fork("a", "b");
    ModelMemory(database_, "b").remember({in("y"), in("z")});
    database_.execute(Statement(Sql("ANALYZE " + schema + ".memories_elements")));
    Transaction moment = database_.begin({.isolation = Isolation::repeatable_read, .read_only = true});
    const ModelMemory fork = ModelMemory(database_, "b").in(moment);
    EXPECT_EQ(fork.recall({.limit = 50}).context.size(), 50U);
    const Rows rows = moment.query(Statement(
        Sql("SELECT pg_stat_get_xact_tuples_fetched('" + schema + ".stele_memories_elements_order'::regclass)")));
    EXPECT_GE(rows[0].get<std::int64_t>(0), 50);
    EXPECT_LE(rows[0].get<std::int64_t>(0), 2 * 51 + 10) << "of 3,000";
}

TEST_F(StoredForks, are_made_and_undone_with_a_transaction) {
    ConversationMemory(database_, "a").remember({UserTurn("1")});
    MemoryThreads threads(database_, MemoryKind::conversations);
    Transaction transaction = database_.begin();
    threads.in(transaction).fork("a", "b");
    EXPECT_EQ(ConversationMemory(database_, "b").in(transaction).recall().context.size(), 1U);
    EXPECT_THAT(ConversationMemory(database_, "b").recall().context, IsEmpty());
    transaction.rollback();
    EXPECT_FALSE(threads.find("b"));
}

TEST_F(StoredForks, that_go_round_in_a_circle_end) {
    const std::string forks = database_.quoted_schema() + ".stele_memory_forks";
    ConversationMemory(database_, "a").remember({UserTurn("1")});
    database_.execute(Statement(Sql("INSERT INTO " + forks + " VALUES ('conversations', 'a', 'a', now())")));
    EXPECT_EQ(ConversationMemory(database_, "a").recall({.limit = 5}).context.size(), 5U)
        << "whatever it says, it ends";
}

}  // namespace
}  // namespace stele
