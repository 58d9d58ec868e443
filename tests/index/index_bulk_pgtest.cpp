// index_all: values of any number, all or nothing or skipping what is refused; on a database and as its twin in memory.
#include <chrono>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <ranges>
#include <stdexcept>

#include "base/result.hpp"
#include "index/any_index.hpp"
#include "support/role.hpp"
#include "support/session.hpp"

namespace stele::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kBatch = 512;  // as the header says

Note note(int i) {
    return {"text " + std::to_string(i), "key " + std::to_string(i), i, {}, {}};
}

/// What a stream gives: notes 0, 1, ...
class Notes {
public:
    explicit Notes(int count, std::function<void(Note&)> change = {}) : count_(count), change_(std::move(change)) {}
    std::optional<Note> operator()() {
        if (*given_ == count_) return std::nullopt;
        Note one = note((*given_)++);
        if (change_) change_(one);
        return one;
    }
    /// Of all copies.
    int given() const { return *given_; }

private:
    int count_;
    std::function<void(Note&)> change_;
    std::shared_ptr<int> given_ = std::make_shared<int>(0);
};

/// Refuses texts that contain "refused", gives a NaN for those that contain "nan", and fails as the test says.
class Picky final : public Embedder {
public:
    std::size_t dimension() const override { return 2; }
    const std::string& fingerprint() const override { return fingerprint_; }
    std::vector<Embedding> embed(std::span<const std::string_view> texts, Deadline deadline) override {
        ++calls;
        if (before) before(calls);
        if (deadline.expired()) raise(ErrorCode::deadline_exceeded, "too late");
        std::vector<Embedding> all;
        for (const std::string_view text : texts) {
            if (text.find("refused") != std::string_view::npos) {
                raise(ErrorCode::embedder_failed, "I do not like it");
            }
            const float x = text.find("nan") == std::string_view::npos ? 1 : std::numeric_limits<float>::quiet_NaN();
            all.push_back({{x, 0}, false});
        }
        embedded += texts.size();
        if (miscounts) all.pop_back();
        return all;
    }
    int calls = 0;
    std::size_t embedded = 0;
    bool miscounts = false;
    std::function<void(int call)> before;

private:
    std::string fingerprint_ = "picky";
};

[[noreturn]] void fail_with(ErrorCode code, Retry retry) {
    ErrorInfo error = make_error(code, "told to fail");
    error.retry = retry;
    raise(std::move(error));
}

class BulkIndex : public AnyIndex {
protected:
    std::shared_ptr<Picky> picky = std::make_shared<Picky>();
    VectorIndex<Note> picked() { return open(picky, {.table = "picked"}); }
    static IndexAllOptions<Note> keyed() { return {.key = &Note::language}; }
};

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
    EXPECT_LE(ahead, kBatch) << "no more is held than one batch beyond the one that is written";
    EXPECT_EQ(picky->calls, 3);
    EXPECT_EQ(notes.count(), 1500U);
    const auto newest = notes.newest({.limit = 1500});
    for (int i = 0; i < 1500; ++i) ASSERT_EQ(newest[static_cast<std::size_t>(i)].value.page, 1499 - i);
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

class BulkOnDatabase : public BulkIndex {
protected:
    BulkOnDatabase() { database = server.open(server_dsn() + " application_name=" + server.schema()); }
    void refuse_in_the_database(int page) {
        database->execute(Statement("ALTER TABLE " + server.schema() + ".picked ADD CHECK (payload->'page' <> '" +
                                    std::to_string(page) + "')"));
    }
    /// All sessions but that of `other`.
    void cut() {
        Database other = server.bare();
        other.query({"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = $1",
                     server.schema()});
    }
};

INSTANTIATE_TEST_SUITE_P(Index, BulkOnDatabase, ::testing::Values(On::database), name_of);

TEST_P(BulkOnDatabase, a_row_that_the_server_refuses_is_named_or_skipped_with_keys_and_without) {
    auto notes = picked();
    notes.index({note(9000)}, &Note::text, {.key = &Note::language});
    refuse_in_the_database(777);
    for (IndexAllOptions<Note> options : {keyed(), IndexAllOptions<Note>()}) {
        const std::size_t before = notes.count();
        const ErrorInfo error = error_of([&] { notes.index_all(Notes(1200), &Note::text, options); });
        EXPECT_EQ(error.code, ErrorCode::constraint_violation);
        EXPECT_THAT(error.message, HasSubstr("value 777: "));
        EXPECT_EQ(notes.count(), before);
        std::vector<std::size_t> positions;
        options.on_refused = [&](const RefusedValue& value) { positions.push_back(value.position); };
        EXPECT_EQ(notes.index_all(Notes(1200), &Note::text, options).stored, 1199U);
        EXPECT_THAT(positions, ElementsAre(777));
        EXPECT_EQ(notes.count(), before + 1199);
    }
}

TEST_P(BulkOnDatabase, rows_that_policies_guard_are_stored_though_copy_refuses_them) {
    auto notes = picked();
    notes.index({note(9000)}, &Note::text);
    const std::string table = server.schema() + ".picked";
    Role role(*database, "guarded_" + server.schema());
    role.execute("GRANT USAGE ON SCHEMA " + server.schema() + " TO " + role.name());
    role.execute("GRANT SELECT, INSERT ON " + table + " TO " + role.name());
    role.execute("ALTER TABLE " + table + " ENABLE ROW LEVEL SECURITY");
    role.execute("CREATE POLICY pages ON " + table + " USING ((payload->'page')::int < 1000)");
    VectorIndex<Note> guarded(Database::open(role.assumed(server.bare_options())), picky, {.table = "picked"});
    EXPECT_EQ(guarded.index_all(Notes(700), &Note::text).stored, 700U);
    EXPECT_THAT(error_of([&] { guarded.index_all(Notes(1100), &Note::text); }).server_message, HasSubstr("row-level"));
    EXPECT_EQ(notes.count(), 701U);
}

TEST_P(BulkOnDatabase, a_connection_that_dies_leaves_nothing_or_what_was_told) {
    auto notes = picked();
    notes.index({note(9000)}, &Note::text, {.key = &Note::language});
    IndexAllOptions<Note> options = keyed();
    std::size_t told = 0;
    options.on_progress = [&](const IndexProgress& progress) {
        told = progress.stored;
        if (progress.values == 1024) cut();
    };
    for (const bool by_key : {true, false}) {
        if (!by_key) options.key = {};
        const ErrorInfo error = error_of([&] { notes.index_all(Notes(2000), &Note::text, options); });
        EXPECT_EQ(error.code, ErrorCode::unavailable);
        EXPECT_EQ(error.retry, Retry::transaction);
        EXPECT_EQ(told, 1024U);
        EXPECT_EQ(notes.count(), 1U);
    }

    // between two batches there is no connection to lose; while one is written there is
    options.on_refused = [](const RefusedValue& value) { ADD_FAILURE() << value.position; };
    options.on_progress = [&](const IndexProgress& progress) {
        told = progress.stored;
        if (progress.values != 1024) return;
        database->execute(Statement("CREATE FUNCTION " + server.schema() +
                                    ".die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend("
                                    "pg_backend_pid()); RETURN NEW; END $$"));
        database->execute(Statement("CREATE TRIGGER die BEFORE INSERT ON " + server.schema() +
                                    ".picked FOR EACH ROW EXECUTE FUNCTION " + server.schema() + ".die()"));
    };
    // here in the midst of a COPY
    EXPECT_EQ(error_of([&] { notes.index_all(Notes(2000), &Note::text, options); }).code, ErrorCode::unavailable);
    EXPECT_EQ(told, 1024U);
    EXPECT_EQ(notes.count(), 1025U);
}

TEST_P(BulkOnDatabase, takes_part_in_a_transaction_and_a_failure_leaves_that_as_it_was) {
    auto notes = picked();
    notes.index({note(9000)}, &Note::text, {.key = &Note::language});
    {
        Transaction transaction = database->begin();
        auto inside = notes.in(transaction);
        inside.index({note(9001)}, &Note::text, {.key = &Note::language});
        picky->calls = 0;
        picky->before = [](int call) {
            if (call == 3) fail_with(ErrorCode::embedder_failed, Retry::call);
        };
        EXPECT_EQ(error_of([&] { inside.index_all(Notes(1500), &Note::text, keyed()); }).code,
                  ErrorCode::embedder_failed);
        picky->before = {};
        EXPECT_EQ(inside.count(), 2U) << "the batches before are undone";
        EXPECT_EQ(inside.index_all(Notes(1500), &Note::text, keyed()).stored, 1500U);
        EXPECT_EQ(inside.count(), 1502U);
        EXPECT_EQ(notes.count(), 1U);
        transaction.commit();
    }
    EXPECT_EQ(notes.count(), 1502U);
    refuse_in_the_database(5000);
    Transaction transaction = database->begin();
    auto inside = notes.in(transaction);
    std::vector<std::size_t> positions;
    IndexAllOptions<Note> options = keyed();
    options.on_refused = [&](const RefusedValue& value) { positions.push_back(value.position); };
    const auto new_keys = [](Note& one) {
        one.language += " more";
        if (one.page == 1000) one.page = 5000;
    };
    EXPECT_EQ(inside.index_all(Notes(1100, new_keys), &Note::text, options).stored, 1099U);
    EXPECT_THAT(positions, ElementsAre(1000));
    EXPECT_EQ(inside.count(), 2601U);
    transaction.rollback();
    EXPECT_EQ(notes.count(), 1502U);
}

TEST_P(BulkOnDatabase, a_deadline_ends_it_and_nothing_stays) {
    auto notes = picked();
    notes.index({note(9000)}, &Note::text, {.key = &Note::language});
    Transaction holder = database->begin();
    holder.execute(Statement("LOCK TABLE " + server.schema() + ".picked IN SHARE ROW EXCLUSIVE MODE"));
    leave_no_snapshot(holder);
    IndexAllOptions<Note> options = keyed();
    options.deadline = Deadline::after(500ms);
    EXPECT_EQ(error_of([&] { notes.index_all(Notes(1500), &Note::text, options); }).code, ErrorCode::deadline_exceeded);
    holder.rollback();
    EXPECT_EQ(notes.count(), 1U);
}

}  // namespace
}  // namespace stele::test
