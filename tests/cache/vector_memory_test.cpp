// How the vectors in memory are read and kept up, on tables that can fail, block and change at every statement.
#include "cache/vector_memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "fake_entries.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;

class VectorMemoryTest : public testing::Test {
protected:
    // the ids of the rows in the direction of `unit`
    std::vector<std::int64_t> get(const std::vector<float>& unit, const std::string& name_space = "ns") {
        std::vector<std::int64_t> ids;
        for (const Candidate& found : memory.search(name_space, unit, 10'000, 0.99f, tables, Deadline::never())) {
            ids.push_back(found.id);
        }
        return ids;
    }
    // a get whose deadline passes after so many statements; whether it came to an end
    bool hurried_get(int statements) {
        tables.patience = statements;
        try {
            get(kEast);
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::deadline_exceeded);
            tables.patience.reset();
            return false;
        }
        tables.patience.reset();
        return true;
    }
    int calls_until_it_is_read(int statements) {
        int calls = 1;
        while (!hurried_get(statements) && calls < 100) ++calls;
        return calls;
    }

    // what somebody else does, and what the change log says of it
    std::int64_t add(const std::vector<float>& unit, const std::string& name_space = "ns") {
        const std::int64_t id = tables.add(name_space, unit);
        note(id, name_space);
        return id;
    }
    void replace(std::int64_t id, const std::vector<float>& unit) {
        tables.replace(id, "ns", unit);
        note(id);
    }
    void erase(std::int64_t id) {
        tables.entries.erase(id);
        memory.changed("ns", tables.hash_of(id), 7);
    }
    void note(std::int64_t id, const std::string& name_space = "ns") {
        memory.changed(name_space, tables.hash_of(id), static_cast<std::uint64_t>(tables.last_writer()));
    }

    // a put of this process; `meanwhile` comes between its commit and its return
    std::int64_t put(
        const std::vector<float>& unit, std::optional<std::int64_t> old = {},
        const std::function<void(std::int64_t id)>& meanwhile = [](std::int64_t) {}) {
        const std::int64_t id = old ? *old : next_id();
        VectorMemory::Put put(&memory, "ns", tables.hash_of(id));
        tables.replace(id, "ns", unit);
        const std::int64_t writer = tables.last_writer();
        meanwhile(id);
        put.stored(id, writer, unit);
        return id;
    }
    std::int64_t next_id() const { return tables.entries.empty() ? 1 : tables.entries.rbegin()->first + 1; }

    const std::vector<float> kEast{1, 0}, kNorth{0, 1};
    const CacheSql sql{"s"};
    test::FakeEntries tables{sql};
    VectorMemory memory{sql, 2};
};

TEST_F(VectorMemoryTest, what_others_add_replace_and_remove_costs_one_statement_and_its_own_vectors) {
    const std::int64_t first = add(kNorth), second = add(kEast);
    EXPECT_EQ(get(kEast), std::vector<std::int64_t>{second});
    const int statements = tables.statements, vectors = tables.vectors_sent;
    replace(first, kEast);
    erase(second);
    const std::int64_t third = add(kEast);
    add(kEast, "another namespace");
    EXPECT_EQ(get(kEast), (std::vector<std::int64_t>{first, third}));
    EXPECT_EQ(tables.statements - statements, 1);
    EXPECT_EQ(tables.vectors_sent - vectors, 2);
    get(kEast);
    EXPECT_EQ(tables.statements - statements, 1) << "nothing is new";
}

TEST_F(VectorMemoryTest, mended_an_eviction_of_many_makes_nobody_read_what_stays) {
    for (int i = 0; i < 1'000; ++i) add(kEast);
    get(kEast);
    const int statements = tables.statements, vectors = tables.vectors_sent;
    for (std::int64_t id = 1; id <= 500; ++id) erase(id);
    EXPECT_EQ(get(kEast).size(), 500U);
    EXPECT_EQ(tables.statements - statements, 1);
    EXPECT_EQ(tables.vectors_sent, vectors);
}

TEST_F(VectorMemoryTest, what_was_read_before_a_deadline_is_not_read_again) {
    get(kEast);
    for (int i = 0; i < 3'000; ++i) add(kEast);
    EXPECT_LT(calls_until_it_is_read(1), 10);
    EXPECT_EQ(get(kEast).size(), 3'000u);
    EXPECT_EQ(tables.vectors_sent, 3'000);
}

TEST_F(VectorMemoryTest, what_was_loaded_before_a_deadline_is_not_read_again) {
    for (int i = 0; i < 3'000; ++i) tables.add("ns", kEast);
    EXPECT_LT(calls_until_it_is_read(1), 10);
    EXPECT_EQ(get(kEast).size(), 3'000u);
    EXPECT_EQ(tables.vectors_sent, 3'000);
}

TEST_F(VectorMemoryTest, a_row_that_is_committed_behind_the_page_that_was_read_is_not_missed) {
    for (int i = 0; i < 1'500; ++i) tables.add("ns", kEast);
    const test::FakeEntries::Entry late = tables.entries.at(10);
    tables.entries.erase(10);
    int pages = 0;
    tables.before_answer = [&] {
        if (++pages != 2) return;
        tables.entries[10] = late;
        memory.changed("ns", late.hash, static_cast<std::uint64_t>(late.writer));
    };
    EXPECT_EQ(get(kEast).size(), 1'500u);
}

TEST_F(VectorMemoryTest, own_rows_are_found_at_once_and_never_read) {
    get(kEast);
    for (int i = 0; i < 100; ++i) {
        const std::int64_t id = put(kEast);
        EXPECT_EQ(get(kEast).size(), static_cast<std::size_t>(i + 1));
        note(id);  // the log tells, too
        EXPECT_EQ(get(kEast).size(), static_cast<std::size_t>(i + 1));
        put(kNorth, id, [this](std::int64_t same) { note(same); });  // or does before the put is back
        EXPECT_EQ(get(kNorth).size(), 1U);
        put(kEast, id);
    }
    EXPECT_EQ(tables.vectors_sent, 0);
}

TEST_F(VectorMemoryTest, own_rows_that_others_replace_are_read_even_while_the_put_is_under_way) {
    get(kEast);
    const std::int64_t id = put(kEast);
    replace(id, kNorth);
    EXPECT_TRUE(get(kEast).empty());
    EXPECT_EQ(get(kNorth).size(), 1u);
    put(kNorth, id, [this](std::int64_t same) {
        note(same);
        replace(same, kEast);
    });
    EXPECT_TRUE(get(kNorth).empty());
    EXPECT_EQ(get(kEast).size(), 1u);
}

TEST_F(VectorMemoryTest, of_two_own_puts_of_one_question_the_later_commit_counts_whoever_is_back_first) {
    get(kEast);
    VectorMemory::Put one(&memory, "ns", tables.hash_of(1)), two(&memory, "ns", tables.hash_of(1));
    tables.replace(1, "ns", kEast);
    const std::int64_t first = tables.last_writer();
    tables.replace(1, "ns", kNorth);
    two.stored(1, tables.last_writer(), kNorth);
    one.stored(1, first, kEast);
    EXPECT_TRUE(get(kEast).empty());
    EXPECT_EQ(get(kNorth).size(), 1u);
}

TEST_F(VectorMemoryTest, a_put_whose_end_is_not_known_is_read) {
    get(kEast);
    {
        const VectorMemory::Put lost(&memory, "ns", tables.hash_of(1));
        tables.replace(1, "ns", kEast);
    }
    EXPECT_EQ(get(kEast).size(), 1u);
}

TEST_F(VectorMemoryTest, own_vectors_are_newer_than_the_page_that_is_under_way) {
    const std::int64_t id = tables.add("ns", kNorth);
    for (const bool again : {false, true}) {
        if (again) replace(id, kNorth);
        tables.after_answer = [&] {  // the page was made before this put, and comes after it
            tables.after_answer = {};
            put(kEast, id);
        };
        get(kEast);
        EXPECT_EQ(get(kEast), std::vector<std::int64_t>{id}) << again;
        EXPECT_TRUE(get(kNorth).empty()) << again;
    }
}

TEST_F(VectorMemoryTest, a_namespace_that_came_into_memory_while_a_put_was_under_way_holds_it) {
    put(kEast, {}, [this](std::int64_t id) {
        const test::FakeEntries::Entry row = tables.entries.at(id);
        tables.entries.erase(id);  // not committed yet
        EXPECT_TRUE(get(kEast).empty());
        tables.entries[id] = row;
    });
    EXPECT_EQ(get(kEast).size(), 1u);
}

TEST_F(VectorMemoryTest, when_all_may_have_changed_all_is_read_again) {
    tables.add("ns", kEast);
    EXPECT_EQ(get(kEast).size(), 1u);
    for (const bool only_this : {true, false}) {
        tables.entries.at(1).vector = only_this ? kNorth : kEast;  // unnoticed
        EXPECT_EQ(get(kEast).size(), only_this ? 1u : 0u);
        only_this ? memory.changed("ns") : memory.all_changed();
        EXPECT_EQ(get(kEast).size(), only_this ? 0u : 1u);
    }
}

TEST_F(VectorMemoryTest, a_namespace_of_which_most_was_changed_and_nothing_asked_leaves_the_memory) {
    get(kEast);
    for (int i = 0; i < 10'001; ++i) add(kEast);
    EXPECT_EQ(memory.known("ns"), nullptr);
    EXPECT_EQ(get(kEast).size(), 10'000u) << "the limit of this search";
}

TEST_F(VectorMemoryTest, forgets_what_it_is_told_to_and_counts_what_it_has) {
    tables.add("ns", kEast);
    tables.add("ns", {});  // put without a vector
    EXPECT_EQ(get(kEast).size(), 1u);
    EXPECT_EQ(memory.size().rows, 1u);
    EXPECT_EQ(memory.size("elsewhere").rows, 0u);
    memory.forget("ns", 1);
    EXPECT_EQ(memory.size("ns").rows, 0u);
    EXPECT_TRUE(get(kEast).empty());
}

// Namespaces of more than a page come by a copy, in one snapshot, which the test makes.
class VectorMemoryCopyTest : public VectorMemoryTest {
protected:
    // all rows above `after` as they are when it begins; `between` comes before each of them
    void copy(const std::string& name_space, std::int64_t after, const std::function<void(const VectorRow&)>& row) {
        ++copies;
        const auto snapshot = tables.entries;
        for (const auto& [id, entry] : snapshot) {
            if (id <= after || entry.name_space != name_space) continue;
            if (between) between(id);
            const Bytes bytes = encode_entry_vector(entry.vector);
            row({id, entry.hash, entry.writer, bytes});
        }
    }
    std::vector<std::int64_t> get_by_copy(const std::vector<float>& unit) {
        std::vector<std::int64_t> ids;
        for (const Candidate& found : copying.search("ns", unit, 10'000, 0.99f, tables, Deadline::never())) {
            ids.push_back(found.id);
        }
        return ids;
    }
    VectorMemoryOptions by_copy() {
        return {.copy = [this](const std::string& name_space, std::int64_t after, const auto& row, Deadline) {
            copy(name_space, after, row);
        }};
    }

    int copies = 0;
    std::function<void(std::int64_t id)> between{};
    VectorMemory copying{sql, 2, by_copy()};
};

TEST_F(VectorMemoryCopyTest, a_small_namespace_is_one_statement_and_a_large_one_a_page_and_a_copy) {
    for (int i = 0; i < 1'023; ++i) tables.add("ns", kEast);
    EXPECT_EQ(get_by_copy(kEast).size(), 1'023u);
    EXPECT_EQ(copies, 0);
    copying.changed("ns");
    for (int i = 0; i < 2'000; ++i) tables.add("ns", kEast);
    EXPECT_EQ(get_by_copy(kEast).size(), 3'023u);
    EXPECT_EQ(copies, 1);
    EXPECT_EQ(tables.vectors_sent, 1'023 + 1'024) << "the rest was copied";
}

TEST_F(VectorMemoryCopyTest, what_was_copied_before_it_failed_is_not_copied_again) {
    for (int i = 0; i < 3'000; ++i) tables.add("ns", kEast);
    between = [](std::int64_t id) {
        if (id == 2'500) raise(ErrorCode::deadline_exceeded, "the test's patience is over");
    };
    EXPECT_EQ(error_of([&] { get_by_copy(kEast); }).code, ErrorCode::deadline_exceeded);
    std::int64_t first = 0;
    between = [&](std::int64_t id) { first = first == 0 ? id : first; };
    EXPECT_EQ(get_by_copy(kEast).size(), 3'000u);
    EXPECT_EQ(first, 2'500);
}

TEST_F(VectorMemoryCopyTest, what_is_changed_while_it_copies_is_as_new_as_it_was_noted) {
    for (int i = 0; i < 3'000; ++i) tables.add("ns", kEast);
    between = [this](std::int64_t id) {
        if (id != 2'000) return;
        for (const std::int64_t other : {1'500, 2'900}) {  // by others: one that was copied, one that was not
            tables.replace(other, "ns", kNorth);
            copying.changed("ns", tables.hash_of(other), static_cast<std::uint64_t>(tables.last_writer()));
        }
        for (const std::int64_t own : {1'600, 2'800}) {  // by this process
            VectorMemory::Put put(&copying, "ns", tables.hash_of(own));
            tables.replace(own, "ns", kNorth);
            put.stored(own, tables.last_writer(), kNorth);
        }
    };
    get_by_copy(kEast);
    EXPECT_EQ(get_by_copy(kNorth), (std::vector<std::int64_t>{1'500, 1'600, 2'800, 2'900}));
    EXPECT_EQ(get_by_copy(kEast).size(), 2'996u);
}

class VectorMemoryLimitTest : public VectorMemoryTest {
protected:
    void fill(const std::string& name_space, int rows) {
        for (int i = 0; i < rows; ++i) tables.add(name_space, kEast);
    }
    std::size_t found(const std::string& name_space) {
        return limited.search(name_space, kEast, 100'000, 0.99f, tables, Deadline::never()).size();
    }
    ErrorCode refusal(const std::string& name_space) {
        return error_of([&] { found(name_space); }).code;
    }

    static constexpr std::size_t kLimit = 300'000;
    VectorMemory limited{sql, 2, {.limit_bytes = kLimit}};
};

TEST_F(VectorMemoryLimitTest, the_namespace_that_was_searched_longest_ago_goes_first) {
    for (const char* name : {"a", "b", "c"}) fill(name, 1'000);
    EXPECT_EQ(found("a"), 1'000u);
    ASSERT_LT(2 * limited.size().bytes, kLimit);
    ASSERT_GT(3 * limited.size().bytes, kLimit);
    EXPECT_EQ(found("b"), 1'000u);
    EXPECT_EQ(found("a"), 1'000u);
    EXPECT_EQ(found("c"), 1'000u);
    EXPECT_EQ(limited.known("b"), nullptr);
    EXPECT_LE(limited.size().bytes, kLimit);
    EXPECT_EQ(found("b"), 1'000u) << "read again";
    EXPECT_EQ(limited.known("a"), nullptr);
}

TEST_F(VectorMemoryLimitTest, one_that_alone_is_too_large_is_refused_without_being_read_each_time) {
    fill("small", 10);
    fill("large", 5'000);
    EXPECT_EQ(refusal("large"), ErrorCode::limit_exceeded);
    EXPECT_LE(limited.size().bytes, kLimit);
    const int statements = tables.statements;
    EXPECT_EQ(refusal("large"), ErrorCode::limit_exceeded);
    EXPECT_EQ(tables.statements, statements);
    EXPECT_EQ(found("small"), 10u);

    std::erase_if(tables.entries,
                  [](const auto& row) { return row.second.name_space == "large" && row.first % 50 != 0; });
    limited.changed("large");  // it was cleared, or very many rows were changed
    EXPECT_EQ(found("large"), 100u);
}

TEST_F(VectorMemoryLimitTest, one_that_grows_too_large_by_puts_is_let_go) {
    fill("ns", 100);
    EXPECT_EQ(found("ns"), 100u);
    for (int i = 0; i < 5'000; ++i) {
        const std::int64_t id = next_id();
        VectorMemory::Put put(&limited, "ns", tables.hash_of(id));
        tables.replace(id, "ns", kEast);
        put.stored(id, tables.last_writer(), kEast);
        ASSERT_LE(limited.size().bytes, kLimit);
    }
    EXPECT_EQ(refusal("ns"), ErrorCode::limit_exceeded);
}

TEST_F(VectorMemoryTest, tombstones_of_what_others_removed_are_compacted) {
    std::vector<std::int64_t> ids;
    for (int i = 0; i < 20; ++i) ids.push_back(add(kEast));
    get(kEast);
    for (int i = 0; i < 15; ++i) erase(ids[static_cast<std::size_t>(i)]);
    EXPECT_EQ(memory.compact("elsewhere", tables, Deadline::never()), 0u);
    EXPECT_EQ(memory.compact({}, tables, Deadline::never()), 15u) << "the changes are read first";
    EXPECT_EQ(memory.size().tombstones, 0u);
    EXPECT_EQ(get(kEast).size(), 5u);
}

TEST_F(VectorMemoryTest, another_format_is_read_anew) {
    add(kEast);
    EXPECT_EQ(get(kEast).size(), 1u);
    memory.set_format(VectorFormat::float32);
    EXPECT_NE(memory.known("ns"), nullptr) << "it is this one";
    memory.set_format(VectorFormat::int8);
    EXPECT_EQ(memory.known("ns"), nullptr);
    EXPECT_EQ(get(kEast).size(), 1u);
    EXPECT_EQ(memory.known("ns")->format(), VectorFormat::int8);
}

// One thread's statement does not come back; another thread comes along.
class VectorMemoryWaitTest : public VectorMemoryTest {
protected:
    // both calls on the memory; the first blocks at its first statement until the second is over
    void expect_the_second_to_give_up(const std::function<void()>& first, const std::function<void(Deadline)>& second) {
        std::promise<void> reached, released;
        tables.before_answer = [&, blocked = false]() mutable {
            if (std::exchange(blocked, true)) return;
            reached.set_value();
            released.get_future().wait_for(10s);
        };
        std::thread blocked(first);
        reached.get_future().wait();
        const auto start = Deadline::Clock::now();
        const ErrorInfo error = error_of([&] { second(Deadline::after(30ms)); });
        EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
        EXPECT_THAT(error.message, testing::HasSubstr("another thread"));
        EXPECT_LT(Deadline::Clock::now() - start, 5s);
        released.set_value();
        blocked.join();
        tables.before_answer = {};
    }
};

TEST_F(VectorMemoryWaitTest, a_get_waits_no_longer_than_its_deadline_for_a_thread_that_reads) {
    const auto search = [this](Deadline deadline) { memory.search("ns", kEast, 1, 0, tables, deadline); };
    get(kEast);
    add(kEast);
    expect_the_second_to_give_up([&] { search(Deadline::never()); }, search);
    EXPECT_EQ(get(kEast).size(), 1u);
}

TEST_F(VectorMemoryWaitTest, a_get_waits_no_longer_than_its_deadline_for_a_thread_that_loads) {
    tables.add("ns", kEast);
    const auto search = [this](Deadline deadline) { memory.search("ns", kEast, 1, 0, tables, deadline); };
    expect_the_second_to_give_up([&] { search(Deadline::never()); }, search);
    EXPECT_EQ(get(kEast).size(), 1u);
}

}  // namespace
}  // namespace stele
