// Answers that are read while they are computed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <stdexcept>
#include <thread>

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
    std::int64_t pieces_stored() {
        if (!database) return 0;
        return database->query(Statement("SELECT count(*) FROM " + server.schema() + ".stele_computation_pieces"))[0]
            .get<std::int64_t>(0);
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

// Caches of their own share no memory, as processes do not.
TEST_P(Streaming, readers_elsewhere_read_along) {
    SemanticCache here = open(), there = open();
    Gate led, first, second;
    auto follower = std::async(std::launch::async, [&] {
        led.wait();
        std::vector<std::string> pieces;
        ComputeOptions options;
        options.reader = [&](std::string_view piece) {
            pieces.emplace_back(piece);
            if (joined(pieces) == "one ") first.open();
            if (joined(pieces) == "one größer") second.open();
        };
        const ComputedAnswer answer = there.get_or_compute("question", {}, [](AnswerSink&) {}, options);
        EXPECT_EQ(joined(pieces), "one größer three") << "nothing twice, nothing left out";
        return answer;
    });
    ComputeOptions options;
    options.lease = 300ms;
    const ComputedAnswer computed = here.get_or_compute(
        "question", {},
        [&](AnswerSink& sink) {
            sink.write("one ");
            led.open();
            first.wait();
            sink.write("gr\xC3");  // pieces are bytes
            sink.write("\xB6\xC3\x9F");
            sink.write("er");
            second.wait();
            sink.write(" three");
        },
        options);
    EXPECT_EQ(computed.kept, Kept::stored);
    const ComputedAnswer followed = follower.get();
    EXPECT_EQ(followed.response, "one größer three");
    EXPECT_EQ(followed.source, AnswerSource::shared);
    EXPECT_EQ(pieces_stored(), 0);
}

TEST_P(Streaming, of_what_fails_elsewhere_who_has_read_a_part_is_told_so_and_others_compute) {
    SemanticCache here = open(), there = open();
    Gate led, has_read;
    ComputeOptions reads;
    reads.reader = [&](std::string_view) { has_read.open(); };
    auto reader = std::async(std::launch::async, [&] {
        led.wait();
        there.get_or_compute("question", {}, [](AnswerSink&) {}, reads);
    });
    auto other = std::async(std::launch::async, [&] {
        led.wait();
        return there.get_or_compute("question", {}, [](AnswerSink& sink) { sink.write("another"); });
    });
    ComputeOptions options;
    options.lease = 300ms;
    const auto fails = [&](AnswerSink& sink) {
        sink.write("half");
        led.open();
        has_read.wait();
        throw std::runtime_error("the line is dead");
    };
    EXPECT_THROW(here.get_or_compute("question", {}, fails, options), std::runtime_error);
    try {
        reader.get();
        ADD_FAILURE() << "it has read what is no answer";
    } catch (const IncompleteAnswer& error) {
        EXPECT_EQ(error.bytes(), 4U);
        EXPECT_EQ(error.retry(), Retry::call);
    }
    EXPECT_EQ(other.get().response, "another");
    EXPECT_EQ(here.get("question")->response, "another");
    EXPECT_EQ(pieces_stored(), 0);
}

TEST_P(Streaming, while_nobody_reads_elsewhere_nothing_is_told) {
    SemanticCache here = open(), there = open();
    Gate led;
    auto waits = std::async(std::launch::async, [&] {
        led.wait();
        return there.get_or_compute("question", {}, [](AnswerSink&) {});
    });
    ComputeOptions options;
    options.lease = 300ms;
    here.get_or_compute(
        "question", {},
        [&](AnswerSink& sink) {
            sink.write("one ");
            led.open();
            std::this_thread::sleep_for(2 * options.lease);  // so that its claim was renewed
            EXPECT_EQ(pieces_stored(), 0);
            sink.write("two");
        },
        options);
    EXPECT_EQ(waits.get().response, "one two");
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
