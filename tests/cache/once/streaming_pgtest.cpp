// Answers that are read while they are computed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <stdexcept>

#include "cache/any_cache.hpp"
#include "gate.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::Gate;
using test::On;
using ::testing::ElementsAre;

class Streaming : public test::AnyCache {
protected:
    static ComputeOptions reading(std::vector<std::string>& pieces) {
        ComputeOptions options;
        options.reader = [&pieces](std::string_view piece) { pieces.emplace_back(piece); };
        return options;
    }
    static std::string joined(const std::vector<std::string>& pieces) {
        std::string all;
        for (const std::string& piece : pieces) all += piece;
        return all;
    }
};

INSTANTIATE_TEST_SUITE_P(All, Streaming, ::testing::Values(On::database, On::memory), test::name_of);

TEST_P(Streaming, a_hit_is_read_as_a_whole) {
    SemanticCache cache = open();
    cache.put("question", "the answer");
    std::vector<std::string> pieces;
    cache.get_or_compute("question", {}, [](AnswerSink&) {}, reading(pieces));
    EXPECT_THAT(pieces, ElementsAre("the answer"));
    embedder->similar("alike", "question", 0.95f);
    pieces.clear();
    cache.get_or_compute("alike", {}, [](AnswerSink&) {}, reading(pieces));
    EXPECT_THAT(pieces, ElementsAre("the answer"));
}

TEST_P(Streaming, who_computes_reads_each_piece_before_the_next_is_there) {
    SemanticCache cache = open();
    std::vector<std::string> pieces;
    Gate first;
    ComputeOptions options;
    options.reader = [&](std::string_view piece) {
        pieces.emplace_back(piece);
        if (pieces.size() == 1) first.open();
    };
    cache.get_or_compute(
        "question", {},
        [&](AnswerSink& sink) {
            sink.write("one ");
            first.wait();
            sink.write("");
            sink.write("two");
        },
        options);
    EXPECT_THAT(pieces, ElementsAre("one ", "two"));
    EXPECT_EQ(cache.get("question")->response, "one two");
}

TEST_P(Streaming, a_slow_reader_delays_neither_the_computation_nor_other_readers) {
    SemanticCache cache = open();
    Gate led, follows, quick_has_all, computed;
    const auto slow = [&](Gate* begun, std::string& all) {
        ComputeOptions options;
        options.reader = [&, begun, first = true](std::string_view piece) mutable {
            if (begun != nullptr && first) begun->open();
            first = false;
            computed.wait();
            quick_has_all.wait();
            all += piece;
        };
        return options;
    };
    std::string slowly, leaders, quickly;
    auto slow_one = std::async(std::launch::async, [&] {
        led.wait();
        return cache.get_or_compute("question", {}, [](AnswerSink&) {}, slow(&follows, slowly));
    });
    auto quick_one = std::async(std::launch::async, [&] {
        led.wait();
        ComputeOptions options;
        options.reader = [&](std::string_view piece) {
            quickly += piece;
            if (quickly == "one two three") quick_has_all.open();
        };
        return cache.get_or_compute("question", {}, [](AnswerSink&) {}, options);
    });
    cache.get_or_compute(
        "question", {},
        [&](AnswerSink& sink) {
            sink.write("one ");
            led.open();
            follows.wait();
            sink.write("two ");
            sink.write("three");
            quick_has_all.wait();
            computed.open();
        },
        slow(nullptr, leaders));
    EXPECT_EQ(leaders, "one two three") << "nothing is read after the call has returned";
    EXPECT_EQ(slow_one.get().response, "one two three");
    EXPECT_EQ(slowly, "one two three");
    EXPECT_EQ(quick_one.get().source, AnswerSource::shared);
}

TEST_P(Streaming, who_has_read_a_part_of_what_fails_is_told_so_and_nothing_is_stored) {
    SemanticCache cache = open();
    Gate led, has_read;
    auto follower = std::async(std::launch::async, [&] {
        led.wait();
        ComputeOptions options;
        options.reader = [&](std::string_view) { has_read.open(); };
        cache.get_or_compute("question", {}, [](AnswerSink&) {}, options);
    });
    const auto fails = [&](AnswerSink& sink) {
        sink.write("half");
        led.open();
        has_read.wait();
        throw std::runtime_error("the line is dead");
    };
    EXPECT_THROW(cache.get_or_compute("question", {}, fails), std::runtime_error);
    try {
        follower.get();
        FAIL();
    } catch (const IncompleteAnswer& error) {
        EXPECT_EQ(error.bytes(), 4U);
        EXPECT_THAT(error.what(), ::testing::HasSubstr("the line is dead"));
    }
    EXPECT_FALSE(cache.get("question"));
}

TEST_P(Streaming, a_reader_that_throws_ends_its_call_and_the_answer_is_stored) {
    SemanticCache cache = open();
    ComputeOptions options;
    options.reader = [](std::string_view) { throw std::logic_error("nobody listens"); };
    const auto computes = [](AnswerSink& sink) {
        sink.write("one ");
        sink.write("two");
    };
    EXPECT_THROW(cache.get_or_compute("question", {}, computes, options), std::logic_error);
    EXPECT_EQ(cache.get("question")->response, "one two");
    EXPECT_EQ(cache.stats().compute_failures, 0);
    EXPECT_THROW(cache.get_or_compute("question", {}, computes, options), std::logic_error);
}

}  // namespace
}  // namespace stele
