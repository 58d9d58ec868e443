#include "stele/memory_window.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memory/elements.hpp"
#include "memory/token_window.hpp"

namespace stele {
namespace {

using test::answer;
using test::answer_and;
using test::ask;
using test::in;
using test::out;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

using Elements = std::vector<ModelElement>;
constexpr Replay kBoth[] = {Replay::answered, Replay::head};

std::size_t ten_each(const ModelElement&) {
    return 10;
}

/// Reads from a conversation of such elements, and counts how often.
struct Read {
    Elements elements;
    std::size_t tokens = 0, steps = 0, rows = 0;
    bool older = false;
};
Read read(const Elements& all, std::size_t limit, std::optional<std::size_t> tokens, Replay replay = Replay::answered) {
    const CountTokens count = ten_each;
    WindowReader window(WindowLimits(limit, tokens, count, replay));
    Read result;
    while (!window.complete()) {
        const std::size_t wanted = std::min(window.wanted().value_or(all.size()), all.size());
        ++result.steps;
        result.rows += wanted;
        std::vector<WindowElement> found;
        for (std::size_t i = all.size() - window.accept(wanted); i < all.size(); ++i) {
            found.emplace_back(ModelElement(all[i]), i);
        }
        window.take(std::move(found), false);
    }
    result.tokens = window.tokens();
    result.older = window.older();
    result.elements = std::move(window).elements();
    return result;
}

TEST(MemoryWindow, draive_062_outputs_at_the_head_are_left_out) {
    for (const Replay replay : kBoth) {
        EXPECT_THAT(replayable({out("a"), in("b"), out("c")}, replay), ElementsAre(in("b"), out("c")));
    }
}

TEST(MemoryWindow, draive_063_a_window_begins_with_an_input_without_tool_responses) {
    for (const Replay replay : kBoth) {
        EXPECT_THAT(replayable({answer("1"), out("a"), in("b")}, replay), ElementsAre(in("b")));
    }
    // one without any block counts
    EXPECT_THAT(replayable({out("a"), ModelInput(), out("b")}, Replay::head), ElementsAre(ModelInput(), out("b")));
}

TEST(MemoryWindow, draive_064_without_such_an_input_it_is_empty) {
    for (const Replay replay : kBoth) {
        EXPECT_THAT(replayable({out("a"), out("b")}, replay), IsEmpty());
        EXPECT_THAT(replayable({answer_and("1", "and this")}, replay), IsEmpty());
        const Elements orphan{answer_and("1", "and this"), out("a")};
        EXPECT_THAT(read(orphan, kUnlimited, {}, replay).elements, IsEmpty()) << "nor as a recall has it";
        EXPECT_THAT(read(orphan, kUnlimited, 100, replay).elements, IsEmpty());
        const Elements longer{in("a"), ask("2"), answer_and("2", "and this"), out("b")};
        EXPECT_THAT(read(longer, 2, {}, replay).elements, IsEmpty());
        EXPECT_THAT(replayable({}, replay), IsEmpty());
    }
}

TEST(MemoryWindow, draive_065_a_whole_exchange_is_kept) {
    const Elements whole{in("a"), ask("1"), answer("1"), out("b")};
    for (const Replay replay : kBoth) EXPECT_THAT(replayable(whole, replay), ElementsAreArray(whole));
}

TEST(MemoryWindow, draive_067_requests_without_a_response_are_not_replayed) {
    const Elements tail{in("a"), out("b"), in("c"), ask("1")};
    EXPECT_THAT(replayable(tail), ElementsAre(in("a"), out("b"), in("c")));
    EXPECT_THAT(replayable(tail, Replay::head), ElementsAreArray(tail)) << "draive's way, by choice";
    EXPECT_THAT(replayable(tail, Replay::all), ElementsAreArray(tail));
    // broken off between two of three parallel calls
    ModelOutput three(ToolRequest{"1", "t"});
    three.blocks.emplace_back(ToolRequest{"2", "t"});
    three.blocks.emplace_back(ToolRequest{"3", "t"});
    EXPECT_THAT(replayable({in("a"), three, answer("1"), answer_and("2", "wait")}), ElementsAre(in("a"), in("wait")));
    EXPECT_THAT(replayable({in("a"), three, answer("3"), answer("1"), answer("2")}),
                ElementsAre(in("a"), three, answer("3"), answer("1"), answer("2")));
    // in the middle, where a process died and the user went on
    EXPECT_THAT(replayable({in("a"), ask("1"), in("b"), out("c")}), ElementsAre(in("a"), in("b"), out("c")));
    EXPECT_THAT(replayable({in("a"), answer("9"), out("c")}), ElementsAre(in("a"), out("c")));
    // a model that counts its calls anew in each turn
    EXPECT_THAT(replayable({in("a"), ask("0"), in("b"), ask("0"), answer("0")}),
                ElementsAre(in("a"), in("b"), ask("0"), answer("0")));
}

TEST(MemoryWindow, draive_061_the_newest_are_taken_before_they_are_trimmed) {
    const Elements all{in("a"), out("b"), in("c"), out("d"), out("e")};
    EXPECT_THAT(read(all, 2, {}).elements, IsEmpty());
    EXPECT_THAT(read(all, 4, {}).elements, ElementsAre(in("c"), out("d"), out("e")));
    EXPECT_TRUE(read(all, 4, {}).older);
    EXPECT_THAT(read(all, 5, {}).elements, ElementsAreArray(all));
    EXPECT_FALSE(read(all, 5, {}).older);
    EXPECT_THAT(read(all, kUnlimited, {}).elements, ElementsAreArray(all));
    EXPECT_EQ(read(all, 4, {}).steps, 1U);
}

TEST(MemoryWindow, as_many_as_fit_a_budget_begin_at_a_beginning) {
    const Elements all{in("a"), ask("1"), answer("1"), out("b"), in("c"), out("d")};
    EXPECT_THAT(read(all, kUnlimited, 60).elements, ElementsAreArray(all));
    EXPECT_FALSE(read(all, kUnlimited, 60).older);
    for (const std::size_t budget : {20U, 30U, 40U, 50U, 59U}) {
        const Read cut = read(all, kUnlimited, budget);
        EXPECT_THAT(cut.elements, ElementsAre(in("c"), out("d"))) << budget;
        EXPECT_EQ(cut.tokens, 20U);
        EXPECT_TRUE(cut.older);
    }
    EXPECT_THAT(read(all, kUnlimited, 19).elements, IsEmpty());
    EXPECT_THAT(read(all, kUnlimited, 0).elements, IsEmpty());
    EXPECT_THAT(read(all, 3, 60).elements, ElementsAre(in("c"), out("d"))) << "the limit counts as well";
    EXPECT_THAT(read(all, kUnlimited, 30, Replay::all).elements, ElementsAre(out("b"), in("c"), out("d")));
}

TEST(MemoryWindow, what_is_left_out_takes_no_tokens) {
    const Elements all{in("a"), out("b"), in("c"), ask("1"), ask("2"), ask("3")};
    EXPECT_THAT(read(all, kUnlimited, 30).elements, ElementsAre(in("a"), out("b"), in("c")));
    // and a cut leaves no response behind whose request it took
    const Elements late{in("a"), ask("1"), in("b"), answer_and("1", "late"), out("c")};
    EXPECT_THAT(read(late, kUnlimited, 30).elements, ElementsAre(in("b"), in("late"), out("c")));
}

TEST(MemoryWindow, a_long_conversation_is_read_no_further_than_the_budget_asks) {
    Elements all;
    for (int i = 0; i < 5000; ++i) all.push_back(i % 2 == 0 ? in(std::to_string(i)) : out(std::to_string(i)));
    const Read near = read(all, kUnlimited, 500);
    EXPECT_EQ(near.elements.size(), 50U);
    EXPECT_EQ(near.steps, 1U);
    EXPECT_LE(near.rows, 65U);
    const Read far = read(all, kUnlimited, 10'000);
    EXPECT_EQ(far.elements.size(), 1000U);
    EXPECT_LE(far.rows, 1500U);
    EXPECT_EQ(read(all, kUnlimited, 1'000'000).elements.size(), 5000U);
}

TEST(MemoryWindow, tokens_are_guessed_from_what_is_said) {
    EXPECT_EQ(estimate_tokens(ModelInput()), 4U);
    EXPECT_EQ(estimate_tokens(in("12345678")), 6U);
    EXPECT_EQ(estimate_tokens(in("123456789")), 7U);
    EXPECT_GT(estimate_tokens(ask("1")), 4U);
    EXPECT_GE(estimate_tokens(ModelInput(ResourceContent{{}, "image/png"})), 1000U);
}

}  // namespace
}  // namespace stele
