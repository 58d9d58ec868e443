// index_all: values of any number, all or nothing or skipping what is refused; on a database and as its twin in memory.
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <ranges>
#include <stdexcept>

#include "index/bulk_notes.hpp"

namespace stele::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

INSTANTIATE_TEST_SUITE_P(Index, BulkIndex, ::testing::Values(On::database, On::memory), name_of);

TEST_P(BulkIndex, stores_a_stream_in_its_order_and_tells_how_far_it_is) {
    auto notes = picked();
    std::vector<IndexProgress> told;
    Notes stream(1500);
    int ahead = 0;
    const IndexProgress done =
        notes.index_all(stream, &Note::text, {.on_progress = [&](const IndexProgress& progress) {
                            told.push_back(progress);
                            ahead = std::max(ahead, stream.given() - static_cast<int>(progress.values));
                        }});
    EXPECT_EQ(done.values, 1500U);
    EXPECT_EQ(done.stored, 1500U);
    EXPECT_EQ(done.embedded, 1500U);
    EXPECT_EQ(done.refused + done.unchanged, 0U);
    ASSERT_THAT(told, SizeIs(3));
    EXPECT_EQ(told[0].values, 512U);
    EXPECT_EQ(told[1].stored, 1024U);
    EXPECT_EQ(told[2].values, 1500U);
    EXPECT_LE(ahead, 2 * kBatch) << "no more is held than two batches beyond the one that is written";
    EXPECT_EQ(picky->calls, 3);
    EXPECT_EQ(notes.count(), 1500U);
    const auto newest = notes.newest({.limit = 1500});
    for (int i = 0; i < 1500; ++i) ASSERT_EQ(newest[static_cast<std::size_t>(i)].value.page, 1499 - i);
}

TEST_P(BulkIndex, what_is_stored_is_told_when_the_source_throws) {
    auto notes = picked();
    std::size_t told = 0;
    Notes stream(2000, [](Note& one) {
        if (one.page == 1300) throw std::runtime_error("the file ended");
    });
    const auto index = [&] {
        notes.index_all(stream, &Note::text,
                        {.on_progress = [&](const IndexProgress& progress) { told = progress.stored; },
                         .on_refused = [](const auto&) {}});
    };
    EXPECT_THROW(index(), std::runtime_error);
    EXPECT_EQ(told, 512U);
    EXPECT_EQ(notes.count(), told);
}

TEST_P(BulkIndex, takes_ranges_lazy_ones_too_and_moves_vectors) {
    auto notes = open(nullptr);
    const auto made = std::views::iota(0, 700) | std::views::transform([](int i) {
                          return Note{std::to_string(i), "k", i, {1, static_cast<float>(i)}, {}};
                      });
    EXPECT_EQ(notes.index_all(made, &Note::vector).stored, 700U);
    const std::vector<Note> kept = with_vectors({{1, 0}, {0, 1}});
    EXPECT_EQ(notes.index_all(kept, &Note::vector).embedded, 0U);
    EXPECT_EQ(kept[0].vector.size(), 2U) << "a range that stays is not emptied";
    const float* given = nullptr;
    std::optional<Note> last = kept[0];
    given = last->vector.data();
    const float* stored = nullptr;
    const auto seen = [&](Note&& one) -> std::vector<float>&& {
        stored = one.vector.data();
        return std::move(one.vector);
    };
    notes.index_all([&] { return std::exchange(last, std::nullopt); }, seen);
    EXPECT_EQ(stored, given);
    EXPECT_EQ(notes.index_all(std::vector<Note>(), &Note::text).values, 0U);
    EXPECT_EQ(notes.count(), 703U);
}

TEST_P(BulkIndex, embeds_the_next_batch_while_one_is_written) {
    auto notes = picked();
    std::mutex mutex;
    std::condition_variable changed;
    bool written = false, waited = true;
    picky->before = [&](int call) {
        std::unique_lock lock(mutex);
        if (call == 2) waited = changed.wait_for(lock, 30s, [&] { return written; });
    };
    notes.index_all(Notes(2 * kBatch), &Note::text, {.on_progress = [&](const IndexProgress&) {
                        const std::lock_guard lock(mutex);
                        written = true;
                        changed.notify_all();
                    }});
    EXPECT_TRUE(waited);
}

TEST_P(BulkIndex, stores_nothing_when_it_fails_at_any_step_and_names_the_value) {
    auto notes = picked();
    notes.index({note(9000)}, &Note::text, {.key = &Note::language});
    const auto change = [](int at, auto what) {
        return [=](Note& one) {
            if (one.page == at) what(one);
        };
    };
    const auto message = [&](Notes stream, IndexAllOptions<Note> options = keyed()) {
        const ErrorInfo error = error_of([&] { notes.index_all(std::move(stream), &Note::text, options); });
        EXPECT_EQ(notes.count(), 1U) << error.message;
        return error.message;
    };
    EXPECT_THAT(message(Notes(1300, change(1100, [](Note& one) { one.text = "refused"; }))),
                AllOf(HasSubstr("value 1100: "), HasSubstr("I do not like it")));
    EXPECT_THAT(message(Notes(1300, change(1100, [](Note& one) { one.text = "nan"; }))),
                AllOf(HasSubstr("value 1100: "), HasSubstr("no direction")));
    EXPECT_THAT(message(Notes(1300, change(1100, [](Note& one) { one.text = std::string("a\0b", 3); }))),
                AllOf(HasSubstr("value 1100"), HasSubstr("NUL")));
    EXPECT_THAT(message(Notes(1300, change(1100, [](Note& one) { one.language = "key 3"; }))),
                HasSubstr("value 1100 has the key \"key 3\" of one before it"));
    EXPECT_THAT(message(Notes(1300, change(1100, [](Note& one) { one.language = ""; }))), HasSubstr("0 bytes"));

    for (const int failing : {1, 2, 3}) {
        picky->calls = 0;
        picky->before = [&](int call) {
            if (call >= failing) fail_with(ErrorCode::embedder_failed, Retry::call);
        };
        EXPECT_THAT(message(Notes(1300)), HasSubstr("told to fail"));
    }
    picky->before = [](int call) {
        if (call % 2 == 0) throw std::runtime_error("somebody else's");
    };
    EXPECT_THAT(message(Notes(1300)), HasSubstr("somebody else's"));
    picky->before = {};
    picky->miscounts = true;
    EXPECT_THAT(message(Notes(1300)), HasSubstr("511 vectors for 512 values"));
    picky->miscounts = false;

    int told = 0;
    IndexAllOptions<Note> stopped = keyed();
    stopped.on_progress = [&](const IndexProgress&) {
        if (++told == 2) throw std::runtime_error("stop");
    };
    EXPECT_THROW(notes.index_all(Notes(1300), &Note::text, stopped), std::runtime_error);
    EXPECT_THROW(notes.index_all(Notes(1300, change(1100, [](Note&) { throw std::runtime_error("broken file"); })),
                                 &Note::text, keyed()),
                 std::runtime_error);
    IndexAllOptions<Note> late = keyed();
    late.deadline = Deadline::after(0s);
    message(Notes(1300), late);
    EXPECT_EQ(notes.count(), 1U);
    EXPECT_EQ(notes.index_all(Notes(1300), &Note::text, keyed()).stored, 1300U);
}

TEST_P(BulkIndex, skips_what_is_refused_and_tells_which) {
    auto notes = picked();
    std::vector<RefusedValue> refused;
    IndexAllOptions<Note> options = keyed();
    options.on_refused = [&](const RefusedValue& value) { refused.push_back(value); };
    std::size_t durable = 0;
    options.on_progress = [&](const IndexProgress& progress) {
        durable = notes.count();
        EXPECT_EQ(durable, progress.stored) << "what is told is there for everyone";
    };
    const IndexProgress done = notes.index_all(Notes(1500,
                                                     [](Note& one) {
                                                         if (one.page == 3) one.text = "\xFF";
                                                         if (one.page == 700) one.text = "nan";
                                                         if (one.page == 600 || one.page == 601) one.text = "refused";
                                                         if (one.page == 900) one.language = "";
                                                         if (one.page == 1400) one.language = "key 5";
                                                     }),
                                               &Note::text, options);
    std::vector<std::size_t> positions;
    for (const auto& one : refused) positions.push_back(one.position);
    EXPECT_THAT(positions, ElementsAre(3, 600, 601, 700, 900, 1400));
    EXPECT_EQ(refused[1].key, "key 600");
    EXPECT_EQ(refused[1].error.code, ErrorCode::embedder_failed);
    EXPECT_EQ(refused[0].error.code, ErrorCode::invalid_argument);
    EXPECT_EQ(done.values, 1500U);
    EXPECT_EQ(done.refused, 6U);
    EXPECT_EQ(done.stored, 1494U);
    EXPECT_EQ(notes.count(), 1494U);
    EXPECT_EQ(notes.count(field(&Note::page) == 602), 1U);
    EXPECT_EQ(notes.count(field(&Note::page) == 600), 0U);
}

TEST_P(BulkIndex, skips_vectors_of_another_length_the_first_among_them) {
    auto notes = open(nullptr);
    const auto vectors = with_vectors({{1, 0, 0}, {1, 0}, {0, 0}, {0, 1}});
    std::vector<std::size_t> positions;
    const IndexAllOptions<Note> options{
        .on_refused = [&](const RefusedValue& one) { positions.push_back(one.position); }};
    notes.index(with_vectors({{1, 1}}), &Note::vector);
    notes.index_all(vectors, &Note::vector, options);
    EXPECT_THAT(positions, ElementsAre(0, 2));
    EXPECT_EQ(notes.count(), 3U);
    positions.clear();
    const auto mixed = [](const Note& one) { return one.page == 1 ? IndexInput(one.text) : IndexInput(one.vector); };
    notes.index_all(vectors, mixed, options);
    EXPECT_THAT(positions, ElementsAre(0, 1, 2)) << "a text among vectors";
}

TEST_P(BulkIndex, an_embedder_that_refuses_everything_is_the_error_and_soon) {
    auto notes = picked();
    picky->before = [](int) { fail_with(ErrorCode::embedder_failed, Retry::no); };
    IndexAllOptions<Note> options = keyed();
    options.on_refused = [](const RefusedValue& value) { ADD_FAILURE() << value.position; };
    EXPECT_THAT(error_of([&] { notes.index_all(Notes(1500), &Note::text, options); }).message,
                HasSubstr("told to fail"));
    EXPECT_LT(picky->calls, 200);
    EXPECT_EQ(notes.count(), 0U);
}

TEST_P(BulkIndex, is_taken_up_again_by_key_and_neither_embeds_nor_writes_what_is_there) {
    auto notes = picked();
    IndexAllOptions<Note> options = keyed();
    options.on_refused = [](const RefusedValue& value) { ADD_FAILURE() << value.position; };
    picky->before = [](int call) {
        if (call == 3) fail_with(ErrorCode::unavailable, Retry::call);
    };
    EXPECT_EQ(error_of([&] { notes.index_all(Notes(1500), &Note::text, options); }).code, ErrorCode::unavailable);
    EXPECT_EQ(notes.count(), 1024U) << "what was told stays";
    picky->before = {};
    picky->embedded = 0;
    const auto edited = [](Note& one) {
        if (one.page == 10) one.page = 9999;  // not what is embedded
        if (one.page == 11) one.text = "another";
    };
    const IndexProgress again = notes.index_all(Notes(1500, edited), &Note::text, options);
    EXPECT_EQ(picky->embedded, 1500U - 1024U + 1U);
    EXPECT_EQ(again.embedded, picky->embedded);
    EXPECT_EQ(again.unchanged, 1022U);
    EXPECT_EQ(again.stored, 478U);
    EXPECT_EQ(notes.count(), 1500U);
    EXPECT_EQ(notes.count(field(&Note::page) == 9999), 1U);
    EXPECT_EQ(notes.count(field(&Note::text) == "another"), 1U);
}

TEST_P(BulkIndex, index_of_more_than_a_batch_gives_ids_in_order_and_is_all_or_nothing) {
    auto notes = picked();
    std::vector<Note> many;
    for (int i = 0; i < 1200; ++i) many.push_back(note(i));
    many[1100].text = "refused";
    EXPECT_THAT(error_of([&] { notes.index(many, &Note::text, {.key = &Note::language}); }).message,
                HasSubstr("value 1100"));
    EXPECT_EQ(notes.count(), 0U);
    many[1100].text = "fine";
    const Indexed first = notes.index(many, &Note::text, {.key = &Note::language});
    EXPECT_EQ(first.embedded, 1200U);
    for (const std::size_t i : {0U, 511U, 512U, 1199U}) {
        EXPECT_EQ(notes.newest({.where = field(&Note::page) == static_cast<int>(i)}).at(0).id, first.ids[i]);
    }
    many[700].text = "new";
    const Indexed second = notes.index(many, &Note::text, {.key = &Note::language});
    EXPECT_EQ(second.ids, first.ids);
    EXPECT_EQ(second.embedded, 1U);
    const Indexed without_keys = notes.index(many, &Note::text);
    EXPECT_THAT(without_keys.ids, SizeIs(1200));
    EXPECT_EQ(notes.newest({.limit = 1}).at(0).id, without_keys.ids[1199]);
}

}  // namespace
}  // namespace stele::test
